"""Proper scores of predictions, by scoringrules where it has the formula.

Described in docs/guides/calibration.md.
"""

from typing import Any

import numpy as np

from bayesml.errors import MissingDependencyError
from bayesml.likelihoods import Gaussian, StudentT
from bayesml.posteriors import Prediction
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.posteriors.rows import per_row, row_blocks
from bayesml.typing import Array, ArrayLike

MOST_COMPONENTS = 400
"""Of a mixture of normals, above which its closed form, quadratic in them, is not the fastest."""

NODES = 48
TAIL = 1e-9


def crps(prediction: Prediction, y: ArrayLike) -> Array:
    r"""Evaluate the continuous ranked probability score of each row, in the unit of y.

    .. math:: \mathrm{CRPS}(F, y) = \int \bigl(F(z) - \mathbb 1\{z \ge y\}\bigr)^2\,dz

    It is the absolute error of a forecast that is a number. Small is good.

    Parameters
    ----------
    prediction : Prediction
    y : float or ndarray, shape (rows,)
        What was observed.

    Returns
    -------
    ndarray, shape (rows,)
        In closed form for normal and Student-t distributions, mixtures of at most 400 normals,
        and draws; a sum for counts (P13); otherwise by quadrature of the distribution function.

    Raises
    ------
    MissingDependencyError
        If scoringrules is not installed.

    References
    ----------
    Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, eq. 20;
    Grimit et al. (2006), The continuous ranked probability score for circular variables, eq. 5.
    """
    distribution = prediction.distribution
    observed = per_row(y, distribution.rows, "y")
    if distribution.discrete:
        return _of_lattice(distribution, observed)
    if isinstance(distribution, Atoms):
        return _of_atoms(distribution, observed)
    if isinstance(distribution, Mixture) and _has_closed_form(distribution):
        return _of_mixture(distribution, observed)
    return by_quadrature(distribution, observed)


def scoring_rules() -> Any:
    """Import scoringrules, or say how to install it."""
    try:
        import scoringrules
    except ImportError as error:
        raise MissingDependencyError(
            f"Scores need scoringrules, which cannot be imported ({error}). "
            "Install it: pip install scoringrules"
        ) from error
    return scoringrules


def by_quadrature(distribution: RowDistribution, y: Array) -> Array:
    r"""Integrate F² below y and (1 − F)² above it, by Gauss and Legendre in t, z = c + s sinh t."""
    levels = (TAIL, 0.25, 0.5, 0.75, 1.0 - TAIL)
    low, q1, centre, q3, high = (distribution.quantile(level) for level in levels)
    scale = 0.5 * (q3 - q1)
    ends = [np.arcsinh((z - centre) / scale) for z in (np.minimum(low, y), y, np.maximum(high, y))]
    x, weights = np.polynomial.legendre.leggauss(NODES)
    out = np.zeros(distribution.rows)
    for k, tail in ((0, distribution.cdf), (1, distribution.survival)):
        half = 0.5 * (ends[k + 1] - ends[k])
        for node, weight in zip(x, weights, strict=True):
            t = ends[k] + half * (1.0 + node)
            out += weight * half * scale * np.cosh(t) * tail(centre + scale * np.sinh(t)) ** 2
    return out


def _has_closed_form(distribution: Mixture) -> bool:
    components = len(distribution.weights)
    if isinstance(distribution.likelihood, Gaussian):
        return components <= MOST_COMPONENTS
    return isinstance(distribution.likelihood, StudentT) and components == 1


def _of_lattice(distribution: RowDistribution, y: Array) -> Array:
    """Evaluate E|Y − y| − Σ F(k)(1 − F(k)) (P13)."""
    out = np.empty(distribution.rows)
    for block, values, weights in distribution.nodes():
        below = np.cumsum(weights, axis=1)
        apart = np.diff(values, axis=1, append=values[:, -1:])
        away = np.sum(weights * np.abs(values - y[block, None]), axis=1)
        out[block] = away - np.sum(apart * below * (1.0 - below), axis=1)
    return out


def _of_mixture(distribution: Mixture, y: Array) -> Array:
    rules, pi = scoring_rules(), distribution.weights
    out = np.empty(distribution.rows)
    for block in row_blocks(distribution.rows, len(pi) ** 2):
        eta, parameters = distribution.components(block)
        sigma = np.broadcast_to(parameters["sigma"], eta.shape)
        if isinstance(distribution.likelihood, StudentT):
            df = np.broadcast_to(parameters["df"], eta.shape)
            out[block] = rules.crps_t(y[block], df[:, 0], eta[:, 0], sigma[:, 0], backend="numpy")
        elif len(pi) == 1:
            out[block] = rules.crps_normal(y[block], eta[:, 0], sigma[:, 0], backend="numpy")
        else:
            weights = np.broadcast_to(pi, eta.shape)
            out[block] = rules.crps_mixnorm(y[block], eta, sigma, weights, backend="numpy")
    return out


def _of_atoms(distribution: Atoms, y: Array) -> Array:
    rules = scoring_rules()
    out = np.empty(distribution.rows)
    for block in row_blocks(distribution.rows, len(distribution.weights)):
        values = distribution.values(block)
        weights = np.broadcast_to(distribution.weights, values.shape)
        out[block] = rules.crps_ensemble(y[block], values, ens_w=weights, backend="numpy")
    return out
