"""What is in memory at the door: arrays, the columns of a formula, rows read by a known design."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.array_designs import ArrayDesign, FrameDesign
from bayesml.data.beside import Beside
from bayesml.data.blocks import read_only
from bayesml.data.checks import require_finite
from bayesml.data.designs import Design
from bayesml.data.formulas.binding import (
    BoundClauses,
    BoundFormula,
    bind_formula,
    build_sides,
    design_of,
)
from bayesml.data.formulas.design import FormulaDesign
from bayesml.data.formulas.grouped_design import GroupedDesign, grouped_design, parts_of_groups
from bayesml.data.formulas.joined import JoinedDesign
from bayesml.data.formulas.levels import LevelsDesign, group_codes
from bayesml.data.formulas.model_matrix import OUT_OF_DOMAIN, LearnedSide
from bayesml.data.formulas.raw_columns import raw_columns
from bayesml.data.formulas.smooth_design import learn_splines
from bayesml.data.formulas.tables import complete_rows, require_finite_numbers, table, with_weights
from bayesml.data.inputs import common_labels, named_matrix, target_vector, weights_vector
from bayesml.data.messages import Labels, quoted
from bayesml.data.missing import drops
from bayesml.data.roles import PRECISION
from bayesml.data.sources.memory import MemorySource
from bayesml.data.splines import Spline
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class InMemory(NamedTuple):
    """Rows, how new ones are read as they were, and what the rows are called."""

    source: MemorySource
    design: Design
    labels: NDArray[Any] | None


def memory_arrays(
    X: Any,
    y: Any,
    observation_weights: Any,
    feature_names: Sequence[str] | None,
    target_name: str | None,
    beside: Beside,
    groups: Any,
) -> InMemory:
    """Check arrays or frames and what stands beside them: rows that belong together, all finite."""
    given = {"X": X, "y": y, "observation_weights": observation_weights}
    labels = common_labels(given | parts_of_groups(groups))
    features, names = named_matrix(X, feature_names, labels)
    target, classes = target_vector(y, len(features), labels)
    called = target_name or frames.series_name(y) or "y"
    if called in names:
        raise DataError(
            f"the target {called!r} is also a column of X; leave it out of X, "
            "or give another target_name"
        )
    features, names, roles = beside.joined(features, names, labels)
    design: Design
    design = inner = (
        FrameDesign(names, called, roles, classes, frames.series_name(observation_weights))
        if frames.is_frame(X)
        else ArrayDesign(names, called, roles, classes)
    )
    weights, columns = weights_vector(observation_weights, len(features), labels), None
    if groups is not None:
        features, design = grouped_design(features, inner, groups, labels)
        features, columns = read_only(features), design.raw_columns(features)
    return InMemory(MemorySource(features, target, weights, columns), design, labels)


def memory_formula(
    formula: str, frame: Any, missing: Literal["raise", "drop"], observation_weights: Any
) -> InMemory:
    """Meet a frame in memory with a formula: its rows, its design and the labels of the rows."""
    bound = bind_formula(formula, frame, observation_weights)
    weights_column, main = bound.weights, bound.parts[0]
    rows = table(frame, with_weights((*main.left, *main.right), weights_column))
    labels = common_labels({"frame": frame, "observation_weights": observation_weights})
    weights = None if weights_column else weights_vector(observation_weights, len(rows), labels)
    rows, weights, labels = _complete(rows, weights, labels, missing)
    if weights_column:
        weights = weights_vector(rows[weights_column].to_numpy(), len(rows), labels)
    require_finite_numbers(rows, labels)
    if not len(rows):
        raise DataError("the frame has no rows; there is nothing to learn from")
    built = [_built(part, rows, labels, weights_column) for part in bound.parts]
    splines = _splines(bound, [part.X for part in built])
    design = bound.design([part.design for part in built], splines)
    columns = raw_columns(rows, main.right, design.feature_names)
    values = [part.X for part in built]
    X = read_only(values[0] if len(values) == 1 else np.column_stack(values))
    return InMemory(MemorySource(X, read_only(built[0].y), weights, columns), design, labels)


def _splines(bound: BoundClauses, values: Sequence[NDArray[np.float64]]) -> list[Spline]:
    """Learn the knots of smooths."""
    labels = [bound.clauses[k].role for k in bound.smooths]
    counts = [bound.clauses[k].splines for k in bound.smooths]
    columns = [values[k][:, 0] for k in bound.smooths]
    return learn_splines(labels, counts, lambda function, _: function(columns)) if labels else []


class _Built(NamedTuple):
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    design: FormulaDesign | LevelsDesign


def _built(part: BoundFormula, rows: "pd.DataFrame", labels: Labels, weights: str | None) -> _Built:
    """Build the columns of one clause, and remember how."""
    if part.factor:
        codes, levels = group_codes(rows, part.factor)
        columns = (*part.left, *part.right)
        design = LevelsDesign(":".join(part.factor), columns, part.factor, levels, weights)
        return _Built(codes.astype(np.float64)[:, None], np.empty(0), design)
    learned = LearnedSide(part.left), LearnedSide(part.right)
    target, features = build_sides(part, *learned, rows, labels)
    require_finite(target.values, "y", target.names, labels, OUT_OF_DOMAIN)
    require_finite(features.values, "X", features.names, labels, OUT_OF_DOMAIN)
    design_of_part = design_of(part, target, features, weights)
    return _Built(features.values, target.values[:, 0], design_of_part)


def rows_like(design: Design, frame: Any, observation_weights: Any) -> MemorySource:
    """Read the rows of a frame by a design that has met others."""
    there = frames.column_names(frame) if frames.is_frame(frame) else design.columns
    lacking = [name for name in design.columns if name not in there]
    if lacking and PRECISION in design.roles.known:
        raise DataError(
            f"the new rows have no column {quoted(lacking)}, only {quoted(there)}: rows to learn "
            "from need all of them, those of the precision among them"
        )
    X, y = design.matrix(frame), design.target(frame)
    if y is None:
        raise DataError(
            f"the new rows have no target {design.target_name!r} to learn from; give a frame with "
            f"the columns of X and that column, or Data(X, y) if you have arrays"
        )
    if not len(X):
        raise DataError("the frame has no rows; there is nothing to learn from")
    weights = design.weights_column if observation_weights is None else observation_weights
    if isinstance(weights, str):
        weights = _weights_column(frame, weights)
    labels, columns = frames.row_labels(frame), None
    if isinstance(design, FormulaDesign | JoinedDesign):
        read = design.right.columns
        columns = raw_columns(table(frame, read), read, design.feature_names)
    elif isinstance(design, GroupedDesign):
        columns = design.raw_columns(X)
    weights = weights_vector(weights, len(X), labels)
    return MemorySource(read_only(X), read_only(y), weights, columns)


def _weights_column(frame: Any, name: str) -> Any:
    if name not in (there := frames.column_names(frame)):
        raise DataError(
            f"the new rows have no column {name!r} of observation weights, only {quoted(there)}; "
            "give a frame with it, or data.like(frame, observation_weights=…) with a weight per row"
        )
    return frames.select(frame, [name], "observation_weights")[name]


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
