"""The continuous ranked probability score where there is no formula for it.

Derived in docs/theory/prediction.md, (P51)–(P53).
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from bayesml.posteriors.inversion import quantile
from bayesml.posteriors.kernels import Kernels
from bayesml.typing import Array, Integers

Function = Callable[[Array], Array]
Tail = Callable[[Kernels, Array], Array]

NODES = 24
TAIL = 1e-5
"""Levels beyond which a tail is taken for a power of the distance."""

WITHIN = 1e-8
"""What a piece may be off by, by its coefficients, in units of s: it is off by less."""

HALVINGS = 30
"""Most of a piece: where F jumps, halving it never ends by itself."""


def crps_by_quadrature(kernels: Kernels, y: Array, mean: Array, sd: Array) -> Array:
    r"""Integrate F² below y and (1 − F)² above it, in t, z = c + s sinh t (P51).

    Parameters
    ----------
    kernels : Kernels
        Of b rows.
    y, mean, sd : ndarray, shape (b,)
        What was observed; the moments, which need not be finite.
    """
    few = kernels.sketch() or kernels  # where the mass lies, a few components know
    levels = (TAIL, 0.25, 0.5, 0.75, 1.0 - TAIL)
    low, q1, c, q3, high = (quantile(few, np.full(len(y), q), mean, sd) for q in levels)
    s = 0.5 * (q3 - q1)
    ends = [np.minimum(low, y), y, np.maximum(high, y)]
    t = [np.arcsinh((z - c) / s) for z in ends]
    out = np.zeros(len(y))
    for k, tail in ((0, Kernels.below), (1, Kernels.above)):

        def squared(rows: Integers, tail: Tail = tail) -> Function:
            part, centre, unit = kernels.take(rows), c[rows], s[rows]
            return lambda t: np.cosh(t) * tail(part, centre + unit * np.sinh(t)) ** 2

        out += s * integrate(squared, t[k], t[k + 1])
        z = ends[2 * k]
        out += _beyond(tail(kernels, z), kernels.density(z), z - c)
    return out


def _beyond(tail: Array, density: Array, away: Array) -> Array:
    """Integrate the square of a tail that falls as a power of the distance (P53)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = density * np.abs(away) / tail
        rest = np.where(power > 0.5, tail**2 * np.abs(away) / (2.0 * power - 1.0), np.inf)
    return np.where(tail > 0.0, rest, 0.0)


def integrate(f: Callable[[Integers], Function], a: Array, b: Array) -> Array:
    """Integrate a function of t, that of each row, from a to b (P52).

    By Gauss and Legendre; pieces whose coefficients do not fall fast enough are halved.
    """
    out, rows = np.zeros(len(a)), np.arange(len(a))
    for depth in range(HALVINGS + 1):
        values, good = _gauss(f(rows), a, b)
        good |= depth == HALVINGS
        np.add.at(out, rows[good], values[good])
        middle = 0.5 * (a + b)
        rows = np.tile(rows[~good], 2)
        a = np.concatenate([a[~good], middle[~good]])
        b = np.concatenate([middle[~good], b[~good]])
        if len(rows) == 0:
            break
    return out


def _gauss(f: Function, a: Array, b: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return integrals and whether they are good, by the Legendre coefficients of f (P52)."""
    x, w = legendre.leggauss(NODES)
    half = 0.5 * (b - a)
    at = [f(a + half * (1.0 + node)) for node in x]
    orders = np.arange(NODES)
    coefficients = (orders + 0.5)[:, None] * (w[:, None] * legendre.legvander(x, NODES - 1)).T @ at
    size = np.abs(coefficients)
    middle, last = (size[n - 1] + size[n - 2] for n in (NODES // 2, NODES))
    with np.errstate(divide="ignore", invalid="ignore"):
        ahead = np.where(last > 0.0, last * (last / middle) ** 2, 0.0)
    return 2.0 * half * coefficients[0], half * ahead <= WITHIN
