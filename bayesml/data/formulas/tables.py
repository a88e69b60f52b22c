"""The columns that a formula reads, as a pandas frame of float64 numbers and categories."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.checks import require_finite
from bayesml.data.delimited.cells import Cells
from bayesml.data.formulas.expressions import Use
from bayesml.data.messages import Labels
from bayesml.data.missing import Missing
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class Column(NamedTuple):
    """A column that a formula reads: as a number, as text, or as the levels of `C(column)`."""

    name: str
    kind: Literal["number", "text", "level"]


def typed_columns(uses: Iterable[Use], frame: Any) -> tuple[Column, ...]:
    """Decide how to read each column: text as text, the rest as numbers unless only in `C`."""
    only_levels: dict[str, bool] = {}
    for use in uses:
        only_levels[use.column] = use.as_levels and only_levels.get(use.column, True)
    columns = frames.select(frame, list(only_levels), "the formula")
    return tuple(
        Column(name, "text" if _is_text(_as_used(columns[name], name, only)) else _otherwise(only))
        for name, only in only_levels.items()
    )


def _as_used(values: Any, name: str, only_levels: bool) -> "pd.Series[Any]":
    """Read a column of delimited text as levels where it is used for nothing else."""
    if isinstance(values, Cells):
        return values.levels if only_levels else values.values
    return _series(values, name)


def _otherwise(only_levels: bool) -> Literal["number", "level"]:
    return "level" if only_levels else "number"


def with_weights(columns: Sequence[Column], name: str | None) -> tuple[Column, ...]:
    """Add the column of weights, unless the formula reads it as a number already."""
    if name is None:
        return tuple(columns)
    return (*(column for column in columns if column.name != name), Column(name, "number"))


def table(frame: Any, columns: Sequence[Column]) -> "pd.DataFrame":
    """Read columns with missing values as NaN, the rows numbered from 0.

    Raises
    ------
    DataError
        For a missing column, or one that holds something else than it did in the training rows.
    """
    import pandas as pd

    require_frame(frame)
    found = frames.select(frame, [column.name for column in columns], "the formula")
    read = {column.name: _read(_typed(found[column.name], column), column) for column in columns}
    m = len(next(iter(read.values()))) if read else frames.number_of_rows(frame)
    return pd.DataFrame(read, index=pd.RangeIndex(m))


def require_frame(frame: Any) -> None:
    """Refuse anything without named columns."""
    if not frames.is_frame(frame):
        kind = type(frame).__name__
        hint = {
            "LazyFrame": "; frame.collect() reads it",
            "str": "; bm.read_csv(path) and Data.from_parquet(path, formula) read files",
        }.get(kind, "")
        raise DataError(
            "a formula needs a frame (pandas, Polars, Arrow or a dict of columns), "
            f"not {kind}{hint}"
        )


def complete_rows(
    rows: "pd.DataFrame", labels: Labels, *, drop: bool
) -> tuple["pd.DataFrame", NDArray[np.intp] | None, Missing]:
    """Keep the rows without missing values, or refuse the others; say which were kept, if not all.

    Raises
    ------
    DataError
        If rows are incomplete and are not to be dropped.
    """
    absent = rows.isna().to_numpy()
    missing = Missing.of(absent, list(rows.columns), labels)
    if not missing.rows:
        return rows, None, missing
    if not drop:
        missing.refuse()
    kept = np.flatnonzero(~absent.any(axis=1))
    rows = rows.iloc[kept].reset_index(drop=True)
    for name in rows.select_dtypes("category"):
        rows[name] = rows[name].cat.remove_unused_categories()
    return rows, kept, missing


def require_finite_numbers(rows: "pd.DataFrame", labels: Labels) -> None:
    """Refuse infinities by row and column."""
    for name, values in rows.items():
        if values.dtype == np.float64:
            require_finite(values.to_numpy(), f"column {name!r}", labels=labels)


def _typed(values: Any, column: Column) -> "pd.Series[Any]":
    """Take a column; the cells of delimited text are read as what is asked for."""
    if not isinstance(values, Cells):
        return _series(values, column.name)
    match column.kind:
        case "text":
            return values.text
        case "level":
            return values.levels
        case "number":
            return values.numbers


def _series(values: Any, name: str) -> "pd.Series[Any]":
    """Make a pandas Series of any column."""
    import pandas as pd

    if isinstance(values, pd.Series):
        return _without_dictionary(values)
    if not frames.is_series(values):
        try:
            return pd.Series(values)
        except ValueError as error:
            raise DataError(f"column {name!r} is not one-dimensional: {error}") from error
    if str(values.dtype).startswith("Decimal"):
        return pd.Series(frames.numbers(values, name))
    if str(values.dtype) in ("Int128", "UInt128"):
        return pd.Series(values.to_list())
    if values.dtype.is_numeric() and not values.null_count():
        return pd.Series(values.to_numpy())
    if str(values.dtype).startswith("Enum"):
        return pd.Series(pd.Categorical(values.to_list(), categories=list(values.dtype.categories)))
    return pd.Series(values.to_list())


def _without_dictionary(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Make a category of a dictionary of Arrow, which is the same thing."""
    import pandas as pd

    if not isinstance(series.dtype, pd.ArrowDtype) or "dictionary" not in str(series.dtype):
        return series
    from pyarrow import chunked_array

    array = chunked_array([series.array.__arrow_array__()]) if len(series) else None
    return series if array is None else array.unify_dictionaries().to_pandas()


def _is_text(series: "pd.Series[Any]") -> bool:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True
    return bool(pd.api.types.infer_dtype(series, skipna=True) == "string")


def _read(series: "pd.Series[Any]", column: Column) -> "NDArray[np.float64] | pd.Categorical":
    what = f"column {column.name!r}"
    if column.kind == "number":
        return np.asarray(frames.numbers(series, what), dtype=np.float64)
    if column.kind == "level" and _is_text(series) and not _is_numbered(series):
        raise DataError(
            f"{what} holds text, but its levels in the training rows are numbers; turn it into "
            "numbers, as pandas.to_numeric does"
        )
    if column.kind == "text" and not (_is_text(series) or _is_whole(series)):
        raise DataError(f"{what} has dtype {series.dtype}, but held text in the training rows")
    return _factor(series, what)


def _is_whole(series: "pd.Series[Any]") -> bool:
    """Say whether a column may hold levels that are numbers, or nothing at all."""
    from pandas.api.types import is_integer_dtype

    return bool(is_integer_dtype(series.dtype) or series.isna().all())


def _is_numbered(series: "pd.Series[Any]") -> bool:
    """Say whether categories are numbers."""
    import pandas as pd

    factor = isinstance(series.dtype, pd.CategoricalDtype)
    return factor and pd.api.types.is_numeric_dtype(series.cat.categories.dtype)


def as_levels(rows: "pd.DataFrame", levels: Mapping[str, Sequence[Any]]) -> "pd.DataFrame":
    """Call whole numbers by the text of the levels that they stand for: 1 is the level '1'."""
    import pandas as pd

    for name, known in levels.items():
        text = name in rows and isinstance(known[0], str)
        if text and isinstance(rows[name].dtype, pd.CategoricalDtype):
            found = rows[name].cat.categories
            if len(found) and all(isinstance(level, int) for level in found.tolist()):
                rows[name] = rows[name].cat.rename_categories(str)
    return rows


def _factor(series: "pd.Series[Any]", what: str) -> "pd.Categorical":
    """Make a factor without unused levels, its levels plain strings, numbers or booleans."""
    import pandas as pd

    factor = pd.Categorical(series).remove_unused_categories()
    levels = [x.item() if isinstance(x, np.generic) else x for x in factor.categories]
    levels = [float(x) if isinstance(x, Decimal) else x for x in levels]
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = list(map(plain_level, levels))
    for allowed in (str, (int, float)):
        if all(isinstance(x, allowed) for x in levels):
            return factor.rename_categories(dict(zip(factor.categories, levels, strict=True)))
    kinds = " and ".join(sorted({type(x).__name__ for x in levels}))
    raise DataError(f"{what} holds {kinds}; levels are text or numbers, so turn it into text first")


def plain_level(level: Any) -> str | int | float:
    """Give a category as text or a number; the intervals of pandas.cut go by their text."""
    plain = level.item() if isinstance(level, np.generic) else level
    return plain if isinstance(plain, str | int | float) else str(plain)
