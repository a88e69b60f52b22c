"""The last layer of a trained network, learned again as the linear model that it is."""

import numpy as np

from bayesml.inference.networks.examples import Examples, network_of
from bayesml.inference.networks.mode import Mode
from bayesml.inference.networks.scales import ByEvidence, Hyperprior, Scales
from bayesml.inference.networks.starts import Setting
from bayesml.inference.networks.training import train
from bayesml.model import Problem
from bayesml.optimizers import LevenbergMarquardt
from bayesml.posteriors import LinearisedPosterior
from bayesml.posteriors.last_layer import LastLayerPosterior
from bayesml.predictors import MLP, flat
from bayesml.priors import Groups


def last_layer(problem: Problem, mode: Mode) -> tuple[LastLayerPosterior, float]:
    """Return the posterior of the last layer, its scales tuned, and its log evidence.

    The network's last layer is `MLP(hidden=())` on the features, so that training, evidence and
    prediction are those of any network.
    """
    setting = mode.setting
    network, examples = setting.examples.network, setting.examples
    features = np.asarray(network.features(mode.parameters, examples.A))
    linear = MLP((), network.activation, network.standardisation)
    head = Examples(linear, examples.likelihood, features, examples.y, examples.w)
    prior, whole = setting.hyperprior.prior, setting.hyperprior.groups
    size = flat.size(head.shapes)
    used, members = np.unique(whole.members[-size:], return_inverse=True)
    groups = Groups(tuple(whole.names[k] for k in used), members, np.bincount(members))
    hyperprior = Hyperprior(
        prior, groups, setting.hyperprior.noise_priors, setting.hyperprior.known
    )
    scales = Scales(mode.scales.precision[used], mode.scales.noise)
    start = Setting(head, hyperprior, scales)
    trained = train(head, mode.x[-size:], scales, ByEvidence(hyperprior), LevenbergMarquardt())
    best = trained.best
    answer = Mode(start, best.point.x, best.scales, 0.0, trained.losses, True, "", True)
    posterior = LinearisedPosterior(
        linear,
        examples.likelihood,
        answer.parameters,
        answer.point.regression(),
        dict(best.scales.noise),
        tuple(problem.inferred),
        features.shape[1],
    )
    parameters = flat.split(np.append(mode.x[:-size], best.point.x), examples.shapes)
    return LastLayerPosterior(network_of(problem), parameters, posterior), answer.log_evidence
