"""Rows summed up to the statistics of [Z | X | y], of a design with effects of groups or curves.

Derived in docs/theory/group_effects.md, (G25).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from bayesml.data.blocks import Block
from bayesml.data.designs import Design, HasGroups, HasSmooths
from bayesml.data.effect_columns import GroupPart, SmoothPart
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.reference import Reference
from bayesml.data.roles import OFFSET, PRECISION
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError, TooLargeError
from bayesml.linalg.arrow import Arrow, Sparse
from bayesml.typing import Array

MOST_NUMBERS = 2**28
"""Numbers that a square matrix of all effects but those of the largest group may hold: 2 GB."""


@dataclass(frozen=True)
class EffectColumns:
    """Which columns of X have effects of groups or curves, and which are of the linear part.

    Attributes
    ----------
    columns : (int, int)
        The first of the linear part, and the one after the last.
    offset, precision : int or None
    numbered : tuple of int
        Those that hold numbers of levels.
    groups : tuple of GroupPart
    smooths : tuple of SmoothPart
    """

    columns: tuple[int, int]
    offset: int | None
    precision: int | None
    numbered: tuple[int, ...]
    groups: tuple[GroupPart, ...]
    smooths: tuple[SmoothPart, ...]

    @classmethod
    def of(cls, design: Design) -> "EffectColumns":
        """Read them off a design."""
        roles = design.roles
        levels = design.group_levels if isinstance(design, HasGroups) else {}
        splines = design.splines if isinstance(design, HasSmooths) else {}
        places, curves = roles.group_places(), roles.smooth_places()
        where = roles.places()[roles.predictors[0].predictor]
        return cls(
            (where.start, where.stop),
            roles.known_places().get(OFFSET),
            roles.known_places().get(PRECISION),
            roles.numbered,
            tuple(GroupPart(g, places[g.factor].start, levels[g.factor]) for g in roles.groups),
            tuple(SmoothPart(s, curves[s.label].start, *splines[s.label]) for s in roles.smooths),
        )

    @property
    def any(self) -> bool:
        """Whether there are groups or curves."""
        return bool(self.groups or self.smooths)

    def by_levels(self) -> Iterator[GroupPart]:
        """Yield the groups, that of most levels first."""
        yield from sorted(self.groups, key=lambda part: -part.shape[0])

    @property
    def beside(self) -> int:
        """Number of effects and columns beside the effects of the largest group."""
        start, stop = self.columns
        groups = [levels * terms for levels, terms in (p.shape for p in self.by_levels())]
        return sum(groups[1:]) + sum(c.table[0] for c in self.smooths) + stop - start + 2

    @property
    def of_levels_held(self) -> int:
        """Numbers that are held of the levels of the largest group, whatever their rows."""
        start, stop = self.columns
        dense = sum(c.table[0] for c in self.smooths) + stop - start + 2
        levels, terms = next((part.shape for part in self.by_levels()), (0, 0))
        return levels * terms * (terms + dense)

    @property
    def fit_in_memory(self) -> bool:
        """Whether the products of effects are not too many."""
        return self.beside**2 <= MOST_NUMBERS and self.of_levels_held <= MOST_NUMBERS

    def require_room(self) -> None:
        """Refuse groups whose matrix would be too large, with its size."""
        if not self.any:
            raise DataError(
                "these data have no effects of groups and no smooths: `statistics` are all that "
                "a linear model needs of them"
            )
        if self.of_levels_held > MOST_NUMBERS:
            part = next(self.by_levels())
            raise TooLargeError(
                f"The {part.shape[0]:,} levels of {part.factor} with {part.shape[1]} terms each "
                f"have products that would take {8e-9 * self.of_levels_held:.3g} GB, and "
                f"{8e-9 * MOST_NUMBERS:.2g} GB is the most. Leave out slopes, which count squared."
            )
        if not self.fit_in_memory:
            raise TooLargeError(
                f"The groups and curves beside the largest group have {self.beside:,} effects, "
                f"whose matrix would take {8e-9 * self.beside**2:.3g} GB. Nested groups and the "
                "one of most levels cost nothing; of others leave the larger out."
            )

    def statistics_of(self, block: Block) -> GroupedStatistics:
        """Sum one block of rows up, in coordinates of its own; blocks add up."""
        statistics = SufficientStatistics.of(block, self.numbered, self.precision)
        start, stop = self.columns
        reference = Reference.of(statistics, stop - start)
        parts = tuple(self.by_levels())
        return GroupedStatistics(
            statistics,
            reference,
            self._arrow(block, reference, parts),
            tuple(part.factor for part in parts),
            tuple(part.levels for part in parts),
            tuple(
                np.bincount(part.codes(block.X), block.row_weights, part.shape[0]) for part in parts
            ),
        )

    def mass(self, block: Block) -> Array:
        """Return what the squares of rows are multiplied by: wᵢpᵢ, of precisions p (G75)."""
        w = block.row_weights
        return w if self.precision is None else w * block.X[:, self.precision]

    def of_levels(self, factor: str, reference: Reference, block: Block) -> Array:
        """Sum [Z₂ | Z₃ | A]ᵀW[Z₂ | Z₃ | A] up over the rows of every level of a factor (G64).

        Z₂ are the effects of all other groups. Shape (levels, s, s).
        """
        X, w = block.X, self.mass(block)
        own = next(part for part in self.groups if part.factor == factor)
        others = [part.rows(X) for part in self.by_levels() if part is not own]
        y = block.y if self.offset is None else block.y - X[:, self.offset]
        curves = [curve.rows(X) for curve in self.smooths]
        A = np.hstack([*others, *curves, reference.columns(X[:, slice(*self.columns)], y)])
        codes, (levels, _) = own.codes(X), own.shape
        out = np.empty((levels, A.shape[1], A.shape[1]))
        for i in range(A.shape[1]):
            for j in range(i + 1):
                out[:, i, j] = np.bincount(codes, w * A[:, i] * A[:, j], levels)
                out[:, j, i] = out[:, i, j]
        return out

    def _arrow(self, block: Block, reference: Reference, parts: tuple[GroupPart, ...]) -> Arrow:
        """Return the products of [Z | X | y], the group of most levels first (G25)."""
        X, w = block.X, self.mass(block)
        y = block.y if self.offset is None else block.y - X[:, self.offset]
        curves = [curve.rows(X) for curve in self.smooths]
        A = np.column_stack([*curves, reference.columns(X[:, slice(*self.columns)], y)])
        Z = [design_of_effects(part, X) for part in parts] or [sp.csr_matrix((len(y), 0))]
        first, others = Z[0], sp.hstack([sp.csr_matrix((len(y), 0)), *Z[1:]]).tocsr()
        weighted = first.multiply(w[:, None]).tocsr()
        shapes = tuple(part.shape for part in parts) or ((0, 1),)
        levels, terms = shapes[0]
        rest = np.empty((others.shape[1] + A.shape[1],) * 2)
        k = others.shape[1]
        own = others.multiply(w[:, None]).tocsr()
        rest[:k, :k] = (own.T @ others).toarray()
        rest[:k, k:] = own.T @ A
        rest[k:, :k] = rest[:k, k:].T
        rest[k:, k:] = (A * w[:, None]).T @ A
        return Arrow(
            _blocks(weighted, first, levels, terms),
            Sparse.of((weighted.T @ others).tocsr()),
            np.asarray(weighted.T @ A).reshape(levels, terms, A.shape[1]),
            rest,
            len(y),
            float(block.row_weights.sum()),
            shapes,
            tuple(z.shape[1] for z in curves),
        )


def design_of_effects(part: GroupPart, X: Array) -> sp.csr_matrix:
    """Return Z, a row of which holds the terms at the place of its level."""
    (levels, terms), m = part.shape, len(X)
    columns = part.codes(X)[:, None] * terms + np.arange(terms)
    start = np.arange(0, m * terms + 1, terms)
    return sp.csr_matrix((part.terms(X).ravel(), columns.ravel(), start), shape=(m, levels * terms))


def _blocks(weighted: sp.csr_matrix, first: sp.csr_matrix, levels: int, terms: int) -> Array:
    """Return ZᵀWZ of the first group, a block for every level."""
    product = (weighted.T @ first).tocoo()
    out = np.zeros((levels, terms, terms))
    out[product.row // terms, product.row % terms, product.col % terms] = product.data
    return out
