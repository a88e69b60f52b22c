"""The distribution function of Student's t by one polynomial a point, compiled by numba.

Derived in docs/theory/student_t_likelihood.md, (T8)–(T10).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from bayesml.linalg.compiled import compiled
from bayesml.stirling import HALF_LOG_2PI, log_gamma_excess
from bayesml.typing import Array

DEGREE, DEGREE_IN_DF = 22, 18
"""Of the polynomials in s and r: what is left out is below 3e-13 of G."""

Z_HALFWAY, DF_HALFWAY = 6.0, 4.0
"""c at ν = ∞, and the ν at which r is one half."""

TILE = 64
"""Columns whose polynomials stay in the fastest cache while all rows pass."""


def cdf_by_columns(df: Array, z: Array) -> Array:
    """Evaluate P(t ≤ z) at z, shape (b, K), in C order, with one ν a column (T9).

    Examples
    --------
    >>> cdf_by_columns(np.array([1.0, np.inf]), np.array([[-1.0, 0.0]])).round(12)
    array([[0.25, 0.5 ]])
    """
    fall = z * z
    with np.errstate(invalid="ignore"):  # ∞ · 0 where ν = ∞, whose limit is the square
        bent = df * np.log1p(fall / df)
    if np.isinf(df).any():
        bent = np.where(np.isinf(df), fall, bent)
    bent *= -0.5 * (1.0 - 1.0 / df)
    np.exp(bent, out=bent)
    _lower_tails(z, bent, *_of_each(df.tobytes()))
    return bent


@compiled
def _lower_tails(z: Any, fall: Any, c: Any, G: Any) -> None:
    """Put P(t ≤ z) in the place of (1 + z²/ν)^(−(ν−1)/2), tile by tile (T9)."""
    for tile in range(G.shape[0]):
        own = slice(tile * TILE, (tile + 1) * TILE)
        for i in range(z.shape[0]):
            _of_a_row(z[i, own], fall[i, own], c[own], G[tile])


@compiled
def _of_a_row(z: Any, fall: Any, c: Any, G: Any) -> None:
    for k in range(z.shape[0]):
        inverse = 1.0 / np.sqrt(c[k] + z[k] * z[k])
        s = 2.0 * abs(z[k]) * inverse - 1.0
        tail = G[DEGREE, k]
        for d in range(DEGREE):  # a constant: it is unrolled, and points go side by side
            tail = tail * s + G[DEGREE - 1 - d, k]
        tail *= inverse * fall[k]
        fall[k] = tail if z[k] < 0.0 else 1.0 - tail


@lru_cache(maxsize=4)
def _of_each(df_bytes: bytes) -> tuple[Array, Array]:
    """Return c, and the coefficients of f(0) G in powers of s, (tiles, degree + 1, TILE) (T9)."""
    df = np.frombuffer(df_bytes)
    r = DF_HALFWAY / (DF_HALFWAY + df)
    G = _polynomials() @ chebyshev.chebvander(2.0 * r - 1.0, DEGREE_IN_DF).T
    G *= np.exp(log_gamma_excess(0.5 * df) - HALF_LOG_2PI)
    tiles = np.pad(G, ((0, 0), (0, -len(df) % TILE))).reshape(DEGREE + 1, -1, TILE)
    return _bend(df), np.ascontiguousarray(tiles.swapaxes(0, 1))


@lru_cache(maxsize=1)
def _polynomials() -> Array:
    """Interpolate G: coefficients of powers of s and of Chebyshev polynomials of 2r − 1 (T10)."""
    s, p = (chebyshev.chebpts1(degree + 1) for degree in (DEGREE, DEGREE_IN_DF))
    u2, r = (0.5 * (1.0 + s[:, None])) ** 2, 0.5 * (1.0 + p)
    df = DF_HALFWAY * (1.0 - r) / r
    c = _bend(df)
    z2 = c * u2 / (1.0 - u2)
    G = _tail_integral(z2, df) * np.sqrt(c + z2)
    in_s = np.linalg.solve(chebyshev.chebvander(s, DEGREE), G)
    in_both = np.linalg.solve(chebyshev.chebvander(p, DEGREE_IN_DF), in_s.T).T
    powers = np.zeros((DEGREE + 1, DEGREE + 1))
    for k, one in enumerate(np.eye(DEGREE + 1)):
        powers[: k + 1, k] = chebyshev.cheb2poly(one[: k + 1])
    return np.asarray(powers @ in_both)


def _bend(df: Array) -> Array:
    """Evaluate c (T9)."""
    return np.asarray(1.0 / (1.0 / df + 1.0 / Z_HALFWAY))


def _tail_integral(z2: Array, df: Array) -> Array:
    """Evaluate J (T8) by the trapezoidal rule in w, τ = exp(2w)/2."""
    step, total = 1.0 / 16.0, np.zeros(z2.shape)
    for w in step * np.arange(-640.0, 33.0):
        t2 = np.exp(2.0 * w)
        total += step * np.exp(-0.5 * t2) * t2 / np.sqrt(z2 - df * np.expm1(-t2 / df))
    return total
