"""The made-up table that the contract tests learn from."""

from functools import cache
from typing import Any

import numpy as np
from scipy.special import expit

Vector = np.ndarray[Any, Any]
M, NOISE = 60, 0.5


@cache
def columns() -> dict[str, Vector]:
    """Two features of different scales, off the origin, and a target for every likelihood."""
    rng = np.random.default_rng(7)
    a, b = (rng.normal(size=(2, M)).T * [1.0, 0.5] + [0.5, -0.3]).T
    eta = 0.3 + 0.8 * a - 0.6 * b
    mu, share = np.exp(eta), expit(eta)
    table = {
        "a": a,
        "b": b,
        "a²": a**2,
        "b²": b**2,
        "eta": eta,
        "y": eta + NOISE * rng.standard_normal(M),
        "heavy": eta + NOISE * rng.standard_t(4, M),
        "counts": rng.poisson(mu).astype(float),
        "binary": (rng.random(M) < share).astype(float),
        "squares": 0.3 + 0.8 * a**2 - 0.6 * b**2 + NOISE * rng.standard_normal(M),
        "weak": 0.3 + 0.15 * a - 0.3 * b + NOISE * rng.standard_normal(M),
    }
    tried, years = rng.integers(1, 9, M).astype(float), rng.uniform(0.5, 3.0, M)
    latent = eta + rng.logistic(size=M)
    odds = np.stack([0.0 * eta, eta, 0.5 - a])
    known, step = np.arange(M) % 3 == 0, np.floor(table["y"])
    return table | {
        "low": np.where(known, table["y"], step),
        "how": np.where(known, 0.0, 2.0),
        "high": np.where(known, table["y"] + 1.0, step + 1.0),
        "tried": tried,
        "years": years,
        "successes": rng.binomial(tried.astype(int), share).astype(float),
        "events": rng.poisson(years * mu).astype(float),
        "spread": rng.poisson(mu * rng.gamma(2.0, 0.5, M)).astype(float),
        "waits": mu * rng.gamma(3.0, 1.0 / 3.0, M),
        "shares": rng.beta(6.0 * share, 6.0 * (1.0 - share)),
        "kind": np.array(["ape", "bee", "cat"])[np.argmax(odds + rng.gumbel(size=odds.shape), 0)],
        "grade": np.array(["bad", "fair", "good"])[np.searchsorted([0.0, 1.5], latent)],
    }
