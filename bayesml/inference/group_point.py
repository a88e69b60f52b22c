"""Maximum likelihood, restricted or not, and the marginal mode of models with effects of groups.

Derived in docs/theory/group_effects.md, (G35) and (G36).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize

from bayesml.errors import ImproperPosteriorError
from bayesml.inference.base import Learned
from bayesml.inference.group_identification import (
    endless,
    refuse_collinear_terms,
    refuse_endless_maximum,
    refuse_nothing_left,
    refuse_untold,
)
from bayesml.inference.groups import grouped, marginal_of
from bayesml.inference.point import NO_EVIDENCE
from bayesml.linalg.arrow import Eliminated
from bayesml.log_joint.group_entries import Entries
from bayesml.log_joint.group_marginal import GroupMarginal, residual
from bayesml.model import Problem
from bayesml.posteriors import PointEstimate
from bayesml.posteriors.grouped import GroupedPosterior
from bayesml.samplers.lattice import Density, central, curvature_of
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array

STEP = 1e-4
"""Of differences, in units of the noise."""

LARGEST = 1e5
"""Largest scale of effects, in units of the noise, that is looked for."""

NOTHING = 1e-2
"""A scale below it, in units of the noise, that is not worse at zero, is zero."""


def group_mle(problem: Problem, *, restricted: bool) -> Learned:
    """Maximise the likelihood with effects integrated out; restricted, with coefficients too."""
    refuse_collinear_terms(grouped(problem), problem.statistics)
    marginal = marginal_of(problem)
    freedom = marginal.arrow.weight - (marginal.p if restricted else 0)

    def log_likelihood(theta: Array) -> Array:
        found = marginal.arrow.eliminate(marginal.scales.factors(theta))
        return _profile(marginal, found, freedom, restricted=restricted)

    entries = Entries(marginal.scales, 1.0)
    known = problem.known.get("sigma")
    if known is None:
        refuse_nothing_left(marginal, "The likelihood has no maximum")
    x, value = _maximum(entries, log_likelihood)
    theta = entries.theta(x)
    refuse_endless_maximum(entries, x, log_likelihood, "The likelihood has no maximum")
    refuse_untold(entries, x, lambda x: float(log_likelihood(entries.theta(x[None]))[0]))
    found = marginal.arrow.eliminate(marginal.scales.factors(theta[None]))
    rss = residual(found.schur, marginal.p)[0] * marginal.reference.unit**2
    sigma = float(np.sqrt(rss / freedom)) if known is None else known

    def joint(phi: Array) -> Array:
        at, log_sigma = _relative(marginal, phi)
        here = marginal.arrow.eliminate(marginal.scales.factors(at))
        squares = residual(here.schur, marginal.p) * marginal.reference.unit**2
        out = -0.5 * (here.log_det + squares * np.exp(-2.0 * log_sigma)) - freedom * log_sigma
        if restricted:
            out = out - 0.5 * np.linalg.slogdet(here.schur[:, : marginal.p, : marginal.p])[1]
        return np.asarray(out)

    how = "restricted maximum likelihood" if restricted else "maximum likelihood"
    posterior = _estimate(problem, marginal, theta, sigma, joint)
    count = marginal.p + len(theta) + (known is None)
    diagnostics = of_likelihood(value, count, problem)
    return Learned(
        posterior,
        problem.model,
        f"{how}, effects integrated out: {in_words(diagnostics)}",
        NO_EVIDENCE,
        diagnostics,
    )


def group_map(problem: Problem) -> Learned:
    """Find the mode of scales and σ with all else integrated out, then that of all else."""
    marginal = marginal_of(problem)

    def density(phi: Array) -> Array:
        theta, log_sigma = _relative(marginal, phi)
        found = marginal.arrow.eliminate(marginal.scales.factors(theta))
        return np.asarray(marginal.given(theta, found, log_sigma[:, None]).log_density[:, 0])

    known = problem.known.get("sigma")

    def of_theta(theta: Array) -> Array:
        found = marginal.arrow.eliminate(marginal.scales.factors(theta))
        grid = np.log(known) if known is not None else _sigma_modes(marginal, theta, found)
        log_sigma = np.broadcast_to(grid, (len(theta),))[:, None]
        return np.asarray(marginal.given(theta, found, log_sigma).log_density[:, 0])

    entries = Entries(marginal.scales, 1.0)
    x, value = _maximum(entries, of_theta)
    theta = entries.theta(x)
    refuse_endless_maximum(entries, x, of_theta, "The posterior density has no mode")
    found = marginal.arrow.eliminate(marginal.scales.factors(theta[None]))
    sigma = known or float(np.exp(_sigma_modes(marginal, theta[None], found)[0]))
    if sigma < NOTHING**2 * marginal.reference.unit:
        raise ImproperPosteriorError(endless("The posterior density has no mode"))
    posterior = _estimate(problem, marginal, theta, sigma, density)
    how = "mode of the scales, effects and coefficients integrated out, and of these given them"
    return Learned(posterior, problem.model, how, NO_EVIDENCE, {"log_density": value})


def of_likelihood(value: float, count: int, problem: Problem) -> dict[str, float]:
    """Return the log likelihood, and the criteria of lme4: of −2 log L and of all parameters."""
    size = np.log(problem.statistics.weight)
    return {
        "log_likelihood": value,
        "deviance": -2.0 * value,
        "aic": -2.0 * value + 2.0 * count,
        "bic": -2.0 * value + float(size) * count,
    }


def in_words(found: Mapping[str, float]) -> str:
    """Say them."""
    return (
        f"log likelihood {found['log_likelihood']:.2f}, AIC {found['aic']:.2f}, "
        f"BIC {found['bic']:.2f}"
    )


def _profile(
    marginal: GroupMarginal, found: Eliminated, freedom: float, *, restricted: bool
) -> Array:
    """Evaluate the log likelihood at the best σ, with flat priors (G35)."""
    p, reference = marginal.p, marginal.reference
    log_det = found.log_det
    rss = residual(found.schur, p)
    if restricted:
        log_det = log_det + np.linalg.slogdet(found.schur[:, :p, :p])[1]
        log_det = log_det - 2.0 * np.linalg.slogdet(reference.transform)[1]
    if isinstance(marginal.sigma, float):
        variance = (marginal.sigma / reference.unit) ** 2
        fit = freedom * np.log(variance) + rss / variance
    else:
        fit = freedom * (np.log(np.maximum(rss, 1e-300) / freedom) + 1.0)
    fit = fit + 2.0 * freedom * (HALF_LOG_2PI + np.log(reference.unit))
    return np.asarray(-0.5 * (log_det + fit - marginal.log_precisions))


def _sigma_modes(marginal: GroupMarginal, theta: Array, found: Eliminated) -> Array:
    """Find the mode of σ at every θ, on ever finer grids."""
    centre, spread = marginal.about(found)
    width = 8.0 * spread
    for _ in range(14):
        grid = centre[:, None] + width[:, None] * np.linspace(-1.0, 1.0, 9)
        value = marginal.given(theta, found, grid).log_density
        best = np.argmax(value, axis=1)
        centre = grid[np.arange(len(theta)), best]
        width = np.where((best == 0) | (best == 8), width, 0.3 * width)
    return np.asarray(centre)


def _maximum(entries: Entries, function: Density) -> tuple[Array, float]:
    """Maximise over the entries of Λ, of either sign, and so through scales of zero (G35)."""

    def objective(x: Array) -> tuple[float, Array]:
        value, slopes = central(lambda points: function(entries.theta(points)), x, STEP)
        return -value, -slopes

    options = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 500}
    settings: Any = {
        "jac": True,
        "bounds": [(-LARGEST, LARGEST)] * entries.size,
        "options": options,
    }
    x = np.asarray(minimize(objective, entries.start, method="L-BFGS-B", **settings).x)
    for row in entries.rows():
        zero = np.where(row, 0.0, x)
        negligible = np.linalg.norm(x[row]) < NOTHING
        if negligible and objective(zero)[0] <= objective(x)[0] + 1e-9:
            x = zero
    return x, -objective(x)[0]


def _relative(marginal: GroupMarginal, phi: Array) -> tuple[Array, Array]:
    """Return θ and log σ from logs of scales in the unit of y, correlations and log σ."""
    log_sigma, parts = phi[:, -1], []
    for part, u in zip(marginal.scales.parts, marginal.scales.split(phi[:, :-1]), strict=True):
        parts.append(u - log_sigma[:, None] * (np.arange(part.size) < part.terms))
    return np.concatenate(parts, axis=1), log_sigma


def _estimate(
    problem: Problem, marginal: GroupMarginal, theta: Array, sigma: float, joint: Density
) -> PointEstimate:
    """Return everything at the estimate of the scales, with standard errors."""
    predictor = grouped(problem)
    found = marginal.arrow.eliminate(marginal.scales.factors(theta[None]))
    log_sigma = np.array([[np.log(sigma)]])
    with np.errstate(all="ignore"):  # a scale of zero has no log prior
        given = marginal.given(theta[None], found, log_sigma)
    here = GroupedPosterior(
        predictor,
        marginal,
        theta[None],
        np.zeros(1, dtype=np.intp),
        log_sigma[0],
        np.ones(1),
        given.mean[0],
        given.root[0],
    )
    marginals = here.of_coefficients()
    values: dict[str, Array] = {
        name: np.asarray(marginals[name].mean)
        for name in ("intercept", "weights")
        if name in marginals
    }
    errors: dict[str, Array] = {n: np.asarray(marginals[n].sd) for n in values}
    if "intercept" in values:
        values["intercept"], errors["intercept"] = values["intercept"][0], errors["intercept"][0]
    for part in predictor.blocks:
        of_group = here.effects(part.factor)
        values[part.name] = np.reshape(of_group.mean, part.shape)
        errors[part.name] = np.reshape(of_group.sd, part.shape)
    scales = {name: np.asarray(value[0]) for name, value in here.scales.items()}
    values |= scales | {"sigma": np.asarray(sigma)}
    errors |= _errors_of_scales(marginal, theta, sigma, joint, scales)
    if isinstance(marginal.sigma, float):
        errors.pop("sigma")
    positive = tuple(name for name in scales if name.startswith("sd["))
    likelihood = problem.model.likelihood
    return PointEstimate(predictor, likelihood, values, errors, np.inf, positive)


def _errors_of_scales(
    marginal: GroupMarginal, theta: Array, sigma: float, joint: Density, scales: Mapping[str, Array]
) -> dict[str, Array]:
    """Return standard errors of scales by the curvature in their logs; NaN where there is none."""
    out = {name: np.full(value.shape, np.nan) for name, value in scales.items()}
    out["sigma"] = np.asarray(np.nan)
    parts = marginal.scales.parts
    shift = np.concatenate([np.arange(part.size) < part.terms for part in parts])
    phi = np.append(theta + np.log(sigma) * shift, np.log(sigma))
    if not np.isfinite(phi).all():
        return out
    H = curvature_of(joint, phi, 1e-3)
    values, vectors = np.linalg.eigh(H)
    if not (values > 0).all():
        return out
    sd = np.sqrt(np.sum(vectors**2 / values, axis=1))
    at = 0
    for part in parts:
        name = f"sd[{part.group.factor}]"
        out[name] = scales[name] * sd[at : at + part.terms].reshape(part.shape)
        at += part.size
    out["sigma"] = np.asarray(sigma * sd[-1])
    return out
