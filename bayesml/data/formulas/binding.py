"""A formula meets the columns of a frame, then rows of it, which make its design."""

from typing import TYPE_CHECKING, Any, NamedTuple

from bayesml.data import frames
from bayesml.data.checks import require_unique
from bayesml.data.formulas.design import FormulaDesign
from bayesml.data.formulas.model_matrix import LearnedSide, ModelMatrix, build_matrix
from bayesml.data.formulas.parsing import Sides, expand_dot, parse, term_uses
from bayesml.data.formulas.tables import (
    Column,
    require_frame,
    typed_columns,
)
from bayesml.data.messages import Labels, quoted
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class BoundFormula(NamedTuple):
    """A formula that has met the columns of a frame, but not yet its rows."""

    formula: str
    sides: Sides
    left: tuple[Column, ...]
    right: tuple[Column, ...]


def bind_formula(formula: str, frame: Any, weights_column: str | None) -> BoundFormula:
    """Read a formula against the names and kinds of the columns of a frame."""
    require_frame(frame)
    names = frames.column_names(frame)
    formula = expand_dot(formula, [name for name in names if name != weights_column])
    sides = parse(formula, names)
    left = typed_columns(term_uses(sides.left, names, formula), frame)
    right = typed_columns(term_uses(sides.right, names, formula), frame)
    _require_target(left, right, formula)
    return BoundFormula(formula, sides, left, right)


def design_of(bound: BoundFormula, target: ModelMatrix, features: ModelMatrix) -> FormulaDesign:
    """Remember what both sides learned."""
    return FormulaDesign(
        formula=bound.formula,
        feature_names=features.names,
        target_name=target.names[0],
        has_intercept=features.has_intercept,
        left=target.learned,
        right=features.learned,
        terms=features.terms,
    )


def _require_target(left: tuple[Column, ...], right: tuple[Column, ...], formula: str) -> None:
    """Refuse a target that is not numeric, or that would be predicted from itself."""
    for column in left:
        if column.kind != "number":
            raise DataError(
                f"the target column {column.name!r} of {formula!r} holds levels, not numbers; "
                "for two levels use a column of 0 and 1"
            )
    both = {column.name for column in left} & {column.name for column in right}
    if both:
        raise DataError(
            f"in the formula {formula!r}, {quoted(sorted(both))} is on both sides of '~'; "
            "a target cannot be predicted from itself"
        )


def build_sides(
    bound: BoundFormula, left: LearnedSide, right: LearnedSide, rows: "pd.DataFrame", labels: Labels
) -> tuple[ModelMatrix, ModelMatrix]:
    """Build y and X, learning from `rows` the levels and transformations not yet known."""
    target = build_matrix(bound.sides.left, rows, left, labels)
    if len(target.names) != 1:
        raise DataError(
            f"the left side of the formula makes {len(target.names)} columns, "
            f"{quoted(target.names)}; a target is one"
        )
    features = build_matrix(bound.sides.right, rows, right, labels)
    require_unique(features.names, "the columns of a formula")
    return target, features
