"""What may pass the door: real, finite numbers of the right shape; everything else by name."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import as_float
from bayesml.data.messages import (
    SHOWN,
    Labels,
    listed,
    plural,
    quoted,
    row_name,
    row_names,
)
from bayesml.errors import DataError

BLOCK_VALUES = 2**20
"""Numbers in a block of rows: 8 MiB of float64, enough for matrix products at full speed."""

ENCODE = (
    "Data.from_formula turns text and categories into numbers, "
    'for instance Data.from_formula("y ~ C(column)", frame)'
)

_REMEDIES = {
    "text": ENCODE,
    "bytes": ENCODE,
    "None": "drop or fill what is missing",
    "complex numbers": "take their real part, or their size and angle as two columns",
    "dates": "turn them into numbers first, for instance days since the first date",
    "time differences": "divide them by a unit of time first",
}


def real_array(value: Any, what: str) -> NDArray[Any]:
    """Read `value` as booleans, integers or floats; whether they are finite is not looked at.

    Raises
    ------
    DataError
        For text, dates, complex numbers, objects, sparse or masked values and ragged lists.
    """
    if type(value).__module__.startswith("scipy.sparse"):
        raise DataError(f"{what} is a sparse matrix; a dense one is needed: {what}.toarray()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        rows = np.unique(np.nonzero(np.ma.getmaskarray(value))[0])
        raise DataError(f"{what} has masked values in {row_names(rows, None)}; drop or fill them")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(f"{what} is ragged: its rows have different lengths") from error
    if array.ndim == 0 and array.dtype.kind not in "biuf":
        kind = type(value).__name__
        hint = f"; {what}.collect() reads it" if kind == "LazyFrame" else ""
        raise DataError(f"{what} is a {kind}; an array, list or frame is needed{hint}")
    if array.dtype.kind == "O" and all(map(_is_real, array.flat)):
        return np.array([as_float(item) for item in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        _refuse_first(array, what)
    return array


def _is_real(item: object) -> bool:
    if isinstance(item, np.timedelta64):  # which numpy calls an integer
        return False
    return isinstance(item, int | float | np.integer | np.floating | np.bool | Decimal)


def _refuse_first(array: NDArray[Any], what: str) -> None:
    """Name the first thing in `array` that is not a real number."""
    place, item = next((p, x) for p, x in np.ndenumerate(array) if not _is_real(x))
    kind = _kind(item)
    shown = repr(item.item() if isinstance(item, np.generic) else item)
    raise DataError(
        f"{what} holds {kind} ({shown} at [{', '.join(map(str, place))}]) where numbers are "
        f"needed; {_REMEDIES.get(kind, 'give real numbers')}"
    )


def _kind(item: object) -> str:
    """Say in words what `item` is."""
    match item:
        case None:
            return "None"
        case str():
            return "text"
        case bytes():
            return "bytes"
        case complex() | np.complexfloating():
            return "complex numbers"
        case np.datetime64():
            return "dates"
        case np.timedelta64():
            return "time differences"
        case _:
            return f"{type(item).__name__} objects"


def stored(array: NDArray[Any]) -> NDArray[Any]:
    """Keep native float32 and float64 as they are, and convert the rest to float64."""
    if array.dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def two_dimensional(value: Any, what: str) -> NDArray[Any]:
    """Read `value` as a float matrix; a vector is refused, not taken for a row or a column."""
    array = real_array(value, what)
    if array.ndim == 1:
        raise DataError(
            f"{what} has one dimension, shape {array.shape}; rows × columns are needed: "
            f"{what}[:, None] for one feature, {what}[None, :] for one row"
        )
    if array.ndim != 2:
        raise DataError(
            f"{what} has shape {array.shape}; two dimensions are needed, rows × columns"
        )
    return stored(array)


def require_finite(
    array: NDArray[Any],
    what: str,
    columns: Sequence[str] | None = None,
    labels: Labels = None,
    remedy: str = "drop these rows or fill them",
) -> None:
    """Refuse NaN and infinities, naming the first few by row and column, in one read of `array`.

    A block is looked at closely only when its sum is not finite.

    Raises
    ------
    DataError
        If any value is NaN or infinite.
    """
    if array.dtype.kind != "f":
        return
    matrix = array[:, None] if array.ndim == 1 else array
    count, places = 0, list[tuple[int, int]]()
    for row, column, block in _in_memory_order(matrix):
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(block.sum()):
                continue
        found = np.argwhere(~np.isfinite(block))
        count += len(found)
        places = sorted([*places, *((row + int(i), column + int(j)) for i, j in found[:SHOWN])])
        del places[SHOWN:]
    if count:
        examples = [
            f"{matrix[i, j]} in {row_name(i, labels)}{f' of {columns[j]!r}' if columns else ''}"
            for i, j in places
        ]
        raise DataError(
            f"{what} has {plural(count, 'value')} that {'is' if count == 1 else 'are'} not finite: "
            f"{listed(examples, count)}; {remedy}"
        )


def _in_memory_order(matrix: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Cut a matrix along its slower axis; each block comes with its first row and column."""
    by_rows = abs(matrix.strides[0]) >= abs(matrix.strides[1])
    length, across = matrix.shape if by_rows else matrix.shape[::-1]
    step = max(1, BLOCK_VALUES // max(1, across))
    for start in range(0, length, step):
        part = slice(start, start + step)
        yield (start, 0, matrix[part]) if by_rows else (0, start, matrix[:, part])


def require_weights(weights: NDArray[Any], labels: Labels) -> None:
    """Refuse observation weights that are negative somewhere or zero everywhere."""
    require_not_negative(weights, labels)
    require_some_weight(bool(weights.any()))


def require_not_negative(weights: NDArray[Any], labels: Labels) -> None:
    """Refuse observation weights that are negative somewhere."""
    negative = np.flatnonzero(weights < 0)
    if len(negative):
        raise DataError(
            f"observation_weights is negative in {row_names(negative, labels)}; a weight w makes "
            "a row count w times, so it is positive or zero"
        )


def require_some_weight(some: bool) -> None:
    """Refuse observation weights that are zero everywhere."""
    if not some:
        raise DataError("observation_weights is zero everywhere: there is nothing to learn from")


def require_unique(names: Sequence[str], what: str) -> None:
    """Refuse names that occur twice."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{what} must differ, but these occur more than once: {quoted(repeated)}")
