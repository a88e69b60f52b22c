"""The probability of every class at every draw: how uncertain probabilities are."""

import numpy as np

from bayesml.distributions import FiniteSupport
from bayesml.errors import DataError
from bayesml.results.answer import Answer
from bayesml.results.datatree import noise_of
from bayesml.results.export import parameter_draws
from bayesml.typing import Array

DRAWS = 2_000
"""Of an exact answer; a sampled one has its own, and a point estimate is one."""


def class_probability_draws(answer: Answer, X: Array) -> Array:
    """Evaluate P(y = k | x, θ) at draws of θ, shape (draws, K, rows).

    Raises
    ------
    DataError
        If the target has no classes.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0], [3.0]], ["a", "b", "c", "a"])
    >>> fit = bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MAP())
    >>> p = class_probability_draws(fit, np.array([[0.0], [1.0]]))
    >>> p.shape, bool(np.allclose(p.sum(axis=1), 1.0))
    ((1, 3, 2), True)
    """
    model = answer.learned.resolved
    support = model.likelihood.support
    if not isinstance(support, FiniteSupport) or support.size is None:
        raise DataError("the target has no classes, so that there are no probabilities of them")
    values = parameter_draws(answer, 1, DRAWS)
    eta, noise = answer.learned.posterior.eta(values, X), noise_of(model, values)
    log_p = [model.likelihood.log_density(float(k), eta, noise) for k in range(support.size)]
    chains_and_draws = np.exp(np.stack(log_p, axis=-2))
    return np.asarray(chains_and_draws.reshape(-1, support.size, len(X)))
