"""Coordinates in which the products of rows lose no digits.

Derived in docs/theory/group_effects.md, (G25) and (G60).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayesml.data.statistics import SufficientStatistics
from bayesml.linalg import triangular_factor
from bayesml.typing import Array

SAME, NEARLY = 1e-13, 1e-10
"""The share of a column that others do not make: below which it is rounding, or loses digits."""


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

    @classmethod
    def of(cls, statistics: SufficientStatistics, n: int, *, intercept: bool = True) -> "Reference":
        """Return coordinates in which the first n columns of all rows are orthonormal, by QR."""
        found = _factor(statistics, n, intercept)
        inner, h, scale = found.R[:n, :n].copy(), found.R[:n, n].copy(), found.scale
        same = np.flatnonzero(found.own <= found.rounding)
        rest = float(np.linalg.norm(np.append(found.R[n:, n], h[same])))
        if rest <= max(SAME * np.linalg.norm(found.R[:, n]), 4.0 * statistics.noise[-1]):
            rest = float(np.linalg.norm(found.R[:, n]))  # columns explain y: any unit will do
        # constant columns, and those that others make: any unit will do, y tells nothing of them
        unit_of = np.maximum(found.size, scale * np.abs(found.mean[:n]))[same]
        inner[same, same], h[same] = np.where(unit_of > 0.0, unit_of, scale), 0.0
        transform = np.linalg.inv(inner) * scale if n else np.zeros((0, 0))
        weights = np.linalg.solve(inner, h) if n else np.zeros(0)
        unit = rest / float(np.sqrt(statistics.weight)) if rest > 0 else 1.0
        centre = found.mean[:n] if intercept else np.zeros(n)
        return cls(centre, transform, float(found.mean[n]) * intercept, weights, unit, intercept)

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

        The other ones may be without an intercept, if these have one.
        """
        n, one, first = len(self.centre), int(self.intercept), int(other.intercept)
        C = np.zeros((one + n + 1, first + n + 1))
        away = self.centre - other.centre
        C[one : one + n, first : first + n] = np.linalg.solve(self.transform, other.transform)
        bend = np.linalg.solve(self.transform, self.weights - other.weights)
        C[one : one + n, -1] = bend / other.unit
        C[-1, -1] = self.unit / other.unit
        if one:
            C[0, :first], C[0, first : first + n] = 1.0, away @ other.transform
            C[0, -1] = (self.level - other.level - away @ other.weights) / other.unit
        return C


def nearly_made(statistics: SufficientStatistics, n: int, *, intercept: bool) -> int | None:
    """Return the first column that the others make but for its last digits, if there is one."""
    found = _factor(statistics, n, intercept)
    close = (found.own > found.rounding) & (found.own <= NEARLY * found.size)
    return int(np.argmax(close)) if close.any() else None


class _Factor(NamedTuple):
    R: Array
    mean: Array
    scale: float
    own: Array
    size: Array
    rounding: Array


def _factor(statistics: SufficientStatistics, n: int, intercept: bool) -> _Factor:
    """Factorise the first n columns and y, and say what each has of its own."""
    at = [*range(n), len(statistics.mean) - 1]
    R, mean = triangular_factor(statistics.R[:, at]), statistics.mean[at]
    scale = float(np.sqrt(statistics.mass or 1.0))
    if not intercept:
        R = triangular_factor(np.vstack([R, scale * mean]))
    own, size = np.abs(np.diag(R[:n, :n])), np.linalg.norm(R[:n, :n], axis=0)
    rounding = np.maximum(SAME * size, 4.0 * statistics.noise[at[:n]])
    return _Factor(R, mean, scale, own, size, rounding)
