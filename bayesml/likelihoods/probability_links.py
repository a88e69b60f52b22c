"""Links of probabilities, exact in both tails. Derived in docs/theory/glm_families.md."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import erfcx, expit, log_expit, log_ndtr, logit, ndtr, ndtri

from bayesml.likelihoods.links import FURTHEST, Link, bounded_exp, floats
from bayesml.typing import Array, ArrayLike

ROOT_2 = np.sqrt(2.0)
ROOT_2_OVER_PI = np.sqrt(2.0 / np.pi)


@runtime_checkable
class ProbabilityLink(Link, Protocol):
    r"""A link whose μ is a probability, with both tails on their own (I2).

    What is nearly one is never subtracted from one: the logarithms and their derivatives are
    exact where μ itself rounds to zero or one.
    """

    @property
    def symmetric(self) -> bool:
        """Whether 1 − μ is μ at −η, so that one tail is enough."""

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

    @property
    def symmetric(self) -> bool:
        """True."""
        return True

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate s(η)."""
        return np.asarray(expit(floats(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate s(−η)."""
        return np.asarray(expit(-floats(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate s(η) s(−η) by one exponential, that of the smaller odds."""
        odds = np.exp(-np.abs(floats(eta)))
        return np.asarray(odds / (1.0 + odds) ** 2)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log(μ/(1 − μ))."""
        return np.asarray(logit(floats(mean)))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log s(η)."""
        return np.asarray(log_expit(floats(eta)))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate log s(−η)."""
        return np.asarray(log_expit(-floats(eta)))

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

    @property
    def symmetric(self) -> bool:
        """True."""
        return True

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate Φ(η)."""
        return np.asarray(ndtr(floats(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate Φ(−η)."""
        return np.asarray(ndtr(-floats(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate φ(η)."""
        return np.asarray(0.5 * ROOT_2_OVER_PI * np.exp(-0.5 * floats(eta) ** 2))

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate Φ⁻¹(μ)."""
        return np.asarray(ndtri(floats(mean)))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log Φ(η)."""
        return np.asarray(log_ndtr(floats(eta)))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate log Φ(−η)."""
        return np.asarray(log_ndtr(-floats(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate φ(η)/Φ(η), by the scaled complementary error function (I4)."""
        return np.asarray(ROOT_2_OVER_PI / erfcx(-floats(eta) / ROOT_2))

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −φ(η)/Φ(−η) (I4)."""
        return np.asarray(-ROOT_2_OVER_PI / erfcx(floats(eta) / ROOT_2))

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

    @property
    def symmetric(self) -> bool:
        """False."""
        return False

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate 1 − exp(−e^η)."""
        return np.asarray(-np.expm1(-bounded_exp(eta)))

    def complement(self, eta: ArrayLike) -> Array:
        """Evaluate exp(−e^η)."""
        return np.asarray(np.exp(-bounded_exp(eta)))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η exp(−e^η)."""
        return bounded_exp(eta) * self.complement(eta)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate log(−log(1 − μ))."""
        return np.asarray(np.log(-np.log1p(-floats(mean))))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log(1 − exp(−e^η)), from the side that is small (I5)."""
        rate = bounded_exp(eta)
        few = np.log(-np.expm1(-np.minimum(rate, 1.0)))
        return np.where(rate < 1.0, few, np.log1p(-np.exp(-np.maximum(rate, 1.0))))

    def log_complement(self, eta: ArrayLike) -> Array:
        """Evaluate −e^η."""
        return -bounded_exp(eta)

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate e^η/(exp(e^η) − 1) (I5)."""
        rate = bounded_exp(eta)
        inside = np.minimum(rate, FURTHEST)
        return np.where(rate < FURTHEST, inside / np.expm1(inside), 0.0)

    def log_complement_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −e^η."""
        return -bounded_exp(eta)

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return 1 − exp(−e^η)."""
        return -pm.math.expm1(-pm.math.exp(eta))
