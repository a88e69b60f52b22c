"""Links: how η leads to the mean that it stands for. Derived in docs/theory/glm_families.md."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import erfcx, expit, log_expit, log_ndtr, logit, ndtr, ndtri

from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, ArrayLike

FURTHEST = 700.0
"""An exponent is read up to here, so that a step which goes astray does not overflow."""

ROOT_2 = np.sqrt(2.0)
ROOT_2_OVER_PI = np.sqrt(2.0 / np.pi)


@runtime_checkable
class Link(Protocol):
    r"""An increasing :math:`\mu = g^{-1}(\eta)`, its derivative and its inverse (I1)."""

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


@runtime_checkable
class ProbabilityLink(Link, Protocol):
    r"""A link whose μ is a probability, with both tails on their own (I2).

    What is nearly one is never subtracted from one: the logarithms and their derivatives are
    exact where μ itself rounds to zero or one.
    """

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate 1 − μ."""

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log μ."""

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate log(1 − μ)."""

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate d log μ/dη, which is positive."""

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate d log(1 − μ)/dη, which is negative."""


@dataclass(frozen=True)
class Identity:
    """The mean itself, μ = η.

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
        return _floats(eta)

    def slope(self, eta: ArrayLike) -> Array:
        """Return one."""
        return np.ones(np.shape(eta))

    def eta(self, mean: ArrayLike) -> Array:
        """Return μ."""
        return _floats(mean)

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
        return _exp(eta)

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η."""
        return _exp(eta)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log μ."""
        return np.asarray(np.log(_floats(mean)))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return e^η."""
        return pm.math.exp(eta)


@dataclass(frozen=True)
class Logit:
    r"""Log odds, :math:`\mu = 1/(1 + e^{-\eta})`: a unit of η multiplies the odds by e.

    Examples
    --------
    >>> Logit().mean(0.0), Logit().log_mean(-800.0)
    (array(0.5), array(-800.))
    """

    @property
    def name(self) -> str:
        """Logit."""
        return "logit"

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate s(η)."""
        return np.asarray(expit(_floats(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate s(−η)."""
        return np.asarray(expit(-_floats(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate s(η) s(−η)."""
        return self.mean(eta) * self.complement(eta)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log(μ/(1 − μ))."""
        return np.asarray(logit(_floats(mean)))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log s(η)."""
        return np.asarray(log_expit(_floats(eta)))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate log s(−η)."""
        return np.asarray(log_expit(-_floats(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate s(−η)."""
        return self.complement(eta)

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −s(η)."""
        return -self.mean(eta)

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return s(η)."""
        return pm.math.sigmoid(eta)


@dataclass(frozen=True)
class Probit:
    r"""A normal threshold, :math:`\mu = \Phi(\eta)`: η is in standard deviations.

    Examples
    --------
    >>> Probit().mean(0.0), Probit().eta(0.975).round(2)
    (array(0.5), np.float64(1.96))
    """

    @property
    def name(self) -> str:
        """Probit."""
        return "probit"

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate Φ(η)."""
        return np.asarray(ndtr(_floats(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate Φ(−η)."""
        return np.asarray(ndtr(-_floats(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate φ(η)."""
        return np.asarray(0.5 * ROOT_2_OVER_PI * np.exp(-0.5 * _floats(eta) ** 2))

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate Φ⁻¹(μ)."""
        return np.asarray(ndtri(_floats(mean)))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log Φ(η)."""
        return np.asarray(log_ndtr(_floats(eta)))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate log Φ(−η)."""
        return np.asarray(log_ndtr(-_floats(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate φ(η)/Φ(η), by the scaled complementary error function (I4)."""
        return np.asarray(ROOT_2_OVER_PI / erfcx(-_floats(eta) / ROOT_2))

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −φ(η)/Φ(−η) (I4)."""
        return np.asarray(-ROOT_2_OVER_PI / erfcx(_floats(eta) / ROOT_2))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return Φ(η), whose lower tail keeps its digits."""
        return 0.5 * pm.math.erfc(-eta / ROOT_2)


@dataclass(frozen=True)
class CLogLog:
    r"""The complementary log-log link, :math:`\mu = 1 - \exp(-e^\eta)`.

    It is the probability of at least one event where :math:`e^\eta` are expected, so that η is
    the log of a hazard.

    Examples
    --------
    >>> CLogLog().eta(CLogLog().mean(-2.0))
    array(-2.)
    """

    @property
    def name(self) -> str:
        """Complementary log-log."""
        return "cloglog"

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate 1 − exp(−e^η)."""
        return np.asarray(-np.expm1(-_exp(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate exp(−e^η)."""
        return np.asarray(np.exp(-_exp(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η exp(−e^η)."""
        return _exp(eta) * self.complement(eta)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log(−log(1 − μ))."""
        return np.asarray(np.log(-np.log1p(-_floats(mean))))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log(1 − exp(−e^η)), from the side that is small (I5)."""
        rate = _exp(eta)
        few = np.log(-np.expm1(-np.minimum(rate, 1.0)))
        return np.where(rate < 1.0, few, np.log1p(-np.exp(-np.maximum(rate, 1.0))))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate −e^η."""
        return -_exp(eta)

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η/(exp(e^η) − 1) (I5)."""
        rate = _exp(eta)
        inside = np.minimum(rate, FURTHEST)
        return np.where(rate < FURTHEST, inside / np.expm1(inside), 0.0)

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −e^η."""
        return -_exp(eta)

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return 1 − exp(−e^η)."""
        return -pm.math.expm1(-pm.math.exp(eta))


def check_link(owner: str, link: Any, role: type, examples: str) -> None:
    """Refuse what is no link of the role that a likelihood needs."""
    if isinstance(link, type) or not isinstance(link, role):
        raise IncompatibleModelError(f"{owner}: link must be {examples}, got {link!r}.")


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _exp(eta: ArrayLike) -> Array:
    return np.asarray(np.exp(np.clip(_floats(eta), -FURTHEST, FURTHEST)))
