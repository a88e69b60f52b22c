"""The Bernoulli likelihood: logistic regression. Derived in docs/theory/bernoulli_likelihood.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.distributions import Binary, ContinuousSupport, Distribution, Support
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.links import check_link
from bayesml.likelihoods.probability_links import Logit, ProbabilityLink
from bayesml.losses import CrossEntropy, Loss
from bayesml.typing import Array, ArrayLike

LEAST_SHARE = 1e-3
"""Outputs are centred at a share of ones no closer to 0 or 1 than this."""


@dataclass(frozen=True)
class Bernoulli:
    r"""Zero or one, a one with probability :math:`\mu = g^{-1}(\eta)`.

    .. math:: \log p(y \mid \eta) = y\log\mu + (1 - y)\log(1 - \mu), \quad y \in \{0, 1\}

    Its negative is the logistic loss, or cross entropy (B1). With the default link :math:`\eta`
    are the log odds, and a unit of it multiplies the odds of a one by e.

    Parameters
    ----------
    link : ProbabilityLink
        `Logit()`; `Probit()`, a normal threshold; `CLogLog()`, the log of a hazard (I2).

    Raises
    ------
    IncompatibleModelError
        If the link is none of a probability.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §4.3.

    Examples
    --------
    >>> Bernoulli().mean([0.0, 2.0], {}).round(3)
    array([0.5  , 0.881])
    >>> Bernoulli().log_density(1.0, -700.0, {})
    array(-700.)
    >>> from bayesml.likelihoods import Probit
    >>> Bernoulli(Probit()).mean(1.96, {}).round(3)
    np.float64(0.975)
    """

    link: ProbabilityLink = Logit()

    def __post_init__(self) -> None:
        check_link("Bernoulli", self.link, ProbabilityLink, "Logit(), Probit() or CLogLog()")

    @property
    def support(self) -> Support:
        """Zero and one."""
        return Binary()

    @property
    def loss(self) -> Loss:
        """The cross entropy of a probability."""
        return CrossEntropy()

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
        """One, the log odds for the default link, on which one is a wide scale."""
        return ((float(self.link.eta(np.clip(mean_y, LEAST_SHARE, 1.0 - LEAST_SHARE))), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is neither 0 nor 1 (B1, I3)."""
        y = np.asarray(y, dtype=np.float64)
        if self.link.symmetric:
            inside = self.link.log_mean(np.multiply(2.0 * y - 1.0, eta))
        else:
            inside = np.where(y == 1, self.link.log_mean(eta), self.link.log_complement(eta))
        known = (y == 0) | (y == 1)
        return np.asarray(inside) if np.all(known) else np.where(known, inside, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate d log μ/dη or d log(1 − μ)/dη, without cancellation (B2, I3)."""
        y = np.asarray(y, dtype=np.float64)
        if self.link.symmetric:
            sign = 2.0 * y - 1.0
            return np.asarray(sign * self.link.log_mean_slope(np.multiply(sign, eta)))
        up, down = self.link.log_mean_slope(eta), self.link.log_complement_slope(eta)
        return np.where(y == 1, up, down)

    def terms(
        self, y: Array, eta: Array, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array, Mapping[str, Array]]:
        """Evaluate density and score; for the logit by one exponential and one logarithm (B11)."""
        if self.link != Logit():
            return self.log_density(y, eta, {}), self.score(y, eta, {}), {}
        sign = 2.0 * y - 1.0
        away = sign * eta
        odds = np.exp(-np.abs(away))
        inside = np.minimum(away, 0.0) - np.log1p(odds)
        missed = np.where(away > 0.0, odds, 1.0) / (1.0 + odds)
        known = (y == 0) | (y == 1)
        return inside if np.all(known) else np.where(known, inside, -np.inf), sign * missed, {}

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate −(d log μ/dη)(d log(1 − μ)/dη), of the logit its slope (B2, I3)."""
        if self.link == Logit():
            return self.link.slope(eta)
        return -self.link.log_mean_slope(eta) * self.link.log_complement_slope(eta)

    def recession(self, y: Array, eta: Array) -> Array:
        """Up for a one, down for a zero."""
        return np.where(np.asarray(y) == 1, 1.0, -1.0)

    @property
    def canonical(self) -> bool:
        """Whether the link is the logit."""
        return self.link == Logit()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = μ."""
        return self.link.mean(eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(μ(1 − μ))."""
        return np.sqrt(self.link.mean(eta) * self.link.complement(eta))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y): zero, 1 − μ from 0 on, and one from 1 on."""
        y = np.asarray(y)
        return np.where(y < 0, 0.0, np.where(y < 1, self.link.complement(eta), 1.0))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y): one, μ from 0 on, and zero from 1 on."""
        y = np.asarray(y)
        return np.where(y < 0, 1.0, np.where(y < 1, self.link.mean(eta), 0.0))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw zeros and ones."""
        chance = self.mean(eta, parameters)
        return np.asarray(rng.random(chance.shape) < chance, dtype=np.float64)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return f"y ~ Bernoulli(μ), {self.link.name}(μ) = η"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Bernoulli, and its arguments."""
        if self.link == Logit():  # PyMC's own, exact in both tails
            return pm.Bernoulli, {"logit_p": eta}
        return pm.Bernoulli, {"p": self.link.pymc(pm, eta)}
