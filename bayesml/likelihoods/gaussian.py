"""The Gaussian likelihood: squared error. Derived in docs/theory/gaussian_likelihood.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr

from bayesml.distributions import (
    ContinuousSupport,
    Distribution,
    Exponential,
    Positive,
    Real,
    Support,
)
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.links import Identity, Link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.losses import Loss, SquaredError
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Gaussian:
    r"""Gaussian noise with standard deviation :math:`\sigma`.

    .. math:: \log p(y \mid \eta, \sigma) = -\tfrac12 \log(2\pi\sigma^2)
              - \frac{(y - \eta)^2}{2\sigma^2}

    so that the negative log likelihood of m rows is :math:`\frac{m}{2\sigma^2}` times the mean
    squared error, up to a constant (G2).

    Parameters
    ----------
    sigma : float, Distribution or None
        Standard deviation of the noise, in the unit of y. A number is known, a distribution is
        inferred, and None is the weakly informative default Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If `sigma` is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, eq. 3.10 and 3.11.

    Examples
    --------
    >>> Gaussian().score(1.0, 0.5, {"sigma": 2.0})
    array(0.125)
    """

    sigma: Stated = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", check_parameter("Gaussian", "sigma", self.sigma))

    @property
    def support(self) -> Support:
        """The whole line."""
        return Real()

    @property
    def link(self) -> Link:
        """Identity: E[y] = η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The squared error, whose best action is the mean."""
        return SquaredError()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The standard deviation."""
        return {"sigma": self.sigma}

    @property
    def noise_scale(self) -> str:
        """σ."""
        return "sigma"

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"sigma": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """σ ~ Exponential(1 / sd(y)), the default of rstanarm."""
        return {"sigma": Exponential(1.0 / sd_y)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the spread of the target."""
        return {"sigma": sd_y}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the mean of y."""
        return ((mean_y, sd_y),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Add the variances: Gaussian with standard deviation √(σ² + v)."""
        sigma = np.asarray(parameters["sigma"], dtype=np.float64)
        spread = np.hypot(sigma, np.sqrt(covariance[:, 0, 0]))
        return Average(np.ones(1), eta[0][:, None], {"sigma": spread[:, None]})

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, σ) (G1)."""
        sigma = np.asarray(parameters["sigma"])
        z = (np.asarray(y) - eta) / sigma
        return np.asarray(-0.5 * z**2 - np.log(sigma) - HALF_LOG_2PI)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (y − η)/σ²."""
        return np.asarray((np.asarray(y) - eta) / np.asarray(parameters["sigma"]) ** 2)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate 1/σ²."""
        return np.broadcast_to(np.asarray(parameters["sigma"]) ** -2.0, np.shape(eta)).copy()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂σ: ((y − η)²/σ² − 1)/σ."""
        sigma = np.asarray(parameters["sigma"])
        z = (np.asarray(y) - eta) / sigma
        return {"sigma": np.asarray((z**2 - 1.0) / sigma)}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate 2/σ² for σ."""
        sigma = np.asarray(parameters["sigma"], dtype=np.float64)
        return {
            "sigma": np.broadcast_to(
                2.0 * sigma**-2.0, np.broadcast_shapes(sigma.shape, np.shape(eta))
            )
        }

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = η."""
        return np.asarray(eta, dtype=np.float64)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate σ."""
        return np.broadcast_arrays(np.asarray(parameters["sigma"], dtype=np.float64), eta)[0].copy()

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate Φ((y − η)/σ)."""
        return np.asarray(ndtr((np.asarray(y) - eta) / np.asarray(parameters["sigma"])))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate Φ((η − y)/σ)."""
        return np.asarray(ndtr((eta - np.asarray(y)) / np.asarray(parameters["sigma"])))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log Φ((y − η)/σ)."""
        return np.asarray(log_ndtr((np.asarray(y) - eta) / np.asarray(parameters["sigma"])))

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log Φ((η − y)/σ)."""
        return np.asarray(log_ndtr((eta - np.asarray(y)) / np.asarray(parameters["sigma"])))

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of p(y): η is a location."""
        return self.log_density(y, eta, parameters)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η + σ ε."""
        eta = np.asarray(eta)
        return np.asarray(eta + np.asarray(parameters["sigma"]) * rng.standard_normal(eta.shape))

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return "y ~ Normal(η, σ)\n" + parameter_words("σ", self.sigma, "Exponential(1/sd(y))")

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Normal, and its arguments."""
        return pm.Normal, {"mu": eta, "sigma": parameters["sigma"]}
