"""Nested Laplace approximations of models with effects of groups, weighted by the density itself.

Derived in docs/theory/group_effects.md, (G40) to (G49).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from bayesml.arguments import require_memory
from bayesml.data.messages import plural
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.audit import LARGEST_EXCESS, heavy_tailed, judged
from bayesml.inference.base import IMPROPER_PRIORS, Learned
from bayesml.inference.group_design import (
    MOST_NODES,
    NATS,
    NEAR,
    Design,
    Given,
    at_a_time,
    conditional,
    designed,
    given_of,
    starting,
)
from bayesml.inference.groups import group_prior, grouped
from bayesml.likelihoods import PiecewiseLinear, limits_eta
from bayesml.log_joint.group_nested import Nested, nested
from bayesml.log_joint.group_quadrature import Integral, Nodes
from bayesml.model import Problem
from bayesml.posteriors import ReweightedPosterior
from bayesml.posteriors.audited import AuditedDraws
from bayesml.posteriors.reweighted import resampled
from bayesml.samplers.interpolated import interpolated_draws
from bayesml.samplers.proposals import Kernels, Proposal, split_normal
from bayesml.typing import Array

MOST_EFFECTS = 500
"""Coefficients and effects of other factors, whose matrix is decomposed at every draw."""

SIZE, MOST = 512, 6
"""Draws of a batch; batches are made until enough draws are effective."""

KERNELS, HOPELESS = 256, 60.0
"""Of the weighted draws, and how few are effective in half of the batches where it is no use."""

ENOUGH, LIGHT, CERTIFIED = 300.0, 0.5, 200.0
"""Effective draws and the tail that are aimed at, and effective draws that `Auto` takes."""

MANY = 600.0
"""Effective draws that are more than enough, whatever tail passes."""


def not_nested(problem: Problem) -> str | None:
    """Say why effects of groups are not integrated by quadrature, or None if they can be."""
    predictor, likelihood = grouped(problem), problem.model.likelihood
    if not predictor.groups:
        return "curves alone have no levels, whose effects quadrature integrates."
    first, *others = predictor.in_order()
    if limits_eta(likelihood):
        return "its link needs a positive η, and a Gaussian has others."
    if isinstance(likelihood, PiecewiseLinear):
        return f"the density of {likelihood!r} has kinks, which quadrature does not see."
    if first.table[1] not in MOST_NODES:
        return (
            f"the effects of {first.factor!r} have {first.table[1]} terms a level, and quadrature "
            f"is for {max(MOST_NODES)} at most."
        )
    rest = sum(part.table[0] * part.table[1] for part in others)
    if rest + len(predictor.part.features) > MOST_EFFECTS:
        return (
            f"what is beside {first.factor!r} has {rest:,} effects, and their matrix is "
            f"decomposed at every draw: {MOST_EFFECTS:,} at most."
        )
    if not problem.data.in_memory:
        return (
            f"{problem.data.m:,} rows are {problem.data.source.whereabouts}; use data.collect() "
            "where they fit into memory."
        )
    return None


def doubts_of(learned: Learned) -> list[str]:
    """Say what is against the weighted draws of a nested Laplace approximation (G47)."""
    found, out = learned.diagnostics, []
    if heavy_tailed(found):
        out.append(f"the draws of Laplace() have a Pareto k̂ of {found['pareto_k']:.2f}")
    if not found["effective_draws"] >= CERTIFIED:
        out.append(f"of the draws of Laplace() {found['effective_draws']:.0f} are effective")
    if not found["quadrature_nats"] <= NATS:
        nats = found["quadrature_nats"]
        out.append(f"more nodes of quadrature change the log density by {nats:.2g}")
    return out


def laplace_groups(problem: Problem, rng: np.random.Generator) -> Learned:
    """Integrate over effects by quadrature and Laplace given scales, and weigh draws of both."""
    if (why := not_nested(problem)) is not None:
        raise IncompatibleModelError(
            f"Laplace() of effects of groups does not apply: {why.rstrip('.')}. Use NUTS()."
        )
    require_memory(
        float(SIZE) * problem.size,
        f"{SIZE:,} draws of {problem.size:,} parameters",
        "leave out slopes, or use MLE()",
    )
    prior = group_prior(problem)
    if not prior.proper:
        raise ImproperPosteriorError(
            "The posterior is improper: a standard deviation of effects of groups has a flat "
            "prior. State a proper one, Hierarchical(groups={...: GroupEffects(HalfNormal(1))})."
        )
    density = nested(problem, grouped(problem), prior)
    design = designed(density, starting(problem, density))
    audited = _audited(density, design, rng)
    model = problem.model
    posterior = ReweightedPosterior(
        model.predictor,
        model.likelihood,
        density.joint.named(audited.x),
        audited.weights,
        problem.known,
    )
    effective = audited.smoothed.effective
    return Learned(
        posterior,
        model,
        _how(density, design, len(audited.x), effective),
        _log_evidence(problem, density, audited),
        {
            **judged(audited.smoothed),
            "effective_draws": effective,
            "quadrature_nats": design.nats,
        },
    )


class Drawn(NamedTuple):
    """Draws of h, of all else given h, and of effects given both, with log densities.

    Attributes
    ----------
    x : ndarray, shape (S, size)
        In the coordinates of the joint density; h is last.
    log_p : ndarray, shape (S,)
        log p(y, c, h).
    log_c : ndarray, shape (S,)
        log q(c | h).
    """

    x: Array
    log_p: Array
    log_c: Array


def _audited(density: Nested, design: Design, rng: np.random.Generator) -> AuditedDraws:
    """Draw, and from around the weighted draws, until enough are effective (G47)."""
    from scipy.stats import qmc

    proposal: Proposal = design.proposal()
    proposals, parts = [proposal], list[Drawn]()
    given = given_of(density, design)
    while True:
        sobol = qmc.Sobol(proposal.uniforms + density.n, rng=rng)
        parts.append(_batch(density, design, given, proposal, sobol.random(SIZE), rng))
        x, log_p, log_c = (np.concatenate(column) for column in zip(*parts, strict=True))
        h = x[:, -density.size :]
        of_h = logsumexp([each.log_density(h) for each in proposals], axis=0)
        found = AuditedDraws(x, log_p, log_c + of_h - np.log(len(proposals)))
        _, pareto_k, excess, effective = *found.smoothed, found.smoothed.effective
        if effective >= ENOUGH and (pareto_k <= LIGHT or excess <= LARGEST_EXCESS):
            return found
        if effective >= MANY and not heavy_tailed(judged(found.smoothed)):
            return found
        if len(parts) == MOST or (len(parts) >= MOST // 2 and effective < HOPELESS):
            return found
        which, times = np.unique(resampled(found.weights, KERNELS, rng), return_counts=True)
        proposal = Kernels.around(h[which], times / KERNELS)
        proposals.append(proposal)


def _batch(
    density: Nested,
    design: Design,
    given: Given,
    proposal: Proposal,
    u: Array,
    rng: np.random.Generator,
) -> Drawn:
    """Draw h, all else given h, and the effects of the largest factor given both (G48)."""
    S, n = len(u), density.n
    levels = next(density.predictor.by_levels()).shape[0]
    h = proposal.draw(u[:, : proposal.uniforms])
    delta = np.linalg.solve(design.root, (h - design.centre).T).T
    noise, log_c = split_normal(u[:, proposal.uniforms :], *design.spreads[1])
    roots, c = density.roots(h), np.empty((S, n))
    start = np.empty((S, *design.modes[0].centre.shape))
    for s in range(S):
        L, mean = conditional(density, design, given, delta[s], [root[s] for root in roots])
        c[s] = mean + np.linalg.solve(L.T, noise[s])
        log_c[s] += np.log(np.diag(L)).sum()
        start[s] = design.between(delta[s], [mode.centre for mode in design.modes])
    log_p, v = np.empty(S), rng.standard_normal((S, levels, density.rows.terms))
    for some in at_a_time(density, design, S):
        found = density.integral(c[some], h[some], start[some], design.nodes, NEAR)
        log_p[some] = found.value
        v[some, density.rows.levels] = _effects(found, design.nodes, rng)
    log_p += density.log_prior_of(c, h)
    return Drawn(density.x(c, v, h), np.nan_to_num(log_p, nan=-np.inf), log_c)


def _effects(found: Integral, nodes: Nodes, rng: np.random.Generator) -> Array:
    """Draw unit effects of the levels of the largest factor, shape (B, L, d) (G48)."""
    B, _, L = found.log_ratio.shape
    d, Q = nodes.at.shape[1], len(nodes.line)
    table = np.moveaxis(found.log_ratio, 1, 2).reshape(B * L, *[Q] * d)
    x = interpolated_draws(nodes.line, table, rng).reshape(B, L, d)
    return np.asarray(np.swapaxes(found.centre, 1, 2) + np.einsum("blde,ble->bld", found.root, x))


def _how(density: Nested, design: Design, size: int, effective: float) -> str:
    first, *others = density.predictor.in_order()
    nodes = plural(len(design.nodes.at), "node")
    rest = ", ".join(["coefficients", *(f"effects of {part.factor}" for part in others)])
    return (
        f"effects of {first.factor} integrated by adaptive Gauss-Hermite quadrature of {nodes} a "
        f"level, {rest} Gaussian given scales (nested Laplace); {size} draws weighted by the "
        f"density itself, {effective:.0f} effective"
    )


def _log_evidence(problem: Problem, density: Nested, audited: AuditedDraws) -> float | str:
    """Return the log of the mean weight, coefficients counted in their own units (G49)."""
    rows = density.prior.prior.normal_rows(density.prior.view)
    flat = rows is not None and len(rows.mean) < density.p
    if flat or not all(prior.proper for prior in problem.inferred.values()):
        return IMPROPER_PRIORS
    ratio = audited.log_p - audited.log_q
    units = density.joint.inner.coordinates.frame.scale[: density.p]
    top = ratio.max()
    return float(top + np.log(np.mean(np.exp(ratio - top))) + np.log(units).sum())
