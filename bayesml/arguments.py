"""The doors for arguments: one for each kind, used wherever one of that kind is taken.

A message says which argument, what was got and what is needed.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bayesml.errors import StorageError


def path_of(value: Any, what: str, suffixes: Sequence[str] = ()) -> Path:
    """Return a path from what the user gave, with one of these suffixes if any are named.

    Raises
    ------
    StorageError
        If it is no path, an empty one, or ends in something else.

    Examples
    --------
    >>> path_of("fit.nc", "save", (".nc", ".zarr")).name
    'fit.nc'
    """
    if not isinstance(value, str | os.PathLike):
        raise StorageError(f"{what}: the path must be a string or a Path, got {value!r}.")
    text = os.fsdecode(value)
    if not text or "\0" in text:
        raise StorageError(f"{what}: {text!r} is no path. Give the name of a file.")
    path = Path(text)
    if suffixes and path.suffix not in suffixes:
        raise StorageError(f"{what}: {text!r} must end in {' or '.join(suffixes)}.")
    return path
