"""Gaussian noise whose scale is predicted too. Derived in docs/theory/network.md, (M14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from bayesml.distributions import ContinuousSupport, Distribution, Real, Support
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.gaussian import Gaussian
from bayesml.likelihoods.links import Identity, Link
from bayesml.losses import Loss, SquaredError
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, ArrayLike

NODES = 15
"""Quadrature nodes over log σ."""

BOUND = 40.0
"""log σ is read within ±40, so that a step which goes astray is refused and does not overflow."""


@dataclass(frozen=True)
class HeteroscedasticGaussian:
    r"""Gaussian noise with a standard deviation that depends on x.

    .. math:: y \sim \mathrm{Normal}(\eta_1, e^{\eta_2})

    It reads two outputs, the mean and the log standard deviation, on the first axis of `eta`
    (M14). There is no noise parameter: what there is to know is in the predictor.

    References
    ----------
    Nix & Weigend (1994), Estimating the mean and variance of the target probability distribution;
    Bishop (2006), Pattern Recognition and Machine Learning, §5.6.

    Examples
    --------
    >>> likelihood = HeteroscedasticGaussian()
    >>> likelihood.sd(np.array([[1.0], [0.0]]), {})
    array([1.])
    >>> likelihood.score(2.0, np.array([[1.0], [0.0]]), {})
    array([[1.],
           [0.]])
    """

    @property
    def simpler(self) -> Gaussian:
        """One σ for all rows: the mean should be found before its noise."""
        return Gaussian()

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
        """None."""
        return {}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """None."""
        return {}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """None."""
        return {}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """None."""
        return {}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Two: the mean of y, and the log of its standard deviation."""
        return (mean_y, sd_y), (float(np.log(sd_y or 1.0)), 1.0)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average the mean in closed form given log σ, and log σ by quadrature."""
        weights, mean, log_sigma, within = log_scale_nodes(eta, covariance)
        with np.errstate(divide="ignore"):
            spread = 0.5 * np.logaddexp(2.0 * log_sigma, np.log(within))
        return Average(weights, np.stack([mean, spread]), parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η₁, η₂)."""
        mean, log_sigma = read_outputs(eta)
        z = (np.asarray(y) - mean) * np.exp(-log_sigma)
        return np.asarray(-0.5 * z**2 - log_sigma - HALF_LOG_2PI)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (r/σ², r²/σ² − 1), r = y − η₁."""
        mean, log_sigma = read_outputs(eta)
        inverse = np.exp(-log_sigma)
        z = (np.asarray(y) - mean) * inverse
        return np.stack([z * inverse, z**2 - 1.0])

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (1/σ², 2)."""
        _, log_sigma = read_outputs(eta)
        return np.stack([np.exp(-2.0 * log_sigma), np.full_like(log_sigma, 2.0)])

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = η₁."""
        return np.asarray(read_outputs(eta)[0], dtype=np.float64)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate exp η₂."""
        return np.asarray(np.exp(read_outputs(eta)[1]), dtype=np.float64)

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate Φ((y − η₁)/σ)."""
        mean, log_sigma = read_outputs(eta)
        return np.asarray(ndtr((np.asarray(y) - mean) * np.exp(-log_sigma)))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate Φ((η₁ − y)/σ)."""
        mean, log_sigma = read_outputs(eta)
        return np.asarray(ndtr((mean - np.asarray(y)) * np.exp(-log_sigma)))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η₁ + exp(η₂) ε."""
        mean, log_sigma = read_outputs(eta)
        return np.asarray(mean + np.exp(log_sigma) * rng.standard_normal(mean.shape))

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return "y ~ Normal(η₁, exp η₂)"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Normal, and its arguments."""
        return pm.Normal, {"mu": eta[0], "sigma": pm.math.exp(eta[1])}


def read_outputs(eta: ArrayLike) -> tuple[Array, Array]:
    """Return η₁ and η₂, the latter within its bounds."""
    both = np.asarray(eta)
    return both[0], np.clip(both[1], -BOUND, BOUND)


def log_scale_nodes(eta: Array, covariance: Array) -> tuple[Array, Array, Array, Array]:
    """Return weights, and η₁, η₂ and the variance of η₁ that is left at nodes over η₂.

    Shapes (K,) and (rows, K), the variance (rows, 1), for η ~ Normal(eta, covariance).
    """
    z, weights = np.polynomial.hermite_e.hermegauss(NODES)
    sd = np.sqrt(covariance[:, 1, 1])[:, None]
    slope = covariance[:, 0, 1][:, None] / np.where(sd > 0, sd, 1.0)
    within = np.maximum(covariance[:, 0, 0][:, None] - slope**2, 0.0)
    return weights / weights.sum(), eta[0][:, None] + slope * z, eta[1][:, None] + sd * z, within
