"""The gamma likelihood: positive values with a relative error. See docs/theory/glm_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc

from bayesml.distributions import ContinuousSupport, Distribution, InverseGamma, Positive, Support
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.gamma_tails import log_lower, log_upper
from bayesml.likelihoods.links import Log, check_link, floats
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.positive_links import (
    Inverse,
    PositiveLink,
    has_mean,
    mean_within,
    positive_mean,
)
from bayesml.losses import GammaDeviance, Loss
from bayesml.stirling import HALF_LOG_2PI, digamma_error, log_excess, stirling_error, trigamma_error
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class GammaResponse:
    r"""Positive y, gamma distributed around a mean μ, :math:`e^\eta` for the default link.

    .. math:: p(y \mid \eta, \alpha) = \frac{(\alpha/\mu)^\alpha}{\Gamma(\alpha)}\,
              y^{\alpha - 1} e^{-\alpha y/\mu}, \qquad
              \operatorname{sd}(y) = \mu/\sqrt\alpha

    so that the relative error of every row is the same (I17). `Gamma` is the prior.

    Parameters
    ----------
    shape : float, Distribution or None
        :math:`\alpha`, without a unit: one over the squared coefficient of variation, and one
        over the ``scale`` of a gamma GLM. A number is known, a distribution is inferred, and
        None is the default InverseGamma(0.5, 0.5), under which the coefficient of variation is
        standard half-normal.
    link : PositiveLink
        `Log()`; `Inverse()`, the canonical one, or `Identity()`. Under these two there is no
        density where η is not positive, and no prediction (I25, I26).

    Raises
    ------
    IncompatibleModelError
        If the shape is not positive, or is a distribution with mass on negative values, or the
        link none of a positive mean.
    DataError
        At prediction, if η is not positive under `Inverse()` or `Identity()`.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §8.2.

    Examples
    --------
    >>> GammaResponse().sd(0.0, {"shape": 4.0})
    array(0.5)
    >>> GammaResponse().score(3.0, 0.0, {"shape": 2.0})  # α (y − μ)/μ
    array(4.)
    >>> from bayesml.likelihoods import Inverse
    >>> GammaResponse(link=Inverse()).mean(4.0, {})
    array(0.25)
    """

    shape: Stated = None
    link: PositiveLink = Log()

    def __post_init__(self) -> None:
        check_link("GammaResponse", self.link, PositiveLink, "Log(), Inverse() or Identity()")
        meaning = "one over the squared coefficient of variation"
        checked = check_parameter("GammaResponse", "shape", self.shape, Positive(), meaning)
        object.__setattr__(self, "shape", checked)

    @property
    def support(self) -> Support:
        """The positive half line."""
        return Positive()

    @property
    def eta_domain(self) -> ContinuousSupport:
        """Where the link leads to a positive mean."""
        return self.link.domain

    @property
    def canonical(self) -> bool:
        """Whether the link is the inverse."""
        return self.link == Inverse()

    @property
    def loss(self) -> Loss:
        """The gamma deviance, a relative error."""
        return GammaDeviance()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The shape."""
        return {"shape": self.shape}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"shape": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """1/√α, the coefficient of variation, is standard half-normal (I11)."""
        return {"shape": InverseGamma(0.5, 0.5)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the coefficient of variation of the target."""
        return {"shape": float(np.clip((mean_y / sd_y) ** 2 if sd_y > 0 else 1.0, 0.01, 1e4))}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, that of the mean; for the default link its log, on which one is wide (I27)."""
        return (self.link.typical(mean_y if mean_y > 0 else 1.0, sd_y or 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, α), −∞ where y is not positive or η has no mean (I18, I25)."""
        shape, positive = floats(parameters["shape"]), Positive().contains(y)
        y, inside = np.where(positive, y, 1.0), positive & has_mean(self.link, eta)
        ratio, over = self._relative(y, eta)
        constant = 0.5 * np.log(shape) - HALF_LOG_2PI - stirling_error(shape)
        return np.where(inside, shape * log_excess(ratio, over) - np.log(y) + constant, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate α (y − μ)/μ, times d log μ/dη (I19, I28)."""
        over = self._relative(y, eta)[1] * self.link.log_mean_slope(eta)
        return np.asarray(floats(parameters["shape"]) * over)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate α, times (d log μ/dη)² (I19, I28)."""
        return np.asarray(floats(parameters["shape"]) * self.link.log_mean_slope(eta) ** 2)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂α: log(y/μ) − (y/μ − 1) + log α − ψ(α) (I19)."""
        shape = floats(parameters["shape"])
        return {"shape": log_excess(*self._relative(y, eta)) + 0.5 / shape + digamma_error(shape)}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate ψ′(α) − 1/α for α (I30)."""
        shape = floats(parameters["shape"])
        found = 0.5 / shape**2 + trigamma_error(shape)
        return {"shape": np.broadcast_arrays(found, eta)[0]}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = μ."""
        return positive_mean(self, self.link, eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate μ/√α."""
        return np.asarray(self.mean(eta, parameters) / np.sqrt(floats(parameters["shape"])))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete gamma function."""
        shape, ratio = floats(parameters["shape"]), np.maximum(y, 0.0) / self.mean(eta, parameters)
        return np.asarray(gammainc(shape, shape * ratio))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement."""
        shape, ratio = floats(parameters["shape"]), np.maximum(y, 0.0) / self.mean(eta, parameters)
        return np.asarray(gammaincc(shape, shape * ratio))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (X24)."""
        shape, ratio = floats(parameters["shape"]), np.maximum(y, 0.0) / self.mean(eta, parameters)
        return log_lower(shape, shape * ratio)

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y), which does not underflow (X25)."""
        shape, ratio = floats(parameters["shape"]), np.maximum(y, 0.0) / self.mean(eta, parameters)
        return log_upper(shape, shape * ratio)

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of y p(y) d log μ/dη: the mean is a scale."""
        y = np.asarray(y, dtype=np.float64)
        there = np.where(y > 0, y, 1.0)
        moved = np.log(there) + np.log(self.link.log_mean_slope(eta))
        return np.where(y > 0, moved + self.log_density(there, eta, parameters), -np.inf)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw positive values."""
        mu, shape = np.broadcast_arrays(self.mean(eta, parameters), floats(parameters["shape"]))
        return np.asarray(mu * (rng.gamma(shape) / shape))

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("α", self.shape, "InverseGamma(0.5, 0.5)")
        return f"y ~ Gamma(mean μ, shape α), {self.link.name}(μ) = η\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Gamma, and its arguments."""
        shape = parameters["shape"]
        return pm.Gamma, {"alpha": shape, "beta": shape / self.link.pymc(pm, eta)}

    def _relative(self, y: ArrayLike, eta: ArrayLike) -> tuple[Array, Array]:
        """Return y/μ, and what it is over one."""
        y, mu = floats(y), mean_within(self.link, eta)
        return np.asarray(y / mu), np.asarray((y - mu) / mu)
