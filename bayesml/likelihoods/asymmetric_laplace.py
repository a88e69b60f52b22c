"""The asymmetric Laplace likelihood: quantiles. See docs/theory/quantile_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.distributions import (
    ContinuousSupport,
    Distribution,
    Exponential,
    Positive,
    Real,
    Support,
    UnitInterval,
)
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import two_sided
from bayesml.likelihoods.base import Average, Stated, check_parameter, parameter_words
from bayesml.likelihoods.links import Identity, Link
from bayesml.losses import Loss, PinballLoss
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class AsymmetricLaplace:
    r"""Noise whose q quantile is zero: the pinball loss as a likelihood, quantile regression.

    .. math:: \log p(y \mid \eta, s) = \log\frac{q(1 - q)}s - \frac{\rho_q(y - \eta)}s, \qquad
              \rho_q(r) = \max\{q\,r,\ (q - 1)\,r\}

    so that :math:`P(y \le \eta) = q`, and the maximum in the coefficients is Koenker's and
    Bassett's regression quantile, found to the last digit as a linear programme (W6).

    As a model of y it is a device: rows rarely scatter like this, and posterior intervals of the
    coefficients are calibrated only where they do.

    Parameters
    ----------
    quantile : float
        q, strictly between 0 and 1, known; 0.5 is the median.
    scale : float, Distribution or None
        s, in the unit of y: the expected pinball loss, and the distribution's own scale. A number
        is known, a distribution is inferred, and None is the weakly informative default
        Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If the quantile is no number between 0 and 1, or the scale not positive.

    References
    ----------
    Koenker & Bassett (1978), Regression quantiles, eq. 1.4; Yu & Moyeed (2001), Bayesian quantile
    regression, eq. 3; Yang, Wang & He (2016), Posterior inference in Bayesian quantile regression
    with asymmetric Laplace likelihood (intervals).

    Examples
    --------
    >>> nine_tenths = AsymmetricLaplace(quantile=0.9)
    >>> nine_tenths.cdf(2.0, 2.0, {"scale": 0.3})
    array(0.9)
    """

    quantile: float = 0.5
    scale: Stated = None

    def __post_init__(self) -> None:
        level = check_parameter("AsymmetricLaplace", "quantile", self.quantile, UnitInterval())
        if not isinstance(level, float):
            raise IncompatibleModelError(
                f"AsymmetricLaplace: quantile must be a known number, got {self.quantile!r}. "
                "It says what is asked of y, and is nothing that data teach."
            )
        meaning = "the expected pinball loss"
        checked = check_parameter("AsymmetricLaplace", "scale", self.scale, Positive(), meaning)
        object.__setattr__(self, "quantile", level)
        object.__setattr__(self, "scale", checked)

    @property
    def support(self) -> Support:
        """The whole line."""
        return Real()

    @property
    def link(self) -> Link:
        """Identity: the q quantile of y is η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The pinball loss of the quantile."""
        return PinballLoss(self.quantile)

    @property
    def costs(self) -> tuple[float, float]:
        """Q for a unit of y above η, 1 − q for one below, over the scale (W2)."""
        return self.quantile, 1.0 - self.quantile

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The scale."""
        return {"scale": self.scale}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"scale": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Scale ~ Exponential(1 / sd(y)), as of Gaussian noise."""
        return {"scale": Exponential(1.0 / sd_y)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the expected pinball loss of a target of this spread."""
        return {"scale": self.quantile * (1.0 - self.quantile) * sd_y}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the quantile of y."""
        return ((mean_y, sd_y),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature."""
        return two_sided.average(eta, covariance, parameters, *self._rates(parameters))

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, scale) (W1, W2)."""
        return two_sided.log_density(_residual(y, eta), *self._rates(parameters))

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate its slope in η on the side where y lies, zero at y = η (W4)."""
        return two_sided.score(_residual(y, eta), *self._rates(parameters))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the variance of the score, the product of the rates (W4)."""
        above, below = self._rates(parameters)
        return np.broadcast_arrays(above * below, eta)[0].copy()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂scale: what the residual costs, less one, over the scale (W4)."""
        paid = two_sided.cost(_residual(y, eta), *self._rates(parameters))
        return {"scale": np.asarray((paid - 1.0) / np.asarray(parameters["scale"]))}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y], which is η for q = ½ alone (W3)."""
        return np.asarray(np.asarray(eta) + two_sided.mean(*self._rates(parameters)))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation, as that of a difference of exponentials (W3)."""
        return np.broadcast_arrays(two_sided.sd(*self._rates(parameters)), eta)[0].copy()

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y) (W5)."""
        return two_sided.cdf(_residual(y, eta), *self._rates(parameters))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y) (W5)."""
        return two_sided.survival(_residual(y, eta), *self._rates(parameters))

    def cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate ∂P(Y ≤ y)/∂η, −p(y): η is a location."""
        return -np.exp(self.log_density(y, eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η plus noise."""
        above, below = self._rates(parameters)
        eta = np.asarray(eta, dtype=np.float64)
        return eta + two_sided.sample(eta.shape, above, below, rng)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("scale", self.scale, "Exponential(1/sd(y))")
        return f"y ~ AsymmetricLaplace(η, scale), P(y ≤ η) = {self.quantile:g}\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the asymmetric Laplace, and its arguments: b is a rate there."""
        q = self.quantile
        rate = np.sqrt(q * (1.0 - q)) / parameters["scale"]
        return pm.AsymmetricLaplace, {"mu": eta, "b": rate, "kappa": np.sqrt(q / (1.0 - q))}

    def _rates(self, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the rates of both sides, the costs of a unit over the scale (W2)."""
        scale = np.asarray(parameters["scale"], dtype=np.float64)
        above, below = self.costs
        return above / scale, below / scale


def _residual(y: ArrayLike, eta: ArrayLike) -> Array:
    return np.asarray(np.subtract(y, eta, dtype=np.float64))
