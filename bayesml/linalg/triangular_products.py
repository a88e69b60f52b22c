"""Products of a few upper triangles with many vectors, every triangle read once, compiled by numba.

A triangle of some hundred columns does not fit in the fastest cache, and reading it is what such a
product costs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.linalg.compiled import compiled
from bayesml.typing import Integers

Floats = NDArray[Any]


def upper_products(U: Floats, of: Integers, z: Floats) -> Floats:
    """Return U z for every vector z and its triangle.

    Parameters
    ----------
    U : ndarray, shape (T, p, p)
        Upper triangles; what lies below their diagonals is not read.
    of : ndarray, shape (C,)
        Which of them each vector is multiplied by.
    z : ndarray, shape (C, p)
        Of the precision of U.

    Examples
    --------
    >>> U = np.array([[[1.0, 2.0], [0.0, 3.0]]])
    >>> upper_products(U, np.array([0, 0]), np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([[3., 3.],
           [2., 3.]])
    """
    out = np.empty_like(z)
    _multiply(U, of, z, out)
    return out


def transposed_products(U: Floats, of: Integers, g: Floats) -> Floats:
    """Return Uᵀ g for every vector g and its triangle.

    Examples
    --------
    >>> U = np.array([[[1.0, 2.0], [0.0, 3.0]]])
    >>> transposed_products(U, np.array([0]), np.array([[1.0, 1.0]]))
    array([[1., 5.]])
    """
    out = np.zeros_like(g)
    _multiply_transposed(U, of, g, out)
    return out


@compiled
def _multiply(U: Any, of: Any, z: Any, out: Any) -> None:
    for k in range(U.shape[0]):
        for i in range(U.shape[1]):
            row = U[k, i, i:]
            for c in range(len(of)):
                if of[c] == k:
                    v, total = z[c, i:], row[0] * z[c, i]
                    for j in range(1, len(row)):
                        total += row[j] * v[j]
                    out[c, i] = total


@compiled
def _multiply_transposed(U: Any, of: Any, g: Any, out: Any) -> None:
    for k in range(U.shape[0]):
        for i in range(U.shape[1]):
            row = U[k, i, i:]
            for c in range(len(of)):
                if of[c] == k:
                    factor, into = g[c, i], out[c, i:]
                    for j in range(len(row)):
                        into[j] += factor * row[j]
