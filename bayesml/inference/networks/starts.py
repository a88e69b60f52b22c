"""Where the training of a network starts. See docs/theory/network.md, "The noise as an output"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import Distribution, Flat
from bayesml.errors import IncompatibleModelError
from bayesml.inference.networks.local import Near, linearised, network_of
from bayesml.inference.networks.scales import Hyperprior, NetworkScales
from bayesml.inference.networks.settings import CALM, Start
from bayesml.likelihoods import Likelihood, Staged
from bayesml.log_joint import Folded, Rows
from bayesml.log_joint.folded import folded
from bayesml.model import Problem
from bayesml.predictors import MLP, Standardisation, flat
from bayesml.priors import Layered
from bayesml.typing import Array

NEAR_ZERO = 0.01
"""Standard deviation of the variance head's weights at the start."""

HEAD_PRECISION = 50.0
"""Prior precision of the variance head's weights at the start, until it is learned."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A network, its rows, and what is assumed of its scales.

    Attributes
    ----------
    rows : Rows or Folded
    hyperprior : Hyperprior
    scales : NetworkScales
    near : callable
        What is kept of the network near a point.
    start : Start
        What the scales are made by.
    features : sequence of str
        Names of the columns.
    """

    rows: Rows | Folded
    hyperprior: Hyperprior
    scales: NetworkScales
    near: Near = linearised
    start: Start = CALM
    features: Sequence[str] = ()

    @property
    def network(self) -> MLP:
        """The network, on standardised rows."""
        network: Any = self.rows.frame.predictor
        inner: MLP = network
        return inner

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the parameters."""
        return self.rows.frame.shapes


def setting_of(problem: Problem, streamed: bool = False, start: Start = CALM) -> Setting:
    """Return the setting of a problem, and refuse a prior that is not one of networks.

    With `streamed` the rows stay where they are.
    """
    network_of(problem)
    prior = problem.prior
    if not isinstance(prior, Layered):  # its groups are those whose scales are tuned by evidence
        raise IncompatibleModelError(f"A network takes Layered() priors, got {shown(prior)}.")
    rows: Rows | Folded = Rows.of(problem) if not streamed else folded(problem)
    groups = prior.groups(problem.shapes, problem.feature_names)
    hyperprior = Hyperprior(prior, groups, problem.inferred, problem.known)
    sd_y = problem.statistics.sd_y or 1.0
    spread = start.noise * sd_y
    noise = dict(rows.likelihood.start(problem.statistics.mean_y, spread)) | problem.known
    scales = NetworkScales(_precision(hyperprior, start), noise)
    return Setting(rows, hyperprior, scales, start=start, features=problem.feature_names)


def _precision(hyperprior: Hyperprior, start: Start) -> Array:
    """Return the precision of every group: known, or the start's."""
    known = hyperprior.prior.precision(hyperprior.groups)
    return np.full_like(known, start.precision) if hyperprior.prior.learned else known


def simplified(setting: Setting, likelihood: Staged, sd_y: float) -> Setting:
    """Return the same network under the simpler likelihood, whose fit training starts from."""
    network, simpler = setting.network, likelihood.simpler
    stated = Standardisation((), (), network.outputs[: len(simpler.outputs(0.0, sd_y))])
    proper = np.isfinite(setting.hyperprior.prior.sd or 1.0)
    priors = {k: v if proper else Flat() for k, v in simpler.default_priors(sd_y).items()}
    noise = simpler.start(0.0, setting.start.noise * sd_y)
    return _under(setting, replace(network, standardisation=stated), simpler, priors, {}, noise)


def without_hidden(setting: Setting) -> Setting:
    """Return the linear model that the network is without hidden layers, noise and all."""
    hyperprior, linear = setting.hyperprior, replace(setting.network, hidden=(), skip=False)
    priors, known, noise = hyperprior.parameter_priors, hyperprior.known, setting.scales.values
    return _under(setting, linear, setting.rows.likelihood, priors, known, noise)


def _under(
    setting: Setting,
    network: MLP,
    likelihood: Likelihood,
    priors: Mapping[str, Distribution],
    known: Mapping[str, float],
    noise: Mapping[str, float],
) -> Setting:
    """Return another network on the same rows, under another likelihood."""
    shapes, prior = network.shapes(setting.rows.n), setting.hyperprior.prior
    p = flat.size(shapes)
    frame = replace(
        setting.rows.frame, predictor=network, shapes=shapes, start=np.zeros(p), scale=np.ones(p)
    )
    features = setting.features if prior.relevance else ()
    hyperprior = Hyperprior(prior, prior.groups(shapes, features), priors, known)
    scales = NetworkScales(_precision(hyperprior, setting.start), noise)
    rows = setting.rows.under(frame, likelihood)
    return replace(setting, rows=rows, hyperprior=hyperprior, scales=scales, features=features)


def continuation(
    setting: Setting, simpler: Setting, x: Array, scales: NetworkScales, rng: np.random.Generator
) -> tuple[Array, NetworkScales]:
    """Return where training starts from the fit of the simpler likelihood."""
    if len(simpler.network.outputs) < len(setting.network.outputs):
        return with_variance_head(setting, simpler, x, scales, rng)
    return x, NetworkScales(scales.precision, setting.scales.values)


def with_variance_head(
    setting: Setting, simpler: Setting, x: Array, scales: NetworkScales, rng: np.random.Generator
) -> tuple[Array, NetworkScales]:
    """Add the second output to a homoscedastic fit: weights near zero, bias at log σ̂ (M14)."""
    network = setting.network
    parameters = {k: v.copy() for k, v in flat.split(x, simpler.shapes).items()}
    weights, biases = f"weights_{network.depth}", f"biases_{network.depth}"
    centre, scale = network.outputs[1]
    row = NEAR_ZERO * rng.standard_normal(parameters[weights].shape)
    bias = (np.log(scales.values["sigma"]) - centre) / scale
    parameters[weights] = np.concatenate([parameters[weights], row])
    parameters[biases] = np.append(parameters[biases], bias)
    known = dict(zip(simpler.hyperprior.groups.names, scales.precision, strict=True))
    first = {weights: f"{weights}[0]", biases: f"{biases}[0]"}
    first |= {f"{weights}[inputs]": f"{weights}[0, inputs]"}
    known |= {name: known[one] for one, name in first.items() if one in known}
    start = setting.scales.precision.copy()
    if setting.hyperprior.prior.learned:
        known |= dict.fromkeys((f"{weights}[1]", f"{weights}[1, inputs]"), HEAD_PRECISION)
        for k, name in enumerate(setting.hyperprior.groups.names):
            start[k] = known.get(name, start[k])
    return flat.join(parameters, setting.shapes), NetworkScales(start, setting.scales.values)
