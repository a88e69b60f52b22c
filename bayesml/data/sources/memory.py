"""Rows held in memory, handed out in blocks without a copy where linear algebra can read them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from bayesml.data.blocks import Block, rows_per_block
from bayesml.data.formulas.raw_columns import RawColumns
from bayesml.data.messages import EVERYWHERE, Place


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Rows held in memory, handed out without a copy where they are float64.

    X is float32 or float64 in any memory order. A block of it is a view where linear algebra can
    read it as it lies, otherwise a float64 copy, of at most 8 MiB or 256 rows.

    `columns` are what a formula made X of, by name; None where X is what was given. `place` says
    where the rows lie if they are a part of others.
    """

    X: NDArray[np.float64] | NDArray[np.float32]
    y: NDArray[np.float64]
    observation_weights: NDArray[np.float64] | None = None
    columns: RawColumns | None = None
    place: Place = EVERYWHERE

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
    def first_pass(self) -> str:
        """Nothing was read before."""
        return ""

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
                place=self.place.after(start),
            )

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""
        return reduce(combine, map(function, self.blocks()))


def _float64(rows: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float64]:
    """Keep rows that linear algebra can read as they lie, and copy the others to C order."""
    if rows.dtype == np.float64 and rows.itemsize in rows.strides and min(rows.strides) > 0:
        return np.asarray(rows, dtype=np.float64)
    return np.ascontiguousarray(rows, dtype=np.float64)
