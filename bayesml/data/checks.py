"""What may pass the door: real, finite numbers of the right shape; everything else by name."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.messages import SHOWN, listed, plural, quoted, row_name, row_names
from bayesml.errors import DataError

BLOCK_VALUES = 2**20
"""Numbers in a block of rows: 8 MiB of float64, enough for matrix products at full speed."""

ENCODE = (
    "Data.from_formula turns text and categories into numbers, "
    'for instance Data.from_formula("y ~ C(column)", frame)'
)

_KINDS = {
    "c": "complex numbers",
    "U": "text",
    "T": "text",
    "S": "bytes",
    "M": "dates",
    "m": "time differences",
    "V": "records",
}


def real_array(value: Any, what: str) -> NDArray[Any]:
    """`value` as a numpy array of booleans, integers or floats; its finiteness is not looked at.

    Raises
    ------
    DataError
        For text, dates, complex numbers, objects, sparse or masked values and ragged lists.
    """
    if type(value).__module__.startswith("scipy.sparse"):
        raise DataError(f"{what} is a sparse matrix; a dense one is needed: {what}.toarray()")
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        rows = np.unique(np.nonzero(np.ma.getmaskarray(value))[0])
        raise DataError(
            f"{what} has masked values in {row_names(rows, None)}; drop these rows or fill them"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"{what} is not a rectangular array ({error}); every row needs the same length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise DataError(_not_numbers(array, what))
    return array


def _not_numbers(array: NDArray[Any], what: str) -> str:
    """What stands where numbers are needed, and in which place."""
    for place, item in np.ndenumerate(array):
        if not isinstance(item, (int, float, np.number)) or isinstance(item, np.complexfloating):
            where = f"[{', '.join(map(str, place))}]" if place else ""
            kind = _KINDS.get(array.dtype.kind, f"{type(item).__name__} objects")
            remedy = "give real numbers" if array.dtype.kind in "cmM" else ENCODE
            return f"{what} holds {kind} ({what}{where} is {item!r}) where numbers are needed; {remedy}"
    return (
        f"{what} has dtype {array.dtype}, not a numeric one; convert it with {what}.astype(float)"
    )


def stored(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself where it is native float32 or float64, otherwise a float64 copy."""
    if array.dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def two_dimensional(value: Any, what: str) -> NDArray[Any]:
    """`value` as a float matrix; a vector is refused rather than guessed to be a row or a column."""
    array = real_array(value, what)
    if array.ndim == 1:
        raise DataError(
            f"{what} has one dimension, shape {array.shape}; rows × columns are needed: "
            f"{what}[:, None] for one feature, {what}[None, :] for one row"
        )
    if array.ndim != 2:
        raise DataError(
            f"{what} has {array.ndim} dimensions, shape {array.shape}; it needs two, rows × columns"
        )
    return stored(array)


def require_finite(
    array: NDArray[Any],
    what: str,
    columns: Sequence[str] | None = None,
    labels: NDArray[Any] | None = None,
    remedy: str = "drop these rows or fill them",
) -> None:
    """Refuse NaN and infinities, naming the first few by row and column, at one read of `array`.

    A block is looked at closely only when its sum is not finite.

    Raises
    ------
    DataError
        If any value is NaN or infinite.
    """
    if array.dtype.kind != "f":
        return
    count, places = 0, list[tuple[int, int]]()
    for rows, cols, block in _in_memory_order(array.reshape(len(array), -1)):
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(block.sum()):
                continue
        found = np.argwhere(~np.isfinite(block))
        count += len(found)
        places = sorted([*places, *((rows + int(i), cols + int(j)) for i, j in found[:SHOWN])])
        places = places[:SHOWN]
    if count:
        flat = array.reshape(len(array), -1)
        examples = (
            f"{flat[i, j]} in {row_name(i, labels)}" + (f", column {columns[j]!r}" if columns else "")
            for i, j in places
        )
        raise DataError(
            f"{what} has {plural(count, 'value')} that "
            f"{'is' if count == 1 else 'are'} not finite: {listed(examples, count)}; {remedy}"
        )


def _in_memory_order(array: NDArray[Any]) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Blocks of a matrix with their first row and column, cut along its slower axis."""
    by_rows = abs(array.strides[0]) >= abs(array.strides[1])
    length, across = array.shape if by_rows else array.shape[::-1]
    step = max(1, BLOCK_VALUES // max(1, across))
    for start in range(0, length, step):
        part = slice(start, start + step)
        yield (start, 0, array[part]) if by_rows else (0, start, array[:, part])


def require_weights(weights: NDArray[Any], labels: NDArray[Any] | None) -> None:
    """Refuse observation weights that are negative somewhere or zero everywhere."""
    negative = np.flatnonzero(weights < 0)
    if len(negative):
        raise DataError(
            f"observation_weights is negative in {row_names(negative, labels)}; a weight w makes "
            "a row count w times, so it is positive or zero"
        )
    if not weights.any():
        raise DataError("observation_weights is zero everywhere, which leaves nothing to learn from")


def require_unique(names: Sequence[str], what: str) -> None:
    """Refuse names that occur twice."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{what} must differ, but these occur more than once: {quoted(repeated)}")
