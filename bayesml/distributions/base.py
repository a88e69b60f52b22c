"""The role of a distribution, and the checks that its parameters share."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Protocol

import numpy as np

from bayesml.distributions.supports import ContinuousSupport
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, ArrayLike, Integers

Parameter = float | tuple[float, ...]


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


def real(owner: str, name: str, value: Any) -> Parameter:
    """Return a finite number, or a tuple of them, or say which argument is not one."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise IncompatibleModelError(
            f"{owner}: {name} must be a number or a sequence of numbers, got {value!r}. "
            "Priors on the parameters of priors (hierarchies) are not numbers."
        ) from None
    if array.ndim > 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise IncompatibleModelError(
            f"{owner}: {name} must be finite, one number or one per feature, got {value!r}."
        )
    return float(array) if array.ndim == 0 else tuple(array.tolist())


def positive(owner: str, name: str, value: Any) -> Parameter:
    """Return a positive number, or a tuple of them, or say which argument is not one."""
    checked = real(owner, name, value)
    if np.any(np.asarray(checked) <= 0):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive, got {value!r}. Scales are standard deviations, "
            "never variances or precisions; a parameter known to be zero is left out of the model."
        )
    return checked


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
    names = [field.name for field in fields(first)]
    columns = {name: tuple(getattr(d, name) for d in distributions) for name in names}
    joined: Distribution = type(first)(**columns)
    return joined
