"""What all distributions of rows share: blocks of rows, and arguments checked at the door."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bayesml.arguments import as_float, is_real, shown
from bayesml.errors import DataError
from bayesml.typing import Array, ArrayLike

BLOCK = 1 << 16

Arrays = tuple[Array, ...]


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices of rows such that rows × width stays below `BLOCK`."""
    size = max(1, BLOCK // max(width, 1))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def held(evaluate: Callable[[slice], Arrays], size: int) -> Callable[[slice], Arrays]:
    """Return the same function of blocks of rows, evaluated for so many at a time and held.

    Blocks come in turn, so that only the last rows are held; a block across two of these is
    evaluated by itself.
    """
    last = lru_cache(maxsize=1)(lambda start: evaluate(slice(start, start + size)))

    def at(block: slice) -> Arrays:
        start = block.start // size * size
        if block.stop > start + size:
            return evaluate(block)
        here = slice(block.start - start, block.stop - start)
        return tuple(values[here] for values in last(start))

    return at


def side_by_side(values: Sequence[Any], widths: Sequence[int]) -> Array:
    """Join what broadcasts against (b, K) of one width each, no taller than it is.

    >>> side_by_side([1.0, 2.0], [2, 1])
    array([1., 1., 2.])
    """
    tall = np.broadcast_shapes(*[np.shape(value)[:-1] for value in values])
    wide = [np.broadcast_to(v, (*tall, K)) for v, K in zip(values, widths, strict=True)]
    return np.concatenate(wide, axis=-1)


def per_row(value: ArrayLike, rows: int, name: str) -> Array:
    """Return one value per row, from one number or one per row; refuse what is no number."""
    array = numbers(value, name)
    if array.ndim > 1 or (array.ndim == 1 and array.shape[0] != rows):
        raise DataError(
            f"{name} has shape {array.shape}, but the prediction has {rows} rows: "
            "give one number, or one per row."
        )
    if np.isnan(array).any():
        where = f" in row {int(np.flatnonzero(np.isnan(array))[0])}" if array.ndim else ""
        raise DataError(f"{name} is NaN{where}; leave these rows out, or give a number.")
    return np.broadcast_to(array, rows)


def numbers(value: ArrayLike, name: str) -> Array:
    """Return an array of float64, or say what was got."""
    try:
        array = np.asanyarray(value)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise DataError(f"{name} has masked values; leave these rows out, or fill them.")
    if array.dtype.kind == "O" and all(map(is_real, array.flat)):
        array = np.asarray([as_float(one) for one in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must be one number, or one per row, got {shown(value)}.")
    return np.asarray(array, dtype=np.float64)
