"""Quantiles of a distribution whose cdf is known, by halving."""

from collections.abc import Callable

import numpy as np

from bayesml.typing import Array

HALVINGS = 60
"""Bisections after which a quantile is known to rounding."""


def least_above(
    cdf: Callable[[Array], Array], level: Array | float, low: Array, high: Array
) -> Array:
    """Return the least y with cdf(y) ≥ level, to rounding, which lies between two ends."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        below = cdf(middle) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(high)
