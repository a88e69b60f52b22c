"""Columns of X that have effects which vary: those of a group, and those of a curve.

Derived in docs/theory/group_effects.md, (G21), and docs/theory/smooths.md, (S25).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from bayesml.data.roles import CURVE, INTERCEPT, Group, Smooth
from bayesml.data.splines import Spline
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array, Integers


@dataclass(frozen=True)
class GroupPart:
    """The effects of the levels of one factor, and the columns of X that they read.

    Attributes
    ----------
    group : Group
    start : int
        The first of its columns: those of the terms, and the number of the level.
    levels : tuple of str
    """

    group: Group
    start: int
    levels: tuple[str, ...]

    @property
    def factor(self) -> str:
        """By which rows are grouped."""
        return self.group.factor

    @property
    def name(self) -> str:
        """What its effects are called."""
        return f"effects[{self.factor}]"

    @property
    def code(self) -> int:
        """The column of the levels' numbers."""
        return self.start + len(self.group.columns) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and terms."""
        return len(self.levels), len(self.group.terms)

    @property
    def table(self) -> tuple[int, int]:
        """Levels and terms, those of one level varying together."""
        return self.shape

    @property
    def scale_shape(self) -> tuple[int, ...]:
        """A standard deviation for every term."""
        return (len(self.group.terms),)

    @property
    def term_dim(self) -> str:
        """What the axis of its terms is called."""
        return f"{self.factor}_term"

    def dims(self) -> dict[str, list[str]]:
        """Say that effects are of levels and terms, and what else is of terms."""
        out = {self.name: [self.factor, self.term_dim], f"sd[{self.factor}]": [self.term_dim]}
        if self.group.pairs:
            out[f"correlation[{self.factor}]"] = [f"{self.factor}_pair"]
        return out

    def coords(self) -> dict[str, list[str]]:
        """Return the names of levels and terms."""
        terms = self.group.terms
        out = {self.factor: list(self.levels), self.term_dim: list(terms)}
        if pairs := self.group.pairs:
            out[f"{self.factor}_pair"] = [f"{terms[i]}, {terms[j]}" for i, j in pairs]
        return out

    def terms(self, X: Array) -> Array:
        """Return z of every row, shape (m, terms)."""
        z, at = np.ones((len(X), len(self.group.terms))), self.start
        for j, term in enumerate(self.group.terms):
            if term != INTERCEPT:
                z[:, j] = X[:, at]
                at += 1
        return z

    def mean_square(self, of_columns: Array) -> Array:
        """Return the mean square of every term, from those of the columns of X."""
        columns = iter(of_columns[self.start : self.code])
        found = [1.0 if term == INTERCEPT else next(columns) for term in self.group.terms]
        return np.where(np.array(found) > 0.0, found, 1.0)

    def correlation(self, parameters: Mapping[str, Array]) -> Array:
        """Return the correlation matrix of the effects of a level at draws, shape (..., d, d)."""
        d, found = self.shape[1], parameters.get(f"correlation[{self.factor}]")
        R = np.zeros((*(() if found is None else np.shape(found)[:-1]), d, d)) + np.eye(d)
        for k, (i, j) in enumerate(self.group.pairs):
            R[..., i, j] = R[..., j, i] = 0.0 if found is None else found[..., k]
        return R

    def codes(self, X: Array) -> Integers:
        """Return the number of the level of every row; −1 where there is none."""
        return X[:, self.code].astype(np.intp)

    def rows(self, X: Array) -> Array:
        """Return z of every row at the place of its level, shape (m, levels · terms)."""
        codes = self.codes(X)
        there = np.flatnonzero(codes >= 0)
        out = np.zeros((len(X), *self.shape))
        out[there, codes[there]] = self.terms(X)[there]
        return out.reshape(len(X), -1)

    def effect(self, effects: Array, X: Array) -> Array:
        """Evaluate zᵀu of the level of every row, shape (..., m); nothing where there is none."""
        z, codes = self.terms(X), self.codes(X)
        if np.any(codes >= effects.shape[-2]):
            raise IncompatibleModelError(
                "Rows of groups that are new have no effect that is known: use predict(X, "
                "new_groups=True)."
            )
        picked = np.moveaxis(effects, -1, 0)[..., codes] * z.T.reshape(
            (z.shape[1], *(1,) * (effects.ndim - 2), len(z))
        )
        return np.where(codes >= 0, picked.sum(axis=0), 0.0)

    def pullback(self, slopes: Array, X: Array) -> Array:
        """Return Σ zᵢ gᵢ by level, shape (..., levels, terms)."""
        z, codes = self.terms(X), self.codes(X)
        there = codes >= 0
        flat = slopes.reshape(-1, slopes.shape[-1])[:, there]
        out = np.empty((len(flat), *self.shape))
        for row, own in enumerate(flat):
            for j in range(self.shape[1]):
                out[row, :, j] = np.bincount(codes[there], own * z[there, j], self.shape[0])
        return out.reshape(*slopes.shape[:-1], *self.shape)


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
