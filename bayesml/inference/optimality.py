"""Whether a closed-form point estimate is an optimum: its gradient, and its curvature.

Derived in docs/theory/point_estimates.md, (E8) to (E10).
"""

from dataclasses import dataclass

import numpy as np

from bayesml.inference.exact import gaussian_rows
from bayesml.log_joint import NegativeLogJoint, RowSum, log_joint
from bayesml.model import Problem
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class MeanSquaredError:
    r"""The mean squared error: the Gaussian objective with σ known, up to scale and constant.

    .. math:: J(\theta)/s_y^2 = -\tfrac1W \log p(y \mid \theta, \sigma)
              - \log\sigma - \tfrac12\log 2\pi, \qquad \sigma^2 = s_y^2/2 \qquad (E1)

    Attributes
    ----------
    scaled : NegativeLogJoint
        In standardised coordinates; what is minimised.
    sigma : float
    """

    scaled: NegativeLogJoint
    sigma: float

    @classmethod
    def of(cls, problem: Problem, sampled: RowSum | None = None) -> "MeanSquaredError":
        """Return that of a linear Gaussian problem."""
        sigma = (problem.statistics.sd_y or 1.0) / float(np.sqrt(2.0))
        joint = log_joint(problem.without_priors()).given({"sigma": sigma})
        return cls(NegativeLogJoint(joint, sampled), sigma)

    def of_values(self, values: Array) -> Array:
        """Return J in squared units of y from values of the objective."""
        constant = np.log(self.sigma) + HALF_LOG_2PI
        return np.asarray(2.0 * self.sigma**2 * (values - constant))


def least_squares_optimality(
    problem: Problem, geometry: LinearGaussian, beta: Array
) -> dict[str, float]:
    """Return the gradient of (E1) at an estimate, and the smallest curvature (E10)."""
    objective, z = MeanSquaredError.of(problem).scaled, problem.frame.z(beta)
    singular = float(np.min(geometry.data.rank.singular, initial=1.0))
    return {
        "gradient_norm": float(np.linalg.norm(objective.value_and_gradient(z)[1])),
        "definiteness": singular**2,
    }


def mode_gradient(problem: Problem, beta: Array, sigma: float) -> float:
    """Return the norm of the gradient of the log posterior at an estimate (E9)."""
    joint = log_joint(problem)
    x = joint.coordinates.x(beta, {"sigma": np.asarray(sigma)})
    gradient = joint.log_density_and_gradient(x)[1] / joint.weight
    gradient[: joint.coordinates.p] *= (sigma / (problem.statistics.sd_y or 1.0)) ** 2
    return float(np.linalg.norm(gradient))


@dataclass(frozen=True, eq=False)
class ModeCurvature:
    r"""The curvature of the negative log posterior at a mode, in (β, u) or β alone (E8).

    Attributes
    ----------
    factor : ndarray, shape (k, p)
        [M/σ; P], whose product with itself is H.
    within : ndarray, shape (p, p)
        :math:`H^{-1}`.
    cross : ndarray, shape (p,)
        g; zero where σ is known.
    bend : float or None
        h; None where σ is known.
    """

    factor: Array
    within: Array
    cross: Array
    bend: float | None

    @property
    def rest(self) -> float | None:
        """The Schur complement of H, 1/Var(u)."""
        return None if self.bend is None else float(self.bend - self.cross @ self._pull)

    @property
    def covariance(self) -> Array:
        """Cov(β)."""
        if self.rest is None:
            return self.within
        return np.asarray(self.within + np.outer(self._pull, self._pull) / self.rest)

    @property
    def smallest(self) -> float:
        """The smallest eigenvalue of the whole, scaled to a unit diagonal (E10)."""
        factor = self.factor
        if self.bend is not None and self.rest is not None:
            if self.rest <= 0.0:
                return self.rest / abs(self.bend)
            corner = np.append(np.zeros(len(self.cross)), np.sqrt(self.rest))
            factor = np.vstack([np.column_stack([factor, factor @ self._pull]), corner])
        scaled = factor / np.linalg.norm(factor, axis=0)
        return float(np.linalg.svd(scaled, compute_uv=False)[-1] ** 2)

    @property
    def _pull(self) -> Array:
        return np.asarray(self.within @ self.cross)


def mode_curvature(
    problem: Problem, geometry: LinearGaussian, beta: Array, u: float
) -> ModeCurvature:
    """Evaluate the blocks of the curvature at β and σ = σ₀ eᵘ."""
    data, sigma, L = geometry.data, geometry.sigma_0 * float(np.exp(u)), geometry.joint.basis
    within: Array = (L * geometry.relative_variance(np.array(u))) @ L.T
    factor = np.vstack([data.M / sigma, gaussian_rows(problem).P])
    if "sigma" in problem.known:
        return ModeCurvature(factor, within, np.zeros(len(beta)), None)
    prior = problem.inferred["sigma"]
    pull, squares = data.residuals(beta)
    slope, bend = float(prior.score(sigma)), float(prior.curvature(sigma))
    curvature = 2.0 * squares / sigma**2 - sigma**2 * bend - sigma * slope
    return ModeCurvature(factor, within, 2.0 * pull / sigma**2, curvature)
