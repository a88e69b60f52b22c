"""How new rows become the columns of a smooth, and what a smooth learns from the training rows."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bayesml.data.formulas.design import FormulaDesign, formula_design_from_config
from bayesml.data.formulas.levels import LevelsDesign, levels_design_from_config
from bayesml.data.splines import Moments, SeenRange, Spline, spline_from_config


@dataclass(frozen=True)
class SmoothDesign:
    """The columns of a smooth: what it is of, and what it is multiplied by or differs between.

    Attributes
    ----------
    label : str
    column : FormulaDesign
    spline : Spline
    by : FormulaDesign, LevelsDesign or None
    """

    label: str
    column: FormulaDesign
    spline: Spline
    by: FormulaDesign | LevelsDesign | None = None

    @property
    def kind(self) -> Literal["", "number", "levels"]:
        """What differs between rows beside the column."""
        if self.by is None:
            return ""
        return "levels" if isinstance(self.by, LevelsDesign) else "number"

    @property
    def used(self) -> set[str]:
        """The columns that it is made of."""
        return self.column.used | (set() if self.by is None else self.by.used)

    @property
    def levels(self) -> tuple[str, ...]:
        """What the levels are called of which there is a curve each; one empty name for one."""
        return self.by.names if isinstance(self.by, LevelsDesign) else ("",)

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Return the columns of new rows."""
        x = self.column.matrix(new)
        return x if self.by is None else np.column_stack([x, self.by.matrix(new)])

    def without(self, columns: Set[str]) -> "SmoothDesign":
        """Return the same, not looking at columns that it does not use."""
        by = None if self.by is None else self.by.without(columns)
        return replace(self, column=self.column.without(columns), by=by)

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "label": self.label,
            "column": self.column.to_config(),
            "spline": self.spline.to_config(),
            "by": None if self.by is None else self.by.to_config(),
        }


def smooth_design_from_config(config: Mapping[str, Any]) -> SmoothDesign:
    """Make the design that `SmoothDesign.to_config` described."""
    by, column = config["by"], formula_design_from_config(config["column"])
    read = None if by is None else formula_or_levels_from_config(by)
    return SmoothDesign(config["label"], column, spline_from_config(config["spline"]), read)


def formula_or_levels_from_config(config: Mapping[str, Any]) -> FormulaDesign | LevelsDesign:
    """Make a design of either kind."""
    if "factor" in config:
        return levels_design_from_config(config)
    return formula_design_from_config(config)


@dataclass(frozen=True)
class Several[T: (SeenRange, Moments)]:
    """What all smooths learn in one pass; it adds up."""

    parts: tuple[T, ...]

    def __add__(self, other: Self) -> "Several[T]":
        """Bring two parts of a table together."""
        return Several(tuple(a + b for a, b in zip(self.parts, other.parts, strict=True)))


def learn_splines(
    labels: Sequence[str],
    counts: Sequence[int],
    fold: Callable[[Callable[[Sequence[NDArray[np.float64]]], Any], str], Any],
) -> list[Spline]:
    """Learn where the knots of all smooths lie, and what is straight in them, in two passes.

    Parameters
    ----------
    labels, counts : sequence
        Of smooths, and of their B-splines.
    fold : callable
        Adds up a function of the columns of all smooths over the rows, given what it is for.

    Raises
    ------
    DataError
        If a column takes too few different values.
    """

    def ranges(columns: Sequence[NDArray[np.float64]]) -> Several[SeenRange]:
        return Several(tuple(map(SeenRange.of, columns, counts)))

    seen = fold(ranges, "knots").parts
    for label, found in zip(labels, seen, strict=True):
        found.require_enough(label)

    def moments(columns: Sequence[NDArray[np.float64]]) -> Several[Moments]:
        return Several(tuple(map(Moments.of, columns, seen)))

    pairs = zip(fold(moments, "moments of B-splines").parts, seen, strict=True)
    return [of.spline(found) for of, found in pairs]
