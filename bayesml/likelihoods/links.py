"""Links: how η leads to the mean that it stands for. Derived in docs/theory/glm_families.md."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import ContinuousSupport, Positive, Real
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, ArrayLike

FURTHEST = 700.0
"""An exponent is read up to here, so that a step which goes astray does not overflow."""


@runtime_checkable
class Link(Protocol):
    r"""A monotone :math:`\mu = g^{-1}(\eta)`, its derivative and its inverse (I1)."""

    @property
    def name(self) -> str:
        """What the field calls g."""

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate μ."""

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate dμ/dη."""

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate η = g(μ)."""

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return the PyMC expression of μ, given the module."""


@dataclass(frozen=True)
class Identity:
    """The mean itself, μ = η: effects add.

    A mean that has to be positive is one at positive η only (I25).

    Examples
    --------
    >>> Identity().mean(-1.5)
    array(-1.5)
    """

    @property
    def name(self) -> str:
        """Identity."""
        return "identity"

    def mean(self, eta: ArrayLike) -> Array:
        """Return η."""
        return floats(eta)

    def slope(self, eta: ArrayLike) -> Array:
        """Return one."""
        return np.ones(np.shape(eta))

    def eta(self, mean: ArrayLike) -> Array:
        """Return μ."""
        return floats(mean)

    @property
    def domain(self) -> ContinuousSupport:
        """The positive half line."""
        return Positive()

    def typical(self, mean: float, sd: float) -> tuple[float, float]:
        """Return those of y."""
        return mean, sd

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log η."""
        return np.asarray(np.log(within(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate 1/η."""
        return np.asarray(1.0 / within(eta))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return η."""
        return eta


@dataclass(frozen=True)
class Log:
    r"""The log of a positive mean, :math:`\mu = e^\eta`: a unit of η multiplies it by e.

    Examples
    --------
    >>> Log().mean(0.0), Log().eta(1.0)
    (array(1.), array(0.))
    """

    @property
    def name(self) -> str:
        """Log."""
        return "log"

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate e^η, within bounds."""
        return bounded_exp(eta)

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η."""
        return bounded_exp(eta)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log μ."""
        return np.asarray(np.log(floats(mean)))

    @property
    def domain(self) -> ContinuousSupport:
        """The whole line."""
        return Real()

    def typical(self, mean: float, sd: float) -> tuple[float, float]:
        """Return log μ, on which one is a wide scale."""
        return float(np.log(mean)), 1.0

    def log_mean(self, eta: ArrayLike) -> Array:
        """Return η."""
        return floats(eta)

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Return one."""
        return np.ones(np.shape(eta))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return e^η."""
        return pm.math.exp(eta)


def check_link(owner: str, link: Any, role: type, examples: str) -> None:
    """Refuse what is no link of the role that a likelihood needs."""
    if isinstance(link, type) or not isinstance(link, role):
        raise IncompatibleModelError(f"{owner}: link must be {examples}, got {shown(link)}.")


def within(eta: ArrayLike) -> Array:
    """Return η where it is positive, and NaN elsewhere: a logarithm has no value there."""
    at = floats(eta)
    return np.where(at > 0.0, at, np.nan)


def floats(values: ArrayLike) -> Array:
    """Return double precision."""
    return np.asarray(values, dtype=np.float64)


def bounded_exp(eta: ArrayLike) -> Array:
    """Evaluate e^η, within bounds."""
    return np.asarray(np.exp(np.clip(floats(eta), -FURTHEST, FURTHEST)))
