"""How far rows lie from the data that were learned from. Derived in docs/theory/prediction.md."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bayesml.data import Data
from bayesml.data.statistics import SufficientStatistics
from bayesml.log_joint.least_squares import least_squares
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.prediction import Leverage
from bayesml.posteriors.rows import row_blocks
from bayesml.typing import Array

OUTSIDE = 1e-7
"""The part of a row that no training row has, relative to the row, above which it is new."""


@dataclass(frozen=True, eq=False)
class TrainingLeverage:
    r"""The training data as an ellipsoid: :math:`h(x) = a^\top(A^\top W A)^{-1}a` (P8).

    Attributes
    ----------
    coordinates : LinearCoordinates
    scale : ndarray, shape (p,)
        Norms of the columns.
    seen : ndarray, shape (p, r)
        Maps scaled rows to coordinates in which the training rows are a unit ball.
    unseen : ndarray, shape (p, p − r)
        Directions in which no training row points.
    largest : float
        The largest leverage of a training row.
    numbered : tuple of int
        Columns of numbers of levels of groups, which are no features.
    """

    coordinates: LinearCoordinates
    scale: Array
    seen: Array
    unseen: Array
    largest: float
    numbered: tuple[int, ...] = ()

    def leverage(self, X: Array) -> Array:
        """Evaluate h at the rows of X; infinite where a direction was never seen."""
        out = np.empty(len(X))
        if self.numbered:
            X = X.copy()
            X[:, self.numbered] = 0.0
        for block in row_blocks(len(X), self.coordinates.p):
            A = self.coordinates.rows(X[block]) / self.scale
            h = np.sum((A @ self.seen) ** 2, axis=1)
            new = np.linalg.norm(A @ self.unseen, axis=1)
            out[block] = np.where(new > OUTSIDE * np.linalg.norm(A, axis=1), np.inf, h)
        return out

    def locate(self, X: Array) -> Leverage:
        """Return the leverages of rows beside the largest in training."""
        return Leverage(self.leverage(X), self.largest)


def training_leverage(
    data: Data, statistics: SufficientStatistics, *, intercept: bool
) -> TrainingLeverage:
    """Invert the triangular factor, and read the data once for its furthest row."""
    problem = least_squares(statistics, intercept=intercept)
    norms = np.linalg.norm(problem.M, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    _, singular, Vt = np.linalg.svd(problem.M / scale)
    r = problem.rank.rank
    coordinates = LinearCoordinates(statistics.mean_X, statistics.mean_error[:-1], intercept)
    seen, numbered = Vt[:r].T / singular[:r], data.design.roles.numbered
    found = TrainingLeverage(coordinates, scale, seen, Vt[r:].T, np.inf, numbered)
    return replace(found, largest=max(_largest(found, data)))


def _largest(found: TrainingLeverage, data: Data) -> Iterator[float]:
    for block in data.blocks():
        h = found.leverage(block.X)
        w = block.observation_weights
        yield float(np.max(h if w is None else h[w > 0], initial=0.0))
