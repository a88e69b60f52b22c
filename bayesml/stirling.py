r"""What Stirling's formula leaves of the gamma function, so that large parts never cancel.

Log densities that hold differences of large :math:`\log\Gamma` are written as deviances and these
small remainders (I6). Derived in docs/theory/glm_families.md.
"""

from collections.abc import Sequence
from math import log, pi

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from bayesml.typing import Array, ArrayLike

HALF_LOG_2PI = 0.5 * log(2.0 * pi)

LARGE = 16.0
"""From here on seven terms of the series are exact to the last digit."""

NEAR = 0.4
"""Relative distance from one within which log(1 + t) − t is summed as a series."""


def stirling_error(x: ArrayLike) -> Array:
    r"""Evaluate :math:`\delta(x)`, what Stirling's formula leaves of log Γ(x) (I6).

    Parameters
    ----------
    x : array_like
        Positive; at infinity it is zero.

    References
    ----------
    Loader (2000), Fast and accurate computation of binomial probabilities, eq. 2.

    Examples
    --------
    >>> stirling_error([1.0, 1e3]).round(8)
    array([8.106147e-02, 8.333000e-05])
    """
    x = np.asarray(x, dtype=np.float64)
    near, r = np.minimum(x, LARGE), 1.0 / np.maximum(x, LARGE)
    direct = gammaln(near) - (near - 0.5) * np.log(near) + near - HALF_LOG_2PI
    coefficients = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
    return np.asarray(np.where(x < LARGE, direct, r * _series(r**2, coefficients)))


def digamma_error(x: ArrayLike) -> Array:
    r"""Evaluate :math:`\varepsilon(x) = \log x - \psi(x) - \frac1{2x} = -\delta'(x)` (I7).

    Examples
    --------
    >>> digamma_error([1.0, 1e4]).round(12)
    array([7.72156649e-02, 8.33000000e-10])
    """
    x = np.asarray(x, dtype=np.float64)
    near, r = np.minimum(x, LARGE), 1.0 / np.maximum(x, LARGE)
    direct = np.log(near) - digamma(near) - 0.5 / near
    coefficients = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
    return np.asarray(np.where(x < LARGE, direct, r**2 * _series(r**2, coefficients)))


def trigamma_error(x: ArrayLike) -> Array:
    r"""Evaluate :math:`\psi'(x) - \frac1x - \frac1{2x^2} = -\varepsilon'(x)` (I29).

    Examples
    --------
    >>> trigamma_error([1.0, 1e4]).round(15)
    array([1.44934067e-01, 1.67000000e-13])
    """
    x = np.asarray(x, dtype=np.float64)
    near, r = np.minimum(x, LARGE), 1.0 / np.maximum(x, LARGE)
    direct = polygamma(1, near) - 1.0 / near - 0.5 / near**2
    coefficients = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)
    return np.asarray(np.where(x < LARGE, direct, r**3 * _series(r**2, coefficients)))


def log_excess(ratio: ArrayLike, over: ArrayLike) -> Array:
    r"""Evaluate :math:`\log r - (r - 1) \le 0`, minus half a deviance (I8).

    Parameters
    ----------
    ratio : array_like
        r, positive.
    over : array_like
        r − 1 to all its digits, which r itself does not hold where it is near one.

    References
    ----------
    Loader (2000), the function bd0.

    Examples
    --------
    >>> log_excess(1.0, 1e-9), log_excess(3.0, 2.0).round(4)
    (array(-5.e-19), np.float64(-0.9014))
    """
    ratio, over = np.asarray(ratio, dtype=np.float64), np.asarray(over, dtype=np.float64)
    t = np.clip(over, -NEAR, NEAR)
    v = t / (2.0 + t)
    odd = _series(v**2, [2.0 / (2 * k + 3) for k in range(14)])
    with np.errstate(divide="ignore"):  # where r rounds to zero the density vanishes
        return np.asarray(np.where(np.abs(over) < NEAR, v**3 * odd - t * v, np.log(ratio) - over))


def _series(t: Array, coefficients: Sequence[float]) -> Array:
    return np.asarray(np.polynomial.polynomial.polyval(t, coefficients), dtype=np.float64)


def log_gamma_step(x: Array) -> Array:
    """Evaluate log Γ(x + ½) − log Γ(x) without the cancellation at large x."""
    return np.asarray(0.5 * np.log(x) + log_gamma_excess(x))


def log_gamma_excess(x: Array) -> Array:
    """Evaluate log Γ(x + ½) − log Γ(x) − ½ log x, which vanishes at ∞.

    From x = 20 the asymptotic series of Tricomi & Erdélyi (1951) has error below 1e-14.
    """
    near, r = np.minimum(x, 20.0), 1.0 / np.maximum(x, 20.0)
    series = -(1 / 8 - (1 / 192 - (1 / 640 - 17 / 14336 * r**2) * r**2) * r**2) * r
    direct = gammaln(near + 0.5) - gammaln(near) - 0.5 * np.log(near)
    return np.where(x < 20.0, direct, series)
