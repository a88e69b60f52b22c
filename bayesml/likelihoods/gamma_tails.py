"""Logarithms of incomplete gamma functions, which do not underflow: tails of counts and of gammas.

Derived in docs/theory/censoring.md, (X24) and (X25).
"""

from collections.abc import Callable

import numpy as np
from scipy.special import gammainc, gammaincc

from bayesml.stirling import HALF_LOG_2PI, log_excess, stirling_error
from bayesml.typing import Array, ArrayLike

LEAST = 1e-280
"""Probabilities below which those of scipy lose digits, on the way to zero."""

MOST_TERMS = 20_000
"""At most; about the root of the shape are needed."""

Far = Callable[[Array, Array], Array]

EPS = float(np.finfo(np.float64).eps)


def log_lower(shape: ArrayLike, x: ArrayLike) -> Array:
    """Evaluate log P(a, x), the log of the regularised lower incomplete gamma function (X24).

    Examples
    --------
    >>> log_lower(1000.0, [1000.0, 10.0]).round(3).tolist()
    [-0.685, -3619.533]
    """
    a, x = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (shape, x)))
    return _logarithm(gammainc(a, x), gammaincc(a, x), a, x, _series)


def log_upper(shape: ArrayLike, x: ArrayLike) -> Array:
    """Evaluate log Q(a, x), that of the upper one (X25).

    Examples
    --------
    >>> log_upper(1.0, [0.5, 2000.0])  # an exponential
    array([-5.e-01, -2.e+03])
    """
    a, x = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (shape, x)))
    return _logarithm(gammaincc(a, x), gammainc(a, x), a, x, _fraction)


def _logarithm(mass: Array, other: Array, a: Array, x: Array, far: Far) -> Array:
    """Take the log of a probability: near one from its complement, near zero from an expansion."""
    mass, other = np.asarray(mass), np.asarray(other)
    with np.errstate(divide="ignore"):
        out = np.asarray(np.where(mass > 0.5, np.log1p(-np.minimum(other, 1.0)), np.log(mass)))
    small = (mass < LEAST) & np.isfinite(a) & np.isfinite(x) & (x > 0)
    if np.any(small):
        at, of = a[small], x[small]
        ratio = log_excess(of / at, (of - at) / at)
        density = at * ratio + 0.5 * np.log(at) - HALF_LOG_2PI - stirling_error(at)
        out[small] = density + np.log(far(at, of))
    return out


def _series(a: Array, x: Array) -> Array:
    """Evaluate (1/a) Σ xⁿ/((a + 1)…(a + n)), x < a (X24)."""
    total = term = 1.0 / a
    for n in range(1, MOST_TERMS):
        term = term * x / (a + n)
        total = total + term
        if np.all(term < 0.1 * EPS * total):
            break
    return np.asarray(total)


def _fraction(a: Array, x: Array) -> Array:
    """Evaluate Legendre's continued fraction by Lentz's method, x > a (X25)."""
    b = x + 1.0 - a
    c, d = np.full(b.shape, np.inf), 1.0 / b
    value = d
    for n in range(1, MOST_TERMS):
        step, b = -n * (n - a), b + 2.0
        d, c = 1.0 / (step * d + b), b + step / c
        value = value * (c * d)
        if np.all(np.abs(c * d - 1.0) < EPS):
            break
    return np.asarray(value)
