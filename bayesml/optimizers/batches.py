"""Minibatches: a shuffled pass over the examples, cut into nearly equal pieces."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from bayesml.optimizers.objective import Rows, Stochastic, Streamed, Vector


def batches(rows: int, size: int, rng: np.random.Generator) -> list[Rows]:
    """Cut a random permutation of the rows into pieces of at most `size`, equal to within one.

    Examples
    --------
    >>> sorted(len(piece) for piece in batches(10, 4, np.random.default_rng(1)))
    [3, 3, 4]
    """
    return [*np.array_split(rng.permutation(rows), -(-rows // size))]


@dataclass(frozen=True)
class Pass:
    """The gradients ∇J_B of one pass over the data, a function of x for each minibatch.

    Attributes
    ----------
    objective : Stochastic or Streamed
    size : int
        The most examples in a minibatch.
    rng : Generator
    """

    objective: Stochastic | Streamed
    size: int
    rng: np.random.Generator

    def __len__(self) -> int:
        """Return the number of minibatches; blocks that are read may end in a smaller one more."""
        return math.ceil(self.objective.rows / self.size)

    def __iter__(self) -> Iterator[Callable[[Vector], Vector]]:
        """Shuffle all rows if they are at hand, otherwise those of a block as it is read."""
        objective = self.objective
        if isinstance(objective, Streamed):
            return objective.minibatches(self.size, self.rng)
        pieces = batches(objective.rows, self.size, self.rng)
        return iter([partial(_estimate, objective, rows) for rows in pieces])


def _estimate(objective: Stochastic, rows: Rows, x: Vector) -> Vector:
    return np.asarray(objective.value_and_gradient_of(x, rows)[1], dtype=x.dtype)
