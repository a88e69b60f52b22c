"""Distributions on the whole real line: priors for weights and intercepts."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.distributions.base import Distribution, Parameter, exact, known, positive, real, scale
from bayesml.distributions.supports import ContinuousSupport, Positive, Real, UnitInterval
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.stirling import HALF_LOG_2PI, log_gamma_excess
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Flat:
    r"""The improper prior :math:`p(x) \propto 1`: no prior information is stated.

    On a scale parameter it is flat over :math:`\sigma > 0` (not over :math:`\log\sigma`).

    Examples
    --------
    >>> Flat().log_density([1.0, -3.0])
    array([0., 0.])
    """

    @property
    def support(self) -> ContinuousSupport:
        """The real line; a likelihood restricts its own scale parameters to the positive half."""
        return Real()

    @property
    def proper(self) -> bool:
        """False: the density does not integrate."""
        return False

    def log_density(self, x: ArrayLike) -> Array:
        """Zero everywhere."""
        return np.zeros(np.shape(x))

    def score(self, x: ArrayLike) -> Array:
        """Zero everywhere."""
        return np.zeros(np.shape(x))

    def curvature(self, x: ArrayLike) -> Array:
        """Zero everywhere."""
        return np.zeros(np.shape(x))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Refuse: there is nothing to draw from an improper prior."""
        raise ImproperPosteriorError(
            "Flat() is improper and cannot be sampled. Give the parameter a proper prior, "
            "for instance Normal(0, 10), to draw from the prior predictive distribution."
        )

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return the flat distribution over the support, uniform where that is bounded."""
        match support:
            case Real():
                return pm.Flat, {}
            case Positive():
                return pm.HalfFlat, {}
            case UnitInterval():
                return pm.Uniform, {"lower": exact(0.0), "upper": exact(1.0)}
        raise IncompatibleModelError(
            f"PyMC has no flat distribution over {support!r}. Give the parameter a proper prior."
        )


@dataclass(frozen=True)
class Normal:
    r"""Normal distribution, :math:`p(x) = (2\pi s^2)^{-1/2} \exp\{-(x-\mu)^2 / (2 s^2)\}`.

    Parameters
    ----------
    mean : float or sequence of float
        Location :math:`\mu`, in the unit of the parameter.
    sd : float or sequence of float
        Standard deviation :math:`s > 0`, in the unit of the parameter. A prior of weights may have
        it inferred, ``Normal(0, sd=HalfNormal(1))``, or found by `EmpiricalBayes`, ``sd=Flat()``.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not finite, or the standard deviation is not positive.

    Examples
    --------
    >>> Normal(0, 2).score(1.0)
    array(-0.25)
    """

    mean: Parameter = 0.0
    sd: Parameter | Distribution = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", real("Normal", "mean", self.mean))
        object.__setattr__(self, "sd", scale("Normal", "sd", self.sd))

    @property
    def location_parameter(self) -> Parameter:
        """The mean."""
        return self.mean

    @property
    def scale_parameter(self) -> Parameter | Distribution:
        """The standard deviation."""
        return self.sd

    def at_scale(self, scale: Parameter) -> "Normal":
        """Return the same with another standard deviation."""
        return replace(self, sd=scale)

    @property
    def _unit(self) -> Array:
        return known("Normal", "sd", self.sd)

    @property
    def support(self) -> ContinuousSupport:
        """The real line."""
        return Real()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        z = (np.asarray(x) - self.mean) / self._unit
        return np.asarray(-0.5 * z**2 - np.log(self._unit) - HALF_LOG_2PI)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −(x − μ)/s²."""
        return np.asarray(-(np.asarray(x) - self.mean) / self._unit**2)

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −1/s²."""
        return np.broadcast_to(-1.0 / self._unit**2, np.shape(x)).copy()

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.mean) + self._unit * rng.standard_normal(shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.Normal`` and its arguments."""
        return pm.Normal, {"mu": exact(self.mean), "sigma": self._unit}


@dataclass(frozen=True)
class StudentT:
    r"""Student's t with location and scale, for coefficients that may be large.

    :math:`p(x) = \frac{1}{s\sqrt{\nu}\,B(1/2,\nu/2)} (1 + z^2/\nu)^{-(\nu+1)/2}`,
    :math:`z = (x-\mu)/s`.

    Parameters
    ----------
    df : float or sequence of float
        Degrees of freedom :math:`\nu > 0`; 1 is the Cauchy distribution.
    location : float or sequence of float
        :math:`\mu`, in the unit of the parameter.
    scale : float or sequence of float
        :math:`s > 0`, in the unit of the parameter; the standard deviation is
        :math:`s\sqrt{\nu/(\nu-2)}` for :math:`\nu > 2`.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not finite, or `df` or `scale` is not positive.

    Examples
    --------
    >>> StudentT(df=3, scale=2.5).score(0.0)
    array(-0.)
    """

    df: Parameter
    location: Parameter = 0.0
    scale: Parameter | Distribution = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "df", positive("StudentT", "df", self.df))
        object.__setattr__(self, "location", real("StudentT", "location", self.location))
        object.__setattr__(self, "scale", scale("StudentT", "scale", self.scale))

    @property
    def location_parameter(self) -> Parameter:
        """The location."""
        return self.location

    @property
    def scale_parameter(self) -> Parameter | Distribution:
        """The scale."""
        return self.scale

    def at_scale(self, scale: Parameter) -> "StudentT":
        """Return the same with another scale."""
        return replace(self, scale=scale)

    @property
    def _unit(self) -> Array:
        return known("StudentT", "scale", self.scale)

    @property
    def support(self) -> ContinuousSupport:
        """The real line."""
        return Real()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        z = (np.asarray(x) - self.location) / self._unit
        return standard_student_t_log_density(z, np.asarray(self.df)) - np.log(self._unit)

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −(ν + 1) r / (ν s² + r²) with r = x − μ."""
        r, df, unit = np.asarray(x) - self.location, np.asarray(self.df), self._unit
        return np.asarray(-(df + 1) * r / (df * unit**2 + r**2))

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate −(ν + 1)(ν s² − r²) / (ν s² + r²)² with r = x − μ."""
        r, df, unit = np.asarray(x) - self.location, np.asarray(self.df), self._unit
        spread = df * unit**2
        return np.asarray(-(df + 1) * (spread - r**2) / (spread + r**2) ** 2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return np.asarray(self.location) + self._unit * rng.standard_t(self.df, shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.StudentT`` and its arguments."""
        return pm.StudentT, {
            "nu": exact(self.df),
            "mu": exact(self.location),
            "sigma": self._unit,
        }


@dataclass(frozen=True)
class Laplace:
    r"""Laplace distribution, :math:`p(x) = \frac{1}{2s} \exp(-|x-\mu|/s)`; its MAP is the lasso.

    Parameters
    ----------
    location : float or sequence of float
        :math:`\mu`, in the unit of the parameter.
    scale : float or sequence of float
        :math:`s > 0`, in the unit of the parameter; the standard deviation is :math:`s\sqrt{2}`.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not finite, or the scale is not positive.

    Examples
    --------
    >>> Laplace(0, 2).score([-1.0, 3.0])
    array([ 0.5, -0.5])
    """

    location: Parameter = 0.0
    scale: Parameter | Distribution = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", real("Laplace", "location", self.location))
        object.__setattr__(self, "scale", scale("Laplace", "scale", self.scale))

    @property
    def location_parameter(self) -> Parameter:
        """The location."""
        return self.location

    @property
    def scale_parameter(self) -> Parameter | Distribution:
        """The scale."""
        return self.scale

    @property
    def kink(self) -> Parameter:
        """The location."""
        return self.location

    @property
    def kink_rate(self) -> Array:
        """1/s."""
        return np.asarray(1.0 / self._unit)

    def without_kink(self) -> Distribution:
        """Return the flat density: nothing else is left."""
        return Flat()

    def at_scale(self, scale: Parameter) -> "Laplace":
        """Return the same with another scale."""
        return replace(self, scale=scale)

    @property
    def _unit(self) -> Array:
        return known("Laplace", "scale", self.scale)

    @property
    def support(self) -> ContinuousSupport:
        """The real line."""
        return Real()

    @property
    def proper(self) -> bool:
        """True."""
        return True

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x)."""
        unit = self._unit
        return np.asarray(-np.abs(np.asarray(x) - self.location) / unit - np.log(2.0 * unit))

    def score(self, x: ArrayLike) -> Array:
        """Evaluate −sign(x − μ)/s, zero at the kink."""
        return np.asarray(-np.sign(np.asarray(x) - self.location) / self._unit)

    def curvature(self, x: ArrayLike) -> Array:
        """Zero: the log density is linear on either side of the kink."""
        return np.zeros(np.shape(x))

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw `shape` independent values."""
        return rng.laplace(self.location, self._unit, shape)

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Array]]:
        """Return ``pm.Laplace`` and its arguments."""
        return pm.Laplace, {"mu": exact(self.location), "b": self._unit}


def standard_student_t_log_density(z: Array, df: Array) -> Array:
    """Log density of Student's t with zero location and unit scale; normal at df = ∞ (T5)."""
    square = z**2
    share = square / df
    with np.errstate(invalid="ignore"):  # ∞ · 0 where df = ∞, whose limit is the square
        bent = np.where(share > 0, df * np.log1p(share), square)
    return np.asarray(log_gamma_excess(0.5 * df) - HALF_LOG_2PI - 0.5 * (1.0 + 1.0 / df) * bent)
