"""What a linear Gaussian model with effects of groups needs of its rows.

Derived in docs/theory/group_effects.md, (G25) and (G60).
"""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.linalg.arrow import Arrow
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Reference:
    r"""Coordinates in which columns are about orthonormal, and y is what they leave (G25).

    .. math:: \tilde x = (x - c)T, \qquad \tilde y = y - o - y_0 - (x - c)^\top\theta_0

    Attributes
    ----------
    centre : ndarray, shape (n,)
    transform : ndarray, shape (n, n)
    level : float
        y₀.
    weights : ndarray, shape (n,)
        θ₀.
    unit : float
        In which ỹ is counted.
    intercept : bool
    """

    centre: Array
    transform: Array
    level: float
    weights: Array
    unit: float
    intercept: bool

    def columns(self, X: Array, y: Array) -> Array:
        """Return [1 x̃ ỹ], or [x̃ ỹ] without an intercept."""
        away = X - self.centre
        rest = (y - self.level - away @ self.weights) / self.unit
        ones = [np.ones(len(y))] if self.intercept else []
        return np.column_stack([*ones, away @ self.transform, rest])

    def coefficients(self, origin: Array) -> tuple[Array, Array]:
        """Return M and β₀ with β = M β̃ + β₀, the intercept of β counted from `origin`."""
        n = len(self.centre)
        M = self.unit * self.transform
        if not self.intercept:
            return M, self.weights
        full = np.zeros((n + 1, n + 1))
        away = origin - self.centre
        full[0, 0], full[0, 1:], full[1:, 1:] = self.unit, away @ M, M
        start = np.concatenate([[self.level + away @ self.weights], self.weights])
        return full, start

    def towards(self, other: "Reference") -> Array:
        r"""Return C, by which columns turn into those of other coordinates (G60).

        .. math:: [1\;\tilde x'\;\tilde y'] = [1\;\tilde x\;\tilde y]\,C
        """
        n, one = len(self.centre), int(self.intercept)
        C = np.zeros((one + n + 1, one + n + 1))
        away = self.centre - other.centre
        C[one : one + n, one : one + n] = np.linalg.solve(self.transform, other.transform)
        bend = np.linalg.solve(self.transform, self.weights - other.weights)
        C[one : one + n, -1] = bend / other.unit
        C[-1, -1] = self.unit / other.unit
        if self.intercept:
            C[0, 0], C[0, 1 : n + 1] = 1.0, away @ other.transform
            C[0, -1] = (self.level - other.level - away @ other.weights) / other.unit
        return C


@dataclass(frozen=True, eq=False)
class GroupedStatistics:
    """The products of [Z | X | y] over rows, in coordinates of their own (G25).

    Attributes
    ----------
    reference : Reference
    arrow : Arrow
    """

    reference: Reference
    arrow: Arrow

    def of(self, reference: Reference) -> "GroupedStatistics":
        """Return the same in other coordinates."""
        C = self.reference.towards(reference)
        return GroupedStatistics(reference, self.arrow.turned_columns(C))

    def __add__(self, other: "GroupedStatistics") -> "GroupedStatistics":
        """Bring the products of other rows together with these, in the coordinates of these."""
        return replace(self, arrow=self.arrow + other.of(self.reference).arrow)
