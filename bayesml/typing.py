"""Array types shared by every layer."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "ArrayLike", "Bools", "Integers"]

Array = NDArray[np.floating[Any]]
Integers = NDArray[np.intp]
Bools = NDArray[np.bool_]
