"""Two Gram matrices diagonalised at once, without forming either.

The generalised singular value decomposition of Golub & Van Loan (2013, §8.7.4), computed
as Van Loan (1985) does: one QR of the stacked matrices, then one SVD of the upper block. Rows are
sorted by size and columns pivoted, so that each row keeps its own relative accuracy whatever the
others' size (Cox & Higham 1998): tight priors beside vague ones lose no digits.
Derived in docs/theory/linear_gaussian.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class JointDiagonal:
    r"""A basis in which :math:`M^\top M` and :math:`P^\top P` are both diagonal.

    :math:`L^\top M^\top M L = \mathrm{diag}(c^2)`, :math:`L^\top P^\top P L = \mathrm{diag}(s^2)`
    with :math:`c^2 + s^2 = 1`, so that
    :math:`(M^\top M/v + P^\top P)^{-1} = L\,\mathrm{diag}\{(c^2/v + s^2)^{-1}\}\,L^\top`
    for every :math:`v > 0`.

    Attributes
    ----------
    basis : ndarray, shape (p, p)
        :math:`L`.
    c, s : ndarray, shape (p,)
        Cosines and sines; :math:`s = 0` exactly beyond the rank of :math:`P`.
    log_abs_det : float
        :math:`\log|\det L^{-1}|`.
    scale, factor, columns, projection
        The pivoted QR factorisation of the stacked matrices with columns scaled to norm one.
    """

    basis: Array
    c: Array
    s: Array
    log_abs_det: float
    scale: Array
    factor: Array
    columns: Integers
    projection: Array

    def solve(self, right: Array) -> Array:
        """Return x that minimises ‖right − (M; P) x‖."""
        x = np.empty(len(self.scale))
        x[self.columns] = solve_triangular(self.factor, self.projection.T @ right)
        return np.asarray(x / self.scale)

    def coordinates(self, x: Array) -> Array:
        """Return (M; P) x in an orthonormal basis of its range."""
        return np.asarray(self.factor @ (self.scale * x)[self.columns])


def diagonalise_jointly(M: Array, P: Array) -> JointDiagonal:
    r"""Diagonalise :math:`M^\top M` and :math:`P^\top P` jointly.

    Parameters
    ----------
    M : ndarray, shape (m, p)
    P : ndarray, shape (k, p)
        Rows linearly independent. The stacked matrix :math:`(M; P)` must have rank p.

    Examples
    --------
    >>> M, P = np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    >>> joint = diagonalise_jointly(M, P)
    >>> A = M.T @ M / 9 + P.T @ P
    >>> bool(
    ...     np.allclose(
    ...         joint.basis @ np.diag(1 / (joint.c**2 / 9 + joint.s**2)) @ joint.basis.T,
    ...         np.linalg.inv(A),
    ...     )
    ... )
    True
    """
    m, k, p = M.shape[0], P.shape[0], M.shape[1]
    stacked = np.vstack([M, P])
    scale = np.linalg.norm(stacked, axis=0)
    stacked = stacked / scale
    rows = np.argsort(-np.abs(stacked).max(axis=1), kind="stable")
    factor, T, columns = qr(stacked[rows], mode="economic", pivoting=True, check_finite=False)
    Q = np.empty_like(factor)
    Q[rows] = factor
    _, _, Vt = np.linalg.svd(Q[:m])
    V = Vt[::-1].T
    by_prior = int(np.sum(np.linalg.norm(Q[:m] @ V, axis=0) < 0.7))
    _, _, Wt = np.linalg.svd(Q[m:] @ V[:, by_prior:])
    V[:, by_prior:] = V[:, by_prior:] @ Wt.T
    s = np.linalg.norm(Q[m:] @ V, axis=0)
    s[k:] = 0.0
    basis = np.empty((p, p))
    basis[columns] = solve_triangular(T, V, check_finite=False)
    log_abs_det = float(np.sum(np.log(np.abs(np.diag(T)))) + np.sum(np.log(scale)))
    c = np.linalg.norm(Q[:m] @ V, axis=0)
    return JointDiagonal(basis / scale[:, None], c, s, log_abs_det, scale, T, columns, Q)
