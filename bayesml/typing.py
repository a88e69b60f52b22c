"""Array types shared by every layer."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "ArrayLike", "Integers"]

Array = NDArray[np.float64]
Integers = NDArray[np.intp]
