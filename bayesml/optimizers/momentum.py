"""Momentum: heavy ball and Nesterov (docs/theory/optimisation.md, section "Momentum")."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import (
    check_count,
    check_flag,
    check_fraction,
    check_optional,
    check_positive,
)
from bayesml.optimizers.curvature import largest, secant
from bayesml.optimizers.objective import Objective
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with a memory: v := β v − α ∇J(θ), θ := θ + v (O9).

    With `nesterov`, θ is the point looked ahead to: v := β v − α ∇J(θ), θ := θ + β v − α ∇J(θ)
    (O11). On a convex quadratic of largest curvature L the heavy ball converges if and
    only if α < 2 (1 + β) / L (O10).

    With `learning_rate=None` the rate is 1/L̂, L̂ the largest curvature met so far: at the start
    by the power method, then by each step. Whatever diverges does so along the steepest
    curvature, where L̂ grows to meet it, so that this converges on every convex quadratic
    (O12).

    Parameters
    ----------
    learning_rate : float, optional
        The fixed α, or None for one over the largest curvature met.
    momentum : float
        β, in [0, 1).
    nesterov : bool
        Whether to take the gradient at the point looked ahead to.
    max_iterations : int
        The most steps to take.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.

    Raises
    ------
    IncompatibleModelError
        If a number is not in its range.

    References
    ----------
    Polyak (1964), Some Methods of Speeding up the Convergence of Iteration Methods.
    Nesterov (2004), Introductory Lectures on Convex Optimization, §2.2.1.

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
    >>> minimize(Momentum(), Valley(), [1.0, 1.0]).converged
    True
    """

    learning_rate: float | None = None
    momentum: float = 0.9
    nesterov: bool = False
    max_iterations: int = 100_000
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_optional(self, "learning_rate", "one over the largest curvature met")
        check_fraction(self, "momentum")
        check_flag(self, "nesterov")
        check_count(self, "max_iterations")
        check_positive(self, "tolerance")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        beta = self.momentum
        stability = 2 * (1 + beta) / (1 + 2 * beta if self.nesterov else 1)
        rate = self.learning_rate
        return Stopping(repr(self), self.tolerance, self.max_iterations, rate, stability)

    @property
    def traits(self) -> Traits:
        """Coordinates move alone at a fixed rate."""
        return Traits(coordinatewise=self.learning_rate is not None)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each step."""
        state = evaluate(objective, checked_start(start))
        yield state
        beta, rate, curvature = self.momentum, self.learning_rate or 0.0, 0.0
        adaptive = self.learning_rate is None
        if adaptive:
            curvature = largest(lambda x: evaluate(objective, x).gradient, state.x)
        velocity = np.zeros_like(state.x)
        while True:
            if adaptive:
                rate = 1 / curvature
            pull = rate * state.gradient
            velocity = beta * velocity - pull
            move = beta * velocity - pull if self.nesterov else velocity
            before, state = state, evaluate(objective, state.x + move)
            if adaptive:
                curvature = max(curvature, secant(before, state))
            yield state
