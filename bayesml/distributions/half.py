"""Halves of distributions that are even: priors for scales."""

from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np

from bayesml.distributions.base import Parameter, exact, positive
from bayesml.distributions.real_line import standard_student_t_log_density
from bayesml.distributions.supports import ContinuousSupport, Positive
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, ArrayLike

LOG_2 = log(2.0)


def inside(x: ArrayLike, log_density: Array) -> Array:
    """Return a log density where x is not negative, and −∞ elsewhere."""
    return np.asarray(np.where(np.asarray(x) >= 0, log_density, -np.inf))


@dataclass(frozen=True)
class HalfNormal:
    r"""Half-normal, :math:`p(x) = \sqrt{2/\pi}\, s^{-1} \exp\{-x^2/(2s^2)\}` for :math:`x \ge 0`.

    Parameters
    ----------
    scale : float or sequence of float
        Standard deviation :math:`s` of the normal distribution that is folded, in the unit of
        the parameter. The standard deviation of the half-normal is :math:`s\sqrt{1-2/\pi}`.

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive and finite.

    Examples
    --------
    >>> HalfNormal(2).score(1.0)
    array(-0.25)
    """

    scale: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("HalfNormal", "scale", self.scale))

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
        z = np.asarray(x) / np.asarray(self.scale)
        return inside(x, LOG_2 - HALF_LOG_2PI - np.log(self.scale) - 0.5 * z**2)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −x/s²."""
        return np.asarray(-np.asarray(x) / np.asarray(self.scale) ** 2)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −1/s²."""
        return np.full(np.shape(x), -1.0 / np.asarray(self.scale) ** 2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.scale) * np.abs(rng.standard_normal(shape))

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.HalfNormal`` and its arguments."""
        return pm.HalfNormal, {"sigma": exact(self.scale)}


@dataclass(frozen=True)
class HalfCauchy:
    r"""Half-Cauchy, :math:`p(x) = \frac{2}{\pi s} (1 + x^2/s^2)^{-1}` for :math:`x \ge 0`.

    Parameters
    ----------
    scale : float or sequence of float
        The median :math:`s`, in the unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive and finite.

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models, §4.3.

    Examples
    --------
    >>> HalfCauchy(2.5).score(0.0)
    array(-0.)
    """

    scale: Parameter

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("HalfCauchy", "scale", self.scale))

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
        z = np.asarray(x) / np.asarray(self.scale)
        return inside(x, LOG_2 - log(pi) - np.log(self.scale) - np.log1p(z**2))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −2x / (s² + x²)."""
        x = np.asarray(x)
        return np.asarray(-2.0 * x / (np.asarray(self.scale) ** 2 + x**2))

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −2 (s² − x²) / (s² + x²)²."""
        square, spread = np.asarray(x) ** 2, np.asarray(self.scale) ** 2
        return np.asarray(-2.0 * (spread - square) / (spread + square) ** 2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.scale) * np.abs(rng.standard_cauchy(shape))

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.HalfCauchy`` and its arguments."""
        return pm.HalfCauchy, {"beta": exact(self.scale)}


@dataclass(frozen=True)
class HalfStudentT:
    r"""Student's t with zero location, folded to :math:`x \ge 0`.

    :math:`p(x) = \frac{2}{s\sqrt{\nu}\,B(1/2,\nu/2)} (1 + x^2/(\nu s^2))^{-(\nu+1)/2}`.

    Parameters
    ----------
    df : float or sequence of float
        Degrees of freedom :math:`\nu > 0`.
    scale : float or sequence of float
        :math:`s > 0`, in the unit of the parameter.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive and finite.

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models, §3.2.

    Examples
    --------
    >>> HalfStudentT(df=3, scale=2.5).log_density(-1.0)
    array(-inf)
    """

    df: Parameter
    scale: Parameter = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "df", positive("HalfStudentT", "df", self.df))
        object.__setattr__(self, "scale", positive("HalfStudentT", "scale", self.scale))

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
        z, df = np.asarray(x) / np.asarray(self.scale), np.asarray(self.df)
        return inside(x, LOG_2 - np.log(self.scale) + standard_student_t_log_density(z, df))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −(ν + 1) x / (ν s² + x²)."""
        x, df = np.asarray(x), np.asarray(self.df)
        return np.asarray(-(df + 1) * x / (df * np.asarray(self.scale) ** 2 + x**2))

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −(ν + 1)(ν s² − x²) / (ν s² + x²)²."""
        square, df = np.asarray(x) ** 2, np.asarray(self.df)
        spread = df * np.asarray(self.scale) ** 2
        return np.asarray(-(df + 1) * (spread - square) / (spread + square) ** 2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.scale) * np.abs(rng.standard_t(self.df, shape))

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.HalfStudentT`` and its arguments."""
        return pm.HalfStudentT, {"nu": exact(self.df), "sigma": exact(self.scale)}
