"""The horseshoe and its regularised form on sufficient statistics: CPU seconds, ESS, R̂.

``python -m tests.benchmarks.sparse --rows 100000 10000000``: 200 features, five of which matter,
as statistics of so many rows, read a part at a time beforehand. Seconds are of this process with
the checks of the fit, one thread if OMP_NUM_THREADS=1. Nothing is asserted: these are measurements.
"""

import argparse
import warnings
from time import process_time

import numpy as np

import bayesml as bm

FEATURES, PART = 200, 50_000
PRIORS = {
    "horseshoe": bm.Horseshoe(relevant=5),
    "regularised": bm.Horseshoe(relevant=5, slab_scale=2.0),
}


def made(m: int, noise: float) -> bm.Data:
    """Effects of the size of the noise of an estimate from 1e5 rows, and larger."""
    rng = np.random.default_rng(0)
    total = bm.SufficientStatistics.empty(FEATURES)
    effects = np.zeros(FEATURES)
    effects[:5] = [1.0, -0.5, 0.1, 0.02, 0.01]
    for start in range(0, m, PART):
        X = rng.normal(size=(min(PART, m - start), FEATURES))
        total += bm.Data(X, X @ effects + noise * rng.normal(size=len(X))).statistics
    return bm.Data.from_statistics(total)


def measured(name: str, m: int, data: bm.Data, seed: int) -> None:
    model = bm.Model(prior=PRIORS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)  # they are printed
        bm.fit(model, data, bm.Gibbs(draws=4, tune=1))  # what is imported late
        start = process_time()
        fit = bm.fit(model, data, rng=seed)
    took = process_time() - start
    table = fit.summary()
    print(
        f"{name}, {m:,} rows, seed {seed}: {took:.1f} CPU s, ESS bulk {table['ess_bulk'].min():.0f}"
        f", tail {table['ess_tail'].min():.0f}, R̂ {table['r_hat'].max():.4f}, passed "
        f"{fit.check().computed}; {fit.explanation}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", type=int, default=[100_000, 10_000_000])
    parser.add_argument("--noise", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for m in options.rows:
        data = made(m, options.noise)
        for name in PRIORS:
            for seed in range(options.seeds):
                measured(name, m, data, seed)


if __name__ == "__main__":
    main()
