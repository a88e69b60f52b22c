"""A linear predictor with effects of groups and curves: η = o + b + xᵀθ + Σₖ zₖᵀ u_{k, g(k)}.

Derived in docs/theory/group_effects.md, (G21), and docs/theory/smooths.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bayesml.data.roles import INTERCEPT, Group, LinearPart, Smooth
from bayesml.data.splines import Spline
from bayesml.errors import IncompatibleModelError
from bayesml.predictors.base import Outputs, Parameters
from bayesml.predictors.frame import Frame
from bayesml.predictors.linear_predictors import KnownColumns, LinearPredictors
from bayesml.predictors.smooths import SmoothPart
from bayesml.typing import Array, Integers

ROUNDING = 1e-12
"""Of correlations, that a draw of one in size leaves them positive definite."""


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

    def correlation(self, parameters: Parameters) -> Array:
        """Return the correlation matrix of the effects of a level at draws, shape (K, d, d)."""
        d, found = self.shape[1], parameters.get(f"correlation[{self.factor}]")
        R = np.zeros((1 if found is None else len(found), d, d)) + np.eye(d)
        for k, (i, j) in enumerate(self.group.pairs):
            R[:, i, j] = R[:, j, i] = 0.0 if found is None else found[:, k]
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

    def pymc(self, effects: Any, X: Any) -> Any:
        """Return zᵀu of the level of every row as a PyMC expression."""
        own, at, total = effects[X[:, self.code].astype("int64")], self.start, 0.0
        for j, term in enumerate(self.group.terms):
            total = total + (own[:, j] if term == INTERCEPT else own[:, j] * X[:, at])
            at += term != INTERCEPT
        return total

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


@dataclass(frozen=True, repr=False)
class Grouped:
    r"""A linear predictor and effects of groups (G21).

    .. math:: \eta_i = o_i + b + x_i^\top\theta + \sum_k z_{ki}^\top u_{k,\,g_k(i)}

    `Linear()` becomes this when it meets data with group terms, ``(days | subject)``, or smooths,
    ``s(x)``. A row whose level has no number, −1, is of the population: no effect is added.

    Parameters
    ----------
    fixed : LinearPredictors
        Without groups.
    groups : tuple of GroupPart
    smooths : tuple of SmoothPart
    """

    fixed: LinearPredictors
    groups: tuple[GroupPart, ...]
    smooths: tuple[SmoothPart, ...] = ()

    def __repr__(self) -> str:
        """Say what it is of, since levels may be a million."""
        return f"Linear() with effects of {', '.join(part.factor for part in self.blocks)}"

    @property
    def blocks(self) -> tuple[GroupPart | SmoothPart, ...]:
        """All that has effects which vary about zero."""
        return (*self.groups, *self.smooths)

    @property
    def has_intercept(self) -> bool:
        """Whether η has an intercept."""
        return self.fixed.has_intercept

    @property
    def part(self) -> LinearPart:
        """The linear part of η."""
        return self.fixed.parts[0]

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "Grouped":
        """Return itself: it was made when the data were met."""
        return self

    def several(self, parts: tuple[LinearPart, ...], known: KnownColumns) -> "Grouped":
        """Return itself: it was made of these."""
        return self

    def frame(self, mean_X: Array, sd_X: Array, outputs: Outputs) -> Frame:
        """Centre the columns of the linear part; effects are counted as they are."""
        own = self.fixed.frame(mean_X, sd_X, outputs)
        size = sum(prod(part.shape) for part in self.blocks)
        shapes = self.shapes(len(mean_X))
        start, scale = np.zeros(size), np.full(size, outputs[0][1] or 1.0)
        return Frame(
            self,
            shapes,
            own.centre,
            None,
            np.concatenate([own.start, start]),
            np.concatenate([own.scale, scale]),
            own.shifts,
        )

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the linear part's parameters, and of the effects of every group."""
        return self.fixed.shapes(n) | {part.name: part.shape for part in self.blocks}

    def dims(self) -> dict[str, list[str]]:
        """Say that effects are of levels and terms, and what else is of terms."""
        out = self.fixed.dims()
        for part in self.blocks:
            out |= part.dims()
        return out

    def coords(self, feature_names: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the names of features, levels and terms."""
        out = self.fixed.coords(feature_names)
        for part in self.blocks:
            out |= part.coords()
        return out

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate η, shape (..., m); rows without a level have no effect."""
        out = self.fixed.eta(parameters, X)
        effects: Any = sum(part.effect(parameters[part.name], X) for part in self.blocks)
        if not self.fixed.known.outputs:
            return np.asarray(out + effects)
        out[0] = out[0] + effects  # what is known beside η, such as trials, has no effects
        return out

    def with_new_levels(
        self, parameters: Parameters, X: Array, rng: np.random.Generator
    ) -> Parameters:
        """Return draws with effects of new levels, which vary as those of known ones (G22)."""
        out = dict(parameters)
        for part in self.groups:
            new = int(part.codes(X).max(initial=-1)) + 1 - part.shape[0]
            if new > 0:
                sd, known = parameters[f"sd[{part.factor}]"], parameters[part.name]
                R = part.correlation(parameters) + ROUNDING * np.eye(part.shape[1])
                root = sd[:, :, None] * np.linalg.cholesky(R)
                noise = rng.standard_normal((len(sd), new, part.shape[1]))
                out[part.name] = np.concatenate([known, noise @ np.swapaxes(root, 1, 2)], axis=1)
        return out

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate (Σᵢ gᵢ, Xᵀg), and Σ zᵢ gᵢ over the rows of every level and curve."""
        out = self.fixed.vjp(parameters, X, cotangent)
        several = cotangent.ndim > 1 and len(self.fixed.known.outputs) > 0
        slopes = cotangent[0] if several else cotangent
        return out | {part.name: part.pullback(slopes, X) for part in self.blocks}

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return η as a PyMC expression, and what is known beside it."""
        found = self.fixed.pymc(pm, parameters, X)
        several = len(self.fixed.known.outputs) > 0
        eta = found[0] if several else found
        for part in self.groups:
            eta = eta + part.pymc(parameters[part.name], X)
        return [eta, *found[1:]] if several else eta

    def columns(self, X: Array) -> Array:
        """Return all columns that η is a combination of, [1 X Z₁ …], in the order of `shapes`."""
        part = self.part
        ones = [np.ones((len(X), 1))] if part.intercept else []
        return np.hstack([*ones, X[:, part.where], *(block.rows(X) for block in self.blocks)])

    def describe(self) -> str:
        """Say the function in words."""
        first, *rest = self.fixed.describe().split("\n")
        effects = [f"effects of {part.factor}" for part in self.groups]
        effects += [part.factor for part in self.smooths]
        return "\n".join([" + ".join([first, *effects]), *rest])

    def by_levels(self) -> Iterator[GroupPart]:
        """Yield the groups, that of most levels first."""
        yield from sorted(self.groups, key=lambda part: -part.shape[0])

    def in_order(self) -> Iterator[GroupPart | SmoothPart]:
        """Yield the groups, that of most levels first, and then the curves."""
        yield from self.by_levels()
        yield from self.smooths


def smooth_parts(
    smooths: tuple[Smooth, ...],
    places: Mapping[str, slice],
    learned: Mapping[str, tuple[Spline, tuple[str, ...]]],
) -> tuple[SmoothPart, ...]:
    """Return the parts of all smooths of the data."""
    return tuple(
        SmoothPart(smooth, places[smooth.label].start, *learned[smooth.label]) for smooth in smooths
    )


def group_parts(
    groups: tuple[Group, ...],
    places: Mapping[str, slice],
    levels: Mapping[str, tuple[str, ...]],
) -> tuple[GroupPart, ...]:
    """Return the parts of all groups of the data."""
    return tuple(
        GroupPart(group, places[group.factor].start, levels[group.factor]) for group in groups
    )
