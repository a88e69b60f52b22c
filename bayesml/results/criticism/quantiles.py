"""Residuals that are normal numbers under any likelihood (C13), and where they belong (C14)."""

import numpy as np
from scipy.special import betaincinv, ndtri

from bayesml.posteriors import Prediction
from bayesml.typing import Array

MASS = 0.95
"""Of the pointwise band."""

LAST_DIGITS = 1.0 - 1e-8
"""The level of F from which one minus it has lost digits that its normal quantile shows."""


def quantile_residuals(prediction: Prediction, y: Array, rng: np.random.Generator) -> Array:
    """Return the normal quantile of each row's place in its own prediction (C13).

    Parameters
    ----------
    prediction : Prediction
    y : ndarray, shape (rows,)
    rng : Generator
        For counts, whose place is partly drawn.

    Returns
    -------
    ndarray, shape (rows,)
        Within ±38.5, the quantiles of the smallest positive number.
    """
    below = np.asarray(prediction.cdf(y), dtype=np.float64)
    above = 1.0 - below
    if np.any(below > LAST_DIGITS):
        above = np.where(below > LAST_DIGITS, prediction.exceedance(y), above)
    if prediction.distribution.discrete:
        share, mass = rng.random(len(y)), np.exp(prediction.log_prob(y))
        below, above = below - share * mass, above + share * mass
    return normal_places(below, above)


def normal_places(below: Array, above: Array) -> Array:
    """Return the normal quantiles of two tails that add up to one, from the smaller (C13)."""
    tail = np.maximum(np.minimum(below, above), np.finfo(np.float64).smallest_subnormal)
    return np.where(below < above, ndtri(tail), -ndtri(tail))


def expected_quantiles(weights: Array) -> tuple[Array, Array, Array]:
    """Return where sorted normal residuals belong, and the ends of a band about it (C14).

    Parameters
    ----------
    weights : ndarray, shape (m,)
        How many times each row counts, in the order of the sorted residuals.

    Returns
    -------
    ndarray, ndarray, ndarray
        Each of shape (m,).

    Examples
    --------
    >>> middle, lower, upper = expected_quantiles(np.ones(3))
    >>> middle.round(3), lower.round(2), upper.round(2)
    (array([-0.967,  0.   ,  0.967]), array([-2.39, -1.31, -0.55]), array([0.55, 1.31, 2.39]))
    """
    m = len(weights)
    share = (np.cumsum(weights) - 0.5 * weights) / np.sum(weights)
    shape = m * share + 0.5, m * (1.0 - share) + 0.5
    tail = 0.5 * (1.0 - MASS)
    return ndtri(share), ndtri(betaincinv(*shape, tail)), ndtri(betaincinv(*shape, 1.0 - tail))
