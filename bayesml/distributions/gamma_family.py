"""The gamma family: priors for scales, precisions and degrees of freedom."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, xlogy

from bayesml.distributions.base import Parameter, exact, positive
from bayesml.distributions.half import inside
from bayesml.distributions.supports import ContinuousSupport, Positive
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Exponential:
    r"""Exponential, :math:`p(x) = \lambda e^{-\lambda x}` for :math:`x \ge 0`.

    Parameters
    ----------
    rate : float or sequence of float
        :math:`\lambda > 0`, one over the mean, in one over the unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If the rate is not positive and finite.

    Examples
    --------
    >>> Exponential(0.5).score(3.0)
    array(-0.5)
    """

    rate: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", positive("Exponential", "rate", self.rate))

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
        return inside(x, np.log(self.rate) - np.asarray(self.rate) * np.asarray(x))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −λ."""
        return np.full(np.shape(x), -np.asarray(self.rate))

    def curvature(self, x: ArrayLike) -> Array:
        """Zero everywhere."""
        return np.zeros(np.shape(x))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return rng.exponential(1.0 / np.asarray(self.rate), shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.Exponential`` and its arguments."""
        return pm.Exponential, {"lam": exact(self.rate)}


@dataclass(frozen=True)
class Gamma:
    r"""Gamma, :math:`p(x) = \frac{b^a}{\Gamma(a)} x^{a-1} e^{-bx}` for :math:`x > 0`.

    Parameters
    ----------
    shape : float or sequence of float
        :math:`a > 0`.
    rate : float or sequence of float
        :math:`b > 0`, in one over the unit of the parameter; the mean is :math:`a/b`.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> Gamma(shape=2, rate=0.1).score(10.0)
    array(0.)
    """

    shape: Parameter
    rate: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", positive("Gamma", "shape", self.shape))
        object.__setattr__(self, "rate", positive("Gamma", "rate", self.rate))

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
        return inside(x, a * np.log(b) - gammaln(a) + xlogy(a - 1, np.abs(x)) - b * x)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate (a − 1)/x − b."""
        return np.asarray((np.asarray(self.shape) - 1) / np.asarray(x) - self.rate)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −(a − 1)/x²."""
        return np.asarray(-(np.asarray(self.shape) - 1) / np.asarray(x) ** 2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return rng.gamma(self.shape, 1.0 / np.asarray(self.rate), shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.Gamma`` and its arguments."""
        return pm.Gamma, {"alpha": exact(self.shape), "beta": exact(self.rate)}


@dataclass(frozen=True)
class InverseGamma:
    r"""Inverse gamma, :math:`p(x) = \frac{b^a}{\Gamma(a)} x^{-a-1} e^{-b/x}` for :math:`x > 0`.

    As the prior of :math:`\sigma` it is on :math:`\sigma` itself, never on :math:`\sigma^2`;
    the conjugate prior on :math:`\sigma^2` is `NormalInverseGamma`.

    Parameters
    ----------
    shape : float or sequence of float
        :math:`a > 0`.
    scale : float or sequence of float
        :math:`b > 0`, in the unit of the parameter; the mode is :math:`b/(a+1)`.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> InverseGamma(shape=1, scale=4).score(2.0)
    array(0.)
    """

    shape: Parameter
    scale: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", positive("InverseGamma", "shape", self.shape))
        object.__setattr__(self, "scale", positive("InverseGamma", "scale", self.scale))

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
        a, b, x = np.asarray(self.shape), np.asarray(self.scale), np.asarray(x)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_density = a * np.log(b) - gammaln(a) - (a + 1) * np.log(x) - b / x
        return np.asarray(np.where(x > 0, log_density, -np.inf))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −(a + 1)/x + b/x²."""
        x = np.asarray(x)
        return np.asarray(-(np.asarray(self.shape) + 1) / x + np.asarray(self.scale) / x**2)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate (a + 1)/x² − 2b/x³."""
        x = np.asarray(x)
        return np.asarray((np.asarray(self.shape) + 1) / x**2 - 2 * np.asarray(self.scale) / x**3)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.scale) / rng.gamma(self.shape, 1.0, shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.InverseGamma`` and its arguments."""
        return pm.InverseGamma, {"alpha": exact(self.shape), "beta": exact(self.scale)}
