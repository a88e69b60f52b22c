"""A search over many rows that starts at the optimum of a few of them."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.likelihoods import limits_eta
from bayesml.log_joint import NegativeLogJoint, Rows
from bayesml.optimizers import Newton, minimize
from bayesml.typing import Array

MANY, ONE_IN = 20_000, 19
"""Rows from which on the search starts at the optimum of one in so many."""


@dataclass(frozen=True, eq=False)
class Begun:
    """An objective whose curvature where the search starts is known nearly, from few rows.

    Attributes
    ----------
    objective : NegativeLogJoint
    start : ndarray, shape (d,)
    H : ndarray, shape (d, d)
    """

    objective: NegativeLogJoint
    start: Array
    H: Array

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.objective.value(x)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient."""
        return self.objective.value_and_gradient(x)

    def hessian(self, x: Array) -> Array:
        """Return the curvature, at the start that of few rows."""
        return self.H if np.array_equal(x, self.start) else self.objective.hessian(x)


def begun_at_few_rows(objective: NegativeLogJoint, start: Array, steps: int) -> Begun | None:
    """Begin at the optimum of every so many rows, found in so many steps, where rows are many.

    None where they are not, where few rows have no optimum, or one at which others may have no
    density.
    """
    rows = objective.joint.rows
    if not isinstance(rows, Rows) or rows.m < MANY or limits_eta(rows.likelihood):
        return None
    few = rows.of_rows(np.arange(0, rows.m, ONE_IN))
    if not few.weight:
        return None
    few = replace(few, w=few.w * (rows.weight / few.weight))
    rough, of_few = Newton(max_iterations=steps, tolerance=1e-3), objective.over(few)
    try:
        found = minimize(rough, of_few, start)
    except ConvergenceError:
        return None
    x = np.asarray(found.x)
    return Begun(objective, x, of_few.hessian(x)) if found.converged else None
