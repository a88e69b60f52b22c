"""Ensembles that stop growing where rows held out are told no better.

Derived in docs/theory/network.md, (M34).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bayesml.data.subset import subset
from bayesml.errors import DataError
from bayesml.inference.base import Learned
from bayesml.inference.networks.heats import gain
from bayesml.model import Problem
from bayesml.typing import Array

AT_A_TIME = 2
"""Members that are added between looks at the rows held out."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that no member has seen.

    Attributes
    ----------
    X : ndarray, shape (m, n)
    y : ndarray, shape (m,)
    weights : ndarray, shape (m,)
        How often every row counts, one on average.
    """

    X: Array
    y: Array
    weights: Array

    def densities(self, members: Iterable[Learned]) -> Array:
        """Return log densities of the rows by the equal mixture of members."""
        each = [one.posterior.predict(self.X).log_prob(self.y) for one in members]
        mixed: Array = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
        return mixed * self.weights

    def still_gains(self, before: Mapping[int, Learned], now: Mapping[int, Learned]) -> bool:
        """Say whether members that were added tell the rows better than before (M34)."""
        if not before:
            return True
        return gain(self.densities(now.values()), self.densities(before.values())) > 1.0


def set_aside(problem: Problem, share: float, rng: np.random.Generator) -> tuple[Problem, HeldOut]:
    """Return the problem of most of the rows, and the others."""
    data = problem.data
    if not data.in_memory:
        raise DataError(
            f"Ensemble(held_out={share:g}) sets rows aside, and these are {data.whereabouts}, "
            "block by block. Hold rows in memory, or use held_out=0."
        )
    order, held = rng.permutation(data.m), max(1, round(share * data.m))
    if held >= data.m:
        raise DataError(
            f"Ensemble(held_out={share:g}) leaves no rows to learn from: there are {data.m}. Use "
            "held_out=0."
        )
    rows, others = np.sort(order[:held]), np.sort(order[held:])
    w = data.row_weights[rows]
    aside = HeldOut(data.X[rows], data.y[rows], w / w.mean())
    return problem.model.resolve(subset(data, others)), aside
