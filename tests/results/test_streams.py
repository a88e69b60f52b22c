"""Prediction from Parquet to Parquet: the numbers of `predict`, in bounded memory."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bayesml as bm
from bayesml.errors import ConvergenceWarning, DataError

ROWS = 3000


@pytest.fixture
def new(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": np.arange(ROWS),
            "a": rng.normal(size=ROWS),
            "g": rng.choice(["u", "v"], ROWS),
            "unread": ["text"] * ROWS,
        }
    )


@pytest.fixture
def source(new: pd.DataFrame, tmp_path: Path) -> Path:
    new.to_parquet(tmp_path / "new.parquet", row_group_size=1000)
    return tmp_path / "new.parquet"


def learned(rng: np.random.Generator, method: Any = None) -> bm.Fit:
    frame = pd.DataFrame({"a": rng.normal(size=60), "g": ["u", "v"] * 30})
    frame["y"] = 2 * frame.a + rng.normal(size=60)
    return bm.fit(bm.Model(), bm.Data.from_formula("y ~ scale(a) * g", frame), method, rng=1)


def test_the_file_holds_what_predict_gives(
    rng: np.random.Generator, new: pd.DataFrame, source: Path, tmp_path: Path
) -> None:
    fit, target = learned(rng), tmp_path / "out.parquet"
    assert fit.predict_parquet(source, target, 0.8, keep=["key"]) == ROWS
    written, wanted = pd.read_parquet(target), fit.predict(new)
    assert list(written) == [
        "key", "mean", "sd", "epistemic_sd", "aleatoric_sd", "lower", "upper",
    ]  # fmt: skip
    np.testing.assert_array_equal(written.key, new.key)
    for name in ("mean", "sd", "epistemic_sd", "aleatoric_sd"):
        np.testing.assert_allclose(written[name], getattr(wanted, name), rtol=1e-10)
    lower, upper = wanted.interval(0.8)
    np.testing.assert_allclose(written.lower, lower, rtol=1e-6)
    np.testing.assert_allclose(written.upper, upper, rtol=1e-6)


def test_several_files_are_predicted_in_order(
    rng: np.random.Generator, new: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for i in range(3):
        new[1000 * i : 1000 * (i + 1)].to_parquet(folder / f"{i}.parquet")
    learned(rng).predict_parquet(folder, tmp_path / "out.parquet", keep=["key"])
    np.testing.assert_array_equal(pd.read_parquet(tmp_path / "out.parquet").key, new.key)


def test_an_error_names_file_and_row_and_leaves_no_file(
    rng: np.random.Generator, new: pd.DataFrame, tmp_path: Path
) -> None:
    fit, folder, target = learned(rng), tmp_path / "parts", tmp_path / "out.parquet"
    folder.mkdir()
    new.to_parquet(folder / "1.parquet")
    new.loc[7, "g"] = "x"
    new.to_parquet(folder / "2.parquet")
    with pytest.raises(DataError, match=r"g is 'x' in row 7 of 2\.parquet, which the training"):
        fit.predict_parquet(folder, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts"]


def test_what_cannot_be_is_refused(rng: np.random.Generator, source: Path, tmp_path: Path) -> None:
    fit, target = learned(rng), tmp_path / "out.parquet"
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "few.parquet")
    with pytest.raises(DataError, match="has no column 'g'"):
        fit.predict_parquet(tmp_path / "few.parquet", target)
    with pytest.raises(DataError, match=r"has no column 'kee'.*did you mean 'key'"):
        fit.predict_parquet(source, target, keep=["kee"])
    with pytest.raises(DataError, match="strictly between 0 and 1"):
        fit.predict_parquet(source, target, 90)
    with pytest.raises(DataError, match="is to be read"):
        fit.predict_parquet(source, source)
    with pytest.raises(DataError, match="names of what is predicted"):
        fit.predict_parquet(source, target, keep=["mean"])
    with pytest.raises(DataError, match="there is no file"):
        fit.predict_parquet(tmp_path / "none.parquet", target)
    assert not target.exists()


def test_a_failed_fit_warns(rng: np.random.Generator, source: Path, tmp_path: Path) -> None:
    nuts = bm.NUTS(draws=20, tune=20, chains=2, progress=False)
    with pytest.warns(ConvergenceWarning):
        fit = learned(rng, nuts)
    with pytest.warns(ConvergenceWarning, match="comes from a fit whose checks failed") as warned:
        fit.predict_parquet(source, tmp_path / "out.parquet")
    assert warned[0].filename == __file__


def test_memory_does_not_grow_with_the_rows(rng: np.random.Generator, tmp_path: Path) -> None:
    m, n = 300_000, 4
    X = rng.normal(size=(100, n))
    fit = bm.fit(bm.Model(), bm.Data(X, X.sum(axis=1) + rng.normal(size=100)), bm.MLE())
    peaks = []
    for rows in (m, 2 * m):
        columns = {f"x{j}": rng.normal(size=rows) for j in range(n)}
        pq.write_table(pa.table(columns), tmp_path / "new.parquet")
        del columns
        tracemalloc.start()
        try:
            fit.predict_parquet(tmp_path / "new.parquet", tmp_path / "out.parquet")
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
