"""Roots of gamma and inverse gamma variables: priors for standard deviations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from bayesml.distributions.base import Parameter, positive
from bayesml.distributions.half import LOG_2
from bayesml.distributions.supports import ContinuousSupport, Positive
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class RootInverseGamma:
    r"""The root of an inverse gamma: a standard deviation whose square is InverseGamma(a, b).

    .. math:: p(x) = \frac{2 b^a}{\Gamma(a)}\, x^{-2a-1} e^{-b/x^2}, \qquad x > 0

    so that the precision :math:`x^{-2}` is Gamma(a, b): what a conjugate prior states of a scale.

    Parameters
    ----------
    shape : float or sequence of float
        :math:`a > 0`.
    rate : float or sequence of float
        :math:`b > 0`, in the squared unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, §2.6 and appendix A.

    Examples
    --------
    >>> RootInverseGamma(shape=0.5, rate=2.0).score(2.0)
    array(-0.5)
    """

    shape: Parameter
    rate: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", positive("RootInverseGamma", "shape", self.shape))
        object.__setattr__(self, "rate", positive("RootInverseGamma", "rate", self.rate))

    @property
    def support(self) -> ContinuousSupport:
        """The positive half line."""
        return Positive()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        a, b, x = np.asarray(self.shape), np.asarray(self.rate), np.asarray(x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            power = LOG_2 + a * np.log(b) - gammaln(a) - (2 * a + 1) * np.log(x)
            log_density = power - b / x**2
        return np.asarray(np.where(x > 0, log_density, -np.inf))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −(2a + 1)/x + 2b/x³."""
        x = np.asarray(x)
        return np.asarray(-(2 * np.asarray(self.shape) + 1) / x + 2 * np.asarray(self.rate) / x**3)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate (2a + 1)/x² − 6b/x⁴."""
        a, b, x = np.asarray(self.shape), np.asarray(self.rate), np.asarray(x)
        return np.asarray((2 * a + 1) / x**2 - 6 * b / x**4)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.sqrt(np.asarray(self.rate) / rng.gamma(self.shape, 1.0, shape))

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Any]]:
        """Return the root of PyMC's inverse gamma, whose density PyMC derives."""
        return root_of(pm, pm.InverseGamma, self.shape, self.rate), {}


@dataclass(frozen=True)
class RootGamma:
    r"""The root of a gamma variable: a standard deviation whose square is Gamma(a, b).

    .. math:: p(x) = \frac{2 b^a}{\Gamma(a)}\, x^{2a-1} e^{-bx^2}, \qquad x > 0

    With a = ½ it is half-normal; below, the density is infinite at zero.

    Parameters
    ----------
    shape : float or sequence of float
        :math:`a > 0`.
    rate : float or sequence of float
        :math:`b > 0`, in one over the squared unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    References
    ----------
    Nakagami (1960), The m-distribution, whose it is, with :math:`m = a` and
    :math:`\Omega = a/b`.

    Examples
    --------
    >>> RootGamma(shape=1.0, rate=0.5).score(1.0)
    array(0.)
    """

    shape: Parameter
    rate: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", positive("RootGamma", "shape", self.shape))
        object.__setattr__(self, "rate", positive("RootGamma", "rate", self.rate))

    @property
    def support(self) -> ContinuousSupport:
        """The positive half line."""
        return Positive()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        a, b, x = np.asarray(self.shape), np.asarray(self.rate), np.asarray(x)
        there = np.where(x > 0, x, 1.0)
        power = LOG_2 + a * np.log(b) - gammaln(a) + (2 * a - 1) * np.log(there)
        return np.asarray(np.where(x > 0, power - b * there**2, -np.inf))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate (2a − 1)/x − 2bx."""
        x = np.asarray(x)
        return np.asarray((2 * np.asarray(self.shape) - 1) / x - 2 * np.asarray(self.rate) * x)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −(2a − 1)/x² − 2b."""
        a, x = np.asarray(self.shape), np.asarray(x)
        return np.asarray(-(2 * a - 1) / x**2 - 2 * np.asarray(self.rate))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(np.sqrt(rng.gamma(self.shape, 1.0, shape) / np.asarray(self.rate)))

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Any]]:
        """Return the root of PyMC's gamma, whose density PyMC derives."""
        return root_of(pm, pm.Gamma, self.shape, self.rate), {}


def root_of(pm: Any, family: Any, shape: Parameter, rate: Parameter) -> Any:
    """Return what makes a PyMC variable whose square is of a family of shape and rate."""
    a, b = np.asarray(shape, dtype=np.float64), np.asarray(rate, dtype=np.float64)

    def log_density(x: Any, a: Any, b: Any) -> Any:
        squared = pm.logp(family.dist(a, b), x**2)
        return squared + pm.math.log(2.0 * x)

    def named(name: str, **dims: Any) -> Any:
        transform = pm.distributions.transforms.log
        return pm.CustomDist(name, a, b, logp=log_density, transform=transform, **dims)

    return named
