"""The one verb that learns."""

from typing import Any

import numpy as np

from bayesml.arguments import seed_of, shown
from bayesml.data import Data
from bayesml.errors import IncompatibleModelError
from bayesml.inference import Auto, Method
from bayesml.model import Model, require_model
from bayesml.results.fit import Fit, learn


def fit(
    model: Model,
    data: Data,
    method: Method | None = None,
    *,
    rng: int | np.random.Generator | None = None,
) -> Fit:
    """Learn a model from data.

    Parameters
    ----------
    model : Model
        The declaration.
    data : Data
        The examples.
    method : Method
        How to learn: ``Auto()`` (the default), ``Exact()``, ``MLE()``, ``MAP()``, ``NUTS()``, ….
    rng : int, Generator or None
        Seed of everything random. None takes a fresh one, kept in ``fit.seed``.

    Returns
    -------
    Fit
        The same type for every method.

    Raises
    ------
    IncompatibleModelError
        If the method does not apply; the message says what does.
    DataError
        If the data cannot carry the model.

    Warns
    -----
    ConvergenceWarning
        If a check of the answer failed.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    >>> print(bm.fit(bm.Model(), data, bm.MLE()).explanation)
    least squares by orthogonal factors of the centred data
    """
    require_model(model, data, "fit")
    chosen: Any = Auto() if method is None else method
    if isinstance(chosen, type) or not isinstance(chosen, Method):
        raise IncompatibleModelError(
            f"fit: method must be an inference method, got {shown(chosen)}. For instance Exact(), "
            "MLE(), MAP(), NUTS() or Auto(), with parentheses."
        )
    return learn(model, data, chosen, seed_of(rng))
