"""Python values as plain JSON and back, exactly: what transformations learned, factor levels."""

import math
from typing import Any

import numpy as np

from bayesml.errors import DataError


def to_json(value: Any) -> Any:
    """Write `value` as strings, numbers, lists and dicts; arrays and dicts are tagged.

    >>> to_json({0: np.array([1.5])})
    {'dict': [[0, {'array': [1.5]}]]}

    Raises
    ------
    DataError
        If the value cannot be stored exactly.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and np.isfinite(value).all():
        return {"array": value.tolist()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[to_json(key), to_json(item)] for key, item in value.items()]}
    raise DataError(
        f"a transformation of the formula keeps {value!r}, which cannot be stored with the model; "
        "compute that column before the formula"
    )


def from_json(value: Any) -> Any:
    """Read what `to_json` wrote; numpy scalars come back as Python numbers."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict) and "array" in value:
        return np.array(value["array"])
    if isinstance(value, dict):
        return {from_json(key): from_json(item) for key, item in value["dict"]}
    return value
