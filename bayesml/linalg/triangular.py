"""Triangular factors of tall matrices, and the one decision about their rank."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular, svd

from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)


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


def solve_upper(R: Array, b: Array, *, transpose: bool = False) -> Array:
    r"""Solve :math:`Rx = b`, or :math:`R^\top x = b`, for upper-triangular :math:`R`."""
    return np.asarray(solve_triangular(R, b, trans=1 if transpose else 0, check_finite=False))


@dataclass(frozen=True, eq=False)
class RankReport:
    """What the singular values of a column-equilibrated triangular factor say.

    Attributes
    ----------
    rank : int
        Number of singular values above the rounding level of the data.
    condition : float
        Largest over smallest singular value, infinite when the rank is deficient.
    null_space : ndarray, shape (n, n - rank)
        Combinations of the equilibrated columns that vanish.
    """

    rank: int
    condition: float
    null_space: Array

    @property
    def dependent(self) -> list[int]:
        """Indices of the columns that take part in a linear dependence."""
        if self.null_space.shape[1] == 0:
            return []
        return [int(j) for j in np.flatnonzero(np.abs(self.null_space).max(axis=1) > 1e-6)]


def rank_report(R: Array, noise: Array) -> RankReport:
    r"""Decide the rank of a triangular factor, once, relative to the rounding of its columns.

    The columns are scaled to unit norm, so that units do not matter. A direction counts as zero
    when its singular value is below :math:`10\,n\,\epsilon` or below the relative error
    :math:`\epsilon\,|\bar x_j|\sqrt{W}/\|x_j - \bar x_j\|` that storing the columns has left.

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
    equilibrated = np.where(zero, 0.0, R / scale)
    _, singular, Vt = svd(equilibrated, check_finite=False)
    relative_noise = float(np.max(np.where(zero, 0.0, noise / scale), initial=0.0))
    tolerance = 10 * n * EPS + 4.0 * relative_noise
    rank = int(np.sum(singular > tolerance * max(float(singular[0]), 1.0))) if n else 0
    condition = (
        float(singular[0] / singular[-1]) if n and rank == n else (1.0 if n == 0 else np.inf)
    )
    return RankReport(rank, condition, Vt[rank:].T)
