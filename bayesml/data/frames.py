"""pandas, Polars, Arrow and dicts of columns seen alike, without importing the libraries."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.checks import ENCODE, real_array, require_unique, stored
from bayesml.data.delimited.table import Table
from bayesml.data.messages import Labels, Place, listed, suggestion
from bayesml.errors import DataError


@dataclass(frozen=True, eq=False)
class Part(Mapping[str, Any]):
    """Some rows of a table that is never whole in memory: a frame that knows where they lie.

    Attributes
    ----------
    columns : mapping of str to arrays or Series
    place : Place
    """

    columns: Mapping[str, Any]
    place: Place

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.columns)


def is_frame(value: Any) -> bool:
    """Say whether `value` has named columns: of pandas, Polars or Arrow, or a dict of columns."""
    return (
        _is(value, "pandas", "DataFrame")
        or _is(value, "polars", "DataFrame")
        or _is(value, "pyarrow", "Table")
        or isinstance(value, Mapping)
    )


def is_series(value: Any) -> bool:
    """Say whether `value` is one column of a pandas or Polars frame."""
    return _is(value, "pandas", "Series") or _is(value, "polars", "Series")


def has_index(value: Any) -> bool:
    """Say whether `value` is from pandas, so that its rows carry labels."""
    return _is(value, "pandas", "DataFrame") or _is(value, "pandas", "Series")


def _is(value: Any, package: str, name: str) -> bool:
    """Say whether `value` is a `package.name`; if it is, the package is loaded."""
    kind = getattr(sys.modules.get(package), name, None)
    return kind is not None and isinstance(value, kind)


def series_name(value: Any) -> str | None:
    """Give the name of a Series, and None for anything else or without one."""
    name = value.name if is_series(value) else None
    return None if name is None or name == "" else str(name)


def column_names(frame: Any) -> tuple[str, ...]:
    """Give the names of the columns as strings, all different."""
    given = frame if isinstance(frame, Mapping) else frame.columns
    if _is(frame, "pyarrow", "Table"):
        given = frame.column_names
    names = tuple(str(name) for name in given)
    require_unique(names, "column names")
    return names


def row_labels(value: Any) -> Labels:
    """Give the index of a pandas object, or the place of a part; None where it only counts rows."""
    return value.place if isinstance(value, Part) else index_labels(value)


def index_labels(value: Any) -> NDArray[Any] | None:
    """Give the index of a pandas object, and None where it only counts the rows from 0."""
    if not has_index(value) or value.index.equals(sys.modules["pandas"].RangeIndex(len(value))):
        return None
    labels: NDArray[Any] = value.index.to_numpy()
    if labels.dtype == object:  # the tuples of a MultiIndex and the like go by their text
        labels = np.array([str(label) for label in labels], dtype=object)
    return labels


def number_of_rows(frame: Any) -> int:
    """Count the rows of a frame."""
    if isinstance(frame, Table):
        return frame.m
    if isinstance(frame, Mapping):
        return max((len(column) for column in frame.values() if np.ndim(column)), default=0)
    return len(frame)


def select(frame: Any, names: Sequence[str], needed_by: str) -> dict[str, Any]:
    """Take columns by their names, all of one length.

    Raises
    ------
    DataError
        For a column that is not there, suggesting the one that was meant, or of another length.
    """
    position = {name: j for j, name in enumerate(column_names(frame))}
    for name in names:
        if name not in position:
            raise DataError(f"{needed_by} needs the column {name!r}{suggestion(name, position)}")
    if _is(frame, "pandas", "DataFrame"):
        return {name: frame.iloc[:, position[name]] for name in names}
    if _is(frame, "pyarrow", "Table"):
        return {name: frame[name].to_pandas() for name in names}
    if isinstance(frame, Mapping):
        keys = list(frame)
        columns = {name: frame[keys[position[name]]] for name in names}
        _require_one_length(columns)
        return columns
    return {name: frame[name] for name in names}


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return values as an array of one dimension, whatever they are."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def take(frame: Any, rows: NDArray[np.intp]) -> Any:
    """Take rows of a frame or an array, by their positions."""
    if _is(frame, "pandas", "DataFrame"):
        return frame.iloc[rows]
    if _is(frame, "polars", "DataFrame"):
        return frame[rows]
    if _is(frame, "pyarrow", "Table"):
        return frame.take(rows)
    if isinstance(frame, Table):
        return frame.take(rows)
    if isinstance(frame, Mapping):
        return {name: _taken(column, rows) for name, column in frame.items()}
    return np.asarray(frame)[rows]


def _taken(column: Any, rows: NDArray[np.intp]) -> Any:
    if _is(column, "pandas", "Series"):
        return column.iloc[rows]
    if _is(column, "polars", "Series"):
        return column[rows]
    return [column[row] for row in rows.tolist()]


def _require_one_length(columns: Mapping[str, Any]) -> None:
    shapes = {name: np.shape(column) for name, column in columns.items()}
    if len({shape[:1] for shape in shapes.values()}) > 1 or () in shapes.values():
        shown = listed([f"{name!r} has shape {shape}" for name, shape in shapes.items()])
        raise DataError(f"columns are one-dimensional and of one length, but {shown}")


def numbers(values: Any, what: str) -> NDArray[Any]:
    """Read one column as float32 or float64, with NaN for what is missing.

    Raises
    ------
    DataError
        If it does not hold real numbers.
    """
    if _is(values, "pandas", "Series"):
        return _pandas_numbers(values, what)
    if _is(values, "polars", "Series"):
        if not (values.dtype.is_numeric() or str(values.dtype) in ("Boolean", "Null")):
            raise DataError(_not_numeric(what, str(values.dtype)))
        return np.asarray(values.cast(sys.modules["polars"].Float64).to_numpy())
    return stored(real_array(values, what))


def _pandas_numbers(values: Any, what: str) -> NDArray[Any]:
    types, dtype = sys.modules["pandas"].api.types, values.dtype
    if types.is_object_dtype(dtype) or types.is_complex_dtype(dtype):
        return stored(real_array(values.to_numpy(na_value=np.nan), what))
    if not (types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)):
        raise DataError(_not_numeric(what, str(dtype)))
    if isinstance(dtype, np.dtype):
        return stored(values.to_numpy())
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _not_numeric(what: str, dtype: str) -> str:
    remedy = (
        "turn it into a number first, for instance days since the first date"
        if dtype.lower().startswith(("date", "time", "dur", "period"))
        else ENCODE
    )
    return f"{what} has dtype {dtype} where numbers are needed; {remedy}"


def matrix(frame: Any, names: Sequence[str], needed_by: str) -> NDArray[Any]:
    """Put columns side by side as one float matrix, without a copy where the frame is one."""
    if _is_one_matrix(frame) and tuple(names) == column_names(frame):
        return np.asarray(frame.to_numpy())
    columns = select(frame, names, needed_by)
    m = len(next(iter(columns.values()))) if columns else number_of_rows(frame)
    out = np.empty((m, len(names)), order="F")
    for j, (name, values) in enumerate(columns.items()):
        column = numbers(values, f"column {name!r}")
        if column.ndim != 1:
            raise DataError(f"column {name!r} has shape {column.shape}; a column has one dimension")
        out[:, j] = column
    return out


def _is_one_matrix(frame: Any) -> bool:
    """Say whether the whole frame is float32 or float64, so that it may already be one matrix."""
    mapped = isinstance(frame, Mapping) or _is(frame, "pyarrow", "Table")
    if mapped or len(set(frame.dtypes)) != 1:
        return False
    if _is(frame, "polars", "DataFrame"):
        return str(frame.dtypes[0]) in ("Float32", "Float64")
    return frame.dtypes.iloc[0] in (np.dtype(np.float32), np.dtype(np.float64))
