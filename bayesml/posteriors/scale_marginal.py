"""The distribution of a scale or a correlation that is known on weighted points.

Described in docs/theory/group_effects.md, below (G32).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from bayesml.arguments import one_probability
from bayesml.posteriors.bisection import least_above
from bayesml.posteriors.rows import per_row
from bayesml.typing import Array, ArrayLike

WIDTH = 1.0 / 3.0
"""Of the Gaussian around every point, in posterior standard deviations."""

NARROW = 1.0 / 8.0
"""The same around the points of a line, which are a fifth of a standard deviation apart."""


@dataclass(frozen=True, eq=False)
class ScaleMarginals:
    """Entries with weighted points, and Gaussians around these in an unbounded coordinate.

    Attributes
    ----------
    values : ndarray, shape (rows, K)
    weights : ndarray, shape (K,)
    unbounded : ndarray, shape (rows, K)
        The points' coordinates: logarithms of scales, artanh of correlations.
    positive : bool
        Whether the entries are scales.
    width : float
        Of the Gaussian around every point, in posterior standard deviations.
    """

    values: Array
    weights: Array
    unbounded: Array
    positive: bool
    width: float = WIDTH

    @classmethod
    def of_scales(cls, values: Array, weights: Array, width: float = WIDTH) -> "ScaleMarginals":
        """Return those of positive entries."""
        return cls(values, weights, np.log(values), True, width)

    @classmethod
    def of_correlations(cls, values: Array, weights: Array) -> "ScaleMarginals":
        """Return those of entries between −1 and 1."""
        return cls(values, weights, np.arctanh(values), False)

    @property
    def mean(self) -> Array:
        """Means, by the points alone."""
        return np.asarray(self.values @ self.weights)

    @property
    def sd(self) -> Array:
        """Standard deviations, by the points alone."""
        return np.sqrt(np.square(self.values - self.mean[:, None]) @ self.weights)

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y)."""
        at = per_row(y, len(self.values), "y")
        with np.errstate(all="ignore"):
            u = np.log(np.maximum(at, 0.0)) if self.positive else np.arctanh(np.clip(at, -1, 1))
        return self._cdf(u)

    def quantile(self, q: float) -> Array:
        """Return quantiles, by halving."""
        level = one_probability(q)
        low, high = self.unbounded.min(axis=1) - 1.0, self.unbounded.max(axis=1) + 1.0
        high = least_above(self._cdf, level, low, high)
        return np.exp(high) if self.positive else np.tanh(high)

    def _cdf(self, u: Array) -> Array:
        centres, spread = self._kernels
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (u[:, None] - centres) / spread[:, None]
        return np.asarray(ndtr(z) @ self.weights)

    @cached_property
    def _kernels(self) -> tuple[Array, Array]:
        mean = self.unbounded @ self.weights
        away = self.unbounded - mean[:, None]
        sd = np.maximum(np.sqrt(np.square(away) @ self.weights), 1e-300)
        return mean[:, None] + np.sqrt(1.0 - self.width**2) * away, self.width * sd
