"""What the checks of a model cost beside learning it: CPU seconds of runs in turn.

    python -m tests.benchmarks.checks

An exact fit of Gaussian rows. The limit is three times the fit at 1e5 × 10. The smallest of the
runs is compared, since other processes only add to it; medians say how much they did.
"""

import time

import numpy as np

import bayesml as bm

SIZES = ((1_000, 10, 15), (100_000, 10, 15), (1_000_000, 10, 5))


def once(X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    start = time.process_time()
    fit = bm.fit(bm.Model(), bm.Data(X, y), rng=1)
    fitted = time.process_time()
    fit.check()
    return fitted - start, time.process_time() - fitted


def main() -> None:
    rng = np.random.default_rng(1)
    for m, n, runs in SIZES:
        X = rng.normal(size=(m, n))
        y = X.sum(axis=1) + rng.normal(size=m)
        once(X, y)  # what is imported once
        times = 1e3 * np.array([once(X, y) for _ in range(runs)])
        said = "   ".join(
            f"{name}: fit {fit:6.1f} ms, checks {check:6.1f} ms, {check / fit:.2f}×"
            for name, (fit, check) in (
                ("smallest", times.min(axis=0)),
                ("median", np.median(times, axis=0)),
            )
        )
        print(f"{m:9,d} × {n}   {said}", flush=True)


if __name__ == "__main__":
    main()
