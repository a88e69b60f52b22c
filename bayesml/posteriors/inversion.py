"""Quantiles of mixtures. Derived in docs/theory/prediction.md, (P50)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import ndtri

from bayesml.errors import ConvergenceError
from bayesml.posteriors.kernels import Kernels
from bayesml.typing import Array, Integers

EPS = float(np.finfo(np.float64).eps)
STEPS = 8
"""Most steps of Newton's method before a root is bracketed."""

NEAR = 1e-10
"""How far off t may be when a quantile is given."""


def quantile(kernels: Kernels, q: Array, mean: Array, sd: Array) -> Array:
    """Return y with P(Y ≤ y) = q, one level a row.

    Parameters
    ----------
    kernels : Kernels
    q, mean, sd : ndarray, shape (b,)
        The moments of the rows, which need not be finite.
    """
    centre, spread = _centre_and_spread(kernels, mean, sd)
    rows, out = np.flatnonzero(spread > 4 * EPS * np.abs(centre)), centre.copy()  # or a point
    if len(rows) > 0:
        out[rows] = _quantile(kernels.take(rows), q[rows], centre[rows], spread[rows])
    return out


def _quantile(kernels: Kernels, q: Array, centre: Array, spread: Array) -> Array:
    """Start from the quantile of a few components, or of a normal."""
    few = kernels.sketch()
    start = centre + spread * ndtri(q) if few is None else _quantile(few, q, centre, spread)
    out, settled = _newton(kernels, q, start, centre, spread)
    rows = np.flatnonzero(~settled)
    if len(rows) > 0:
        low, high = (centre - spread)[rows], (centre + spread)[rows]
        out[rows] = _bracketed(kernels.take(rows), q[rows], low, high)
    return out


def _centre_and_spread(kernels: Kernels, mean: Array, sd: Array) -> tuple[Array, Array]:
    """Return finite scales of the rows, also where their moments are not."""
    centre = mean
    if not np.all(np.isfinite(mean)):
        centre = np.where(np.isfinite(mean), mean, np.median(kernels.first, axis=1))
    if np.all(np.isfinite(sd)):
        return centre, sd
    with np.errstate(divide="ignore"):  # of a normal density of the same height
        alike = 1.0 / (np.sqrt(2.0 * np.pi) * kernels.density(centre))
    spread = np.where(np.isfinite(sd), sd, alike)
    return centre, np.where(np.isfinite(spread), spread, 1.0 + np.abs(centre))


def _newton(
    kernels: Kernels, q: Array, start: Array, centre: Array, spread: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Take a few Newton steps in t on the log of the nearer tail (P50); say which rows settled.

    Steps that do not shrink leave their row to bracketing.
    """
    t, settled = np.arcsinh((start - centre) / spread), np.zeros(len(q), dtype=np.bool)
    rows = np.arange(len(q))
    last, before = np.full(len(q), np.nan), np.zeros(len(q))
    for _ in range(STEPS):
        with np.errstate(all="ignore"):
            residual, slope = _log_tail(kernels, rows, centre, spread, t[rows], q[rows])
            step = residual / slope
            bend = step * (before[rows] - slope) / (last[rows] * slope)
            step *= 1.0 + np.where(np.abs(bend) < 1.0, 0.5 * bend, 0.0)
            shrunk = np.where(np.isnan(last[rows]), 0.0, np.abs(step / last[rows]))
            left = np.where(np.isnan(last[rows]), 1.0, shrunk**2) * np.abs(step)
        moving = np.isfinite(step) & (shrunk < 0.5)
        rows = rows[moving]
        t[rows] -= step[moving]
        last[rows], before[rows] = step[moving], slope[moving]
        near = left[moving] <= NEAR
        settled[rows] = near
        rows = rows[~near]
        if len(rows) == 0:
            break
    return centre + spread * np.sinh(t), settled


def _log_tail(
    kernels: Kernels, rows: Integers, centre: Array, spread: Array, t: Array, q: Array
) -> tuple[Array, Array]:
    """Evaluate log(P(Y ≤ y)/q), or log(P(Y > y)/(1 − q)) where that is nearer, and d/dt."""
    part, unit = kernels.take(rows), spread[rows]
    y = centre[rows] + unit * np.sinh(t)
    tail, level = _nearer_tail(part, y, q)
    sign = np.where(q > 0.5, -1.0, 1.0)
    return np.log(tail / level), sign * part.density(y) * unit * np.cosh(t) / tail


def _nearer_tail(kernels: Kernels, y: Array, q: Array) -> tuple[Array, Array]:
    """Evaluate P(Y ≤ y), or P(Y > y) where q is above one half; and what it should be."""
    upper = q > 0.5
    below = np.zeros(len(y)) if np.all(upper) else kernels.below(y)
    above = kernels.above(y) if np.any(upper) else np.zeros(len(y))
    return np.where(upper, above, below), np.where(upper, 1.0 - q, q)


def _bracketed(kernels: Kernels, q: Array, low: Array, high: Array) -> Array:
    """Bracket the root and close in on it by Chandrupatla's method."""

    def excess(y: Array, row: Integers) -> Array:
        tail, level = _nearer_tail(kernels.take(row), y, q[row])
        return np.where(q[row] > 0.5, level - tail, tail - level)

    rows = np.arange(len(q))
    bracket = elementwise.bracket_root(excess, low, high, args=(rows,), maxiter=2000)
    found = elementwise.find_root(excess, bracket.bracket, args=(rows,))
    if not np.all(found.success):
        raise ConvergenceError(
            f"A quantile of {int(np.sum(~found.success))} row(s) was not found. Their "
            "predictive distribution may be degenerate: check the scales of the priors."
        )
    return np.asarray(found.x)
