"""What an optimizer is: a stream of states, and a rule that says where to leave it."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from bayesml.optimizers.objective import Objective
from bayesml.optimizers.state import State
from bayesml.optimizers.stopping import Optimum, Stopping


class Optimizer(Protocol):
    """A frozen dataclass of hyperparameters that turns an objective and a start into an optimum.

    `minimize` is `stopping.follow(steps(...))`. What watches a run (a progress bar, a time limit,
    early stopping) stands between the two: a generator that passes states on, or no longer does.
    """

    @property
    def stopping(self) -> Stopping:
        """The rule that ends the stream of states."""

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator
    ) -> Iterator[State]:
        """Yield the start, then the state after each iteration, for as long as asked."""

    def minimize(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator
    ) -> Optimum:
        """Follow the steps until the gradient vanishes."""
