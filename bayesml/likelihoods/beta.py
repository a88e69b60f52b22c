"""The beta likelihood: shares between 0 and 1. Derived in docs/theory/glm_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betainc, betaincc, logit, polygamma

from bayesml.distributions import (
    ContinuousSupport,
    Distribution,
    InverseGamma,
    Positive,
    Support,
    UnitInterval,
)
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.bernoulli import LEAST_SHARE
from bayesml.likelihoods.links import check_link, floats
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.probability_links import Logit, ProbabilityLink
from bayesml.losses import CrossEntropy, Loss
from bayesml.stirling import HALF_LOG_2PI, digamma_error, log_excess, stirling_error
from bayesml.typing import Array, ArrayLike

LEAST = 1e-290
"""Means are read no closer to 0 or 1 than this, where a, b and one over them are numbers."""


@dataclass(frozen=True)
class BetaResponse:
    r"""A share y strictly between 0 and 1, beta distributed around :math:`\mu = g^{-1}(\eta)`.

    .. math:: p(y \mid \eta, \varphi) = \frac{y^{a - 1}(1 - y)^{b - 1}}{B(a, b)}, \qquad
              a = \mu\varphi, \quad b = (1 - \mu)\varphi, \quad
              \operatorname{Var}(y) = \frac{\mu(1 - \mu)}{1 + \varphi}

    (I20). Shares that are exactly 0 or 1 have no density and are refused. `Beta` is the prior.

    Parameters
    ----------
    precision : float, Distribution or None
        :math:`\varphi`, without a unit, as in betareg: the larger, the less shares scatter. A
        number is known, a distribution is inferred, and None is the default
        InverseGamma(0.5, 0.5), under which :math:`1/\sqrt\varphi` is standard half-normal.
    link : ProbabilityLink
        `Logit()`, `Probit()` or `CLogLog()`.

    Raises
    ------
    IncompatibleModelError
        If the precision is not positive, or the link is none of a probability.

    References
    ----------
    Ferrari & Cribari-Neto (2004), Beta regression for modelling rates and proportions, eq. 4-6.

    Examples
    --------
    >>> BetaResponse().sd(0.0, {"precision": 24.0})
    array(0.1)
    """

    precision: Stated = None
    link: ProbabilityLink = Logit()

    def __post_init__(self) -> None:
        meaning = "no variance: the larger, the less shares scatter"
        checked = check_parameter("BetaResponse", "precision", self.precision, Positive(), meaning)
        object.__setattr__(self, "precision", checked)
        check_link("BetaResponse", self.link, ProbabilityLink, "Logit(), Probit() or CLogLog()")

    @property
    def support(self) -> Support:
        """The open interval from 0 to 1."""
        return UnitInterval()

    @property
    def loss(self) -> Loss:
        """The cross entropy of a share, whose best action is the mean."""
        return CrossEntropy()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The precision."""
        return {"precision": self.precision}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"precision": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """1/√φ is standard half-normal (I11)."""
        return {"precision": InverseGamma(0.5, 0.5)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the moments of the target, between one and a thousand."""
        spread = mean_y * (1.0 - mean_y)
        return {"precision": float(np.clip(spread / max(sd_y, 1e-150) ** 2 - 1.0, 1.0, 1e3))}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the log odds for the default link, on which one is a wide scale."""
        return ((float(self.link.eta(np.clip(mean_y, LEAST_SHARE, 1.0 - LEAST_SHARE))), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, φ), −∞ where y is not between 0 and 1 (I21)."""
        phi, (mu, nu), inside = floats(parameters["precision"]), self._means(eta), _inside(y)
        y = np.where(inside, y, 0.5)
        rest = stirling_error(phi) - stirling_error(phi * mu) - stirling_error(phi * nu)
        constant = 0.5 * (np.log(phi) + np.log(mu) + np.log(nu)) - HALF_LOG_2PI
        value = phi * _divergence(y, mu, nu) + rest + constant - np.log(y) - np.log1p(-y)
        return np.where(inside, value, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate φ μ′ (logit y − ψ(a) + ψ(b)) (I22)."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        a, b = phi * mu, phi * nu
        apart = logit(floats(y)) - (np.log(mu) - np.log(nu))
        gaps = 0.5 / a - 0.5 / b + digamma_error(a) - digamma_error(b)
        return np.asarray(phi * self.link.slope(eta) * (apart + gaps))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate φ² μ′² (ψ′(a) + ψ′(b)), without forming ψ′ of what is nearly zero (I22)."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        slope = self.link.slope(eta)
        rest = polygamma(1, 1.0 + phi * mu) + polygamma(1, 1.0 + phi * nu)
        return np.asarray((phi * slope) ** 2 * rest + (slope / mu) ** 2 + (slope / nu) ** 2)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂φ (I23)."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        rest = mu * digamma_error(phi * mu) + nu * digamma_error(phi * nu) - digamma_error(phi)
        return {"precision": _divergence(floats(y), mu, nu) + 0.5 / phi + rest}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate μ² ψ′(a) + (1 − μ)² ψ′(b) − ψ′(φ) for φ, to φ times rounding (I31)."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        shared = mu**2 * polygamma(1, 1.0 + phi * mu) + nu**2 * polygamma(1, 1.0 + phi * nu)
        return {"precision": np.asarray(2.0 / phi**2 + shared - polygamma(1, phi))}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = μ."""
        return self.link.mean(eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(μ(1 − μ)/(1 + φ))."""
        spread = self.link.mean(eta) * self.link.complement(eta)
        return np.asarray(np.sqrt(spread / (1.0 + floats(parameters["precision"]))))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete beta function."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        return np.asarray(betainc(phi * mu, phi * nu, np.clip(y, 0.0, 1.0)))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        return np.asarray(betaincc(phi * mu, phi * nu, np.clip(y, 0.0, 1.0)))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw shares, which are never rounded to 0 or 1."""
        phi, (mu, nu) = floats(parameters["precision"]), self._means(eta)
        drawn = rng.beta(*np.broadcast_arrays(phi * mu, phi * nu))
        return np.clip(drawn, LEAST, np.nextafter(1.0, 0.0))

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("φ", self.precision, "InverseGamma(0.5, 0.5)")
        return f"y ~ Beta(mean μ, precision φ), {self.link.name}(μ) = η\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Beta, and its arguments."""
        return pm.Beta, {"mu": self.link.pymc(pm, eta), "nu": parameters["precision"]}

    def _means(self, eta: ArrayLike) -> tuple[Array, Array]:
        """Return μ and 1 − μ, each on its own."""
        return np.maximum(self.link.mean(eta), LEAST), np.maximum(self.link.complement(eta), LEAST)


def _divergence(y: Array, mu: Array, nu: Array) -> Array:
    """Evaluate μ log(y/μ) + (1 − μ) log((1 − y)/(1 − μ)), minus a Kullback-Leibler divergence."""
    apart = np.where(mu < 0.5, y - mu, nu - (1.0 - y))
    return mu * log_excess(y / mu, apart / mu) + nu * log_excess((1.0 - y) / nu, -apart / nu)


def _inside(y: ArrayLike) -> Any:
    return UnitInterval().contains(y)
