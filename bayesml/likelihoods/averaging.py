"""Likelihoods averaged over a Gaussian η: (K4) of docs/theory/poisson_likelihood.md, and (B8)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from bayesml.likelihoods.base import Average, Likelihood
from bayesml.typing import Array

REACH = 8.0
"""Standard deviations beyond which a normal has less mass than float64 resolves."""

HERMITE = (0, 48, 16)
"""Nodes of a rule over each of so many outputs."""

SOBOL = 256
"""Points over more outputs."""

MOST_STEPS = 600
"""Of a quadrature over η: enough for a standard deviation of six, or of thirty of a density's."""


def hermite_average(
    eta: Array, covariance: Array, parameters: Mapping[str, Any], nodes: int = 24
) -> Average:
    """Average over one Gaussian output by Gauss-Hermite quadrature."""
    z, weights = np.polynomial.hermite_e.hermegauss(nodes)
    spread = np.sqrt(covariance[:, 0, 0])[:, None]
    at = _with_known(eta, eta[0][:, None] + spread * z)
    return Average(weights / weights.sum(), at, beside_nodes(parameters))


def trapezoidal_average(
    likelihood: Likelihood, eta: Array, covariance: Array, parameters: Mapping[str, Any]
) -> Average:
    """Average over one Gaussian output, as wide as it may be, by the trapezoidal rule (K4)."""
    spread = np.sqrt(covariance[:, 0, 0])
    beyond = _with_known(eta, eta[0] + spread)
    information = np.asarray(likelihood.information(beyond, parameters))
    sharpness = np.sqrt(information if len(eta) == 1 else information[0])
    widest = float(spread.max(initial=0.0))
    finest = float(np.max(spread * np.maximum(sharpness / 0.9, 1.0 / 0.35), initial=2.0))
    steps = (2.0 * REACH + 2.0 * widest) * finest
    z = np.linspace(-REACH, REACH + 2.0 * widest, 1 + int(min(np.ceil(steps), MOST_STEPS)))
    weights = np.exp(-0.5 * z**2)
    at = _with_known(eta, eta[0][:, None] + spread[:, None] * z)
    return Average(weights / weights.sum(), at, beside_nodes(parameters))


def normal_nodes(eta: Array, covariance: Array) -> tuple[Array, Array]:
    """Return weights and nodes of η ~ Normal(eta, covariance), shapes (K,) and (k, rows, K).

    A product of Gauss-Hermite rules over one or two outputs, otherwise scrambled Sobol points,
    always the same ones (B8).
    """
    from scipy.stats import qmc

    k = len(eta)
    if k <= 2:
        z, w = np.polynomial.hermite_e.hermegauss(HERMITE[k])
        grid = np.stack(np.meshgrid(*[z] * k, indexing="ij")).reshape(k, -1)
        product = np.prod(np.stack(np.meshgrid(*[w] * k, indexing="ij")).reshape(k, -1), axis=0)
        weights = product / product.sum()
    else:
        grid = ndtri(qmc.Sobol(k, rng=np.random.default_rng(0)).random(SOBOL)).T
        weights = np.full(SOBOL, 1.0 / SOBOL)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return weights, eta[:, :, None] + np.einsum("rkl,ln->krn", root, grid)


def _with_known(eta: Array, first: Array) -> Array:
    """Put what is known of every row behind values of the first output."""
    if len(eta) == 1:
        return first
    rest = eta[1:] if first.ndim == 1 else eta[1:, :, None]
    return np.concatenate([first[None], np.broadcast_to(rest, (len(rest), *first.shape))])


def beside_nodes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of rows, shape (rows,), as they broadcast against (rows, K)."""
    return {name: np.asarray(v)[:, None] if np.ndim(v) else v for name, v in parameters.items()}
