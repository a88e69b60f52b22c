"""A formula meets its training rows: rows are chosen, columns built, and the design remembered."""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import MemorySource, read_only
from bayesml.data.building import OUT_OF_DOMAIN, Built, Learned, build
from bayesml.data.checks import require_finite, require_unique
from bayesml.data.door import common_labels, weights_vector
from bayesml.data.formula import Sides, expand_dot, parse, term_uses
from bayesml.data.formula_design import FormulaDesign
from bayesml.data.kept import kept_columns
from bayesml.data.messages import Labels, quoted
from bayesml.data.missing import drops
from bayesml.data.tables import (
    Column,
    columns_of,
    complete_rows,
    require_finite_numbers,
    require_frame,
    table,
    with_weights,
)
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class Question(NamedTuple):
    """A formula that has met the columns of a frame, but not yet its rows."""

    formula: str
    sides: Sides
    left: tuple[Column, ...]
    right: tuple[Column, ...]


def question(formula: str, frame: Any, weights_column: str | None) -> Question:
    """Read a formula against the names and kinds of the columns of a frame."""
    require_frame(frame)
    names = frames.column_names(frame)
    formula = expand_dot(formula, [name for name in names if name != weights_column])
    sides = parse(formula, names)
    left = columns_of(term_uses(sides.left, names, formula), frame)
    right = columns_of(term_uses(sides.right, names, formula), frame)
    _require_target(left, right, formula)
    return Question(formula, sides, left, right)


def learn_formula(
    formula: str, frame: Any, missing: Literal["raise", "drop"], observation_weights: Any
) -> tuple[MemorySource, FormulaDesign, NDArray[Any] | None]:
    """Make the rows, the design and the row labels of `Data.from_formula`."""
    weights_column = observation_weights if isinstance(observation_weights, str) else None
    asked = question(formula, frame, weights_column)
    rows = table(frame, with_weights((*asked.left, *asked.right), weights_column))
    labels = common_labels({"frame": frame, "observation_weights": observation_weights})
    weights = None if weights_column else weights_vector(observation_weights, len(rows), labels)
    rows, weights, labels = _complete(rows, weights, labels, missing)
    if weights_column:
        weights = weights_vector(rows[weights_column].to_numpy(), len(rows), labels)
    require_finite_numbers(rows, labels)
    if not len(rows):
        raise DataError("the frame has no rows; there is nothing to learn from")
    target, features = build_sides(asked, Learned(asked.left), Learned(asked.right), rows, labels)
    require_finite(target.values, "y", target.names, labels, OUT_OF_DOMAIN)
    require_finite(features.values, "X", features.names, labels, OUT_OF_DOMAIN)
    columns = kept_columns(rows, asked.right, features.names)
    X, y = read_only(features.values), read_only(target.values[:, 0])
    source = MemorySource(X, y, weights, columns)
    return source, design_of(asked, target, features), labels


def design_of(asked: Question, target: Built, features: Built) -> FormulaDesign:
    """Remember what both sides learned."""
    return FormulaDesign(
        formula=asked.formula,
        feature_names=features.names,
        target_name=target.names[0],
        has_intercept=features.has_intercept,
        left=target.learned,
        right=features.learned,
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


def _complete(
    rows: "pd.DataFrame",
    weights: NDArray[np.float64] | None,
    labels: NDArray[Any] | None,
    missing: Literal["raise", "drop"],
) -> tuple["pd.DataFrame", NDArray[np.float64] | None, NDArray[Any] | None]:
    """Keep the rows without missing values; the others are refused, or dropped aloud."""
    total = len(rows)
    rows, kept, incomplete = complete_rows(rows, labels, drop=drops(missing))
    incomplete.drop_aloud(total, stacklevel=4)
    if kept is None:
        return rows, weights, labels
    labels = kept if labels is None else labels[kept]
    return rows, None if weights is None else weights[kept], labels


def build_sides(
    asked: Question, left: Learned, right: Learned, rows: "pd.DataFrame", labels: Labels
) -> tuple[Built, Built]:
    """Build y and X, learning from `rows` the levels and transformations not yet known."""
    target = build(asked.sides.left, rows, left, labels)
    if len(target.names) != 1:
        raise DataError(
            f"the left side of the formula makes {len(target.names)} columns, "
            f"{quoted(target.names)}; a target is one"
        )
    features = build(asked.sides.right, rows, right, labels)
    require_unique(features.names, "the columns of a formula")
    return target, features
