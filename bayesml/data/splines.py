"""A cubic spline as a mixed model: a basis of equally spaced B-splines, and what they learn of x.

Derived in docs/theory/smooths.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.errors import DataError

LEAST = 4
"""B-splines of one piece; as many are a cubic polynomial."""

AT_ONCE = 2**15
"""Rows whose B-splines are evaluated at once."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Spline:
    r"""What bends in a curve, its line apart: z(x)ᵀu with z(x) = B(x) T (S24).

    .. math:: f(x) = \theta x + z(x)^\top u, \qquad \frac1m\sum_i z(x_i) = 0, \quad
              \frac1m\sum_i x_i z(x_i) = 0, \quad \frac1m\sum_i |z(x_i)|^2 = 1

    The directions are orthogonal over the training rows, those that bend least first.

    Beyond the training rows the curve goes on straight.

    Parameters
    ----------
    low, high : float
        The smallest and the largest x of the training rows.
    transform : tuple of tuple of float
        T, of k B-splines by k − 2 directions.
    """

    low: float
    high: float
    transform: tuple[tuple[float, ...], ...]

    @cached_property
    def _transform(self) -> Vector:
        return np.array(self.transform)

    @property
    def size(self) -> int:
        """Number of directions, k − 2."""
        return len(self.transform[0])

    def rows(self, x: NDArray[np.floating[Any]]) -> Vector:
        """Return z(x) of every row, shape (m, k − 2)."""
        T, column = self._transform, np.asarray(x, dtype=np.float64)
        return b_splines(column, self.low, self.high, len(T)) @ T

    def to_config(self) -> dict[str, Any]:
        """Describe it in numbers and lists."""
        return {"low": self.low, "high": self.high, "transform": [list(r) for r in self.transform]}


def spline_from_config(config: Mapping[str, Any]) -> Spline:
    """Make the spline that `Spline.to_config` described."""
    return Spline(config["low"], config["high"], tuple(map(tuple, config["transform"])))


def b_splines(x: Vector, low: float, high: float, k: int) -> Vector:
    """Evaluate k cubic B-splines on equally spaced knots, shape (m, k), straight beyond (S21)."""
    t = (x - low) * ((k - 3) / (high - low))
    inside = np.clip(t, 0.0, k - 3)
    piece = np.minimum(inside.astype(np.intp), k - 4)
    f = inside - piece
    g, beyond = 1.0 - f, t - inside
    values = (
        g**3 / 6.0 - beyond * (0.5 * g * g),
        (4.0 - 3.0 * f * f * (1.0 + g)) / 6.0 - beyond * (0.5 * f * (4.0 - 3.0 * f)),
        (4.0 - 3.0 * g * g * (1.0 + f)) / 6.0 + beyond * (0.5 * g * (4.0 - 3.0 * g)),
        f**3 / 6.0 + beyond * (0.5 * f * f),
    )
    out = np.zeros((len(x), k))
    first = np.arange(len(x)) * k + piece
    for j, value in enumerate(values):
        out.ravel()[first + j] = value
    return out


@dataclass(frozen=True)
class SeenRange:
    """Between which values x lies, and some of these, to see whether there are enough.

    Attributes
    ----------
    low, high : float
    values : frozenset of float
        Different ones, `most` at most.
    most : int
    """

    low: float
    high: float
    values: frozenset[float]
    most: int

    @classmethod
    def of(cls, x: Vector, most: int) -> "SeenRange":
        """Look at the values of some rows."""
        if not len(x):
            return cls(np.inf, -np.inf, frozenset(), most)
        low, high = float(x.min()), float(x.max())
        few = x[: 2 * most] if len(set(x[: 2 * most].tolist())) >= most else np.unique(x)
        return cls(low, high, _some(few.tolist(), most), most)

    def __add__(self, other: "SeenRange") -> "SeenRange":
        """Bring two parts together."""
        values = _some([*self.values, *other.values], self.most)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return replace(self, low=low, high=high, values=values)

    def require_enough(self, label: str) -> None:
        """Refuse fewer different values than there are B-splines."""
        found = len(self.values)
        if found >= self.most:
            return
        if found < LEAST:
            does = "is the same in all rows" if found == 1 else f"takes {found} different values"
            raise DataError(
                f"{label}: its column {does}, and a curve needs {LEAST} at least. Leave it out, or "
                "write the column itself, as levels C(…) where it is coded."
            )
        raise DataError(
            f"{label}: its column takes {found} different values, too few for k={self.most} "
            f"B-splines. Write k={found}, or less."
        )


def _some(values: list[float], most: int) -> frozenset[float]:
    return frozenset(sorted(set(values))[:most])


@dataclass(frozen=True, eq=False)
class Moments:
    """BᵀB over rows, and how many there are; they add up."""

    gram: Vector
    rows: int

    @classmethod
    def of(cls, x: Vector, seen: SeenRange) -> "Moments":
        """Evaluate the B-splines of some rows."""
        gram = np.zeros((seen.most, seen.most))
        for start in range(0, len(x), AT_ONCE):
            B = b_splines(x[start : start + AT_ONCE], seen.low, seen.high, seen.most)
            gram += B.T @ B
        return cls(gram, len(x))

    def __add__(self, other: "Moments") -> "Moments":
        """Bring two parts together."""
        return Moments(self.gram + other.gram, self.rows + other.rows)

    def spline(self, seen: SeenRange) -> Spline:
        """Return what bends, without mean and line over the rows, of variance one (S24)."""
        G = self.gram / self.rows
        k = len(G)
        N = np.column_stack([np.ones(k), np.arange(k) - 1.0])  # a constant, and a line
        N[:, 1] -= N[:, 0] @ G @ N[:, 1]
        bent = _bent(k)
        T = bent - N @ np.linalg.solve(N.T @ G @ N, N.T @ G @ bent)
        sizes, V = np.linalg.eigh(T.T @ G @ T)
        T = T @ V[:, ::-1] / np.sqrt(sizes.sum())
        T *= np.sign(T[np.argmax(np.abs(T), axis=0), np.arange(k - 2)])
        return Spline(seen.low, seen.high, tuple(map(tuple, T.tolist())))


def _bent(k: int) -> Vector:
    """Return α of u with ∫ f″² = uᵀu, f = Bα free of what is straight (S23)."""
    D = np.diff(np.eye(k), 2, axis=0)
    M = np.diag(np.r_[1.0, np.full(k - 4, 2.0), 1.0] / 3.0)
    M += (np.eye(k - 2, k=1) + np.eye(k - 2, k=-1)) / 6.0
    root = np.linalg.cholesky(M)
    bent: Vector = np.linalg.pinv(D) @ np.linalg.inv(root.T)
    return bent
