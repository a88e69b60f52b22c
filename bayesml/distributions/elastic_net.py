"""The elastic net: a Laplace and a Normal density multiplied. (Z8) of sparse_priors.md."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri_exp

from bayesml.distributions.base import Distribution, Parameter, exact, positive, real
from bayesml.distributions.real_line import Normal
from bayesml.distributions.supports import ContinuousSupport, Real
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class ElasticNet:
    r"""The product of a Laplace and a Normal density; its MAP is the elastic net.

    .. math:: p(x) = \frac{1}{Z} \exp\Bigl\{-\frac{|x - \mu|}{s} - \frac{(x - \mu)^2}{2 r^2}\Bigr\},
              \qquad Z = \sqrt{2\pi}\, r\, e^{a^2/2} \operatorname{erfc}(a/\sqrt 2), \quad
              a = r/s \qquad (Z8)

    Parameters
    ----------
    location : float or sequence of float
        :math:`\mu`, in the unit of the parameter.
    scale : float or sequence of float
        :math:`s > 0` of the Laplace density, in the unit of the parameter.
    sd : float or sequence of float
        :math:`r > 0` of the Normal density, in the unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not finite, or a scale is not positive.

    References
    ----------
    Zou & Hastie (2005), Regularization and variable selection via the elastic net, eq. 17.

    Examples
    --------
    >>> ElasticNet(0, scale=2, sd=1).score([-1.0, 3.0])
    array([ 1.5, -3.5])
    """

    location: Parameter = 0.0
    scale: Parameter = 1.0
    sd: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", real("ElasticNet", "location", self.location))
        object.__setattr__(self, "scale", positive("ElasticNet", "scale", self.scale))
        object.__setattr__(self, "sd", positive("ElasticNet", "sd", self.sd))

    @property
    def support(self) -> ContinuousSupport:
        """The real line."""
        return Real()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    @property
    def kink(self) -> Parameter:
        """The location."""
        return self.location

    @property
    def kink_rate(self) -> Array:
        """1/s."""
        return np.asarray(1.0 / np.asarray(self.scale))

    def without_kink(self) -> Distribution:
        """Return the Normal factor."""
        return Normal(self.location, self.sd)

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        away, s, r = np.abs(np.asarray(x) - self.location), np.asarray(self.scale), self._r
        log_normaliser = np.log(r) + HALF_LOG_2PI + np.log(erfcx(r / s / sqrt(2.0)))
        return np.asarray(-away / s - 0.5 * (away / r) ** 2 - log_normaliser)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −sign(x − μ)/s − (x − μ)/r²; the first is zero at the kink."""
        away = np.asarray(x) - self.location
        return np.asarray(-np.sign(away) / np.asarray(self.scale) - away / self._r**2)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −1/r², on either side of the kink."""
        return np.broadcast_to(-1.0 / self._r**2, np.shape(x)).copy()

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values: |x − μ| is a Normal(−r²/s, r) above zero."""
        a = self._r / np.asarray(self.scale)
        beyond = -ndtri_exp(np.log1p(-rng.random(shape)) + log_ndtr(-a))
        sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
        away: Array = sign * self._r * np.maximum(beyond - a, 0.0)
        return np.asarray(self.location) + away

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Any]]:
        """Return the density as an expression; PyMC has none of this name."""
        mu, s, r = exact(self.location), exact(self.scale), exact(self.sd)
        log_normaliser = np.log(r) + HALF_LOG_2PI + np.log(erfcx(r / s / sqrt(2.0)))

        def log_density(x: Any, mu: Any, s: Any, r: Any, log_normaliser: Any) -> Any:
            away = abs(x - mu)
            return -away / s - 0.5 * (away / r) ** 2 - log_normaliser

        def named(name: str, **dims: Any) -> Any:
            return pm.CustomDist(name, mu, s, r, log_normaliser, logp=log_density, **dims)

        return named, {}

    @property
    def _r(self) -> Array:
        return np.asarray(self.sd)
