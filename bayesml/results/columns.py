"""The columns that a fit reads, and the typical row at which the others are held."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.data import Data, Design, frames
from bayesml.data.formulas.raw_columns import values_of
from bayesml.data.messages import suggestion
from bayesml.errors import DataError
from bayesml.typing import Array

Columns = dict[str, Any]
"""One array a column: float64 where it holds numbers, objects where it holds levels."""


def columns_read(design: Design) -> dict[str, bool]:
    """Name the columns that a frame needs for a prediction, and say which hold numbers."""
    return {name: name in design.numeric_columns for name in design.columns}


def training_columns(data: Data, frame: Any = None) -> Columns:
    """Return the columns that data were made of, at their rows.

    Parameters
    ----------
    data : Data
    frame : data frame, optional
        What the data were made from. Needed where `Data` did not keep the columns of a formula:
        they were streamed, or a part of other data.

    Raises
    ------
    DataError
        If the frame is needed, or is another one.
    """
    read, X = columns_read(data.design), np.asarray(data.X, dtype=np.float64)
    if frame is None or not read:
        return _own_columns(data, read, X)
    rows = _training_rows(data, frame)
    found = frames.select(frame, list(read), "the frame")
    columns = {name: column_values(found[name], name, read[name])[rows] for name in read}
    if not np.array_equal(matrix(data.design, columns), X):
        raise DataError(
            "the frame is not the one that the fit learned from: its rows give other features"
        )
    return columns


def _own_columns(data: Data, read: Iterable[str], X: Array) -> Columns:
    """Return what the data kept of a formula's columns, or X where these are its columns."""
    if data.columns is not None:
        return values_of(data.columns)
    if tuple(read) != data.feature_names:
        raise DataError(
            "the formula made its features from other columns, which these data do not keep: "
            "give the frame that the fit learned from: frame=… for a picture, grid=… for effects"
        )
    return dict(zip(read, X.T, strict=True))


def is_numeric(column: Any) -> bool:
    """Say whether a column holds numbers rather than levels."""
    return bool(column.dtype == np.float64)


def levels(column: Any, known: Iterable[Any] = ()) -> list[Any]:
    """Return the different values of a column: known levels in their order, others sorted."""
    found = set(column.tolist())
    first = [level for level in known if level in found]
    return first + sorted(found.difference(first))


def levels_known(design: Design, name: str) -> tuple[Any, ...]:
    """Return the levels that a formula learned of a column, in the order of the data."""
    for factor, known in design.levels.items():
        if factor in (name, f"C({name})") or factor.startswith(f"C({name},"):
            return tuple(known)
    return ()


def typical(columns: Columns) -> dict[str, Any]:
    """Return the mean of each column, or the commonest value of levels and of two numbers."""
    return {name: _typical(column) for name, column in columns.items()}


def describe(held: Mapping[str, Any]) -> str:
    """Say at what values columns are held.

    >>> describe({"species": "Adelie", "age": 3.14159})
    'species = Adelie, age = 3.142'
    """
    return ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in held.items()
    )


def rows_at(design: Design, held: Mapping[str, Any], moved: Columns) -> Array:
    """Build X where some columns move and the others are held."""
    k = len(next(iter(moved.values())))
    fixed: Columns = {name: np.full(k, value, dtype=_dtype(value)) for name, value in held.items()}
    return matrix(design, fixed | moved)


def moves(design: Design, columns: Columns, name: str, known: Sequence[int]) -> bool:
    """Say whether a column moves more of X than what is known of every row, such as an offset."""
    if not known:
        return True
    held = typical({k: v for k, v in columns.items() if k != name})
    every = levels(columns[name])
    ends = np.array([every[0], every[-1]], dtype=columns[name].dtype)
    X = rows_at(design, held, {name: ends})
    return bool(np.ptp(np.delete(X, known, axis=1), axis=0).any())


def features_read(design: Design, columns: Columns) -> list[str]:
    """Name the columns that features are made of, and not only what is known of every row."""
    known = list(design.roles.known_places().values())
    return [name for name in columns if moves(design, columns, name, known)]


def require_column(name: str, columns: Iterable[str]) -> None:
    """Refuse a column that the model does not read."""
    known = list(columns)
    if not isinstance(name, str):
        raise DataError(f"a column is given by its name, got {shown(name)}.")
    if name not in known:
        raise DataError(f"the model reads no column {name!r}{suggestion(name, known)}")


def matrix(design: Design, columns: Columns) -> Array:
    """Build X of columns at their rows."""
    plain = {name: v if is_numeric(v) else v.tolist() for name, v in columns.items()}
    return np.asarray(design.matrix(plain), dtype=np.float64)


def _dtype(value: Any) -> type:
    return float if isinstance(value, float) else object


def _typical(column: Any) -> Any:
    if is_numeric(column) and len(set(column.tolist())) > 2:
        return float(column.mean())
    return Counter(column.tolist()).most_common(1)[0][0]


def column_values(column: Any, name: str, numeric: bool) -> Any:
    """Read one column: float64 where it holds numbers, objects where it holds levels."""
    if numeric:
        return np.asarray(frames.numbers(column, f"column {name!r}"), dtype=np.float64)
    return frames.objects(column.to_list() if frames.is_series(column) else list(column))


def _training_rows(data: Data, frame: Any) -> Any:
    """Find the rows of the frame that were kept, by the labels that `Data` remembers."""
    labels = frames.index_labels(frame)
    columns = frames.select(frame, frames.column_names(frame)[:1], "the frame")
    m = len(next(iter(columns.values()), ()))
    if m == data.m or data.row_labels is None:
        return slice(None)
    position = {str(label): k for k, label in enumerate(range(m) if labels is None else labels)}
    kept = [position.get(str(label), -1) for label in data.row_labels]
    if min(kept) < 0:
        raise DataError(
            "the frame is not the one that the fit learned from: some of its rows are missing"
        )
    return kept
