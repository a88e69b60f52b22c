"""How loops are compiled: by numba, at their first call, and kept beside their file."""

from collections.abc import Callable
from typing import Any, cast

import numba

OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",  # a division that might raise is done one by one
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},  # what is not finite stays so
}


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a function of arrays and numbers when it is first called."""
    return cast(F, numba.njit(**OPTIONS)(function))
