"""The role of a distribution, and the checks that its parameters share."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import as_numbers, shown
from bayesml.distributions.supports import ContinuousSupport, Positive
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, ArrayLike, Integers

Parameter = float | tuple[float, ...]


@runtime_checkable
class Distribution(Protocol):
    """A univariate distribution, or independent ones when its parameters are sequences."""

    @property
    def support(self) -> ContinuousSupport:
        """Where the density is positive: the real line, or a part of it."""

    @property
    def proper(self) -> bool:
        """Whether the density integrates to one."""

    def log_density(self, x: ArrayLike) -> Array:
        """Evaluate log p(x), elementwise."""

    def score(self, x: ArrayLike) -> Array:
        """Evaluate d log p(x) / dx, elementwise."""

    def curvature(self, x: ArrayLike) -> Array:
        """Evaluate d² log p(x) / dx², elementwise."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw independently; parameters that are sequences match the last axis of `shape`."""

    def pymc(self, pm: Any, support: ContinuousSupport) -> tuple[Any, dict[str, Any]]:
        """Return the PyMC distribution and its arguments, given the module.

        `support` is that of the parameter: a flat prior has none of its own.
        """


@runtime_checkable
class HasScale(Protocol):
    """A family of which location and scale are parameters; the scale may itself be inferred."""

    @property
    def location_parameter(self) -> Parameter:
        """What deviations are counted from."""

    @property
    def scale_parameter(self) -> "Parameter | Distribution":
        """The unit of deviations: known, or the distribution from which it is inferred."""

    def at_scale(self, scale: Parameter) -> Distribution:
        """Return the member of the family with the same location and another scale."""


@runtime_checkable
class HasKink(Protocol):
    """A density whose logarithm has a kink: log p(x) = log q(x) − rate·|x − kink| + constant."""

    @property
    def kink(self) -> Parameter:
        """Where it is."""

    @property
    def kink_rate(self) -> Array:
        """Half of what the slope falls by there."""

    def without_kink(self) -> Distribution:
        """Return q."""


def support_of(prior: Distribution, otherwise: ContinuousSupport) -> ContinuousSupport:
    """Return where a parameter lives under its prior, which may be less than it otherwise would.

    Examples
    --------
    >>> from bayesml.distributions import Flat, Gamma, Shifted
    >>> support_of(Shifted(Gamma(2.0), 1.0), Positive()), support_of(Flat(), Positive())
    (Above(limit=1.0), Positive())
    """
    return prior.support if prior.proper else otherwise


def real(owner: str, name: str, value: Any) -> Parameter:
    """Return a finite number, or a tuple of them, or say which argument is not one."""
    array = as_numbers(value)
    if array is None:
        raise IncompatibleModelError(
            f"{owner}: {name} must be a number or a sequence of numbers, got {shown(value)}. "
            "Of priors, the scales of Normal, StudentT and Laplace alone may be distributions."
        )
    if array.ndim > 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise IncompatibleModelError(
            f"{owner}: {name} must be finite, one number or one per feature, got {shown(value)}."
        )
    return float(array) if array.ndim == 0 else tuple(array.tolist())


def positive(owner: str, name: str, value: Any) -> Parameter:
    """Return a positive number, or a tuple of them, or say which argument is not one."""
    checked = real(owner, name, value)
    if np.any(np.asarray(checked) <= 0):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive, got {shown(value)}. Scales are standard "
            "deviations, never variances or precisions; a parameter known to be zero is left out "
            "of the model."
        )
    return checked


def keep_positive(owner: object, *names: str) -> None:
    """Keep fields of `owner` that are one positive number each as floats; refuse others."""
    for name in names:
        value = positive(type(owner).__name__, name, vars(owner)[name])
        if isinstance(value, tuple):
            raise IncompatibleModelError(f"{type(owner).__name__}: {name} must be one number.")
        object.__setattr__(owner, name, value)


def scale(owner: str, name: str, value: Any) -> "Parameter | Distribution":
    """Return a positive number, a tuple of them, or a distribution that a scale is inferred from.

    Raises
    ------
    IncompatibleModelError
        If it is neither, or the distribution is not of one positive number.
    """
    if not isinstance(value, Distribution):
        return positive(owner, name, value)
    stated: Any = value
    elsewhere = (
        value.proper and value.support != Positive()
    )  # flat is what has no support of its own
    if elsewhere or any(isinstance(v, tuple) for v in vars(stated).values()):
        raise IncompatibleModelError(
            f"{owner}: {name} is inferred from {shown(value)}, which is no distribution of one "
            "positive number. Use HalfNormal, HalfStudentT, Exponential, Gamma, InverseGamma or "
            "Flat."
        )
    return value


def known(owner: str, name: str, value: "Parameter | Distribution") -> Array:
    """Return a scale that is known; refuse one that is inferred, whose density needs its value."""
    if isinstance(value, Distribution):
        raise IncompatibleModelError(
            f"{owner}: {name} is inferred from {shown(value)}, so that there is no density without "
            "its value. Such a distribution is a prior of weights, in Independent or ByTerm."
        )
    return np.asarray(value, dtype=np.float64)


def exact(number: ArrayLike) -> Array:
    """Return float64, for PyMC: PyTensor stores a Python float that fits as float32, logs and all.

    Examples
    --------
    >>> exact(0.5).dtype
    dtype('float64')
    """
    return np.asarray(number, dtype=np.float64)


def grouped(
    distributions: Sequence[Distribution],
) -> tuple[tuple[Integers, Distribution], ...]:
    """Group scalar distributions by family: pairs of positions and one joined distribution.

    Examples
    --------
    >>> from bayesml.distributions import Laplace, Normal
    >>> [where.tolist() for where, _ in grouped([Normal(0, 1), Laplace(), Normal(2, 3)])]
    [[0, 2], [1]]
    """
    families: dict[type, list[int]] = {}
    for position, distribution in enumerate(distributions):
        families.setdefault(type(distribution), []).append(position)
    return tuple(
        (np.array(where), stack([distributions[k] for k in where])) for where in families.values()
    )


def stack(distributions: Sequence[Distribution]) -> Distribution:
    """Join scalar distributions of one family into one whose parameters are sequences.

    Examples
    --------
    >>> from bayesml.distributions import Normal
    >>> stack([Normal(0, 1), Normal(2, 3)])
    Normal(mean=(0.0, 2.0), sd=(1.0, 3.0))
    """
    first: Any = distributions[0]
    columns = {name: tuple(vars(d)[name] for d in distributions) for name in vars(first)}
    joined: Distribution = replace(first, **columns)
    return joined
