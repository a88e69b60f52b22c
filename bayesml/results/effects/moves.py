"""What moves in a comparison, and the columns of numbers that slopes are in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bayesml.arguments import shown
from bayesml.data.messages import suggestion
from bayesml.errors import DataError
from bayesml.results.columns import Columns, is_numeric
from bayesml.results.effects.contrast import Contrast
from bayesml.results.effects.grid import Cell, Question, constant, names_of, values_at
from bayesml.results.table import label_text


@dataclass(frozen=True)
class Scenarios:
    """Two sets of rows, for instance the same people without and with treatment.

    Attributes
    ----------
    before, after : array_like or data frame

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
    >>> fit.comparisons(Scenarios([[0.0], [1.0]], [[2.0], [3.0]])).mean.round(1)
    array([4.1])
    """

    before: Any
    after: Any


class Move(NamedTuple):
    """From which columns to which, and how the contrast is written."""

    term: str
    contrast: str
    low: Columns
    high: Columns


def variables_of(variables: Any, seen: Columns, features: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return what moves: mappings of columns that move together to where, or None."""
    if isinstance(variables, Mapping):
        if not variables:
            raise DataError("comparisons: variables={} moves nothing; name a column.")
        found: list[Mapping[str, Any]] = [variables]
    else:
        stated = variables is not None
        names = names_of("comparisons", "variables", variables) if stated else features
        if stated and not names:
            raise DataError("comparisons: variables names no column; leave it out for all.")
        found = [{name: None} for name in names]
    for name in (name for moved in found for name in moved):
        if name not in seen:
            raise DataError(
                f"comparisons: the model reads no column {name!r}{suggestion(str(name), seen)}"
            )
    if not found:
        raise DataError("comparisons: the model reads no columns, so nothing can be moved.")
    return found


def moves_of(
    asked: Question, cell: Cell, moved: Mapping[str, Any], contrast: Contrast
) -> Iterator[Move]:
    """Yield what is compared: levels with the first one, or one move of all columns together."""
    term = ", ".join(moved)
    ((name, to), *others) = moved.items()
    known = asked.known[name]
    if not others and to is None and (not is_numeric(asked.seen[name]) or len(known) == 2):
        first, *rest = known
        if not rest:
            raise DataError(f"comparisons: the column {name!r} has one level, so nothing differs.")
        for level in rest:
            yield _move(asked, cell, term, {name: (first, level)}, contrast)
        return
    yield _move(asked, cell, term, moved, contrast)


def _move(
    asked: Question, cell: Cell, term: str, moved: Mapping[str, Any], contrast: Contrast
) -> Move:
    low, high, texts = dict(cell.columns), dict(cell.columns), []
    for name, to in moved.items():
        column = cell.columns[name]
        if is_numeric(asked.seen[name]) and (to is None or np.ndim(to) == 0):
            (step,) = values_at("comparisons", name, 1.0 if to is None else to, asked.seen, {})
            high[name] = column + step
            texts.append(("", f"+{step:g}" if step >= 0 else f"−{-step:g}"))
            continue
        if to is None or np.ndim(to) == 0 or len(to) != 2:
            raise DataError(
                f"comparisons: {name!r} moves from one value to another, {{{name!r}: (from, to)}}, "
                f"got {shown(to)}."
            )
        ends = values_at("comparisons", name, list(to), asked.seen, asked.known)
        low[name], high[name] = (constant(v, len(column), column) for v in ends)
        texts.append((label_text(ends[0]), label_text(ends[1])))
    written = [high if not low else contrast.label(low, high) for low, high in texts]
    return Move(term, ", ".join(written), low, high)


def numeric_of(
    variables: str | Sequence[str] | None, seen: Columns, features: Sequence[str]
) -> list[str]:
    """Return the columns whose slopes are asked for."""
    if variables is None:
        found = [name for name in features if is_numeric(seen[name])]
        if not found:
            raise DataError("slopes: the model reads no column of numbers; use comparisons().")
        return found
    found = list(names_of("slopes", "variables", variables))
    if not found:
        raise DataError("slopes: variables names no column; leave it out for all of numbers.")
    for name in found:
        if name not in seen:
            raise DataError(
                f"slopes: the model reads no column {name!r}{suggestion(str(name), seen)}"
            )
        if not is_numeric(seen[name]):
            raise DataError(
                f"slopes: the column {name!r} holds levels, which have no slope; "
                f"use comparisons({name!r})."
            )
    return found
