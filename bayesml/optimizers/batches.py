"""Minibatches: a shuffled pass over the examples, cut into nearly equal pieces."""

from collections.abc import Callable
from functools import partial

import numpy as np

from bayesml.optimizers.objective import Rows, Stochastic, Vector


def batches(rows: int, size: int, rng: np.random.Generator) -> list[Rows]:
    """Cut a random permutation of the rows into pieces of at most `size`, equal to within one.

    Examples
    --------
    >>> sorted(len(piece) for piece in batches(10, 4, np.random.default_rng(1)))
    [3, 3, 4]
    """
    return [*np.array_split(rng.permutation(rows), -(-rows // size))]


def gradients(
    objective: Stochastic, size: int, rng: np.random.Generator
) -> list[Callable[[Vector], Vector]]:
    """Return the gradients ∇J_B of one pass over the data, a function of x for each minibatch."""
    return [partial(_estimate, objective, rows) for rows in batches(objective.rows, size, rng)]


def _estimate(objective: Stochastic, rows: Rows, x: Vector) -> Vector:
    return np.asarray(objective.value_and_gradient_of(x, rows)[1], dtype=x.dtype)
