"""Estimates at the end of a parameter's range, where a likelihood does not fall off.

Derived in docs/theory/student_t_likelihood.md, (T5) to (T7).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bayesml.distributions import Distribution
from bayesml.inference.base import Learned
from bayesml.likelihoods import HasLimits, Limit
from bayesml.log_joint import log_joint
from bayesml.model import Problem
from bayesml.posteriors import PointEstimate

ROUNDING = 1e-12
"""Relative difference of two log densities that says nothing about which is larger."""

NEAR = np.array([1e-150, 1e-300])
"""Distances from an end at which a prior that reaches it has the same density."""


def limits_of(problem: Problem) -> tuple[Limit, ...]:
    """Return what is left as parameters go where their priors do not hold them back."""
    likelihood = problem.declared.likelihood
    if not isinstance(likelihood, HasLimits):
        return ()
    priors = problem.inferred
    return tuple(
        limit
        for limit in likelihood.limits
        if limit.parameter in priors and np.isfinite(_prior_at(priors[limit.parameter], limit))
    )


def _prior_at(prior: Distribution, limit: Limit) -> float:
    """Return the log density of a prior at a limit, −∞ where it holds the parameter back (X6)."""
    if np.isinf(limit.value):
        return -np.inf if prior.proper else 0.0
    near, nearer = prior.log_density(limit.value + NEAR)
    return float(nearer) if abs(nearer - near) < ROUNDING else -np.inf


Search = Callable[[Mapping[str, float] | None], Learned]
Height = Callable[[Problem, Learned], float]
"""The log density that is maximised, at an estimate."""


def inside_or_at_an_end(
    problem: Problem,
    inside: Search,
    learn: Callable[[Problem], Learned],
    height: Height | None = None,
) -> Learned:
    """Return an optimum found inside, or that at an end of a parameter if it is no lower (T7).

    Searches are made inside: from the start, and, if that runs to an end, from far away.

    Parameters
    ----------
    problem : Problem
    inside : callable
        Searches where all parameters are within, from multiples of the values at the start.
    learn : callable
        Learns the problem that is left at an end.
    height : callable, optional
        Evaluates what is maximised; None for the log joint density.
    """
    height = height or _log_density
    limits = limits_of(problem)
    if not limits:
        return inside(None)
    ends = [_learned_at(problem, limit, learn, height) for limit in limits]
    highest, limit, outside = max(ends, key=lambda end: end[0])
    if highest < np.inf:
        for away in (None, *(limit.away for limit in limits)):
            found = inside(away)
            if height(problem, found) > highest + ROUNDING * (1.0 + abs(highest)):
                return found
    return _at_the_end(problem, limit, outside)


def _learned_at(
    problem: Problem, limit: Limit, learn: Callable[[Problem], Learned], height: Height
) -> tuple[float, Limit, Learned]:
    """Learn the problem that is left at an end, with its log density there."""
    left = replace(problem, declared=replace(problem.declared, likelihood=limit.likelihood))
    outside = learn(left)
    there = _prior_at(problem.inferred[limit.parameter], limit)
    return height(left, outside) + there, limit, outside


def _log_density(problem: Problem, learned: Learned) -> float:
    """Evaluate the log joint density at an estimate; infinite where it grows without bound."""
    values = _estimate(learned).values
    joint = log_joint(problem)
    with np.errstate(all="ignore"):  # where σ = 0 the density has a limit and its terms have none
        x = joint.coordinates.x(problem.frame.unnamed(values), values)
        value = float(joint.log_density(x))
    return np.inf if np.isnan(value) else value


def _at_the_end(problem: Problem, limit: Limit, outside: Learned) -> Learned:
    """Return the estimate at an end as one of the model that was declared."""
    at, parameter = _estimate(outside), limit.parameter
    order = list(problem.shapes_inferred)
    errors = {**at.standard_errors, parameter: np.asarray(np.inf)}
    posterior = replace(
        at,
        likelihood=problem.model.likelihood,
        values={**at.values, parameter: np.asarray(limit.value)},
        standard_errors={name: errors[name] for name in order if name in errors},
    )
    how = f"{_why(limit)}. There: {outside.explanation}"
    return replace(outside, posterior=posterior, resolved=problem.model, explanation=how)


def _why(limit: Limit) -> str:
    parameter, simpler = limit.parameter, type(limit.likelihood).__name__
    if np.isinf(limit.value):
        return (
            f"the optimum lies at {parameter} = ∞, since the density increases in {parameter} "
            f"without end: these data look {simpler}; use {simpler}(), or MAP() with the default "
            f"prior of {parameter}"
        )
    return (
        f"the optimum lies at {parameter} = {limit.value:g}, since the density does not fall off "
        f"towards it: these data look {simpler}; use {simpler}(), or NUTS() with the default prior "
        f"of {parameter}"
    )


def _estimate(learned: Learned) -> PointEstimate:
    if not isinstance(learned.posterior, PointEstimate):
        raise TypeError(f"A point estimate is needed, got {type(learned.posterior).__name__}.")
    return learned.posterior
