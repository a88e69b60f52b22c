"""Shortest intervals: the highest-density interval wherever the density has one peak."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import elementwise

from bayesml.typing import Array, Integers

Inverse = Callable[[Array, Integers], Array]
"""Maps levels and the rows that they belong to, both (r,), to quantiles (r,)."""

# Where the lower tail is looked for at first, as parts of the mass that is left out.
SHARES = np.array([1e-3, 0.05, 0.15, 0.25, 0.375, 0.5, 0.625, 0.75, 0.85, 0.95, 1 - 1e-3])


def shortest_interval(quantile: Inverse, rows: int, probability: float) -> tuple[Array, Array]:
    r"""Minimise :math:`Q(t + p) - Q(t)` over the lower tail t, row by row (P6).

    Parameters
    ----------
    quantile : callable
        Q, of levels and rows.
    rows : int
    probability : float
        p.

    Returns
    -------
    lower, upper : ndarray, shape (rows,)
        The limits hold exactly p. The width is the smallest to rounding; where it lies is known
        to about 1e-8 of the spread, since a minimum is flat.
    """
    every = np.arange(rows)

    def width(tail: Array, row: Integers) -> Array:
        return quantile(tail + probability, row) - quantile(tail, row)

    tails = np.outer(SHARES * (1.0 - probability), np.ones(rows))
    widths = np.stack([width(tail, every) for tail in tails])
    best = 1 + np.argmin(widths[1:-1], axis=0)
    tail = minimise_within(
        width, tails[best - 1, every], tails[best, every], tails[best + 1, every]
    )
    return quantile(tail, every), quantile(tail + probability, every)


def minimise_within(
    function: Callable[[Array, Integers], Array], low: Array, middle: Array, high: Array
) -> Array:
    """Minimise a function of x and the row, row by row, between low and high.

    Where the middle is not below both ends, it is the answer.
    """
    search: Any = elementwise.find_minimum
    with np.errstate(divide="ignore", invalid="ignore"):  # a parabola through equal values
        found = search(function, (low, middle, high), args=(np.arange(len(middle)),))
    return np.where(found.success, found.x, middle)


def shortest_run(mass: Array, probability: float) -> tuple[Integers, Integers]:
    """Return the first and last of the fewest consecutive cells that hold the probability.

    Of equally many, those with the most mass (P10).

    Parameters
    ----------
    mass : ndarray, shape (b, N)
        Each row adds up to one.
    probability : float

    Examples
    --------
    >>> shortest_run(np.array([[0.2, 0.3, 0.4, 0.1]]), 0.6)
    (array([1]), array([2]))
    """
    first, last = np.empty(len(mass), dtype=np.intp), np.empty(len(mass), dtype=np.intp)
    below = np.concatenate([np.zeros((len(mass), 1)), np.cumsum(mass, axis=1)], axis=1)
    for k, row in enumerate(below):
        ends = np.searchsorted(row, row + probability * (1.0 - 1e-12))
        starts = np.flatnonzero(ends < len(row))
        sizes = ends[starts] - starts
        fewest = starts[sizes == sizes.min()]
        first[k] = fewest[np.argmax(row[fewest + sizes.min()] - row[fewest])]
        last[k] = first[k] + sizes.min() - 1
    return first, last


def shortest_of_atoms(values: Array, weights: Array, probability: float) -> tuple[Array, Array]:
    """Return the narrowest run of atoms that holds the probability, row by row.

    With equal weights it is ArviZ's unimodal interval, which takes none.

    Parameters
    ----------
    values : ndarray, shape (b, K)
    weights : ndarray, shape (K,)
    probability : float

    Examples
    --------
    >>> shortest_of_atoms(np.array([[0.0, 1.0, 1.1, 1.2]]), np.full(4, 0.25), 0.7)
    (array([1.]), array([1.2]))
    """
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    below = np.cumsum(weights[order], axis=1)
    lower, upper = np.empty(len(values)), np.empty(len(values))
    for k, (row, mass) in enumerate(zip(ranked, below, strict=True)):
        before = np.append(0.0, mass[:-1])
        last = np.searchsorted(mass, before + probability * (1.0 - 1e-12))
        first = np.flatnonzero(last < len(row))
        narrowest = first[np.argmin(row[last[first]] - row[first])]
        lower[k], upper[k] = row[narrowest], row[last[narrowest]]
    return lower, upper
