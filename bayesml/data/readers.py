"""From some rows of a table to a block: the same checks as in memory, part by part.

A reader is plain data, so that it can be sent to the workers of a cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import Block
from bayesml.data.building import OUT_OF_DOMAIN, build
from bayesml.data.checks import require_finite, require_not_negative
from bayesml.data.designs import Design, FrameDesign
from bayesml.data.formula import Sides, parse
from bayesml.data.formula_design import FormulaDesign
from bayesml.data.frames import Part
from bayesml.data.messages import Labels, Place
from bayesml.data.missing import Missing
from bayesml.data.tables import Column, complete_rows, require_finite_numbers, table, with_weights

if TYPE_CHECKING:
    import pandas as pd


class Reader(Protocol):
    """How a part of a table becomes a block."""

    @property
    def design(self) -> Design:
        """How new input becomes X."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""


@dataclass(frozen=True)
class ColumnsReader:
    """Read columns as they are."""

    design: FrameDesign
    drop: bool

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""
        return self.design.weights_name

    @property
    def columns(self) -> tuple[str, ...]:
        """The features, the target and the weights."""
        others = (self.design.target_name, self.weights)
        return (*self.design.feature_names, *(name for name in others if name is not None))

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""
        X = frames.matrix(part, self.design.feature_names, "X")
        y = _numbers(part, self.design.target_name, "y")
        w = None if self.weights is None else _numbers(part, self.weights, "observation_weights")
        place = part.place
        if self.drop:
            kept = np.flatnonzero(~self.absent(part).any(axis=1))
            if len(kept) < len(y):
                X, y, w = X[kept], y[kept], None if w is None else w[kept]
                place = Place(place.where, place.start, kept)
        require_finite(X, "X", self.design.feature_names, place)
        require_finite(y, "y", labels=place)
        return Block(X, y, _checked_weights(w, place))

    def absent(self, part: Part) -> NDArray[np.bool]:
        """Find the missing values of a part."""
        return np.isnan(frames.matrix(part, self.columns, "the data"))

    def missing(self, part: Part) -> Missing:
        """Report the rows of a part with missing values."""
        return Missing.of(self.absent(part), self.columns, part.place)


@dataclass(frozen=True)
class FormulaReader:
    """Build the columns of a formula that has met its training rows."""

    design: FormulaDesign
    weights: str | None
    drop: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that both sides and the weights read."""
        return tuple(column.name for column in self._read)

    @cached_property
    def _read(self) -> tuple[Column, ...]:
        return with_weights((*self.design.left.columns, *self.design.right.columns), self.weights)

    @cached_property
    def _sides(self) -> Sides:
        return parse(self.design.formula)

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""
        rows, place = complete_part(part, self._read, drop=self.drop)
        if not len(rows):
            return Block(np.empty((0, len(self.design.feature_names))), np.empty(0), None)
        require_finite_numbers(rows, place)
        y = build(self._sides.left, rows, self.design.left, place).values
        X = build(self._sides.right, rows, self.design.right, place).values
        require_finite(y, "y", (self.design.target_name,), place, OUT_OF_DOMAIN)
        require_finite(X, "X", self.design.feature_names, place, OUT_OF_DOMAIN)
        w = None if self.weights is None else np.asarray(rows[self.weights], dtype=np.float64)
        return Block(X, np.ascontiguousarray(y[:, 0]), _checked_weights(w, place))


def complete_part(
    part: Part, columns: Sequence[Column], *, drop: bool
) -> tuple["pd.DataFrame", Place]:
    """Read the columns of the rows without missing values, and say where these rows are."""
    place = part.place
    rows, kept, _ = complete_rows(table(part, columns), place, drop=drop)
    return rows, place if kept is None else Place(place.where, place.start, kept)


def _numbers(part: Part, name: str, what: str) -> NDArray[np.float64]:
    column = frames.select(part, [name], what)[name]
    return np.asarray(frames.numbers(column, f"column {name!r}"), dtype=np.float64)


def _checked_weights(w: NDArray[np.float64] | None, place: Labels) -> NDArray[np.float64] | None:
    if w is not None:
        require_finite(w, "observation_weights", labels=place)
        require_not_negative(w, place)
    return w
