"""Tails of a likelihood and how they move: what censoring and truncation need.

Derived in docs/theory/censoring.md.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from scipy.special import logsumexp

from bayesml.likelihoods.base import Likelihood
from bayesml.likelihoods.roles import PiecewiseLinear
from bayesml.typing import Array, ArrayLike

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
"""Of central differences, in the unit of what is moved; their error is about its square."""

NODES, NARROW = 12, float(np.log(0.05))
"""Of a rule over an interval, and the log of its share of the nearer tail below which it is one."""

FLAT = 3.0
"""By how much the log density may vary over it: more is a singularity."""


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


def log_between(
    inner: Likelihood, low: Any, high: Any, eta: Array, parameters: Mapping[str, Any]
) -> Array:
    """Evaluate log P(low < Y ≤ high) from the nearer tail (X26)."""
    above, below = log_survival(inner, low, eta, parameters), log_cdf(inner, low, eta, parameters)
    right = _log_difference(above, log_survival(inner, high, eta, parameters))
    left = _log_difference(log_cdf(inner, high, eta, parameters), below)
    return np.where(above < below, right, left)


class Within(NamedTuple):
    """log P(low < Y ≤ high), and its slope in η (X26)."""

    log_mass: Array
    slope: Array


def within(
    inner: Likelihood, low: Array, high: Array, eta: Array, parameters: Mapping[str, Any]
) -> Within:
    """Evaluate the log mass of an interval that may be narrow, and its slope (X26).

    Where tails at its ends differ by little, a smooth density is integrated instead.
    """
    log_mass = log_between(inner, low, high, eta, parameters)
    with np.errstate(all="ignore"):
        slope = np.asarray(
            slope_over(inner, low, eta, parameters, log_mass)
            - slope_over(inner, high, eta, parameters, log_mass)
        )
    if inner.support.discrete or isinstance(inner, PiecewiseLinear):
        return Within(log_mass, slope)
    with np.errstate(invalid="ignore"):
        tail = np.minimum(
            log_survival(inner, low, eta, parameters), log_cdf(inner, high, eta, parameters)
        )
        narrow = np.asarray(~(log_mass - tail > NARROW))  # no number where the difference is none
    if not np.any(narrow):
        return Within(log_mass, slope)
    z, w = np.polynomial.legendre.leggauss(NODES)
    half = np.asarray(0.5 * (high - low))
    y = [low + half * (v + 1.0) for v in z]
    logs = np.stack([inner.log_density(v, eta, parameters) for v in y], axis=-1)
    scores = np.stack([inner.score(v, eta, parameters) for v in y], axis=-1)
    with np.errstate(invalid="ignore"):
        total = logsumexp(logs, axis=-1, b=w)
        average = np.sum(w * np.exp(logs - total[..., None]) * scores, axis=-1)
        narrow &= np.ptp(logs, axis=-1) < FLAT
    return Within(
        np.where(narrow, total + np.log(half), log_mass), np.where(narrow, average, slope)
    )


def _log_difference(larger: Array, smaller: Array) -> Array:
    """Evaluate log(e^larger − e^smaller), −∞ where both are zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = larger + np.log(-np.expm1(smaller - larger))
    return np.where(np.isneginf(larger), -np.inf, value)


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
