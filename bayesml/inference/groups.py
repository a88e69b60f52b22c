"""Linear Gaussian models with effects of groups, exactly: scales on nodes, all else integrated.

Derived in docs/theory/group_effects.md.
"""

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import IMPROPER_PRIORS, Learned
from bayesml.inference.group_identification import (
    refuse_endless_posterior,
    refuse_mass_at_zero,
)
from bayesml.linalg.arrow import Arrow
from bayesml.linalg.shared_elimination import SharedElimination
from bayesml.log_joint import is_gaussian
from bayesml.log_joint.group_marginal import GroupMarginal, Integrated
from bayesml.log_joint.group_scales import GroupScales
from bayesml.log_joint.group_statistics import grouped_statistics
from bayesml.log_joint.least_squares import least_squares
from bayesml.model import Problem
from bayesml.posteriors.grouped import GroupedPosterior
from bayesml.posteriors.linear_gaussian import check_proper
from bayesml.predictors import Grouped
from bayesml.priors import WithGroups
from bayesml.priors.part_of import PartOf
from bayesml.samplers.lattice import Density, Peak, Points, fill_lattice, peak_of
from bayesml.samplers.nested_peak import nested_peak
from bayesml.samplers.sobol import sobol_points
from bayesml.typing import Array

MOST_DIMENSIONS = 4
"""Scales and correlations, σ apart, that a lattice is laid over."""

STEPS = {1: 0.2, 2: 0.6, 3: 1.25, 4: 1.25}
"""Steps of the lattice, in standard deviations, by its dimension."""

FALL = 10.0
"""How far the log density falls on it."""

COARSE = 1.6, 7.0
"""The same where a node is expensive."""

SHARED = 1.25, 8.0
"""The same where decompositions are shared."""

EXPENSIVE = 3e7
"""Operations of one node, from which on the lattice is coarse."""

MOST_POINTS = 20_000
NEGLIGIBLE = 1e-9


def in_place_of(problem: Problem) -> str:
    """Say which methods learn a model with groups: exactly where that exists, or otherwise."""
    exact = not_gaussian_groups(problem) is None
    return f"{'Exact()' if exact else 'Laplace()'}, NUTS(), or Auto() to choose"


def not_gaussian_groups(problem: Problem) -> str | None:
    """Say why a model with groups has no exact posterior, or None if it has one."""
    likelihood = problem.model.likelihood
    if not is_gaussian(likelihood):
        return f"the likelihood is {likelihood!r}, not Gaussian."
    prior = group_prior(problem)
    rows = prior.coefficients.normal_rows(PartOf(problem, grouped(problem).part))
    if rows is None or rows.scale is not None:
        stated = prior.coefficients.describe().replace("\n", "; ")
        return f"not every coefficient has a Normal or Flat prior of known scale ({stated})."
    return None


def grouped(problem: Problem) -> Grouped:
    """Return the predictor of a problem that is known to have groups."""
    if problem.grouped is None:
        raise IncompatibleModelError(f"{problem.model.predictor!r} has no effects of groups.")
    return problem.grouped


def group_prior(problem: Problem) -> WithGroups:
    """Return the prior of a problem that is known to have groups."""
    prior = problem.model.prior
    if not isinstance(prior, WithGroups):
        raise IncompatibleModelError(f"{prior!r} is no prior of groups: use Hierarchical(...).")
    return prior


def marginal_of(problem: Problem) -> GroupMarginal:
    """Fold the rows, and return the density of the scales."""
    predictor, prior = grouped(problem), group_prior(problem)
    view = PartOf(problem, predictor.part)
    rows = prior.coefficients.normal_rows(view)
    if rows is None:
        raise IncompatibleModelError(f"Exact() does not apply: {not_gaussian_groups(problem)}")
    part = predictor.part
    data = least_squares(problem.statistics.of_columns(part.where), intercept=part.intercept)
    check_proper(data, rows.P, (*["intercept"] * part.intercept, *part.features))
    known = problem.known.get("sigma")
    sigma = problem.inferred["sigma"] if known is None else known
    found = grouped_statistics(problem, predictor)
    seen = found.statistics
    scales = GroupScales.of(predictor, prior, seen, seen.mass / seen.weight)
    logarithms = 0.0 if seen.precisions is None else seen.precisions.logarithms
    return GroupMarginal(found.arrow, scales, found.reference, rows, view.mean_X, sigma, logarithms)


def exact_groups(problem: Problem, rng: np.random.Generator) -> Learned:
    """Integrate over the scales on a lattice, or on Sobol points where they are many."""
    marginal = marginal_of(problem)
    shared = shares(marginal.arrow)
    eliminate = SharedElimination(marginal.arrow).eliminate if shared else marginal.arrow.eliminate
    found: list[Integrated] = []

    def density(theta: Array) -> Array:
        eliminated = eliminate(marginal.scales.factors(theta))
        found.append(marginal.integrated(theta, eliminated))
        return found[-1].log_marginal

    start = marginal.scales.start()
    peak = nested_peak(density, start) if shared else peak_of(density, start)
    refuse_endless_posterior(marginal, peak.mode)
    found.clear()
    points, how = _points(marginal, density, peak, rng)
    posterior = _posterior(grouped(problem), marginal, points, found)
    proper = group_prior(problem).proper and len(marginal.rows.mean) == marginal.p
    if not isinstance(marginal.sigma, float):
        proper = proper and marginal.sigma.proper
    diagnostics = {
        "scale_nodes": float(len(points.weights)),
        "scale_error": points.error,
    }
    if marginal.scales.size > MOST_DIMENSIONS:
        diagnostics["scale_effective"] = points.effective
    return Learned(
        posterior,
        problem.model,
        f"exact given the scales, these integrated {how}",
        points.log_total if proper else IMPROPER_PRIORS,
        diagnostics,
    )


def shares(arrow: Arrow) -> bool:
    """Say whether decompositions are dear enough, and of a form, to be shared (G61)."""
    dear = float(arrow.k) ** 3 > EXPENSIVE and len(arrow.shapes) - 1 <= MOST_DIMENSIONS
    return dear and not arrow.widths and arrow.shapes[0][1] == arrow.shapes[1][1] == 1


def _points(
    marginal: GroupMarginal, density: Density, peak: Peak, rng: np.random.Generator
) -> tuple[Points, str]:
    k, arrow = marginal.scales.size, marginal.arrow
    if k > MOST_DIMENSIONS:
        points = sobol_points(density, peak, rng)
        size = len(points.weights)
        return points, f"by importance sampling on {size:,} Sobol points of {k} dimensions"
    step, drop = STEPS[k], FALL
    if float(arrow.k) ** 3 > EXPENSIVE:
        step, drop = SHARED if shares(arrow) else COARSE
    points, _ = fill_lattice(density, peak, step, drop, MOST_POINTS)
    return points, f"on a lattice of {len(points.weights)} nodes in {k} dimensions, times σ"


def _posterior(
    predictor: Grouped, marginal: GroupMarginal, points: Points, found: list[Integrated]
) -> GroupedPosterior:
    """Put all nodes of scales and σ in a row, and leave those without mass out."""
    log_density = np.concatenate([part.given.log_density for part in found])
    log_marginal = np.concatenate([part.log_marginal for part in found])
    share = np.exp(log_density - log_marginal[:, None]) * points.weights[:, None]
    refuse_mass_at_zero(share)
    kept = share > NEGLIGIBLE * share.max()
    node, _ = np.nonzero(kept)
    there, node = np.unique(node, return_inverse=True)
    weights = share[kept] / share[kept].sum()
    return GroupedPosterior(
        predictor,
        marginal,
        points.at[there],
        node,
        np.concatenate([part.log_sigma for part in found])[kept],
        weights,
        np.concatenate([part.given.mean for part in found])[kept],
        np.concatenate([part.given.root for part in found])[kept],
    )
