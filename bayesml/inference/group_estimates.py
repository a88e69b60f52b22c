"""Maximum likelihood and marginal modes of models with effects of groups, whatever the likelihood.

Derived in docs/theory/group_effects.md, (G70) to (G73).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayesml.data.messages import plural
from bayesml.errors import IncompatibleModelError, SeparationError
from bayesml.inference.base import Learned
from bayesml.inference.group_design import chosen_nodes
from bayesml.inference.group_identification import refuse_collinear_terms, refuse_untold
from bayesml.inference.group_laplace import not_nested
from bayesml.inference.group_likelihood import (
    ByLaplace,
    ByMode,
    ByQuadrature,
    Objective,
    Outer,
)
from bayesml.inference.group_point import in_words, of_likelihood
from bayesml.inference.group_search import Maximum, highest, maximum
from bayesml.inference.groups import group_prior, grouped
from bayesml.inference.point import NO_EVIDENCE
from bayesml.inference.separation import refuse_separated_part
from bayesml.likelihoods import PiecewiseLinear, limits_eta
from bayesml.linalg.bordered import Parted
from bayesml.log_joint.group_modes import AtMode, EffectsIntegrated
from bayesml.log_joint.group_nested import Nested, nested
from bayesml.log_joint.group_quadrature import hermite_nodes
from bayesml.log_joint.least_squares import least_squares
from bayesml.model import Problem
from bayesml.posteriors import PointEstimate
from bayesml.posteriors.linear_gaussian import check_proper
from bayesml.typing import Array

MOST_EFFECTS = 4000
"""Effects beside the largest factor, whose matrix is decomposed at every step."""

MOST_NUMBERS = 2e8
"""Of what is between the largest factor and all others."""

DIFFERENCE = 1e-5
"""Of scales and correlations by their coordinates."""

NEARLY_ONE = 0.999
"""A correlation that is at the end of its range, and has no standard error."""

LARGE, WIDER = 5.0, 10.0
"""In units of what η spreads, a scale that has no end if rows of a level are alike or no maximum
was found; nor has one if the likelihood is higher at so many times the scale."""

OfEffects = Mapping[str, tuple[Array, Array]]
"""Effects by name, with standard errors."""


def likelihood_of_groups(
    problem: Problem, nodes: int, away: Mapping[str, float] | None = None
) -> Learned:
    """Maximise the likelihood with effects integrated by Laplace or by quadrature (G70).

    `away` are multiples of the likelihood's parameters from which to start.
    """
    _check(problem)
    predictor = grouped(problem)
    refuse_collinear_terms(predictor, problem.statistics)
    density = nested(problem, predictor, group_prior(problem))
    outer = Outer.of(problem, density)
    first = ByLaplace.of(outer)
    begun = highest(first, outer.start(away or {}), 1e-6)
    by_laplace = first.around(begun)
    outer = by_laplace.outer
    objective: Objective = by_laplace
    start = np.concatenate([np.zeros(density.p), begun[density.p :]])
    how = "Laplace's approximation"
    if nodes > 1:
        _check_quadrature(problem, density, nodes)
        objective = ByQuadrature(outer, hermite_nodes(nodes, density.rows.terms))
        how = f"adaptive Gauss-Hermite quadrature of {nodes} nodes a term"
    top = maximum(objective, start)
    h, beta = outer.h(top.x), density.beta(outer.z(top.x))
    refuse_separated_part(problem, predictor.fixed, beta, density.values(h))
    _refuse_endless(problem, objective, top)
    beside = top.x[: outer.beside]
    of_entries = top.x[outer.beside :]
    refuse_untold(
        outer.entries, of_entries, lambda own: objective.value(np.concatenate([beside, own]))
    )
    covariance = top.covariance()[: density.p, : density.p]
    root = outer.root @ _root(covariance)
    of_effects = _effects(density, h, by_laplace.effects, by_laplace.at(top.x), root)
    posterior = _estimate(problem, outer, top, (beta, root), of_effects)
    found = of_likelihood(top.value, len(top.x), problem)
    return Learned(
        posterior,
        problem.model,
        f"maximum likelihood, effects integrated by {how}: {in_words(found)}",
        NO_EVIDENCE,
        found | {"curvature": top.smallest},
    )


def mode_of_groups(problem: Problem) -> Learned:
    """Find the mode of scales and φ with all else integrated out, then that of all else (G73)."""
    if (why := not_nested(problem)) is not None:
        raise IncompatibleModelError(
            f"MAP() of effects of groups does not apply: {why.rstrip('.')}. Use NUTS()."
        )
    density = nested(problem, grouped(problem), group_prior(problem))
    outer = replace(Outer.of(problem, density), centre=np.zeros(0), root=np.zeros((0, 0)))
    few = ByMode(outer, hermite_nodes(3, density.rows.terms), density.blank())
    x = highest(few, outer.start({}), 1e-5)
    begun = few.at(x)
    nodes, _ = chosen_nodes(density, outer.h(x), begun)
    objective = ByMode(outer, nodes, begun)
    top = maximum(objective, x)
    h, mode, p = outer.h(top.x), objective.at(top.x), density.p
    covariance = np.linalg.inv(density.precision(mode.curvature, density.roots(h)))[:p, :p]
    by_laplace, root = ByLaplace.of(outer).effects, _root(covariance)
    e, start = density.rows.base + density.rows.X @ mode.c[:p], Parted(mode.centre.T, mode.c[p:])
    at = by_laplace.mode(e, density.values(h), density.roots(h), start)
    of_effects = _effects(density, h, by_laplace, at, root)
    posterior = _estimate(problem, outer, top, (density.beta(mode.c[:p]), root), of_effects)
    size = plural(len(nodes.at), "node")
    how = (
        "mode of the scales, effects and coefficients integrated out (nested Laplace, quadrature "
        f"of {size} a level), and of these given them"
    )
    units = density.joint.inner.coordinates.frame.scale[:p]
    found = {
        "log_density": top.value + float(np.log(units).sum()),
        "curvature": top.smallest,
    }
    return Learned(posterior, problem.model, how, NO_EVIDENCE, found)


def _check(problem: Problem) -> None:
    """Refuse what has no such likelihood, or one that is too large."""
    predictor, likelihood = grouped(problem), problem.model.likelihood
    first, *others = predictor.in_order()
    rest = sum(part.table[0] * part.table[1] for part in others)
    sizes = rest * first.table[0] * first.table[1]
    why = None
    if limits_eta(likelihood):
        why = "its link needs a positive η, and effects have others"
    elif isinstance(likelihood, PiecewiseLinear):
        why = f"the density of {likelihood!r} has kinks, which Laplace's approximation does not see"
    elif not problem.data.in_memory:
        why = (
            f"{problem.data.m:,} rows are {problem.data.source.whereabouts}; use data.collect() "
            "where they fit into memory"
        )
    elif rest > MOST_EFFECTS or sizes > MOST_NUMBERS:
        why = (
            f"what is beside {first.factor!r} has {rest:,} effects, and matrices of them and of "
            f"{first.table[0]:,} levels would take {8e-9 * (sizes + rest**2):.3g} GB; "
            f"{MOST_EFFECTS:,} effects are the most"
        )
    if why is not None:
        raise IncompatibleModelError(
            f"MLE() of effects of groups does not apply: {why}. Use NUTS(), or Auto() to choose."
        )
    part = predictor.part
    data = least_squares(problem.statistics.of_columns(part.where), intercept=part.intercept)
    names = (*["intercept"] * part.intercept, *part.features)
    check_proper(data, np.empty((0, len(names))), names)


def _check_quadrature(problem: Problem, density: Nested, nodes: int) -> None:
    """Refuse quadrature where there is more than one factor, as lme4 does."""
    predictor = grouped(problem)
    if len(predictor.blocks) > 1 or not predictor.groups:
        raise IncompatibleModelError(
            f"MLE(nodes={nodes}) integrates the effects of one factor, and the model has "
            f"{[part.factor for part in predictor.blocks]}. Use MLE(), Laplace's approximation, "
            "or Laplace() for the posterior."
        )
    size = nodes**density.rows.terms
    if size * len(density.rows.y) > MOST_NUMBERS:
        raise IncompatibleModelError(
            f"MLE(nodes={nodes}) evaluates {size:,} nodes of {len(density.rows.y):,} rows: take "
            "fewer nodes."
        )


def _refuse_endless(problem: Problem, objective: Objective, top: Maximum) -> None:
    """Refuse a scale that grows without an end: rows of every level are all of one kind."""
    outer, rows = objective.outer, objective.outer.density.rows
    found = top.smallest > 0.0 and np.isfinite(top.smallest)
    if found and not rows.alike(rows.base):
        return
    for name, row in zip(outer.entries.names(), outer.rows(), strict=True):
        wider = np.where(row, WIDER * top.x, top.x)
        endless = not found and objective.value(wider) > top.value
        if np.linalg.norm(top.x[row]) > LARGE or endless:
            raise SeparationError(
                f"{problem.data.target_name}: the likelihood grows without end with {name}, "
                "since rows of a level are all alike: it has no maximum. Use MAP() or Laplace() "
                "with proper priors, such as the default."
            )


def _root(covariance: Array) -> Array:
    """Return a root; NaN where there is none."""
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        return np.full(covariance.shape, np.nan)


def _effects(
    density: Nested, h: Array, integrated: EffectsIntegrated, at: AtMode, root: Array
) -> OfEffects:
    """Return the effects of all levels at their mode, with standard errors; in_order."""
    roots = density.roots(h)
    spread = integrated.variances(at, density.values(h), roots, density.rows.X @ root)
    u, variances = integrated.by_factor(at.effects), integrated.by_factor(spread)
    parts = list(density.predictor.in_order())
    if not density.predictor.groups:
        roots, u, variances = roots[1:], u[1:], variances[1:]
    out = {}
    for part, lower, own, variance in zip(parts, roots, u, variances, strict=True):
        mean = own @ lower.T
        sd = np.sqrt(variance)
        if part is parts[0] and density.predictor.groups:  # levels of no rows are as the prior says
            mean = np.zeros(part.table)
            sd = np.tile(np.sqrt(np.sum(lower**2, axis=1)), (part.table[0], 1))
            mean[density.rows.levels], sd[density.rows.levels] = own @ lower.T, np.sqrt(variance)
        out[part.name] = mean.reshape(part.shape), sd.reshape(part.shape)
    return out


def _estimate(
    problem: Problem, outer: Outer, top: Maximum, of_beta: tuple[Array, Array], u: OfEffects
) -> PointEstimate:
    """Return everything by name, in the user's units, with standard errors.

    `of_beta` are coefficients in their frame, and a root of the covariance of z.
    """
    predictor, density, (beta, root) = grouped(problem), outer.density, of_beta
    statistics, likelihood = problem.statistics, problem.model.likelihood
    outputs = likelihood.outputs(statistics.mean_y, statistics.sd_y)
    frame = predictor.fixed.frame(statistics.mean_X, statistics.sd_X, outputs)
    values, errors = frame.named(beta), {}
    for name, A in frame.matrices().items():
        own = np.sqrt(np.sum((A @ (frame.scale[:, None] * root)) ** 2, axis=1))
        errors[name] = own.reshape(np.shape(values[name]))
    for part in predictor.blocks:
        values[part.name], errors[part.name] = u[part.name]
    sd_x = np.sqrt(np.diag(top.covariance()))[len(outer.centre) :]
    h, free = outer.h(top.x), density.free
    for j, block in enumerate(density.joint.inner.coordinates.free):
        at = block.reference + h[j]
        values[block.name] = np.asarray(block.support.constrain(at))
        errors[block.name] = np.asarray(np.abs(block.support.slope(at)) * sd_x[j])
    values |= {name: np.asarray(value) for name, value in problem.known.items()}
    of_scales = density.joint.scales.named(h[free:], np.ones(()))
    for name, value in of_scales.items():
        values[name], errors[name] = np.asarray(value), _error_of(outer, top, name)
    positive = tuple(name for name in of_scales if name.startswith("sd["))
    return PointEstimate(predictor, likelihood, values, errors, np.inf, positive)


def _error_of(outer: Outer, top: Maximum, name: str) -> Array:
    """Return standard errors of scales or correlations; NaN where they are at an end."""
    scales, density, k = outer.density.joint.scales, outer.density, outer.entries.size
    E = DIFFERENCE * np.eye(len(top.x))[-k:]
    points = np.concatenate([top.x[None], top.x + E, top.x - E])
    middle, *rest = scales.named(outer.h(points)[:, density.free :], np.ones(2 * k + 1))[name]
    up, down = np.reshape(rest, (2, k, -1))
    J, free = (up - down).T / (2.0 * DIFFERENCE), top.free[-k:]
    covariance = np.nan_to_num(top.covariance()[-k:, -k:])
    variance = np.sum((J @ covariance) * J, axis=1)
    ends = np.any(np.abs(up - middle.ravel()).T[:, ~free] > 0.0, axis=1)
    one = name.startswith("correlation") & (np.abs(middle.ravel()) > NEARLY_ONE)
    variance[ends | one] = np.nan
    return np.asarray(np.sqrt(variance).reshape(np.shape(middle)))
