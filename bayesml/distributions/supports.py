"""Where values live: what y may be, and how a bounded parameter is made unbounded.

Derived in docs/theory/log_joint.md, (J4) and (J5).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, logit

from bayesml.typing import Array, ArrayLike

Booleans = NDArray[np.bool]


class Support(Protocol):
    """A set of numbers that a distribution gives mass to."""

    @property
    def discrete(self) -> bool:
        """Whether it is a lattice of whole numbers, on which a density is a probability."""

    @property
    def words(self) -> str:
        """What one value is, for messages: ``a positive number``."""

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which values lie in it."""


class ContinuousSupport(Support, Protocol):
    """A continuous support, with the bijection φ = T(u) of the whole line onto it."""

    def constrain(self, u: ArrayLike) -> Array:
        """Evaluate φ = T(u)."""

    def unconstrain(self, value: ArrayLike) -> Array:
        """Evaluate u = T⁻¹(φ)."""

    def slope(self, u: ArrayLike) -> Array:
        """Evaluate dφ/du."""

    def pymc(self, pm: Any, u: Any) -> Any:
        """Return T(u) as a PyMC expression, given the module."""

    def log_jacobian(self, u: ArrayLike) -> Array:
        """Evaluate log |dφ/du|."""

    def log_jacobian_slope(self, u: ArrayLike) -> Array:
        """Evaluate d log |dφ/du| / du."""


@dataclass(frozen=True)
class Real:
    """The whole line; T is the identity.

    Examples
    --------
    >>> Real().contains([-1.0, np.inf])
    array([ True, False])
    """

    @property
    def discrete(self) -> bool:
        """False."""
        return False

    @property
    def words(self) -> str:
        """A finite number."""
        return "a finite number"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are finite."""
        return np.isfinite(values)

    def constrain(self, u: ArrayLike) -> Array:
        """Return u."""
        return np.asarray(u, dtype=np.float64)

    def unconstrain(self, value: ArrayLike) -> Array:
        """Return φ."""
        return np.asarray(value, dtype=np.float64)

    def slope(self, u: ArrayLike) -> Array:
        """Return 1."""
        return np.ones(np.shape(u))

    def pymc(self, pm: Any, u: Any) -> Any:
        """Return u."""
        return u

    def log_jacobian(self, u: ArrayLike) -> Array:
        """Return 0."""
        return np.zeros(np.shape(u))

    def log_jacobian_slope(self, u: ArrayLike) -> Array:
        """Return 0."""
        return np.zeros(np.shape(u))


@dataclass(frozen=True)
class Positive:
    """The positive half line; T is the exponential.

    Examples
    --------
    >>> Positive().contains([0.0, 2.0])
    array([False,  True])
    """

    @property
    def discrete(self) -> bool:
        """False."""
        return False

    @property
    def words(self) -> str:
        """A positive number."""
        return "a positive number"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are positive and finite."""
        return np.isfinite(values) & (np.asarray(values) > 0)

    def constrain(self, u: ArrayLike) -> Array:
        """Return eᵘ."""
        return np.asarray(np.exp(u))

    def unconstrain(self, value: ArrayLike) -> Array:
        """Return log φ."""
        return np.asarray(np.log(value))

    def slope(self, u: ArrayLike) -> Array:
        """Return eᵘ."""
        return np.asarray(np.exp(u))

    def pymc(self, pm: Any, u: Any) -> Any:
        """Return eᵘ."""
        return pm.math.exp(u)

    def log_jacobian(self, u: ArrayLike) -> Array:
        """Return u."""
        return np.asarray(u, dtype=np.float64)

    def log_jacobian_slope(self, u: ArrayLike) -> Array:
        """Return 1."""
        return np.ones(np.shape(u))


@dataclass(frozen=True)
class Above:
    """The half line above a limit; T is the limit plus the exponential.

    Examples
    --------
    >>> Above(1.0).contains([1.0, 2.0])
    array([False,  True])
    """

    limit: float

    @property
    def discrete(self) -> bool:
        """False."""
        return False

    @property
    def words(self) -> str:
        """A number above the limit."""
        return f"a number above {self.limit:g}"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which are above the limit and finite."""
        return np.isfinite(values) & (np.asarray(values) > self.limit)

    def constrain(self, u: ArrayLike) -> Array:
        """Return c + eᵘ."""
        return np.asarray(self.limit + np.exp(u))

    def unconstrain(self, value: ArrayLike) -> Array:
        """Return log(φ − c)."""
        return np.asarray(np.log(np.asarray(value) - self.limit))

    def slope(self, u: ArrayLike) -> Array:
        """Return eᵘ."""
        return np.asarray(np.exp(u))

    def pymc(self, pm: Any, u: Any) -> Any:
        """Return c + eᵘ."""
        return self.limit + pm.math.exp(u)

    def log_jacobian(self, u: ArrayLike) -> Array:
        """Return u."""
        return np.asarray(u, dtype=np.float64)

    def log_jacobian_slope(self, u: ArrayLike) -> Array:
        """Return 1."""
        return np.ones(np.shape(u))


@dataclass(frozen=True)
class UnitInterval:
    """The open interval from 0 to 1; T is the logistic function.

    Examples
    --------
    >>> UnitInterval().constrain(0.0)
    array(0.5)
    """

    @property
    def discrete(self) -> bool:
        """False."""
        return False

    @property
    def words(self) -> str:
        """A number between 0 and 1."""
        return "a number strictly between 0 and 1"

    def contains(self, values: ArrayLike) -> Booleans:
        """Say which lie between 0 and 1."""
        return (np.asarray(values) > 0) & (np.asarray(values) < 1)

    def constrain(self, u: ArrayLike) -> Array:
        """Return s(u) = 1/(1 + e⁻ᵘ)."""
        return np.asarray(expit(_floats(u)))

    def unconstrain(self, value: ArrayLike) -> Array:
        """Return log φ/(1 − φ)."""
        return np.asarray(logit(_floats(value)))

    def slope(self, u: ArrayLike) -> Array:
        """Return s(u) s(−u)."""
        u = _floats(u)
        return np.asarray(expit(u) * expit(-u))

    def pymc(self, pm: Any, u: Any) -> Any:
        """Return s(u)."""
        return pm.math.sigmoid(u)

    def log_jacobian(self, u: ArrayLike) -> Array:
        """Return log s(u) + log s(−u)."""
        u = _floats(u)
        return np.asarray(log_expit(u) + log_expit(-u))

    def log_jacobian_slope(self, u: ArrayLike) -> Array:
        """Return s(−u) − s(u) = −tanh(u/2), which loses no digits near zero."""
        return np.asarray(-np.tanh(0.5 * _floats(u)))


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
