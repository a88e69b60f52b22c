"""What all distributions of rows share: blocks of rows, and arguments checked at the door."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bayesml.errors import DataError
from bayesml.typing import Array, ArrayLike

BLOCK = 200_000


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices of rows such that rows × width stays below `BLOCK`."""
    size = max(1, BLOCK // max(width, 1))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def per_row(value: ArrayLike, rows: int, name: str) -> Array:
    """Return one value per row, from one number or one per row."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or (array.ndim == 1 and array.shape[0] != rows):
        raise DataError(
            f"{name} has shape {array.shape}, but the prediction has {rows} rows: "
            "give one number, or one per row."
        )
    return np.broadcast_to(array, rows)


def check_probability(q: Any) -> Array:
    """Return probabilities strictly between 0 and 1, or say what was got."""
    array = np.asarray(q, dtype=np.float64)
    if not np.all((array > 0) & (array < 1)):
        raise DataError(f"A probability must lie strictly between 0 and 1, got {q!r}.")
    return array


def whole_number(value: Any, name: str) -> int:
    """Return a positive whole number, or say what was got."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"{name} must be a positive whole number, got {value!r}.")
    return int(value)
