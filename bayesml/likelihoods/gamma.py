"""The gamma likelihood: positive values with a relative error. See docs/theory/glm_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammainc, gammaincc

from bayesml.distributions import (
    ContinuousSupport,
    Distribution,
    InverseGamma,
    Positive,
    Support,
)
from bayesml.likelihoods.base import (
    Average,
    Stated,
    check_parameter,
    parameter_words,
    trapezoidal_average,
)
from bayesml.likelihoods.gamma_tails import log_lower, log_upper
from bayesml.likelihoods.links import Link, Log, floats
from bayesml.losses import GammaDeviance, Loss
from bayesml.stirling import (
    HALF_LOG_2PI,
    digamma_error,
    log_excess,
    stirling_error,
)
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class GammaResponse:
    r"""Positive y, gamma distributed around the mean :math:`\mu = e^\eta`.

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

    Raises
    ------
    IncompatibleModelError
        If the shape is not positive, or is a distribution with mass on negative values.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §8.2.

    Examples
    --------
    >>> GammaResponse().sd(0.0, {"shape": 4.0})
    array(0.5)
    >>> GammaResponse().score(3.0, 0.0, {"shape": 2.0})  # α (y − μ)/μ
    array(4.)
    """

    shape: Stated = None

    def __post_init__(self) -> None:
        meaning = "one over the squared coefficient of variation"
        checked = check_parameter("GammaResponse", "shape", self.shape, Positive(), meaning)
        object.__setattr__(self, "shape", checked)

    @property
    def support(self) -> Support:
        """The positive half line."""
        return Positive()

    @property
    def link(self) -> Link:
        """Logarithm: log E[y] = η."""
        return Log()

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
        """One, the log of the mean, on which one is a wide scale."""
        return ((float(np.log(mean_y)) if mean_y > 0 else 0.0, 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, α), −∞ where y is not positive (I18)."""
        shape, inside = floats(parameters["shape"]), Positive().contains(y)
        y = np.where(inside, y, 1.0)
        ratio, over = self._relative(y, eta)
        constant = 0.5 * np.log(shape) - HALF_LOG_2PI - stirling_error(shape)
        return np.where(inside, shape * log_excess(ratio, over) - np.log(y) + constant, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate α (y − μ)/μ (I19)."""
        return np.asarray(floats(parameters["shape"]) * self._relative(y, eta)[1])

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate α (I19)."""
        return np.broadcast_arrays(floats(parameters["shape"]), eta)[0].copy()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂α: log(y/μ) − (y/μ − 1) + log α − ψ(α) (I19)."""
        shape = floats(parameters["shape"])
        return {"shape": log_excess(*self._relative(y, eta)) + 0.5 / shape + digamma_error(shape)}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = e^η."""
        return self.link.mean(eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate μ/√α."""
        return np.asarray(self.link.mean(eta) / np.sqrt(floats(parameters["shape"])))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete gamma function."""
        shape, ratio = floats(parameters["shape"]), self._relative(np.maximum(y, 0.0), eta)[0]
        return np.asarray(gammainc(shape, shape * ratio))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement."""
        shape, ratio = floats(parameters["shape"]), self._relative(np.maximum(y, 0.0), eta)[0]
        return np.asarray(gammaincc(shape, shape * ratio))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (X24)."""
        shape, ratio = floats(parameters["shape"]), self._relative(np.maximum(y, 0.0), eta)[0]
        return log_lower(shape, shape * ratio)

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y), which does not underflow (X25)."""
        shape, ratio = floats(parameters["shape"]), self._relative(np.maximum(y, 0.0), eta)[0]
        return log_upper(shape, shape * ratio)

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of y p(y): e^η is a scale."""
        y = np.asarray(y, dtype=np.float64)
        there = np.where(y > 0, y, 1.0)
        return np.where(y > 0, np.log(there) + self.log_density(there, eta, parameters), -np.inf)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw positive values."""
        mu, shape = np.broadcast_arrays(self.link.mean(eta), floats(parameters["shape"]))
        return np.asarray(mu * (rng.gamma(shape) / shape))

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("α", self.shape, "InverseGamma(0.5, 0.5)")
        return f"y ~ Gamma(mean exp η, shape α)\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Gamma, and its arguments."""
        shape = parameters["shape"]
        return pm.Gamma, {"alpha": shape, "beta": shape / self.link.pymc(pm, eta)}

    def _relative(self, y: ArrayLike, eta: ArrayLike) -> tuple[Array, Array]:
        """Return y/μ, and what it is over one."""
        y, mu = floats(y), self.link.mean(eta)
        return np.asarray(y / mu), np.asarray((y - mu) / mu)
