"""Mean and triangular factor of centred, weighted rows, at the speed of matrix products.

Derived in docs/theory/sufficient_statistics.md and docs/theory/accuracy.md.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bayesml.linalg.triangular import gram_factor, solve_upper, triangular_factor
from bayesml.typing import Array

GRAM_SAFE = 300.0  # κ²ε = 2e-11
CHOLESKY_QR_SAFE = 1e7
ORTHOGONAL = 2.0
CACHED = 2**16
"""Numbers in a chunk of rows: 512 KiB, which stay in the second-level cache."""

FIRST = 512
"""Rows whose mean the others are counted from."""


class CentredFactor(NamedTuple):
    """Mean of the rows in two parts, rounded and what that left out, and the factor (S2)."""

    mean: Array
    mean_error: Array
    R: Array


def centred_factor(X: Array, y: Array, w: Array | None) -> CentredFactor:
    r"""Return the weighted mean of the rows of :math:`[X\ y]` and the factor about it.

    Chosen by the condition number :math:`\kappa` of the centred columns scaled to norm one. Up to
    `GRAM_SAFE` the Cholesky factor of their Gram matrix, whose relative error is
    :math:`\kappa^2\epsilon` (A3); up to `CHOLESKY_QR_SAFE` Cholesky QR twice, with the
    orthogonality of Householder's (A4); beyond it, and for few rows, Householder reflections.
    Rows are copied a chunk at a time; only reflections copy all of them.

    Parameters
    ----------
    X : ndarray, shape (b, n)
        Any memory order.
    y : ndarray, shape (b,)
    w : ndarray, shape (b,), or None
        Weights, not all zero.

    References
    ----------
    Yamamoto, Nakatsukasa, Yanagisawa & Fukaya (2015), Roundoff error analysis of the CholeskyQR2
    algorithm, theorem 3.1.

    Examples
    --------
    >>> X, y = np.array([[1.0], [2.0], [4.0], [5.0]]), np.array([1.0, 3.0, 2.0, 6.0])
    >>> mean, _, R = centred_factor(X, y, None)
    >>> mean, np.round(R.T @ R, 12)
    (array([3., 3.]), array([[10.,  9.],
           [ 9., 14.]]))
    """
    b, n = X.shape
    fast = _by_products(X, y, w) if b >= 8 * (n + 1) else None
    return fast or _by_reflections(X, y, w)


def _by_products(X: Array, y: Array, w: Array | None) -> CentredFactor | None:
    """Take the factor from matrix products, where that is accurate; otherwise none.

    Subtracting the mean from the moments multiplies the rounding by 1 + mean²/variance (A2),
    the mean counted from the centre, which is that of the first rows.
    """
    centre = np.append(X[:FIRST].mean(axis=0), y[:FIRST].mean())
    about = _moments(X, y, w, (centre,))
    rest = about[:-1, -1] / about[-1, -1]
    gram = about[:-1, :-1] - np.outer(about[:-1, -1], rest)
    if np.any(np.diag(gram) <= 0.1 * np.diag(about)[:-1]):
        return None
    R, condition = gram_factor(gram)
    if condition > CHOLESKY_QR_SAFE:
        return None
    if condition > GRAM_SAFE:
        again, left = gram_factor(_moments(X, y, w, (centre, rest), R)[:-1, :-1])
        if left > ORTHOGONAL:
            return None
        R = again @ R
    mean = centre + rest
    return CentredFactor(mean, (centre - mean) + rest, R)


def _by_reflections(X: Array, y: Array, w: Array | None) -> CentredFactor:
    centre = np.append(_mean(X, w), _mean(y, w))
    A = np.column_stack([X, y]) - centre
    rest = _mean(A, w)
    A -= rest
    if w is not None:
        A *= np.sqrt(w)[:, None]
    mean = centre + rest
    return CentredFactor(mean, (centre - mean) + rest, triangular_factor(A))


def _moments(
    X: Array, y: Array, w: Array | None, centres: tuple[Array, ...], R: Array | None = None
) -> Array:
    """Sum the weighted outer products of (z − centres, 1), or of (R⁻ᵀ(z − centres), 1)."""
    p = X.shape[1] + 1
    total = np.zeros((p + 1, p + 1))
    for chunk in _chunks(X, y, w, centres):
        if R is not None:
            chunk[:p] = solve_upper(R, chunk[:p], transpose=True)
        total += chunk @ chunk.T
    return total


def _chunks(X: Array, y: Array, w: Array | None, centres: tuple[Array, ...]) -> Iterator[Array]:
    """Hand out √w (z − centres, 1) of the rows as columns, always in the same memory."""
    n = X.shape[1]
    step = max(256, CACHED // (n + 2))
    memory = np.empty((n + 2, min(step, len(y))))
    first, *more = centres
    for start in range(0, len(y), step):
        rows = slice(start, start + step)
        chunk = memory[:, : len(y[rows])]
        np.subtract(X[rows].T, first[:n, None], out=chunk[:n])
        np.subtract(y[rows], first[n], out=chunk[n])
        for centre in more:
            chunk[: n + 1] -= centre[:, None]
        chunk[n + 1] = 1.0
        if w is not None:
            chunk *= np.sqrt(w[rows])
        yield chunk


def _mean(A: Array, w: Array | None) -> Array:
    return np.asarray(
        (np.ones(len(A)) if w is None else w) @ A / (len(A) if w is None else w.sum())
    )
