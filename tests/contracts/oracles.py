"""What every case of the contract tests comes to, computed apart from the package.

Modes by scipy.optimize, moments by importance sampling from a wide Student-t around them.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, stats
from scipy.special import gammaln

from tests.contracts.case import Case
from tests.contracts.cases import CASES, CONJUGATE
from tests.contracts.table import M, columns
from tests.parts.every_model import EveryModel

Vector = np.ndarray[Any, Any]
ROUNDS = (2000, 2000, 4000, 20_000)
"""Proposals of importance sampling."""


class Oracle(NamedTuple):
    """Modes of the likelihood and of the posterior, and its moments with their errors."""

    mle: Vector
    mode: Vector
    mean: Vector
    sd: Vector
    ess: float


@cache
def oracle(name: str) -> Oracle:
    case = CASES[name]

    def posterior(x: Vector) -> Vector:
        return np.asarray(case.log_likelihood(x) + case.log_prior(x))

    mle = mode(case.log_likelihood, np.zeros(case.size))
    if case.over_models:
        return over_models(case.in_units(mle))
    best = mode(posterior, mle)
    if case.kinked:
        mle, best = on_kinks(case, case.log_likelihood, mle), on_kinks(case, posterior, best)
    return Oracle(case.in_units(mle), case.in_units(best), *moments(case, best))


def mode(log_density: Callable[[Vector], Vector], start: Vector) -> Vector:
    """Maximise by BFGS, then by simplices from ever new corners until nothing is gained.

    These need no slopes, which densities with kinks have not.
    """

    def objective(x: Vector) -> float:
        value = float(log_density(x[None])[0])
        return -value if np.isfinite(value) else 1e10

    rng, x = np.random.default_rng(4), optimize.minimize(objective, start, method="BFGS").x
    best, size, gains = objective(x), 0.1, [np.inf]
    while gains[-1] > 1e-8:  # of a log density: 1e-4 of an sd
        turned = stats.ortho_group.rvs(len(x), random_state=rng)
        corners = x + size * np.vstack([np.zeros(len(x)), turned])
        options = {"initial_simplex": corners, "xatol": 1e-6, "fatol": 1e-11}
        found = optimize.minimize(objective, x, method="Nelder-Mead", options=options)
        gains.append(best - found.fun)
        x, best, size = found.x, found.fun, max(0.3 * size, 0.01)
    return np.asarray(x)


def on_kinks(case: Case, log_density: Callable[[Vector], Vector], rough: Vector) -> Vector:
    """Maximise where some rows are met, which is smooth: none of them, or the nearest few."""
    output, p = case.outputs[0], case.first
    A = np.pad(np.column_stack([np.ones(M), output.X]), ((0, 0), (0, case.size - p)))
    nearest = np.argsort(np.abs(case.y - A @ rough))
    found = []
    for k in range(p + 1):
        met = A[nearest[:k]]
        start = rough + np.linalg.pinv(met) @ (case.y[nearest[:k]] - met @ rough)
        free = np.linalg.svd(met, full_matrices=True)[2][k:].T if k else np.eye(case.size)

        def objective(z: Vector, start: Vector = start, free: Vector = free) -> float:
            return -float(log_density((start + free @ z)[None])[0])

        best = optimize.minimize(objective, np.zeros(free.shape[1]), method="BFGS")
        found.append((best.fun, k, start + free @ best.x))
    return np.asarray(min(found)[-1])


def moments(case: Case, best: Vector) -> tuple[Vector, Vector, float]:
    """Mean, sd, and effective draws: of proposals that are fitted to those of a round before."""
    rng, centre, spread = np.random.default_rng(3), best, 0.05 * np.eye(case.size)
    for size in ROUNDS:
        law = stats.multivariate_t(centre, spread, df=5, seed=rng)
        x = law.rvs(size)
        # With φ drawn on the log scale: dφ = φ d log φ.
        log_w = case.log_likelihood(x) + case.log_prior(x) + x[:, case.first :].sum(axis=1)
        log_w = log_w - law.logpdf(x)
        w = np.exp(log_w - log_w.max())
        w /= w.sum()
        centre = w @ x
        spread = (x - centre).T @ (w[:, None] * (x - centre))
    values = case.in_units(x)
    mean = w @ values
    sd = np.sqrt(w @ (values - mean) ** 2)
    return mean, sd, float(1.0 / np.sum(w**2))


def over_models(mle: Vector) -> Oracle:
    """Intercept, weights, σ and inclusion, averaged over the four models by brute force."""
    X, y = np.column_stack([columns()["a"], columns()["b"]]), columns()["weak"]
    slab = replace(CONJUGATE, scale=(CONJUGATE.scale, CONJUGATE.scale))
    truth = EveryModel(X - X.mean(axis=0), y, slab, np.full(4, np.log(0.25)))
    w, rate, a = truth.probabilities, truth.rate, truth.shape
    mean, covariance = truth.weights()
    weight, origin = truth.predictive(-X.mean(axis=0))
    level = weight @ origin.mean()
    noise = w @ rate / (a - 1.0)
    spread = weight @ (origin.var() + (origin.mean() - level) ** 2) - noise
    sigma = w @ np.sqrt(rate) * np.exp(gammaln(a - 0.5) - gammaln(a))
    inclusion = w @ truth.models
    variances = [spread, *np.diag(covariance), noise - sigma**2, *inclusion * (1.0 - inclusion)]
    means = np.array([level, *mean, sigma, *inclusion])
    return Oracle(mle, mle, means, np.sqrt(variances), np.inf)
