"""Stochastic gradient descent (docs/theory/optimisation.md, section "Stochastic gradients")."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import (
    check_callable,
    check_count,
    check_flag,
    check_fraction,
    check_optional,
    check_positive,
)
from bayesml.optimizers.batches import one_pass
from bayesml.optimizers.curvature import largest
from bayesml.optimizers.objective import Objective, Vector
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.schedules import Cosine, Schedule
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping

PROBES = 10
"""Minibatches whose curvature is measured to choose a learning rate."""

FORGETTING = 3.0
"""The power η with which the average forgets its start."""


@dataclass(frozen=True)
class SGD:
    """Step against the gradient of a few examples: θ := θ − αₜ ∇J_B(θ) (O13).

    Each epoch draws the minibatches B without replacement. The states are those after each epoch,
    with J and ∇J over all examples, at the average of the steps so far (O16). On least squares it
    comes within 1.5/√epochs standard errors of the optimum (O17), and in practice much closer,
    once the steps have walked the flattest direction; where they have not, the gradient of the
    whole stays large and the run has not converged.

    Parameters
    ----------
    learning_rate : float, optional
        α at the start, or None for (1 − momentum) / (2 L̂), L̂ the largest curvature of the first
        minibatches.
    batch_size : int
        The most examples in a step.
    epochs : int
        Passes over the data.
    momentum : float
        β of the heavy ball, in [0, 1).
    schedule : Schedule
        What multiplies the rate as the passes go by.
    average : bool
        Whether the answer is the average of the steps or the last of them.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.

    References
    ----------
    Robbins & Monro (1951), A Stochastic Approximation Method, Ann. Math. Statist. 22.
    Polyak & Juditsky (1992), Acceleration of Stochastic Approximation by Averaging.
    Shamir & Zhang (2013), Stochastic Gradient Descent for Non-smooth Optimization, §4.

    Examples
    --------
    >>> from bayesml.optimizers import by_index, minimize
    >>> class Mean:
    ...     rows = 100
    ...
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         residual = x - np.arange(self.rows) / self.rows
    ...         return 0.5 * float(np.mean(residual**2)), np.mean(residual, keepdims=True)
    ...
    ...     def minibatches(self, size, rng):
    ...         return by_index(self.rows, size, rng, lambda x, few: x - np.mean(few) / self.rows)
    >>> optimum = minimize(SGD(batch_size=10), Mean(), [0.0], rng=np.random.default_rng(1))
    >>> optimum.converged, round(float(optimum.x[0]), 3)
    (True, 0.495)
    """

    learning_rate: float | None = None
    batch_size: int = 32
    epochs: int = 500
    momentum: float = 0.0
    schedule: Schedule = field(default_factory=Cosine)
    average: bool = True
    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        check_optional(
            self, "learning_rate", "one that the curvature of the first minibatches allows"
        )
        check_count(self, "batch_size", "epochs")
        check_fraction(self, "momentum")
        check_callable(self, "schedule", "Constant()")
        check_flag(self, "average")
        check_positive(self, "tolerance")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        stability = 2 * (1 + self.momentum)
        return Stopping(repr(self), self.tolerance, self.epochs, self.learning_rate, stability)

    @property
    def traits(self) -> Traits:
        """Examples come a few at a time, and coordinates move alone."""
        return Traits(minibatches=True, coordinatewise=True)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each epoch."""
        x = checked_start(start)
        yield evaluate(objective, x)
        rate = self.learning_rate or self._stable_rate(objective, x, rng)
        velocity, average, step = np.zeros_like(x), x, 0
        for epoch in count():
            for share, gradient in one_pass(objective, self.batch_size, rng, self):
                step += 1
                alpha = rate * self.schedule(epoch + share, self.epochs)
                velocity = self.momentum * velocity - alpha * gradient(x)
                x = x + velocity
                average = average + (FORGETTING + 1) / (FORGETTING + step) * (x - average)
            yield evaluate(objective, average if self.average else x)

    def _stable_rate(
        self, objective: Objective, x: Vector, rng: np.random.Generator | None
    ) -> float:
        probes = islice(one_pass(objective, self.batch_size, rng, self), PROBES)
        return (1 - self.momentum) / (2 * max(largest(gradient, x) for _, gradient in probes))
