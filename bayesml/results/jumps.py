"""Whether a feature jumps as a column moves, where slopes say nothing of what it does.

Derived in docs/theory/prediction.md, section "Slopes".
"""

from dataclasses import dataclass

import numpy as np

from bayesml.data import Design
from bayesml.errors import DataError
from bayesml.results.columns import Columns, matrix
from bayesml.typing import Array, Integers

EPS = float(np.finfo(np.float64).eps)
PARTS, ROUNDS = 16, 10
"""Into which an interval is divided, and how often."""
NOTHING = 1e-9
"""Of the range, what is shown as zero: where it is to 16⁻¹⁰."""
HELD = 4
"""Rows at which the other columns are held."""
VISIBLE = 1e-6
"""The least jump that is looked for, as a share of what the feature moves by in all."""
STAYS = 0.1
"""A jump stays what it is as its interval shrinks: to so much; 1/16 is left of what is smooth."""


@dataclass(frozen=True)
class Jump:
    """A step of one column of X between two neighbouring values of a column.

    Attributes
    ----------
    feature : int
    at, size : float
    """

    feature: int
    at: float
    size: float


def jump_of(design: Design, seen: Columns, term: str) -> Jump | None:
    """Return the largest jump of a feature within the range of a column, if there is one (P41).

    Every interval of the grid in which a feature rises most is divided again and again: what is
    continuous rises by less and less, a jump by the same, and a pole by more. A formula that is
    not defined between the values seen is not looked at.
    """
    rows = np.unique(np.linspace(0, len(seen[term]) - 1, HELD).astype(int))
    low, high = float(seen[term].min()), float(seen[term].max())
    try:
        X = _along(design, seen, term, rows, np.full(len(rows), low), np.full(len(rows), high))
        moved = np.ptp(X, axis=1)
        held, feature = np.nonzero(moved > 0)
        if not len(held):
            return None
        return _searched(design, seen, term, rows[held], feature, moved[held, feature], low, high)
    except DataError:  # of a value in between that the formula refuses
        return None


def _along(
    design: Design, seen: Columns, term: str, rows: Integers, low: Array, high: Array
) -> Array:
    """Return X at equal steps from low to high, other columns held, shape (rows, steps + 1, n)."""
    nodes = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, PARTS + 1)
    others = {name: np.repeat(column[rows], PARTS + 1) for name, column in seen.items()}
    X = matrix(design, {**others, term: nodes.ravel()})
    return np.asarray(X.reshape(len(rows), PARTS + 1, -1))


def _searched(
    design: Design,
    seen: Columns,
    term: str,
    rows: Integers,
    feature: Integers,
    moved: Array,
    low: float,
    high: float,
) -> Jump | None:
    """Follow where each feature rises most, and judge what is left of the rise."""
    a, b = np.full(len(rows), low), np.full(len(rows), high)
    each = np.arange(len(rows))
    before: Array = np.zeros(len(rows))
    rise: Array = np.zeros(len(rows))
    shortest = 64 * EPS * max(abs(low), abs(high))
    for _ in range(ROUNDS):
        if (b - a).max() / PARTS <= shortest:
            break
        path = _along(design, seen, term, rows, a, b)[each, :, feature]
        steps = np.diff(path, axis=1)
        most = np.argmax(np.abs(steps), axis=1)
        before, rise = rise, steps[each, most]
        width = (b - a) / PARTS
        a, b = a + most * width, a + (most + 1) * width
    stays = np.abs(rise - before) <= STAYS * np.abs(before)
    found = np.flatnonzero(stays & (np.abs(rise) > VISIBLE * moved))
    if not len(found):
        return None
    k = found[np.argmax(np.abs(rise[found]) / moved[found])]
    at = float(b[k]) if abs(b[k]) > NOTHING * (high - low) else 0.0
    return Jump(int(feature[k]), at, float(rise[k]))
