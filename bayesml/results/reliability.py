"""Whether classes come as often as they were predicted to, by isotonic regression.

Derived in docs/theory/criticism.md, (C15) to (C17).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesml.errors import ConvergenceWarning
from bayesml.results.findings import Finding
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd

REPLICAS = 400
"""Outcomes drawn at the predicted probabilities, to know what chance alone makes (C17)."""

MOST_ROWS = 10_000
"""Times events: of more rows, so many at random are compared with chance."""

MOST_POINTS = 200
"""Of a band."""

LEVEL = 0.01


@dataclass(frozen=True, eq=False)
class Curve:
    r"""How often an event came, by its predicted probability (C15).

    Attributes
    ----------
    predicted : ndarray, shape (u,)
        The different probabilities, in increasing order.
    weight : ndarray, shape (u,)
        How many rows had each.
    frequency : ndarray, shape (u,)
        How often the event came in them.
    place : ndarray of int, shape (m,)
        Which of these probabilities each row had.
    """

    predicted: Array
    weight: Array
    frequency: Array
    place: NDArray[np.intp]

    @classmethod
    def of(cls, probability: Array, weights: Array, came: Array) -> "Curve":
        """Put rows of one probability together: they are recalibrated to one."""
        predicted, place = np.unique(probability, return_inverse=True)
        weight = np.bincount(place, weights)
        return cls(predicted, weight, np.bincount(place, weights * came) / weight, place)

    def again(self, weights: Array, came: Array) -> "Curve":
        """Return the same rows with other outcomes."""
        frequency = np.bincount(self.place, weights * came) / self.weight
        return Curve(self.predicted, self.weight, frequency, self.place)

    @cached_property
    def recalibrated(self) -> Array:
        """The frequencies, made to rise with the prediction by isotonic regression (C15)."""
        from scipy.optimize import isotonic_regression

        return np.asarray(isotonic_regression(self.frequency, weights=self.weight).x)

    @property
    def miscalibration(self) -> float:
        """MCB (C16)."""
        return self._average((self.predicted - self.frequency) ** 2) - self._average(
            (self.recalibrated - self.frequency) ** 2
        )

    @property
    def discrimination(self) -> float:
        """DSC (C16)."""
        return self._average((self._rate - self.frequency) ** 2) - self._average(
            (self.recalibrated - self.frequency) ** 2
        )

    @property
    def uncertainty(self) -> float:
        """UNC (C16)."""
        return self._rate * (1.0 - self._rate)

    @property
    def _rate(self) -> float:
        return self._average(self.frequency)

    def _average(self, values: Array) -> float:
        return float(np.average(values, weights=self.weight))


@dataclass(frozen=True, eq=False)
class Chance:
    """What predictions that are right would show, in replicas of the outcomes (C17).

    Attributes
    ----------
    miscalibration : ndarray, shape (replicas,)
        Of all events together.
    at : tuple of ndarray
        For every event, probabilities at most `MOST_POINTS` of which there are.
    curves : tuple of ndarray, shape (replicas, points)
        For every event, the recalibrated ones.
    """

    miscalibration: Array
    at: tuple[Array, ...]
    curves: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Reliability:
    r"""Predicted probabilities of classes beside the classes that came.

    Of two classes the second is the event; of more, each is one against the rest.

    Attributes
    ----------
    classes : tuple of str
    probabilities : ndarray, shape (K, m)
    y : ndarray, shape (m,)
        Numbers of classes.
    weights : ndarray, shape (m,)
        How many times each row counts.

    References
    ----------
    Dimitriadis, Gneiting & Jordan (2021), Stable reliability diagrams for probabilistic
    classifiers, PNAS 118(8).

    Examples
    --------
    >>> p = np.array([0.2, 0.2, 0.2, 0.8, 0.8])
    >>> r = Reliability(("no", "yes"), np.stack([1 - p, p]), np.array([0, 0, 1, 1, 1]), np.ones(5))
    >>> r.curves[0].recalibrated.round(3)
    array([0.333, 1.   ])
    >>> r.table().round(4)
         brier  miscalibration  discrimination  uncertainty
    yes  0.160          0.0267          0.1067         0.24
    """

    classes: tuple[str, ...]
    probabilities: Array
    y: Array
    weights: Array

    @classmethod
    def of(
        cls, classes: tuple[str, ...], probabilities: Array, y: Array, weights: Array
    ) -> "Reliability":
        """Compare the rows of positive weight."""
        there = weights > 0
        return cls(classes, probabilities[:, there], y[there], weights[there])

    @property
    def events(self) -> range:
        """The classes that are judged."""
        return range(1 if len(self.classes) == 2 else 0, len(self.classes))

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """One for every event."""
        return tuple(
            Curve.of(self.probabilities[k], self.weights, self.y == k) for k in self.events
        )

    def table(self) -> "pd.DataFrame":
        """Return the Brier score of every event, and what it is made of (C16)."""
        import pandas as pd

        columns = [
            {
                "brier": c.miscalibration - c.discrimination + c.uncertainty,
                "miscalibration": c.miscalibration,
                "discrimination": c.discrimination,
                "uncertainty": c.uncertainty,
            }
            for c in self.curves
        ]
        return pd.DataFrame(columns, index=[self.classes[k] for k in self.events])

    @cached_property
    def some(self) -> "Reliability":
        """Some of the rows, at random, where there are many."""
        m, most = len(self.y), MOST_ROWS // len(self.events)
        if m <= most:
            return self
        rows = np.sort(np.random.default_rng(m).permutation(m)[:most])
        return Reliability(
            self.classes, self.probabilities[:, rows], self.y[rows], self.weights[rows]
        )

    @cached_property
    def chance(self) -> Chance:
        """Draw the classes of `some` at their probabilities, and recalibrate them (C17)."""
        curves = self.some.curves
        picked = [_spread_out(len(c.predicted)) for c in curves]
        total, shown = np.zeros(REPLICAS), [np.empty((REPLICAS, len(at))) for at in picked]
        for r, came in enumerate(self.some._replicas(REPLICAS, np.random.default_rng(0))):
            for curve, at, bands, k in zip(curves, picked, shown, self.events, strict=True):
                again = curve.again(self.some.weights, came[:, k])
                total[r] += again.miscalibration
                bands[r] = again.recalibrated[at]
        predicted = tuple(c.predicted[at] for c, at in zip(curves, picked, strict=True))
        return Chance(total, predicted, tuple(shown))

    def beyond(self, replicas: int, rng: np.random.Generator) -> float:
        """Return the share of replicas with at least as much miscalibration (C17)."""
        seen, came = self._miscalibration, self._replicas(replicas, rng)
        curves = list(zip(self.curves, self.events, strict=True))
        found = [
            sum(curve.again(self.weights, each[:, k]).miscalibration for curve, k in curves)
            for each in came
        ]
        return float(np.mean(np.array(found) >= seen))

    @property
    def _miscalibration(self) -> float:
        return sum(curve.miscalibration for curve in self.curves)

    def _replicas(self, number: int, rng: np.random.Generator) -> Iterator[Array]:
        """Yield shares of classes in each row, shape (m, K), a row of weight w w times drawn."""
        p = np.maximum(self.probabilities.T, 0.0)
        p = p / p.sum(axis=1, keepdims=True)
        times = np.maximum(np.round(self.weights), 1.0).astype(np.int64)
        for _ in range(number):
            yield rng.multinomial(times, p) / times[:, None]

    @property
    def p_value(self) -> float:
        """How probable so much miscalibration is if the predictions are right (C17)."""
        above = np.sum(self.chance.miscalibration >= self.some._miscalibration)
        return float((1 + above) / (1 + REPLICAS))

    def finding(self) -> Finding:
        """Judge whether there is more miscalibration than chance makes."""
        return miscalibrated(self, self.p_value, ConvergenceWarning)


def numbered(classes: int) -> tuple[str, ...]:
    """Return numbers to call classes by that have no names."""
    return tuple(map(str, range(classes)))


def miscalibrated(result: Reliability, p: float, category: type[Warning]) -> Finding:
    """Say how probabilities are wrong, where the p-value is too small."""
    worst = int(np.argmax([curve.miscalibration for curve in result.curves]))
    return Finding(
        "p-value of the miscalibration of probabilities",
        p >= LEVEL,
        p,
        f"≥ {LEVEL:g}",
        f"Probabilities of {result.classes[result.events[worst]]} are "
        f"{_fault(result.curves[worst])}.",
        "Look at plots.reliability; add missing terms, powers or interactions, or compare links.",
        category,
    )


def _spread_out(size: int) -> Any:
    """Return at most `MOST_POINTS` places among so many, both ends among them."""
    return np.unique(np.linspace(0, size - 1, MOST_POINTS).round().astype(int))


def _fault(curve: Curve) -> str:
    """Say in which way probabilities are wrong: on average, or by their spread."""
    w, error = curve.weight, curve.predicted - curve.frequency
    mean = float(np.average(error, weights=w))
    chance = np.sqrt(np.sum(w * curve.predicted * (1.0 - curve.predicted))) / w.sum()
    if abs(mean) > 3.0 * chance:
        return "too high" if mean > 0 else "too low"
    away = curve.predicted - np.average(curve.predicted, weights=w)
    return "too extreme" if np.sum(w * error * away) > 0 else "not extreme enough"
