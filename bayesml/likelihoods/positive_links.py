"""Links of positive means, some of which need a positive η. See docs/theory/glm_families.md."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import ContinuousSupport, Positive, Real
from bayesml.errors import DataError
from bayesml.likelihoods.links import Link, floats, within
from bayesml.typing import Array, ArrayLike, Bools


@runtime_checkable
class PositiveLink(Link, Protocol):
    r"""A link whose μ is positive where η lies in its domain (I25).

    The density of a likelihood is zero at any other η, so that what is learned keeps η inside at
    the rows of the data. Its logarithms have no value there, NaN.
    """

    @property
    def domain(self) -> ContinuousSupport:
        """Where η has to be."""

    def typical(self, mean: float, sd: float) -> tuple[float, float]:
        """Return the η of a positive mean, and how far η moves where y has this sd (I27)."""

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate log μ."""

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate d log μ/dη."""


@dataclass(frozen=True)
class Inverse:
    r"""One over the mean, :math:`\mu = 1/\eta`: effects add in rates, η > 0.

    It is the canonical link of the gamma likelihood. A positive weight lowers the mean.

    Examples
    --------
    >>> Inverse().mean(4.0), Inverse().eta(0.25)
    (array(0.25), array(4.))
    """

    @property
    def name(self) -> str:
        """Inverse."""
        return "inverse"

    @property
    def domain(self) -> ContinuousSupport:
        """The positive half line."""
        return Positive()

    def typical(self, mean: float, sd: float) -> tuple[float, float]:
        """Return 1/μ, and sd/μ²."""
        return 1.0 / mean, sd / mean**2

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate 1/η."""
        return np.asarray(1.0 / within(eta))

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate −1/η²."""
        return np.asarray(-1.0 / within(eta) ** 2)

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate 1/μ."""
        return np.asarray(1.0 / floats(mean))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate −log η."""
        return np.asarray(-np.log(within(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate −1/η."""
        return np.asarray(-1.0 / within(eta))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return 1/η, which is no mean where it is negative, as PyMC knows."""
        return 1.0 / eta


@dataclass(frozen=True)
class Sqrt:
    r"""The root of the mean, :math:`\mu = \eta^2` with η > 0.

    It makes the information of a count constant, 4: every row says as much about η.

    Examples
    --------
    >>> Sqrt().mean(3.0), Sqrt().eta(9.0)
    (array(9.), array(3.))
    """

    @property
    def name(self) -> str:
        """Square root."""
        return "sqrt"

    @property
    def domain(self) -> ContinuousSupport:
        """The positive half line, on which the square has an inverse."""
        return Positive()

    def typical(self, mean: float, sd: float) -> tuple[float, float]:
        """Return √μ, and sd/(2√μ)."""
        root = float(np.sqrt(mean))
        return root, 0.5 * sd / root

    def mean(self, eta: ArrayLike) -> Array:
        """Evaluate η²."""
        return np.asarray(within(eta) ** 2)

    def slope(self, eta: ArrayLike) -> Array:
        """Evaluate 2η."""
        return np.asarray(2.0 * within(eta))

    def eta(self, mean: ArrayLike) -> Array:
        """Evaluate √μ."""
        return np.asarray(np.sqrt(floats(mean)))

    def log_mean(self, eta: ArrayLike) -> Array:
        """Evaluate 2 log η."""
        return np.asarray(2.0 * np.log(within(eta)))

    def log_mean_slope(self, eta: ArrayLike) -> Array:
        """Evaluate 2/η."""
        return np.asarray(2.0 / within(eta))

    def pymc(self, pm: Any, eta: Any) -> Any:
        """Return η² where η is positive, and elsewhere −1, which PyMC refuses as a mean."""
        return pm.math.switch(pm.math.gt(eta, 0.0), eta**2, -1.0)


def has_mean(link: PositiveLink, eta: ArrayLike) -> Bools:
    """Say at which η there is a mean; NaN is none of the link's matters."""
    if link.domain == Real():
        return np.ones(np.shape(eta), dtype=np.bool)
    return np.asarray(link.domain.contains(eta) | np.isnan(eta))


def mean_within(link: PositiveLink, eta: ArrayLike) -> Array:
    """Return μ, NaN where there is none."""
    if link.domain == Real():
        return link.mean(eta)
    return np.where(link.domain.contains(eta), link.mean(eta), np.nan)


def positive_mean(owner: Any, link: PositiveLink, eta: ArrayLike) -> Array:
    """Return μ for a prediction, which does not exist where η leaves the domain (I26).

    Raises
    ------
    DataError
        If there is no mean at some η, which is named.
    """
    there = has_mean(link, eta)
    if np.all(there):
        return link.mean(eta)
    out = ~there
    worst = float(np.min(floats(eta)[out]))
    raise DataError(
        f"{shown(owner)} has no mean where η is {worst:.3g}: with the link {link.name} η has to be "
        f"positive, and {int(out.sum()):,} of {out.size:,} values are not. Ask for rows nearer the "
        "data, state a prior that keeps η positive there, or use the link Log(), which always has "
        "a mean."
    )
