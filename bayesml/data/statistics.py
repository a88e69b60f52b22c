"""All that a linear Gaussian model needs to know of the data, in n² numbers.

Derived in docs/theory/sufficient_statistics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from bayesml.data.blocks import Block
from bayesml.errors import DataError
from bayesml.linalg import centred_factor, downdated, triangular_factor
from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)
LARGEST = 1e153  # its square is a float64
SMALLEST = 1e-150  # its square is a normal one, with all digits


@dataclass(frozen=True)
class Precisions:
    r"""Sums over rows of known precisions p (S8).

    Attributes
    ----------
    total : float
        :math:`\sum_i w_i p_i`.
    logarithms : float
        :math:`\sum_i w_i \log p_i`.
    """

    total: float
    logarithms: float


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
    mean, mean_error : ndarray, shape (n + 1,)
        Weighted means of the features and of the target, rounded, and what the rounding left
        out: far from the origin the merged factor needs both.
    R : ndarray, shape (n + 1, n + 1)
        Upper-triangular factor; its last column belongs to the target.
    names : tuple of str, length n + 1, or None
        Of the features and of the target, where they are known: those of `Data.statistics` are.
    precisions : Precisions or None
        Where rows have precisions p: their sums. :math:`w_i p_i` is then in the place of
        :math:`w_i` in means and factor (S8), and W counts rows all the same.

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
    mean: Array
    mean_error: Array
    R: Array
    names: tuple[str, ...] | None = None
    precisions: Precisions | None = None

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.mean) - 1

    @property
    def mean_X(self) -> Array:
        """Weighted means of the features, in the features' units."""
        return self.mean[:-1]

    @property
    def mean_y(self) -> float:
        """Weighted mean of the target, in its unit."""
        return float(self.mean[-1])

    @property
    def mean_square_X(self) -> Array:
        """Weighted means of the squares of the features, in the squares of their units."""
        about_mean = np.sum(self.R[:, :-1] ** 2, axis=0) / (self.mass or 1.0)
        return np.asarray(self.mean_X**2 + about_mean)

    @classmethod
    def empty(cls, n: int, rows: int = 0) -> "SufficientStatistics":
        """Return the statistics of rows without weight: the neutral element."""
        zero = np.zeros(n + 1)
        return cls(rows, 0.0, zero, zero, np.zeros((n + 1, n + 1)))

    @property
    def mass(self) -> float:
        """What the squares are sums of: Σ wᵢpᵢ, which is W where no precision is known."""
        return self.weight if self.precisions is None else self.precisions.total

    @classmethod
    def of(
        cls, block: Block, numbered: Sequence[int] = (), precision: int | None = None
    ) -> "SufficientStatistics":
        """Compute the statistics of one block of rows (S2), of a column of precisions (S8).

        Numbers of levels, which come after all other columns, are counted as zero.

        Raises
        ------
        DataError
            If a precision is not positive, by row; if squares are beyond float64.
        """
        if numbered:
            plain = np.delete(block.X, numbered, axis=1)
            return cls.of(block._replace(X=plain), (), precision)._with_zeros(numbered)
        (b, n), w = block.X.shape, block.observation_weights
        weight = float(b) if w is None else float(np.sum(w))
        if weight == 0.0:
            return cls.empty(n, b)
        precisions = None
        if precision is not None:
            p, rows = _precisions(block, precision), block.row_weights
            w = rows * p
            precisions = Precisions(float(np.sum(w)), float(rows @ np.log(p)))
        with np.errstate(over="ignore", invalid="ignore"):  # shows in the factor
            mean_and_factor = centred_factor(block.X, block.y, w)
        found = cls(b, weight, *mean_and_factor, precisions=precisions)
        if not np.all(np.abs(found.R) < LARGEST):
            sizes = np.append(np.abs(block.X).max(axis=0, initial=0.0), np.abs(block.y).max())
            raise DataError(
                f"Values as large as {sizes.max():.3g} have sums of squares beyond float64. "
                "Measure the columns and the target in larger units, below 1e150."
            )
        if np.any(np.abs(np.diagonal(found.R)) < SMALLEST):  # or constant, which is no mistake
            sizes = np.append(np.abs(block.X).max(axis=0, initial=0.0), np.abs(block.y).max())
            if np.any(small := (sizes > 0.0) & (sizes < SMALLEST)):
                raise DataError(
                    f"Values as small as {sizes[small].min():.3g} have squares below float64. "
                    "Measure the columns and the target in smaller units, above 1e-150."
                )
        return found

    def __add__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Merge the statistics of two data sets with the same columns (S3), in the first's order.

        Raises
        ------
        DataError
            If the columns have other names, or there are more of them.
        """
        if self.n != other.n:
            raise DataError(
                f"Statistics of {self.n} and of {other.n} features cannot be merged: "
                "both data sets need the same columns."
            )
        if self.names is None and other.names is not None:
            return self.named(other.names) + other
        if self.names is not None:
            other = other.in_order(self.names)
        rows = self.rows + other.rows
        if other.weight == 0.0 or self.weight == 0.0:
            return replace(self if other.weight == 0.0 else other, rows=rows)
        weight, precisions = self.weight + other.weight, self._precisions(other, 1.0)
        mass = weight if precisions is None else precisions.total
        step = (other.mean - self.mean) + (other.mean_error - self.mean_error)
        move = step * (other.mass / mass) + self.mean_error
        mean = self.mean + move
        error = (self.mean - mean) + move
        between = sqrt(self.mass) * sqrt(other.mass / mass) * step
        R = triangular_factor(np.vstack([self.R, other.R, between]))
        return SufficientStatistics(rows, weight, mean, error, R, self.names, precisions)

    def __sub__(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Take rows out again, where the digits allow it (S5).

        Raises
        ------
        DataError
            If `other` is not part of these rows, or holds so much of what they say that the rest
            would keep fewer than six digits.
        """
        if self.n != other.n:
            raise DataError(f"Statistics of {self.n} and of {other.n} features do not subtract.")
        if self.names is not None:
            other = other.in_order(self.names)
        if other.weight == 0.0:
            return replace(self, rows=self.rows - other.rows)
        weight, precisions = self.weight - other.weight, self._precisions(other, -1.0)
        mass = weight if precisions is None else precisions.total
        if weight <= 0 or mass <= 0 or other.rows > self.rows:
            raise DataError(
                f"Rows of weight {other.weight:g} cannot be taken out of rows of weight "
                f"{self.weight:g}: nothing would be left. Compute the statistics anew."
            )
        step = (other.mean - self.mean) + (other.mean_error - self.mean_error)
        move = self.mean_error - step * (other.mass / mass)
        mean = self.mean + move
        between = sqrt(other.mass) * sqrt(self.mass / mass) * step
        R = downdated(self.R, np.vstack([other.R, between]), self.noise)
        if R is None:
            raise DataError(
                "The rows to take out hold nearly all that is known of some combination of the "
                "columns, or were never in: what is left would be rounding. Compute the "
                "statistics of the remaining rows anew."
            )
        rows, error = self.rows - other.rows, (self.mean - mean) + move
        return SufficientStatistics(rows, weight, mean, error, R, self.names, precisions)

    def _precisions(self, other: "SufficientStatistics", sign: float) -> Precisions | None:
        """Add up what is known of precisions, or take it away."""
        one, two = self.precisions, other.precisions
        if one is None and two is None:
            return None
        if one is None or two is None:
            raise DataError(
                "Statistics of rows with precisions and of rows without do not go together. Give "
                "those without a precision of 1: precision=np.ones(m) of Data, or a column of ones."
            )
        return Precisions(one.total + sign * two.total, one.logarithms + sign * two.logarithms)

    def _with_zeros(self, at: Sequence[int]) -> "SufficientStatistics":
        """Return the statistics with columns of zeros at these places."""
        size = len(self.mean) + len(at)
        there = np.setdiff1d(np.arange(size), at)
        mean, error, R = np.zeros(size), np.zeros(size), np.zeros((size, size))
        mean[there], error[there], R[np.ix_(there, there)] = self.mean, self.mean_error, self.R
        return replace(self, mean=mean, mean_error=error, R=R)

    def of_columns(self, columns: slice) -> "SufficientStatistics":
        """Return the statistics of some features, one after the other, and of the target."""
        at = [*range(self.n)[columns], self.n]
        names = None if self.names is None else tuple(self.names[j] for j in at)
        R = triangular_factor(self.R[:, at])
        mean, error = self.mean[at], self.mean_error[at]
        return replace(self, mean=mean, mean_error=error, R=R, names=names)

    def named(self, names: Sequence[str]) -> "SufficientStatistics":
        """Return the same statistics with names of the features and, last, of the target."""
        return replace(self, names=tuple(names))

    def in_order(self, names: tuple[str, ...]) -> "SufficientStatistics":
        """Return the same statistics with the columns in the order of their names.

        Raises
        ------
        DataError
            If other columns have these names, or the target has.
        """
        if self.names is None or self.names == names:
            return self.named(names)
        if self.names[-1] != names[-1] or sorted(self.names) != sorted(names):
            *features, target = names
            *own, own_target = self.names
            raise DataError(
                f"Statistics of {own_target!r} by {own} and of {target!r} by {features} are not "
                "of the same columns, and cannot be merged. Name them alike: feature_names=... "
                "and target_name=... of Data, in any order of the features."
            )
        order = [self.names.index(name) for name in names]
        mean, error = self.mean[order], self.mean_error[order]
        R = triangular_factor(self.R[:, order])
        return replace(self, mean=mean, mean_error=error, R=R, names=names)

    @property
    def freedom(self) -> float:
        """The divisor of variances: W − 1, at least 1, times the mean precision of a row."""
        divisor = max(self.weight - 1.0, 1.0)
        return divisor if self.precisions is None else divisor * self.mass / self.weight

    @property
    def sd_X(self) -> Array:
        """Standard deviation of each feature (divisor W − 1, at least 1), in the feature's unit."""
        norms: Array = np.linalg.norm(self.R[:, :-1], axis=0)
        return np.where(norms <= 4 * self.noise[:-1], 0.0, norms) / sqrt(self.freedom)

    @property
    def sd_y(self) -> float:
        """Standard deviation of the target (divisor W − 1, at least 1), in its unit."""
        norm = float(np.linalg.norm(self.R[:, -1]))
        return 0.0 if norm <= 4 * self.noise[-1] else norm / sqrt(self.freedom)

    @property
    def sd_noise(self) -> float:
        """That of a row of precision one that scatters as the target does: what σ is measured by.

        It is `sd_y` where no precision is known.
        """
        return self.sd_y * sqrt(self.mass / self.weight) if self.precisions else self.sd_y

    @property
    def noise(self) -> Array:
        """Rounding level of the norm of each centred column: what float64 storage has left."""
        return np.asarray(EPS * np.abs(self.mean) * sqrt(self.mass))


def _precisions(block: Block, column: int) -> Array:
    """Return the precisions of a block's rows, which are positive."""
    p = block.X[:, column]
    bad = np.flatnonzero((p <= 0.0) & (block.row_weights > 0.0))
    if len(bad):
        row = int(bad[0])
        raise DataError(
            f"the precision of {block.place.row(row)} is {p[row]:g}, and precisions are positive. "
            "Leave the row out, or correct it."
        )
    return np.where(p > 0.0, p, 1.0)
