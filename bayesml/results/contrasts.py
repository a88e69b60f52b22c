"""Scenario contrasts and effects of a term, with their uncertainty.

Derived in docs/theory/prediction.md.
"""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Design
from bayesml.errors import DataError
from bayesml.posteriors import Prediction
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.combination import combination
from bayesml.results.answer import COMBINATIONS, Answer, generator
from bayesml.results.columns import (
    Columns,
    is_numeric,
    levels,
    require_column,
    rows_at,
    training_columns,
)
from bayesml.results.slopes import average_slope
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Effect:
    """What one column does, averaged over the rows that were learned from.

    Attributes
    ----------
    term : str
        The column.
    labels : tuple of str
        The slope, or each level against the first.
    prediction : Prediction
        One row for each label: ``mean``, ``sd``, ``interval``, ``exceedance``, ….
    """

    term: str
    labels: tuple[str, ...]
    prediction: Prediction

    def summary(self, probability: float = 0.89) -> "pd.DataFrame":
        """Return a table of means, standard deviations and equal-tailed intervals."""
        import pandas as pd

        lower, upper = self.prediction.interval(probability)
        tail = 50.0 * (1.0 - probability)
        return pd.DataFrame(
            {
                "mean": self.prediction.mean,
                "sd": self.prediction.sd,
                f"{tail:g}%": lower,
                f"{100 - tail:g}%": upper,
            },
            index=list(self.labels),
        )

    def __str__(self) -> str:
        """Show the table."""
        return f"average effect of {self.term}\n{self.summary().to_string()}"

    def __repr__(self) -> str:
        """Show the table."""
        return str(self)

    def _repr_html_(self) -> str:
        """Show the table."""
        return f"<p>average effect of {escape(self.term)}</p>{self.summary().to_html()}"


def compare_scenarios(answer: Answer, before: Any, after: Any) -> Prediction:
    r"""Return how much the average expectation changes from one scenario to another (P7).

    .. math:: \Delta = \frac1k\sum_i E[y \mid x_i^{\text{after}}, \theta]
              - \frac1l\sum_i E[y \mid x_i^{\text{before}}, \theta]

    Parameters
    ----------
    before, after : array_like or data frame
        Rows of the two scenarios, for instance the same people without and with treatment.

    Returns
    -------
    Prediction
        Of one row, the difference, in the unit of y: its ``mean``, ``sd``, ``interval`` and
        ``exceedance(0)``. Exact where the posterior is; both scenarios share parameters, so
        that what is uncertain in both cancels.

    References
    ----------
    Gelman & Pardoe (2007), Average predictive comparisons for models with nonlinearity,
    interactions, and variance components, eq. 1.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
    >>> fit.compare([[1.0]], [[3.0]]).mean.round(1)
    array([4.1])
    """
    X = [
        _scenario(answer.data.design, before, "before"),
        _scenario(answer.data.design, after, "after"),
    ]
    k, m = map(len, X)
    C = np.concatenate([np.full(k, -1.0 / k), np.full(m, 1.0 / m)])
    if k == m:  # rows that are the same in both cancel, rounding and all
        same = np.all(X[0] == X[1], axis=1)
        C[np.tile(same, 2)] = 0.0
    rows = np.flatnonzero(C)
    return _combine(answer, np.vstack(X)[rows], C[None, rows]) if len(rows) else _nothing()


def _nothing() -> Prediction:
    """Return the number zero."""
    zero = Atoms(1, np.ones(1), lambda block: np.zeros((1, 1))[block])

    def sample(size: int, rng: np.random.Generator) -> Array:
        return np.zeros((size, 1))

    return Prediction(zero, zero, np.zeros(1), sample, sample)


def _scenario(design: Design, frame: Any, name: str) -> Array:
    try:
        X = np.asarray(design.matrix(frame), dtype=np.float64)
    except DataError as error:
        raise DataError(f"compare: {name}: {error}") from error
    if not len(X):
        raise DataError(f"compare: the scenario {name!r} has no rows; give at least one.")
    return X


def average_effect(answer: Answer, term: str, frame: Any = None) -> Effect:
    r"""Return what one column does to E[y], averaged over the rows that were learned from.

    .. math:: \frac1m\sum_i \partial E[y \mid x_i, \theta] / \partial x

    For a column of numbers the average slope, through every term that the column enters, by
    differences within its range, to a relative accuracy of 1e-7 (P14, P16); for levels the average
    difference of each to the first.

    Parameters
    ----------
    term : str
        A column that the model reads.
    frame : data frame, optional
        What the data were made from. Needed only where `Data` did not keep what a formula
        read: rows were streamed, or are some of other data's.

    Returns
    -------
    Effect
        With labels, a ``prediction`` of the effects, and a ``summary()``.

    Raises
    ------
    DataError
        If there is no such column, it does not vary, has no finite slope at some row, or the
        frame is needed.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [0.1, 1.2, 3.9, 9.1, 16.2], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + I(x**2)", frame))
    >>> fit.marginal("x").prediction.mean.round(0)  # the mean of 2x
    array([4.])
    """
    columns = training_columns(answer.data, frame)
    require_column(term, columns)
    if is_numeric(columns[term]):
        X, C = average_slope(answer.data, columns, term)
        return Effect(term, (f"per unit of {term}",), _combine(answer, X, C))
    return _level_effects(answer, term, columns)


def _level_effects(answer: Answer, term: str, columns: Columns) -> Effect:
    share = answer.data.row_weights / answer.data.row_weights.sum()
    found = levels(columns[term])
    if len(found) < 2:
        raise DataError(f"marginal: the column {term!r} has one level, so there is no contrast.")
    m = len(share)
    X = np.vstack(
        [
            rows_at(answer.data.design, {}, {**columns, term: np.array([level] * m, dtype=object)})
            for level in found
        ]
    )
    C = np.zeros((len(found) - 1, len(X)))
    C[:, :m] = -share
    for k in range(1, len(found)):
        C[k - 1, k * m : (k + 1) * m] = share
    labels = tuple(f"{level} − {found[0]}" for level in found[1:])
    return Effect(term, labels, _combine(answer, X, C))


def _combine(answer: Answer, X: Array, C: Array) -> Prediction:
    return combination(answer.learned.posterior, X, C, generator(answer, COMBINATIONS))
