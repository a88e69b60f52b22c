"""What the answers of a network are judged by: function values and residuals, never weights.

Derived in docs/theory/network.md, "What is checked".
"""

import numpy as np

from bayesml.likelihoods import OfClasses
from bayesml.model import Problem
from bayesml.posteriors import Posterior
from bayesml.predictors import Network
from bayesml.typing import Array

MOST_ROWS = 50
"""Rows of the data, evenly spread, at which function values are compared."""

MOST_RESIDUALS = 500
"""Rows, evenly spread, at which residuals and densities are looked at."""

FEWEST_RESIDUALS = 20
"""Rows below which neighbours say nothing."""

BEYOND = 3.0
"""Standard errors of a correlation that chance is allowed."""


def rows_to_compare(problem: Problem) -> Array | None:
    """Return rows of X for a network; None where parameters themselves are identified."""
    if not isinstance(problem.model.predictor, Network):
        return None
    return spread_rows(problem, MOST_ROWS)[0]


def spread_rows(problem: Problem, most: int) -> tuple[Array, Array]:
    """Return rows of X and y, evenly spread over the first block of the data."""
    block = next(iter(problem.data.blocks()))
    m = len(block.y)
    rows = np.linspace(0, m - 1, min(most, m)).astype(np.intp)
    return np.asarray(block.X[rows], dtype=np.float64), np.asarray(block.y[rows])


def unlearned(problem: Problem, posterior: Posterior) -> dict[str, float]:
    r"""Return how alike the residuals of neighbouring rows are, beyond what chance does (M32).

    .. math:: \max\Bigl(0,\ \frac{\sum_i z_i z_{j(i)}}{\sum_i z_i^2} - 3\sqrt{2/m}\Bigr)

    with z the standardised residuals and j(i) the row nearest to row i, features standardised.
    """
    likelihood = problem.model.likelihood
    several = isinstance(likelihood, OfClasses) and len(likelihood.classes or ()) > 2
    linear = len(problem.shapes) <= 2  # the shape of its answer is the model's, not the training's
    if several or linear or not problem.data.has_rows or problem.data.m < FEWEST_RESIDUALS:
        return {}
    from scipy.spatial import cKDTree

    X, y = spread_rows(problem, MOST_RESIDUALS)
    X, first = np.unique(X, axis=0, return_index=True)  # a row that is repeated is no neighbour
    if len(X) < FEWEST_RESIDUALS:
        return {}
    y, p = y[first], posterior.predict(X)
    z = (y - p.mean) / p.sd
    spread = np.std(X, axis=0)
    A = X / np.where(spread > 0, spread, 1.0)
    nearest = cKDTree(A).query(A, k=2)[1]
    other = np.where(nearest[:, 0] == np.arange(len(z)), nearest[:, 1], nearest[:, 0])
    alike = float(np.sum(z * z[other]) / np.sum(z * z))
    return {"unlearned": max(alike - BEYOND * float(np.sqrt(2.0 / len(z))), 0.0)}
