"""The one verb that learns."""

from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.inference import Auto, Method
from bayesml.model import Model
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
    if not isinstance(model, Model):
        raise IncompatibleModelError(
            f"fit: model must be a Model, got {model!r}. For instance Model(Linear(), Gaussian())."
        )
    if not isinstance(data, Data):
        raise DataError(
            f"fit: data must be a Data, got {type(data).__name__}. Make one with Data(X, y) or "
            "Data.from_formula('y ~ x', frame)."
        )
    chosen: Any = Auto() if method is None else method
    if isinstance(chosen, type) or not isinstance(chosen, Method):
        name = chosen.__name__ if isinstance(chosen, type) else repr(chosen)
        raise IncompatibleModelError(
            f"fit: method must be an inference method, got {name}. For instance Exact(), MLE(), "
            "MAP(), NUTS() or Auto(), with parentheses."
        )
    return learn(model, data, chosen, seed_of(rng))


def seed_of(rng: Any) -> int:
    """Return a seed from what the user gave, or a fresh one."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if rng is None:
        return int(np.random.default_rng().integers(2**63))
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise IncompatibleModelError(
            f"rng must be a non-negative whole number, a numpy Generator or None, got {rng!r}."
        )
    return int(rng)
