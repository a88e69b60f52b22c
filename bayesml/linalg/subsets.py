"""Triangular factors of every subset of columns. Derived in docs/theory/all_subsets.md.

The last axis of every array counts subsets, so that one call serves them all.
"""

from collections.abc import Sequence

import numpy as np

from bayesml.typing import Array

Triangles = Sequence[Array]
"""Rows of upper-triangular matrices from the diagonal on: shapes (r, M), (r − 1, M), …, (1, M)."""


def triangles(T: Array) -> list[Array]:
    """Return the rows of one upper-triangular matrix.

    Examples
    --------
    >>> [row.shape for row in triangles(np.eye(3))]
    [(3, 1), (2, 1), (1, 1)]
    """
    return [T[k, k:, None] for k in range(len(T))]


def without_and_with_first(rows: Triangles) -> list[Array]:
    """Return the factors of the other columns: without the first column, and given it.

    Given it, the rows below are the factor already. Without it, its row is rotated into these
    by Givens rotations (Y5), which are orthogonal: no digits cancel, as in a downdate.

    Parameters
    ----------
    rows : Triangles
        M matrices with non-zero diagonals.

    Returns
    -------
    list of ndarray
        2M matrices with a column less, those without the first column first.
    """
    moved, M, out = rows[0][1:], rows[0].shape[-1], []
    for row in rows[1:]:
        both = np.empty((len(row), 2 * M))
        length = np.sqrt(row[0] * row[0] + moved[0] * moved[0])
        c, s = row[0] / length, moved[0] / length
        both[0, :M] = length
        both[1:, :M] = c * row[1:] + s * moved[1:]
        both[:, M:] = row
        moved = c * moved[1:] - s * row[1:]
        out.append(both)
    return out
