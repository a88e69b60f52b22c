"""What Laplace and asymmetric Laplace likelihoods share. See docs/theory/quantile_families.md."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
from bayesml.likelihoods.base import Average, Stated
from bayesml.typing import Array, ArrayLike


class TwoSidedNoise(ABC):
    """Noise around η with an exponential on either side; a likelihood says what a unit costs."""

    scale: Stated

    @property
    @abstractmethod
    def costs(self) -> tuple[float, float]:
        """What a unit of y costs above η and below it, over the scale (W2)."""

    @property
    def support(self) -> Support:
        """The whole line."""
        return Real()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The scale."""
        return {"scale": self.scale}

    @property
    def noise_scale(self) -> str:
        """The scale."""
        return "scale"

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"scale": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Scale ~ Exponential(1 / sd(y)), as of Gaussian noise."""
        return {"scale": Exponential(1.0 / sd_y)}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the median or quantile of y."""
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

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (W5)."""
        return two_sided.log_cdf(_residual(y, eta), *self._rates(parameters))

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y) (W5)."""
        return two_sided.log_survival(_residual(y, eta), *self._rates(parameters))

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of p(y): η is a location."""
        return self.log_density(y, eta, parameters)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η plus noise."""
        above, below = self._rates(parameters)
        eta = np.asarray(eta, dtype=np.float64)
        return eta + two_sided.sample(eta.shape, above, below, rng)

    def _rates(self, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return the rates of both sides, the costs of a unit over the scale (W2)."""
        scale = np.asarray(parameters["scale"], dtype=np.float64)
        above, below = self.costs
        return above / scale, below / scale


def _residual(y: ArrayLike, eta: ArrayLike) -> Array:
    return np.asarray(np.subtract(y, eta, dtype=np.float64))
