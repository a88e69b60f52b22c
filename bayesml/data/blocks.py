"""The one seam through which methods read rows: a reduction over blocks.

Whatever holds the rows offers the same two methods, so that a sum over examples
Σᵢ f(x⁽ⁱ⁾, y⁽ⁱ⁾) is written once and runs on memory, on a stream of batches or on partitions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data.checks import BLOCK_VALUES

if TYPE_CHECKING:
    from bayesml.data.kept import KeptColumns

LEAST_ROWS = 256
"""Rows in a block however wide it is, so that a product of matrices stays one."""


class Block(NamedTuple):
    """Consecutive rows of the data, all float64.

    Attributes
    ----------
    X : (b, n) array
        Features, contiguous along rows or along columns, in the data's own units.
    y : (b,) array
        Target.
    observation_weights : (b,) array or None
        How many times each row counts; None where every row counts once.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    observation_weights: NDArray[np.float64] | None

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """How many times each row counts: ones where none are stated."""
        stated = self.observation_weights
        return np.ones(len(self.y)) if stated is None else stated


def rows_per_block(n: int) -> int:
    """Choose how many rows of n features to read at a time; a function of the shape only.

    >>> rows_per_block(10), rows_per_block(10_000)
    (104857, 256)
    """
    return max(LEAST_ROWS, BLOCK_VALUES // max(1, n))


class Source(Protocol):
    """Where rows come from: their number, their blocks in order, and a reduction over them."""

    @property
    def m(self) -> int:
        """Number of rows."""

    @property
    def n(self) -> int:
        """Number of features."""

    @property
    def weighted(self) -> bool:
        """Whether rows have observation weights."""

    @property
    def whereabouts(self) -> str:
        """Where the rows are, in words; empty for memory."""

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time."""

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Rows held in memory, handed out without a copy where they are float64.

    X is float32 or float64 in any memory order. A block of it is a view where linear algebra can
    read it as it lies, otherwise a float64 copy, of at most 8 MiB or 256 rows.

    `columns` are what a formula made X of, by name; None where X is what was given.
    """

    X: NDArray[np.float64] | NDArray[np.float32]
    y: NDArray[np.float64]
    observation_weights: NDArray[np.float64] | None = None
    columns: "KeptColumns | None" = None

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.X)

    @property
    def n(self) -> int:
        """Number of features."""
        return int(self.X.shape[1])

    @property
    def weighted(self) -> bool:
        """Whether rows have observation weights."""
        return self.observation_weights is not None

    @property
    def whereabouts(self) -> str:
        """Nowhere else."""
        return ""

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time."""
        weights = self.observation_weights
        step = rows_per_block(self.n)
        for start in range(0, self.m, step):
            rows = slice(start, start + step)
            yield Block(
                X=_float64(self.X[rows]),
                y=self.y[rows],
                observation_weights=None if weights is None else weights[rows],
            )

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""
        return reduce(combine, map(function, self.blocks()))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Make a view that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


def _float64(rows: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float64]:
    """Keep rows that linear algebra can read as they lie, and copy the others to C order."""
    if rows.dtype == np.float64 and rows.itemsize in rows.strides and min(rows.strides) > 0:
        return np.asarray(rows, dtype=np.float64)
    return np.ascontiguousarray(rows, dtype=np.float64)
