"""The one seam through which methods read rows: a reduction over blocks.

Whatever holds the rows offers the same two methods, so that a sum over examples
Σᵢ f(x⁽ⁱ⁾, y⁽ⁱ⁾) is written once and runs on memory, on a stream of batches or on partitions.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data.checks import BLOCK_VALUES
from bayesml.data.messages import EVERYWHERE, Place

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
    place : Place
        Where the rows lie, so that a check of them can name one.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    observation_weights: NDArray[np.float64] | None
    place: Place = EVERYWHERE

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
    def first_pass(self) -> str:
        """What rows were read for before they are learned from; empty if for nothing."""

    @property
    def whereabouts(self) -> str:
        """Where the rows are, in words; empty for memory."""

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time."""

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Make a view that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
