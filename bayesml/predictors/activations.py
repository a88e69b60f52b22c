"""Activation functions g of a network, with their slopes and the starts that suit them.

Used in docs/theory/network.md, (M1) and (M2).
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

Floats = NDArray[Any]
"""Numbers of either precision, float32 or float64; results keep the precision that is given."""

INVERSE_ROOT_2PI = float(1.0 / np.sqrt(2.0 * np.pi))


@runtime_checkable
class Activation(Protocol):
    """An elementwise function, its slope, and the weights' variance at the start."""

    def value(self, z: Floats) -> Floats:
        """Evaluate a = g(z)."""

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate g'(z), a fresh array, given a = g(z)."""

    def start_variance(self, fan_in: int) -> float:
        """Return the variance of a weight that keeps signals at their size."""

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return g(z) as a PyMC expression, given the module."""


class Passes(Protocol):
    """One pass forward through layers, and what it takes to come back.

    Attributes
    ----------
    output : ndarray, shape (C, k, m)
        z of the last layer.
    """

    output: Floats

    def back(self, delta: Floats) -> Floats:
        """Return the gradient, (C, p), from δ of the last layer, (C, k, m)."""


@runtime_checkable
class Compiled(Activation, Protocol):
    """An activation through whose layers there are compiled passes in single precision."""

    def passes(self, theta: Floats, widths: tuple[int, ...], skip: bool, A: Floats) -> Passes:
        """Pass rows (m, n) through layers of such widths, of parameters (C, p).

        With `skip` the last layer reads the rows too.
        """


def lecun(fan_in: int) -> float:
    """Return 1/fan_in (LeCun et al. 1998, eq. 16)."""
    return 1.0 / fan_in


def he(fan_in: int) -> float:
    """Return 2/fan_in (He et al. 2015, eq. 10)."""
    return 2.0 / fan_in


@dataclass(frozen=True)
class Tanh:
    """g(z) = tanh z: smooth, odd, saturating at ±1.

    Examples
    --------
    >>> Tanh().value(np.array([0.0, 20.0]))
    array([0., 1.])
    """

    def value(self, z: Floats) -> Floats:
        """Evaluate tanh z."""
        return np.asarray(np.tanh(z))

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate 1 − a²."""
        square = a * a
        return np.asarray(np.subtract(1, square, out=square))

    def start_variance(self, fan_in: int) -> float:
        """Return LeCun's variance."""
        return lecun(fan_in)

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return tanh z."""
        return pm.math.tanh(z)

    def passes(self, theta: Floats, widths: tuple[int, ...], skip: bool, A: Floats) -> Passes:
        """Pass rows through layers, in single precision."""
        from bayesml.predictors.compiled import TanhPasses

        return TanhPasses(theta, widths, skip, A)


@dataclass(frozen=True)
class ReLU:
    """g(z) = max(z, 0), with slope 0 at 0.

    Examples
    --------
    >>> ReLU().value(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def value(self, z: Floats) -> Floats:
        """Evaluate max(z, 0)."""
        return np.asarray(np.maximum(z, 0))

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate 1 where z > 0."""
        return np.asarray((z > 0).astype(z.dtype))

    def start_variance(self, fan_in: int) -> float:
        """Return He's variance."""
        return he(fan_in)

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return max(z, 0)."""
        return pm.math.maximum(z, 0.0)


@dataclass(frozen=True)
class SiLU:
    """g(z) = z s(z), s the logistic function (Elfwing, Uchibe & Doya 2018, eq. 3).

    Examples
    --------
    >>> SiLU().value(np.array([0.0, 40.0]))
    array([ 0., 40.])
    """

    def value(self, z: Floats) -> Floats:
        """Evaluate z s(z)."""
        return np.asarray(z * expit(z))

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate s + a (1 − s)."""
        s = expit(z)
        return np.asarray(s + a * (1 - s))

    def start_variance(self, fan_in: int) -> float:
        """Return He's variance."""
        return he(fan_in)

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return z s(z)."""
        return z * pm.math.sigmoid(z)


@dataclass(frozen=True)
class GELU:
    """g(z) = z Φ(z), Φ the normal distribution function (Hendrycks & Gimpel 2016).

    Examples
    --------
    >>> GELU().value(np.array([0.0, 10.0]))
    array([ 0., 10.])
    """

    def value(self, z: Floats) -> Floats:
        """Evaluate z Φ(z)."""
        return np.asarray(z * ndtr(z))

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate Φ(z) + z φ(z)."""
        return np.asarray(ndtr(z) + z * (INVERSE_ROOT_2PI * np.exp(-0.5 * z * z)))

    def start_variance(self, fan_in: int) -> float:
        """Return He's variance."""
        return he(fan_in)

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return z Φ(z), whose left tail erfc keeps."""
        return 0.5 * z * pm.math.erfc(-z / np.sqrt(2.0))


@dataclass(frozen=True)
class Softplus:
    """g(z) = log(1 + eᶻ): the rectifier made smooth.

    Examples
    --------
    >>> Softplus().value(np.array([-800.0, 800.0]))
    array([  0., 800.])
    """

    def value(self, z: Floats) -> Floats:
        """Evaluate log(1 + eᶻ), without overflow."""
        return np.logaddexp(z, np.zeros((), z.dtype))

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Evaluate the logistic function."""
        return np.asarray(expit(z))

    def start_variance(self, fan_in: int) -> float:
        """Return He's variance."""
        return he(fan_in)

    def pymc(self, pm: Any, z: Any) -> Any:
        """Return log(1 + eᶻ)."""
        return pm.math.log1pexp(z)
