"""The network, and how it is learned, where nothing is said of either: the one place for both."""

from typing import Any

import numpy as np

from bayesml.arguments import seed_of
from bayesml.data import Data
from bayesml.inference.ensemble import Ensemble
from bayesml.inference.langevin import Langevin
from bayesml.inference.laplace import Laplace
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import clearly_better, race
from bayesml.likelihoods import Bernoulli, Categorical, Gaussian, HeteroscedasticStudentT
from bayesml.model import Model
from bayesml.predictors import MLP

WIDEST, NARROWEST, WEIGHTS = 50, 10, 2500
"""Units of the hidden layer, and how many weights it should have at most: steps cost their square
for every row."""

SAMPLED, SOME = 5000, 30_000
"""Rows up to which most members are chains, and up to which any are: a step reads all rows, and the
more there are the nearer the posterior around a mode is to its Gaussian."""

ESS = 20.0
"""Independent function values that a chain should make: a hundred or so in all."""

CHAIN = Langevin(chains=1, steps=4000, ess=ESS)


def network_method(rows: int) -> Ensemble:
    """Return how to learn a network from so many rows: from three modes, around each.

    Examples
    --------
    >>> network_method(1000).members, network_method(100_000).members
    (9, 3)
    """
    if rows <= SAMPLED:
        return Ensemble(9, (Laplace(), CHAIN, CHAIN))
    if rows <= SOME:
        return Ensemble(6, (Laplace(), CHAIN))
    return Ensemble(3, Laplace())


def default_network(data: Data, rng: Any = None) -> Model:
    """Return a network for a table: its width by the number of columns, its noise by the rows.

    Numbers have Gaussian noise, or noise whose scale is predicted and whose tails are learned where
    rows that were held out are told better by it, by more than a standard error of the difference.
    Both are trained on four fifths of at most 3,000 rows, and judged by the same others (M31).
    Classes are learned as classes. What is known of the noise should be stated instead.

    Parameters
    ----------
    data : Data
    rng : int, Generator or None
        Seed of the choice.

    Raises
    ------
    ConvergenceError
        If training diverges under one of them from every start.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.linspace(-2, 2, 60)[:, None]
    >>> data = bm.Data(X, X[:, 0] + 0.1 * np.random.default_rng(0).normal(size=60))
    >>> default_network(data, rng=0).likelihood
    Gaussian(sigma=None)
    """
    width = int(np.clip(WEIGHTS // (data.n + 2), NARROWEST, WIDEST))
    network, classes = MLP((width,)), data.design.classes
    if classes is not None:
        return Model(network, Bernoulli() if len(classes) == 2 else Categorical())
    even, uneven = Model(network, Gaussian()), Model(network, HeteroscedasticStudentT())
    seed = seed_of(rng)
    one, other = (
        race(model.resolve(data), np.random.default_rng(seed), Recipe()) for model in (even, uneven)
    )
    if one is None or other is None:  # too few rows to choose by
        return even
    return uneven if clearly_better(other, one) else even
