"""Tails of a likelihood and how they move: what censoring and truncation need.

Derived in docs/theory/censoring.md.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.likelihoods.base import Likelihood
from bayesml.typing import Array, ArrayLike

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
"""Of central differences, in the unit of what is moved; their error is about its square."""


@runtime_checkable
class LogTails(Protocol):
    """A likelihood whose tails have logarithms that do not underflow."""

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y)."""

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y)."""


@runtime_checkable
class MovesWithEta(Protocol):
    """A likelihood that knows how its distribution function moves with its first output."""

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η): it falls as η grows."""


def log_cdf(inner: Likelihood, y: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
    """Evaluate log P(Y ≤ y), −∞ where it underflows and the likelihood knows no logarithm."""
    if isinstance(inner, LogTails):
        return inner.log_cdf(y, eta, parameters)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(inner.cdf(y, eta, parameters)))


def log_survival(inner: Likelihood, y: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
    """Evaluate log P(Y > y)."""
    if isinstance(inner, LogTails):
        return inner.log_survival(y, eta, parameters)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(inner.survival(y, eta, parameters)))


def slope_over(
    inner: Likelihood, y: Array, eta: Array, parameters: Mapping[str, Any], log_mass: Array
) -> Array:
    """Evaluate −∂P(Y ≤ y)/∂η of one output over a mass, whose tails may underflow (X21, X23).

    It is found by differences where the likelihood knows no better.
    """
    if isinstance(inner, MovesWithEta):
        return np.asarray(np.exp(inner.log_cdf_slope(y, eta, parameters) - log_mass))
    at = np.asarray(eta, dtype=np.float64)
    slope = _difference(lambda e: inner.cdf(y, e, parameters), at, np.maximum(1.0, np.abs(at)))
    return np.asarray(-slope * np.exp(-log_mass))


def parameter_slope(
    tail: Callable[[Mapping[str, Any]], Array], parameters: Mapping[str, Any], name: str
) -> Array:
    """Evaluate the derivative of a tail in a positive parameter, by central differences."""
    at = np.asarray(parameters[name], dtype=np.float64)
    return _difference(lambda value: tail({**parameters, name: value}), at, at)


def _difference(function: Callable[[Array], Array], at: Array, unit: Array) -> Array:
    h = STEP * unit
    return np.asarray((function(at + h) - function(at - h)) / (2.0 * h))
