"""Averages over all models by brute force: y of a model is multivariate t, (N7) in data space."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln, logsumexp

Vector = np.ndarray[Any, Any]


@dataclass(frozen=True)
class EveryModel:
    """A centred design, the slab's scales, and the prior of every model.

    Covariances of y are σ²(I + s₀²·11ᵀ + X diag(γ s²) Xᵀ), one m × m matrix a model: nothing is
    shared with the package, neither factors nor formulas.
    """

    X: Vector
    y: Vector
    slab: Any
    log_prior: Vector
    intercept: bool = True

    @property
    def models(self) -> Vector:
        n = self.X.shape[1]
        return (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1

    def prior_covariance(self, A: Vector, B: Vector) -> Vector:
        """Of predictions at centred rows A and B, in units of σ², (K, rows of A, rows of B)."""
        weights = self.models * np.square(self.slab.scale)
        level = self.slab.intercept_scale**2 if self.intercept else 0.0
        return level + np.einsum("ai,ki,bi->kab", A, weights, B)

    @property
    def away(self) -> Vector:
        return self.y - (self.slab.intercept_mean if self.intercept else 0.0)

    @property
    def gain(self) -> tuple[Vector, Vector]:
        S = np.eye(len(self.y)) + self.prior_covariance(self.X, self.X)
        return S, np.linalg.solve(S, np.broadcast_to(self.away, (len(S), len(self.y)))[..., None])

    @property
    def rate(self) -> Vector:
        return self.slab.rate + 0.5 * (self.gain[1][..., 0] @ self.away)

    @property
    def shape(self) -> float:
        return float(self.slab.shape + 0.5 * len(self.y))

    @property
    def log_evidences(self) -> Vector:
        S, m = self.gain[0], len(self.y)
        a, b = self.slab.shape, self.slab.rate
        constant = a * np.log(b) - gammaln(a) + gammaln(self.shape) - 0.5 * m * np.log(2 * np.pi)
        return constant - 0.5 * np.linalg.slogdet(S)[1] - self.shape * np.log(self.rate)

    @property
    def log_evidence(self) -> float:
        return float(logsumexp(self.log_evidences + self.log_prior))

    @property
    def probabilities(self) -> Vector:
        return np.exp(self.log_evidences + self.log_prior - self.log_evidence)

    def weights(self) -> tuple[Vector, Vector]:
        """Mean and covariance of the weights over all models."""
        S, gain = self.gain
        scaled = self.models * np.square(self.slab.scale)
        cross = scaled[:, :, None] * self.X.T  # Cov(θ, y)/σ²
        mean = (cross @ gain)[..., 0]
        within = np.eye(scaled.shape[1]) * scaled[:, None, :]
        within = within - cross @ np.linalg.solve(S, np.swapaxes(cross, 1, 2))
        within *= (self.rate / (self.shape - 1.0))[:, None, None]
        w, average = self.probabilities, self.probabilities @ mean
        between = np.einsum("k,ki,kj->ij", w, mean - average, mean - average)
        return average, np.einsum("k,kij->ij", w, within) + between

    def predictive(self, x: Vector) -> tuple[Vector, Any]:
        """Probabilities of the models, and Student-t distributions of y at one centred row."""
        S, gain = self.gain
        cross = self.prior_covariance(x[None], self.X)
        mean = (cross @ gain)[:, 0, 0] + (self.slab.intercept_mean if self.intercept else 0.0)
        spread = 1.0 + self.prior_covariance(x[None], x[None])
        spread = spread - cross @ np.linalg.solve(S, np.swapaxes(cross, 1, 2))
        scale = np.sqrt(self.rate / self.shape * spread[:, 0, 0])
        return self.probabilities, stats.t(2.0 * self.shape, mean, scale)
