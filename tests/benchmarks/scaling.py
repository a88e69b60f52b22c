"""What a default network costs by rows and features, and what it is worth.

Run as ``python -m tests.benchmarks.scaling``, with ``--sizes 1000x10 10000x10``: CPU seconds and
peak memory. Every fit is a process of its own, and in it scikit-learn's boosted trees on the same
rows, for scale. With ``--seconds`` the fit is limited. To compare two states of the package run it
from each, in turn.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np

import bayesml as bm

SIZES = ("1000x10", "10000x10", "100000x10", "10000x100")
NOISE = 0.1
NEW = 2000


def rows(m: int, n: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Draw rows of a smooth function of three features, its values, and them with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n))
    truth = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2]
    return X, truth, truth + NOISE * rng.normal(size=m)


def boosted(X: Any, y: Any, X_new: Any, y_new: Any) -> tuple[float, float]:
    """Return CPU seconds and the root mean squared error of boosted trees."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    start = time.process_time()
    trees = HistGradientBoostingRegressor(random_state=0).fit(X, y)
    seconds = time.process_time() - start
    return seconds, float(np.sqrt(np.mean((trees.predict(X_new) - y_new) ** 2)))


def one(m: int, n: int, seconds: float | None) -> str:
    """Fit once, and say what it took."""
    X, _, y = rows(m, n)
    X_new, truth, y_new = rows(NEW, n, seed=1)
    bm.fit(bm.Model(bm.MLP((2,))), bm.Data(X[:30], y[:30]), bm.MAP(), rng=0)  # imports
    before, start, clock = memory(), time.process_time(), time.perf_counter()
    data = bm.Data(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, method = bm.default_network(data, rng=0)
        fit = bm.fit(model, data, method if seconds is None else method.within(seconds), rng=0)
        cpu, wall, peak = time.process_time() - start, time.perf_counter() - clock, memory()
        p = fit.predict(X_new)
        failed = [finding.name for finding in fit.check().findings if not finding.passed]
    nll = -float(np.mean(p.log_prob(y_new)))
    rmse = float(np.sqrt(np.mean((p.mean - truth) ** 2)))
    trees, theirs = boosted(X, y, X_new, truth)
    return (
        f"{m:>7} x {n:<4} {cpu:8.1f} CPU s, {wall:8.1f} s by the clock, {peak:6.0f} MB "
        f"({peak - before:.0f} more), nll {nll:.3f}, rmse {rmse:.3f}; "
        f"trees {trees:.1f} CPU s, rmse {theirs:.3f}; failed: {failed or 'no check'}"
    )


def memory() -> float:
    """Return the largest resident memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--one", action="store_true", help="fit the one size in this process")
    settings = parser.parse_args()
    if settings.one:
        m, n = map(int, settings.sizes[0].split("x"))
        print(one(m, n, settings.seconds), flush=True)
        return
    limit = [] if settings.seconds is None else ["--seconds", str(settings.seconds)]
    for size in settings.sizes:
        command = [sys.executable, "-m", "tests.benchmarks.scaling", "--one", "--sizes", size]
        subprocess.run([*command, *limit], check=True)


if __name__ == "__main__":
    main()
