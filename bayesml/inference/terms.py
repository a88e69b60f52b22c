"""The data term of an objective, Σᵢ wᵢ log p(yᵢ | ηᵢ, φ), and its gradient in β and φ.

Two forms of the same sum: over rows for any likelihood, and from the sufficient statistics for
the Gaussian one, where it costs O(n²) however many rows were read. Coordinates are standardised:
η = ȳ + s_y A z with A = [1, (X − x̄)/s_x]; without an intercept nothing is centred.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.model import Problem
from bayesml.log_joint.least_squares import LeastSquares
from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class Standardisation:
    """The affine map from standardised coordinates z to β = (b at the mean, θ).

    Attributes
    ----------
    start : ndarray, shape (p,)
        β at z = 0.
    scale : ndarray, shape (p,)
        β = start + scale · z.
    origin, sd_X : ndarray, shape (n,)
    centre, sd_y : float
        Of the target.
    intercept : bool
    """

    start: Array
    scale: Array
    origin: Array
    sd_X: Array
    centre: float
    sd_y: float
    intercept: bool

    def beta(self, z: Array) -> Array:
        """Return β at z."""
        return np.asarray(self.start + self.scale * z)

    def design(self, X: Array) -> Array:
        """Return A, standardised, shape (m, p)."""
        standardised = (X - self.origin) / self.sd_X
        if not self.intercept:
            return np.asarray(standardised)
        return np.column_stack([np.ones(len(X)), standardised])


def standardise(problem: Problem) -> Standardisation:
    """Choose centres and scales from the statistics of the data."""
    statistics, intercept = problem.statistics, problem.has_intercept
    if intercept:
        origin, sd_X, centre = statistics.mean_X, statistics.sd_X, statistics.mean_y
    else:
        origin, centre = np.zeros(statistics.n), 0.0
        sd_X = np.hypot(statistics.sd_X, statistics.mean_X)
    sd_X = np.where(sd_X > 0, sd_X, 1.0)
    sd_y = statistics.sd_y if statistics.sd_y > 0 else 1.0
    start = np.append(centre, np.zeros(statistics.n)) if intercept else np.zeros(statistics.n)
    scale = np.append(sd_y, sd_y / sd_X) if intercept else sd_y / sd_X
    return Standardisation(start, scale, origin, sd_X, centre, sd_y, intercept)


class DataTerm(Protocol):
    """The log likelihood as a function of z and of the noise parameters."""

    def value_and_gradient(
        self, z: Array, noise: Mapping[str, float]
    ) -> tuple[float, Array, dict[str, float]]:
        """Return the sum, its gradient in z and its derivatives in the noise parameters."""


@dataclass(frozen=True, eq=False)
class RowsTerm:
    """The sum over rows held in memory."""

    likelihood: Likelihood
    frame: Standardisation
    A: Array
    y: Array
    w: Array

    @classmethod
    def of(cls, problem: Problem, frame: Standardisation) -> "RowsTerm":
        """Standardise the rows of a problem."""
        y, w = problem.data.y, problem.data.row_weights  # refuses rows not in memory
        X = np.concatenate([block.X for block in problem.data.blocks()])
        return cls(problem.model.likelihood, frame, frame.design(X), y, w)

    def value_and_gradient(
        self, z: Array, noise: Mapping[str, float]
    ) -> tuple[float, Array, dict[str, float]]:
        """Return the sum, its gradient in z and its derivatives in the noise parameters."""
        eta = self.frame.centre + self.frame.sd_y * (self.A @ z)
        value = float(self.w @ self.likelihood.log_density(self.y, eta, noise))
        score = self.w * self.likelihood.score(self.y, eta, noise)
        by_noise = self.likelihood.parameter_scores(self.y, eta, noise)
        gradient = self.frame.sd_y * (score @ self.A)
        return value, gradient, {name: float(self.w @ s) for name, s in by_noise.items()}

    def of_rows(self, rows: Integers) -> "RowsTerm":
        """Return an unbiased estimate of the sum from a few rows: m/|B| times their sum."""
        inflation = len(self.y) / len(rows)
        w = self.w[rows] * inflation
        return RowsTerm(self.likelihood, self.frame, self.A[rows], self.y[rows], w)


@dataclass(frozen=True, eq=False)
class StatisticsTerm:
    """The Gaussian sum from the triangular factor: −½‖d − Mβ‖²/σ² − ½ρ²/σ² − W log σ − …."""

    data: LeastSquares
    frame: Standardisation

    def value_and_gradient(
        self, z: Array, noise: Mapping[str, float]
    ) -> tuple[float, Array, dict[str, float]]:
        """Return the sum, its gradient in z and its derivative in σ."""
        sigma, W = np.float64(noise["sigma"]), self.data.weight
        pull, squares = self.data.residuals(self.frame.beta(z))
        with np.errstate(all="ignore"):  # a search may try σ that underflows: not finite, no crash
            value = -0.5 * squares / sigma**2 - W * (np.log(sigma) + 0.5 * np.log(2 * np.pi))
            gradient = self.frame.scale * pull / sigma**2
            slope = float(squares / sigma**3 - W / sigma)
        return float(value), gradient, {"sigma": slope}
