"""Predictions where one column moves and the others are held: what `effect` draws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.errors import DataError
from bayesml.posteriors import Prediction
from bayesml.results.columns import Columns, is_numeric, levels, require_column, rows_at
from bayesml.results.fit import Fit
from bayesml.typing import Array

GRID = 60
MOST_POINTS = 2_000
MOST_CURVES = 6


@dataclass(frozen=True, eq=False)
class Curve:
    """A prediction along one column.

    Attributes
    ----------
    label : str
        The level that tells curves apart; empty for a single curve.
    x : ndarray
        Values of the moving column: numbers, or levels.
    prediction : Prediction
        At these values.
    points_x, points_y : ndarray
        Rows of the data, at most 2000 taken at random, with their partial residuals.
    """

    label: str
    x: Any
    prediction: Prediction
    points_x: Any
    points_y: Array


def default_term(columns: Columns) -> str:
    """Choose the column of the axis: the first that holds more than two numbers, or the first."""
    if not columns:
        raise DataError(
            "the model reads no columns, so there is nothing to draw it against; "
            "plots.predictions(fit) compares it with the data"
        )
    several = [k for k, v in columns.items() if is_numeric(v) and len(levels(v)) > 2]
    return next(iter([*several, *columns]))


def check_by(by: str | None, term: str, columns: Columns) -> None:
    """Refuse a column that cannot tell curves apart."""
    if by is None:
        return
    require_column(by, columns)
    if by == term:
        raise DataError(f"by={by!r} is the column on the axis; choose another")
    count = len(levels(columns[by]))
    if count > MOST_CURVES:
        raise DataError(f"by={by!r} has {count} values; at most {MOST_CURVES} can be told apart")


def curves(
    fit: Fit, columns: Columns, held: Mapping[str, Any], term: str, by: str | None
) -> Iterator[Curve]:
    """Yield one curve, or one for each level of `by` over the range that the level has.

    A partial residual is the curve at the row's own value plus the row's residual.
    """
    posterior, rng = fit.learned.posterior, np.random.default_rng(fit.seed)
    for level in [None] if by is None else levels(columns[by]):
        rows = np.arange(fit.data.m) if by is None else np.flatnonzero(columns[by] == level)
        few = np.sort(rng.permutation(rows)[: MOST_POINTS // (1 if by is None else MOST_CURVES)])
        fixed = dict(held) if by is None else {**held, by: level}
        own, own_x = columns[term][rows], columns[term][few]
        x = np.linspace(own.min(), own.max(), GRID) if is_numeric(own) else _levels(own)
        own_mean = posterior.predict(np.asarray(fit.data.X[few], dtype=np.float64)).mean
        fitted = posterior.predict(rows_at(fit.design, fixed, {term: own_x})).mean
        yield Curve(
            "" if by is None else f"{level:g}" if isinstance(level, float) else str(level),
            x,
            posterior.predict(rows_at(fit.design, fixed, {term: x})),
            own_x,
            fitted + fit.data.y[few] - own_mean,
        )


def _levels(values: Any) -> Any:
    found = levels(values)
    out = np.empty(len(found), dtype=object)
    out[:] = found
    return out
