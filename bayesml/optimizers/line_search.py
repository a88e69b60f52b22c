"""Step lengths that lower the objective, down to the last digit of floating point.

Derived in docs/theory/optimisation.md, section "Line search".
"""

import numpy as np

from bayesml.optimizers.objective import Objective, Vector
from bayesml.optimizers.state import State, evaluate

SLOPE = 1e-4
"""The share c₁ of the decrease promised by the gradient that a step has to deliver."""

HALVINGS = 100


def backtrack(
    objective: Objective, state: State, direction: Vector, step: float
) -> tuple[State, float] | None:
    """Halve a step until it satisfies the sufficient decrease; None if no step does.

    Nocedal & Wright (2006), algorithm 3.1 with ρ = ½.
    """
    for _ in range(HALVINGS):
        trial = evaluate(objective, state.x + step * direction)
        if decreases(state, trial):
            return trial, step
        step *= 0.5
    return None


def decreases(before: State, after: State) -> bool:
    """Say whether a step decreases J enough (O6), ΔJ ≤ c₁ ∇Jᵀ Δx.

    Where ΔJ is lost in the rounding of J, the same condition on the parabola through both slopes
    decides: ∇J(x + Δx)ᵀ Δx ≤ (2 c₁ − 1) ∇J(x)ᵀ Δx (O7).

    References
    ----------
    Nocedal & Wright (2006), Numerical Optimization, eq. 3.4.
    Hager & Zhang (2005), A New Conjugate Gradient Method with Guaranteed Descent and an
    Efficient Line Search, SIAM J. Optim. 16, the approximate Wolfe condition.
    """
    moved = after.x - before.x
    slope = float(before.gradient @ moved)
    if not slope < 0:
        return False
    if after.value - before.value <= SLOPE * slope:
        return True
    rounding = 10 * float(np.finfo(moved.dtype).eps) * max(1.0, abs(before.value))
    return bool(
        abs(after.value - before.value) <= rounding
        and after.gradient @ moved <= (2 * SLOPE - 1) * slope
    )
