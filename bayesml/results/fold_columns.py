"""Columns that the rows of a fold do not determine: the only row of a level may be left out."""

import numpy as np

from bayesml.data import Data
from bayesml.data.array_designs import ArrayDesign
from bayesml.data.roles import Features, Roles
from bayesml.linalg import triangular_factor
from bayesml.typing import Array, Integers

NOTHING = 1e-9
"""Of the length of a column, what may be left of it that earlier ones do not explain."""


def undetermined(data: Data, intercept: bool) -> list[int]:
    """Return the columns of features that are constant or combinations of those before.

    Parameters
    ----------
    data : Data
        In memory, without groups.
    intercept : bool
        Of η; of further predictors it is their own.
    """
    roles, out = data.design.roles, list[int]()
    rows = data.row_weights > 0
    for part in roles.predictors:
        where = roles.places()[part.predictor]
        own = part.has_intercept is not False if part.predictor else intercept
        X = np.asarray(data.X[rows, where], dtype=np.float64)
        out += [where.start + j for j in _dependent(X, own)]
    return out


def _dependent(X: Array, intercept: bool) -> list[int]:
    """Return the columns, in their order, that a constant and those kept before explain."""
    size = np.linalg.norm(X, axis=0)
    A = X - X.mean(axis=0) if intercept else X
    kept, out = list[int](), list[int]()
    for j in range(X.shape[1]):
        left = abs(triangular_factor(A[:, [*kept, j]])[-1, -1]) if len(A) > len(kept) else 0.0
        (kept if left > NOTHING * size[j] else out).append(j)
    return out


def columns_kept(data: Data, left_out: list[int]) -> Integers:
    """Return the other columns of X."""
    return np.setdiff1d(np.arange(data.n), left_out)


def without_columns(data: Data, left_out: list[int]) -> Data:
    """Return the same rows without some columns of features."""
    kept, design = columns_kept(data, left_out), data.design
    roles = design.roles
    parts = []
    for part in roles.predictors:
        first = roles.places()[part.predictor].start
        names = tuple(v for j, v in enumerate(part.names) if first + j not in left_out)
        parts.append(Features(part.predictor, names, part.has_intercept))
    names = tuple(design.feature_names[j] for j in kept)
    less = ArrayDesign(names, design.target_name, Roles(tuple(parts), roles.known), design.classes)
    weights, labels = data.observation_weights, data.row_labels
    return Data.from_checked_arrays(np.asarray(data.X)[:, kept], data.y, weights, less, labels)
