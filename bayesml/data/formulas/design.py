"""A fitted formula as plain data, from which every matrix is built, saved in between or not."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.checks import require_finite
from bayesml.data.formulas.model_matrix import (
    OUT_OF_DOMAIN,
    LearnedSide,
    ModelMatrix,
    build_matrix,
    build_target,
)
from bayesml.data.formulas.parsing import Sides, parse, term_uses, words_of
from bayesml.data.formulas.tables import (
    Column,
    as_levels,
    require_finite_numbers,
    table,
)
from bayesml.data.messages import Labels
from bayesml.data.missing import Missing
from bayesml.data.roles import Roles, plain_roles
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import SimpleFormula


@dataclass(frozen=True)
class FormulaDesign:
    """Columns built by a formula, with what it learned from the training rows."""

    formula: str
    feature_names: tuple[str, ...]
    target_name: str
    has_intercept: bool
    left: LearnedSide
    right: LearnedSide
    terms: Mapping[str, tuple[str, ...]]
    weights_column: str | None = None

    @property
    def sides(self) -> Sides:
        """The terms left and right of `~`."""
        return parse(self.formula, self.words)

    @property
    def words(self) -> tuple[str, ...]:
        """The columns that are read, and words that a minus takes out of the formula."""
        names = {column.name for column in (*self.left.columns, *self.right.columns)}
        return tuple(names | words_of(self.formula))

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Build X for new rows; columns that the formula does not read are ignored."""
        return self._build(build_matrix, self.sides.right, self.right, new, "X")

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether no value that the formula reads is missing."""
        return ~table(new, self.right.columns).isna().to_numpy().any(axis=1)

    @property
    def roles(self) -> Roles:
        """All columns are features of η."""
        return plain_roles(self.feature_names, self.has_intercept)

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The levels of a target that is no number, in the order of their numbers."""
        return next(iter(self.left.levels.values()), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""
        return tuple(column.name for column in self.right.columns)

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Those of them that hold numbers; the others hold levels."""
        return tuple(column.name for column in self.right.columns if column.kind == "number")

    @property
    def levels(self) -> Mapping[str, Sequence[Any]]:
        """The levels of every factor, by its expression."""
        return self.right.levels

    @property
    def used(self) -> set[str]:
        """The columns that this formula itself uses, of those that stand beside it."""
        return {use.column for use in term_uses(self.sides.right, self.words, self.formula)}

    def without(self, columns: Set[str]) -> "FormulaDesign":
        """Return the same, not looking at columns that this formula itself does not use."""
        used = self.used
        kept = tuple(c for c in self.right.columns if c.name in used or c.name not in columns)
        return replace(self, right=replace(self.right, columns=kept))

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Build y for new rows, or None where a column of it is absent or missing throughout."""
        if not frames.is_frame(new):
            return None
        known = frames.column_names(new)
        if not all(column.name in known for column in self.left.columns):
            return None
        if table(new, self.left.columns).isna().all().any():
            return None
        return self._build(build_target, self.sides.left, self.left, new, "y")[:, 0]

    def _build(
        self,
        build: Callable[["SimpleFormula", "pd.DataFrame", LearnedSide, Labels], ModelMatrix],
        terms: "SimpleFormula",
        learned: LearnedSide,
        new: Any,
        what: str,
    ) -> NDArray[np.float64]:
        rows, labels = table(new, learned.columns), frames.row_labels(new)
        rows = as_levels(rows, learned.levels)
        missing = Missing.of(rows.isna().to_numpy(), list(rows.columns), labels)
        if missing.rows:
            raise DataError(f"missing values in {missing}; drop these rows or fill them")
        require_finite_numbers(rows, labels)
        built = build(terms, rows, learned, labels)
        require_finite(built.values, what, built.names, labels, OUT_OF_DOMAIN)
        return built.values

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "kind": "formula",
            "formula": self.formula,
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
            "has_intercept": self.has_intercept,
            "left": _learned_config(self.left),
            "right": _learned_config(self.right),
            "terms": {term: list(columns) for term, columns in self.terms.items()},
            "weights_column": self.weights_column,
        }


def _learned_config(learned: LearnedSide) -> dict[str, Any]:
    return {
        "columns": [list(column) for column in learned.columns],
        "transforms": learned.transforms,
        "levels": {factor: list(levels) for factor, levels in learned.levels.items()},
    }


def _learned_from_config(config: Mapping[str, Any]) -> LearnedSide:
    return LearnedSide(
        columns=tuple(Column(*column) for column in config["columns"]),
        transforms=config["transforms"],
        levels={factor: tuple(levels) for factor, levels in config["levels"].items()},
    )


def formula_design_from_config(config: Mapping[str, Any]) -> FormulaDesign:
    """Make the design that `FormulaDesign.to_config` described, if its formula can be read."""
    design = FormulaDesign(
        formula=config["formula"],
        feature_names=tuple(config["feature_names"]),
        target_name=config["target_name"],
        has_intercept=config["has_intercept"],
        left=_learned_from_config(config["left"]),
        right=_learned_from_config(config["right"]),
        terms={term: tuple(columns) for term, columns in config["terms"].items()},
        weights_column=config["weights_column"],
    )
    parse(design.formula, design.words)  # someone else may have written it
    return design
