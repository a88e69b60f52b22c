"""Where a likelihood of scales and all else beside effects is highest, and how it bends there."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

from bayesml.errors import ConvergenceError
from bayesml.inference.group_likelihood import Objective
from bayesml.inference.point import curvature_of
from bayesml.typing import Array

SMALL, NOTHING = 0.05, 1e-9
"""Of its unit, a scale below which zero is tried; and nats that zero may lose by rounding."""

STEP = 1e-2
"""Of differences of gradients."""

POLISHES, SETTLED = 4, 1e-6
"""Newton's steps at the end, and the gradient, in units of the curvature, that needs none."""

TRIES, FLAT = 3, 1e-3
"""Of a search, which begins again where it ended if the slope there is not as flat."""


class Maximum(NamedTuple):
    """Where an objective is highest.

    Attributes
    ----------
    x : ndarray, shape (q,)
    value : float
    H : ndarray, shape (q, q)
        −∂² there.
    free : ndarray of bool, shape (q,)
        What is not at the end of its range.
    """

    x: Array
    value: float
    H: Array
    free: NDArray[np.bool]

    @property
    def smallest(self) -> float:
        """The smallest curvature, of a matrix of unit diagonal."""
        there = np.ix_(self.free, self.free)
        return curvature_of(self.H[there])[1] if self.free.any() else 1.0

    def covariance(self) -> Array:
        """Return the inverse; NaN of what lies at the end of its range."""
        out, there = np.full(self.H.shape, np.nan), np.ix_(self.free, self.free)
        if self.free.any():
            out[there] = curvature_of(self.H[there])[0]
        return out


def highest(objective: Objective, start: Array, tolerance: float) -> Array:
    """Climb by a quasi-Newton method within the ranges of the coordinates."""
    size = max(abs(objective.value(start)), 1.0)

    def negative(x: Array) -> tuple[float, Array]:
        try:
            value, gradient = objective.value_and_gradient(x)
        except ConvergenceError:  # a step went too far
            return 1e3 * size, np.zeros(len(x))
        return -value, -gradient

    options = {"ftol": tolerance / size, "gtol": 1e-6, "maxiter": 500}
    settings: Any = {"jac": True, "bounds": Bounds(*objective.outer.bounds), "options": options}
    return np.asarray(minimize(negative, start, method="L-BFGS-B", **settings).x)


def maximum(objective: Objective, start: Array) -> Maximum:
    """Climb, set scales of nothing to zero, and end with Newton's steps."""
    outer, x = objective.outer, _climbed(objective, start)
    free = ~outer.at_an_end(x)
    H = _curvature(objective, x, free)
    for _ in range(POLISHES):
        gradient = objective.value_and_gradient(x)[1][free]
        step = np.zeros(len(x))
        step[free] = np.linalg.lstsq(H[np.ix_(free, free)], gradient, rcond=None)[0]
        if abs(gradient @ step[free]) < SETTLED**2:
            break
        if np.any(np.abs(step) > 0.5) or objective.value(x + step) < objective.value(x) - NOTHING:
            break
        x = x + step
    return Maximum(x, objective.value(x), H, free)


def _climbed(objective: Objective, start: Array) -> Array:
    """Climb until it is flat, and set scales of nothing to zero."""
    x = start
    for _ in range(TRIES):
        x = highest(objective, x, 1e-9)
        if np.all(np.abs(objective.value_and_gradient(x)[1]) < FLAT):
            break
    for row in objective.outer.rows():
        zero = np.where(row, 0.0, x)
        if np.linalg.norm(x[row]) < SMALL and objective.value(zero) > objective.value(x) - NOTHING:
            x = zero
    return x


def _curvature(objective: Objective, x: Array, free: NDArray[np.bool]) -> Array:
    """Difference the gradient along what is free."""
    H = np.zeros((len(x), len(x)))
    for j in np.flatnonzero(free):
        step = STEP * (np.arange(len(x)) == j) * max(min(1.0, abs(x[j])), 0.1)
        up, down = (objective.value_and_gradient(x + d)[1] for d in (step, -step))
        H[:, j] = (down - up) / (2.0 * step[j])
    H[~free] = 0.0
    return 0.5 * (H + H.T)
