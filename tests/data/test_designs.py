"""New input becomes the same X, in this process and in a fresh one, or is refused by name."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bayesml.data import Data, Design, design_from_config
from bayesml.data.formulas.encoding import from_json, to_json
from bayesml.errors import DataError

M = 60


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "y": rng.normal(size=M),
            "x": rng.uniform(1, 3, M),
            "z": rng.normal(size=M).astype(np.float32),
            "g": rng.choice(["a", "b", "c"], M),
            "k": rng.integers(1, 4, M),
            "dose": rng.choice([0.5, 1.0, 2.0], M),
            "flag": rng.random(M) < 0.5,
            "my col": rng.normal(size=M),
        },
        index=[f"r{i}" for i in range(M)],
    )
    made["size"] = pd.Categorical(
        rng.choice(["small", "large"], M), ["tiny", "small", "large"], ordered=True
    )
    made["cut"] = pd.cut(made["x"], [0, 1.5, 2, 3])
    return made


FORMULAS = [
    "y ~ 1",
    "y ~ x + z",
    "y ~ x * g",
    "y ~ 0 + g + x:g",
    "y ~ g * size - 1",
    "y ~ C(k) + C(dose) + C(flag) + cut",
    "y ~ k + C(k, contr.sum) + C(g, contr.treatment('b'))",
    "y ~ C(k, contr.poly) + C(g, contr.helmert) + C(dose, contr.diff)",
    "y ~ center(x) + scale(z) + standardize(k)",
    "y ~ poly(x, 3) + poly(z, 2, raw=True)",
    "y ~ bs(x, df=4) + bs(z, df=5, degree=2, extrapolation='clip')",
    "y ~ cr(x, df=4) + cc(z, df=3)",
    "y ~ poly(x, 2):g + center(x):center(z)",
    "y ~ center(np.log(x)) + np.exp(scale(z))",
    "y ~ I(x**2) + {x ** 2 / (1 + z ** 2)} + np.where(x > 2, x, 0) + {g == 'a'}",
    "y ~ `my col` + center(`my col`) + Q('my col')",
    "y ~ hashed(g, levels=4)",
    "y ~ flag + flag:x + size",
    "np.log(y**2) ~ x",
    "scale(y) ~ x",
    "{y + 2 * z} ~ x",
    "y ~ . - cut",
]


def through_json(design: Design) -> Design:
    return design_from_config(json.loads(json.dumps(design.to_config(), allow_nan=False)))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_gives_the_training_matrix_again(formula: str, frame: pd.DataFrame) -> None:
    data = Data.from_formula(formula, frame)
    again = through_json(data.design)
    assert again == data.design
    for design in (data.design, again):
        np.testing.assert_array_equal(design.matrix(frame), data.X)
        np.testing.assert_array_equal(design.target(frame), data.y)
    assert again.matrix(frame).shape == (M, len(data.feature_names))


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_row_of_x_depends_on_its_own_row_only(formula: str, frame: pd.DataFrame) -> None:
    data = Data.from_formula(formula, frame)
    few = frame.iloc[[7, 3, 3]]
    np.testing.assert_array_equal(data.design.matrix(few), data.X[[7, 3, 3]])
    if "hashed" not in formula:  # formulaic cannot hash a column without rows
        np.testing.assert_array_equal(data.design.matrix(frame.iloc[:0]), data.X[:0])
    np.testing.assert_array_equal(data.design.target(few), data.y[[7, 3, 3]])


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_kind_of_frame_gives_the_same_columns(formula: str, frame: pd.DataFrame) -> None:
    data = Data.from_formula(formula, frame)
    plain = {name: frame[name].to_list() for name in frame}
    sizes = pl.Enum(["tiny", "small", "large"])
    cuts = pl.Enum([str(interval) for interval in frame["cut"].cat.categories])
    polars = pl.DataFrame({**plain, "cut": frame["cut"].astype(str).to_list()}).with_columns(
        pl.col("size").cast(sizes), pl.col("g").cast(pl.Categorical), pl.col("cut").cast(cuts)
    )
    np.testing.assert_array_equal(data.design.matrix(polars), data.X)
    np.testing.assert_array_equal(Data.from_formula(formula, polars).X, data.X)
    columns = {**plain, "size": frame["size"], "cut": frame["cut"], "z": frame["z"].to_numpy()}
    np.testing.assert_array_equal(Data.from_formula(formula, columns).X, data.X)


FRESH = """
import json, sys
import numpy as np
import pandas as pd
from bayesml.data import design_from_config

folder = sys.argv[1]
frame = pd.read_pickle(f"{folder}/frame.pickle")
for i, config in enumerate(json.load(open(f"{folder}/configs.json"))):
    np.save(f"{folder}/{i}.npy", design_from_config(config).matrix(frame))
"""


def test_a_fresh_process_predicts_the_same_to_the_last_bit(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    made = [Data.from_formula(formula, frame) for formula in FORMULAS]
    configs = [data.design.to_config() for data in made]
    (tmp_path / "configs.json").write_text(json.dumps(configs))
    new = frame.iloc[::-3].drop(columns="y")
    new.to_pickle(tmp_path / "frame.pickle")
    subprocess.run([sys.executable, "-c", FRESH, str(tmp_path)], check=True)
    for i, data in enumerate(made):
        there = np.load(tmp_path / f"{i}.npy")
        assert there.tobytes() == data.design.matrix(new).tobytes()


def test_training_state_is_used_not_that_of_the_new_rows(frame: pd.DataFrame) -> None:
    data = Data.from_formula("y ~ center(x) + scale(z)", frame)
    new = frame.assign(x=frame["x"] + 5, z=frame["z"] * 3)
    expected = np.stack(
        [
            new["x"] - frame["x"].mean(),
            (new["z"].astype(float) - frame["z"].astype(float).mean())
            / frame["z"].astype(float).std(),
        ],
        axis=1,
    )
    np.testing.assert_allclose(data.design.matrix(new), expected, rtol=1e-12)


REFUSED_BY_FORMULA: dict[str, tuple[Callable[[pd.DataFrame], Any], str]] = {
    "an unseen level": (
        lambda f: f.assign(g=f["g"].where(f["x"] < 2.9, "q")),
        r"g is 'q' in row r\d+ .*never had; its levels are 'a', 'b', 'c'",
    ),
    "an unseen number": (lambda f: f.assign(k=7), r"C\(k\) is 7 in .* levels are 1, 2, 3"),
    "a level seen only as unused": (lambda f: f.assign(size="tiny"), "size is 'tiny'"),
    "text for a number": (lambda f: f.assign(x="q"), "'x' has dtype str where numbers"),
    "numbers for text": (
        lambda f: f.assign(g=1),
        "g is '1' in row .*which the training rows never had",
    ),
    "text for levels": (lambda f: f.assign(k="1"), "'k' holds text, but its levels .* numbers"),
    "a missing column": (lambda f: f.drop(columns="g"), "needs the column 'g'"),
    "a misspelt column": (
        lambda f: f.rename(columns={"dose": "does"}),
        r"needs the column 'dose' \(did you mean 'does'\?\)",
    ),
    "missing values": (
        lambda f: f.assign(x=f["x"].where(f.index != "r3"), g=f["g"].where(f.index != "r5")),
        r"row r3 \(position 3\), row r5 .*\(missing by column: x: 1, g: 1\); drop",
    ),
    "an infinity": (lambda f: f.assign(x=np.inf), "column 'x' has 60 values.*inf in row r0"),
    "out of the domain": (
        lambda f: f.assign(x=f["x"].where(f.index != "r2", -1)),
        r"X has 1 value that is not finite: nan in row r2 .* of 'np.log\(x\)'",
    ),
    "an array": (lambda f: f[["x"]].to_numpy(), "needs a frame .*not ndarray"),
    "a row": (lambda f: f.iloc[0], "needs a frame .*not Series"),
}


@pytest.mark.parametrize("case", REFUSED_BY_FORMULA)
def test_a_formula_refuses_rows_that_do_not_fit(case: str, frame: pd.DataFrame) -> None:
    data = Data.from_formula("y ~ np.log(x) + g + C(k) + C(dose) + size", frame)
    change, message = REFUSED_BY_FORMULA[case]
    for design in (data.design, through_json(data.design)):
        with pytest.raises(DataError, match=message):
            design.matrix(change(frame))


def test_a_spline_refuses_to_extrapolate_unless_told(frame: pd.DataFrame) -> None:
    far = frame.assign(x=99.0)
    with pytest.raises(
        DataError, match=r"bs\(x, df=4\) learned its knots from .*extrapolation='extend'"
    ):
        Data.from_formula("y ~ bs(x, df=4)", frame).design.matrix(far)
    clipped = Data.from_formula("y ~ bs(x, df=4, extrapolation='clip')", frame)
    assert np.isfinite(clipped.design.matrix(far)).all()


def test_columns_a_formula_does_not_read_may_hold_anything(frame: pd.DataFrame) -> None:
    data = Data.from_formula("y ~ x + g", frame)
    other = frame.assign(z="text", k=None, extra=pd.Timestamp("2020"))
    np.testing.assert_array_equal(data.design.matrix(other), data.X)


@pytest.mark.parametrize("kind", [dict, pd.DataFrame, pl.DataFrame])
def test_a_formula_that_reads_no_column_still_counts_the_rows(kind: Any) -> None:
    data = Data.from_formula("y ~ 1", kind({"y": [1.0, 2.0, 4.0]}))
    assert data.design.matrix(kind({"other": ["p", "q"]})).shape == (2, 0)


def test_the_target_of_new_rows(frame: pd.DataFrame) -> None:
    design = Data.from_formula("np.log(y**2) ~ x", frame).design
    np.testing.assert_allclose(design.target(frame), np.log(frame["y"] ** 2), rtol=1e-14)
    assert design.target(frame.drop(columns="y")) is None
    assert design.target(frame.assign(y=np.nan)) is None
    assert design.target(frame.to_numpy()) is None
    with pytest.raises(DataError, match=r"missing values in row r1 \(position 1\)"):
        design.target(frame.assign(y=frame["y"].where(frame.index != "r1")))
    with pytest.raises(DataError, match=r"y has 60 values .*: -inf"):
        design.target(frame.assign(y=0.0))


# Frames and arrays


NUMBERS = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4, 5, 6]}, index=list("uvw"))


@pytest.fixture
def framed() -> Design:
    target = pd.Series([1.0, 2.0, 4.0], index=NUMBERS.index, name="t")
    weights = pd.Series([1.0, 2.0, 4.0], index=NUMBERS.index, name="w")
    return Data(NUMBERS, target, observation_weights=weights).design


@pytest.mark.parametrize(
    "new",
    [
        NUMBERS,
        NUMBERS[["b", "a"]],
        NUMBERS.assign(t=0),
        NUMBERS.assign(w="text", t=None),
        pl.DataFrame({"b": [4, 5, 6], "a": [1, 2, 3]}),
        {"b": [4, 5, 6], "a": np.array([1, 2, 3])},
    ],
)
def test_a_frame_is_realigned_by_name(framed: Design, new: Any) -> None:
    for design in (framed, through_json(framed)):
        np.testing.assert_array_equal(design.matrix(new), NUMBERS.to_numpy())


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (NUMBERS[["a"]], r"needs the column 'b' \(there are: 'a'\)"),
        (NUMBERS.rename(columns={"a": "A"}), "needs the column 'a'"),
        (NUMBERS.assign(c=1), r"did not have: 'c'; select .*frame\[\['a', 'b'\]\]"),
        (NUMBERS.where(NUMBERS != 2), r"nan in row v \(position 1\) of 'a'"),
        (NUMBERS.assign(b="q"), "'b' has dtype str"),
        (NUMBERS.to_numpy(), r"came from a frame.*not ndarray.*by name"),
        (NUMBERS.iloc[0], r"not Series.*frame\.iloc\[\[i\]\]"),
        ({"a": [1, 2], "b": [1]}, "one length"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(framed: Design, new: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        framed.matrix(new)


def test_the_target_of_a_frame(framed: Design) -> None:
    target = framed.target(NUMBERS.assign(t=[7, 8, 9]))
    assert target is not None
    assert target.tolist() == [7, 8, 9]
    assert framed.target(NUMBERS) is None
    assert framed.target(NUMBERS.assign(t=np.nan)) is None
    assert framed.target(NUMBERS.to_numpy()) is None
    with pytest.raises(DataError, match=r"column 't' has 1 value.*row v"):
        framed.target(NUMBERS.assign(t=[7, np.nan, 9]))


def test_arrays_are_read_by_position_and_frames_by_name() -> None:
    design = Data(NUMBERS.to_numpy(), [1, 2, 4], feature_names=["a", "b"]).design
    for again in (design, through_json(design)):
        np.testing.assert_array_equal(again.matrix(NUMBERS.to_numpy()), NUMBERS.to_numpy())
        np.testing.assert_array_equal(again.matrix(NUMBERS[["b", "a"]]), NUMBERS.to_numpy())
        assert again.matrix([[1, 2]]).dtype == np.float64
        assert again.matrix(np.empty((0, 2), dtype=np.float32)).shape == (0, 2)
    target = design.target(NUMBERS.assign(y=[7, 8, 9]))
    assert target is not None
    assert target.tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ([1.0, 2.0], r"X\[None, :\] for one row"),
        ([[1.0]], "X has 1 column, but the data had 2 features: 'a', 'b'"),
        (np.ones((2, 3)), "X has 3 columns"),
        ([[1.0, np.nan]], "nan in row 0 of 'b'"),
        ([["q", 1]], "text"),
        (NUMBERS.assign(c=1), "did not have: 'c'"),
        (NUMBERS[["a"]], "needs the column 'b'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(new: Any, message: str) -> None:
    design = Data(NUMBERS.to_numpy(), [1, 2, 4], feature_names=["a", "b"]).design
    with pytest.raises(DataError, match=message):
        design.matrix(new)


def test_only_formulas_say_whether_there_is_an_intercept(frame: pd.DataFrame) -> None:
    assert Data(NUMBERS, [1, 2, 4]).design.has_intercept is None
    assert Data(NUMBERS.to_numpy(), [1, 2, 4]).design.has_intercept is None
    assert Data.from_formula("y ~ x", frame).design.has_intercept is True
    assert Data.from_formula("y ~ 0 + x", frame).design.has_intercept is False


@pytest.mark.parametrize("config", [{}, {"kind": "magic"}, {"kind": "array"}])
def test_a_config_that_describes_no_design_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"not a kind of design|lacks"):
        design_from_config(config)


# What transformations learned, as JSON


@pytest.mark.parametrize(
    "value",
    [
        {},
        {0: 0.1, 1: 1 / 3, "text": [None, True, {"deep": [1, 5e-324]}]},
        {"knots": [0.1 + 0.2, -1e300], "constraints": np.array([[1 / 3, 2.0], [0.1, -0.0]])},
        np.array(1 / 3),
        np.arange(3),
        [],
    ],
)
def test_encoding_is_exact(value: Any) -> None:
    again = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    np.testing.assert_equal(again, value)
    assert to_json(again) == to_json(value)


@pytest.mark.parametrize("value", [object(), {"f": print}, [float("nan")], np.array(["a"]), 1j])
def test_what_cannot_be_stored_is_refused(value: Any) -> None:
    with pytest.raises(DataError, match="cannot be stored with the model"):
        to_json(value)
