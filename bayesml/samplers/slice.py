"""Slice sampling of many independent numbers at once, each with a density of its own."""

from collections.abc import Callable

import numpy as np

from bayesml.typing import Array, Integers

MOST_STEPS = 3
"""Widths by which a slice is stepped out, to both sides together."""
MOST_TRIALS = 6
"""Points tried in a slice; a number for which none is found stays, which is as reversible."""


def slice_step(
    log_density: Callable[[Array], Array], x: Array, rng: np.random.Generator, width: float = 4.0
) -> Array:
    """Move every number by one step of a slice sampler: stepping out, then shrinkage.

    Parameters
    ----------
    log_density : callable
        Maps numbers to their log densities, entry by entry, up to constants.
    x : ndarray
        Where they are.
    rng : Generator
    width : float
        About the width of a density.

    References
    ----------
    Neal (2003), Slice sampling, §4, figures 3 and 5.

    Examples
    --------
    >>> rng, x = np.random.default_rng(1), np.zeros(4000)
    >>> for _ in range(20):
    ...     x = slice_step(lambda v: -0.5 * v**2, x, rng)
    >>> bool(abs(x.mean()) < 0.06), bool(abs(x.std() - 1.0) < 0.05)
    (True, True)
    """
    level = log_density(x) - rng.exponential(size=x.shape)
    low: Array = x - width * rng.random(x.shape)
    high: Array = low + width
    # Neal's limit, shared at random between the two sides, keeps the step reversible.
    left = rng.integers(MOST_STEPS, size=x.shape)
    right = MOST_STEPS - 1 - left
    low = _stepped_out(log_density, level, low, left, -width)
    high = _stepped_out(log_density, level, high, right, width)
    out, open_ = x.copy(), np.ones(x.shape, dtype=bool)
    for _ in range(MOST_TRIALS):
        trial = low + (high - low) * rng.random(x.shape)
        inside = log_density(trial) > level
        out = np.where(open_ & inside, trial, out)
        open_ &= ~inside
        if not open_.any():
            break
        low = np.where(trial < x, trial, low)
        high = np.where(trial >= x, trial, high)
    return out


def _stepped_out(
    log_density: Callable[[Array], Array], level: Array, end: Array, steps: Integers, by: float
) -> Array:
    """Move ends of intervals out of their slices, each by a number of steps at most."""
    while (going := (log_density(end) > level) & (steps > 0)).any():
        end, steps = end + np.where(going, by, 0.0), steps - going
    return end
