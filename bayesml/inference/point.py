"""What MLE and MAP share: point estimates with standard errors, and optimizers to find them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.errors import ConvergenceError
from bayesml.inference.base import Learned
from bayesml.inference.exact import linear_coordinates
from bayesml.inference.few_rows import begun_at_few_rows
from bayesml.inference.separation import refuse_separated
from bayesml.likelihoods import PiecewiseLinear, limits_eta
from bayesml.log_joint import (
    LogJoint,
    NegativeLogJoint,
    Rows,
    is_linear,
    linear_terms,
    log_joint,
    not_linear_gaussian,
    single_rows,
)
from bayesml.log_joint.rows import jacobian_of
from bayesml.log_joint.sums import RowSum
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Newton, Optimizer, Optimum, minimize
from bayesml.optimizers.in_units import InUnits
from bayesml.optimizers.objective import HasHessian, Objective
from bayesml.posteriors import PointEstimate
from bayesml.posteriors.linear_gaussian import check_proper
from bayesml.predictors import HasStart, flat
from bayesml.priors import proper_functionals
from bayesml.typing import Array

DENSE, FEW = 500, 30
"""Coefficients up to which Newton's method is the first to try, and its steps."""

REUSE = 0.01
"""A gradient costs half of a Hessian, and gains two digits with one that did so before."""

EDGE = 1e-6
"""Of the largest η, below which a positive one is as good as zero."""

NO_EVIDENCE = (
    "a point estimate has none. Use Exact() or Auto() for a model with proper priors, "
    "whose posterior integrates to it."
)


def point_estimate(
    problem: Problem,
    beta: Array,
    covariance: Array,
    values: Mapping[str, float],
    errors: Mapping[str, float],
    df: float,
    rounding: Array | None = None,
) -> PointEstimate:
    """Return parameters by name, in original units, with their standard errors."""
    left_out = np.zeros(len(beta)) if rounding is None else rounding
    estimates = (
        linear_coordinates(problem).split_exactly(beta, left_out)
        if is_linear(problem) or not_linear_gaussian(problem) is None
        else problem.frame.named(beta)
    )
    of_beta = {}
    for name, A in problem.frame.matrices().items():
        with np.errstate(invalid="ignore"):  # without residual freedom there are none: infinite
            variance = np.einsum("kp,pq,kq->k", A, covariance, A)
        variance = np.where(np.isnan(variance), np.inf, variance)
        of_beta[name] = np.sqrt(variance).reshape(estimates[name].shape)
    return PointEstimate(
        problem.model.predictor,
        problem.model.likelihood,
        estimates | {name: np.asarray(value) for name, value in values.items()},
        of_beta | {name: np.asarray(value) for name, value in errors.items()},
        df,
    )


def refuse_undetermined(problem: Problem) -> None:
    """Refuse coefficients that neither the data nor a proper prior tell apart."""
    prior, p = problem.prior, problem.frame.p
    proper = proper_functionals(prior, problem, p)
    for terms in linear_terms(problem):
        data = terms.least_squares(problem.statistics)
        rows = proper[np.any(proper[:, terms.at], axis=1)][:, terms.at]
        check_proper(data, rows, terms.names)


def starting_point(problem: Problem, joint: LogJoint, rng: np.random.Generator) -> Array:
    """Return where a search begins: the origin, or a random start where a predictor has one."""
    x, predictor = np.zeros(joint.size), problem.model.predictor
    if isinstance(predictor, HasStart):
        start = flat.join(predictor.start(problem.data.n, rng), problem.shapes)
        x[: joint.coordinates.p] = joint.coordinates.frame.z(start)
    return _inside(problem, joint, x) if limits_eta(problem.model.likelihood) else x


def _inside(problem: Problem, joint: LogJoint, x: Array) -> Array:
    """Return the start, or where η is as near its typical value as it can be at every row (I27).

    Without an intercept η is zero at the origin, where a link of positive η has no mean.
    """
    if np.isfinite(joint.log_density(x)):
        return x
    typical, _ = problem.model.likelihood.outputs(
        problem.statistics.mean_y, problem.statistics.sd_y
    )[0]
    at, p = joint.coordinates, joint.coordinates.p
    if isinstance(joint.rows, Rows):
        rows, beta = joint.rows, at.beta(x)
        J = jacobian_of(at.frame, rows.parameters(beta), rows.A)
        J = J if J.ndim == 2 else J[0]
        away = typical - np.atleast_2d(rows.eta(beta))[0]
        moved = x.copy()
        moved[:p] += np.linalg.lstsq(J * at.frame.scale, away, rcond=None)[0]
        if np.isfinite(joint.log_density(moved)):
            return moved
    raise ConvergenceError(
        f"{problem.model.likelihood!r} has a mean where η is positive only, and no coefficients "
        "were found at which it is in every row. Give the predictor an intercept and leave out the "
        "offset, or use the link Log()."
    )


def moved_start(
    problem: Problem, joint: LogJoint, rng: np.random.Generator, away: Mapping[str, float] | None
) -> Array:
    """Return where a search begins, the values beside β at multiples of where they begin."""
    start = starting_point(problem, joint, rng)
    if away is None:
        return start
    at, values = joint.coordinates, joint.coordinates.values(start)
    moved = {name: value * away.get(name, 1.0) for name, value in values.items()}
    return at.x(at.beta(start), moved)


def find_optimum(
    objective: Objective, start: Array, optimizer: Optimizer | None, rng: np.random.Generator
) -> tuple[Optimum, Array]:
    """Minimise, and return the whole loss curve too.

    None takes Newton's method where the curvature is a product of matrices, and otherwise, or
    where that does not converge at once, L-BFGS and then Newton's method, at last in the units of
    the curvature.
    """
    if optimizer is not None:
        optimum = minimize(optimizer, objective, start, rng=rng)
        return optimum, optimum.loss_curve
    if isinstance(objective, NegativeLogJoint) and _steps_are_cheap(objective.joint):
        begun = begun_at_few_rows(objective, start, FEW)
        newton = Newton(max_iterations=FEW, reuse=REUSE)
        optimum = minimize(newton, begun or objective, start if begun is None else begun.start)
        if optimum.converged:
            return optimum, optimum.loss_curve
    rough = minimize(LBFGS(), objective, start)
    optimum = minimize(Newton(), objective, rough.x)
    curve = np.append(rough.loss_curve, optimum.loss_curve[1:])
    if optimum.converged or not isinstance(objective, HasHessian):
        return optimum, curve
    final = _in_its_own_units(objective, optimum.x)
    return final, np.append(curve, final.loss_curve[1:])


def _in_its_own_units(objective: HasHessian, x: Array) -> Optimum:
    """Go on from x in the units of the curvature there, by which the end is judged (O29).

    Outliers make the spread of y, and so the coordinates, as many times too wide.
    """
    scaled = InUnits.of_curvature(objective, x)
    found = minimize(Newton(), scaled, x / scaled.unit)
    return replace(found, x=scaled.unit * found.x)


def _steps_are_cheap(joint: LogJoint) -> bool:
    return joint.of_coefficients and joint.size <= DENSE


def optimise(
    problem: Problem,
    optimizer: Optimizer | None,
    rng: np.random.Generator,
    label: str,
    away: Mapping[str, float] | None = None,
) -> Learned:
    """Maximise the log joint density of the user's parameters, with errors from its curvature.

    `away` are multiples of the values, by name, from which to start.
    """
    joint = log_joint(problem)
    few = optimizer is not None and optimizer.traits.minibatches
    sampled = single_rows(problem, "an optimizer draws minibatches.") if few else None
    start = moved_start(problem, joint, rng, away)
    optimum, curve = find_optimum(NegativeLogJoint(joint, sampled), start, optimizer, rng)
    at, x = joint.coordinates, np.asarray(optimum.x, dtype=np.float64)
    refuse_separated(problem, joint.rows, at.beta(x), at.values(x))
    # differences of slopes see no kinks, which the expected information does (W12)
    kinked = isinstance(problem.model.likelihood, PiecewiseLinear)
    covariance, definiteness = curvature_of(joint.precision(x) if kinked else joint.observed(x))
    p, scale, values = at.p, at.frame.scale, at.values(x)
    errors = at.errors(x, np.sqrt(np.diag(covariance)))
    posterior = point_estimate(
        problem, at.beta(x), covariance[:p, :p] * np.outer(scale, scale), values, errors, np.inf
    )
    how = "L-BFGS, then Newton" if optimizer is None else repr(optimizer)
    return Learned(
        posterior,
        problem.model,
        f"{label} by {how}, {len(curve) - 1} iterations: {optimum.reason}",
        NO_EVIDENCE,
        {
            "gradient_norm": optimum.gradient_norm,
            "curvature": definiteness,
            "iterations": float(len(curve) - 1),
        },
        (*convergence_notes(optimum), *_edge_notes(problem, joint.rows, at.beta(x))),
        curve * joint.weight,
    )


def convergence_notes(optimum: Optimum) -> tuple[str, ...]:
    """Say in words what is wrong with an optimum; nothing if all is well."""
    return () if optimum.converged else (f"The optimizer did not converge: {optimum.reason}.",)


def _edge_notes(problem: Problem, rows: RowSum, beta: Array) -> tuple[str, ...]:
    """Say that a maximum lies where η is about to have no mean, as under counts of zero (I26)."""
    if not limits_eta(problem.model.likelihood) or not isinstance(rows, Rows):
        return ()
    eta = np.atleast_2d(rows.eta(beta))[0]
    if eta.min() > EDGE * eta.max():
        return ()
    return (
        f"The maximum lies at the edge of where there is a mean: η is {eta.min():.1e} in row "
        f"{int(eta.argmin())}, and standard errors mean nothing. Use the link Log(), or NUTS().",
    )


def curvature_of(H: Array) -> tuple[Array, float]:
    """Return H⁻¹ (NaN if H is not positive definite), and its smallest curvature, scaled."""
    scale = np.sqrt(np.abs(np.diag(H)))
    unit = H / np.outer(scale, scale) if np.all(scale > 0) else H
    if not np.all(np.isfinite(unit)):
        return np.full_like(H, np.nan), np.nan
    smallest = float(np.linalg.eigvalsh(unit)[0])
    try:
        return cho_solve(cho_factor(H), np.eye(len(H))), smallest
    except LinAlgError:
        return np.full_like(H, np.nan), smallest
