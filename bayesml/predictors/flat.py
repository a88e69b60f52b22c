"""Parameters by name as one vector, and back."""

from collections.abc import Mapping
from math import prod

import numpy as np

from bayesml.predictors.activations import Floats

Shapes = Mapping[str, tuple[int, ...]]


def size(shapes: Shapes) -> int:
    """Return the number p of parameters.

    Examples
    --------
    >>> size({"weights_1": (2, 3), "biases_1": (2,)})
    8
    """
    return sum(prod(shape) for shape in shapes.values())


def split(x: Floats, shapes: Shapes) -> dict[str, Floats]:
    """Return views of x by name; axes before the last are batches.

    Examples
    --------
    >>> split(np.arange(3.0), {"weights": (1, 2), "bias": ()})
    {'weights': array([[0., 1.]]), 'bias': array(2.)}
    """
    parameters, start = {}, 0
    for name, shape in shapes.items():
        end = start + prod(shape)
        parameters[name] = x[..., start:end].reshape((*x.shape[:-1], *shape))
        start = end
    return parameters


def join(parameters: Mapping[str, Floats], shapes: Shapes) -> Floats:
    """Return one vector, in the order of the shapes; the inverse of `split`."""
    columns = []
    for name, shape in shapes.items():
        value = np.asarray(parameters[name])
        batch = value.shape[: value.ndim - len(shape)]
        columns.append(value.reshape((*batch, prod(shape))))
    return np.concatenate(columns, axis=-1)
