"""The normal-inverse-gamma posterior: everything in closed form.

Derived in docs/theory/normal_inverse_gamma.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log, pi

import numpy as np
from scipy.special import gammaincc, gammainccinv, gammaln

from bayesml.arguments import one_probability
from bayesml.data import Block
from bayesml.likelihoods import StudentT
from bayesml.posteriors.base import Kind, Marginal
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.leave_one_out import (
    LeaveOneOut,
    Part,
    Rows,
    from_units_of,
    in_closed_form,
    leave_one_out,
)
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.stirling import log_gamma_step
from bayesml.typing import Array, ArrayLike, Integers


@dataclass(frozen=True, eq=False)
class InverseGammaScale:
    r"""The distribution of σ when :math:`\sigma^2 \sim \mathrm{InverseGamma}(a, b)`."""

    shape: float
    rate: float

    @property
    def mean(self) -> Array:
        """E[σ] = √b Γ(a − ½)/Γ(a), infinite for a ≤ ½."""
        if self.shape <= 0.5:
            return np.array([np.inf])
        step = log_gamma_step(np.asarray(self.shape - 0.5))
        return np.atleast_1d(np.sqrt(self.rate) * np.exp(-step))

    @property
    def sd(self) -> Array:
        """Standard deviation of σ, infinite for a ≤ 1."""
        if self.shape <= 1.0:
            return np.array([np.inf])
        return np.atleast_1d(np.sqrt(self.rate * _excess(self.shape)))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(σ ≤ y)."""
        return scale_cdf(y, self.shape, self.rate)

    def quantile(self, q: float) -> Array:
        """Quantiles of σ."""
        precision = gammainccinv(self.shape, one_probability(q)) / self.rate
        return np.atleast_1d(1.0 / np.sqrt(precision))


def scale_cdf(y: ArrayLike, shape: float, rate: ArrayLike) -> Array:
    r"""Evaluate P(σ ≤ y) where :math:`\sigma^2 \sim \mathrm{InverseGamma}(a, b)`.

    It is the distribution function of the variance at y², and zero where y is not positive.
    """
    with np.errstate(divide="ignore"):
        precision = np.asarray(rate) / np.maximum(np.atleast_1d(y), 0.0) ** 2
    return np.asarray(gammaincc(shape, precision))


def _excess(shape: float) -> float:
    """Evaluate 1/(a − 1) − Γ(a − ½)²/Γ(a)², whose terms cancel at large a (N3)."""
    x = shape - 0.5
    squared = float(np.exp(-2.0 * log_gamma_step(np.asarray(x))))
    if shape < 100.0:
        return 1.0 / (shape - 1.0) - squared
    series = (
        1 / 4 + (1 / 32 + (1 / 128 - (5 / 2048 + (23 / 8192 - 53 / 65536 / x) / x) / x) / x) / x
    )
    return series * squared / (shape - 1.0)


@dataclass(frozen=True, eq=False)
class ConjugatePosterior:
    r"""Normal-inverse-gamma posterior (N4): Student-t in every linear functional.

    .. math:: A\beta \mid y \sim t_{2a}\bigl(A\mu,\ \tfrac{b}{a}\,\mathrm{diag}(A V A^\top)\bigr),
              \qquad V = L L^\top

    Attributes
    ----------
    geometry : LinearGaussian
        With σ₀ = 1 and prior scales in multiples of σ.
    shape, rate : float
        Posterior a and b of the variance.
    coordinates : LinearCoordinates
    """

    geometry: LinearGaussian
    shape: float
    rate: float
    coordinates: LinearCoordinates

    @property
    def kind(self) -> Kind:
        """An exact posterior."""
        return "exact"

    @property
    def constants(self) -> dict[str, Array]:
        """None: every parameter has a distribution."""
        return {}

    @property
    def compared(self) -> None:
        """Nothing: draws are independent."""
        return None

    def closed_form(self, count: int) -> bool:
        """Say that functionals are evaluated in closed form, however many."""
        return True

    def functional(self, A: Array) -> Mixture:
        """Return the distribution of Aβ, row by row, for A of shape (rows, p) (N5)."""
        return Mixture(A.shape[0], np.ones(1), StudentT(), lambda b: self.at(A[b], 0.0))

    def sample_functional(self, A: Array, size: int, rng: np.random.Generator) -> Array:
        """Draw Aβ jointly, shape (size, rows)."""
        return self._sample(size, rng)[0] @ A.T

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the marginal distribution of every parameter."""
        rows = self.coordinates.parameters()
        out: dict[str, Marginal] = {name: self.functional(A) for name, A in rows.items()}
        return out | {"sigma": InverseGammaScale(self.shape, self.rate)}

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently: σ first, then the coefficients given σ."""
        beta, sigma = self._sample(chains * draws, rng)
        out = self.coordinates.split(beta) | {"sigma": sigma}
        return {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in out.items()}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate b + Xθ at draws, shape (..., m)."""
        return self.coordinates.eta(parameters, X)

    def leave_one_out(self, blocks: Iterable[Block]) -> LeaveOneOut:
        """Predict a copy of every row from the others, in closed form (V4)."""

        def predict(part: Part) -> Rows:
            noise = self.coordinates.noise(part.X)
            eta, spread = self.at(self.coordinates.rows(part.X) / noise[:, None], 0.0)
            part, scale = part.in_units_of(noise), spread["sigma"][:, 0]
            found = in_closed_form(part, eta[:, 0], scale, self.shape, self.rate)
            return from_units_of(noise, found)

        return leave_one_out(blocks, 1, predict)

    def predict(self, X: Array) -> Prediction:
        """Return the Student-t predictive distribution at the rows of X (N6)."""
        rows, one = X.shape[0], np.ones(1)

        def total(block: slice | Integers) -> tuple[Array, dict[str, Array]]:
            noise = self.coordinates.noise(X[block])
            return self.at(self.coordinates.rows(X[block]), noise**2)

        expected_variance = self.rate / (self.shape - 1.0) if self.shape > 1.0 else np.inf
        return Prediction(
            Mixture(rows, one, StudentT(), total),
            Mixture(rows, one, StudentT(), lambda b: self.at(self.coordinates.rows(X[b]), 0.0)),
            expected_variance * self.coordinates.noise(X) ** 2,
            *self.coordinates.samplers(self._sample, X),
        )

    def at(self, A: Array, noise: Array | float) -> tuple[Array, dict[str, Array]]:
        """Return locations and scales of Aβ plus `noise` times σ² of variance, (rows, 1)."""
        zero = np.zeros(())
        eta = (A @ self.geometry.mean(zero))[:, None]
        h = A @ self.geometry.joint.basis
        spread = np.sum(h**2 * self.geometry.relative_variance(zero), axis=1) + noise
        scale = np.sqrt(self.rate / self.shape * spread)[:, None]
        return eta, {"df": np.full_like(eta, 2.0 * self.shape), "sigma": scale}

    def _sample(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        g, zero = self.geometry, np.zeros(())
        sigma = np.sqrt(self.rate / rng.gamma(self.shape, 1.0, size))
        noise = rng.standard_normal((size, g.p)) * np.sqrt(g.relative_variance(zero))
        return g.mean(zero) + sigma[:, None] * noise @ g.joint.basis.T, sigma


def conjugate_update(
    geometry: LinearGaussian, shape: float, rate: float
) -> tuple[float, float, float]:
    """Return posterior a and b, and the log evidence (N4, N7).

    Parameters
    ----------
    geometry : LinearGaussian
        With σ₀ = 1 and prior scales in multiples of σ.
    shape, rate : float
        Prior a and b of the variance.
    """
    W = geometry.data.weight
    a = shape + 0.5 * W
    b = rate + 0.5 * (geometry.squares + geometry.prior_squares)
    log_evidence = (
        geometry.data.log_constant
        + 0.5 * geometry.p * log(2.0 * pi)
        - geometry.joint.log_abs_det
        + geometry.prior_constant
        + shape * log(rate)
        - float(gammaln(shape))
        + float(gammaln(a))
        - a * log(b)
    )
    return a, b, log_evidence
