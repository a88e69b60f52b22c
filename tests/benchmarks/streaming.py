"""Rows by the ten million from Parquet: memory, throughput against a bare read, Dask, and digits.

    python tests/benchmarks/streaming.py --rows 5e7 --repeats 5

Every measurement of time and memory is made in a process of its own, which first does the same on
a few rows, so that what is imported on first use is not counted. Reading and fitting take turns,
after the files have been read once, so that they are in the page cache where it has room for them.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = [f"x{j}" for j in range(10)]
FILES = 10
GROUP = 500_000


def write(folder: Path, rows: int, dtype: str) -> None:
    """Write `rows` examples as ten files of row groups of half a million."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    theta = rng.normal(size=len(FEATURES))
    for i in range(FILES):
        writer, left = None, rows // FILES
        while left:
            b = min(GROUP, left)
            X = rng.standard_normal((b, len(FEATURES))) + 1.0
            y = X @ theta + rng.standard_normal(b)
            values = [*X.T.astype(dtype), y.astype(dtype)]
            table = pa.table(dict(zip([*FEATURES, "y"], values, strict=True)))
            writer = writer or pq.ParquetWriter(folder / f"{i}.parquet", table.schema)
            writer.write_table(table)
            left -= b
        if writer is not None:
            writer.close()


def read(folder: Path) -> Callable[[], object]:
    """Read the same columns with pyarrow, in batches, and do nothing with them."""
    import pyarrow.dataset as ds

    dataset = ds.dataset(folder)
    options = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)

    def run() -> int:
        batches = dataset.to_batches(
            columns=[*FEATURES, "y"],
            batch_size=100_000,
            batch_readahead=2,
            fragment_readahead=1,
            fragment_scan_options=options,
        )
        return sum(batch.num_rows for batch in batches)

    return run


def columns(folder: Path) -> Callable[[], object]:
    """Fit by the names of columns: one pass."""
    import bayesml as bm

    return lambda: bm.fit(bm.Model(), bm.Data.from_parquet(folder, target="y"), rng=1)


def formula(folder: Path) -> Callable[[], object]:
    """Fit by a formula with a transformation: two passes, columns built by formulaic."""
    import bayesml as bm

    text = "y ~ center(x0) + " + " + ".join(FEATURES[1:])
    return lambda: bm.fit(bm.Model(), bm.Data.from_parquet(folder, text), rng=1)


def predict(folder: Path) -> Callable[[], object]:
    """Predict Parquet to Parquet with a point estimate."""
    import bayesml as bm

    fit = bm.fit(bm.Model(), bm.Data.from_parquet(folder, target="y"), bm.MLE())
    return lambda: fit.predict_parquet(folder, folder.parent / "predictions.parquet")


WORK = {work.__name__: work for work in (read, columns, formula, predict)}


def peak() -> float:
    """Give the largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # where getrusage would count the parent, too
        (line,) = (s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child(name: str, folder: str) -> None:
    """Do one piece of work once, and print its seconds and the peak of the process in MB."""
    WORK[name](Path(folder).parent / "tiny")()
    run = WORK[name](Path(folder))
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak()}))


def measure(name: str, folder: Path) -> dict[str, float]:
    """Do one piece of work in a process of its own."""
    command = [sys.executable, __file__, "--child", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def dask_seconds(folder: Path, workers: int, repeats: int) -> tuple[float, Any]:
    """Time fits on a cluster of worker processes of one thread each."""
    import dask
    import dask.dataframe as dd
    from distributed import Client, LocalCluster

    import bayesml as bm

    environment = {"distributed.nanny.pre-spawn-environ.OPENBLAS_NUM_THREADS": "1"}
    with (
        dask.config.set(environment),
        LocalCluster(workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        frame = dd.read_parquet(folder, columns=[*FEATURES, "y"], split_row_groups=1)
        times = []
        for _ in range(repeats + 1):  # the first starts what workers load lazily
            data = bm.Data(frame[FEATURES], frame["y"])  # anew: data keep their statistics
            start = time.perf_counter()
            fit = bm.fit(bm.Model(), data, rng=1)
            times.append(time.perf_counter() - start)
    return statistics.median(times[1:]), fit


def moments(fit: Any) -> Any:
    """Give the mean and sd of every parameter."""
    return fit.summary()[["mean", "sd"]].to_numpy()


def digits(folder: Path) -> dict[str, float]:
    """Give the largest difference to a fit in memory, of means and of sds, over the largest."""
    import dask.dataframe as dd
    import pandas as pd

    import bayesml as bm

    frame = pd.read_parquet(folder)
    lazy = dd.read_parquet(folder)
    held = moments(bm.fit(bm.Model(), bm.Data(frame[FEATURES], frame["y"])))
    others = {
        "Parquet": bm.Data.from_parquet(folder, target="y", progress=False),
        "Dask": bm.Data(lazy[FEATURES], lazy["y"]),
    }
    return {
        name: float(
            np.max(np.abs(moments(bm.fit(bm.Model(), data)) - held) / np.abs(held).max(axis=0))
        )
        for name, data in others.items()
    }


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """Print names and figures."""
    print(f"\n{title}")
    for name, figure in rows:
        print(f"  {name:<46}{figure:>24}")


def streams(folder: Path, rows: int, repeats: int) -> None:
    """Measure reading, fitting and predicting by turns."""
    measure("read", folder)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WORK}
    for i in range(repeats):
        for name in ("read", "columns") if i else WORK:  # the slow ones once
            runs[name].append(measure(name, folder))
    shown = []
    for name, found in runs.items():
        seconds = statistics.median(run["seconds"] for run in found)
        bare = statistics.median(run["seconds"] for run in runs["read"])
        figure = f"{seconds:.1f} s  {rows / seconds / 1e6:.1f}M rows/s"
        shown.append((f"{name}, median of {len(found)}", figure))
        shown.append(("    throughput over a bare read", f"{bare / seconds:.2f}"))
        shown.append(("    peak resident memory", f"{max(r['peak'] for r in found):.0f} MB"))
    table(f"{rows:.0e} rows × {len(FEATURES)} columns from Parquet", shown)


def main() -> None:
    """Write the files, measure, and delete them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=5e7)
    parser.add_argument("--dask-rows", type=float, default=1e7)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    rows, lazy_rows = int(options.rows), int(options.dask_rows)
    needed = 1.2 * max(rows, lazy_rows) * (len(FEATURES) + 1 + 6) * 8
    if shutil.disk_usage(tempfile.gettempdir()).free < needed:
        sys.exit(f"this needs {needed / 1e9:.0f} GB in {tempfile.gettempdir()}")
    print(f"{os.cpu_count()} cores, {options.dtype}, {options.repeats} repeats")
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (
            ("tiny", 10_000),
            ("small", 1_000_000),
            ("dask", lazy_rows),
            ("all", rows),
        ):
            (Path(folder) / name).mkdir()
            if size:
                write(Path(folder) / name, size, options.dtype)
        found = digits(Path(folder) / "small")
        table("largest relative difference to in memory, 1e6 rows", [
            (name, f"{value:.1e}") for name, value in found.items()
        ])  # fmt: skip
        if rows:
            streams(Path(folder) / "all", rows, options.repeats)
        if lazy_rows:
            one, two = (dask_seconds(Path(folder) / "dask", n, options.repeats)[0] for n in (1, 2))
            table(f"Dask, {lazy_rows:.0e} rows, median of {options.repeats}", [
                ("one worker process", f"{one:.2f} s"),
                ("two worker processes", f"{two:.2f} s"),
                ("scaling", f"{one / two:.2f}"),
            ])  # fmt: skip


if __name__ == "__main__":
    main()
