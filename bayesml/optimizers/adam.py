"""Adam (docs/theory/optimisation.md, section "Adam")."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import (
    check_callable,
    check_count,
    check_fraction,
    check_positive,
)
from bayesml.optimizers.batches import Gradient, one_pass
from bayesml.optimizers.objective import Objective, Vector
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.schedules import Cosine, Schedule
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping


@dataclass(frozen=True)
class Adam:
    """Step each coordinate by its mean gradient over its root mean square (O18).

    m := β₁ m + (1 − β₁) g,  v := β₂ v + (1 − β₂) g²,  θ := θ − αₜ m̂ / (√v̂ + ε), where
    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) undo the bias of starting at zero. The steps are near
    α in size whatever the units of J; the schedule brings them to rest.

    Parameters
    ----------
    learning_rate : float
        α at the start: about how far a coordinate moves in a step.
    beta1, beta2 : float
        Memories of the mean and of the mean square, in [0, 1).
    epsilon : float
        ε, which bounds steps where gradients vanish.
    max_iterations : int
        The most passes over the data: steps in full batch, epochs in minibatches.
    batch_size : int, optional
        The most examples in a step, or None for all of them.
    schedule : Schedule
        What multiplies the rate as the passes go by.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.

    Raises
    ------
    IncompatibleModelError
        If a number is not in its range.

    References
    ----------
    Kingma & Ba (2015), Adam: A Method for Stochastic Optimization, algorithm 1.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Valley:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         curvature = np.array([1.0, 100.0])
    ...         return 0.5 * float(x @ (curvature * x)), curvature * x
    >>> minimize(Adam(), Valley(), [1.0, 1.0]).converged
    True
    """

    learning_rate: float = 1e-2
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    max_iterations: int = 30_000
    batch_size: int | None = None
    schedule: Schedule = field(default_factory=Cosine)
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_positive(self, "learning_rate", "epsilon", "tolerance")
        check_fraction(self, "beta1", "beta2")
        check_count(self, "max_iterations")
        if self.batch_size is not None:
            check_count(self, "batch_size")
        check_callable(self, "schedule", "Constant()")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.tolerance, self.max_iterations)

    @property
    def traits(self) -> Traits:
        """Coordinates move alone; examples come a few at a time if there is a batch size."""
        return Traits(minibatches=self.batch_size is not None, coordinatewise=True)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each pass over the data."""
        return self.decayed_steps(objective, start, np.zeros(()), rng)

    def decayed_steps(
        self,
        objective: Objective,
        start: ArrayLike,
        decay: Vector,
        rng: np.random.Generator | None,
    ) -> Iterator[State]:
        """Yield the states where every step also shrinks θ by α ``decay`` (O26)."""
        state = evaluate(objective, checked_start(start))
        x, m, v, t = state.x, np.zeros_like(state.x), np.zeros_like(state.x), 0
        for passes in count():
            yield state
            for share, gradient in self._pass(objective, rng):
                g = state.gradient if gradient is None else gradient(x)
                t += 1
                alpha = self._rate(passes + share)
                m += (1 - self.beta1) * (g - m)
                v += (1 - self.beta2) * (g * g - v)
                unbias = math.sqrt(1 - self.beta2**t)
                root = np.sqrt(v)
                root += self.epsilon * unbias
                shrunk = x - alpha * decay * x if decay.any() else x
                x = shrunk - (alpha * unbias / (1 - self.beta1**t)) * m / root
            state = evaluate(objective, x)

    def _pass(
        self, objective: Objective, rng: np.random.Generator | None
    ) -> Iterable[tuple[float, Gradient | None]]:
        """Return the share gone by and the gradient of each step; None is that of the state."""
        if self.batch_size is None:
            return [(0.0, None)]
        return one_pass(objective, self.batch_size, rng, self)

    def _rate(self, passes: float) -> float:
        return self.learning_rate * self.schedule(passes, self.max_iterations)
