"""Curvature seen from gradients alone: secants, and the power method on them."""

from collections.abc import Callable

import numpy as np

from bayesml.optimizers.objective import Vector
from bayesml.optimizers.state import State


def secant(before: State, after: State) -> float:
    """Bound the largest curvature from below, ‖Δg‖/‖Δx‖, by the step between two states.

    Zero where the step is so short that rounding decides the ratio. On a quadratic the ratio
    never exceeds the largest curvature L (O12).
    """
    moved = after.x - before.x
    turned = after.gradient - before.gradient
    length = float(moved @ moved)
    if length <= np.finfo(moved.dtype).eps * (1 + float(after.x @ after.x)):
        return 0.0
    return float(np.sqrt((turned @ turned) / length))


def along(before: State, after: State) -> float:
    """Return the mean curvature along a step, ΔxᵀΔg / ΔxᵀΔx; NaN when there was no step."""
    moved = after.x - before.x
    turned = after.gradient - before.gradient
    with np.errstate(all="ignore"):
        return float((moved @ turned) / (moved @ moved))


def largest(gradient: Callable[[Vector], Vector], x: Vector, iterations: int = 10) -> float:
    """Estimate the largest curvature at x by the power method on gradient differences.

    H d is (∇J(x + h d) − ∇J(x)) / h for a unit direction d and h = √ε max(1, ‖x‖)
    (Nocedal & Wright 2006, §7.1), and d ← H d / ‖H d‖ turns to the steepest curvature.

    Examples
    --------
    >>> H = np.diag([1.0, 9.0])
    >>> round(largest(lambda x: H @ x, np.ones(2)), 4)
    9.0
    """
    here = gradient(x)
    direction, size = here, float(np.linalg.norm(here))
    h = float(np.sqrt(np.finfo(x.dtype).eps) * max(1.0, float(np.linalg.norm(x))))
    for _ in range(iterations):
        if not 0 < size < np.inf:
            break
        direction = (gradient(x + (h / size) * direction) - here) / h
        size = float(np.linalg.norm(direction))
    return max(size, float(np.finfo(x.dtype).tiny))
