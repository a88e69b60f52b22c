"""Minibatches: a shuffled pass over the examples, cut into nearly equal pieces."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.optimizers.objective import Objective, Rows, Stochastic, Vector

Gradient = Callable[[Vector], Vector]
"""∇J_B, of one minibatch B."""


def batches(rows: int, size: int, rng: np.random.Generator) -> list[Rows]:
    """Cut a random permutation of the rows into pieces of at most `size`, equal to within one.

    Examples
    --------
    >>> sorted(len(piece) for piece in batches(10, 4, np.random.default_rng(1)))
    [3, 3, 4]
    """
    return [*np.array_split(rng.permutation(rows), -(-rows // size))]


def by_index(
    rows: int, size: int, rng: np.random.Generator, gradient_of: Callable[[Vector, Rows], Vector]
) -> Iterator[Gradient]:
    """Yield the gradients of a shuffled pass over examples that are at hand.

    Parameters
    ----------
    rows : int
        m.
    size : int
        The most examples in a minibatch.
    rng : Generator
    gradient_of : callable
        ∇J(x) estimated from some of the examples, given x and their indices.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> each = by_index(3, 1, np.random.default_rng(1), lambda x, few: x - y[few])
    >>> sorted(float(gradient(np.zeros(1))[0]) for gradient in each)
    [-6.0, -2.0, -1.0]
    """
    for few in batches(rows, size, rng):
        yield partial(_of, gradient_of, few)


def one_pass(
    objective: Objective, size: int, rng: np.random.Generator | None, owner: object
) -> Iterator[tuple[float, Gradient]]:
    """Yield the share of a pass gone by and the next gradient; refuse what has no minibatches.

    Examples that are read in blocks may end in a few minibatches more than their number foretells.
    """
    if not isinstance(objective, Stochastic):
        raise IncompatibleModelError(
            f"{owner!r} draws minibatches, but {type(objective).__name__} has no rows and no "
            "minibatches(size, rng). Use a full-batch optimizer such as LBFGS() or Adam()."
        )
    if rng is None:
        raise IncompatibleModelError(
            f"{owner!r} draws minibatches: it needs rng, a numpy Generator, and got None."
        )
    total = math.ceil(objective.rows / size)
    return ((i / total, each) for i, each in enumerate(objective.minibatches(size, rng)))


def _of(gradient_of: Callable[[Vector, Rows], Vector], few: Rows, x: Vector) -> Vector:
    return np.asarray(gradient_of(x, few), dtype=x.dtype)
