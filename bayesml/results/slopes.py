"""The average slope of a column, by differences that stay within its range.

Derived in docs/theory/prediction.md, (P14) to (P16).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import DataError
from bayesml.results.columns import Columns, matrix, rows_at
from bayesml.typing import Array, Bools, Integers

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
"""The first step, in standard deviations of what is moved."""
FINER = 8.0
FINEST = 12
"""How often a step is made finer before its row is refused."""
SETTLED = 3e-8
"""Relative change of a slope when its step is halved, above which the step is too long (P15)."""


@dataclass(frozen=True, eq=False)
class Differences:
    """Rows of X at three nodes around each row, and what combines them to its slope (P14).

    Attributes
    ----------
    X : ndarray, shape (3, rows, n)
    weights : ndarray, shape (3, rows)
    """

    X: Array
    weights: Array

    @property
    def slopes(self) -> Array:
        """Of every column of X at every row, shape (rows, n)."""
        away = self.X - self.X[1]  # exact, as products with weights of 1/h are not
        return np.asarray(np.einsum("kr,krn->rn", self.weights, away))

    @property
    def rounding(self) -> Array:
        """How far rounding of X may move them."""
        return np.asarray(16 * EPS * np.einsum("kr,krn->rn", abs(self.weights), abs(self.X)))


@dataclass(frozen=True, eq=False)
class SlopeEnds:
    """What differences of expectations make slopes of: rise (μ(up) − μ(down)) (P16).

    Attributes
    ----------
    rows : (k,) array of int
        Which of the rows have a slope that is not zero.
    up, down : ndarray, shape (k, n)
    rise : ndarray, shape (k,)
    """

    rows: Integers
    up: Array
    down: Array
    rise: Array


def row_slopes(data: Data, columns: Columns, term: str, seen: Array, labels: Any) -> SlopeEnds:
    """Return rows of X on both sides of every row, along its slope in a column.

    Parameters
    ----------
    data : Data
    columns : mapping of column to values
        The rows.
    term : str
    seen : ndarray
        Values of the column that were learned from: slopes stay within their range.
    labels : sequence
        What the rows are called.

    Raises
    ------
    DataError
        If the column is constant, or has no finite slope at some row.
    """
    slopes, X = _column_slopes(data, columns, term, seen, labels), matrix(data.design, columns)
    sd = data.statistics.sd_X
    relative = np.divide(np.abs(slopes), sd, out=np.zeros_like(slopes), where=sd > 0)
    leading, moving = np.argmax(relative, axis=1), np.flatnonzero(np.any(relative, axis=1))
    X, slopes, leading = X[moving], slopes[moving], leading[moving, None]
    step = STEP / np.take_along_axis(relative[moving], leading, axis=1)
    up, down = X + step * slopes, X - step * slopes
    # Of the leading column the step is taken as rounded: far from zero rounding is not small.
    rise, width = (np.take_along_axis(v, leading, axis=1)[:, 0] for v in (slopes, up - down))
    return SlopeEnds(moving, up, down, rise / width)


def _column_slopes(data: Data, columns: Columns, term: str, seen: Array, labels: Any) -> Array:
    """Return dX/dx at every row, shape (m, n), refining the step where it does not settle."""
    x = columns[term]
    shortest = 64 * EPS * np.abs(x)
    if np.ptp(seen) <= 4.0 * 64 * EPS * np.max(np.abs(seen)):
        raise DataError(f"slopes: the column {term!r} is constant, so it has no slope.")
    steps, rows = np.maximum(STEP * float(np.std(seen)), shortest), np.arange(len(x))
    slopes = _moved(data, columns, term, seen, rows, steps).slopes
    typical = np.mean(np.abs(slopes), axis=0)
    for _ in range(FINEST):
        halved = _moved(data, columns, term, seen, rows, 0.5 * steps)
        rows = rows[_unsettled(slopes[rows], halved, typical)]
        if not len(rows):
            return slopes
        steps[rows] = np.maximum(steps[rows] / FINER, shortest[rows])
        slopes[rows] = _moved(data, columns, term, seen, rows, steps).slopes
    i, j = rows[0], int(np.argmax(np.abs(slopes[rows[0]])))
    raise DataError(
        f"slopes: the slope of {data.feature_names[j]!r} is infinite or not defined at {term} = "
        f"{x[i]:.6g} in row {labels[i]}: it is {slopes[i, j]:.2g} over a step of {steps[i]:.1g}, "
        "and does not settle as the step shrinks. Fit without such rows, or ask for a difference "
        f"between two values, fit.comparisons({{{term!r}: (low, high)}})."
    )


def _moved(
    data: Data, columns: Columns, term: str, seen: Array, rows: Integers, steps: Array
) -> Differences:
    """Move a column at some rows to both sides, inwards at the ends of its range."""
    x = columns[term][rows]
    low, high = min(seen.min(), x.min()), max(seen.max(), x.max())
    h = steps[rows]
    centre = np.clip(x, low + h, high - h)
    a, b, c = nodes = np.stack([np.maximum(centre - h, low), centre, np.minimum(centre + h, high)])
    others = {name: column[rows] for name, column in columns.items()}
    X = np.stack([rows_at(data.design, {}, {**others, term: at}) for at in nodes])
    # The differences of nodes are exact: slopes are over the steps as rounded, not as meant.
    parabola = np.stack(
        [
            ((x - b) + (x - c)) / ((a - b) * (a - c)),
            ((x - a) + (x - c)) / ((b - a) * (b - c)),
            ((x - a) + (x - b)) / ((c - a) * (c - b)),
        ]
    )
    central = np.array([-1.0, 0.0, 1.0])[:, None] / (c - a)
    return Differences(X, np.where(centre == x, central, parabola))


def _unsettled(slopes: Array, halved: Differences, typical: Array) -> Bools:
    """Say at which rows the slope of some column changes when the step is halved (P15)."""
    allowed = SETTLED * np.maximum(np.abs(slopes), typical) + halved.rounding
    return np.asarray(np.any(np.abs(slopes - halved.slopes) > allowed, axis=1))
