"""NUTS of models with effects of groups: of the scales alone, or of effects in units of them.

Derived in docs/theory/group_effects.md, (G38) and (G39).
"""

from collections.abc import Mapping
from functools import partial

import numpy as np

from bayesml.arguments import require_memory
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.engines import Direct, Settings, stated
from bayesml.inference.group_identification import refuse_endless_posterior
from bayesml.inference.groups import (
    group_prior,
    grouped,
    marginal_of,
    not_gaussian_groups,
)
from bayesml.log_joint.group_joint import group_joint
from bayesml.log_joint.group_marginal import GroupMarginal
from bayesml.model import Problem
from bayesml.posteriors import SampledPosterior
from bayesml.posteriors.grouped import GroupedPosterior
from bayesml.predictors import Grouped
from bayesml.samplers import sample
from bayesml.samplers.lattice import central, peak_of
from bayesml.typing import Array

STEP = 1e-5
NO_EVIDENCE = "NUTS does not compute it. Use Exact() where it applies."


def sample_groups(problem: Problem, settings: Settings, rng: np.random.Generator) -> Learned:
    """Sample the posterior of a model with effects of groups."""
    prior = group_prior(problem)
    if not prior.proper:
        raise ImproperPosteriorError(
            "The posterior is improper: a standard deviation of effects of groups has a flat "
            "prior. State a proper one, Hierarchical(groups={...: GroupEffects(HalfNormal(1))})."
        )
    require_memory(
        float(settings.chains) * settings.draws * problem.size,
        f"{settings.chains:,} chains of {settings.draws:,} draws of {problem.size:,} parameters",
        "take fewer draws, or use a method that draws nothing: Exact() or MLE()",
    )
    if not isinstance(settings.engine, Direct):
        drawn = settings.engine.sample(problem, settings, _seed(rng))
        how = f"{_described(settings)}, {drawn.how}, effects in units of their scales"
        return _learned(problem, settings, drawn.chains, drawn.statistics, how)
    if not_gaussian_groups(problem) is None:
        return _of_scales(problem, settings, rng)
    if not problem.data.in_memory:
        raise IncompatibleModelError(
            f"NUTS() evaluates every row some ten thousand times, and {problem.data.m:,} rows are "
            f"{problem.data.source.whereabouts}. Use data.collect() where they fit into memory."
        )
    joint = group_joint(problem, grouped(problem), prior)
    unit = problem.model.likelihood.outputs(problem.statistics.mean_y, problem.statistics.sd_y)
    starts = [joint.start(own, unit[0][1] or 1.0) for own in rng.spawn(settings.chains)]

    def log_density(x: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            value, gradient = joint.log_density_and_gradient(x)
        return float(value), gradient

    found = sample(log_density, np.array(starts), **stated(settings), seed=_seed(rng))
    chains = joint.named(found.positions)
    how = f"{_described(settings)}, effects in units of their scales"
    return _learned(problem, settings, chains, found.sample_stats, how)


def _of_scales(problem: Problem, settings: Settings, rng: np.random.Generator) -> Learned:
    """Sample scales with all else integrated out, and draw all else given them (G39)."""
    marginal = marginal_of(problem)
    start = marginal.scales.start()
    if not isinstance(marginal.sigma, float):
        start = np.append(start, 0.0)
    density = partial(_density, marginal)
    peak = peak_of(density, start)
    refuse_endless_posterior(marginal, peak.mode)

    def whitened(v: Array) -> tuple[float, Array]:
        value, slopes = central(density, peak.mode + peak.root @ v, STEP)
        return value, slopes @ peak.root

    starts = rng.uniform(-1.0, 1.0, (settings.chains, len(start)))
    drawn = sample(whitened, starts, **stated(settings), seed=_seed(rng))
    phi = peak.mode + drawn.positions @ peak.root.T
    chains = _all_else(grouped(problem), marginal, phi, rng)
    how = f"{_described(settings)} of the scales, all else drawn exactly given them"
    return _learned(problem, settings, chains, drawn.sample_stats, how)


def _split(marginal: GroupMarginal, phi: Array) -> tuple[Array, Array]:
    """Return θ and log σ, which may be known, and is counted in the unit of what columns leave."""
    if isinstance(marginal.sigma, float):
        return phi, np.full((len(phi), 1), np.log(marginal.sigma))
    return phi[:, :-1], phi[:, -1:] + np.log(marginal.reference.unit)


def _density(marginal: GroupMarginal, phi: Array) -> Array:
    theta, log_sigma = _split(marginal, phi)
    with np.errstate(all="ignore"):
        found = marginal.arrow.eliminate(marginal.scales.factors(theta))
        given = marginal.given(theta, found, log_sigma)
        value = given.log_density + marginal.log_jacobian(theta, log_sigma)
    return np.asarray(value[:, 0])


def _all_else(
    predictor: Grouped, marginal: GroupMarginal, phi: Array, rng: np.random.Generator
) -> dict[str, Array]:
    flat = phi.reshape(-1, phi.shape[-1])
    theta, log_sigma = _split(marginal, flat)
    found = marginal.arrow.eliminate(marginal.scales.factors(theta))
    given = marginal.given(theta, found, log_sigma)
    count = np.arange(len(flat))
    at = GroupedPosterior(
        predictor,
        marginal,
        theta,
        count,
        log_sigma[:, 0],
        np.full(len(flat), 1.0 / len(flat)),
        given.mean[:, 0],
        given.root[:, 0],
    )
    drawn = at.drawn(count, rng)
    return {name: v.reshape(*phi.shape[:2], *v.shape[1:]) for name, v in drawn.items()}


def _learned(
    problem: Problem,
    settings: Settings,
    chains: Mapping[str, Array],
    statistics: Mapping[str, Array],
    how: str,
) -> Learned:
    kept = next(iter(statistics.values())).shape[1]
    model = problem.model
    stopped = f"Interrupted: {kept} of {settings.draws} draws per chain were made."
    return Learned(
        SampledPosterior(model.predictor, model.likelihood, chains, problem.known),
        model,
        how,
        NO_EVIDENCE,
        notes=() if kept == settings.draws else (stopped,),
        sample_stats=statistics,
    )


def _described(settings: Settings) -> str:
    return f"{settings.chains} chains of {settings.draws} draws after {settings.tune} for tuning"


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
