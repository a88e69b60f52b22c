"""Where an optimizer stands after an iteration."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bayesml.errors import IncompatibleModelError
from bayesml.optimizers.objective import Objective, Vector


class State(NamedTuple):
    """A point, with J and ∇J there.

    Attributes
    ----------
    x : (p,) array
        The point. No optimizer writes to it again.
    value : float
        J(x).
    gradient : (p,) array
        ∇J(x), of the dtype of `x`.
    """

    x: Vector
    value: float
    gradient: Vector


def evaluate(objective: Objective, x: Vector) -> State:
    """Evaluate J and ∇J at x, in the precision of x."""
    value, gradient = objective.value_and_gradient(x)
    return State(x, float(value), np.asarray(gradient, dtype=x.dtype))


def checked_start(start: ArrayLike) -> Vector:
    """Return a copy of the start: float32 if it is float32, float64 otherwise.

    Examples
    --------
    >>> checked_start([1, 2])
    array([1., 2.])
    >>> checked_start(np.zeros(1, np.float32)).dtype
    dtype('float32')
    """
    given = np.asarray(start)
    if given.ndim != 1 or given.size == 0 or given.dtype.kind not in "iuf":
        raise IncompatibleModelError(
            f"start must be a vector of real numbers, got shape {given.shape} and dtype "
            f"{given.dtype}. Flatten the parameters into one axis first."
        )
    if not np.all(np.isfinite(given)):
        first = int(np.argmin(np.isfinite(given)))
        raise IncompatibleModelError(
            f"start must be finite, got start[{first}] = {given[first]}. Start from zeros, "
            "or from a point where the objective is defined."
        )
    return np.array(given, dtype=np.float32 if given.dtype == np.float32 else np.float64)
