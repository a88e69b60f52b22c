"""A linear predictor with effects of groups and curves: η = o + b + xᵀθ + Σₖ zₖᵀ u_{k, g(k)}.

Derived in docs/theory/group_effects.md, (G21), and docs/theory/smooths.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bayesml.data.effect_columns import GroupPart, SmoothPart
from bayesml.data.roles import INTERCEPT, LinearPart
from bayesml.predictors.base import Outputs, Parameters
from bayesml.predictors.frame import Frame
from bayesml.predictors.linear_predictors import KnownColumns, LinearPredictors
from bayesml.typing import Array

ROUNDING = 1e-12
"""Of correlations, that a draw of one in size leaves them positive definite."""


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

    def several(self, parts: tuple[LinearPart, ...], known: KnownColumns) -> LinearPredictors:
        """Return the linear part: what has effects, and which levels, other data say anew."""
        return self.fixed.several(parts, known)

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

    def meets_new_levels(self, X: Array) -> bool:
        """Say whether rows have numbers of levels beyond the known ones."""
        return any(np.any(part.codes(X) >= part.shape[0]) for part in self.groups)

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

    def variance_of_new(self, parameters: Parameters, X: Array) -> Array:
        """Return the variance of Σ zᵀu over levels that are new, at draws, shape (..., m) (P42)."""
        total: Any = 0.0
        for part in self.groups:
            sd = np.asarray(parameters[f"sd[{part.factor}]"])
            scaled = part.terms(X) * sd.reshape(*sd.shape[:-1], 1, -1)
            R = part.correlation(parameters)
            total = total + np.sum((scaled @ R) * scaled, axis=-1)
        return np.asarray(total)

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
            eta = eta + _of_group(parameters[part.name], part, X)
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


def _of_group(effects: Any, part: GroupPart, X: Any) -> Any:
    """Return zᵀu of the level of every row as a PyMC expression."""
    own, at, total = effects[X[:, part.code].astype("int64")], part.start, 0.0
    for j, term in enumerate(part.group.terms):
        total = total + (own[:, j] if term == INTERCEPT else own[:, j] * X[:, at])
        at += term != INTERCEPT
    return total
