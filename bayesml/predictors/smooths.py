"""A curve as a part of a linear predictor: what bends in it, z(x)ᵀu.

Derived in docs/theory/smooths.md, (S25).
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from bayesml.data.roles import CURVE, Group, Smooth
from bayesml.data.splines import Spline
from bayesml.typing import Array


@dataclass(frozen=True)
class SmoothPart:
    """What bends in a smooth, and the columns of X that it reads.

    Attributes
    ----------
    smooth : Smooth
    start : int
        The first of its columns: what the curve is of, and what it is multiplied by or differs
        between.
    spline : Spline
    levels : tuple of str
        Of which there is a curve each; one empty name where there is one curve.
    """

    smooth: Smooth
    start: int
    spline: Spline
    levels: tuple[str, ...]

    @property
    def factor(self) -> str:
        """What it is called."""
        return self.smooth.label

    @property
    def name(self) -> str:
        """What its effects are called."""
        return f"effects[{self.factor}]"

    @property
    def group(self) -> Group:
        """Its effects as those of a group: one scale, no correlations."""
        return Group(self.factor, (CURVE,), (1,))

    @property
    def shape(self) -> tuple[int, ...]:
        """Directions of the curve, those of every level in a row."""
        size = self.spline.size
        return (len(self.levels), size) if self.smooth.by == "levels" else (size,)

    @property
    def table(self) -> tuple[int, int]:
        """Entries, each by itself."""
        return prod(self.shape), 1

    @property
    def scale_shape(self) -> tuple[int, ...]:
        """One standard deviation."""
        return ()

    def mean_square(self, of_columns: Array) -> Array:
        """Return one: its directions are in the unit of the curve."""
        return np.ones(1)

    def dims(self) -> dict[str, list[str]]:
        """Say that its effects are of levels and directions."""
        of = [f"{self.factor}_direction"]
        levels = [f"{self.factor}_level"] if self.smooth.by == "levels" else []
        return {self.name: [*levels, *of], f"sd[{self.factor}]": []}

    def coords(self) -> dict[str, list[str]]:
        """Return the names of levels, and the numbers of directions."""
        found = {f"{self.factor}_direction": [str(k + 1) for k in range(self.spline.size)]}
        if self.smooth.by == "levels":
            found[f"{self.factor}_level"] = list(self.levels)
        return found

    def rows(self, X: Array) -> Array:
        """Return z of every row, shape (m, entries), those of other levels zero (S25)."""
        z = self.spline.rows(X[:, self.start])
        if not self.smooth.by:
            return z
        by = X[:, self.start + 1]
        if self.smooth.by == "number":
            return z * by[:, None]
        out = np.zeros((len(X), *self.shape))
        out[np.arange(len(X)), by.astype(np.intp)] = z
        return out.reshape(len(X), -1)

    def effect(self, effects: Array, X: Array) -> Array:
        """Evaluate z(x)ᵀu, shape (..., m)."""
        flat = effects.reshape(*effects.shape[: effects.ndim - len(self.shape)], -1)
        return np.asarray(flat @ self.rows(X).T)

    def pullback(self, slopes: Array, X: Array) -> Array:
        """Return Σ zᵢ gᵢ."""
        return np.asarray(slopes @ self.rows(X)).reshape(*slopes.shape[:-1], *self.shape)
