"""The columns that a formula reads, as a pandas frame of float64 numbers and categories."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.expressions import Use
from bayesml.data.messages import listed, row_names
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class Column(NamedTuple):
    """A column that a formula reads: as a number, as text, or as the levels of `C(column)`."""

    name: str
    kind: Literal["number", "text", "level"]


def columns_of(uses: Iterable[Use], frame: Any) -> tuple[Column, ...]:
    """How each used column is to be read: text as text, the rest as numbers unless only in `C`."""
    as_levels: dict[str, bool] = {}
    for use in uses:
        as_levels[use.column] = use.as_levels and as_levels.get(use.column, True)
    return tuple(Column(name, _kind(frame, name, only)) for name, only in as_levels.items())


def _kind(frame: Any, name: str, only_levels: bool) -> Literal["number", "text", "level"]:
    if _is_text(_series(frame, name)):
        return "text"
    return "level" if only_levels else "number"


def table(frame: Any, columns: Sequence[Column], needed_by: str) -> "pd.DataFrame":
    """The columns with missing values as NaN, rows numbered from 0.

    Raises
    ------
    DataError
        For a missing column, or one that holds something else than it did in the training rows.
    """
    import pandas as pd

    if not frames.is_frame(frame):
        raise DataError(
            f"{needed_by} needs a frame (pandas, Polars or a dict of columns), "
            f"not {type(frame).__name__}"
        )
    names = [column.name for column in columns]
    frames.require_columns(frame, names, needed_by)
    m = frames.number_of_rows(frame, names)
    return pd.DataFrame(
        {column.name: _values(_series(frame, column.name), column) for column in columns},
        index=pd.RangeIndex(m),
    )


def missing_rows(table: "pd.DataFrame") -> NDArray[np.intp]:
    """Numbers of the rows where any column is missing."""
    return np.flatnonzero(table.isna().to_numpy().any(axis=1))


def missing_report(
    table: "pd.DataFrame", rows: NDArray[np.intp], labels: NDArray[Any] | None
) -> str:
    """Which rows have missing values, and how many there are in each column."""
    counts = table.isna().sum()
    columns = [f"{name}: {count}" for name, count in counts[counts > 0].items()]
    return f"{row_names(rows, labels)} (missing by column: {listed(columns)})"


def _series(frame: Any, name: str) -> "pd.Series[Any]":
    """A column of any frame as a pandas Series, rows numbered from 0."""
    import pandas as pd

    values = frames.column(frame, name)
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    if frames.is_series(values):
        if values.dtype.is_numeric():
            return pd.Series(frames.numbers(values, name)) if values.null_count() else pd.Series(
                values.to_numpy()
            )
        categories = getattr(values.dtype, "categories", None) if str(values.dtype).startswith(
            "Enum"
        ) else None
        if categories is not None:
            return pd.Series(pd.Categorical(values.to_list(), categories=list(categories)))
        return pd.Series(values.to_list())
    try:
        return pd.Series(values)
    except ValueError as error:
        raise DataError(f"column {name!r} is not one-dimensional: {error}") from error


def _is_text(series: "pd.Series[Any]") -> bool:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True
    return series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) == "string"


def _values(series: "pd.Series[Any]", column: Column) -> "NDArray[np.float64] | pd.Categorical":
    what = f"column {column.name!r}"
    if column.kind == "number":
        return _numbers(series, what)
    if column.kind == "level" and _is_text(series):
        raise DataError(f"{what} holds text, but the levels of the training rows are numbers")
    if column.kind == "text" and not _is_text(series) and not series.isna().all():
        raise DataError(f"{what} has dtype {series.dtype}, but held text in the training rows")
    return _levels(series, what)


def _numbers(series: "pd.Series[Any]", what: str) -> NDArray[np.float64]:
    import pandas as pd

    numeric = ("floating", "integer", "boolean", "mixed-integer-float", "decimal", "empty")
    if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True) in numeric:
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(frames.numbers(series, what), dtype=np.float64)


def _levels(series: "pd.Series[Any]", what: str) -> "pd.Categorical":
    """The factor, its unused levels dropped, its levels plain strings, numbers or booleans."""
    import pandas as pd

    declared = isinstance(series.dtype, pd.CategoricalDtype)
    factor = pd.Categorical(series).remove_unused_categories()
    levels = [level.item() if isinstance(level, np.generic) else level for level in factor.categories]
    if declared:  # levels such as the intervals of pandas.cut go by their text
        levels = [x if isinstance(x, str | int | float) else str(x) for x in levels]
    if not all(isinstance(x, str) for x in levels) and not all(
        isinstance(x, int | float) for x in levels
    ):
        kinds = sorted({type(x).__name__ for x in levels})
        raise DataError(f"{what} holds {' and '.join(kinds)}; levels are text or numbers")
    return factor.rename_categories(levels)
