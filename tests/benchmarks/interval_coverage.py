"""Coverage of exact and NUTS intervals over 2,000 made data sets a size.

Truths are drawn from the prior, so that an interval of probability L holds them in the share L.

Run as ``python -m tests.benchmarks.interval_coverage``; it appends the counts of every 250 data
sets to a CSV file and leaves out what is there already, so that it can be stopped and started
again; ``--pieces 4`` stops after four such. ``--table`` prints the table.

What S draws say has Monte Carlo error of its own, and it is counted with. A truth and S independent
posterior draws are exchangeable, so that the truth's rank is uniform on 0, …, S, and the interval
between the k-th smallest and the k-th largest draw holds it with probability (S + 1 − 2k)/(S + 1)
exactly: for S = 199 that is each level below with k a whole number. NUTS makes two draws for each
one that is kept, which are nearly independent then. An interval of a new observation is that of
`Prediction`, a mixture over all draws.
"""

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import bayesml as bm
from tests.calibration.simulation import LEVELS, MODEL, Made, band, coverage, draw, ranks

RESULTS = Path(__file__).parent / "results" / "interval_coverage.csv"
SIZES, SETS, PIECE = (5, 20, 200), 2000, 250
KEPT, APART = 199, 2
SAMPLED = bm.NUTS(draws=KEPT * APART, tune=200, chains=1, progress=False)
COUNTS = tuple(f"inside_{100 * level:.0f}" for level in LEVELS)
COLUMNS = ("method", "m", "piece", "quantity", "sets", *COUNTS, "divergences", "seconds")


def nuts_ranks(made: Made, seed: int) -> tuple[dict[str, float], int]:
    """Return the posterior probability below each truth, and how many draws diverged.

    One chain without the checks of a fit, which ask for several.
    """
    learned = SAMPLED.learn(MODEL.resolve(made.data), np.random.default_rng(seed))
    draws = {name: v[0, ::APART] for name, v in learned.posterior.draws(1, 1, None).items()}
    truth = made.truth
    pairs = {
        "weights[x0]": (draws["weights"][:, 0], truth["weights"][0]),
        "intercept": (draws["intercept"], truth["intercept"]),
        "sigma": (draws["sigma"], truth["sigma"]),
        "expectation": (
            draws["intercept"] + draws["weights"] @ made.x_new[0],
            truth["intercept"] + made.x_new[0] @ truth["weights"],
        ),
    }
    found = {name: (np.sum(d < t) + 0.5) / (KEPT + 1) for name, (d, t) in pairs.items()}
    found["observation"] = float(learned.posterior.predict(made.x_new).cdf(made.y_new)[0])
    return found, int(learned.sample_stats["diverging"].sum())


def exact_ranks(made: Made, seed: int) -> tuple[dict[str, float], int]:
    """Return the posterior probability below each truth."""
    fit = bm.fit(MODEL, made.data, bm.Exact(), rng=seed)
    return ranks(made, fit), 0


METHODS = {"exact": exact_ranks, "nuts": nuts_ranks}


def piece(method: str, m: int, k: int) -> Iterator[dict[str, object]]:
    """Count over one piece; its data sets depend on m and k alone, the same for both methods."""
    rng, start = np.random.default_rng([11, m, k]), time.perf_counter()
    found: dict[str, list[float]] = {}
    divergences = 0
    for j in range(PIECE):
        values, diverged = METHODS[method](draw(m, rng), j)
        divergences += diverged
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    seconds = round(time.perf_counter() - start, 1)
    for name, values in found.items():
        counts = np.rint(coverage(np.array(values)) * PIECE).astype(int)
        row = (method, m, k, name, PIECE, *counts, divergences, seconds)
        yield dict(zip(COLUMNS, row, strict=True))


def done() -> list[dict[str, str]]:
    """Read the rows that are there."""
    if not RESULTS.exists():
        return []
    with RESULTS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def run(pieces: int) -> None:
    """Append what is missing, at most so many pieces."""
    there = {(row["method"], int(row["m"]), int(row["piece"])) for row in done()}
    every = [(how, m, k) for how in METHODS for k in range(SETS // PIECE) for m in SIZES]
    for one in [key for key in every if key not in there][:pieces]:
        rows = list(piece(*one))
        with RESULTS.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerows(rows)


def table() -> None:
    """Print the share inside at every level; a star is outside the 99 % binomial band."""
    rows = done()
    for method in METHODS:
        for m in SIZES:
            own = [row for row in rows if (row["method"], row["m"]) == (method, str(m))]
            for name in dict.fromkeys(row["quantity"] for row in own):
                these = [row for row in own if row["quantity"] == name]
                size = sum(int(row["sets"]) for row in these)
                inside = np.array([sum(int(row[c]) for row in these) for c in COUNTS]) / size
                low, high = band(size)
                marks = np.where((low <= inside) & (inside <= high), " ", "*")
                cells = (f"{share:.4f}{mark}" for share, mark in zip(inside, marks, strict=True))
                print(f"{method:6} m={m:<4} {name:12} {size} sets ", *cells)
    low, high = band(SETS)
    ends = " ".join(f"{a:.4f}-{b:.4f}" for a, b in zip(low, high, strict=True))
    print(f"band at levels {LEVELS.tolist()} of {SETS} sets: {ends}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=10**6)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if not options.table:
        run(options.pieces)
    table()
