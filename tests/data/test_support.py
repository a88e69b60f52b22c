"""Rows whose y lies outside a support are named alike in memory, in Parquet and in Dask."""

from dataclasses import dataclass
from operator import add
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.data import Block
from bayesml.data.support import check_support
from bayesml.distributions.discrete_supports import Counts
from bayesml.errors import DataError

ROWS = 30_000
BAD = {7: -1.0, 12_345: 0.5, 20_001: 1e300 + 0.1, 29_999: -3.0}  # 1e300 is a whole number


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    made = pd.DataFrame({"x": rng.normal(size=ROWS), "y": rng.poisson(3.0, ROWS).astype(float)})
    for row, value in BAD.items():
        made.loc[row, "y"] = value
    return made


def written(frame: pd.DataFrame, folder: Path) -> Path:
    frame[:10_000].to_parquet(folder / "1.parquet", row_group_size=3000)
    frame[10_000:].to_parquet(folder / "2.parquet")
    return folder


def message(data: bm.Data) -> str:
    with pytest.raises(DataError) as refused:
        check_support(data, Counts(), "Poisson()")
    return str(refused.value)


def test_rows_in_memory_go_by_number_or_label(frame: pd.DataFrame) -> None:
    expected = (
        "y: 3 rows are outside the support of Poisson(): row 7 is -1, row 12345 is 0.5, "
        "row 29999 is -3; each must be a count 0, 1, 2, …"
    )
    assert message(bm.Data(frame[["x"]], frame.y)) == expected
    assert message(bm.Data.from_formula("y ~ x", frame)) == expected
    named = frame.set_index(pd.Index([f"r{i}" for i in range(ROWS)]))
    assert "row r12345 (position 12345) is 0.5" in message(bm.Data.from_formula("y ~ x", named))


def test_the_first_three_rows_are_named_and_the_others_counted() -> None:
    data = bm.Data(np.zeros((9, 1)), -np.arange(1.0, 10.0), target_name="visits")
    assert message(data).startswith("visits: 9 rows are outside")
    assert "row 0 is -1, row 1 is -2, row 2 is -3 and 6 more; each" in message(data)
    assert "1 row is outside" in message(bm.Data(np.zeros((2, 1)), [1.0, 1.5]))


@pytest.mark.parametrize("how", [{"formula": "y ~ x"}, {"target": "y"}, {"formula": "y ~ {2 * x}"}])
def test_rows_of_files_go_by_file(frame: pd.DataFrame, tmp_path: Path, how: Any) -> None:
    data = bm.Data.from_parquet(written(frame, tmp_path), **how)
    assert "row 7 of 1.parquet is -1, row 2345 of 2.parquet is 0.5, row 19999 of 2" in message(data)


@pytest.mark.parametrize("how", [{"formula": "y ~ x"}, {"target": "y"}])
def test_rows_that_were_dropped_still_count(frame: pd.DataFrame, tmp_path: Path, how: Any) -> None:
    frame.loc[[3, 11_000], "x"] = np.nan
    expected = "row 7 of 1.parquet is -1, row 2345 of 2.parquet is 0.5, row 19999 of 2"
    with pytest.warns(match="dropped 2 of"):
        data = bm.Data.from_parquet(written(frame, tmp_path), missing="drop", **how)
    assert expected in message(data)
    if "formula" in how:
        with pytest.warns(match="dropped 2 of"):
            lazy = bm.Data.from_formula(
                "y ~ x", dd.from_pandas(frame, npartitions=3), missing="drop"
            )
        assert "row 7 of partition 0 is -1, row 2345 of partition 1 is 0.5" in message(lazy)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_rows_of_partitions_go_by_partition(frame: pd.DataFrame, scheduler: str) -> None:
    lazy = dd.from_pandas(frame, npartitions=3, sort=False)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        for data in (bm.Data(lazy[["x"]], lazy.y), bm.Data.from_formula("y ~ x", lazy)):
            expected = "row 7 of partition 0 is -1, row 2345 of partition 1 is 0.5, row 9999 of"
            assert expected in message(data)
        X, y = frame[["x"]].to_numpy(), frame.y.to_numpy()
        arrays = bm.Data(da.from_array(X, chunks=(7000, 1)), y)
        assert "row 7 is -1, row 12345 is 0.5, row 29999 is -3;" in message(arrays)


@dataclass
class Everywhere:
    """A support that counts how often it is asked, and of how many values."""

    asked: int = 0
    words: str = "anything"

    def contains(self, values: Any) -> Any:
        self.asked += len(values)
        return np.ones(len(values), dtype=bool)


def test_one_pass_is_made_and_y_inside_passes(frame: pd.DataFrame, tmp_path: Path) -> None:
    lazy = dd.from_pandas(frame, npartitions=3)
    with dask.config.set(scheduler="synchronous"):
        for data in (
            bm.Data.from_formula("y ~ x", frame),
            bm.Data.from_parquet(written(frame, tmp_path), target="y"),
            bm.Data.from_formula("y ~ x", lazy),
        ):
            support = Everywhere()
            check_support(data, support, "Any()")
            assert support.asked == ROWS


def test_statistics_have_no_rows_to_look_at() -> None:
    data = bm.Data([[1.0], [2.0]], [1.0, 2.0]).summarised()
    with pytest.raises(DataError, match="sufficient statistics of 2 rows"):
        check_support(data, Counts(), "Poisson()")


# --- what the log joint needs: blocks in order and a reduction, of every source alike


def column(block: Block) -> list[float]:
    return block.y.tolist()


def score(block: Block) -> float:
    return float(block.row_weights @ (block.y - block.X[:, 0]))


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_blocks_and_reduce_serve_every_source_alike(
    frame: pd.DataFrame, tmp_path: Path, scheduler: str
) -> None:
    frame = frame.drop(index=list(BAD))
    frame["w"] = np.arange(len(frame)) % 3.0
    lazy = dd.from_pandas(frame, npartitions=5, sort=False)
    held = bm.Data.from_formula("y ~ x", frame, observation_weights="w")
    sources = [
        held,
        bm.Data.from_parquet(written(frame, tmp_path), "y ~ x", observation_weights="w"),
        bm.Data.from_formula("y ~ x", lazy, observation_weights="w"),
        bm.Data(lazy[["x"]], lazy.y, observation_weights=lazy.w),
        bm.Data(
            da.from_array(frame[["x"]].to_numpy(), chunks=(7000, 1)),
            frame.y.to_numpy(),
            observation_weights=frame.w.to_numpy(),
        ),
    ]
    with dask.config.set(scheduler=scheduler, num_workers=2):
        for data in sources:
            blocks = list(data.blocks())
            assert all(block.X.dtype == block.y.dtype == np.float64 for block in blocks)
            np.testing.assert_array_equal(np.concatenate([b.X for b in blocks]), held.X)
            np.testing.assert_array_equal(np.concatenate([b.row_weights for b in blocks]), frame.w)
            assert data.reduce(column, add) == frame.y.tolist()
            assert data.reduce(score, add) == pytest.approx(held.reduce(score, add), rel=1e-12)
