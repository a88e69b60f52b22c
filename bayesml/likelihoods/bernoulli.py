"""The Bernoulli likelihood: logistic regression. Derived in docs/theory/bernoulli_likelihood.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, logit

from bayesml.distributions import Binary, ContinuousSupport, Distribution, Support
from bayesml.likelihoods.base import Average, Stated, trapezoidal_average
from bayesml.typing import Array, ArrayLike

LEAST_SHARE = 1e-3
"""Outputs are centred at a share of ones no closer to 0 or 1 than this."""


@dataclass(frozen=True)
class Bernoulli:
    r"""Zero or one, with log odds :math:`\eta`.

    .. math:: \log p(y \mid \eta) = \log s\bigl((2y - 1)\,\eta\bigr), \qquad
              s(\eta) = \frac1{1 + e^{-\eta}}, \quad y \in \{0, 1\}

    Its negative is the logistic loss, or cross entropy (B1). A unit of :math:`\eta` multiplies the
    odds of a one by e.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §4.3.

    Examples
    --------
    >>> Bernoulli().mean([0.0, 2.0], {}).round(3)
    array([0.5  , 0.881])
    >>> Bernoulli().log_density(1.0, -700.0, {})
    array(-700.)
    """

    @property
    def support(self) -> Support:
        """Zero and one."""
        return Binary()

    @property
    def link(self) -> str:
        """Log odds: logit E[y] = η."""
        return "logit"

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
        """One, the log odds, on which one is a wide scale."""
        return ((float(logit(np.clip(mean_y, LEAST_SHARE, 1.0 - LEAST_SHARE))), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is neither 0 nor 1 (B1)."""
        inside = log_expit(_sign(y) * np.asarray(eta))
        return np.where(Binary().contains(y), inside, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate y − s(η), as ± s(∓η), without cancellation (B2)."""
        return np.asarray(_sign(y) * expit(-_sign(y) * np.asarray(eta)))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate s(η) s(−η) (B2)."""
        share = self.mean(eta, parameters)
        return np.asarray(share * self.mean(np.negative(eta), parameters))

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = s(η)."""
        return np.asarray(expit(np.asarray(eta, dtype=np.float64)))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(s(η) s(−η))."""
        return np.sqrt(self.information(eta, parameters))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y): zero, s(−η) from 0 on, and one from 1 on."""
        y = np.asarray(y)
        return np.where(y < 0, 0.0, np.where(y < 1, self.mean(np.negative(eta), parameters), 1.0))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y): one, s(η) from 0 on, and zero from 1 on."""
        y = np.asarray(y)
        return np.where(y < 0, 1.0, np.where(y < 1, self.mean(eta, parameters), 0.0))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw zeros and ones."""
        chance = self.mean(eta, parameters)
        return np.asarray(rng.random(chance.shape) < chance, dtype=np.float64)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return "y ~ Bernoulli(1/(1 + exp(−η)))"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Bernoulli, and its arguments."""
        return pm.Bernoulli, {"logit_p": eta}


def _sign(y: ArrayLike) -> Array:
    """Return 2y − 1: one for a one, minus one for a zero."""
    return np.asarray(2.0 * np.asarray(y, dtype=np.float64) - 1.0)
