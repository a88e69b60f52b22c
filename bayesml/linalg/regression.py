r"""Bayesian linear regression with a diagonal prior precision, for many precisions in turn.

One object is the linear fit, the Gauss-Newton step of a network, its Laplace approximation and its
exact last layer: what differs is only which rows go in (docs/theory/network.md, M6 to M9).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg import blas, lapack, solve_triangular

from bayesml.errors import ConvergenceError
from bayesml.typing import Array

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


class Regression(Protocol):
    r"""The Gaussian with precision :math:`H = J^\top\Lambda J + A`, factorised."""

    @property
    def log_det(self) -> float:
        """Log determinant of H."""

    def solve(self, g: Array) -> Array:
        """Return H⁻¹g, shape (p,)."""

    def inverse_diagonal(self) -> Array:
        """Return the diagonal of H⁻¹, shape (p,)."""

    def covariance(self, J: Array) -> Array:
        """Return J H⁻¹ Jᵀ at every row, shape (m, k, k) for J of shape (k, m, p)."""

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw from Normal(0, H⁻¹), shape (size, p)."""


@dataclass(frozen=True, eq=False)
class PrimalRegression:
    """H by its Cholesky factor.

    Attributes
    ----------
    L : ndarray, shape (p, p)
        Lower triangular, H = L Lᵀ.
    """

    L: Matrix

    @property
    def log_det(self) -> float:
        """Log determinant of H."""
        return float(2.0 * np.sum(np.log(np.diag(self.L))))

    def solve(self, g: Array) -> Array:
        """Return H⁻¹g."""
        half = solve_triangular(self.L, g, lower=True, check_finite=False)
        return np.asarray(solve_triangular(self.L, half, lower=True, trans=1, check_finite=False))

    def inverse_diagonal(self) -> Array:
        """Return the diagonal of H⁻¹: column norms of L⁻¹."""
        inverse, _ = lapack.dtrtri(self.L, lower=1)
        return np.asarray(np.einsum("ij,ij->j", inverse, inverse))

    def covariance(self, J: Array) -> Array:
        """Return J H⁻¹ Jᵀ at every row."""
        half = [solve_triangular(self.L, rows.T, lower=True, check_finite=False) for rows in J]
        return _inner(half, half)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw L⁻ᵀz."""
        z = rng.standard_normal((self.L.shape[0], size))
        return np.asarray(solve_triangular(self.L, z, lower=True, trans=1, check_finite=False).T)


@dataclass(frozen=True, eq=False)
class DualRegression:
    """H by Woodbury's identity, for fewer rows than columns (M9).

    Attributes
    ----------
    R : ndarray, shape (N, p)
        Λ^½J.
    precision : ndarray, shape (p,)
        The diagonal of A, all positive.
    L : ndarray, shape (N, N)
        Lower triangular, I + R A⁻¹ Rᵀ = L Lᵀ.
    """

    R: Array
    precision: Array
    L: Array

    @property
    def log_det(self) -> float:
        """Log determinant of H."""
        return float(np.sum(np.log(self.precision)) + 2.0 * np.sum(np.log(np.diag(self.L))))

    def solve(self, g: Array) -> Array:
        """Return H⁻¹g."""
        scaled = g / self.precision
        half = self._half(self.R @ scaled)
        back = solve_triangular(self.L, half, lower=True, trans=1, check_finite=False)
        return np.asarray(scaled - (back @ self.R) / self.precision)

    def inverse_diagonal(self) -> Array:
        """Return the diagonal of H⁻¹."""
        B = self._half(self.R)
        removed = np.einsum("ij,ij->j", B, B) / self.precision
        return np.asarray((1.0 - removed) / self.precision)

    def covariance(self, J: Array) -> Array:
        """Return J H⁻¹ Jᵀ at every row."""
        scaled = [(rows / np.sqrt(self.precision)).T for rows in J]
        removed = [self._half(self.R @ (rows / self.precision).T) for rows in J]
        return np.asarray(_inner(scaled, scaled) - _inner(removed, removed))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw from the prior and correct by a draw of the noise (Matheron's rule)."""
        prior = rng.standard_normal((size, len(self.precision))) / np.sqrt(self.precision)
        target = prior @ self.R.T + rng.standard_normal((size, len(self.L)))
        half = self._half(target.T)
        back = solve_triangular(self.L, half, lower=True, trans=1, check_finite=False)
        return np.asarray(prior - (back.T @ self.R) / self.precision)

    def _half(self, rhs: Array) -> Array:
        return np.asarray(solve_triangular(self.L, rhs, lower=True, check_finite=False))


@dataclass(frozen=True, eq=False)
class WeightedRows:
    r"""The rows J with their weights Λ, to be joined with one prior precision after another.

    Attributes
    ----------
    J : ndarray, shape (N, p)
    weights : ndarray, shape (N,)
        Λ, zero or positive.
    gram : ndarray, shape (p, p), or None
        The lower half of JᵀΛJ; None where there are fewer rows than columns.
    """

    J: Array
    weights: Array
    gram: Array | None

    def reweighted(self, weights: Array) -> "WeightedRows":
        """Return the rows with other weights, for free if they are a multiple of these."""
        ratio = multiple(weights, self.weights)
        if self.gram is None or ratio is None:
            return rows(self.J, weights)
        return WeightedRows(self.J, weights, ratio * self.gram)

    def with_prior(self, precision: Array) -> Regression:
        """Factorise H = JᵀΛJ + diag(precision).

        Raises
        ------
        ConvergenceError
            If H is not positive definite to rounding.
        """
        if self.gram is not None:
            H = self.gram.copy(order="F")
            H[np.diag_indices_from(H)] += precision
            return PrimalRegression(_cholesky(H))
        R = np.sqrt(self.weights)[:, None] * self.J
        B: Matrix = R / np.sqrt(precision)
        K = blas.dsyrk(1.0, B.T, trans=1, lower=1)
        K[np.diag_indices_from(K)] += 1.0
        return DualRegression(R, precision, _cholesky(K))


def rows(J: Array, weights: Array) -> WeightedRows:
    """Weigh rows of a design, and form their Gram matrix if there are more rows than columns.

    Parameters
    ----------
    J : ndarray, shape (N, p)
    weights : ndarray, shape (N,)
        Precisions of the rows' noise, zero or positive.

    Examples
    --------
    >>> J, y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0, 5.0])
    >>> regression = rows(J, np.full(3, 4.0)).with_prior(np.full(2, 1e-9))
    >>> regression.solve(4.0 * J.T @ y)
    array([1., 2.])
    """
    if J.shape[0] < J.shape[1]:
        return WeightedRows(J, weights, None)
    R: Matrix = np.sqrt(weights)[:, None] * J
    return WeightedRows(J, weights, np.asarray(blas.dsyrk(1.0, R.T, lower=1)))


def multiple(weights: Array, of: Array) -> float | None:
    """Return the number that weights are a multiple by, if they are one.

    Examples
    --------
    >>> multiple(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    2.0
    """
    ratio = float(weights[0] / of[0]) if of[0] > 0 else 0.0
    return ratio if np.allclose(weights, ratio * of, rtol=1e-14, atol=0) else None


def _cholesky(H: Any) -> Matrix:
    L, info = lapack.dpotrf(H, lower=1, clean=1, overwrite_a=1)
    if info != 0:
        raise ConvergenceError(
            "The curvature is not positive definite: either some parameters are determined neither "
            "by the data nor by the prior, and need a proper one, such as Layered(); or the rows "
            "are fitted exactly, for instance repeated ones, so that the noise goes to zero: leave "
            "out repetitions, or state it, Gaussian(sigma=...)."
        )
    return np.asarray(L)


def _inner(a: list[Array], b: list[Array]) -> Array:
    """Return Σ_j a_k[j, i] b_l[j, i], shape (rows, k, l)."""
    columns = [[np.einsum("ji,ji->i", x, y) for y in b] for x in a]
    return np.moveaxis(np.array(columns), -1, 0)
