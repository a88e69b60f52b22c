"""Checksums of what is saved, so that one changed bit is noticed."""

import json
from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from bayesml.errors import StorageError
from bayesml.typing import Array

BYTES = 16
"""Length of a checksum: a change goes unnoticed with a chance of 1 in 2¹²⁸."""


def checksum_of_text(text: str) -> str:
    """Return the checksum of a text."""
    return blake2b(text.encode(), digest_size=BYTES).hexdigest()


def checksum(array: Array) -> str:
    """Return the checksum of the values of an array, their kind and its shape.

    Examples
    --------
    >>> one = np.array([1.0, 2.0])
    >>> checksum(one) == checksum(one.copy()), checksum(one) == checksum(one[:, None])
    (True, False)
    """
    made = blake2b(f"{array.dtype.kind} {array.shape}".encode(), digest_size=BYTES)
    if array.dtype.kind in "biufc":
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        made.update(np.ascontiguousarray(little).tobytes() if little.size else b"")
    else:
        made = blake2b(json.dumps(array.tolist()).encode(), digest_size=BYTES)
    return made.hexdigest()


def require_checksums(arrays: Mapping[str, Array], stated: Mapping[str, str]) -> None:
    """Refuse arrays that are not those that the checksums were made of.

    Raises
    ------
    StorageError
        Naming the first array that is gone or changed.
    """
    for key, made in stated.items():
        if key not in arrays:
            raise StorageError(f"the array {key!r} is gone")
        if checksum(arrays[key]) != made:
            raise StorageError(f"the array {key!r} is not as it was written")
