"""Made data sets whose truth was drawn from the prior: what intervals must then contain."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

import bayesml as bm

LEVELS = np.array([0.5, 0.8, 0.9, 0.95])
BAND = 0.99
TAU, TAU_0, NOISE = 1.5, 2.0, 1.0
PRIORS = bm.Independent(bm.Normal(0.0, TAU), bm.Normal(0.0, TAU_0), "original")
MODEL = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(NOISE)), PRIORS)


@dataclass(frozen=True)
class Made:
    """One data set with the truth behind it, and a new row."""

    data: bm.Data
    truth: dict[str, Any]
    x_new: np.ndarray
    y_new: float


def draw(m: int, rng: np.random.Generator, n: int = 2) -> Made:
    """Draw parameters from the priors of `MODEL`, and data from them."""
    theta, b = rng.normal(0.0, TAU, n), rng.normal(0.0, TAU_0)
    sigma = abs(rng.normal(0.0, NOISE))
    X = rng.normal(size=(m + 1, n))
    y = b + X @ theta + sigma * rng.standard_normal(m + 1)
    truth = {"intercept": b, "weights": theta, "sigma": sigma}
    return Made(bm.Data(X[:m], y[:m]), truth, X[m:], float(y[m]))


def ranks(made: Made, fit: bm.Fit) -> dict[str, float]:
    """Return the posterior probability below each truth: uniform over data sets."""
    marginals = fit.learned.posterior.marginals()
    p = fit.predict(made.x_new)
    truth = made.truth["intercept"] + made.x_new @ made.truth["weights"]
    return {
        "weights[x0]": float(marginals["weights"].cdf(made.truth["weights"])[0]),
        "intercept": float(marginals["intercept"].cdf(made.truth["intercept"])[0]),
        "expectation": float(p.expectation.cdf(truth)[0]),
        "observation": float(p.cdf(made.y_new)[0]),
    }


def coverage(values: np.ndarray) -> np.ndarray:
    """Return which share of ranks lies inside the equal-tailed interval of each level."""
    return np.mean(np.abs(values - 0.5)[None, :] <= 0.5 * LEVELS[:, None], axis=1)


def band(size: int, quantities: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the binomial band of each level, for so many quantities together."""
    tail = 0.5 * (1.0 - BAND) / quantities
    return tuple(stats.binom.ppf(q, size, LEVELS) / size for q in (tail, 1.0 - tail))
