"""Leave-one-out prediction in closed form. Derived in docs/theory/leave_one_out.md.

What every posterior shares: one copy of a row is left out at a time. `reweighting` takes it out of
a posterior of σ on nodes, `in_closed_form` of a normal-inverse-gamma one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesml.data import Block
from bayesml.distributions.real_line import standard_student_t_log_density
from bayesml.errors import ConvergenceError, ImproperPosteriorError
from bayesml.posteriors.rows import BLOCK
from bayesml.typing import Array, Integers

Rows = tuple[Array, Array, Array]
EPS = float(np.finfo(np.float64).eps)
LARGEST_ERROR = 1e-6
ROUNDINGS = 8.0


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    r"""Prediction of one copy of every row from all the others.

    An observation weight says how often a row is there: of weight 3, two copies stay. Rows of
    weight zero are not there, and have no entry.

    Attributes
    ----------
    log_density : ndarray, shape (k,)
        :math:`\log p(y_i \mid x_i, y_{-i})` of one copy.
    mean : ndarray, shape (k,)
        :math:`E[y_i \mid x_i, y_{-i}]`, in the unit of y.
    leverage : ndarray, shape (k,)
        :math:`w_i a_i^\top \mathrm{Cov}(\beta \mid y, \sigma)\,a_i/\sigma^2`, averaged over σ:
        how much all copies of a row decide their own prediction, from 0 to 1.
    weights : ndarray, shape (k,)
        How many copies there are.
    rows : ndarray of int, shape (k,)
        Which rows of the data the entries are.
    """

    log_density: Array
    mean: Array
    leverage: Array
    weights: Array
    rows: Integers

    @property
    def elpd(self) -> float:
        """Expected log pointwise predictive density: the sum of `log_density` over copies (V5)."""
        return float(self.weights @ self.log_density)

    @property
    def standard_error(self) -> float:
        """Standard error of `elpd` over copies (V5; Vehtari, Gelman & Gabry 2017, eq. 23)."""
        average = self.elpd / float(np.sum(self.weights))
        return float(np.sqrt(self.weights @ (self.log_density - average) ** 2))

    def __repr__(self) -> str:
        """Say the total with its error."""
        return (
            f"LeaveOneOut(elpd {self.elpd:.2f} ± {self.standard_error:.2f}, "
            f"{len(self.log_density)} rows, largest leverage {self.leverage.max():.3f})"
        )


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a positive weight, as many as are predicted at a time.

    Attributes
    ----------
    X, y, weights : ndarray
    rows : ndarray of int
        Their numbers in the data.
    """

    X: Array
    y: Array
    weights: Array
    rows: Integers

    @property
    def copy(self) -> Array:
        """The weight that one copy has: one, or all there is."""
        return np.minimum(self.weights, 1.0)

    def in_units_of(self, noise: Array) -> "Part":
        """Return the rows with y in units of every row's noise."""
        return replace(self, y=self.y / noise)

    def some(self, which: Integers) -> "Part":
        """Return some of these rows."""
        return Part(self.X[which], self.y[which], self.weights[which], self.rows[which])

    def remaining(self, relative_variance: Array) -> Array:
        """Evaluate what is left of the rows' directions without the copy, 1 − c g (V1)."""
        return np.asarray(1.0 - self.copy * relative_variance)


def leave_one_out(
    blocks: Iterable[Block], width: int, predict: Callable[[Part], Rows]
) -> LeaveOneOut:
    """Put the predictions of all rows together, a part of them in memory at a time.

    The priors are held fixed: they do not forget the row, even where its value scaled them.

    Parameters
    ----------
    blocks : iterable of Block
        The rows that were learned from, in their order.
    width : int
        How many numbers are needed for each row at a time.
    predict : callable
        Maps a part to log densities, means and leverages of its rows: `by_nodes` or
        `in_closed_form` of a posterior.

    Raises
    ------
    ImproperPosteriorError
        If a coefficient is determined by one row alone.
    """
    columns = [(*predict(part), part.weights, part.rows) for part in _parts(blocks, width)]
    return LeaveOneOut(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def _parts(blocks: Iterable[Block], width: int) -> Iterator[Part]:
    size, seen = max(1, BLOCK // width), 0
    for block in blocks:
        weights = block.row_weights
        there = np.flatnonzero(weights > 0)
        for start in range(0, len(there), size):
            rows = there[start : start + size]
            yield Part(block.X[rows], block.y[rows], weights[rows], rows + seen)
        seen += len(block.y)


def check_remaining(part: Part, remaining: Array) -> None:
    """Refuse rows without a copy of which there is no posterior, under any of several models."""
    remaining = remaining.reshape(-1, len(part.y)).min(axis=0)
    if np.any(remaining < 1e-12):
        row = int(np.argmin(remaining))
        leverage = (1.0 - remaining[row]) * part.weights[row] / part.copy[row]
        raise ImproperPosteriorError(
            f"Row {part.rows[row]} has leverage {leverage:.6g}: it alone determines a "
            "coefficient, which has no posterior without it. Give the coefficients proper priors, "
            "or leave out the column that only this row informs."
        )


def check_digits(part: Part, size: Array) -> None:
    """Refuse rows whose log density is a difference of numbers of a size without digits (V6)."""
    error = ROUNDINGS * EPS * size.reshape(-1, len(part.y)).max(axis=0)
    if not np.all(error <= LARGEST_ERROR):
        row = int(np.argmax(error))
        raise ConvergenceError(
            f"Row {part.rows[row]}, y = {part.y[row]:g}, lies so far from what the others predict, "
            "in units of their own scatter, that its leave-one-out density would have an error of "
            f"{error[row]:.1e}, and it has to be within {LARGEST_ERROR:g}. Correct the row, or "
            "take it out of the data and use fit.predict(...).log_prob."
        )


def from_units_of(noise: Array, rows: Rows) -> Rows:
    """Return log densities and means of y from those of y in units of every row's noise (V7)."""
    log_density, mean, leverage = rows
    return log_density - np.log(noise), mean * noise, leverage


def in_closed_form(part: Part, eta: Array, scale: Array, shape: float, rate: float | Array) -> Rows:
    """Take a copy of each row out of the normal-inverse-gamma posterior (V4).

    Parameters
    ----------
    part : Part
        b rows.
    eta, scale : ndarray, shape (b,) or (K, b)
        Location and scale of the Student-t distributions of the rows' expectations.
    shape : float
    rate : float, or ndarray of shape (K, 1)
        Posterior a and b of the variance.
    """
    c, g = part.copy, scale**2 * shape / rate
    remaining = part.remaining(g)
    check_remaining(part, remaining)
    away = (part.y - eta) / remaining
    left_shape = shape - 0.5 * c
    left_rate = rate - 0.5 * c * away**2 * remaining
    check_digits(part, left_shape * rate / np.maximum(left_rate, EPS * rate))
    spread = np.sqrt(left_rate / left_shape * (1.0 + g / remaining))
    log_density = standard_student_t_log_density(away / spread, 2.0 * left_shape) - np.log(spread)
    return log_density, part.y - away, part.weights * g
