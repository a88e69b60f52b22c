"""The one verb that learns."""

import warnings
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import ConvergenceWarning, DataError, IncompatibleModelError
from bayesml.inference import NUTS, Auto, Method
from bayesml.model import Model, Problem
from bayesml.results.fit import Fit


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
    if isinstance(chosen, type) or not hasattr(chosen, "learn"):
        name = chosen.__name__ if isinstance(chosen, type) else repr(chosen)
        raise IncompatibleModelError(
            f"fit: method must be an inference method, got {name}. For instance Exact(), MLE(), "
            "MAP(), NUTS() or Auto(), with parentheses."
        )
    seed = seed_of(rng)
    start = perf_counter()
    return learn(model, model.resolve(data), chosen, seed, start)


def resume(earlier: Fit, draws: int) -> Fit:
    """Sample on from where a fit stopped."""
    method = earlier.method.otherwise if isinstance(earlier.method, Auto) else earlier.method
    if not isinstance(method, NUTS):
        raise IncompatibleModelError(
            f"resume: {method!r} does not sample, so there is nothing to go on with. "
            "Fit with NUTS()."
        )
    if not earlier.learned.sample_stats:
        raise IncompatibleModelError(
            f"resume: the answer was not sampled, so there is nothing to go on with. Fit with "
            f"NUTS(); this fit is {earlier.explanation}."
        )
    start, length = perf_counter(), next(iter(earlier.learned.sample_stats.values())).shape[1]
    problem = Problem(earlier.resolved, earlier.data, earlier.statistics)
    seed = int(np.random.default_rng([earlier.seed, 5, length]).integers(2**31))
    learned = replace(method, draws=draws).resume(problem, earlier.learned, seed)
    elapsed = earlier.elapsed + perf_counter() - start
    return _checked(replace(earlier, learned=learned, elapsed=elapsed))


def learn(model: Model, problem: Problem, method: Method, seed: int, start: float) -> Fit:
    """Learn a problem, check the answer, and warn where a check failed."""
    learned = method.learn(problem, np.random.default_rng(seed))
    elapsed = perf_counter() - start
    return _checked(Fit(model, problem.data, method, learned, problem.statistics, seed, elapsed))


def _checked(result: Fit) -> Fit:
    report = result.check()
    if not report.passed:
        warnings.warn(
            "Checks of this fit failed; see fit.check(). " + " ".join(report.failures),
            ConvergenceWarning,
            stacklevel=4,
        )
    return result


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
