"""Residuals in doubled precision, by error-free transformations of float64 numbers.

Derived in docs/theory/accuracy.md.
"""

from math import fsum

import numpy as np

from bayesml.typing import Array

SPLITTER = 134217729.0  # 2²⁷ + 1
CHUNK = 4096  # rows whose temporaries stay in the first-level cache


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return s and e with s + e = a + b exactly and s = fl(a + b) (Knuth 1998, §4.2.2 thm B)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return p and e with p + e = a·b exactly and p = fl(a·b) (Dekker 1971, §5)."""
    p = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    return p, a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _split(a: Array) -> tuple[Array, Array]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def exact_dot(x: Array, y: Array) -> tuple[float, float]:
    r"""Return :math:`x^\top y` as an unevaluated sum of two floats, for short vectors.

    Examples
    --------
    >>> exact_dot(np.array([1e16, 1.0, -1e16]), np.array([1.0, 1.0, 1.0]))
    (1.0, 0.0)
    """
    product, error = two_product(x, y)
    terms = [*product.tolist(), *error.tolist()]
    high = fsum(terms)
    return high, fsum([*terms, -high])


def residual(
    X: Array, y: Array, weights: Array, intercept: tuple[float, float]
) -> tuple[Array, Array]:
    r"""Evaluate :math:`y - b - X\theta` in doubled precision, as an unevaluated sum.

    Parameters
    ----------
    X : ndarray, shape (m, n)
    y : ndarray, shape (m,)
    weights : ndarray, shape (n,)
        θ.
    intercept : (float, float)
        b as an unevaluated sum.

    References
    ----------
    Ogita, Rump & Oishi (2005), Accurate sum and dot product, algorithm 5.3 (Dot2).
    """
    high, low = two_sum(y, np.asarray(-intercept[0]))
    low = low - intercept[1]
    for j, weight in enumerate(weights):
        product, error = two_product(X[:, j], np.asarray(-weight))
        high, carry = two_sum(high, product)
        low += carry + error
    return two_sum(high, low)


def inner_products(X: Array, r: Array) -> tuple[Array, Array]:
    r"""Evaluate :math:`X^\top r` in doubled precision, as unevaluated sums, shape (n,) each."""
    product, error = two_product(X, r[:, None])
    high, low = product, error.sum(axis=0)
    while len(high) > 1:
        half = len(high) // 2
        odd = high[2 * half :]
        high, carry = two_sum(high[:half], high[half : 2 * half])
        low = low + carry.sum(axis=0)
        high = np.concatenate([high, odd]) if len(odd) else high
    return high[0], low
