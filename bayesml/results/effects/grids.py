"""Rows that are made of what a fit has seen: a typical one, and balanced ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from bayesml.data.messages import quoted
from bayesml.errors import DataError
from bayesml.results.columns import Columns, is_numeric, levels, typical
from bayesml.results.effects.grid import GridRows, column_like, constant

MOST_ROWS = 1_000_000
"""Of a balanced grid."""


@dataclass(frozen=True)
class Typical:
    """One row: numbers at their means, levels and two numbers at their commonest values.

    The columns of ``by=`` take all their levels.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.1, 2.9, 4.2], "x": [0.0, 1.0, 2.0, 3.0]}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x", frame))
    >>> fit.predictions(grid=Typical()).mean.round(1)  # at the mean of x
    array([2.6])
    """

    @property
    def words(self) -> str:
        """A typical row."""
        return "at a typical row"

    def rows(
        self, seen: Columns, known: Mapping[str, Sequence[Any]], by: Sequence[str]
    ) -> GridRows:
        """Make one row for each combination of levels of `by`."""
        held = typical({name: column for name, column in seen.items() if name not in by})
        return _crossed(held, {name: levels(seen[name], known[name]) for name in by}, seen)


@dataclass(frozen=True)
class Balanced:
    """Every combination of levels once, numbers at their means: of estimated marginal means.

    Columns of at most two different numbers count as levels, as in R's emmeans.

    References
    ----------
    Searle, Speed & Milliken (1980), Population marginal means in the linear model, *The American
    Statistician* 34(4), 216–221; Lenth, emmeans, `ref_grid`.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.1, 2.9, 4.2, 5.1], "g": ["a", "b", "a", "b", "b"]}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ g", frame))
    >>> len(fit.predictions(by="g", grid=Balanced()))
    2
    """

    @property
    def words(self) -> str:
        """A balanced grid."""
        return "over a balanced grid"

    def rows(
        self, seen: Columns, known: Mapping[str, Sequence[Any]], by: Sequence[str]
    ) -> GridRows:
        """Cross all levels."""
        found = {name: levels(column, known[name]) for name, column in seen.items()}
        numbers = [
            name
            for name, column in seen.items()
            if is_numeric(column) and name not in by and len(found[name]) > 2
        ]
        held = {name: float(seen[name].mean()) for name in numbers}
        return _crossed(held, {n: v for n, v in found.items() if n not in held}, seen)


def _crossed(held: Mapping[str, Any], varied: Mapping[str, list[Any]], seen: Columns) -> GridRows:
    size = prod(map(len, varied.values()))
    if size > MOST_ROWS:
        raise DataError(
            f"a grid of all combinations of {quoted(varied)} has {size:,} rows, more than "
            f"{MOST_ROWS:,}. Average over the rows learned from, grid=None, or give a frame."
        )
    rows = list(product(*varied.values()))
    columns = {name: constant(value, size, seen[name]) for name, value in held.items()}
    for k, name in enumerate(varied):
        columns[name] = column_like([row[k] for row in rows], seen[name])
    return GridRows({name: columns[name] for name in seen}, np.ones(size))
