"""The network, and how it is learned, where nothing is said of either: the one place for both.

Derived in docs/theory/network.md, "Which noise".
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bayesml.arguments import seed_of, shown, whole_number
from bayesml.data import Data
from bayesml.errors import DataError
from bayesml.inference.ensemble import Ensemble
from bayesml.inference.langevin import Langevin
from bayesml.inference.laplace import Laplace
from bayesml.inference.networks.heats import Race, gain
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.race import race
from bayesml.inference.networks.settings import Start, Training
from bayesml.inference.networks.training import NOWHERE
from bayesml.likelihoods import (
    Bernoulli,
    Categorical,
    Gaussian,
    HeteroscedasticStudentT,
    Likelihood,
)
from bayesml.model import Model
from bayesml.predictors import MLP
from bayesml.priors import Layered, Prior
from bayesml.stirling import HALF_LOG_2PI

WEIGHTS = 650
"""Weights of a network of two hidden layers: where rows are fewer, there is one layer."""

FEW_WEIGHTS = 400
"""Weights of a network of one hidden layer."""

NARROWEST, WIDEST = 10, 50
"""Units of a hidden layer."""

SAMPLED = 30_000
"""Rows up to which members are chains: a step reads all rows, and the more there are the nearer
the posterior around a mode is to its Gaussian."""

MEMBERS = 4
"""Modes, with one chain around each: neither pairs around one mode nor Gaussians beside them
predicted rows held out better. Eight told the test rows of yacht 0.015 nats better than four."""

FEW, STEPS, ESS = 3000, 4000, 15.0
"""Rows up to which chains take twice the steps, which told rows held out 0.01 to 0.05 nats better;
beyond, they end with so many independent function values each, sixty in all."""

DENSE = 20
"""Rows a column from which on a scale is predicted: of fewer, what the mean fitted away is taken
for small noise."""

REPEATED = 0.02
"""Share of the rows that may be one row: a predicted scale tells that one exactly."""

NOISELESS = 1e-3
"""Of the spread of y: less is no noise, and is not learned."""

EVEN = 4.0
"""Standard errors by which one σ must tell rows held out better than a predicted scale: the
Gaussians by which they are told are less kind to a predicted scale than chains are."""


class DefaultNetwork(NamedTuple):
    """A network for a table, and how it is learned."""

    model: Model
    method: Ensemble


def network_method(rows: int, start: Start | None = None) -> Ensemble:
    """Return how to learn a network from so many rows, from a start that is known or raced for.

    Examples
    --------
    >>> network_method(1000).members, network_method(100_000).members
    (4, 3)
    """
    if rows > SAMPLED:
        return Ensemble(3, Laplace(training=Training(start=start)))
    few = rows <= FEW
    chain = Langevin(1, 2 * STEPS if few else STEPS, start=start, ess=None if few else ESS)
    return Ensemble(MEMBERS, chain)


def hidden_units(m: int, n: int) -> tuple[int, ...]:
    """Return the widths of the hidden layers for so many rows and features.

    Two layers of :data:`WEIGHTS` weights where there are more rows than that, else one layer.

    Examples
    --------
    >>> hidden_units(500, 5), hidden_units(1000, 5), hidden_units(10_000, 100)
    ((50,), (22, 22), (10, 10))
    """
    rows, features = whole_number(m, "m"), 0 if n == 0 else whole_number(n, "n")
    if rows <= WEIGHTS:
        return (int(np.clip(FEW_WEIGHTS // (features + 2), NARROWEST, WIDEST)),)
    inputs = features + 2
    width = (np.sqrt(inputs**2 + 4 * WEIGHTS) - inputs) / 2  # of h (n + 2) + h² weights
    return (int(max(width, NARROWEST)),) * 2


def default_layers(data: Data) -> MLP:
    """Return the layers of a network for a table, and a linear model beside them.

    Examples
    --------
    >>> default_layers(Data([[0.0], [1.0]], [1.0, 2.0])).hidden
    (50,)
    """
    return MLP(hidden_units(data.m, data.n), skip=True)


def default_network(
    data: Data,
    rng: Any = None,
    *,
    network: MLP | None = None,
    likelihood: Likelihood | None = None,
    prior: Prior | None = None,
) -> DefaultNetwork:
    """Return a network for a table, and how to learn it.

    Its width and depth are chosen by the numbers of rows and columns, and a linear model is inside.
    Numbers have noise whose scale is predicted and whose tails are learned, or Gaussian noise where
    there are fewer than twenty rows a column, or rows that were held out are told better by it, by
    more than four standard errors of the difference. Of a target that is told exactly the noise is
    what rows held out are missed by, a thousandth of its spread at least.

    A race of starts (M31) goes on under the noise that is taken, and the fit does not repeat it:
    members take turns where neither start is better. Classes are learned as classes. What is known
    of the network or its noise should be stated instead.

    Parameters
    ----------
    data : Data
    rng : int, Generator or None
        Seed of the choice.
    network : MLP or None
        Stated, where its layers are known.
    likelihood : Likelihood or None
        Stated, where the noise is known; it is needed for counts.
    prior : Prior or None
        Of the weights; None learns their scales.

    Raises
    ------
    ConvergenceError
        If training diverges from every start.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.linspace(-2, 2, 60)[:, None]
    >>> data = bm.Data(X, X[:, 0] + 0.1 * np.random.default_rng(0).normal(size=60))
    >>> model, method = default_network(data, rng=0)
    >>> model.predictor.hidden, method.members
    ((50,), 4)
    """
    if not isinstance(data, Data):
        raise DataError(f"default_network: data must be a Data, got {shown(data)}.")
    layers = default_layers(data) if network is None else network
    classes, seed = data.design.classes, seed_of(rng)
    if likelihood is None and classes is not None:
        likelihood = Bernoulli() if len(classes) == 2 else Categorical()
    if likelihood is None:
        return _of_numbers(Model(layers, Gaussian(), prior or Layered()), data, seed)
    model = Model(layers, likelihood, prior or Layered())
    found = _raced(model, data, seed)
    return DefaultNetwork(model, network_method(data.m, None if found is None else found.start))


def _of_numbers(even: Model, data: Data, seed: int) -> DefaultNetwork:
    """Choose the noise: of one σ, predicted, or what rows held out say where others have none."""
    sd, found = data.statistics.sd_y, None
    try:
        found = _raced(even, data, seed)
    except NOWHERE:
        if sd == 0.0:
            raise
        return _exact(even, data, seed, sd)
    if found is None:
        return DefaultNetwork(even, network_method(data.m))
    if _noiseless(found, sd):
        return _exact(even, data, seed, sd)
    taken = DefaultNetwork(even, network_method(data.m, found.start))
    if data.m < DENSE * data.n or found.repeated >= REPEATED:
        return taken
    uneven = replace(even, likelihood=HeteroscedasticStudentT())
    try:
        other = _raced(uneven, data, seed, found.winners)
    except NOWHERE:
        return taken
    if other is None or gain(found.densities(found.won), other.densities(found.won)) > EVEN:
        return taken  # rows held out are clearly told worse by a predicted scale (M33)
    if _noiseless(other, sd):
        return _exact(even, data, seed, sd)
    start = replace(found.start, foreseen=other.start.foreseen, gain=other.start.gain)
    return DefaultNetwork(uneven, network_method(data.m, start))


def _noiseless(found: Race, sd: float) -> bool:
    """Say whether rows are told as well as by a Gaussian of next to no noise."""
    return bool(found.density > -np.log(NOISELESS * sd) - HALF_LOG_2PI - 0.5)


def _exact(model: Model, data: Data, seed: int, sd: float) -> DefaultNetwork:
    """Take what rows held out are missed by for the noise of a target that has none."""
    exact = replace(model, likelihood=Gaussian(sigma=NOISELESS * sd))
    found = _raced(exact, data, seed)
    if found is None:
        return DefaultNetwork(exact, network_method(data.m))
    noise = Gaussian(sigma=max(NOISELESS * sd, found.missed))
    start = replace(found.start, foreseen=None)
    return DefaultNetwork(replace(exact, likelihood=noise), network_method(data.m, start))


def _raced(model: Model, data: Data, seed: int, begun: Race | None = None) -> Race | None:
    """Race starts; None where there are too few rows to choose by, or there is no choice."""
    return race(model.resolve(data), np.random.default_rng(seed), Recipe(), begun)
