"""Parquet files stream in: the same formulas, levels, checks and answers as in memory."""

import io
import math
import pickle
import weakref
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesml as bm
from bayesml.data import Block, optional
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError, DataWarning, MissingDependencyError

ROWS = 25_000
SPLIT = 11_000


def examples(rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "a": rng.normal(1e3, 1.0, ROWS),
            "b": rng.gamma(2.0, 1.0, ROWS),
            "g": np.sort(rng.choice(["u", "v", "w"], ROWS))[::-1],  # levels come one file a time
            "k": rng.integers(0, 4, ROWS),
            "c": pd.Categorical(rng.choice(["lo", "hi"], ROWS), categories=["lo", "mid", "hi"]),
            "w": rng.integers(0, 3, ROWS).astype(float),
            "single": rng.normal(size=ROWS).astype(np.float32),
            "flag": rng.random(ROWS) < 0.3,
        }
    )
    frame["y"] = frame.a - 1e3 - frame.b + 2.0 * (frame.g == "v") + rng.normal(size=ROWS)
    return frame


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    return examples(rng)


@pytest.fixture
def folder(tmp_path: Path, frame: pd.DataFrame) -> Path:
    written = tmp_path / "data"
    written.mkdir()
    write(frame, written)
    return written


def write(frame: pd.DataFrame, folder: Path) -> None:
    frame[:SPLIT].to_parquet(folder / "1.parquet", row_group_size=3000)
    frame[SPLIT:].to_parquet(folder / "2.parquet")


def files(folder: Path) -> list[Path]:
    return [folder / "1.parquet", folder / "2.parquet"]


def statistics(data: bm.Data) -> SufficientStatistics:
    return data.reduce(SufficientStatistics.of, add)


def gram(s: SufficientStatistics) -> np.ndarray:
    scale = np.linalg.norm(s.R, axis=0)
    return np.asarray((s.R / scale).T @ (s.R / scale))


FORMULAS = [
    ("y ~ a + b", ""),
    ("y ~ b + single + flag + k", ""),
    ("np.log(b) ~ a:y + {a / y}", ""),
    ("y ~ . - w", "once"),
    ("y ~ g * b", "once"),
    ("y ~ 0 + C(k) + c", "once"),
    ("y ~ C(k, contr.sum)", "once"),
    ("y ~ C(np.floor(b)) + a", "once"),
    ("y ~ C(g, levels=['w', 'v', 'u'])", "once"),
    ("scale(y) ~ center(a) + scale(b, ddof=0) + standardize(single)", "once"),
    ("y ~ scale(a, center=False) + scale(b, center=1.5, scale=2.0)", "once"),
    ("y ~ scale(np.log(b)) + center(a):g", "once"),
    ("y ~ poly(a, 3) + poly(b, 2, raw=True)", "4 times"),
    ("y ~ scale(center(a))", "2 times"),
    ("y ~ bs(b, knots=[1, 2])", "once"),
    ("y ~ cr(b, knots=[1, 2]) - 1", "once"),
]


@pytest.mark.parametrize(("formula", "passes"), FORMULAS)
def test_a_formula_means_the_same_as_in_memory(folder: Path, formula: str, passes: str) -> None:
    held = bm.Data.from_formula(formula, pd.read_parquet(files(folder)), observation_weights="w")
    streamed = bm.Data.from_parquet(files(folder), formula, observation_weights="w")
    assert streamed.feature_names == held.feature_names
    assert streamed.target_name == held.target_name
    assert streamed.design.has_intercept == held.design.has_intercept
    assert (streamed.m, streamed.n) == (held.m, held.n)
    assert close(streamed.design.to_config(), held.design.to_config())
    np.testing.assert_allclose(gram(statistics(streamed)), gram(statistics(held)), atol=1e-12)
    assert (passes in streamed.first_pass) if passes else streamed.first_pass == ""


def test_a_column_named_as_a_transformation_is_not_taken_for_it(tmp_path: Path) -> None:
    """Columns of numbers are read as they are where terms name them, and nowhere else."""
    frame = pd.DataFrame(
        {"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 5.0], "log(x)": [7.0, 8.0, 6.0, 9.0]}
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    log, stated = np.log(frame["x"]), frame["log(x)"]
    for formula, y, X in (
        ("y ~ log(x) + offset(`log(x)`)", frame["y"], [log, stated]),
        ("y ~ `log(x)` + offset(x)", frame["y"], [stated, frame["x"]]),
        ("log(x) ~ `log(x)`", log, [stated]),
    ):
        (block,) = bm.Data.from_parquet(tmp_path / "rows.parquet", formula).blocks()
        np.testing.assert_allclose(block.y, y, rtol=1e-15)
        np.testing.assert_allclose(block.X, np.column_stack(X), rtol=1e-15)


def close(one: Any, other: Any) -> bool:
    """Compare nested JSON, numbers to 1e-12, dicts of encoded states in any order."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        if set(one) == {"dict"}:
            one, other = ({str(k): v for k, v in d["dict"]} for d in (one, other))
        return set(one) == set(other) and all(close(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(close, one, other))
    return bool(one == other)


def test_rows_come_in_order_as_float64_blocks(folder: Path, frame: pd.DataFrame) -> None:
    streamed = bm.Data.from_parquet(folder, target="y", features=["b", "single", "flag", "k"])
    blocks = list(streamed.blocks())
    assert {block.X.dtype for block in blocks} == {np.dtype(np.float64)}
    wanted = frame[["b", "single", "flag", "k"]].to_numpy(dtype=np.float64)
    np.testing.assert_array_equal(np.concatenate([block.X for block in blocks]), wanted)
    np.testing.assert_array_equal(np.concatenate([block.y for block in blocks]), frame.y)
    collected = streamed.collect()
    np.testing.assert_array_equal(collected.X, wanted)
    assert collected.in_memory
    assert not streamed.in_memory
    assert collected.collect() is collected


def test_columns_are_all_but_the_target_and_the_weights(folder: Path, frame: pd.DataFrame) -> None:
    frame[["a", "b", "y", "w"]].to_parquet(folder / "1.parquet")
    streamed = bm.Data.from_parquet(folder / "1.parquet", target="y", observation_weights="w")
    assert streamed.feature_names == ("a", "b")
    assert streamed.first_pass == ""
    assert repr(streamed) == (
        "Data(25000 rows streamed from 1 Parquet file, weighted, 2 features: a, b; target y)"
    )
    held = bm.Data(frame[["a", "b"]], frame.y, observation_weights=frame.w)
    np.testing.assert_allclose(gram(statistics(streamed)), gram(statistics(held)), atol=1e-12)


@pytest.mark.parametrize(
    "method",
    [
        bm.MLE(),
        bm.MAP(),
        bm.Exact(),
        pytest.param(bm.NUTS(draws=400, tune=200, progress=False), marks=pytest.mark.slow),
    ],
)
def test_every_linear_gaussian_method_learns_from_a_stream(folder: Path, method: Any) -> None:
    formula = "y ~ scale(a) + b + g"
    held = bm.Data.from_formula(formula, pd.read_parquet(files(folder)))
    other = bm.fit(bm.Model(), bm.Data.from_parquet(folder, formula), method, rng=1)
    sampled = other.kind == "sampled"
    one = bm.fit(bm.Model(), held, bm.Exact() if sampled else method, rng=1)
    assert "streamed from 2 Parquet files" in str(other)
    error = (one.summary()["mean"] - other.summary()["mean"]).abs() / one.summary().iloc[:, 1]
    assert error.max() < (0.2 if sampled else 1e-9)
    assert set(other.idata.children) == {"posterior", "sample_stats", "constant_data"}


def test_what_needs_rows_in_memory_says_so_and_reads_nothing(folder: Path) -> None:
    streamed = bm.Data.from_parquet(folder, "y ~ a")
    for attribute in ("X", "y", "observation_weights"):
        with pytest.raises(DataError, match=r"streamed from 2 Parquet files.*data\.collect\(\)"):
            getattr(streamed, attribute)
    with pytest.raises(bm.IncompatibleModelError, match=r"GB.*data\.collect\(\)"):
        bm.fit(bm.Model(bm.Linear(), bm.StudentT()), streamed, bm.NUTS(progress=False))


def test_groups_of_rows_stream(folder: Path) -> None:
    formula = "y ~ b + g"
    held = bm.fit(bm.Model(), bm.Data.from_formula(formula, pd.read_parquet(files(folder))), rng=1)
    streamed = bm.fit(bm.Model(), bm.Data.from_parquet(folder, formula), rng=1)
    groups = [
        fit.to_datatree(draws=2, chains=1, log_likelihood=True, posterior_predictive=True)
        for fit in (held, streamed)
    ]
    draws = {name: v.to_numpy()[0] for name, v in groups[1]["posterior"].data_vars.items()}
    eta = draws["intercept"][:, None] + draws["weights"] @ np.asarray(held.data.X).T
    expected = bm.Gaussian().log_density(held.data.y, eta, {"sigma": draws["sigma"][:, None]})
    np.testing.assert_allclose(groups[1]["log_likelihood"]["y"].to_numpy()[0], expected, rtol=1e-7)
    one, other = (tree["posterior_predictive"]["y"].to_numpy() for tree in groups)
    assert abs((one - other).mean()) < 5 * (one - other).std() / np.sqrt(one.size)


def test_a_fit_is_saved_without_the_rows(folder: Path, tmp_path: Path) -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_parquet(folder, "y ~ scale(a) + g"), rng=1)
    fit.save(tmp_path / "fit.nc")
    loaded = bm.load(tmp_path / "fit.nc")
    new = {"a": [1e3, 1001.0], "g": ["u", "w"]}
    np.testing.assert_array_equal(loaded.predict(new).mean, fit.predict(new).mean)
    assert repr(loaded.data) == repr(fit.data.summarised())
    with pytest.raises(DataError, match="which are not here"):
        loaded.data.collect()


HOLES = {"a": 7, "g": SPLIT + 3, "w": 20_000}


@pytest.fixture
def holed(frame: pd.DataFrame, folder: Path) -> Path:
    for name, row in HOLES.items():
        frame.loc[row, name] = None if name == "g" else np.nan
    write(frame, folder)
    return folder


def test_missing_values_are_named_by_file_and_row(holed: Path) -> None:
    message = r"missing values in row 7 of 1.parquet \(missing by column: a: 1\); fill"
    with pytest.raises(DataError, match=message):
        bm.Data.from_parquet(holed, "y ~ a + g")  # in the pass for the levels
    with pytest.raises(DataError, match=message):
        bm.Data.from_parquet(holed, "y ~ a").collect()
    with pytest.raises(DataError, match=r"nan in row 7 of 1\.parquet of 'a'"):
        bm.Data.from_parquet(holed, target="y", features=["b", "a"]).collect()
    with pytest.raises(DataError, match=r"observation_weights .* nan in row 9000 of 2.parquet"):
        bm.Data.from_parquet(holed, target="y", features=["b"], observation_weights="w").collect()


@pytest.mark.parametrize("formula", ["y ~ a + g", "y ~ a + b"])
def test_missing_rows_are_dropped_aloud(holed: Path, formula: str) -> None:
    with pytest.warns(
        DataWarning, match=r"dropped \d of 25000 rows .* row 7 of 1.parquet"
    ) as warned:
        streamed = bm.Data.from_parquet(holed, formula, missing="drop", observation_weights="w")
    assert warned[0].filename == __file__
    with pytest.warns(DataWarning):
        held = bm.Data.from_formula(
            formula, pd.read_parquet(files(holed)), missing="drop", observation_weights="w"
        )
    assert streamed.m == held.m < ROWS
    np.testing.assert_allclose(gram(statistics(streamed)), gram(statistics(held)), atol=1e-12)


def test_missing_rows_of_columns_are_dropped_aloud(holed: Path, frame: pd.DataFrame) -> None:
    with pytest.warns(DataWarning, match=r"dropped 1 of 25000 .* \(missing by column: a: 1\)") as w:
        streamed = bm.Data.from_parquet(holed, target="y", features=["a", "b"], missing="drop")
    assert w[0].filename == __file__
    assert "before, for rows with missing values" in streamed.first_pass
    kept = frame[["a", "b"]].dropna().to_numpy()
    np.testing.assert_array_equal(streamed.collect().X, kept)


def test_a_row_is_named_right_after_others_were_dropped(holed: Path, frame: pd.DataFrame) -> None:
    frame.loc[9, "b"] = np.inf
    write(frame, holed)
    with pytest.raises(DataError, match=r"inf in row 9 of 1.parquet"):
        bm.Data.from_parquet(holed, "y ~ a + b", missing="drop")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"formula": "y ~ q"}, "'q' is not a column"),
    ({"formula": "y ~ a + h"}, "'h' is not a column"),
    ({"formula": "y ~ a", "target": "y"}, "not both"),
    ({"formula": "y ~ bs(a, df=5)"}, "quantiles of all rows.*give the knots"),
    ({"formula": "y ~ cr(a, knots=[999, 1001], constraints='center')"}, "all rows"),
    ({"formula": "y ~ a", "missing": "skip"}, "it is 'raise' or 'drop'"),
    ({"formula": "y ~ a", "observation_weights": [1.0]}, "the name of a column"),
    ({}, "target is missing"),
    ({"target": "yy"}, "did you mean"),
    ({"target": "y", "features": "a"}, "a list of column names"),
    ({"target": "y", "features": ["a", "a"]}, "more than once"),
    ({"target": "y", "features": ["a", "y"]}, "also among the features"),
    ({"target": "y", "features": ["a", "g"]}, "'g' has dtype string where numbers are needed"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_cannot_be_is_refused_at_the_door(
    folder: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        bm.Data.from_parquet(folder, **arguments)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        bm.Data.from_parquet(tmp_path / "no.parquet", "y ~ a")
    with pytest.raises(DataError, match="no Parquet file in"):
        bm.Data.from_parquet(tmp_path, "y ~ a")
    with pytest.raises(DataError, match="paths is empty"):
        bm.Data.from_parquet([], "y ~ a")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"no")
    with pytest.raises(DataError, match=r"broken\.parquet cannot be read as Parquet"):
        bm.Data.from_parquet(broken, "y ~ a")
    pd.DataFrame({"y": [], "a": []}, dtype=float).to_parquet(broken)
    for arguments in ({"formula": "y ~ a"}, {"formula": "y ~ center(a)"}, {"target": "y"}):
        with pytest.raises(DataError, match="no rows"):
            bm.Data.from_parquet(broken, **arguments)


def test_a_domain_is_named_by_file_and_row(folder: Path, frame: pd.DataFrame) -> None:
    frame.loc[SPLIT + 5, "b"] = -1.0
    write(frame, folder)
    with pytest.raises(DataError, match=r"row 5 of 2\.parquet of 'np\.log\(b\)'.*outside its"):
        bm.Data.from_parquet(folder, "y ~ np.log(b)").collect()


def test_weights_are_checked(folder: Path, frame: pd.DataFrame) -> None:
    frame["w"] = 0.0
    write(frame, folder)
    for arguments in ({"formula": "y ~ b"}, {"target": "y", "features": ["b"]}):
        with pytest.raises(DataError, match="zero everywhere"):
            bm.Data.from_parquet(folder, observation_weights="w", **arguments).collect()
    frame.loc[12_000, "w"] = -1.0
    write(frame, folder)
    for arguments in ({"formula": "y ~ b"}, {"target": "y", "features": ["b"]}):
        with pytest.raises(DataError, match=r"negative in row 1000 of 2\.parquet"):
            bm.Data.from_parquet(folder, observation_weights="w", **arguments).collect()


def test_a_file_that_changed_in_between_is_noticed(folder: Path, frame: pd.DataFrame) -> None:
    frame.loc[3, "a"] = np.nan
    write(frame, folder)
    with pytest.warns(DataWarning):
        streamed = bm.Data.from_parquet(folder, "y ~ a", missing="drop")
    frame.loc[4, "a"] = np.nan
    write(frame, folder)
    with pytest.raises(DataError, match=r"changed in between|cannot be read as Parquet"):
        streamed.collect()


def test_hive_folders_have_their_keys_as_columns(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "hive", partition_cols=["k"])
    streamed = bm.Data.from_parquet(tmp_path / "hive", "y ~ C(k) + b")
    held = bm.Data.from_formula("y ~ C(k) + b", frame)
    np.testing.assert_allclose(gram(statistics(streamed)), gram(statistics(held)), atol=1e-12)
    with pytest.raises(DataError, match=r"row 0 of k=0/.*\.parquet"):
        bm.Data.from_parquet(tmp_path / "hive", "y ~ np.log(b - 1e9)").collect()


def test_files_of_polars_and_of_large_strings(tmp_path: Path, frame: pd.DataFrame) -> None:
    columns = frame[["a", "b", "g", "y"]]
    pl.from_pandas(columns).write_parquet(tmp_path / "polars.parquet")
    streamed = bm.Data.from_parquet(tmp_path / "polars.parquet", "y ~ g + b")
    held = bm.Data.from_formula("y ~ g + b", columns)
    np.testing.assert_allclose(gram(statistics(streamed)), gram(statistics(held)), atol=1e-12)


def test_integers_with_nulls_are_missing_values(tmp_path: Path) -> None:
    table = pa.table({"y": [1.0, 2.0, 4.0], "k": pa.array([1, None, 3])})
    pq.write_table(table, tmp_path / "n.parquet")
    with pytest.raises(DataError, match=r"missing values in row 1 of n\.parquet"):
        bm.Data.from_parquet(tmp_path / "n.parquet", "y ~ k").collect()


def test_a_block_is_let_go_before_the_next_but_one(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """Memory is bounded by what is alive at a time, whatever an allocator keeps for later."""
    path, m = tmp_path / "long.parquet", 200_000
    columns = {f"x{j}": rng.normal(size=m) for j in range(20)}
    pq.write_table(pa.table(columns | {"y": columns["x0"]}), path, row_group_size=20_000)
    streamed = bm.Data.from_parquet(path, target="y")
    seen: list[weakref.ref[Any]] = []
    most_rows = most_alive = 0

    def look(block: Block) -> int:
        nonlocal most_rows, most_alive
        seen.append(weakref.ref(block.X))
        most_rows = max(most_rows, len(block.y))
        most_alive = max(most_alive, sum(one() is not None for one in seen))
        return len(block.y)

    assert streamed.reduce(look, add) == m
    assert most_rows <= m / 5
    assert most_alive <= 2


def test_a_bar_is_shown_on_a_terminal_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    streamed = bm.Data.from_parquet(folder, "y ~ g")
    assert "".join(capsys.readouterr()) == ""
    import rich.console

    screen = io.StringIO()
    real = rich.console.Console
    monkeypatch.setattr(
        rich.console, "Console", lambda **_: real(file=screen, force_terminal=True, width=120)
    )
    streamed.reduce(lambda block: 0, add)
    assert "reading" in screen.getvalue()
    quiet = bm.Data.from_parquet(folder, "y ~ g", progress=False)
    shown = screen.getvalue()
    quiet.reduce(lambda block: 0, add)
    assert screen.getvalue() == shown


def test_a_package_that_is_missing_is_named_with_the_way_to_get_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(optional, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[parquet\]'"):
        bm.Data.from_parquet(folder, "y ~ a")


def test_data_of_a_formula_can_be_sent_elsewhere(folder: Path) -> None:
    streamed = bm.Data.from_parquet(folder, "y ~ scale(a) + g")
    before = statistics(streamed)
    sent = pickle.loads(pickle.dumps(streamed.source.reader))
    assert sent.design == streamed.source.reader.design
    np.testing.assert_array_equal(before.R, statistics(streamed).R)
