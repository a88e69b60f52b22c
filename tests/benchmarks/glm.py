"""Logistic regression against peers: modes, Laplace's approximation against NUTS, Parquet.

``python -m tests.benchmarks.glm modes laplace parquet --runs 3``: CPU seconds of this process,
imports excluded, medians of the runs; peers on the same data in the same run. NUTS is started and
scaled by the mode, so that few draws tell how many gradients one takes: ``--draws 250 --tune 250``.
"""

import argparse
import resource
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np

import bayesml as bm
from bayesml.log_joint import LogJoint, log_joint

THIN = 2
"""Draws of NUTS for one at which a gradient is taken again."""


def made(m: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(m, n)), rng.normal(size=n) / 3.0
    return X, (rng.random(m) < 1.0 / (1.0 + np.exp(0.5 - X @ weights))).astype(float)


def seconds(run: Callable[[], Any], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = process_time()
        run()
        times.append(process_time() - start)
    return median(times)


def modes(runs: int) -> None:
    for m in (100_000, 1_000_000):
        for name, (took, norm) in modes_of(*made(m, 20), runs).items():
            print(f"m = {m:,}, n = 20, {name}: {took:.3f} s, mean gradient {norm:.1e}", flush=True)


def modes_of(X: np.ndarray, y: np.ndarray, runs: int) -> dict[str, tuple[float, float]]:
    """CPU seconds, and the norm of the gradient of the mean log loss where each came to rest."""
    from sklearn.linear_model import LogisticRegression

    model, found = bm.Model(likelihood=bm.Bernoulli()), {}

    def ours() -> np.ndarray:
        fit = bm.fit(model, bm.Data(X, y), bm.MLE())
        return fit.summary()["mean"].to_numpy()

    def theirs(peer: Any) -> np.ndarray:
        peer.fit(X, y)
        return np.append(peer.intercept_, np.ravel(peer.coef_))

    peers = {"MLE()": ours, "lbfgs, defaults": partial(theirs, LogisticRegression())}
    for solver in ("newton-cholesky", "lbfgs"):
        for tol in (1e-4, 1e-8):
            peer = LogisticRegression(C=np.inf, tol=tol, solver=solver, max_iter=1000)
            peers[f"{solver}, tol {tol:g}"] = partial(theirs, peer)
    if find_spec("glum"):  # which is no dependency: uv run --with glum
        from glum import GeneralizedLinearRegressor

        for tol in (1e-4, 1e-8):
            options = {"family": "binomial", "alpha": 0, "gradient_tol": tol}
            peer = GeneralizedLinearRegressor(**options)
            peers[f"glum, tol {tol:g}"] = partial(theirs, peer)
    for name, run in peers.items():
        at = run()  # and what is imported late
        rest = y - 1.0 / (1.0 + np.exp(-at[0] - X @ at[1:]))
        slopes = np.append(rest.sum(), rest @ X) / len(y)
        found[name] = (seconds(run, runs), float(np.linalg.norm(slopes)))
    return found


def laplace(runs: int, sampler: bm.NUTS) -> None:
    X, y = made(100_000, 20)
    data, model = bm.Data(X, y), bm.Model(likelihood=bm.Bernoulli())
    joint = log_joint(model.resolve(data)).unconstrained()
    x = np.zeros(joint.size)
    gradient = seconds(lambda: joint.log_density_and_gradient(x), 20)
    approximate = seconds(lambda: bm.fit(model, data, bm.Laplace(), rng=1), runs)
    fit = bm.fit(model, data, bm.Laplace(), rng=1)
    print(f"Laplace {approximate:.2f} s, a gradient {1e3 * gradient:.1f} ms; {fit.diagnostics}")
    start = process_time()
    with warnings.catch_warnings():  # of few draws
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        sampled = bm.fit(model, data, sampler, rng=1)
    by_nuts = process_time() - start
    steps = float(sampled.learned.sample_stats["n_steps"].mean())
    full = steps * gradient * bm.NUTS().chains * (bm.NUTS().draws + bm.NUTS().tune)
    one, other = fit.summary(), sampled.summary()
    print(
        f"{sampler!r}: {by_nuts:.0f} s, {steps:.1f} gradients a draw, ratio "
        f"{by_nuts / approximate:.0f}; the default NUTS() by gradients {full:.0f} s, ratio "
        f"{full / approximate:.0f}; largest difference of a mean "
        f"{float(np.max(np.abs(one['mean'] - other['mean']) / other['sd'])):.3f} sd, of an sd "
        f"{float(np.max(np.abs(one['sd'] / other['sd'] - 1))):.3f} "
        f"(Monte Carlo error {float(np.max(1 / np.sqrt(other['ess_bulk']))):.3f})",
        flush=True,
    )
    errors_of(fit, sampled, joint)


def errors_of(fit: bm.Fit, sampled: bm.Fit, joint: LogJoint) -> None:
    r"""Errors of the Gaussian's means and sds with what is random in them taken out.

    By Stein's identity E[∇log p] = 0 and E[(x − x̂)ᵢ ∂ⱼ log p] = −δᵢⱼ, so that with
    r = x − x̂ + H⁻¹∇log p(x), which is zero under the Gaussian Normal(x̂, H⁻¹),

    E[x] − x̂ = E[r],    E[(x − x̂)ⱼ²] − (H⁻¹)ⱼⱼ = E[(x − x̂)ⱼ rⱼ]:

    averages over draws of what is nearly zero in each.
    """
    posterior: Any = fit.learned.posterior
    chains: Any = sampled.learned.posterior
    few = {name: v[::THIN] for name, v in chains.flat.items()}
    x = joint.coordinates.frame.z(joint.coordinates.frame.unnamed(few))
    H_inverse = posterior.factor @ posterior.factor.T
    slopes = np.stack([joint.log_density_and_gradient(row)[1] for row in x])
    away, sd = x - posterior.mode, np.sqrt(np.diag(H_inverse))
    r = away + slopes @ H_inverse
    shift, error = r.mean(axis=0), r.std(axis=0) / np.sqrt(len(r))
    more = (away * r).mean(axis=0) - shift**2
    print(
        f"by Stein's identity over {len(x)} draws: largest error of a mean "
        f"{float(np.max(np.abs(shift) / sd)):.4f} sd (Monte Carlo error "
        f"{float(np.max(error / sd)):.4f}), of an sd "
        f"{float(np.max(np.abs(np.sqrt(1.0 + more / sd**2) - 1.0))):.4f} (Monte Carlo error "
        f"{float(np.max((away * r).std(axis=0) / sd**2)) / 2.0 / np.sqrt(len(x)):.4f})",
        flush=True,
    )


def parquet(runs: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        for k in range(10):
            X, y = made(1_000_000, 10, seed=k)
            columns = {f"x{j}": X[:, j] for j in range(10)} | {"y": y}
            pq.write_table(pa.table(columns), Path(folder) / f"part_{k}.parquet")
        del X, y, columns
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        formula = "y ~ " + " + ".join(f"x{j}" for j in range(10))
        data = bm.Data.from_parquet(folder, formula, progress=False)
        start = process_time()
        fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.Laplace(), rng=1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"1e7 rows × 10 from Parquet: {process_time() - start:.0f} CPU s, peak {peak:.2f} GB "
            f"({before:.2f} GB before); {fit.explanation}; k {fit.diagnostics['pareto_k']:.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="+", choices=("modes", "laplace", "parquet"))
    for name, default in {"runs": 3, "draws": 250, "tune": 250, "chains": 4}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    few = bm.NUTS(options.draws, options.tune, options.chains, progress=False)
    for part in options.parts:
        if part == "laplace":
            laplace(options.runs, few)
        else:
            {"modes": modes, "parquet": parquet}[part](options.runs)
