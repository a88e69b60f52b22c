"""Linear functions of coefficients and all effects of groups and curves, as vectors.

Derived in docs/theory/group_effects.md, (G74).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod

import numpy as np

from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import Grouped
from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class GroupedCoordinates:
    """Coefficients, counted from their origin, and behind them the effects of every block.

    Attributes
    ----------
    linear : LinearCoordinates
    predictor : Grouped
    """

    linear: LinearCoordinates
    predictor: Grouped

    @property
    def p(self) -> int:
        """Number of coefficients and effects."""
        return self.linear.p + sum(prod(part.shape) for part in self.predictor.blocks)

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where the effects of every block are."""
        sizes = [prod(part.shape) for part in self.predictor.blocks]
        ends = np.cumsum([self.linear.p, *sizes]).tolist()
        names = [part.name for part in self.predictor.blocks]
        return {n: slice(*ends) for n, ends in zip(names, pairwise(ends), strict=True)}

    def total(self, X: Array, weights: Array) -> tuple[Array, float]:
        """Return Σ wᵢηᵢ over rows as Aβ + c: A of shape (p,), and c of the offset."""
        offset = self.predictor.fixed.known.offset
        constant = 0.0 if offset is None else float(weights @ X[:, offset])
        own, _ = self.linear.total(X[:, self.predictor.part.where], weights)
        out = np.concatenate([own, np.zeros(self.p - len(own))])
        for part in self.predictor.blocks:
            at = self.places[part.name]
            for block in row_blocks(len(X), part.table[1] if part.table[1] > 1 else part.table[0]):
                out[at] += part.pullback(weights[block], X[block]).ravel()
        return out, constant

    def entries(self, name: str, which: Integers) -> Array | None:
        """Return the functionals that give entries of a parameter, or None if it is a scale."""
        out = np.zeros((len(which), self.p))
        if name in self.places:
            out[np.arange(len(which)), self.places[name].start + which] = 1.0
            return out
        found = self.linear.entries(name, which)
        if found is None:
            return None
        out[:, : self.linear.p] = found
        return out
