"""Rows beside what draws of an answer say of them (C19), where nothing is asked of a linearisation.

If the model is right, y and the parameters have one joint distribution, and so have y and a
posterior draw. The average of draws has seen y, and is no such draw.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.predictors import Network
from bayesml.results.answer import CRITICISED, Answer, generator
from bayesml.results.criticism.replicas import FEW
from bayesml.results.datatree import noise_of
from bayesml.results.export import so_many_draws
from bayesml.typing import Array, Integers

MOST_ROWS = 2_000
"""Of more rows, so many at random are judged."""

DRAWS = 40


@dataclass(frozen=True, eq=False)
class OwnRows:
    """Some rows, and η of each at some draws.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Which rows of the data these are.
    y, weights : ndarray, shape (m,)
    likelihood : Likelihood
    eta : ndarray, shape (draws, m) or (k, draws, m)
    noise : mapping of name to number or ndarray of shape (draws, 1)
    rng : Generator
    """

    rows: Integers
    y: Array
    weights: Array
    likelihood: Likelihood
    eta: Array
    noise: dict[str, Any]
    rng: np.random.Generator


def own_rows(answer: Answer) -> OwnRows | str:
    """Return the rows at draws, of a point estimate all the same; or say why not."""
    data, posterior, model = answer.data, answer.learned.posterior, answer.learned.resolved
    if isinstance(model.predictor, Network):
        return "a network is close to the rows that it learned from; bm.calibration takes others."
    if not data.in_memory:
        return f"the rows are {data.whereabouts}, not in memory; data.collect() puts them there."
    kept = np.flatnonzero(data.row_weights)
    if len(kept) < FEW:
        return f"{len(kept)} rows show nothing; {FEW} do."
    rng = generator(answer, CRITICISED)
    some = kept if len(kept) <= MOST_ROWS else np.sort(rng.permutation(kept)[:MOST_ROWS])
    values = so_many_draws(answer, DRAWS)
    eta = posterior.eta(values, np.asarray(data.X[some], dtype=np.float64))
    noise = {k: v[0] if np.ndim(v) else v for k, v in noise_of(model, values).items()}
    y, w = np.asarray(data.y)[some], data.row_weights[some]
    return OwnRows(some, y, w, model.likelihood, np.squeeze(eta, axis=-3), noise, rng)
