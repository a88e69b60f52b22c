"""The columns of several clauses side by side, and what sets two designs apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.array_designs import checked_precisions
from bayesml.data.designs import Design
from bayesml.data.formulas.design import FormulaDesign
from bayesml.data.formulas.levels import NO_LEVEL, LevelsDesign
from bayesml.data.formulas.model_matrix import LearnedSide
from bayesml.data.formulas.smooth_design import (
    SmoothDesign,
    formula_or_levels_from_config,
    smooth_design_from_config,
)
from bayesml.data.messages import quoted
from bayesml.data.roles import PRECISION, Roles, roles_from_config
from bayesml.data.splines import Spline


@dataclass(frozen=True)
class JoinedDesign:
    """The columns of several formulas with one target, side by side.

    Attributes
    ----------
    parts : tuple of FormulaDesign, LevelsDesign or SmoothDesign
        That of η first, then other parameters, what is known, the terms and levels of groups, and
        smooths.
    feature_names : tuple of str
        One name for each column of X.
    roles : Roles
    """

    parts: tuple[FormulaDesign | LevelsDesign | SmoothDesign, ...]
    feature_names: tuple[str, ...]
    roles: Roles

    @property
    def target_name(self) -> str:
        """What y is called."""
        return self._first.target_name

    @property
    def has_intercept(self) -> bool:
        """Whether the first clause has an intercept."""
        return self._first.has_intercept

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The levels of a target that is no number, in the order of their numbers."""
        return self._first.classes

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The features that every term of the first clause makes."""
        return self._first.terms

    @property
    def weights_column(self) -> str | None:
        """The column that holds the observation weights of rows to learn from."""
        return self._first.weights_column

    @property
    def right(self) -> LearnedSide:
        """What the first clause learned; its columns are those of all clauses."""
        return self._first.right

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Build X for new rows; columns that no clause reads are ignored.

        Rows without the columns of a precision have a precision of one.
        """
        lacking = self._lacking_precision(new)
        if not lacking:
            built = np.column_stack([part.matrix(new) for part in self.parts])
            labels = frames.row_labels(new) if frames.is_frame(new) else None
            return checked_precisions(built, self.roles, labels)
        ones, place = np.ones((frames.number_of_rows(new), 1)), self._precision_part
        return np.column_stack(
            [
                ones if k == place else part.without(lacking).matrix(new)
                for k, part in enumerate(self.parts)
            ]
        )

    @property
    def _precision_part(self) -> int | None:
        """Which of the parts is of the precisions."""
        known = self.roles.known
        return len(self.roles.predictors) + known.index(PRECISION) if PRECISION in known else None

    def _lacking_precision(self, new: Any) -> set[str]:
        """Return the columns that only precisions are made of, where new rows lack any of them."""
        place = self._precision_part
        if place is None or not frames.is_frame(new):
            return set()
        others = [part.used for k, part in enumerate(self.parts) if k != place]
        own = self.parts[place].used.difference(*others)
        return own if own - set(frames.column_names(new)) else set()

    def matrix_with_new(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows whose groups may be new: their numbers go on after the known levels."""
        return np.column_stack(
            [
                part.matrix_with_new(new) if isinstance(part, LevelsDesign) else part.matrix(new)
                for part in self.parts
            ]
        )

    def matrix_of_population(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows that are of no group; the columns of factors need not be there."""
        factors = {name for factor in self.factors for name in factor.own}
        nowhere = np.full((frames.number_of_rows(new), 1), NO_LEVEL)
        return np.column_stack(
            [
                nowhere if isinstance(part, LevelsDesign) else part.without(factors).matrix(new)
                for part in self.parts
            ]
        )

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether no value that a clause reads is missing."""
        return self._first.without(self._lacking_precision(new)).present(new)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""
        return self._first.columns

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Those of them that hold numbers; the others hold levels."""
        return self._first.numeric_columns

    @property
    def levels(self) -> Mapping[str, Sequence[Any]]:
        """The levels of every factor, by its expression."""
        parts = (part for part in self.parts if isinstance(part, FormulaDesign))
        return {name: levels for part in parts for name, levels in part.levels.items()}

    @property
    def group_levels(self) -> dict[str, tuple[str, ...]]:
        """What the levels of every grouping factor are called, in the order of their numbers."""
        return {factor.factor: factor.names for factor in self.factors}

    @property
    def factors(self) -> tuple[LevelsDesign, ...]:
        """How the columns of every grouping factor become the numbers of its levels."""
        return tuple(part for part in self.parts if isinstance(part, LevelsDesign))

    def with_factors(self, factors: Sequence[LevelsDesign]) -> "JoinedDesign":
        """Return the same with other levels of the grouping factors."""
        new = iter(factors)
        parts = (next(new) if isinstance(part, LevelsDesign) else part for part in self.parts)
        return replace(self, parts=tuple(parts))

    @property
    def splines(self) -> dict[str, tuple[Spline, tuple[str, ...]]]:
        """What every smooth learned, and the levels of which there is a curve each."""
        parts = (part for part in self.parts if isinstance(part, SmoothDesign))
        return {part.label: (part.spline, part.levels) for part in parts}

    @property
    def _first(self) -> FormulaDesign:
        first: Any = self.parts[0]
        return first  # type: ignore[no-any-return]

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Build y for new rows, or None where a column of it is absent or missing throughout."""
        return self._first.target(new)

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "kind": "joined",
            "parts": [part.to_config() for part in self.parts],
            "feature_names": list(self.feature_names),
            "roles": self.roles.to_config(),
        }


def joined_design_from_config(config: Mapping[str, Any]) -> JoinedDesign:
    """Make the design that `JoinedDesign.to_config` described."""
    parts = tuple(
        smooth_design_from_config(part) if "spline" in part else formula_or_levels_from_config(part)
        for part in config["parts"]
    )
    return JoinedDesign(parts, tuple(config["feature_names"]), roles_from_config(config["roles"]))


def difference(
    one: Design | LevelsDesign | SmoothDesign, other: Design | LevelsDesign | SmoothDesign
) -> str:
    """Say what columns of the same names were made with in one design and not in the other.

    Levels of groups are told apart by name wherever they meet, and do not count.
    """
    if isinstance(one, JoinedDesign) and isinstance(other, JoinedDesign):
        parts = zip(one.parts, other.parts, strict=False)
        return next(filter(None, (difference(a, b) for a, b in parts)), "")
    if isinstance(one, SmoothDesign) and isinstance(other, SmoothDesign):
        if one.spline != other.spline:
            return f"{one.label} learned other knots from other rows"
        return f"the levels of {one.label} differ" if one.levels != other.levels else ""
    if not (isinstance(one, FormulaDesign) and isinstance(other, FormulaDesign)):
        return ""
    for a, b in ((one.left, other.left), (one.right, other.right)):
        for factor, levels in a.levels.items():
            if (there := b.levels.get(factor, levels)) != levels:
                return f"the levels of {factor} are {quoted(levels)} and {quoted(there)}"
        if a.transforms != b.transforms:
            return f"{one.formula!r} learned other centres, scales or knots from other rows"
    return ""
