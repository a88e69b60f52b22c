"""Networks on the UCI sets with standard splits, one default configuration for all.

Run as ``python -m tests.benchmarks.uci``; it appends one row a split to a CSV file and leaves out
what is there already, so that it can be stopped and started again, and run as several processes
with ``--sets`` of their own. ``--table`` prints the table. ``--validate`` holds out a tenth of each
training part and never reads the test rows: settings are chosen with that alone. Seconds are of
the processor.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import bayesml as bm
from tests.reference.refdata import Split, split, split_count

RESULTS = Path(__file__).parent / "results"
SETS = ("yacht", "energy", "wine-quality-red")
MODEL = bm.Model(bm.MLP(hidden=(50,)), bm.HeteroscedasticStudentT())
METHODS: dict[str, Any] = {
    "default": None,
    "laplace": bm.Ensemble(8, bm.Laplace()),
    "sampled": bm.Langevin(chains=8, steps=4000),
}
"""How a network is learned; None is the default network of the package, its choice included."""
COLUMNS = ("set", "split", "method", "nll", "rmse", "seconds")


def held_out(rows: Split, k: int) -> Split:
    """Return a tenth of the training rows in place of the test rows."""
    order = np.random.default_rng(1000 + k).permutation(len(rows.y_train))
    held = round(0.1 * len(order))
    new, old = np.sort(order[:held]), np.sort(order[held:])
    return Split(rows.X_train[old], rows.y_train[old], rows.X_train[new], rows.y_train[new])


def one(name: str, k: int, label: str, validate: bool) -> dict[str, Any]:
    """Fit one split, and score its test rows, or held-out rows, in original units."""
    rows = held_out(split(name, k), k) if validate else split(name, k)
    start, method = time.process_time(), METHODS[label]
    data = bm.Data(rows.X_train, rows.y_train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, method = (MODEL, method) if method else bm.default_network(data, rng=k)
        fit = bm.fit(model, data, method, rng=k)
        seconds = time.process_time() - start
        p = fit.predict(rows.X_test)
    nll = -float(np.mean(p.log_prob(rows.y_test)))
    rmse = float(np.sqrt(np.mean((p.mean - rows.y_test) ** 2)))
    values = (name, k, label, round(nll, 4), round(rmse, 4), round(seconds, 1))
    return dict(zip(COLUMNS, values, strict=True))


def done(path: Path) -> list[dict[str, str]]:
    """Read the rows that are there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def keep(path: Path, row: dict[str, Any]) -> None:
    """Append a row."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def table(path: Path) -> None:
    """Print mean and standard error over the splits of every set and method."""
    rows = done(path)
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
    parser.add_argument("--methods", nargs="+", default=["default"], choices=list(METHODS))
    parser.add_argument("--table", action="store_true", help="print the table of what is there")
    parser.add_argument("--validate", action="store_true", help="score rows held out of training")
    settings = parser.parse_args()
    path = RESULTS / ("uci_validation.csv" if settings.validate else "uci.csv")
    if settings.table:
        table(path)
        return
    RESULTS.mkdir(exist_ok=True)
    have = {(row["set"], int(row["split"]), row["method"]) for row in done(path)}
    for k in range(settings.splits):
        for name in settings.sets:
            for label in settings.methods:
                if k >= split_count(name) or (name, k, label) in have:
                    continue
                row = one(name, k, label, settings.validate)
                print(row, flush=True)
                keep(path, row)
    table(path)


if __name__ == "__main__":
    main()
