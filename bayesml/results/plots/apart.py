"""What tells the curves of `effect` apart: levels of a column, or several values of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.data.messages import quoted
from bayesml.errors import DataError
from bayesml.results.columns import Columns, is_numeric, levels, levels_known, require_column
from bayesml.results.effects.grid import values_at
from bayesml.results.fit import Fit
from bayesml.results.table import label_text
from bayesml.typing import Integers

MOST_CURVES = 6


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that one curve is of, and what it holds.

    Attributes
    ----------
    label : str
    fixed : mapping of column to value
    rows : ndarray of int
    """

    label: str
    fixed: Mapping[str, Any]
    rows: Integers


@dataclass(frozen=True, eq=False)
class Apart:
    """What tells curves apart.

    Attributes
    ----------
    column : str or None
    groups : list of Group
    """

    column: str | None
    groups: list[Group]

    @property
    def fixed(self) -> set[str]:
        """The columns that are held where the caller said."""
        return set(self.groups[0].fixed)


def apart(fit: Fit, columns: Columns, term: str, by: str | None, at: Mapping[str, Any]) -> Apart:
    """Part the rows by the levels of `by`, or to the nearest of several values of a column."""
    known = {n: levels(v, levels_known(fit.design, n)) for n, v in columns.items()}
    found: dict[str, list[Any]] = {}
    for name in (*at, *(() if by is None else (by,))):
        require_column(name, columns)
        what = "by" if name == by else "at"
        if name == term:
            raise DataError(f"{what}={name!r} is the column on the axis; choose another")
    for name, value in at.items():
        found[name] = values_at("effect: at", name, value, columns, known)
    several = [name for name, values in found.items() if len(values) > 1]
    if by is not None:
        found[by] = known[by]
        several.append(by)
    if len(several) > 1:
        raise DataError(
            f"curves can be told apart by one column, and got {quoted(several)}: give one value "
            "of the others, at={column: value}"
        )
    for name in several:
        if (count := len(found[name])) > MOST_CURVES:
            what = "by" if name == by else "at"
            raise DataError(
                f"{what}={name!r} has {count} values; at most {MOST_CURVES} can be told apart"
            )
    held = {name: values[0] for name, values in found.items() if name not in several}
    everyone = np.arange(fit.data.m)
    if not several:
        return Apart(None, [Group("", held, everyone)])
    (name,) = several
    nearest = _nearest(columns[name], found[name])
    groups = [
        Group(label_text(value), {**held, name: value}, everyone[nearest == k])
        for k, value in enumerate(found[name])
    ]
    return Apart(name, groups)


def _nearest(column: Any, values: list[Any]) -> Integers:
    """Return the place of the value of every row, of numbers the nearest one."""
    if is_numeric(column):
        return np.argmin(np.abs(column[:, None] - np.array(values)), axis=1)
    places = {value: k for k, value in enumerate(values)}
    return np.array([places.get(value, -1) for value in column.tolist()])
