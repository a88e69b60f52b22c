"""The density of scales with all coefficients and effects integrated out.

Derived in docs/theory/group_effects.md, (G29).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bayesml.data.reference import Reference
from bayesml.distributions import Distribution
from bayesml.linalg.arrow import Arrow, Eliminated
from bayesml.log_joint.group_scales import GroupScales
from bayesml.priors import NormalRows
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array

STEPS = np.arange(-6.25, 9.0, 1.25)
"""Nodes of log σ, in standard deviations from where it is about."""

NOTHING = 1e-20
"""The squared length of a column, relative to the longest, that is rounding of zero."""

ENDS = 1e-6
"""Of the density at the nodes, that at the first and the last may be so much."""


class Given(NamedTuple):
    """What is known given scales: the density of y, and β̃ with effects integrated out.

    Attributes
    ----------
    log_density : ndarray, shape (N, J)
        log p(y, scales), priors included.
    mean : ndarray, shape (N, J, p)
        Of β̃.
    root : ndarray, shape (N, J, p, p)
        Lower factor of the precision of β̃.
    """

    log_density: Array
    mean: Array
    root: Array


class Integrated(NamedTuple):
    """log σ integrated at every θ: its nodes and their log densities, shape (N, J)."""

    log_marginal: Array
    log_sigma: Array
    given: Given


@dataclass(frozen=True, eq=False)
class GroupMarginal:
    """log p(y, θ, log σ), coefficients and effects integrated out (G29).

    Attributes
    ----------
    arrow : Arrow
    scales : GroupScales
    reference : Reference
    rows : NormalRows
        The prior of β, the intercept counted from `origin`.
    origin : ndarray, shape (n,)
    sigma : Distribution or float
        The prior of σ, or the number where it is known.
    log_precisions : float
        Σ wᵢ log pᵢ of rows whose noise is σ/√p, zero where no precision is known (G75).
    """

    arrow: Arrow
    scales: GroupScales
    reference: Reference
    rows: NormalRows
    origin: Array
    sigma: Distribution | float
    log_precisions: float = 0.0

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return self.arrow.q - 1

    @property
    def log_constant(self) -> float:
        """What the likelihood has beside squares and σ: −W log(2π)/2 + Σ wᵢ log pᵢ/2 (G75)."""
        return 0.5 * self.log_precisions - self.arrow.weight * HALF_LOG_2PI

    @cached_property
    def _prior(self) -> tuple[Array, Array, float]:
        """Return PᵀP, Pᵀt and what does not depend on anything, in β̃."""
        M, start = self.reference.coefficients(self.origin)
        P, sd = self.rows.P @ M, self.rows.sd
        t = (self.rows.mean - self.rows.of(start)) / sd
        constant = -0.5 * t @ t - np.log(sd).sum() - len(sd) * HALF_LOG_2PI
        constant += self.p * HALF_LOG_2PI + np.linalg.slogdet(M)[1] if self.p else 0.0
        return P.T @ P, P.T @ t, float(constant)

    def given(self, theta: Array, found: Eliminated, log_sigma: Array) -> Given:
        """Evaluate at scales, θ of shape (N, k) and log σ of shape (N, J)."""
        p, W = self.p, self.arrow.weight
        squared = np.exp(2.0 * (log_sigma - np.log(self.reference.unit)))[..., None, None]
        S = found.schur[:, None] / squared
        PtP, Ptt, constant = self._prior
        H, b = S[..., :p, :p] + PtP, S[..., :p, p] + Ptt
        root = cholesky_or_nan(H)
        half = np.linalg.solve(root, b[..., None])
        mean = np.linalg.solve(np.swapaxes(root, -1, -2), half)[..., 0]
        logs = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
        value = 0.5 * np.sum(half[..., 0] ** 2, axis=-1) - 0.5 * S[..., p, p] - logs + constant
        value = value - 0.5 * found.log_det[:, None] + self.log_constant - W * log_sigma
        value = value + self.scales.log_prior(theta[:, None], log_sigma)
        if not isinstance(self.sigma, float):
            value = value + self.sigma.log_density(np.exp(log_sigma))
        return Given(value, mean, root)

    def log_jacobian(self, theta: Array, log_sigma: Array) -> Array:
        """Evaluate log |∂(scales, correlations, σ)/∂(θ, log σ)|, shape (N, J)."""
        own = self.scales.log_jacobian(theta[:, None], log_sigma)
        return own if isinstance(self.sigma, float) else own + log_sigma

    def integrated(self, theta: Array, found: Eliminated) -> Integrated:
        """Integrate over σ at every θ, by the trapezoidal rule in log σ (G30)."""
        if isinstance(self.sigma, float):
            log_sigma = np.full((len(theta), 1), np.log(self.sigma))
            given = self._of_coordinates(theta, found, log_sigma)
            return Integrated(given.log_density[:, 0], log_sigma, given)
        centre, spread = self.about(found)
        for _ in range(4):
            log_sigma = centre[:, None] + spread[:, None] * STEPS
            given = self._of_coordinates(theta, found, log_sigma)
            value = given.log_density
            top = value.max(axis=1, keepdims=True)
            weights = np.exp(value - top)
            total = weights.sum(axis=1)
            if np.all(np.maximum(weights[:, 0], weights[:, -1]) <= ENDS * total):
                break
            weights /= total[:, None]
            mean = np.sum(weights * log_sigma, axis=1)
            variance = np.sum(weights * (log_sigma - mean[:, None]) ** 2, axis=1)
            centre, spread = mean, np.maximum(np.sqrt(variance), 0.5 * spread)
        steps = np.log(spread * (STEPS[1] - STEPS[0]))
        shifted = given.log_density + steps[:, None]
        log_marginal = top[:, 0] + np.log(total) + steps
        return Integrated(log_marginal, log_sigma, given._replace(log_density=shifted))

    def _of_coordinates(self, theta: Array, found: Eliminated, log_sigma: Array) -> Given:
        given = self.given(theta, found, log_sigma)
        density = given.log_density + self.log_jacobian(theta, log_sigma)
        return given._replace(log_density=density)

    def about(self, found: Eliminated) -> tuple[Array, Array]:
        """Return where log σ is about at every θ, and how far it spreads."""
        freedom = max(self.arrow.weight - self.p, 1.0)
        rss = residual(found.schur, self.p)
        nothing = rss <= NOTHING * self.arrow.weight  # columns explain y: the prior alone tells
        centre = 0.5 * np.log(np.where(nothing, freedom, rss) / freedom)
        spread = np.where(nothing, 1.0, np.sqrt(0.5 / freedom))
        return centre + np.log(self.reference.unit), spread


def residual(schur: Array, p: int) -> Array:
    """Return what is left of ỹᵀỹ once effects and columns are eliminated, shape (N,)."""
    if not p:
        return np.asarray(schur[..., 0, 0])
    size = np.diagonal(schur, axis1=-2, axis2=-1)[..., :p]
    there = size > NOTHING * size.max(axis=-1, keepdims=True)
    S = schur[..., :p, :p] * (there[..., None] & there[..., None, :])
    S = S + np.eye(p) * ~there[..., None]
    half = np.linalg.solve(cholesky_or_nan(S), (schur[..., :p, p] * there)[..., None])
    return np.asarray(schur[..., p, p] - np.sum(half[..., 0] ** 2, axis=-1))


def cholesky_or_nan(matrices: Array) -> Array:
    """Return lower factors, and NaN, of no density, for what rounding has left indefinite."""
    try:
        return np.asarray(np.linalg.cholesky(matrices))
    except np.linalg.LinAlgError:
        pass
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    out = np.full(flat.shape, np.nan)
    for k, matrix in enumerate(flat):
        if np.linalg.eigvalsh(matrix)[0] > 0.0:
            out[k] = np.linalg.cholesky(matrix)
    return out.reshape(matrices.shape)
