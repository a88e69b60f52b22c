"""Gradient descent (docs/theory/optimisation.md, section "Gradient descent")."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bayesml.arguments import check_count, check_optional, check_positive
from bayesml.optimizers.line_search import backtrack
from bayesml.optimizers.objective import Objective
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping


@dataclass(frozen=True)
class GradientDescent:
    """Step against the gradient: θ := θ − α ∇J(θ) (O2).

    With a fixed rate it converges on a convex quadratic if and only if α < 2/L, L the largest
    curvature (O4). With `learning_rate=None` a line search finds α anew in each step: it tries the
    length of Barzilai and Borwein, which grows and shrinks with the curvature just passed, and
    halves it until J decreases enough (O6), so that J never rises.

    Parameters
    ----------
    learning_rate : float, optional
        The fixed α, or None for the line search.
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
    Nocedal & Wright (2006), Numerical Optimization, eq. 3.4 and algorithm 3.1.
    Barzilai & Borwein (1988), Two-Point Step Size Gradient Methods, IMA J. Numer. Anal. 8.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return 0.5 * float(x @ x), x
    >>> optimum = minimize(GradientDescent(learning_rate=0.5), Bowl(), [1.0, -2.0])
    >>> optimum.loss_curve[:3]
    array([2.5    , 0.625  , 0.15625])
    >>> minimize(GradientDescent(), Bowl(), [1.0, -2.0]).converged
    True
    """

    learning_rate: float | None = None
    max_iterations: int = 100_000
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        check_optional(self, "learning_rate", "a line search")
        check_count(self, "max_iterations")
        check_positive(self, "tolerance")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.tolerance, self.max_iterations, self.learning_rate)

    @property
    def traits(self) -> Traits:
        """Coordinates move alone at a fixed rate."""
        return Traits(coordinatewise=self.learning_rate is not None)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each step."""
        if self.learning_rate is None:
            return _searched(objective, checked_start(start))
        return _fixed(objective, checked_start(start), self.learning_rate)


def _fixed(objective: Objective, x: np.ndarray, rate: float) -> Iterator[State]:
    while True:
        state = evaluate(objective, x)
        yield state
        x = state.x - rate * state.gradient


def _searched(objective: Objective, x: np.ndarray) -> Iterator[State]:
    state = evaluate(objective, x)
    yield state
    step = 1 / max(float(np.linalg.norm(state.gradient)), 1.0)
    while found := backtrack(objective, state, -state.gradient, step):
        before, (state, step) = state, found
        yield state
        step = _barzilai_borwein(before, state, 2 * step)


def _barzilai_borwein(before: State, after: State, otherwise: float) -> float:
    """Return ΔxᵀΔg / ΔgᵀΔg, the inverse curvature just passed (O8)."""
    turned = after.gradient - before.gradient
    bend = float((after.x - before.x) @ turned)
    return bend / float(turned @ turned) if bend > 0 else otherwise
