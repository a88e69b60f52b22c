"""Time averages over all models, and chains over models.

    uv run --group dev python tests/benchmarks/subsets.py [features ...]

Without arguments: all models of 15, 20 and 25 features, chains over models of 40 and 200. Seconds
are of the CPU, one thread if OMP_NUM_THREADS=1. Nothing is asserted: these are measurements.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bayesml as bm

ROWS = 100_000


def made(n: int) -> bm.Data:
    """Five features of small effects among n, as sufficient statistics of 100,000 rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, n))
    X[:, 1] += X[:, 0]
    effects = np.zeros(n)
    effects[:5] = [0.05, 0.03, 0.02, 0.012, 0.01]
    return bm.Data(X, X @ effects + rng.normal(size=ROWS)).summarised()


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def measured(n: int) -> None:
    data = made(n)
    model = bm.Model(prior=bm.SpikeAndSlab())
    fitting, fit = seconds(lambda: bm.fit(model, data, rng=1))
    tabling, _ = seconds(fit.summary)
    predicting, _ = seconds(lambda: fit.predict(np.eye(100, n)).interval(0.9))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{n:4d} features: fit {fitting:6.2f} s, summary {tabling:5.2f} s, intervals of 100 rows "
        f"{predicting:5.2f} s; peak memory {peak:.2f} GB\n     {fit.explanation}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", nargs="*", type=int, default=[15, 20, 25, 40, 200])
    for n in parser.parse_args().features:
        measured(n)


if __name__ == "__main__":
    main()
