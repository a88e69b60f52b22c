"""A formula meets its training rows: rows are chosen, columns built, and the design remembered."""

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import MemorySource
from bayesml.data.checks import require_finite, require_unique
from bayesml.data.door import common_labels, read_only, vector, weights_vector
from bayesml.data.formula import (
    MADE,
    Built,
    FormulaDesign,
    Learned,
    Sides,
    build,
    expand_dot,
    parse,
    require_finite_numbers,
    term_uses,
)
from bayesml.data.messages import plural, quoted
from bayesml.data.tables import Column, columns_of, missing_report, missing_rows, table
from bayesml.errors import DataError, DataWarning

if TYPE_CHECKING:
    import pandas as pd


def learn(
    formula: str, frame: Any, missing: Literal["raise", "drop"], observation_weights: Any
) -> tuple[MemorySource, FormulaDesign, NDArray[Any] | None]:
    """Rows, design and row labels of `Data.from_formula`."""
    names = require_frame(frame)
    weights_name = observation_weights if isinstance(observation_weights, str) else None
    formula = expand_dot(formula, [name for name in names if name != weights_name])
    sides = parse(formula, names)
    left = columns_of(term_uses(sides.left, names, formula), frame)
    right = columns_of(term_uses(sides.right, names, formula), frame)
    _require_target(left, right, formula)
    columns = [*left, *right]
    if weights_name is not None and weights_name not in [column.name for column in columns]:
        columns.append(Column(weights_name, "number"))
    rows = table(frame, columns, f"the formula {formula!r}")
    parts = {"the frame": frame, "observation_weights": observation_weights}
    labels = common_labels(parts)
    given = observation_weights if weights_name is None else None
    weights = weights_vector(given, len(rows), labels)
    rows, weights, labels = _complete(rows, weights, labels, missing)
    require_finite_numbers(rows, labels)
    if weights_name is not None:
        weights = weights_vector(rows[weights_name].to_numpy(), len(rows), labels)
    target, built = _both_sides(sides, rows, labels, formula)
    design = FormulaDesign(
        formula=formula,
        feature_names=built.names,
        target_name=target.names[0],
        has_intercept=built.has_intercept,
        left=Learned(left, target.transforms, target.levels),
        right=Learned(right, built.transforms, built.levels),
    )
    source = MemorySource(read_only(built.values), read_only(target.values[:, 0]), weights)
    return source, design, labels


def require_frame(frame: Any) -> tuple[str, ...]:
    """The column names of a frame; anything without named columns is refused."""
    if not frames.is_frame(frame):
        raise DataError(
            "a formula needs a frame (pandas, Polars or a dict of columns), "
            f"not {type(frame).__name__}"
        )
    return frames.column_names(frame)


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
    """The rows without missing values, their weights and labels; refused or dropped aloud."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing is {missing!r}; it is 'raise' or 'drop'")
    incomplete = missing_rows(rows)
    if not len(incomplete):
        return rows, weights, labels
    report = missing_report(rows, incomplete, labels)
    if missing == "raise":
        raise DataError(
            f"missing values in {report}; drop these rows with missing='drop' or fill them"
        )
    if len(incomplete) == len(rows):
        raise DataError(f"every row has missing values: {report}")
    warnings.warn(
        f"dropped {len(incomplete)} of {plural(len(rows), 'row')} with missing values: {report}",
        DataWarning,
        stacklevel=4,
    )
    keep = np.delete(np.arange(len(rows)), incomplete)
    rows = rows.iloc[keep].reset_index(drop=True)
    for name in rows.select_dtypes("category"):
        rows[name] = rows[name].cat.remove_unused_categories()
    return rows, None if weights is None else weights[keep], keep if labels is None else labels[keep]


def _both_sides(
    sides: Sides, rows: "pd.DataFrame", labels: NDArray[Any] | None, formula: str
) -> tuple[Built, Built]:
    if not len(rows):
        raise DataError("the frame has no rows; there is nothing to learn from")
    target = build(sides.left, rows, None, labels, formula)
    if len(target.names) != 1:
        raise DataError(
            f"the left side of {formula!r} makes {len(target.names)} columns: "
            f"{quoted(target.names)}; a target is one"
        )
    built = build(sides.right, rows, None, labels, formula)
    require_unique(built.names, f"the columns that {formula!r} makes")
    require_finite(target.values, "y", target.names, labels, MADE)
    require_finite(built.values, "X", built.names, labels, MADE)
    return target, built
