"""The linear Gaussian model as a function of σ alone, after one decomposition.

Coordinates are β = (b at the mean of the features, θ), or θ without an intercept. Everything is
expanded around the posterior mean at one reference scale, refined to the last digit.
Derived in docs/theory/linear_gaussian.md, whose labels are cited.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data.messages import quoted
from bayesml.errors import RankDeficientError
from bayesml.linalg import JointDiagonal, diagonalise_jointly
from bayesml.log_joint.least_squares import LeastSquares, Residuals
from bayesml.priors import NormalRows
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array

MOST_REFINEMENTS = 6


@dataclass(frozen=True, eq=False)
class LinearGaussian:
    r"""Gaussian posterior of the coefficients given σ, for every σ.

    .. math:: \beta \mid y, \sigma \sim \mathrm{Normal}\bigl(\beta_0 + L\gamma(\sigma),\
              L\,\mathrm{diag}\{D(\sigma)\}\,L^\top\bigr)

    with :math:`\sigma = \sigma_0 e^u`, :math:`D_k = r^2/(c_k^2 + r^2 s_k^2)`, :math:`r = e^u`, and
    :math:`\gamma_k = g_k D_k (e^{-2u} - 1)` (L6, L7).

    Attributes
    ----------
    data : LeastSquares
    joint : JointDiagonal
    reference, reference_error : ndarray, shape (p,)
        β₀, the posterior mean at σ₀, rounded, and what the rounding left out.
    pull : ndarray, shape (p,)
        g, the data's pull at β₀ in the basis L; the prior's is its opposite.
    squares, floor : float
        Σ wᵢ rᵢ² at β₀, and at the least-squares solution, in squared units of y.
    sigma_0 : float
        In the unit of y.
    prior_squares : float
        The squared prior misfit at β₀.
    prior_constant : float
        The logarithm of the priors' normalising constants.
    refinements : int
        Steps of iterative refinement that were taken.
    """

    data: LeastSquares
    joint: JointDiagonal
    reference: Array
    reference_error: Array
    pull: Array
    squares: float
    floor: float
    sigma_0: float
    prior_squares: float
    prior_constant: float
    refinements: int

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return len(self.reference)

    def relative_variance(self, u: Array) -> Array:
        """Evaluate D at σ = σ₀ eᵘ, shape (..., p) (L6)."""
        r2 = np.exp(2.0 * np.asarray(u))[..., None]
        return np.asarray(r2 / (self.joint.c**2 + r2 * self.joint.s**2))

    def shift(self, u: Array) -> Array:
        """Evaluate γ at σ = σ₀ eᵘ, shape (..., p): how far the mean moves from β₀ (L7)."""
        tilt = np.expm1(-2.0 * np.asarray(u))[..., None]
        return np.asarray(self.pull * (tilt * self.relative_variance(u)))

    def log_profile(self, u: Array) -> Array:
        """Evaluate max_β log p(y, β | σ) at σ = σ₀ eᵘ, up to a constant (L8).

        The exponential is written by expm1: at a million rows the two large terms cancel near
        the mode, and their difference keeps its digits. The sum in brackets has positive terms.
        """
        u = np.asarray(u)
        return np.asarray(-self.data.weight * u - 0.5 * np.expm1(-2.0 * u) * self._squares(u))

    def _squares(self, u: Array) -> Array:
        """Evaluate (RSS/σ₀² + Σ h² D), the squares left at σ₀ eᵘ less what the mean gains."""
        h2 = np.divide(self.pull, self.joint.c, out=np.zeros(self.p), where=self._seen) ** 2
        return np.asarray(self.floor / self.sigma_0**2 + self.relative_variance(u) @ h2)

    @property
    def _seen(self) -> NDArray[np.bool_]:
        """Directions of which the data say anything in floating point."""
        return np.asarray(self.joint.c > 1e-7)

    def log_profile_slope(self, u: float) -> float:
        """Evaluate the derivative of `log_profile` (L8)."""
        r2, tilt = float(np.exp(2.0 * u)), float(np.expm1(-2.0 * u))
        by_mean = np.sum((self.pull * self.relative_variance(np.asarray(u))) ** 2) / r2
        return float(self._squares(np.asarray(u)) / r2 - self.data.weight - tilt * by_mean)

    def log_marginal(self, u: Array) -> Array:
        """Evaluate log p(y | σ) at σ = σ₀ eᵘ up to `log_constant` (L9)."""
        c2, s2 = self.joint.c**2, self.joint.s**2
        r2 = np.exp(2.0 * np.asarray(u))[..., None]
        return np.asarray(self.log_profile(u) - 0.5 * np.sum(np.log(c2 / r2 + s2), axis=-1))

    @property
    def log_constant(self) -> float:
        """The part of log p(y | σ) that does not depend on σ (L10)."""
        return (
            self.data.log_constant
            - self.data.weight * log(self.sigma_0)
            - 0.5 * (self.squares / self.sigma_0**2 + self.prior_squares)
            + self.p * HALF_LOG_2PI
            - self.joint.log_abs_det
            + self.prior_constant
        )

    def mean(self, u: Array) -> Array:
        """Evaluate E[β | y, σ], shape (..., p)."""
        return np.asarray(self.reference + self.shift(u) @ self.joint.basis.T)


def linear_gaussian(
    data: LeastSquares,
    priors: NormalRows,
    names: tuple[str, ...],
    residuals: Residuals | None = None,
    sigma_0: float | None = None,
) -> LinearGaussian:
    r"""Join the data term with the priors, and refine the mean at the reference scale.

    Parameters
    ----------
    data : LeastSquares
    priors : NormalRows
    names : tuple of str
        Names of the coefficients, for the error.
    residuals : callable or None
        The data's pull and sum of squares at any β; None takes them from the factor.
    sigma_0 : float or None
        Reference scale σ₀; None takes one of the size of the residuals.

    Raises
    ------
    RankDeficientError
        If neither data nor prior determine some combination of the coefficients.
    """
    check_proper(data, priors.P if priors.rows is None else priors.rows, names)
    at = data.residuals if residuals is None else residuals
    sigma_0 = _reference_scale(data) if sigma_0 is None else sigma_0
    P = priors.P
    joint = diagonalise_jointly(data.M / sigma_0, P)
    L, beta = joint.basis, joint.solve(np.append(data.d / sigma_0, priors.mean / priors.sd))
    refined = _refined(at, priors, joint, beta, sigma_0)
    beta, pull, squares = refined.beta, refined.pull, refined.squares
    misfit = priors.misfit(beta)
    by_data, by_prior = L.T @ (pull / sigma_0**2), -(L.T @ (misfit @ P))
    balanced = np.where(joint.c < joint.s, by_data, by_prior) * (joint.s > 0)
    unseen = (np.arange(len(beta)) < len(beta) - data.rank.rank) & (joint.c < 1e-6)
    balanced, joint = (
        np.where(unseen, 0.0, balanced),
        replace(joint, c=np.where(unseen, 0.0, joint.c)),
    )
    return LinearGaussian(
        data,
        joint,
        beta,
        refined.rounding,
        balanced,
        squares,
        _floor(data, joint, balanced, squares, sigma_0, lambda away: at(beta + L @ away)[1]),
        sigma_0,
        float(misfit @ misfit),
        float(-np.sum(np.log(priors.sd)) - len(misfit) * HALF_LOG_2PI),
        refined.taken,
    )


class _Refined(NamedTuple):
    """The mean after its refinements, with the data's pull and sum of squares there."""

    beta: Array
    pull: Array
    squares: float
    rounding: Array
    taken: int


def _refined(
    at: Residuals, priors: NormalRows, joint: JointDiagonal, beta: Array, sigma_0: float
) -> _Refined:
    """Step to where data and priors pull alike, while steps fall by half (A5)."""
    best, taken, L = np.inf, 0, joint.basis
    pull, squares = at(beta)
    step = np.zeros(len(beta))
    while taken < MOST_REFINEMENTS:
        step = L @ (L.T @ (pull / sigma_0**2 + priors.misfit(beta) @ priors.P))
        size = float(np.linalg.norm(joint.coordinates(step)))
        if size == 0.0 or not size < 0.5 * best:
            break
        beta, best, taken = beta + step, size, taken + 1
        pull, squares = at(beta)
    left = step if taken < MOST_REFINEMENTS and small(step, beta) else np.zeros(len(beta))
    return _Refined(beta, pull, squares, left, taken)


def small(step: Array, beta: Array) -> bool:
    """Say whether a step is a rounding of β rather than a move."""
    return bool(np.all(np.abs(step) <= 1e-6 * np.abs(beta)))


def _floor(
    data: LeastSquares,
    joint: JointDiagonal,
    pull: Array,
    squares: float,
    sigma_0: float,
    squares_at: Callable[[Array], float],
) -> float:
    """Return the sum of squares of least squares: β₀'s less what moving there gains (L8)."""
    seen = joint.c > 1e-7
    gain = np.divide(pull, joint.c, out=np.zeros(len(pull)), where=seen)
    gained = sigma_0**2 * float(gain @ gain)
    if gained <= 0.5 * squares:
        return data.above_rounding(squares - gained)
    return squares_at(np.divide(gain, joint.c, out=np.zeros(len(pull)), where=seen))


def check_proper(data: LeastSquares, rows: Array, names: tuple[str, ...]) -> None:
    """Refuse coefficients that neither the data nor a proper prior determines."""
    null, p = data.rank.null_space, data.M.shape[0]
    if null.shape[1] == 0:
        return
    scaled = rows / data.rank.scale
    scaled = scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-300)
    informed = np.linalg.matrix_rank(scaled @ null, tol=1e-10) if len(rows) else 0
    if informed == null.shape[1]:
        return
    involved = [names[j] for j in data.rank.dependent]
    what = f"columns [{quoted(involved)}] are linearly dependent"
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
    rss, freedom = data.residuals(data.solution())[1], data.weight - data.rank.rank
    total = rss + float(np.sum(data.d**2))
    if freedom > 0 and rss > 1e-20 * total:
        return sqrt(rss / freedom)
    return sqrt(total / data.weight) * 1e-3 if total > 0 else 1.0
