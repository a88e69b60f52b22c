"""Some of the rows of data, of the same design."""

from bayesml.data.data import Data
from bayesml.typing import Integers


def subset(data: Data, rows: Integers) -> Data:
    """Return the rows of these numbers, which are in memory.

    Examples
    --------
    >>> subset(Data([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0]), [0, 2]).y
    array([1., 3.])
    """
    weights, labels = data.observation_weights, data.row_labels
    return Data.from_checked_arrays(
        data.X[rows],
        data.y[rows],
        None if weights is None else weights[rows],
        data.design,
        None if labels is None else labels[rows],
    )
