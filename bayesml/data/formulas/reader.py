"""From some rows of a table to a block of the columns that a formula makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import Block
from bayesml.data.checks import require_finite
from bayesml.data.designs import Design
from bayesml.data.formulas.design import FormulaDesign
from bayesml.data.formulas.levels import LevelsReader
from bayesml.data.formulas.model_matrix import (
    OUT_OF_DOMAIN,
    as_they_are,
    build_matrix,
    build_target,
)
from bayesml.data.formulas.parsing import Sides
from bayesml.data.formulas.tables import (
    Column,
    complete_rows,
    require_finite_numbers,
    table,
    with_weights,
)
from bayesml.data.frames import Part
from bayesml.data.messages import Place
from bayesml.data.readers import checked_weights, number_column, weights_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FormulaReader:
    """Build the columns of a formula that has met its training rows."""

    design: FormulaDesign
    drop: bool

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""
        return self.design.weights_column

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that both sides and the weights read."""
        return tuple(column.name for column in self._read)

    @cached_property
    def _read(self) -> tuple[Column, ...]:
        return with_weights((*self.design.left.columns, *self.design.right.columns), self.weights)

    @cached_property
    def _sides(self) -> Sides:
        return self.design.sides

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""
        return (self._as_it_is(part) if self._is_plain else None) or self._built(part)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether every column that the formula makes is a column of numbers as it is."""
        left, right = self.design.left.columns, self.design.right.columns
        names = tuple(column.name for column in right)
        return (
            names == self.design.feature_names
            and [column.name for column in left] == [self.design.target_name]
            and all(column.kind == "number" for column in (*left, *right))
        )

    def _as_it_is(self, part: Part) -> Block | None:
        """Read columns without formulaic; None where it has to say what is wrong with them."""
        X = frames.matrix(part, self.design.feature_names, "X")
        y = number_column(part, self.design.target_name, "y")
        w = weights_of(part, self.weights)
        with np.errstate(over="ignore", invalid="ignore"):
            total = X.sum() + y.sum() + (0.0 if w is None else w.sum())
        if not np.isfinite(total):
            return None
        return Block(X, y, checked_weights(w, part.place), part.place)

    def _built(self, part: Part) -> Block:
        rows, place = complete_part(part, self._read, drop=self.drop)
        if not len(rows):
            return Block(np.empty((0, len(self.design.feature_names))), np.empty(0), None)
        require_finite_numbers(rows, place)
        y, X = self._target(rows, place), self._features(rows, place)
        require_finite(y, "y", (self.design.target_name,), place, OUT_OF_DOMAIN)
        require_finite(X, "X", self.design.feature_names, place, OUT_OF_DOMAIN)
        w = None if self.weights is None else np.asarray(rows[self.weights], dtype=np.float64)
        return Block(X, np.ascontiguousarray(y[:, 0]), checked_weights(w, place), place)

    def _target(self, rows: "pd.DataFrame", place: Place) -> NDArray[np.float64]:
        terms, learned, names = self._sides.left, self.design.left, (self.design.target_name,)
        if as_they_are(terms, learned, names):
            return np.asarray(rows[list(names)], dtype=np.float64)
        return build_target(terms, rows, learned, place).values

    def _features(self, rows: "pd.DataFrame", place: Place) -> NDArray[np.float64]:
        terms, learned, names = self._sides.right, self.design.right, self.design.feature_names
        if as_they_are(terms, learned, names):
            return np.asarray(rows[list(names)], dtype=np.float64)
        return build_matrix(terms, rows, learned, place).values


@dataclass(frozen=True)
class JoinedReader:
    """Build the columns of several formulas, which look at the same columns, side by side."""

    design: Design
    first: FormulaReader
    others: tuple[FormulaReader | LevelsReader, ...]

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""
        return self.first.weights

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.first.columns

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""
        blocks = [reader.block(part) for reader in (self.first, *self.others)]
        return blocks[0]._replace(X=np.column_stack([block.X for block in blocks]))


def complete_part(
    part: Part, columns: Sequence[Column], *, drop: bool
) -> tuple["pd.DataFrame", Place]:
    """Read the columns of the rows without missing values, and say where these rows are."""
    place = part.place
    rows, kept, _ = complete_rows(table(part, columns), place, drop=drop)
    return rows, place if kept is None else Place(place.where, place.start, kept)
