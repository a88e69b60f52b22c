"""Time the whole posterior of four smooths.

    uv run --group dev python tests/benchmarks/smooths.py [rows ...]

Without arguments: a million rows. Seconds are of the CPU, one thread if OMP_NUM_THREADS=1. Nothing
is asserted: these are measurements.
"""

import argparse
import resource

import numpy as np

import bayesml as bm
from tests.benchmarks.subsets import seconds

FORMULA = "y ~ s(a) + s(b) + s(c) + s(d)"


def truth(x: np.ndarray) -> list[np.ndarray]:
    """Return four curves: two that bend, one that hardly does, one line."""
    return [np.sin(6.0 * x), x**2, np.exp(-20.0 * (x - 0.5) ** 2), 0.3 * x]


def measured(rows: int) -> None:
    rng = np.random.default_rng(1)
    columns = dict(zip("abcd", rng.uniform(size=(4, rows)), strict=True))
    curves = [truth(x)[k] for k, x in enumerate(columns.values())]
    frame = columns | {"y": sum(curves) + rng.normal(size=rows)}
    reading, data = seconds(lambda: bm.Data.from_formula(FORMULA, frame))
    fitting, fit = seconds(lambda: bm.fit(bm.Model(), data, bm.Exact(), rng=1))
    grid = np.linspace(0.02, 0.98, 49)
    at = dict.fromkeys("abcd", np.full(49, 0.5))
    predicting, found = seconds(lambda: fit.predict({**at, "a": grid}))
    away = found.mean - found.mean.mean() - (np.sin(6.0 * grid) - np.sin(6.0 * grid).mean())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{rows:,} rows: reading {reading:.2f} s, posterior {fitting:.2f} s, 49 predictions "
        f"{predicting:.2f} s; peak memory {peak:.2f} GB\n{fit}\nthe curve of a is off by "
        f"{np.abs(away).max():.4f} at most, its sd is {found.epistemic_sd.max():.4f} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[1_000_000])
    for rows in parser.parse_args().rows:
        measured(rows)


if __name__ == "__main__":
    main()
