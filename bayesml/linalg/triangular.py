"""Triangular factors of tall matrices, and the one decision about their rank."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular, svd
from scipy.linalg.lapack import dpotrf, dtrcon

from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)
GRAM_SAFE = 300.0  # κ²ε = 2e-11
CHOLESKY_QR_SAFE = 1e7
DOWNDATE_LOSS = 1e9


def triangular_factor(A: Array) -> Array:
    r"""Return the upper-triangular :math:`R` of :math:`A = QR`, square, with :math:`R_{jj} \ge 0`.

    Householder reflections: the backward error is a few units in the last place of every column
    whatever the columns' scales (Higham 2002, Accuracy and Stability, theorem 19.4).

    Parameters
    ----------
    A : ndarray, shape (m, n)
        May have fewer rows than columns; missing rows of the factor are zero.

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> triangular_factor(np.array([[3.0, 1.0], [4.0, 2.0]]))
    array([[5. , 2.2],
           [0. , 0.4]])
    """
    n = A.shape[1]
    R = np.zeros((n, n))
    if A.shape[0] and n:
        (factor,) = qr(A, mode="r", check_finite=False)
        k = min(n, factor.shape[0])
        R[:k] = np.triu(factor[:k])
        R[:k] *= np.where(np.diag(R)[:k] < 0, -1.0, 1.0)[:, None]
    return R


def tall_factor(A: Array) -> Array:
    r"""Return the triangular factor of a tall matrix at the speed of matrix products.

    Chosen by the condition number :math:`\kappa` of the columns scaled to norm one, which costs
    O(n²) to estimate. Up to `GRAM_SAFE` the Cholesky factor of :math:`A^\top A`, whose relative
    error is :math:`\kappa^2\epsilon` (A3); up to `CHOLESKY_QR_SAFE` Cholesky QR twice, with the
    orthogonality of Householder's (A4); beyond it Householder reflections.

    Parameters
    ----------
    A : ndarray, shape (m, n)

    References
    ----------
    Yamamoto, Nakatsukasa, Yanagisawa & Fukaya (2015), Roundoff error analysis of the CholeskyQR2
    algorithm, theorem 3.1.
    """
    m, n = A.shape
    if m < 8 * n or n == 0:
        return triangular_factor(A)
    factor, condition = gram_factor(A.T @ A)
    if condition <= GRAM_SAFE:
        return factor
    if condition <= CHOLESKY_QR_SAFE:
        Q = solve_triangular(factor, A.T, trans=1, check_finite=False)
        second, again = gram_factor(Q @ Q.T)
        if again <= 2.0:
            return np.asarray(second @ factor)
    return triangular_factor(A)


def gram_factor(gram: Array) -> tuple[Array, float]:
    """Return the Cholesky factor of a Gram matrix, and the condition of its scaled columns.

    The condition number is an estimate in the 1-norm, infinite if there is no factor.

    Examples
    --------
    >>> gram_factor(np.array([[4.0, 0.0], [0.0, 9.0]]))
    (array([[2., 0.],
           [0., 3.]]), 1.0)
    """
    diagonal = np.sqrt(np.maximum(np.diag(gram), 0.0))
    scale = np.where(diagonal > 0, diagonal, 1.0)
    factor, failed = dpotrf(np.asarray(gram / np.outer(scale, scale), np.float64), clean=1)
    if failed:
        return factor, np.inf
    reciprocal, _ = dtrcon(factor)
    return factor * scale, float(1.0 / reciprocal) if reciprocal > 0 else np.inf


def downdated(R: Array, rows: Array) -> Array | None:
    r"""Return the factor of :math:`R^\top R - B^\top B`, or None where too few digits are left.

    With :math:`Z = B R^{-1}` it is the factor of :math:`I - Z^\top Z` times R; the largest
    singular value s of Z loses a factor :math:`1/(1 - s^2)`, at most `DOWNDATE_LOSS`.

    Examples
    --------
    >>> downdated(np.array([[5.0]]), np.array([[3.0]]))
    array([[4.]])
    >>> downdated(np.array([[5.0]]), np.array([[5.0]])) is None
    True
    """
    if np.any(np.diag(R) == 0.0):
        return None
    Z = solve_upper(R, rows.T, transpose=True).T
    _, s, Vt = svd(Z, full_matrices=True, check_finite=False)
    left = np.ones(R.shape[1])
    left[: len(s)] = 1.0 - s**2
    if np.min(left) < 1.0 / DOWNDATE_LOSS:
        return None
    return triangular_factor(np.sqrt(left)[:, None] * (Vt @ R))


def solve_upper(R: Array, b: Array, *, transpose: bool = False) -> Array:
    r"""Solve :math:`Rx = b`, or :math:`R^\top x = b`, for upper-triangular :math:`R`."""
    return np.asarray(solve_triangular(R, b, trans=1 if transpose else 0, check_finite=False))


@dataclass(frozen=True, eq=False)
class RankReport:
    r"""What the singular values of a column-equilibrated triangular factor say.

    Attributes
    ----------
    rank : int
        Number of singular values above the rounding level of the data.
    left, singular, right : ndarray
        The singular value decomposition :math:`U\,\mathrm{diag}(s)\,V^\top` of the factor with
        its columns scaled to norm one.
    scale : ndarray, shape (n,)
        The norms of the columns; one where a column is zero.
    """

    rank: int
    left: Array
    singular: Array
    right: Array
    scale: Array

    @property
    def condition(self) -> float:
        """Largest over smallest singular value, infinite when the rank is deficient."""
        if len(self.singular) == 0:
            return 1.0
        full = self.rank == len(self.singular)
        return float(self.singular[0] / self.singular[-1]) if full else np.inf

    @property
    def null_space(self) -> Array:
        """Combinations of the scaled columns that vanish, shape (n, n − rank)."""
        return self.right[self.rank :].T

    @property
    def dependent(self) -> list[int]:
        """Indices of the columns that take part in a linear dependence."""
        if self.null_space.shape[1] == 0:
            return []
        return [int(j) for j in np.flatnonzero(np.abs(self.null_space).max(axis=1) > 1e-6)]

    def solve(self, b: Array) -> Array:
        """Return the solution of least norm, in scaled columns, of the truncated problem."""
        k = self.rank
        inside = (self.left[:, :k].T @ b) / self.singular[:k]
        return np.asarray(self.right[:k].T @ inside / self.scale)


def rank_report(R: Array, noise: Array) -> RankReport:
    r"""Decide the rank of a triangular factor, once, relative to the rounding of its columns.

    The columns are scaled to unit norm, so that units do not matter. A direction counts as zero
    when its singular value is below :math:`10\,n\,\epsilon` or below four times the relative
    error :math:`\epsilon\,|\bar x_j|\sqrt{W}/\|x_j - \bar x_j\|` that storing the columns left.

    Parameters
    ----------
    R : ndarray, shape (n, n)
        Triangular factor.
    noise : ndarray, shape (n,)
        Absolute rounding level of each column's norm, in the column's own unit.

    Examples
    --------
    >>> report = rank_report(np.array([[1.0, 2.0], [0.0, 0.0]]), np.zeros(2))
    >>> report.rank, report.dependent
    (1, [0, 1])
    """
    n = R.shape[1]
    norms = np.linalg.norm(R, axis=0)
    zero = norms <= 4.0 * noise
    scale = np.where(zero, 1.0, norms)
    left, singular, right = svd(np.where(zero, 0.0, R / scale), check_finite=False)
    relative_noise = float(np.max(np.where(zero, 0.0, noise / scale), initial=0.0))
    tolerance = (10 * n * EPS + 4.0 * relative_noise) * float(np.max(singular, initial=1.0))
    return RankReport(int(np.sum(singular > tolerance)), left, singular, right, scale)
