"""All that a linear Gaussian model needs to know of the data, in n² numbers.

Derived in docs/theory/sufficient_statistics.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from bayesml.data.blocks import Block
from bayesml.errors import DataError
from bayesml.linalg import triangular_factor
from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class SufficientStatistics:
    r"""Counts, means and the triangular factor of the centred, weighted :math:`[X\ y]`.

    .. math::
        W = \sum_i w_i, \quad \bar x = \tfrac1W \sum_i w_i x_i, \quad
        R^\top R = \sum_i w_i \begin{pmatrix} x_i - \bar x \\ y_i - \bar y \end{pmatrix}
                          \begin{pmatrix} x_i - \bar x \\ y_i - \bar y \end{pmatrix}^{\!\top}

    They form a monoid: ``a + b`` are the statistics of both data sets together (S3), whichever
    way the rows were divided. The Gram matrix itself is never formed, since it squares the
    condition number.

    Parameters
    ----------
    rows : int
        Number of rows m.
    weight : float
        Sum of the observation weights W; equals m without weights.
    mean_X : ndarray, shape (n,)
        Weighted means of the features, in the features' units.
    mean_y : float
        Weighted mean of the target.
    R : ndarray, shape (n + 1, n + 1)
        Upper-triangular factor; its last column belongs to the target.

    References
    ----------
    Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance, eq. 2.1;
    Golub & Van Loan (2013), Matrix Computations, §6.5 (updating QR).

    Examples
    --------
    >>> import numpy as np
    >>> from bayesml.data import Block
    >>> X, y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 3.0, 4.0])
    >>> one = SufficientStatistics.of(Block(X[:1], y[:1], None))
    >>> two = SufficientStatistics.of(Block(X[1:], y[1:], None))
    >>> both = one + two
    >>> both.rows, both.mean_X, bool(np.isclose(both.R[0, 0] ** 2, 14 / 3))
    (3, array([2.33333333]), True)
    """

    rows: int
    weight: float
    mean_X: Array
    mean_y: float
    R: Array

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.mean_X)

    @classmethod
    def empty(cls, n: int) -> "SufficientStatistics":
        """Return the neutral element: the statistics of no rows of `n` features."""
        return cls(0, 0.0, np.zeros(n), 0.0, np.zeros((n + 1, n + 1)))

    @classmethod
    def of(cls, block: Block) -> "SufficientStatistics":
        """Compute the statistics of one block of rows, by Householder QR of the centred block."""
        b, n = block.X.shape
        A = np.empty((b, n + 1), order="F")
        A[:, :n], A[:, n] = block.X, block.y
        w = block.observation_weights
        weight = float(b) if w is None else float(np.sum(w))
        if weight == 0.0:
            return cls.empty(n)
        mean = _mean(A, w, weight)
        A -= mean
        rounding = _mean(A, w, weight)
        A -= rounding
        mean += rounding
        if w is not None:
            A *= np.sqrt(w)[:, None]
        return cls(b, weight, mean[:n], float(mean[n]), triangular_factor(A))

    @classmethod
    def from_blocks(cls, blocks: Iterable[Block]) -> "SufficientStatistics":
        """Fold the blocks of a data set, one in memory at a time."""
        total: SufficientStatistics | None = None
        for block in blocks:
            total = cls.of(block) if total is None else total + cls.of(block)
        if total is None:
            raise DataError("There are no rows: got no blocks, need at least one.")
        return total

    def __add__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Merge the statistics of two data sets with the same columns (S3)."""
        if self.n != other.n:
            raise DataError(
                f"Statistics of {self.n} and of {other.n} features cannot be merged: "
                "both data sets need the same columns in the same order."
            )
        if other.weight == 0.0 or self.weight == 0.0:
            return self if other.weight == 0.0 else other
        weight = self.weight + other.weight
        step = np.append(other.mean_X - self.mean_X, other.mean_y - self.mean_y)
        mean = np.append(self.mean_X, self.mean_y) + step * (other.weight / weight)
        between = sqrt(self.weight) * sqrt(other.weight / weight) * step
        R = triangular_factor(np.vstack([self.R, other.R, between]))
        return SufficientStatistics(self.rows + other.rows, weight, mean[:-1], float(mean[-1]), R)

    @property
    def sd_X(self) -> Array:
        """Standard deviation of each feature (divisor W − 1), in the feature's unit."""
        norms: Array = np.linalg.norm(self.R[:, :-1], axis=0)
        return np.where(norms <= 4 * self.noise[:-1], 0.0, norms) / sqrt(max(self.weight - 1, 1))

    @property
    def sd_y(self) -> float:
        """Standard deviation of the target (divisor W − 1), in its unit."""
        norm = float(np.linalg.norm(self.R[:, -1]))
        return 0.0 if norm <= 4 * self.noise[-1] else norm / sqrt(max(self.weight - 1, 1))

    @property
    def noise(self) -> Array:
        """Rounding level of the norm of each centred column: what float64 storage has left."""
        mean = np.append(self.mean_X, self.mean_y)
        return np.asarray(EPS * np.abs(mean) * sqrt(self.weight))


def _mean(A: Array, w: Array | None, weight: float) -> Array:
    return A.mean(axis=0) if w is None else np.asarray((w @ A) / weight)
