"""The sum over rows that are read in turn, and what it shares with that of rows at hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from operator import add
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.data import Block, Data
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.log_joint.rows import Rows
from bayesml.log_joint.sums import RowSum, Sums, Values
from bayesml.model import Problem
from bayesml.predictors import Frame
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Folded:
    """The sum (J1) over rows that are never in memory together: Parquet, Dask's partitions.

    Minibatches are of the rows of one block, shuffled: rows that were written in an order should
    be shuffled before, for blocks keep theirs.

    Attributes
    ----------
    none : Rows
        What reads the rows of a block.
    data : Data
    weight : float
        W.
    """

    none: Rows
    data: Data
    weight: float

    @property
    def frame(self) -> Frame:
        """Where the predictor is evaluated."""
        return self.none.frame

    @property
    def likelihood(self) -> Likelihood:
        """Of every row."""
        return self.none.likelihood

    @property
    def m(self) -> int:
        """Number of rows."""
        return self.data.m

    @property
    def n(self) -> int:
        """Number of features."""
        return self.data.n

    @property
    def read_from(self) -> str | None:
        """Where the rows are read from, block by block."""
        return self.data.source.whereabouts

    def at_hand(self) -> Rows:
        """Refuse: what needs all rows at once has not got them."""
        raise IncompatibleModelError(
            f"A curvature row by row is that of all rows at once, and these are read from "
            f"{self.read_from}. Use MAP() with an optimizer that takes minibatches, such as "
            "Adam(batch_size=256), or data.collect()."
        )

    def under(self, frame: Frame, likelihood: Likelihood) -> "Folded":
        """Return the same rows for another predictor on them, and another likelihood."""
        return replace(self, none=self.none.under(frame, likelihood))

    def fold[T](self, function: Callable[[Rows], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block of rows together, in one pass over them."""
        return self.data.reduce(partial(_of_block, self.none, function), combine)

    def value(self, beta: Array, values: Values) -> Any:
        """Return the sum alone, in one pass over the rows."""
        return self.fold(partial(Rows.value, beta=beta, values=values), add)

    def sums(self, beta: Array, values: Values) -> Sums:
        """Return the sum and its derivatives, in one pass over the rows."""
        return self.fold(partial(Rows.sums, beta=beta, values=values), Sums.plus)

    def information(self, beta: Array, values: Values) -> Array:
        """Return JᵀΛJ, in one pass over the rows."""
        return self.fold(partial(Rows.information, beta=beta, values=values), add)

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator[Rows]:
        """Yield all rows once, those of a block shuffled."""
        for block in self.data.blocks():
            yield from self.none.read(block).minibatches(size, rng)


def _of_block[T](none: Rows, function: Callable[[Rows], T], block: Block) -> T:
    return function(none.read(block))


@runtime_checkable
class SingleRows(RowSum, Protocol):
    """A sum over rows that can be asked one by one: `Rows` at hand, or `Folded` ones."""

    @property
    def frame(self) -> Frame:
        """Where the predictor is evaluated."""

    @property
    def likelihood(self) -> Likelihood:
        """Of every row."""

    @property
    def read_from(self) -> str | None:
        """Where the rows are read from, block by block; None where they are at hand."""

    def at_hand(self) -> Rows:
        """Return all rows at once, or refuse."""

    def fold[T](self, function: Callable[[Rows], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of some rows after the others together by `combine`."""


def folded(problem: Problem) -> Folded:
    """Return the sum over the rows of a problem, read in turn."""
    return Folded(Rows.none_of(problem), problem.data, problem.statistics.weight)
