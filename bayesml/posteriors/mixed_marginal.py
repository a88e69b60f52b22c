"""The equal mixture of marginal distributions of any form."""

from dataclasses import dataclass

import numpy as np

from bayesml.posteriors.base import Marginal
from bayesml.posteriors.bisection import least_above
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True, eq=False)
class MixedMarginal:
    r"""Entry by entry, :math:`\frac1M\sum_k p_k`.

    Attributes
    ----------
    parts : tuple of Marginal
        Of the same parameter.
    """

    parts: tuple[Marginal, ...]

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""
        return np.asarray(np.mean([part.mean for part in self.parts], axis=0))

    @property
    def sd(self) -> Array:
        """Standard deviations: spread within parts, and between their means."""
        squares = [part.sd**2 + (part.mean - self.mean) ** 2 for part in self.parts]
        return np.asarray(np.sqrt(np.mean(squares, axis=0)))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y), for one y or one per entry."""
        return np.asarray(np.mean([part.cdf(y) for part in self.parts], axis=0))

    def quantile(self, q: float) -> Array:
        """Return the least y with P(· ≤ y) ≥ q, to rounding: it lies between the parts' own."""
        each = [part.quantile(q) for part in self.parts]
        return least_above(self.cdf, q, np.min(each, axis=0), np.max(each, axis=0))
