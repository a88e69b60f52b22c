"""Mixed models of ten million rows from Parquet: CPU seconds, peak memory, an update.

    python tests/benchmarks/grouped_rows.py --rows 1e7 --levels 1e4

The file is written once, and every model is measured in a process of its own, which first does
the same on a few rows, so that what is imported on first use is not counted. Seconds are of the
CPU, one thread if OMP_NUM_THREADS=1; memory is the largest resident size of the process, and how
much that is beyond what it had after its imports. Nothing is asserted: these are measurements.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

FORMULAS = ("y ~ x1 + x2 + (1 | g)", "y ~ x1 + x2 + (x1 | g)")
ROW_GROUP, NEW = 500_000, 100_000


def rows(rng: np.random.Generator, size: int, levels: int) -> pd.DataFrame:
    """Make rows of which intercept and slope vary with the level."""
    effects = np.random.default_rng(7).normal(size=(levels, 2)) * [1.0, 0.3]
    g, x1, x2 = rng.integers(0, levels, size), rng.normal(size=size), rng.normal(3.0, 2.0, size)
    y = 1.0 + 0.5 * x1 - 0.2 * x2 + effects[g, 0] + effects[g, 1] * x1 + rng.normal(size=size)
    return pd.DataFrame({"y": y, "x1": x1, "x2": x2, "g": g})


def write(path: Path, size: int, levels: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, writer = np.random.default_rng(1), None
    for start in range(0, size, ROW_GROUP):
        part = pa.Table.from_pandas(rows(rng, min(ROW_GROUP, size - start), levels))
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def peak() -> float:
    """Return the largest resident size of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(path: Path, formula: str, levels: int) -> str:
    import bayesml as bm

    small = path.with_name("small.parquet")
    rows(np.random.default_rng(0), 2000, 20).to_parquet(small)
    warm = bm.fit(bm.Model(), bm.Data.from_parquet(small, formula, progress=False), bm.Exact())
    warm.update(warm.data.like(rows(np.random.default_rng(2), 1000, 20)))
    before, times = peak(), [time.process_time()]
    data = bm.Data.from_parquet(path, formula, progress=False)
    times.append(time.process_time())
    fit = bm.fit(bm.Model(), data, bm.Exact())
    times.append(time.process_time())
    most = peak()
    new = fit.data.like(rows(np.random.default_rng(2), NEW, levels))
    times.append(time.process_time())
    more = fit.update(new)
    times.append(time.process_time())
    first, whole, made, update = np.diff(times)
    line = f"{formula:24s} {first:7.1f} {whole:7.1f} {most:7.0f} {most - before:7.0f}"
    return f"{line} {made:9.2f} {update:7.2f}   {more.statistics.rows:,} rows"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=float, default=1e7)
    parser.add_argument("--levels", type=float, default=1e4)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(measured(Path(asked.measure[0]), asked.measure[1], int(asked.levels)), flush=True)
        return
    print(f"{'':24s}  levels     fit peak MB  beyond  new rows  update", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, int(asked.rows), int(asked.levels))
        for formula in FORMULAS:
            own = ["--levels", str(asked.levels), "--measure", str(path), formula]
            subprocess.run([sys.executable, __file__, *own], check=True)


if __name__ == "__main__":
    main()
