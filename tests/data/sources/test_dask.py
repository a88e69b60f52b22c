"""Dask collections are data: the sums of their partitions, on whatever scheduler is active."""

import os
import signal
import threading
import time
from collections.abc import Iterator
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
from bayesml.data import Block, optional
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError, DataWarning, MissingDependencyError

ROWS = 20_000


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "a": rng.normal(1e3, 1.0, ROWS),
            "b": rng.gamma(2.0, 1.0, ROWS),
            "g": np.sort(rng.choice(["u", "v", "w"], ROWS))[::-1],  # no partition has all levels
            "w": rng.integers(0, 3, ROWS).astype(float),
        }
    )
    made["y"] = made.a - 1e3 - made.b + 2.0 * (made.g == "v") + rng.normal(size=ROWS)
    return made


@pytest.fixture
def partitioned(frame: pd.DataFrame) -> Any:
    return dd.from_pandas(frame, npartitions=7, sort=False)


def statistics(data: bm.Data) -> SufficientStatistics:
    return data.reduce(SufficientStatistics.of, add)


def assert_same(one: bm.Data, other: bm.Data) -> None:
    assert (one.m, one.n, one.feature_names) == (other.m, other.n, other.feature_names)
    assert one.target_name == other.target_name
    left, right = statistics(one), statistics(other)
    assert (left.rows, left.weight) == (right.rows, right.weight)
    np.testing.assert_allclose(left.mean_X, right.mean_X, rtol=1e-12, atol=1e-12)
    scale = np.linalg.norm(left.R, axis=0)
    np.testing.assert_allclose(left.R / scale, right.R / scale, atol=1e-12)


@pytest.mark.parametrize(
    "scheduler",
    ["threads", "synchronous", pytest.param("processes", marks=pytest.mark.slow)],
)
def test_arrays_are_data_on_every_scheduler(frame: pd.DataFrame, scheduler: str) -> None:
    X, y, w = (frame[c].to_numpy() for c in (["a", "b"], "y", "w"))
    with dask.config.set(scheduler=scheduler, num_workers=2):
        assert_same(
            bm.Data(X, y, observation_weights=w, feature_names=["a", "b"], target_name="z"),
            bm.Data(
                da.from_array(X, chunks=(3000, 1)),
                da.from_array(y, chunks=7000),
                observation_weights=da.from_array(w, chunks=900),
                feature_names=["a", "b"],
                target_name="z",
            ),
        )


def test_one_of_X_and_y_may_be_in_memory(frame: pd.DataFrame) -> None:
    X, y = frame[["a", "b"]].to_numpy(dtype=np.float32), frame["y"].to_numpy()
    assert_same(bm.Data(X, y), bm.Data(da.from_array(X, chunks=(3000, 2)), y))
    assert_same(bm.Data(X, y), bm.Data(X, da.from_array(y, chunks=3000)))


def test_a_graph_that_raises_is_named(frame: pd.DataFrame) -> None:
    X, y = frame[["a", "b"]].to_numpy(), frame["y"].to_numpy()

    def broken(block: Any, block_info: Any = None) -> Any:
        if block_info[0]["array-location"][0][0] > 0:
            raise OverflowError("no such instrument\nsecond line")
        return block

    lazy = da.from_array(X, chunks=(3000, 2)).map_blocks(broken, dtype=float)
    with pytest.raises(DataError, match="raised OverflowError: no such instrument") as e:
        bm.fit(bm.Model(), bm.Data(lazy, y))
    assert isinstance(e.value.__cause__, OverflowError)


def test_dataframes_are_data(frame: pd.DataFrame, partitioned: Any) -> None:
    held = bm.Data(frame[["a", "b"]], frame.y, observation_weights=frame.w)
    lazy = bm.Data(partitioned[["a", "b"]], partitioned.y, observation_weights=partitioned.w)
    assert_same(held, lazy)
    assert lazy.design == held.design
    assert "7 Dask partitions, weighted" in repr(lazy)
    values = bm.Data(partitioned[["a", "b"]].values, partitioned.y.values)
    assert_same(bm.Data(frame[["a", "b"]].to_numpy(), frame.y.to_numpy()), values)


@pytest.mark.parametrize(
    "formula",
    ["y ~ a + b", "y ~ center(a) * g", "y ~ . - w", "y ~ poly(a, 2)", "scale(y) ~ C(np.floor(b))"],
)
def test_a_formula_means_the_same_as_in_memory(
    frame: pd.DataFrame, partitioned: Any, formula: str
) -> None:
    held = bm.Data.from_formula(formula, frame, observation_weights="w")
    lazy = bm.Data.from_formula(formula, partitioned, observation_weights="w")
    assert_same(held, lazy)
    assert lazy.design.columns == held.design.columns
    assert "before, for" in lazy.first_pass
    np.testing.assert_allclose(
        lazy.design.matrix(frame[:50]), held.design.matrix(frame[:50]), rtol=1e-9, atol=1e-9
    )


def test_partitions_that_dask_reads_together_stay_together(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    for i in range(8):  # files so small that Dask reads several at once, more of fewer columns
        frame[2500 * i : 2500 * (i + 1)].to_parquet(tmp_path / f"{i}.parquet")
    lazy = dd.read_parquet(tmp_path)
    held = bm.Data(frame[["a", "b"]], frame.y, observation_weights=frame.w)
    assert_same(held, bm.Data(lazy[["a", "b"]], lazy.y, observation_weights=lazy.w))
    assert_same(bm.Data.from_formula("y ~ a + g", frame), bm.Data.from_formula("y ~ a + g", lazy))


def test_blocks_come_in_order(frame: pd.DataFrame, partitioned: Any) -> None:
    lazy = bm.Data.from_formula("y ~ b", partitioned)
    np.testing.assert_array_equal(np.concatenate([b.y for b in lazy.blocks()]), frame.y)
    np.testing.assert_array_equal(lazy.collect().X[:, 0], frame.b)
    with pytest.raises(DataError, match="in 7 Dask partitions, not in memory"):
        _ = lazy.X


def test_repeated_runs_agree_to_the_bit(partitioned: Any) -> None:
    lazy = bm.Data.from_formula("y ~ a + g", partitioned)
    runs = [statistics(lazy) for _ in range(5)]
    assert {run.R.tobytes() for run in runs} == {runs[0].R.tobytes()}


def test_the_tree_keeps_the_order_of_partitions() -> None:
    y = da.arange(23, chunks=2).astype(float)
    lazy = bm.Data(y[:, None], y)
    assert lazy.reduce(lambda block: block.y.tolist(), add) == list(range(23))


def test_empty_partitions_count_for_nothing(frame: pd.DataFrame, partitioned: Any) -> None:
    few = partitioned[partitioned.b > frame.b.nlargest(3).min()]
    assert bm.Data(few[["a"]], few.y).m == 2
    assert bm.Data.from_formula("y ~ a", few).collect().m == 2
    none = partitioned[partitioned.b < 0]
    for make in (lambda: bm.Data(none[["a"]], none.y), lambda: bm.Data.from_formula("y ~ a", none)):
        with pytest.raises(DataError, match="no rows"):
            make()


def test_rows_are_named_by_partition(frame: pd.DataFrame) -> None:
    frame.loc[frame.index[-1], "a"] = np.nan
    partitioned = dd.from_pandas(frame, npartitions=7, sort=False)
    last = len(partitioned.partitions[6]) - 1
    with pytest.raises(DataError, match=rf"missing values in row {last} of partition 6"):
        bm.Data.from_formula("y ~ a", partitioned)
    with pytest.raises(DataError, match=rf"nan in row {last} of partition 6 of 'a'"):
        statistics(bm.Data(partitioned[["a"]], partitioned.y))
    lazy = bm.Data(da.from_array(frame[["a"]].to_numpy(), chunks=(3000, 1)), frame.y.to_numpy())
    with pytest.raises(DataError, match=rf"nan in row {ROWS - 1} of 'x0'"):
        statistics(lazy)
    with pytest.warns(DataWarning, match="dropped 1 of 20000 rows") as warned:
        lazy = bm.Data.from_formula("y ~ a", partitioned, missing="drop")
    assert warned[0].filename == __file__
    assert lazy.m == ROWS - 1


def test_what_does_not_belong_together_is_refused(frame: pd.DataFrame, partitioned: Any) -> None:
    X = da.from_array(frame[["a", "b"]].to_numpy(), chunks=(3000, 2))
    wrong = [
        ((X, frame.y.to_numpy()[:-1]), "rows"),
        ((X, da.ones(7, chunks=2)), "y has 4 partitions of 7 rows"),
        ((X[:, 0], frame.y.to_numpy()), "1 dimension; rows × columns"),
        ((partitioned[["a", "y"]], partitioned.y), "is also a column of X"),
        ((partitioned[["a"]], frame.y), "is in memory.*unknown length"),
        ((partitioned[["a"]], partitioned.y.repartition(npartitions=3)), "7 of unknown"),
    ]
    for (features, target), message in wrong:
        with pytest.raises(DataError, match=message):
            bm.Data(features, target)
    with pytest.raises(DataError, match=r"has dtype .* where numbers are needed"):
        bm.Data(partitioned[["a", "g"]], partitioned.y)
    with pytest.raises(DataError, match="'q' is not a column"):
        bm.Data.from_formula("y ~ q", partitioned)
    with pytest.raises(DataError, match="needs a frame"):
        bm.Data.from_formula("y ~ q", X)
    with pytest.raises(DataError, match="zero everywhere"):
        bm.Data(X, frame.y.to_numpy(), observation_weights=da.zeros(ROWS, chunks=3000))


def test_a_package_that_is_missing_is_named_with_the_way_to_get_it(
    partitioned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(optional, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[dask\]'"):
        bm.Data.from_formula("y ~ a", partitioned)


# --- a cluster of two worker processes


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    settings = {
        "distributed.worker.daemon": False,
        "distributed.comm.timeouts.connect": "5s",
        "distributed.nanny.pre-spawn-environ.OPENBLAS_NUM_THREADS": "1",
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=50,
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster, timeout=300) as connected,
    ):
        connected.wait_for_workers(2, timeout=300)
        yield connected


class Slow:
    """The statistics of a block, by a worker that leaves word of itself and takes its time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, block: Block) -> SufficientStatistics:
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(0.2)
        return SufficientStatistics.of(block)


def kill_the_first_worker_at_work(folder: Path, done: Any) -> None:
    """Wait until a worker has done two blocks, and kill it."""
    while not done.is_set():
        pids = [path.name.split("-")[0] for path in folder.iterdir()]
        twice = [pid for pid in pids if pids.count(pid) >= 2]
        if twice:
            os.kill(int(twice[0]), signal.SIGKILL)
            return
        time.sleep(0.02)


@pytest.mark.slow
def test_a_cluster_gives_the_same_answer(frame: pd.DataFrame, client: Any) -> None:
    partitioned = dd.from_pandas(frame, npartitions=7, sort=False)
    formula = "y ~ center(a) * g + b"
    held = bm.fit(bm.Model(), bm.Data.from_formula(formula, frame))
    lazy = bm.Data.from_formula(formula, partitioned)
    fits = [bm.fit(bm.Model(), lazy) for _ in range(2)]
    one, other = held.summary(), fits[0].summary()
    assert ((one - other).abs().to_numpy() <= 1e-12 * one.abs().to_numpy() + 1e-12).all()
    pd.testing.assert_frame_equal(other, fits[1].summary(), check_exact=True)


@pytest.mark.slow
def test_a_worker_lost_in_the_middle_changes_nothing(
    frame: pd.DataFrame, client: Any, tmp_path: Path
) -> None:
    X, y = frame[["a", "b"]].to_numpy(), frame["y"].to_numpy()
    lazy = bm.Data(da.from_array(X, chunks=(1000, 2)), y)
    before = set(client.run(os.getpid).values())
    done = threading.Event()
    killer = threading.Thread(target=kill_the_first_worker_at_work, args=(tmp_path, done))
    killer.start()
    try:
        found = lazy.reduce(Slow(tmp_path), add)
    finally:
        done.set()
        killer.join()
    worked = {int(path.name.split("-")[0]) for path in tmp_path.iterdir()}
    after = set(client.run(os.getpid).values())
    assert len(before - after) == 1, "one of the two workers is gone"
    assert len(list(tmp_path.iterdir())) > 20, "what it had done was done again"
    assert worked & before
    again = lazy.reduce(SufficientStatistics.of, add)
    assert found.rows == ROWS
    np.testing.assert_array_equal(found.R, again.R)
    assert_same(bm.Data(X, y), lazy)
