"""Rows in memory: arrays as they are, the columns of a formula, or rows read by a known design."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import Block, read_only, rows_per_block
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
from bayesml.data.formulas.grouped_design import GroupedDesign
from bayesml.data.formulas.joined import JoinedDesign
from bayesml.data.formulas.levels import LevelsDesign, group_codes
from bayesml.data.formulas.model_matrix import OUT_OF_DOMAIN, LearnedSide
from bayesml.data.formulas.raw_columns import RawColumns, raw_columns
from bayesml.data.formulas.smooth_design import learn_splines
from bayesml.data.formulas.tables import (
    complete_rows,
    require_finite_numbers,
    table,
    with_weights,
)
from bayesml.data.inputs import common_labels, weights_vector
from bayesml.data.messages import EVERYWHERE, Labels, Place, quoted
from bayesml.data.missing import drops
from bayesml.data.roles import PRECISION
from bayesml.data.splines import Spline
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Rows held in memory, handed out without a copy where they are float64.

    X is float32 or float64 in any memory order. A block of it is a view where linear algebra can
    read it as it lies, otherwise a float64 copy, of at most 8 MiB or 256 rows.

    `columns` are what a formula made X of, by name; None where X is what was given. `place` says
    where the rows lie if they are a part of others.
    """

    X: NDArray[np.float64] | NDArray[np.float32]
    y: NDArray[np.float64]
    observation_weights: NDArray[np.float64] | None = None
    columns: RawColumns | None = None
    place: Place = EVERYWHERE

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.X)

    @property
    def n(self) -> int:
        """Number of features."""
        return int(self.X.shape[1])

    @property
    def weighted(self) -> bool:
        """Whether rows have observation weights."""
        return self.observation_weights is not None

    @property
    def first_pass(self) -> str:
        """Nothing was read before."""
        return ""

    @property
    def whereabouts(self) -> str:
        """Nowhere else."""
        return ""

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time."""
        weights = self.observation_weights
        step = rows_per_block(self.n)
        for start in range(0, self.m, step):
            rows = slice(start, start + step)
            yield Block(
                X=_float64(self.X[rows]),
                y=self.y[rows],
                observation_weights=None if weights is None else weights[rows],
                place=self.place.after(start),
            )

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""
        return reduce(combine, map(function, self.blocks()))


def memory_formula(
    formula: str, frame: Any, missing: Literal["raise", "drop"], observation_weights: Any
) -> tuple[MemorySource, Design, NDArray[Any] | None]:
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
    return MemorySource(X, read_only(built[0].y), weights, columns), design, labels


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


def _float64(rows: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float64]:
    """Keep rows that linear algebra can read as they lie, and copy the others to C order."""
    if rows.dtype == np.float64 and rows.itemsize in rows.strides and min(rows.strides) > 0:
        return np.asarray(rows, dtype=np.float64)
    return np.ascontiguousarray(rows, dtype=np.float64)
