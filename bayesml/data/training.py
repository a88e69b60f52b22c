"""A formula meets its training rows: rows are chosen, columns built, and the design remembered."""

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import MemorySource
from bayesml.data.building import OUT_OF_DOMAIN, Built, Learned, build
from bayesml.data.checks import require_finite, require_unique
from bayesml.data.door import common_labels, read_only, weights_vector
from bayesml.data.formula import Sides, expand_dot, parse, term_uses
from bayesml.data.formula_design import FormulaDesign
from bayesml.data.messages import plural, quoted
from bayesml.data.tables import (
    Column,
    columns_of,
    missing_report,
    missing_rows,
    require_finite_numbers,
    require_frame,
    table,
)
from bayesml.errors import DataError, DataWarning

if TYPE_CHECKING:
    import pandas as pd


def learn_formula(
    formula: str, frame: Any, missing: Literal["raise", "drop"], observation_weights: Any
) -> tuple[MemorySource, FormulaDesign, NDArray[Any] | None]:
    """Make the rows, the design and the row labels of `Data.from_formula`."""
    require_frame(frame)
    names = frames.column_names(frame)
    weights_column = observation_weights if isinstance(observation_weights, str) else None
    formula = expand_dot(formula, [name for name in names if name != weights_column])
    sides = parse(formula, names)
    left = columns_of(term_uses(sides.left, names, formula), frame)
    right = columns_of(term_uses(sides.right, names, formula), frame)
    _require_target(left, right, formula)
    rows = table(frame, _with_weights([*left, *right], weights_column))
    labels = common_labels({"frame": frame, "observation_weights": observation_weights})
    weights = None if weights_column else weights_vector(observation_weights, len(rows), labels)
    rows, weights, labels = _complete(rows, weights, labels, missing)
    if weights_column:
        weights = weights_vector(rows[weights_column].to_numpy(), len(rows), labels)
    require_finite_numbers(rows, labels)
    target, features = _build_sides(sides, left, right, rows, labels)
    source = MemorySource(read_only(features.values), read_only(target.values[:, 0]), weights)
    design = FormulaDesign(
        formula=formula,
        feature_names=features.names,
        target_name=target.names[0],
        has_intercept=features.has_intercept,
        left=target.learned,
        right=features.learned,
    )
    return source, design, labels


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


def _with_weights(columns: list[Column], name: str | None) -> list[Column]:
    """Add the column of weights, unless the formula reads it as a number already."""
    others = [column for column in columns if column.name != name]
    return columns if name is None else [*others, Column(name, "number")]


def _complete(
    rows: "pd.DataFrame",
    weights: NDArray[np.float64] | None,
    labels: NDArray[Any] | None,
    missing: Literal["raise", "drop"],
) -> tuple["pd.DataFrame", NDArray[np.float64] | None, NDArray[Any] | None]:
    """Keep the rows without missing values; the others are refused, or dropped aloud."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing is {missing!r}; it is 'raise' or 'drop'")
    incomplete = missing_rows(rows)
    if not len(incomplete):
        return rows, weights, labels
    report = missing_report(rows, incomplete, labels)
    if missing == "raise":
        raise DataError(f"missing values in {report}; fill them, or drop rows with missing='drop'")
    if len(incomplete) == len(rows):
        raise DataError(f"every row has missing values: {report}; fill them or leave columns out")
    warnings.warn(
        f"dropped {len(incomplete)} of {plural(len(rows), 'row')} with missing values: {report}",
        DataWarning,
        stacklevel=4,
    )
    kept = np.delete(np.arange(len(rows)), incomplete)
    rows = rows.iloc[kept].reset_index(drop=True)
    for name in rows.select_dtypes("category"):
        rows[name] = rows[name].cat.remove_unused_categories()
    labels = kept if labels is None else labels[kept]
    return rows, None if weights is None else weights[kept], labels


def _build_sides(
    sides: Sides,
    left: tuple[Column, ...],
    right: tuple[Column, ...],
    rows: "pd.DataFrame",
    labels: NDArray[Any] | None,
) -> tuple[Built, Built]:
    """Build y and X, learning levels and transformations from `rows`."""
    if not len(rows):
        raise DataError("the frame has no rows; there is nothing to learn from")
    target = build(sides.left, rows, Learned(left), labels)
    if len(target.names) != 1:
        raise DataError(
            f"the left side of the formula makes {len(target.names)} columns, "
            f"{quoted(target.names)}; a target is one"
        )
    features = build(sides.right, rows, Learned(right), labels)
    require_unique(features.names, "the columns of a formula")
    require_finite(target.values, "y", target.names, labels, OUT_OF_DOMAIN)
    require_finite(features.values, "X", features.names, labels, OUT_OF_DOMAIN)
    return target, features
