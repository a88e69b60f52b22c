"""Estimates at infinity, where a likelihood grows without end in one of its parameters.

Derived in docs/theory/student_t_likelihood.md, (T5) to (T7).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bayesml.inference.base import Learned
from bayesml.likelihoods import HasLimit, Limit
from bayesml.log_joint import log_joint
from bayesml.model import Problem
from bayesml.posteriors import PointEstimate

ROUNDING = 1e-12
"""Relative difference of two log densities that says nothing about which is larger."""


def limit_of(problem: Problem) -> Limit | None:
    """Return what is left as a parameter without a proper prior goes to infinity, if anything."""
    likelihood = problem.declared.likelihood
    if not isinstance(likelihood, HasLimit):
        return None
    prior = problem.inferred.get(likelihood.limit.parameter)
    return None if prior is None or prior.proper else likelihood.limit


Search = Callable[[Mapping[str, float] | None], Learned]


def inside_or_at_infinity(
    problem: Problem, inside: Search, learn: Callable[[Problem], Learned]
) -> Learned:
    """Return an optimum found inside, or that at infinity if it is no lower (T7).

    Two searches are made inside: from the start, and, if that runs to infinity, from far away.

    Parameters
    ----------
    problem : Problem
    inside : callable
        Searches where all parameters are finite, from multiples of the values at the start.
    learn : callable
        Learns the problem that is left at infinity.
    """
    limit = limit_of(problem)
    if limit is None:
        return inside(None)
    left = replace(problem, declared=replace(problem.declared, likelihood=limit.likelihood))
    outside = learn(left)
    highest = _log_density(left, outside)
    if highest < np.inf:
        for away in (None, limit.away):
            found = inside(away)
            if _log_density(problem, found) > highest + ROUNDING * (1.0 + abs(highest)):
                return found
    return _at_infinity(problem, limit, outside)


def _log_density(problem: Problem, learned: Learned) -> float:
    """Evaluate the log joint density at an estimate; infinite where it grows without bound."""
    values = _estimate(learned).values
    joint = log_joint(problem)
    with np.errstate(all="ignore"):  # where σ = 0 the density has a limit and its terms have none
        x = joint.coordinates.x(problem.frame.unnamed(values), values)
        value = float(joint.log_density(x))
    return np.inf if np.isnan(value) else value


def _at_infinity(problem: Problem, limit: Limit, outside: Learned) -> Learned:
    """Return the estimate at infinity as one of the model that was declared."""
    at, parameter, simpler = _estimate(outside), limit.parameter, type(limit.likelihood).__name__
    infinite = {parameter: np.asarray(np.inf)}
    errors = {**at.standard_errors, **infinite}
    order = [*problem.shapes, *problem.inferred, *problem.hyperparameters]
    posterior = replace(
        at,
        likelihood=problem.model.likelihood,
        values={**at.values, **infinite},
        standard_errors={name: errors[name] for name in order if name in errors},
    )
    why = (
        f"the optimum lies at {parameter} = ∞, since the density increases in {parameter} without "
        f"end: these data look {simpler}; use {simpler}(), or MAP() with the default prior of "
        f"{parameter}"
    )
    how = f"{why}. There: {outside.explanation}"
    return replace(outside, posterior=posterior, resolved=problem.model, explanation=how)


def _estimate(learned: Learned) -> PointEstimate:
    if not isinstance(learned.posterior, PointEstimate):
        raise TypeError(f"A point estimate is needed, got {type(learned.posterior).__name__}.")
    return learned.posterior
