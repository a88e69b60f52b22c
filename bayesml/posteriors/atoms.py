"""Distributions that are known by weighted atoms, one set a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.arguments import check_probability
from bayesml.errors import DataError
from bayesml.posteriors.crps_of_atoms import crps_of_atoms
from bayesml.posteriors.rows import per_row, row_blocks
from bayesml.posteriors.shortest import shortest_of_atoms
from bayesml.typing import Array, ArrayLike

Values = Callable[[slice], Array]


@dataclass(frozen=True, eq=False)
class Atoms:
    """For every row, weighted atoms: the distribution of a function of parameter draws.

    Attributes
    ----------
    rows : int
    weights : ndarray, shape (K,)
        Probabilities of the atoms, the same for every row.
    values : callable
        Maps a slice of b rows to atoms of shape (b, K).
    """

    rows: int
    weights: Array
    values: Values

    @property
    def discrete(self) -> bool:
        """False: atoms stand for a continuous distribution."""
        return False

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        mean, variance = np.empty(self.rows), np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            values = self.values(block)
            mean[block] = values @ self.weights
            with np.errstate(invalid="ignore"):  # an estimate at infinity has no variance: NaN
                variance[block] = (values - mean[block][:, None]) ** 2 @ self.weights
        return mean, variance

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""
        return self._moments[0]

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        return np.sqrt(self._moments[1])

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y) per row."""
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            out[block] = (self.values(block) <= y[block, None]) @ self.weights
        return out

    def survival(self, y: ArrayLike) -> Array:
        """Evaluate P(Y > y) per row."""
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            out[block] = (self.values(block) > y[block, None]) @ self.weights
        return out

    def log_density(self, y: ArrayLike) -> Array:
        """Refuse: atoms have no density."""
        raise DataError(
            "The distribution of the mean is known by draws, which have no density. "
            "Ask the prediction itself for log_prob, or the mean for quantiles."
        )

    def quantile(self, q: ArrayLike) -> Array:
        """Return quantiles for one q or one per row, interpolated between atoms."""
        level = per_row(check_probability(q), self.rows, "q")
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            values = self.values(block)
            order = np.argsort(values, axis=1)
            midpoints = np.cumsum(self.weights[order], axis=1) - 0.5 * self.weights[order]
            ranked = np.take_along_axis(values, order, axis=1)
            out[block] = [
                np.interp(*row) for row in zip(level[block], midpoints, ranked, strict=True)
            ]
        return out

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Return the narrowest run of atoms of the given probability per row."""
        lower, upper = np.empty(self.rows), np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            ends = shortest_of_atoms(self.values(block), self.weights, probability)
            lower[block], upper[block] = ends
        return lower, upper

    def crps(self, y: Array) -> Array:
        """Score one observation a row (P13)."""
        return crps_of_atoms(self, y)

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        """Yield blocks of rows with the atoms and their weights, (b, K)."""
        for block in row_blocks(self.rows, len(self.weights)):
            values = self.values(block)
            yield block, values, np.broadcast_to(self.weights, values.shape)
