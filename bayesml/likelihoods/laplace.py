"""The Laplace likelihood: absolute error. Derived in docs/theory/quantile_families.md."""

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
)
from bayesml.likelihoods import two_sided
from bayesml.likelihoods.base import Average, Stated, check_parameter, parameter_words
from bayesml.likelihoods.links import Identity, Link
from bayesml.losses import AbsoluteError, Loss
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class LaplaceResponse:
    r"""Laplace noise around the median: the mean absolute error as a likelihood.

    .. math:: \log p(y \mid \eta, b) = -\log 2b - \frac{|y - \eta|}b

    so that its maximum in the coefficients is the regression of least absolute deviations, found
    to the last digit as a linear programme (W6). A distant row pulls no harder than a near one.
    `Laplace` is the method, and `distributions.Laplace` the prior.

    Parameters
    ----------
    scale : float, Distribution or None
        b, the expected absolute deviation, in the unit of y: the distribution's own scale, of
        which the standard deviation is :math:`\sqrt2` times. A number is known, a distribution is
        inferred, and None is the weakly informative default Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Koenker & Machado (1999), Goodness of fit and related inference processes for quantile
    regression, §2; Birkes & Dodge (1993), Alternative Methods of Regression, §4.

    Examples
    --------
    >>> noise = LaplaceResponse()
    >>> noise.log_density(3.0, 1.0, {"scale": 0.5}), noise.sd(1.0, {"scale": 0.5}).round(3)
    (array(-4.), np.float64(0.707))
    """

    scale: Stated = None

    def __post_init__(self) -> None:
        meaning = "the expected absolute deviation"
        checked = check_parameter("LaplaceResponse", "scale", self.scale, Positive(), meaning)
        object.__setattr__(self, "scale", checked)

    @property
    def support(self) -> Support:
        """The whole line."""
        return Real()

    @property
    def link(self) -> Link:
        """Identity: the mean, and the median, of y is η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The absolute error."""
        return AbsoluteError()

    @property
    def costs(self) -> tuple[float, float]:
        """One over the scale for a unit of y on either side of η (W2)."""
        return 1.0, 1.0

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
        """Start from about the mean absolute deviation of a normal target."""
        return {"scale": 0.75 * sd_y}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the median of y."""
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
        """Evaluate E[y] = η (W3)."""
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
        return f"y ~ Laplace(η, scale)\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Laplace, and its arguments."""
        return pm.Laplace, {"mu": eta, "b": parameters["scale"]}

    def _rates(self, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the rates of both sides, the costs of a unit over the scale (W2)."""
        scale = np.asarray(parameters["scale"], dtype=np.float64)
        above, below = self.costs
        return above / scale, below / scale


def _residual(y: ArrayLike, eta: ArrayLike) -> Array:
    return np.asarray(np.subtract(y, eta, dtype=np.float64))
