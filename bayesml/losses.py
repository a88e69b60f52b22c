r"""Losses ℓ(y, a): what it costs to have said a when y came. Derived in docs/theory/prediction.md.

A loss is any function of y and a that works on arrays. Those here know their best action, the
functional of the predictive distribution that minimises :math:`E[\ell(y, a)]` (P5).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.special import xlog1py, xlogy

from bayesml.arguments import check_between, check_positive
from bayesml.errors import IncompatibleModelError
from bayesml.stirling import log_excess
from bayesml.typing import Array, ArrayLike

__all__ = [
    "AbsoluteError",
    "CrossEntropy",
    "GammaDeviance",
    "KnownAction",
    "Loss",
    "Misclassification",
    "PinballLoss",
    "PoissonDeviance",
    "SquaredError",
    "ZeroOneLoss",
]


class Loss(Protocol):
    """A function ℓ(y, a), elementwise."""

    def __call__(self, y: Array, action: Array) -> Array:
        """Evaluate the loss."""


class Forecast(Protocol):
    """What a best action is read from."""

    @property
    def mean(self) -> Array:
        """Means."""

    def quantile(self, q: float) -> Array:
        """Quantiles."""


@runtime_checkable
class ForecastOfClasses(Forecast, Protocol):
    """A forecast of one class among several."""

    def class_probabilities(self) -> Array | None:
        """Probabilities of the classes, (rows, K); None where y is no class."""


@runtime_checkable
class KnownAction(Protocol):
    """A loss whose best action has a name."""

    def best_action(self, forecast: Forecast) -> Array:
        """Return the action of least expected loss, one a row."""


@dataclass(frozen=True)
class SquaredError:
    r"""The squared error :math:`(y - a)^2`, in squared units of y; the mean minimises it.

    Examples
    --------
    >>> SquaredError()(3.0, 1.0)
    array(4.)
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate (y − a)²."""
        return np.asarray(np.square(np.subtract(y, action, dtype=np.float64)))

    def best_action(self, forecast: Forecast) -> Array:
        """Return the mean."""
        return forecast.mean


@dataclass(frozen=True)
class AbsoluteError:
    r"""The absolute error :math:`|y - a|`, in the unit of y; the median minimises it.

    Examples
    --------
    >>> AbsoluteError()(3.0, 5.0)
    array(2.)
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate |y − a|."""
        return np.asarray(np.abs(np.subtract(y, action, dtype=np.float64)))

    def best_action(self, forecast: Forecast) -> Array:
        """Return the median."""
        return forecast.quantile(0.5)


@dataclass(frozen=True)
class PinballLoss:
    r"""The pinball loss: having said too little costs q a unit, too much costs 1 − q.

    .. math:: \ell(y, a) = \max\{q (y - a),\ (q - 1)(y - a)\}

    in the unit of y; the q quantile minimises it.

    Parameters
    ----------
    level : float
        q, strictly between 0 and 1. With costs c₊ for a unit short and c₋ for a unit over it is
        c₊/(c₊ + c₋).

    Raises
    ------
    IncompatibleModelError
        If the level is not a probability.

    References
    ----------
    Koenker & Bassett (1978), Regression quantiles, eq. 1.4.

    Examples
    --------
    >>> PinballLoss(0.9)([3.0, 1.0], 2.0)
    array([0.9, 0.1])
    """

    level: float

    def __post_init__(self) -> None:
        check_between(self, "level")

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate the loss."""
        short = np.subtract(y, action, dtype=np.float64)
        return np.maximum(self.level * short, (self.level - 1.0) * short)

    def best_action(self, forecast: Forecast) -> Array:
        """Return the quantile."""
        return forecast.quantile(self.level)


@dataclass(frozen=True)
class ZeroOneLoss:
    r"""One if y is further than a tolerance from a, zero otherwise.

    .. math:: \ell(y, a) = \mathbb 1\{|y - a| > \tau\}

    The centre of the most probable interval of length 2τ minimises it: near the mode for small τ.

    Parameters
    ----------
    tolerance : float
        τ, positive, in the unit of y.

    Raises
    ------
    IncompatibleModelError
        If the tolerance is not positive: a single value of a continuous y has probability zero.

    Examples
    --------
    >>> ZeroOneLoss(0.5)([1.2, 3.0], 1.0)
    array([0., 1.])
    """

    tolerance: float

    def __post_init__(self) -> None:
        check_positive(self, "tolerance")

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate the loss."""
        return np.asarray(np.abs(np.subtract(y, action)) > self.tolerance, dtype=np.float64)


@dataclass(frozen=True)
class CrossEntropy:
    r"""The cross entropy of a probability a, of a y from 0 to 1; the mean minimises it.

    .. math:: \ell(y, a) = -y \log a - (1 - y) \log(1 - a)

    in nats: the negative Bernoulli log-likelihood, also called log loss. Shares strictly between
    0 and 1 are scored as well.

    References
    ----------
    Good (1952), Rational decisions, §8; Papke & Wooldridge (1996), Econometric methods for
    fractional response variables, eq. 5 (shares).

    Examples
    --------
    >>> CrossEntropy()([1.0, 0.0], [1.0, 0.5]).round(3)
    array([0.   , 0.693])
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate −y log a − (1 − y) log(1 − a)."""
        y, a = np.asarray(y, dtype=np.float64), np.asarray(action, dtype=np.float64)
        return np.asarray(0.0 - xlogy(y, a) - xlog1py(1.0 - y, -a))

    def best_action(self, forecast: Forecast) -> Array:
        """Return the mean."""
        return forecast.mean


@dataclass(frozen=True)
class PoissonDeviance:
    r"""The Poisson deviance of a count y and a positive expectation a; the mean minimises it.

    .. math:: \ell(y, a) = 2\,\{y \log(y/a) - (y - a)\}

    Twice what the Poisson log-likelihood falls short of that of a = y.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §2.3.1.

    Examples
    --------
    >>> PoissonDeviance()([0.0, 2.0], [1.5, 2.0])
    array([3., 0.])
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate 2{y log(y/a) − (y − a)}."""
        y, a = np.asarray(y, dtype=np.float64), np.asarray(action, dtype=np.float64)
        k = np.where(y > 0, y, 1.0)
        return np.where(y > 0, 2.0 * k * np.abs(log_excess(a / k, (a - k) / k)), 2.0 * a)

    def best_action(self, forecast: Forecast) -> Array:
        """Return the mean."""
        return forecast.mean


@dataclass(frozen=True)
class GammaDeviance:
    r"""The gamma deviance of positive y and a, relative error in both; the mean minimises it.

    .. math:: \ell(y, a) = 2\,\{(y - a)/a - \log(y/a)\}

    It does not depend on the unit of y.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §2.3.1.

    Examples
    --------
    >>> GammaDeviance()(3.0, [3.0, 1.5]).round(3)
    array([0.   , 0.614])
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate 2{(y − a)/a − log(y/a)}."""
        ratio = np.asarray(np.divide(y, action, dtype=np.float64))
        over = np.subtract(y, action, dtype=np.float64) / np.asarray(action)
        return 2.0 * np.abs(log_excess(ratio, over))

    def best_action(self, forecast: Forecast) -> Array:
        """Return the mean."""
        return forecast.mean


@dataclass(frozen=True)
class Misclassification:
    r"""One if y is another class than a, zero otherwise; the most probable class minimises it.

    .. math:: \ell(y, a) = \mathbb 1\{y \ne a\}

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, §1.5.1.

    Examples
    --------
    >>> Misclassification()([0.0, 2.0], [0.0, 1.0])
    array([0., 1.])
    """

    def __call__(self, y: ArrayLike, action: ArrayLike) -> Array:
        """Evaluate the loss."""
        return np.asarray(np.not_equal(y, action), dtype=np.float64)

    def best_action(self, forecast: Forecast) -> Array:
        """Return the number of the most probable class.

        Raises
        ------
        IncompatibleModelError
            If y is no class.
        """
        found = forecast.class_probabilities() if isinstance(forecast, ForecastOfClasses) else None
        if found is None:
            raise IncompatibleModelError(
                "Misclassification is a loss of classes, and the target has none. Use "
                "ZeroOneLoss(tolerance), SquaredError() or AbsoluteError()."
            )
        return np.argmax(found, axis=1).astype(np.float64)
