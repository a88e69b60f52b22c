"""Where the chains of a network are compared: by function values, never by weights."""

import numpy as np

from bayesml.model import Problem
from bayesml.predictors import Network
from bayesml.typing import Array

MOST_ROWS = 50
"""Rows of the data, evenly spread, at which function values are compared."""


def rows_to_compare(problem: Problem) -> Array | None:
    """Return rows of X for a network; None where parameters themselves are identified."""
    if not isinstance(problem.model.predictor, Network):
        return None
    return spread_rows(problem)


def spread_rows(problem: Problem) -> Array:
    """Return rows of X, evenly spread over the first block of the data."""
    block = next(iter(problem.data.blocks()))
    m = len(block.y)
    rows = np.linspace(0, m - 1, min(MOST_ROWS, m)).astype(np.intp)
    return np.asarray(block.X[rows], dtype=np.float64)
