"""What is stated of a likelihood's own parameters: checked at the door, and said in words."""

from typing import Any

import numpy as np

from bayesml.arguments import as_float, shown
from bayesml.distributions import ContinuousSupport, Distribution, Flat, Positive
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Stated

POSITIVE = Positive()


def check_parameter(
    owner: str,
    name: str,
    value: Any,
    support: ContinuousSupport = Positive(),  # noqa: B008
    meaning: str = "a standard deviation or degrees of freedom, never a variance or a precision",
) -> Stated:
    """Accept a number in the support, a prior on it, or None for the default."""
    if np.ndim(value):
        raise IncompatibleModelError(
            f"{owner}: {name} must be one number or one distribution, got {shown(value)}."
        )
    if value is None or value == Flat():
        stated: Stated = value
        return stated
    if isinstance(value, Distribution):
        return _check_prior(owner, name, value, support)
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise IncompatibleModelError(
            f"{owner}: {name} must be a number (known) or a distribution (inferred), "
            f"got {shown(value)}."
        )
    if not support.contains(as_float(value)):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive and finite, got {shown(value)}. It is {meaning}."
            if support == POSITIVE
            else f"{owner}: {name} must be {support.words}, got {shown(value)}."
        )
    return float(value)


def _check_prior(owner: str, name: str, value: Any, support: ContinuousSupport) -> Distribution:
    """Accept one prior, whose support is that of the parameter."""
    if isinstance(value, type):
        raise IncompatibleModelError(
            f"{owner}: {name} got the class {value.__name__}; write {value.__name__}(...) to make "
            "one."
        )
    if value.support != support and not _is_part(value.support, support):
        raise IncompatibleModelError(
            f"{owner}: {name} must be positive, but {shown(value)} has mass on negative values. "
            "Use HalfNormal, HalfStudentT, HalfCauchy, Exponential, Gamma or InverseGamma."
            if support == POSITIVE
            else f"{owner}: {name} must be {support.words}, but {shown(value)} is a prior on "
            f"{value.support.words}."
        )
    if any(isinstance(entry, tuple) for entry in vars(value).values()):
        raise IncompatibleModelError(f"{owner}: {name} takes one prior, got {shown(value)}.")
    prior: Distribution = value
    return prior


def _is_part(inside: ContinuousSupport, support: ContinuousSupport) -> bool:
    """Say whether a support is a half line within the positive one: its lower end is positive."""
    return support == POSITIVE and bool(support.contains(inside.constrain(-np.inf)))


def parameter_words(name: str, value: Stated, default: str) -> str:
    """Say in words what is stated about one parameter."""
    if value is None:
        return f"{name} ~ {default} (weakly informative, scaled by the data)"
    if isinstance(value, float):
        return f"{name} = {value:g} (known)"
    return f"{name} ~ flat (improper)" if value == Flat() else f"{name} ~ {value!r}"
