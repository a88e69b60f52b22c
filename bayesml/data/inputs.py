"""From what the user gives to arrays that belong together: X, y and weights, checked and named."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import shown
from bayesml.data import frames
from bayesml.data.blocks import read_only
from bayesml.data.checks import require_finite, require_unique, require_weights, two_dimensional
from bayesml.data.messages import Labels, plural
from bayesml.errors import DataError


def named_matrix(
    X: Any, names: Sequence[str] | None, labels: Labels
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Read X as a finite float matrix with at least one row, and name its columns."""
    if frames.is_frame(X):
        if names is not None:
            raise DataError("feature_names are for arrays; rename the columns of the frame instead")
        called = frames.column_names(X)
        matrix = frames.matrix(X, called, "X")
    else:
        matrix = two_dimensional(X, "X")
        called = array_names(names, matrix.shape[1])
    if not len(matrix):
        raise DataError("X has no rows; there is nothing to learn from")
    require_finite(matrix, "X", called, labels)
    return read_only(matrix), called


def array_names(names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    """Check the names of the n columns of an array, or make them up."""
    if names is None:
        return tuple(f"x{j}" for j in range(n))
    if isinstance(names, str) or not all(names) or set(map(type, names)) - {str}:
        raise DataError(f"feature_names is {shown(names)}; one non-empty string a column is needed")
    if len(names) != n:
        raise DataError(f"X has {plural(n, 'column')} but there are {len(names)} feature_names")
    require_unique(names, "feature_names")
    return tuple(names)


def vector(value: Any, what: str, m: int, labels: Labels) -> NDArray[np.float64]:
    """Read one finite float64 number for each of m rows."""
    array = frames.numbers(value, what)
    if array.ndim != 1:
        hint = f"; flatten it with {what}[:, 0]" if array.shape[1:] == (1,) else ""
        raise DataError(f"{what} has shape {array.shape}, but one number a row is needed{hint}")
    if len(array) != m:
        raise DataError(f"X has {plural(m, 'row')} but {what} has {plural(len(array), 'value')}")
    require_finite(array, what, labels=labels)
    return read_only(np.asarray(array, dtype=np.float64))


def target_vector(
    value: Any, m: int, labels: Labels
) -> tuple[NDArray[np.float64], tuple[Any, ...] | None]:
    """Read a target of numbers, or the numbers of its classes where it holds text, and these."""
    array = np.asarray(value)
    if array.ndim != 1 or not len(array) or not all(isinstance(v, str) for v in array.flat):
        return vector(value, "y", m, labels), None
    declared = getattr(getattr(value, "dtype", None), "categories", None)
    used = set(array.tolist())
    order = sorted(used) if declared is None else [str(c) for c in declared if c in used]
    number = {level: float(k) for k, level in enumerate(order)}
    numbers = np.array([number[level] for level in array.tolist()])
    return vector(numbers, "y", m, labels), tuple(order)


def weights_vector(value: Any, m: int, labels: Labels) -> NDArray[np.float64] | None:
    """Read observation weights, non-negative and not all zero; None stays None."""
    if value is None:
        return None
    weights = vector(value, "observation_weights", m, labels)
    require_weights(weights, labels)
    return weights


def common_labels(parts: Mapping[str, Any]) -> NDArray[Any] | None:
    """Find the row labels of pandas parts, which have to agree: rows are matched by position.

    Raises
    ------
    DataError
        If two parts have different pandas indexes, so that their rows may not belong together.
    """
    indexed = {name: part for name, part in parts.items() if frames.has_index(part)}
    for (first, one), (second, other) in pairwise(indexed.items()):
        if len(one) == len(other) and not one.index.equals(other.index):
            raise DataError(
                f"{first} and {second} have different pandas indexes, so their rows may not belong "
                f"together; use {second}.loc[{first}.index], or {second}.to_numpy() if they do"
            )
    return next((frames.index_labels(part) for part in indexed.values()), None)
