"""The Poisson likelihood: counts. Derived in docs/theory/poisson_likelihood.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln

from bayesml.distributions import ContinuousSupport, Counts, Distribution, Real, Support
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.gamma_tails import log_lower, log_upper
from bayesml.likelihoods.links import Log, check_link
from bayesml.likelihoods.positive_links import PositiveLink, has_mean, positive_mean
from bayesml.losses import Loss, PoissonDeviance
from bayesml.typing import Array, ArrayLike

LEAST_MEAN = 1e-3
"""The mean count that outputs are centred at when every count is zero."""

LARGEST_RATE = 1e15
"""Above it a count differs from a rounded Normal by less than float64 resolves."""


@dataclass(frozen=True)
class Poisson:
    r"""Counts, whose expectation is :math:`\mu = e^\eta`.

    .. math:: \log p(y \mid \eta) = y\log\mu - \mu - \log y!, \qquad y = 0, 1, 2, \dots

    A unit of :math:`\eta` multiplies the expected count by e (K1). The variance is the mean: there
    is no parameter, and counts that scatter more need another likelihood.

    Parameters
    ----------
    link : PositiveLink
        `Log()`; `Identity()`, under which effects add, or `Sqrt()`. Under these two there is no
        density where η is not positive, and no prediction (I25, I26).

    Raises
    ------
    IncompatibleModelError
        If the link is none of a positive mean.
    DataError
        At prediction, if η is not positive under `Identity()` or `Sqrt()`.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §6.2.

    Examples
    --------
    >>> Poisson().mean(np.log(2.5), {})
    array(2.5)
    >>> Poisson().cdf([0, 1, 2], np.log(2.5), {}).round(4)
    array([0.0821, 0.2873, 0.5438])
    >>> from bayesml.likelihoods import Identity
    >>> Poisson(Identity()).log_density(2.0, [2.5, -0.1], {}).round(4)
    array([-1.3606,    -inf])
    """

    link: PositiveLink = Log()

    def __post_init__(self) -> None:
        check_link("Poisson", self.link, PositiveLink, "Log(), Identity() or Sqrt()")

    @property
    def support(self) -> Support:
        """The whole numbers from zero."""
        return Counts()

    @property
    def eta_domain(self) -> ContinuousSupport:
        """Where the link leads to a positive mean."""
        return self.link.domain

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
        """One, that of the mean count; for the default link its log, where one is wide (I27)."""
        return (self.link.typical(max(mean_y, LEAST_MEAN), sd_y or 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no count or η has no mean (K1, I25)."""
        counted = Counts().contains(y)
        k = np.where(counted, y, 0.0)
        inside = k * self.link.log_mean(eta) - self.link.mean(eta) - gammaln(k + 1.0)
        return np.where(counted & has_mean(self.link, eta), inside, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (y − μ) d log μ/dη, which is y − e^η for the default link (K2, I28)."""
        return np.asarray((np.asarray(y) - self.link.mean(eta)) * self.link.log_mean_slope(eta))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate μ (d log μ/dη)², which is e^η for the default link (K2, I28)."""
        return np.asarray(self.link.mean(eta) * self.link.log_mean_slope(eta) ** 2)

    def recession(self, y: Array, eta: Array) -> Array:
        """Down for a zero where η is unbounded, nowhere for others."""
        endless = self.link.domain == Real()
        return np.where((np.asarray(y) == 0) & endless, -1.0, 0.0)

    @property
    def canonical(self) -> bool:
        """Whether the link is the logarithm."""
        return self.link == Log()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = μ."""
        return positive_mean(self, self.link, eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √μ."""
        return np.sqrt(self.mean(eta, parameters))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete gamma function (K3)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 0.0, gammaincc(np.maximum(k, 0.0) + 1.0, self.mean(eta, parameters)))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement (K3)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 1.0, gammainc(np.maximum(k, 0.0) + 1.0, self.mean(eta, parameters)))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (X25)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(
            k < 0, -np.inf, log_upper(np.maximum(k, 0.0) + 1.0, self.mean(eta, parameters))
        )

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y), which does not underflow (X24)."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        return np.where(k < 0, 0.0, log_lower(np.maximum(k, 0.0) + 1.0, self.mean(eta, parameters)))

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of μ' p(y) at the count that y reaches."""
        k = np.floor(np.asarray(y, dtype=np.float64))
        moved = self.link.log_mean(eta) + np.log(self.link.log_mean_slope(eta))
        return np.asarray(moved + self.log_density(k, eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw counts."""
        rate = self.mean(eta, parameters)
        drawn = rng.poisson(np.minimum(rate, LARGEST_RATE)).astype(np.float64)
        return np.where(rate > LARGEST_RATE, np.round(rate), drawn)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return f"y ~ Poisson(μ), {self.link.name}(μ) = η"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Poisson, and its arguments."""
        return pm.Poisson, {"mu": self.link.pymc(pm, eta)}
