"""The linear Gaussian model as a function of σ alone, after one decomposition.

Coordinates are β = (b at the mean of the features, θ), or θ without an intercept. Everything is
expanded around the least-squares solution, so that flat priors give its digits back.
Derived in docs/theory/linear_gaussian.md, whose labels are cited.
"""

from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np

from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import RankDeficientError
from bayesml.linalg import (
    JointDiagonal,
    RankReport,
    diagonalise_jointly,
    rank_report,
    solve_upper,
    triangular_factor,
)
from bayesml.typing import Array

LOG_2PI = log(2.0 * pi)
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LeastSquares:
    r"""The data term: :math:`\sum_i w_i (y_i - x_i^\top\beta)^2 = \|d - M\beta\|^2 + \rho^2` (L2).

    Attributes
    ----------
    M : ndarray, shape (p, p)
        Upper triangular.
    d : ndarray, shape (p,)
    solution : ndarray, shape (p,)
        A minimiser β̂; the only one if the rank is full.
    residual_sum_of_squares : float
        Its value, in squared units of y.
        Exactly zero where it is at the rounding level of the target.
    weight : float
        W.
    rank : RankReport
    """

    M: Array
    d: Array
    solution: Array
    residual_sum_of_squares: float
    weight: float
    rank: RankReport

    @property
    def fits_exactly(self) -> bool:
        """Whether the residuals are zero, or cannot be told from it in floating point."""
        return self.residual_sum_of_squares == 0.0


def least_squares(statistics: SufficientStatistics, *, intercept: bool) -> LeastSquares:
    """Solve the least-squares problem from the sufficient statistics (L2)."""
    n, R, W = statistics.n, statistics.R, statistics.weight
    noise = statistics.noise[:n]
    if intercept:
        M: Array = np.zeros((n + 1, n + 1))
        M[0, 0], M[1:, 1:] = sqrt(W), R[:n, :n]
        d = np.append(sqrt(W) * statistics.mean_y, R[:n, n])
        rss, noise = R[n, n] ** 2, np.append(0.0, noise)
    else:
        means = sqrt(W) * np.append(statistics.mean_X, statistics.mean_y)
        full = triangular_factor(np.vstack([means, R]))
        M, d, rss = full[:n, :n], full[:n, n], full[n, n] ** 2
    rank = rank_report(M, noise)
    if rank.null_space.shape[1] == 0:
        return LeastSquares(M, d, solve_upper(M, d), _above_rounding(rss, statistics), W, rank)
    norms = np.linalg.norm(M, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    equilibrated = np.linalg.lstsq(M / scale, d, rcond=1e-12)[0]
    solution = equilibrated / scale
    rss += float(np.sum((d - M @ solution) ** 2))
    return LeastSquares(M, d, solution, _above_rounding(rss, statistics), W, rank)


def _above_rounding(rss: float, statistics: SufficientStatistics) -> float:
    """Return the residual sum of squares, or zero if the rounding of y explains it."""
    n = statistics.n
    largest = float(np.linalg.norm(statistics.R[:, n])) + abs(statistics.mean_y) * sqrt(
        statistics.weight
    )
    return float(rss) if rss > (8 * (n + 1) * EPS * largest) ** 2 else 0.0


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    r"""Gaussian posterior of the coefficients given σ, for every σ.

    .. math:: \beta \mid y, \sigma \sim \mathrm{Normal}\bigl(\hat\beta + L\gamma(\sigma),\
              L\,\mathrm{diag}\{D(\sigma)\}\,L^\top\bigr)

    with :math:`r = \sigma/\sigma_0`, :math:`D_k = r^2/(c_k^2 + r^2 s_k^2)` and
    :math:`\gamma_k = s_k \hat p_k D_k` (L6, L7).
    """

    data: LeastSquares
    joint: JointDiagonal
    misfit: Array
    sigma_0: float
    prior_constant: float

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return len(self.data.solution)

    def relative_variance(self, u: Array) -> Array:
        """Evaluate D at σ = σ₀ eᵘ, shape (..., p) (L6)."""
        r2 = np.exp(2.0 * np.asarray(u))[..., None]
        return np.asarray(r2 / (self.joint.c**2 + r2 * self.joint.s**2))

    def shift(self, u: Array) -> Array:
        """Evaluate γ at σ = σ₀ eᵘ, shape (..., p): how far the prior pulls (L7)."""
        return self.joint.s * self.misfit * self.relative_variance(u)

    def prior_penalty(self, u: Array) -> Array:
        """Evaluate min_β ‖prior misfit‖² + data misfit − RSS/σ², at σ = σ₀ eᵘ (L8)."""
        c2, s2 = self.joint.c**2, self.joint.s**2
        r2 = np.exp(2.0 * np.asarray(u))[..., None]
        active = s2 > 0
        terms = self.misfit[active] ** 2 * c2[active] / (c2[active] + r2 * s2[active])
        return np.asarray(np.sum(terms, axis=-1))

    def log_profile(self, u: Array) -> Array:
        """Evaluate max_β log p(y, β | σ) at σ = σ₀ eᵘ, up to a constant (L9).

        The exponential is written by expm1: at a million rows the two large terms cancel near
        the mode, and their difference keeps its digits.
        """
        u = np.asarray(u)
        scaled = self.data.residual_sum_of_squares / self.sigma_0**2
        data = -self.data.weight * u - 0.5 * scaled * np.expm1(-2.0 * u)
        return np.asarray(data - 0.5 * self.prior_penalty(u))

    def log_profile_slope(self, u: float) -> float:
        """Evaluate the derivative of `log_profile` (L9)."""
        c2, s2 = self.joint.c**2, self.joint.s**2
        r2 = float(np.exp(2.0 * u))
        scaled = self.data.residual_sum_of_squares / (self.sigma_0**2 * r2)
        pull = self.misfit**2 * c2 * r2 * s2 / (c2 + r2 * s2) ** 2
        return float(scaled - self.data.weight + np.sum(pull))

    def log_marginal(self, u: Array) -> Array:
        """Evaluate log p(y | σ) at σ = σ₀ eᵘ up to `log_constant` (L10)."""
        c2, s2 = self.joint.c**2, self.joint.s**2
        r2 = np.exp(2.0 * np.asarray(u))[..., None]
        return np.asarray(self.log_profile(u) - 0.5 * np.sum(np.log(c2 / r2 + s2), axis=-1))

    @property
    def log_constant(self) -> float:
        """The part of log p(y | σ) that does not depend on σ (L10)."""
        return (
            -self.data.weight * (0.5 * LOG_2PI + log(self.sigma_0))
            - 0.5 * self.data.residual_sum_of_squares / self.sigma_0**2
            + 0.5 * self.p * LOG_2PI
            - self.joint.log_abs_det
            + self.prior_constant
        )

    def mean(self, u: Array) -> Array:
        """Evaluate E[β | y, σ], shape (..., p)."""
        return np.asarray(self.data.solution + self.shift(u) @ self.joint.basis.T)


def linear_gaussian(
    data: LeastSquares,
    rows: Array,
    mean: Array,
    sd: Array,
    names: tuple[str, ...],
    sigma_0: float | None = None,
) -> LinearGaussian:
    r"""Join the data term with the priors :math:`\mathrm{rows}\cdot\beta \sim N(mean, sd)`.

    Parameters
    ----------
    data : LeastSquares
    rows : ndarray, shape (k, p)
        Linearly independent; one row for every coefficient with a Normal prior.
    mean, sd : ndarray, shape (k,)
        In the unit of the coefficient.
    names : tuple of str
        Names of the coefficients, for the error.
    sigma_0 : float or None
        Reference scale σ₀; None takes one of the size of the residuals.

    Raises
    ------
    RankDeficientError
        If neither data nor prior determine some combination of the coefficients.
    """
    prior = rows / sd[:, None]
    check_proper(data, prior, names)
    sigma_0 = _reference_scale(data) if sigma_0 is None else sigma_0
    joint = diagonalise_jointly(data.M / sigma_0, prior)
    misfit = joint.directions.T @ ((mean - rows @ data.solution) / sd)
    constant = float(-np.sum(np.log(sd)) - 0.5 * len(sd) * LOG_2PI)
    return LinearGaussian(data, joint, misfit, sigma_0, constant)


def check_proper(data: LeastSquares, prior: Array, names: tuple[str, ...]) -> None:
    """Refuse coefficients that neither the data nor a proper prior determines."""
    null = data.rank.null_space
    p = data.M.shape[0]
    if null.shape[1] == 0:
        return
    norms = np.linalg.norm(data.M, axis=0)
    directions = null / np.where(norms > 0, norms, 1.0)[:, None]
    directions = directions / np.linalg.norm(directions, axis=0)
    scaled = prior / np.maximum(np.linalg.norm(prior, axis=1, keepdims=True), 1e-300)
    informed = np.linalg.matrix_rank(scaled @ directions, tol=1e-10) if len(prior) else 0
    if informed == null.shape[1]:
        return
    involved = [names[j] for j in data.rank.dependent]
    what = f"columns {involved} are linearly dependent"
    raise RankDeficientError(
        f"The {what if len(involved) > 1 else f'column {involved[0]!r} is constant'}: the design "
        f"has rank {data.rank.rank} but {p} coefficients"
        + (f", and only {data.weight:g} rows" if data.weight < p else "")
        + ". Without a proper prior they cannot be told apart. Leave out one of them, or give "
        "each a proper prior, for instance the default WeaklyInformative() or "
        "Independent(weights=Normal(0, sd))."
    )


def _reference_scale(data: LeastSquares) -> float:
    """Choose σ₀ of the size of the residuals; it only balances the decomposition (L4)."""
    rss, freedom = data.residual_sum_of_squares, data.weight - data.rank.rank
    total = rss + float(np.sum(data.d**2))
    if freedom > 0 and rss > 1e-20 * total:
        return sqrt(rss / freedom)
    return sqrt(total / data.weight) * 1e-3 if total > 0 else 1.0
