"""Labels of rows as plain JSON and back: numbers, text, and points or spans of time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def stored_labels(labels: NDArray[Any]) -> Any:
    """Write labels as numbers or text; times by their unit, exactly.

    >>> stored_labels(np.array(["2024-01-31"], dtype="datetime64[D]"))
    {'unit': 'datetime64[D]', 'counts': [19753]}
    """
    if labels.dtype.kind in "mM":
        return {"unit": str(labels.dtype), "counts": labels.astype(np.int64).tolist()}
    plain = labels.tolist()
    return [x if isinstance(x, bool | int | float | str) else str(x) for x in plain]


def labels_from(stored: Any) -> NDArray[Any]:
    """Read what `stored_labels` wrote.

    >>> labels_from({"unit": "datetime64[D]", "counts": [19753]})
    array(['2024-01-31'], dtype='datetime64[D]')
    """
    if isinstance(stored, dict):
        return np.asarray(stored["counts"], dtype=np.int64).view(stored["unit"])
    return np.asarray(stored)
