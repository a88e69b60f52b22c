"""A function in other units of its coordinates (docs/theory/optimisation.md, "When to stop")."""

from dataclasses import dataclass

import numpy as np

from bayesml.optimizers.objective import HasHessian, Matrix, Vector


@dataclass(frozen=True, eq=False)
class InUnits:
    r"""The function :math:`z \mapsto J(u \odot z)` of a function J whose curvature is known.

    Attributes
    ----------
    objective : HasHessian
    unit : ndarray, shape (p,)
        u, positive.

    Examples
    --------
    >>> class Steep:
    ...     def value(self, x):
    ...         return 0.5e8 * float(x @ x)
    ...
    ...     def value_and_gradient(self, x):
    ...         return self.value(x), 1e8 * x
    ...
    ...     def hessian(self, x):
    ...         return 1e8 * np.eye(len(x))
    >>> InUnits(Steep(), np.array([1e-4])).hessian(np.array([3.0]))
    array([[1.]])
    """

    objective: HasHessian
    unit: Vector

    @classmethod
    def of_curvature(cls, objective: HasHessian, x: Vector) -> "InUnits":
        """Choose the units in which the curvature at x is one along every coordinate (O29)."""
        bend = np.diag(objective.hessian(x))
        return cls(objective, 1.0 / np.sqrt(np.where(bend > 0, bend, 1.0)))

    def value(self, z: Vector) -> float:
        """Evaluate J(u ⊙ z)."""
        return self.objective.value(self.unit * z)

    def value_and_gradient(self, z: Vector) -> tuple[float, Vector]:
        """Evaluate J(u ⊙ z) and its gradient u ⊙ ∇J."""
        value, gradient = self.objective.value_and_gradient(self.unit * z)
        return value, self.unit * gradient

    def hessian(self, z: Vector) -> Matrix:
        """Evaluate the second derivatives in z."""
        return np.asarray(self.objective.hessian(self.unit * z) * np.outer(self.unit, self.unit))
