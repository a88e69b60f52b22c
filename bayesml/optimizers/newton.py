"""Newton's method (docs/theory/optimisation.md, section "Newton and quasi-Newton")."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.arguments import check_count, check_fraction, check_positive
from bayesml.errors import ConvergenceError
from bayesml.optimizers.objective import HasHessian, Matrix, Objective, Vector, with_hessian
from bayesml.optimizers.optimizer import Traits
from bayesml.optimizers.state import State, checked_start, evaluate
from bayesml.optimizers.stopping import Stopping, norm


@dataclass(frozen=True)
class Newton:
    """Step to the bottom of the local parabola: (∇²J + δ I) Δθ = −∇J (O19).

    The damping δ is zero where ∇²J is positive definite and its parabola foretells J; elsewhere
    it grows until the step decreases J by a fair share of what the parabola promises (O20). Once
    the promise is lost in the rounding of J, steps go on for as long as they halve the gradient,
    so that it ends at rounding level.

    Parameters
    ----------
    max_iterations : int
        The most steps to take.
    tolerance : float
        Relative gradient norm at which to stop; see `Stopping`.
    reuse : float
        A Hessian by which the gradient fell below this part of itself is kept for the next step,
        which then costs a gradient alone (Shamanskii's method); it is corrected by what the
        gradient did along the step, as BFGS does (O21). Zero never keeps one.

    Raises
    ------
    IncompatibleModelError
        If a number is not in its range; when it runs, if the objective has no Hessian.

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, eq. 3.30 and algorithm 3.3 (Cholesky with
    added multiple of the identity), eq. 4.4 (agreement of decrease and promise).
    Levenberg (1944), A Method for the Solution of Certain Non-Linear Problems in Least Squares.

    Examples
    --------
    >>> from bayesml.optimizers import minimize
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return float(np.sum(np.cosh(x))), np.sinh(x)
    ...
    ...     def hessian(self, x):
    ...         return np.diag(np.cosh(x))
    >>> optimum = minimize(Newton(), Bowl(), [1.0, -2.0])
    >>> optimum.converged, optimum.iterations < 8, optimum.gradient_norm < 1e-14
    (True, True, True)
    """

    max_iterations: int = 1_000
    tolerance: float = 1e-14
    reuse: float = 0.0
    traits: ClassVar[Traits] = Traits()

    def __post_init__(self) -> None:
        check_count(self, "max_iterations")
        check_positive(self, "tolerance")
        check_fraction(self, "reuse")

    @property
    def stopping(self) -> Stopping:
        """The rule that ends a run."""
        return Stopping(repr(self), self.tolerance, self.max_iterations)

    def steps(
        self, objective: Objective, start: ArrayLike, *, rng: np.random.Generator | None = None
    ) -> Iterator[State]:
        """Yield the start and the state after each step."""
        twice = with_hessian(objective, repr(self))
        state = evaluate(twice, checked_start(start))
        yield state
        H, damping, fresh = _hessian(twice, state), 0.0, True
        while True:
            found = _step(twice, state, H, damping)
            if found is None and fresh:
                return
            before = state
            if found is not None:
                state, damping = found
                yield state
            fresh = found is None or norm(state.gradient) >= self.reuse * norm(before.gradient)
            H = _hessian(twice, state) if fresh else _corrected(H, before, state)


def _hessian(objective: HasHessian, state: State) -> Matrix:
    """Evaluate ∇²J, and refuse one that is not finite."""
    H = np.asarray(objective.hessian(state.x), dtype=state.x.dtype)
    if not np.all(np.isfinite(H)):
        raise ConvergenceError(f"The Hessian is not finite at {state.x}: nothing to step by.")
    return H


def _corrected(H: Matrix, before: State, state: State) -> Matrix:
    """Return H with its curvature along a step replaced by what the gradients show (O21)."""
    moved, turned = state.x - before.x, state.gradient - before.gradient
    along, pulled = float(turned @ moved), H @ moved
    if not along > 0.0:
        return H
    return np.asarray(
        H + np.outer(turned, turned) / along - np.outer(pulled, pulled) / float(moved @ pulled)
    )


def _step(
    objective: HasHessian, state: State, H: Matrix, damping: float
) -> tuple[State, float] | None:
    """Take the least damped step that keeps its promise; None when rounding hides them all."""
    unit = float(np.max(np.abs(H))) or 1.0
    rounding = 10 * float(np.finfo(H.dtype).eps) * max(1.0, abs(state.value))
    while True:
        move, damping = _solve(H, state.gradient, damping, unit)
        trial = evaluate(objective, state.x + move)
        promise = -float(state.gradient @ move + 0.5 * move @ H @ move)
        if promise <= rounding:
            halved = norm(trial.gradient) < 0.5 * norm(state.gradient)
            return (trial, damping) if halved else None
        if state.value - trial.value >= 0.1 * promise:
            return trial, _relax(damping, unit)
        damping = _raise(damping, unit)


def _solve(H: Matrix, gradient: Vector, damping: float, unit: float) -> tuple[Vector, float]:
    """Solve (H + δ I) Δθ = −∇J with the first δ from `damping` up that makes it definite."""
    while True:
        try:
            factor = cho_factor(H + damping * np.eye(len(H), dtype=H.dtype), check_finite=False)
        except LinAlgError:
            damping = _raise(damping, unit)
        else:
            return -cho_solve(factor, gradient, check_finite=False), damping


def _raise(damping: float, unit: float) -> float:
    return max(4 * damping, 1e-3 * unit)


def _relax(damping: float, unit: float) -> float:
    return damping / 10 if damping > 1e-6 * unit else 0.0
