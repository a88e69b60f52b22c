"""The Gaussian process of the default prior, from dense matrices, and what its tests share."""

from typing import Any

import numpy as np
from scipy import stats

import bayesml as bm

Matrix = np.ndarray[Any, Any]


def agree(one: Any, other: Any, digits: float) -> None:
    """Means within so many posterior sds of the expectation, sds within as much of themselves."""
    away = np.abs(one.mean - other.mean) / one.epistemic_sd
    assert away.max() < digits
    np.testing.assert_allclose(other.epistemic_sd, one.epistemic_sd, rtol=digits)
    np.testing.assert_allclose(other.sd, one.sd, rtol=digits)


def dense(X: Matrix, y: Matrix, sigma: float, at: Matrix) -> tuple[Matrix, Matrix, float]:
    """E[η] and sd(η) at rows, and log p(y): the Gaussian process of (D4), by numpy."""
    scale = 2.5 * y.std(ddof=1)
    sd, centre = X.std(axis=0, ddof=1), X.mean(axis=0)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.corrcoef(X.T)))
    seen = values > 1e-10
    few = np.clip(2.0 * seen.sum() / (len(y) - 1) - 1.0, 0.0, 1.0)
    lengths = np.where(seen, (1.0 - few) * values + few, 1.0)
    S = (vectors / lengths) @ vectors.T / np.outer(sd, sd)

    def kernel(a: Matrix, b: Matrix) -> Matrix:
        return np.asarray(scale**2 * (1.0 + (a - centre) @ S @ (b - centre).T))

    K = kernel(X, X) + sigma**2 * np.eye(len(y))
    mean = y.mean() + kernel(at, X) @ np.linalg.solve(K, y - y.mean())
    covariance = kernel(at, at) - kernel(at, X) @ np.linalg.solve(K, kernel(X, at))
    evidence = stats.multivariate_normal(np.full(len(y), y.mean()), K).logpdf(y)
    return mean, np.sqrt(np.diag(covariance)), float(evidence)


def made(m: int = 25, n: int = 3) -> bm.Data:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(m, n)) @ rng.normal(size=(n, n)) + 5.0
    return bm.Data(X, X[:, 0] - 3.0 + 0.5 * rng.normal(size=m))
