"""What an optimizer is: a stream of states, and a rule that says where to leave it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import check_instance
from bayesml.optimizers.objective import Objective
from bayesml.optimizers.state import State
from bayesml.optimizers.stopping import Optimum, Stopping


@dataclass(frozen=True)
class Traits:
    """What callers have to know of an optimizer before they run it.

    Parameters
    ----------
    minibatches : bool
        Whether it asks for a few examples at a time, and for a random generator to draw them.
    coordinatewise : bool
        Whether a step treats every coordinate alone, at a rate set before the first step, so that
        the members of an ensemble, laid end to end, are trained in one run.
    decays : bool
        Whether it also shrinks the weights, so that it comes to rest away from the optimum.
    """

    minibatches: bool = False
    coordinatewise: bool = False
    decays: bool = False


@runtime_checkable
class Optimizer(Protocol):
    """A frozen dataclass of hyperparameters that turns an objective and a start into states.

    `minimize` follows them to the optimum. What watches a run (a progress bar, a time limit, early
    stopping) stands between `steps` and ``stopping.follow``: a generator that passes states on, or
    no longer does.
    """

    @property
    def stopping(self) -> Stopping:
        """The rule that ends the stream of states."""

    @property
    def traits(self) -> Traits:
        """What sets it apart from plain descent on all examples."""

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start, then the state after each iteration, for as long as asked."""


def check_optimizer(owner: object) -> None:
    """Refuse a field `optimizer` that is neither None nor one."""
    if vars(owner)["optimizer"] is not None:
        check_instance(owner, "optimizer", Optimizer, "Adam() or LBFGS()")


def minimize(
    optimizer: Optimizer,
    objective: Objective,
    start: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
) -> Optimum:
    """Follow the steps of an optimizer until its rule says that they are at the optimum.

    Parameters
    ----------
    optimizer : Optimizer
    objective : Objective
        J, with what the optimizer needs of it: a Hessian, minibatches.
    start : (p,) array
        Where to begin; float32 stays float32.
    rng : Generator, optional
        Draws the minibatches, for optimizers that ask for them.

    Raises
    ------
    ConvergenceError
        When J or its gradient is not finite, or J has climbed far above the start.
    IncompatibleModelError
        When the objective lacks what the optimizer needs, or minibatches have no `rng`.

    Examples
    --------
    >>> from bayesml.optimizers import GradientDescent
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return 0.5 * float(x @ x), x
    >>> minimize(GradientDescent(), Bowl(), [1.0, -2.0]).converged
    True
    """
    return optimizer.stopping.follow(optimizer.steps(objective, start, rng=rng))
