"""Members of an ensemble that are trained in one batched computation."""

import numpy as np

from bayesml.inference.base import Learned, Method
from bayesml.inference.map import MAP
from bayesml.inference.mixture import agreement
from bayesml.inference.mle import MLE
from bayesml.inference.networks.functions import unlearned
from bayesml.inference.networks.mode import joint_objective
from bayesml.inference.networks.starts import setting_of
from bayesml.inference.point import NO_EVIDENCE
from bayesml.log_joint import Coordinates, Members
from bayesml.model import Problem
from bayesml.optimizers import Optimizer, minimize
from bayesml.posteriors import PointEstimate
from bayesml.posteriors.ensemble import EnsemblePosterior
from bayesml.predictors import flat
from bayesml.typing import Array


def batched(member: Method | tuple[Method, ...]) -> Optimizer | None:
    """Return the optimizer that trains all members in one computation, if there is one."""
    if not isinstance(member, MLE | MAP) or member.training.held_out > 0:
        return None
    optimizer = member.optimizer
    return optimizer if optimizer is not None and optimizer.traits.coordinatewise else None


def trained_at_once(
    problem: Problem, members: int, optimizer: Optimizer, rng: np.random.Generator
) -> Learned:
    """Train all members by one stream of steps."""
    setting = setting_of(problem)
    single, at_once = joint_objective(setting, setting.rows), (members,)
    starts = flat.join(setting.network.start(problem.data.n, rng, at_once), setting.shapes)
    at = single.joint.coordinates
    x = np.hstack([starts, np.zeros((members, at.size - at.p))])
    objective = Members(single, members)
    optimum = minimize(optimizer, objective, x.ravel(), rng=rng)
    table = np.asarray(optimum.x, dtype=np.float64).reshape(members, -1)
    points = tuple(_point(problem, at, row) for row in table)
    notes = () if optimum.converged else (f"Training did not converge: {optimum.reason}.",)
    posterior = EnsemblePosterior(problem.model.predictor, points)
    return Learned(
        posterior,
        problem.model,
        f"equal mixture of {members} members by {optimizer!r}, {optimum.iterations} iterations in "
        f"one batched computation: {optimum.reason}",
        NO_EVIDENCE,
        {
            "gradient_norm": optimum.gradient_norm / float(np.sqrt(members)),
            "iterations": float(optimum.iterations),
        }
        | agreement(problem, posterior)
        | unlearned(problem, posterior),
        notes,
        optimum.loss_curve * single.weight / members,
    )


def _point(problem: Problem, at: Coordinates, x: Array) -> PointEstimate:
    """Return one member, without standard errors."""
    inferred = at.named(x)
    unknown = {name: np.full(np.shape(v), np.nan) for name, v in inferred.items()}
    known = {name: np.asarray(value) for name, value in at.known.items()}
    model = problem.model
    return PointEstimate(model.predictor, model.likelihood, inferred | known, unknown, np.inf)
