"""What an optimizer may ask of a function: its value, its gradient and, for some, a little more."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesml.errors import IncompatibleModelError

Vector = NDArray[np.floating[Any]]
Matrix = NDArray[np.floating[Any]]
Rows = NDArray[np.intp]


class Objective(Protocol):
    """A differentiable function J of p numbers, to be minimised.

    J and x are best of order one: a mean over examples, in standardised coordinates.
    """

    def value(self, x: Vector) -> float:
        """Evaluate J(x)."""

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """Evaluate J(x) and ∇J(x), a fresh array of the shape and dtype of `x`."""


@runtime_checkable
class HasHessian(Objective, Protocol):
    """A function whose second derivatives are at hand."""

    def hessian(self, x: Vector) -> Matrix:
        """Evaluate ∇²J(x), symmetric, of shape (p, p)."""


@runtime_checkable
class Stochastic(Objective, Protocol):
    """A mean over examples, which a few of the examples estimate without bias.

    J(x) = (1/m) Σᵢ Jᵢ(x) + r(x) is estimated from a minibatch B by (1/|B|) Σ_{i∈B} Jᵢ(x) + r(x).
    """

    @property
    def rows(self) -> int:
        """The number m of examples."""

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Vector], Vector]]:
        """Read all examples once, and yield gradients from at most `size` of them at a time.

        Each estimates ∇J(x) with the full regulariser r. Examples in memory are drawn by
        `by_index`; those that are read in blocks are shuffled within them.
        """


@runtime_checkable
class HasWeights(Objective, Protocol):
    """A function some of whose coordinates are weights, which may decay, and others are not."""

    @property
    def decays(self) -> NDArray[np.bool_]:
        """Which coordinates are weights, shape (p,)."""


def with_hessian(objective: Objective, owner: str) -> HasHessian:
    """Return the objective if it has second derivatives, or say what would do without them."""
    if isinstance(objective, HasHessian):
        return objective
    raise IncompatibleModelError(
        f"{owner} needs second derivatives, but {type(objective).__name__} has no "
        "hessian(x). Use LBFGS(), which builds its own from gradients."
    )
