"""Networks on the UCI sets with standard splits, one default configuration for all.

Run as ``python -m tests.benchmarks.uci``; it appends one row a split to a CSV file and leaves out
what is there already, so that it can be stopped and started again. ``--table`` prints the table.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import bayesml as bm
from tests.reference.refdata import split, split_count

RESULTS = Path(__file__).parent / "results" / "uci.csv"
SETS = ("yacht", "energy", "wine-quality-red")
MODEL = bm.Model(bm.MLP(hidden=(50,)), bm.HeteroscedasticGaussian())
METHODS: dict[str, Any] = {
    "sampled": bm.Langevin(chains=4),
    "laplace": bm.Ensemble(4, bm.Laplace()),
}
COLUMNS = ("set", "split", "method", "nll", "rmse", "seconds")


def one(name: str, k: int, label: str) -> dict[str, Any]:
    """Fit one split, and score its test rows in original units."""
    rows = split(name, k)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        fit = bm.fit(MODEL, bm.Data(rows.X_train, rows.y_train), METHODS[label], rng=k)
        seconds = time.perf_counter() - start
        p = fit.predict(rows.X_test)
    nll = -float(np.mean(p.log_prob(rows.y_test)))
    rmse = float(np.sqrt(np.mean((p.mean - rows.y_test) ** 2)))
    values = (name, k, label, round(nll, 4), round(rmse, 4), round(seconds, 1))
    return dict(zip(COLUMNS, values, strict=True))


def done() -> list[dict[str, str]]:
    """Read the rows that are there."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table() -> None:
    """Print mean and standard error over the splits of every set and method."""
    rows = done()
    for name, label in sorted({(row["set"], row["method"]) for row in rows}):
        own = [row for row in rows if (row["set"], row["method"]) == (name, label)]
        cells = []
        for column in ("nll", "rmse", "seconds"):
            values = np.array([float(row[column]) for row in own])
            cells.append(f"{column} {values.mean():.3f} ± {values.std() / len(values) ** 0.5:.3f}")
        print(f"{name:18} {label:10} {len(own):2} splits  " + "  ".join(cells))


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--splits", type=int, default=20, help="how many splits of each set")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    settings = parser.parse_args()
    if settings.table:
        table()
        return
    RESULTS.parent.mkdir(exist_ok=True)
    have = {(row["set"], int(row["split"]), row["method"]) for row in done()}
    for k in range(settings.splits):
        for name in settings.sets:
            for label in settings.methods:
                if k >= split_count(name) or (name, k, label) in have:
                    continue
                row = one(name, k, label)
                print(row, flush=True)
                new = not RESULTS.exists()
                with RESULTS.open("a", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, COLUMNS)
                    if new:
                        writer.writeheader()
                    writer.writerow(row)
    table()


if __name__ == "__main__":
    main()
