"""Two Gram matrices diagonalised at once, without forming either.

The generalised singular value decomposition of Golub & Van Loan (2013, §8.7.4), computed
as Van Loan (1985) does: one QR of the stacked matrices, then one SVD of the upper block.
Derived in docs/theory/linear_gaussian.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular, svd

from bayesml.typing import Array


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
    directions : ndarray, shape (k, p)
        Orthonormal columns :math:`P L_{\cdot j}/s_j`; zero where :math:`s_j = 0`.
    log_abs_det : float
        :math:`\log|\det L^{-1}|`.
    """

    basis: Array
    c: Array
    s: Array
    directions: Array
    log_abs_det: float


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
    m = M.shape[0]
    scale = np.sqrt(np.sum(M**2, axis=0) + np.sum(P**2, axis=0))
    Q, T = qr(np.vstack([M, P]) / scale, mode="economic", check_finite=False)
    _, _, Vt = svd(Q[:m], check_finite=False)
    V = Vt[::-1].T
    lower, upper = Q[m:] @ V, Q[:m] @ V
    s = np.linalg.norm(lower, axis=0)
    c = np.linalg.norm(upper, axis=0)
    s[P.shape[0] :] = 0.0
    directions = np.where(s > 0, lower / np.where(s > 0, s, 1.0), 0.0)
    basis = solve_triangular(T, V, check_finite=False) / scale[:, None]
    log_abs_det = float(np.sum(np.log(np.abs(np.diag(T)))) + np.sum(np.log(scale)))
    return JointDiagonal(basis, c, s, directions, log_abs_det)
