"""Where an effect is asked for: rows, the values that they are moved to, cells to average over.

Derived in docs/theory/effects.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import plays, require_memory, shown
from bayesml.data import Design, frames
from bayesml.data.messages import plural, suggestion
from bayesml.errors import DataError
from bayesml.results.answer import Answer
from bayesml.results.columns import (
    Columns,
    column_values,
    columns_read,
    is_numeric,
    levels,
    levels_known,
    training_columns,
)
from bayesml.typing import Array

MOST_NUMBERS = 20
"""The most different numbers that can tell cells apart."""


class GridRows(NamedTuple):
    """Rows by their columns, and what each counts."""

    columns: Columns
    weights: Array


@runtime_checkable
class Grid(Protocol):
    """Rows that are made of what the fit has seen."""

    @property
    def words(self) -> str:
        """What rows these are."""

    def rows(
        self, seen: Columns, known: Mapping[str, Sequence[Any]], by: Sequence[str]
    ) -> GridRows:
        """Make them, so that the columns `by` have all their levels.

        Parameters
        ----------
        seen : mapping of column to values
            Of the rows that were learned from.
        known : mapping of column to levels
            In the order of the data.
        by : sequence of str
        """


@dataclass(frozen=True, eq=False)
class Cell:
    """Rows that are averaged, and what tells them from others.

    Attributes
    ----------
    labels : mapping of column to value
    columns : mapping of column to values
    weights : ndarray, shape (rows,)
        They add up to one.
    names : ndarray, shape (rows,)
        What the rows are called.
    """

    labels: Mapping[str, Any]
    columns: Columns
    weights: Array
    names: Any


@dataclass(frozen=True, eq=False)
class Question:
    """Where the fit is asked: cells, and what it has seen.

    Attributes
    ----------
    design : Design
    seen : mapping of column to values
        Of the rows that were learned from, or those of the frame where these are not known.
    known : mapping of column to levels
        All levels of every column, in the order of the data.
    cells : tuple of Cell
    words : str
        What is averaged over.
    """

    design: Design
    seen: Columns
    known: Mapping[str, tuple[Any, ...]]
    cells: tuple[Cell, ...]
    words: str


def question(
    answer: Answer, caller: str, at: Any, by: str | Sequence[str] | None, grid: Any
) -> Question:
    """Find the rows, move them to the values `at`, and part them by the columns `by`.

    Raises
    ------
    DataError
        For columns and levels that are not there, and columns that cannot tell cells apart.
    """
    design, apart = answer.data.design, names_of(caller, "by", by or ())
    if not (answer.data.in_memory or frames.is_frame(grid)):
        raise DataError(
            f"{caller}: the rows learned from are {answer.data.whereabouts}, not in memory: give "
            "rows to average over, grid=frame."
        )
    seen = training_columns(answer.data) if not frames.is_frame(grid) else _of_frame(design, grid)
    known = {name: tuple(levels(v, levels_known(design, name))) for name, v in seen.items()}
    moves = _moves(caller, at, seen, known)
    if plays(grid, Grid):
        _require(caller, "by", apart, seen)
        rows, words = grid.rows(seen, known, apart), grid.words
    elif frames.is_frame(grid):
        _require(caller, "by", apart, frames.column_names(grid))
        rows = GridRows(_beside(seen, grid, apart), np.ones(frames.number_of_rows(grid)))
        words = f"over {plural(len(rows.weights), 'row')} of the frame"
    elif grid is None:
        _require(caller, "by", apart, seen, more="; other columns are known of grid=frame only")
        rows = GridRows(seen, answer.data.row_weights)
        words = f"over the {plural(answer.data.m, 'row')} learned from"
    else:
        raise DataError(
            f"{caller}: grid={shown(grid)} is no grid: leave it out for the rows learned from, or "
            "give effects.Typical(), effects.Balanced() or a frame of rows."
        )
    if not len(rows.weights):
        raise DataError(f"{caller}: the grid has no rows; give at least one.")
    for name in apart:
        _few_enough(caller, name, rows.columns[name])
    names = np.arange(len(rows.weights))
    if grid is None and answer.data.row_labels is not None:
        names = answer.data.row_labels
    cells = tuple(_cells(rows, names, moves, {n: known.get(n, ()) for n in apart}, seen))
    return Question(design, seen, known, cells, words)


def _cells(
    rows: GridRows,
    names: Any,
    moves: Mapping[str, list[Any]],
    apart: Mapping[str, Sequence[Any]],
    seen: Columns,
) -> Iterator[Cell]:
    """Yield a cell for every combination of values, and of levels that occur."""
    size = len(rows.weights)
    count = prod(len(values) for values in moves.values())
    require_memory(
        2.0 * count * size * max(len(seen), 1),
        f"{size:,} rows at {count:,} combinations of values",
        "ask for fewer values of at=",
    )
    found = {name: levels(rows.columns[name], known) for name, known in apart.items()}
    for values in product(*moves.values()):
        set_to = dict(zip(moves, values, strict=True))
        moved = {n: constant(v, size, seen[n]) for n, v in set_to.items()}
        for group in product(*found.values()):
            labels = dict(zip(found, group, strict=True))
            inside = np.ones(size, dtype=np.bool_)
            for name, level in labels.items():
                inside &= rows.columns[name] == level
            inside &= rows.weights > 0
            if not inside.any():
                continue
            columns = {n: v[inside] for n, v in {**rows.columns, **moved}.items() if n in seen}
            weights = rows.weights[inside] / rows.weights[inside].sum()
            yield Cell({**set_to, **labels}, columns, weights, names[inside])


def _moves(
    caller: str, at: Any, seen: Columns, known: Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    """Read `at`: values of columns, or the names of columns whose levels are all taken."""
    if at is None:
        return {}
    if not isinstance(at, Mapping):
        names = names_of(caller, "at", at)
        _require(caller, "at", names, seen)
        for name in names:
            _few_enough(caller, name, seen[name])
        return {name: list(known[name]) for name in names}
    _require(caller, "at", at, seen)
    return {name: values_at(caller, name, v, seen, known) for name, v in at.items()}


def values_at(
    caller: str, name: str, values: Any, seen: Columns, known: Mapping[str, Sequence[Any]]
) -> list[Any]:
    """Read one value or several of a column, each a number or one of its levels."""
    several = [values] if np.ndim(values) == 0 else list(values)
    if not several:
        raise DataError(f"{caller}: {name!r} is given no values; give at least one.")
    if not is_numeric(seen[name]):
        for value in several:
            if value not in known[name]:
                hint = suggestion(str(value), map(str, known[name]))
                raise DataError(f"{caller}: {name!r} has no level {value!r}{hint}")
        return several
    try:
        numbers = np.asarray(several, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{caller}: {name!r} holds numbers, and {shown(several)} are none."
        ) from error
    if numbers.ndim > 1 or not np.all(np.isfinite(numbers)):
        raise DataError(f"{caller}: {name!r} needs finite numbers, got {shown(several)}.")
    return [float(value) for value in numbers]


def names_of(caller: str, what: str, names: Any) -> tuple[str, ...]:
    """Read one name of a column, or several."""
    found = (names,) if isinstance(names, str) else names
    listed = isinstance(found, Iterable) and not isinstance(found, Mapping)
    if not (listed and all(isinstance(name, str) for name in found)):
        raise DataError(f"{caller}: {what} takes names of columns, got {shown(names)}.")
    return tuple(found)


def constant(value: Any, size: int, like: Any) -> Any:
    """Return a column that is everywhere the same, of the type of another one."""
    return column_like([value] * size, like)


def column_like(values: Sequence[Any], like: Any) -> Any:
    """Return a column of values, of the type of another one."""
    if is_numeric(like):
        return np.array(values, dtype=np.float64)
    return frames.objects(values)


def _require(caller: str, what: str, names: Any, there: Any, more: str = "") -> None:
    known = list(there)
    for name in names:
        if name not in known:
            raise DataError(
                f"{caller}: {what}: the model reads no column {name!r}"
                f"{suggestion(str(name), known)}{more}"
            )


def _few_enough(caller: str, name: str, column: Any) -> None:
    if is_numeric(column) and (count := len(set(column.tolist()))) > MOST_NUMBERS:
        raise DataError(
            f"{caller}: {name!r} holds {count} different numbers, too many to tell cells apart by. "
            f"Give the values to look at, at={{{name!r}: (…, …)}}, or part it into classes, in a "
            "column of grid=frame."
        )


def _of_frame(design: Design, frame: Any) -> Columns:
    read = columns_read(design)
    found = frames.select(frame, list(read), "the model")
    return {name: column_values(found[name], name, numeric) for name, numeric in read.items()}


def _beside(columns: Columns, frame: Any, names: Sequence[str]) -> Columns:
    """Add columns of the frame that the model does not read."""
    others = frames.select(frame, [name for name in names if name not in columns], "by")
    return {**columns, **{name: _as_it_is(v) for name, v in others.items()}}


def _as_it_is(column: Any) -> Any:
    values = column.to_list() if frames.is_series(column) else list(column)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return np.array(values, dtype=np.float64)
    return column_like(values, np.empty(0, dtype=object))
