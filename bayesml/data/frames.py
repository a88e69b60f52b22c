"""pandas, Polars and dicts of columns seen alike, without importing either library."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.checks import ENCODE, real_array, require_unique, stored
from bayesml.data.messages import suggestion
from bayesml.errors import DataError


def is_frame(value: Any) -> bool:
    """Whether `value` has named columns: a pandas or Polars DataFrame, or a dict of columns."""
    return _is(value, "pandas", "DataFrame") or _is(value, "polars", "DataFrame") or isinstance(
        value, Mapping
    )


def is_series(value: Any) -> bool:
    """Whether `value` is one column of a pandas or Polars frame."""
    return _is(value, "pandas", "Series") or _is(value, "polars", "Series")


def _is(value: Any, package: str, name: str) -> bool:
    """Whether `value` is a `package.name`; an instance means that the package is loaded."""
    kind = getattr(sys.modules.get(package), name, None)
    return kind is not None and isinstance(value, kind)


def series_name(value: Any) -> str | None:
    """The name of a Series; None for anything else and for a Series without one."""
    name = value.name if is_series(value) else None
    return None if name is None or name == "" else str(name)


def has_index(value: Any) -> bool:
    """Whether `value` is from pandas, so that its rows carry labels."""
    return _is(value, "pandas", "DataFrame") or _is(value, "pandas", "Series")


def column_names(frame: Any) -> tuple[str, ...]:
    """The names of the columns as strings."""
    names = tuple(str(name) for name in (frame if isinstance(frame, Mapping) else frame.columns))
    require_unique(names, "column names")
    return names


def column(frame: Any, name: str) -> Any:
    """One column by its name as a string."""
    if _is(frame, "pandas", "DataFrame"):
        return frame.iloc[:, column_names(frame).index(name)]
    return frame[name]


def require_columns(frame: Any, names: Sequence[str], needed_by: str) -> None:
    """Refuse a frame that lacks one of the columns, suggesting the one that was meant."""
    known = column_names(frame)
    for name in names:
        if name not in known:
            raise DataError(f"{needed_by} needs the column {name!r}{suggestion(name, known)}")


def row_labels(value: Any) -> NDArray[Any] | None:
    """The index of a pandas object, unless it only counts 0, 1, 2, …"""
    if not has_index(value) or value.index.equals(sys.modules["pandas"].RangeIndex(len(value))):
        return None
    labels: NDArray[Any] = value.index.to_numpy()
    return labels


def number_of_rows(frame: Any, names: Sequence[str]) -> int:
    """The common length of the columns."""
    if not isinstance(frame, Mapping):
        return len(frame)
    lengths = {name: np.shape(frame[name])[0] if np.ndim(frame[name]) else 0 for name in names}
    if len(set(lengths.values())) > 1:
        raise DataError(f"the columns have different lengths: {lengths}")
    return next(iter(lengths.values()), 0)


def numbers(values: Any, what: str) -> NDArray[Any]:
    """One column as float32 or float64 with NaN for what is missing, or an error by its name."""
    if _is(values, "pandas", "Series"):
        return _pandas_numbers(values, what)
    if _is(values, "polars", "Series"):
        dtype = values.dtype
        if not (dtype.is_numeric() or str(dtype) in ("Boolean", "Null")):
            raise DataError(_not_numeric(what, str(dtype)))
        return np.asarray(values.cast(sys.modules["polars"].Float64).to_numpy())
    return stored(real_array(values, what))


def _pandas_numbers(values: Any, what: str) -> NDArray[Any]:
    types = sys.modules["pandas"].api.types
    dtype = values.dtype
    if types.is_complex_dtype(dtype):
        raise DataError(f"{what} holds complex numbers; give real numbers")
    if types.is_object_dtype(dtype):
        return stored(real_array(values.to_numpy(), what))
    if not (types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype)):
        raise DataError(_not_numeric(what, str(dtype)))
    if isinstance(dtype, np.dtype):
        return stored(values.to_numpy())
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _not_numeric(what: str, dtype: str) -> str:
    remedy = (
        "turn it into a number first, for instance days since a date"
        if dtype.lower().startswith(("date", "time", "dur", "period"))
        else ENCODE
    )
    return f"{what} has dtype {dtype} where numbers are needed; {remedy}"


def matrix(frame: Any, names: Sequence[str]) -> NDArray[Any]:
    """The named columns as one float matrix; a frame of one float type is not copied if it can be."""
    if _one_float_type(frame) and tuple(names) == column_names(frame):
        return np.asarray(frame.to_numpy())
    m = number_of_rows(frame, names)
    out = np.empty((m, len(names)), order="F")
    for j, name in enumerate(names):
        values = numbers(column(frame, name), f"column {name!r}")
        if values.ndim != 1:
            raise DataError(f"column {name!r} has {values.ndim} dimensions; a column has one")
        out[:, j] = values
    return out


def _one_float_type(frame: Any) -> bool:
    """Whether the whole frame is float32 or float64, so that it may already be one matrix."""
    if isinstance(frame, Mapping) or len(set(frame.dtypes)) != 1:
        return False
    if _is(frame, "polars", "DataFrame"):
        return str(frame.dtypes[0]) in ("Float32", "Float64")
    return frame.dtypes.iloc[0] in (np.dtype(np.float32), np.dtype(np.float64))
