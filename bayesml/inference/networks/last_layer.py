"""The last layer of a trained network, learned again as the linear model that it is."""

from dataclasses import replace

import numpy as np

from bayesml.inference.networks.local import linearised, network_of
from bayesml.inference.networks.mode import Mode
from bayesml.inference.networks.scales import ByEvidence, Hyperprior, NetworkScales
from bayesml.inference.networks.starts import Setting
from bayesml.inference.networks.training import train
from bayesml.inference.networks.watch import Watch
from bayesml.model import Problem
from bayesml.optimizers import LevenbergMarquardt
from bayesml.posteriors import LinearisedPosterior
from bayesml.posteriors.last_layer import LastLayerPosterior
from bayesml.predictors import Frame, flat
from bayesml.priors import Groups


def last_layer(problem: Problem, mode: Mode) -> tuple[LastLayerPosterior, float]:
    """Return the posterior of the last layer, its scales tuned, and its log evidence.

    The network's last layer is `MLP(hidden=())` on the features, so that training, evidence and
    prediction are those of any network.
    """
    setting, rows = mode.setting, mode.setting.rows.at_hand()
    network = setting.network
    features = np.asarray(network.features(mode.parameters, rows.A))
    linear = replace(network, hidden=(), skip=False)
    shapes = linear.shapes(features.shape[1])
    size = flat.size(shapes)
    frame = Frame(linear, shapes, None, None, np.zeros(size), np.ones(size))
    head = replace(rows, frame=frame, A=features)
    prior, whole = setting.hyperprior.prior, setting.hyperprior.groups
    used, members = np.unique(whole.members[-size:], return_inverse=True)
    groups = Groups(tuple(whole.names[k] for k in used), members, np.bincount(members))
    hyperprior = Hyperprior(
        prior, groups, setting.hyperprior.parameter_priors, setting.hyperprior.known
    )
    scales = NetworkScales(mode.scales.precision[used], mode.scales.values)
    start = Setting(head, hyperprior, scales)
    judge, search = ByEvidence(hyperprior), LevenbergMarquardt()
    trained = train(head, linearised, mode.x[-size:], scales, judge, search, Watch())
    best = trained.best
    answer = Mode(start, best.point.x, best.scales, 0.0, trained.losses, True, "", True)
    posterior = LinearisedPosterior(
        linear,
        rows.likelihood,
        answer.parameters,
        answer.point.regression(),
        dict(best.scales.values),
        tuple(problem.inferred),
        features.shape[1],
    )
    parameters = flat.split(np.append(mode.x[:-size], best.point.x), setting.shapes)
    return LastLayerPosterior(network_of(problem), parameters, posterior), answer.log_evidence
