"""Time the linear Gaussian model against peers on the same data in the same run.

    uv run --group dev --with bambi python tests/benchmarks/linear_gaussian.py [part ...]

Parts: inprocess, limit, nuts, prediction, start, peers. Ratios are medians over paired runs,
`peers` (whole processes of Bambi and PyMC, minutes each) over as many as ``--runs`` says.
Nothing is asserted: these are measurements.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bayesml as bm

Array = np.ndarray[Any, Any]


def made(m: int, n: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, n))
    return X, X @ rng.normal(size=n) + 1.0 + rng.standard_normal(m)


def seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def paired(runs: int, one: Callable[[], Any], *others: Callable[[], Any]) -> list[list[float]]:
    """Time functions in turn, so that drift of the machine meets all of them."""
    for function in (one, *others):
        function()
    return [[seconds(function) for function in (one, *others)] for _ in range(runs)]


def say(label: str, rows: list[list[float]], names: list[str]) -> None:
    table = np.array(rows)
    medians = "  ".join(
        f"{n} {1e3 * v:.1f} ms" for n, v in zip(names, np.median(table, axis=0), strict=True)
    )
    ratios = np.median(table[:, 1:] / table[:, :1], axis=0)
    over = "  ".join(f"{n} {r:.2f}×" for n, r in zip(names[1:], ratios, strict=True))
    print(f"{label:28s} {medians}   over {names[0]}: {over}", flush=True)


def in_process(runs: int) -> None:
    """Time a full posterior against BayesianRidge, lstsq and OLS, data in memory."""
    import statsmodels.api as sm
    from sklearn.linear_model import BayesianRidge

    for m, n in ((1_000, 10), (10_000, 10), (10_000, 100), (100_000, 10), (1_000_000, 100)):
        X, y = made(m, n)
        A = np.column_stack([np.ones(m), X])
        rows = paired(
            runs,
            lambda X=X, y=y: bm.fit(bm.Model(), bm.Data(X, y), bm.Exact()),
            lambda X=X, y=y: BayesianRidge().fit(X, y),
            lambda A=A, y=y: np.linalg.lstsq(A, y, rcond=None),
            lambda A=A, y=y: sm.OLS(y, A).fit().bse,
        )
        say(f"fit m={m:,} n={n}", rows, ["bayesml", "BayesianRidge", "lstsq", "OLS"])


def limit(runs: int) -> None:
    """Time a fit over one symmetric product and one read."""
    for m, n in ((100_000, 10), (100_000, 100), (1_000_000, 10), (1_000_000, 100)):
        X, y = made(m, n)
        rows = paired(
            runs,
            lambda X=X: (X.T @ X, X.sum()),
            lambda X=X, y=y: bm.fit(bm.Model(), bm.Data(X, y), bm.Exact()),
        )
        say(f"limit m={m:,} n={n}", rows, ["X.T@X + read", "fit"])


def nuts(runs: int) -> None:
    """Time sampling at ten million rows over a thousand; the statistics are taken before."""
    from bayesml.inference.engines import Direct

    problems = []
    for m in (1_000, 10_000_000):
        X, y = made(m, 5)
        problems.append(bm.Model().resolve(bm.Data(X, y)))
    settings = bm.NUTS(progress=False)
    rows = paired(runs, *(lambda p=p: Direct().sample(p, settings, 1) for p in problems))
    say("NUTS 4 × (1000 + 1000)", rows, ["m=1e3", "m=1e7"])


def prediction(runs: int) -> None:
    """Time a million predictions with intervals over one X @ theta, and their memory."""
    X, y = made(1_000_000, 10)
    fit = bm.fit(bm.Model(), bm.Data(X[:10_000], y[:10_000]))
    theta = np.ones(10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = paired(runs, lambda: X @ theta, lambda: fit.predict(X).interval(0.9))
    say("predict 1e6 rows", rows, ["X@theta", "interval"])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {after / 1e6:.2f} GB, of which before predicting {before / 1e6:.2f} GB")


FIT = """
    import numpy as np, bayesml as bm
    X, y = np.load({X!r}), np.load({y!r})
    print(bm.fit(bm.Model(), bm.Data(X, y), {method}, rng=1))
"""
PYMC = """
    import numpy as np, pymc as pm, arviz as az
    X, y = np.load({X!r}), np.load({y!r})
    sd = y.std(ddof=1)
    with pm.Model():
        b = pm.Normal("intercept", y.mean(), 2.5 * sd)
        w = pm.Normal("weights", 0, 2.5 * sd / X.std(axis=0, ddof=1), shape=X.shape[1])
        s = pm.Exponential("sigma", 1 / sd)
        pm.Normal("y", b + (X - X.mean(axis=0)) @ w, s, observed=y)
        print(az.summary(pm.sample(1000, chains=4, progressbar=False, random_seed=1)))
"""
BAMBI = """
    import numpy as np, pandas as pd, bambi as bmb, arviz as az
    X, y = np.load({X!r}), np.load({y!r})
    frame = pd.DataFrame(X, columns=[f"x{{j}}" for j in range(X.shape[1])]).assign(y=y)
    model = bmb.Model("y ~ " + " + ".join(frame.columns[:-1]), frame)
    print(az.summary(model.fit(draws=1000, chains=4, random_seed=1, progressbar=False)))
"""


def process(code: str, folder: str, method: str = "") -> float:
    paths = {"X": f"{folder}/X.npy", "y": f"{folder}/y.npy", "method": method}
    command = [sys.executable, "-c", textwrap.dedent(code.format(**paths))]
    return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def start(runs: int) -> None:
    """Time a first NUTS fit in a fresh process, caches as they are."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        _store(folder, 1_000, 10)
        for method in ("bm.Exact()", "bm.NUTS()", "bm.NUTS(engine=bm.PyMC())"):
            times = [process(FIT, folder, method) for _ in range(runs)]
            print(f"first fit, fresh process, {method:28s} {np.median(times):.2f} s", flush=True)


def peers(runs: int, sizes: list[tuple[int, int]]) -> None:
    """Time whole processes of Bambi and PyMC with the same priors."""
    import tempfile

    for m, n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            _store(folder, m, n)
            X, y = np.load(f"{folder}/X.npy"), np.load(f"{folder}/y.npy")
            rows = [
                [process(FIT, folder, "bm.Exact()"), process(PYMC, folder), process(BAMBI, folder)]
                for _ in range(runs)
            ]
            say(f"process m={m:,} n={n}", rows, ["bayesml", "PyMC", "Bambi"])
            inside = np.median(
                [seconds(lambda X=X, y=y: bm.fit(bm.Model(), bm.Data(X, y))) for _ in range(7)]
            )
            print(json.dumps({"m": m, "n": n, "in process, ms": round(1e3 * inside, 3)}))


def _store(folder: str, m: int, n: int) -> None:
    X, y = made(m, n)
    np.save(f"{folder}/X.npy", X)
    np.save(f"{folder}/y.npy", y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"inprocess": in_process, "limit": limit, "nuts": nuts, "prediction": prediction}
    parser.add_argument("parts", nargs="*", default=[*parts, "start"])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {arguments.runs} runs")
    for part in arguments.parts:
        if part == "start":
            start(arguments.runs)
        elif part == "peers":
            peers(arguments.runs, [(1_000, 10), (10_000, 10), (10_000, 100), (100_000, 10)])
        else:
            parts[part](arguments.runs)


if __name__ == "__main__":
    main()
