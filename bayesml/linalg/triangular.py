"""Triangular factors of tall matrices, and the one decision about their rank."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.linalg import qr, solve_triangular
from scipy.linalg.lapack import dtrcon

from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)
DEPENDENT, UNLIKE = 1e-12, 1e-9
"""The share of a column that others do not make: rounding; and what shows that they never did."""

DOWNDATE_LOSS = 1e9

CLEARLY = 1e3
"""How far above the rounding level an estimate, often half of the condition, leaves no doubt."""


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
        factor = np.linalg.qr(A, mode="r")
        k = min(n, factor.shape[0])
        R[:k] = factor[:k]
        R[:k] *= np.where(np.diag(R)[:k] < 0, -1.0, 1.0)[:, None]
    return R


def gram_factor(gram: Array) -> tuple[Array, float]:
    r"""Return the Cholesky factor of a Gram matrix, and the condition of its scaled columns.

    The condition number is an estimate of the bound :math:`\sqrt{\kappa_1\kappa_\infty}` on the
    one in the 2-norm, in O(n²), infinite if there is no factor.

    Examples
    --------
    >>> gram_factor(np.array([[4.0, 0.0], [0.0, 9.0]]))
    (array([[2., 0.],
           [0., 3.]]), 1.0)
    """
    diagonal = np.sqrt(np.maximum(np.diag(gram), 0.0))
    scale = np.where(diagonal > 0, diagonal, 1.0)
    try:
        factor = np.linalg.cholesky(gram / np.outer(scale, scale), upper=True)
    except np.linalg.LinAlgError:
        return np.full_like(gram, np.nan), np.inf
    reciprocal = float(dtrcon(factor)[0] * dtrcon(factor, norm="I")[0])
    return factor * scale, 1.0 / sqrt(reciprocal) if reciprocal > 0 else np.inf


def downdated(R: Array, rows: Array, noise: Array | float = 0.0) -> Array | None:
    r"""Return the factor of :math:`R^\top R - B^\top B`, or None where too few digits are left.

    With :math:`Z = B R^{-1}` it is the factor of :math:`I - Z^\top Z` times R; the largest
    singular value s of Z loses a factor :math:`1/(1 - s^2)`, at most `DOWNDATE_LOSS`. Columns that
    others make are made of them still, and those of the length of their `noise` are zero.

    Examples
    --------
    >>> downdated(np.array([[5.0]]), np.array([[3.0]]))
    array([[4.]])
    >>> downdated(np.array([[5.0]]), np.array([[5.0]])) is None
    True
    """
    size = np.linalg.norm(R, axis=0)
    there = np.flatnonzero(size > 4.0 * noise)
    T, order = qr(R[:, there] / size[there], mode="r", pivoting=True, check_finite=False)
    some = np.sort(there[order[np.abs(np.diag(T)) > DEPENDENT]])
    inner = triangular_factor(R[:, some])
    others = np.setdiff1d(there, some)
    made = solve_upper(inner, triangular_factor(R[:, [*some, *others]])[: len(some), len(some) :])
    if np.any(np.abs(rows[:, others] - rows[:, some] @ made) > UNLIKE * size[others]):
        return None
    Z = solve_upper(inner, rows[:, some].T, transpose=True).T
    _, s, Vt = np.linalg.svd(Z, full_matrices=True)
    left = np.ones(len(some))
    left[: len(s)] = 1.0 - s**2
    if np.min(left, initial=1.0) < 1.0 / DOWNDATE_LOSS:
        return None
    out, own = np.zeros((len(some), len(R))), np.sqrt(left)[:, None] * (Vt @ inner)
    out[:, some], out[:, others] = own, own @ made
    return triangular_factor(out)


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
    scaled, scale, tolerance = _equilibrated(R, noise)
    left, singular, right = np.linalg.svd(scaled)
    bound = tolerance * float(np.max(singular, initial=1.0))
    return RankReport(int(np.sum(singular > bound)), left, singular, right, scale)


def clearly_regular(R: Array, noise: Array) -> bool:
    r"""Say whether the rank is full by far, from an estimate of the condition, in O(n²).

    It saves the singular values of `rank_report`, which has the word where the answer is no.

    Examples
    --------
    >>> clearly_regular(np.array([[1.0, 2.0], [0.0, 1.0]]), np.zeros(2))
    True
    >>> clearly_regular(np.array([[1.0, 2.0], [0.0, 1e-12]]), np.zeros(2))
    False
    """
    scaled, _, tolerance = _equilibrated(R, noise)
    if not np.all(np.diag(scaled)):
        return False
    reciprocal = dtrcon(np.asarray(scaled, dtype=np.float64))[0]
    return bool(reciprocal > CLEARLY * len(scaled) * tolerance)


def _equilibrated(R: Array, noise: Array) -> tuple[Array, Array, float]:
    """Return R with columns of norm one or zero, their norms, and what counts as zero then."""
    norms = np.linalg.norm(R, axis=0)
    zero = norms <= 4.0 * noise
    scale = np.where(zero, 1.0, norms)
    relative_noise = float(np.max(np.where(zero, 0.0, noise / scale), initial=0.0))
    return np.where(zero, 0.0, R / scale), scale, 10 * R.shape[1] * EPS + 4.0 * relative_noise
