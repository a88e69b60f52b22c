"""The Poisson likelihood: counts. Derived in docs/theory/poisson_likelihood.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln

from bayesml.distributions import ContinuousSupport, Counts, Distribution, Support
from bayesml.likelihoods.base import Average, Stated, trapezoidal_average
from bayesml.likelihoods.gamma_tails import log_lower, log_upper
from bayesml.likelihoods.links import Link, Log
from bayesml.losses import Loss, PoissonDeviance
from bayesml.typing import Array, ArrayLike

LEAST_MEAN = 1e-3
"""The mean count that outputs are centred at when every count is zero."""

LARGEST_RATE = 1e15
"""Above it a count differs from a rounded Normal by less than float64 resolves."""


@dataclass(frozen=True)
class Poisson:
    r"""Counts, whose expectation is :math:`e^\eta`.

    .. math:: \log p(y \mid \eta) = y\eta - e^\eta - \log y!, \qquad y = 0, 1, 2, \dots

    A unit of :math:`\eta` multiplies the expected count by e (K1). The variance is the mean: there
    is no parameter, and counts that scatter more need another likelihood.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §6.2.

    Examples
    --------
    >>> Poisson().mean(np.log(2.5), {})
    array(2.5)
    >>> Poisson().cdf([0, 1, 2], np.log(2.5), {}).round(4)
    array([0.0821, 0.2873, 0.5438])
    """

    @property
    def support(self) -> Support:
        """The whole numbers from zero."""
        return Counts()

    @property
    def link(self) -> Link:
        """Logarithm: log E[y] = η."""
        return Log()

    @property
    def loss(self) -> Loss:
        """The deviance of counts, whose best action is the mean."""
        return PoissonDeviance()

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
        """One, the log of the expected count, on which one is a wide scale."""
        return ((float(np.log(max(mean_y, LEAST_MEAN))), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no count (K1)."""
        counted = Counts().contains(y)
        k = np.where(counted, y, 0.0)
        inside = k * np.asarray(eta) - self.link.mean(eta) - gammaln(k + 1.0)
        return np.where(counted, inside, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate y − e^η (K2)."""
        return np.asarray(np.asarray(y) - self.link.mean(eta))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate e^η (K2)."""
        return self.link.mean(eta)

    def recession(self, y: Array, eta: Array) -> Array:
        """Down for a zero, nowhere for others."""
        return np.where(np.asarray(y) == 0, -1.0, 0.0)

    @property
    def canonical(self) -> bool:
        """True."""
        return True

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = e^η."""
        return self.link.mean(eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate e^(η/2)."""
        return np.sqrt(self.link.mean(eta))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete gamma function (K3)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 0.0, gammaincc(np.maximum(k, 0.0) + 1.0, self.link.mean(eta)))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement (K3)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 1.0, gammainc(np.maximum(k, 0.0) + 1.0, self.link.mean(eta)))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (X25)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, -np.inf, log_upper(np.maximum(k, 0.0) + 1.0, self.link.mean(eta)))

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y), which does not underflow (X24)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 0.0, log_lower(np.maximum(k, 0.0) + 1.0, self.link.mean(eta)))

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of e^η p(y) at the count that y reaches."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.asarray(np.asarray(eta) + self.log_density(k, eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw counts."""
        rate = self.link.mean(eta)
        drawn = rng.poisson(np.minimum(rate, LARGEST_RATE)).astype(np.float64)
        return np.where(rate > LARGEST_RATE, np.round(rate), drawn)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return "y ~ Poisson(exp η)"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Poisson, and its arguments."""
        return pm.Poisson, {"mu": pm.math.exp(eta)}
