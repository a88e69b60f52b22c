"""What MLE and MAP share: closed forms for the linear Gaussian model, optimizers for the rest."""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.inference.base import Learned
from bayesml.inference.exact import coefficient_names, coordinates_of
from bayesml.inference.objectives import NegativeLogDensity, StochasticLogDensity
from bayesml.inference.terms import RowsTerm
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Newton, Optimizer, Optimum, minimize
from bayesml.posteriors import PointEstimate
from bayesml.log_joint.least_squares import LeastSquares
from bayesml.posteriors.linear_gaussian import check_proper
from bayesml.typing import Array

NO_EVIDENCE = (
    "a point estimate has none. Use Exact() or Auto() for a model with proper priors, "
    "whose posterior integrates to it."
)


def point_estimate(
    problem: Problem,
    beta: Array,
    covariance: Array,
    noise: Mapping[str, float],
    noise_errors: Mapping[str, float],
    df: float,
    rounding: Array | None = None,
) -> PointEstimate:
    """Return parameters by name, in original units, with their standard errors."""
    coordinates = coordinates_of(problem)
    left_out = np.zeros(len(beta)) if rounding is None else rounding
    values = coordinates.split_exactly(beta, left_out)
    errors = {}
    for name, A in coordinates.parameters().items():
        with np.errstate(invalid="ignore"):  # without residual freedom there are none: infinite
            variance = np.einsum("kp,pq,kq->k", A, covariance, A)
        variance = np.where(np.isnan(variance), np.inf, variance)
        errors[name] = np.sqrt(variance).reshape(values[name].shape)
    return PointEstimate(
        problem.model.predictor,
        problem.model.likelihood,
        values | {name: np.asarray(value) for name, value in noise.items()},
        errors | {name: np.asarray(value) for name, value in noise_errors.items()},
        df,
    )


def refuse_dependent(problem: Problem, data: LeastSquares) -> None:
    """Refuse coefficients that the data alone cannot tell apart."""
    check_proper(data, np.zeros((0, data.M.shape[1])), coefficient_names(problem))


def optimise(
    problem: Problem,
    objective: NegativeLogDensity,
    optimizer: Optimizer | None,
    rng: np.random.Generator,
    label: str,
) -> Learned:
    """Minimise a negative log density, and take standard errors from its curvature."""
    stochastic = StochasticLogDensity(objective, RowsTerm.of(problem, objective.frame))
    if optimizer is None:
        rough = minimize(LBFGS(), objective, objective.start, rng=rng)
        optimum = minimize(Newton(), objective, rough.x, rng=rng)
        curve = np.append(rough.loss_curve, optimum.loss_curve[1:])
    else:
        optimum = minimize(optimizer, stochastic, objective.start, rng=rng)
        curve = optimum.loss_curve
    covariance, curvature = _covariance(objective, optimum)
    p, scale = objective.p, objective.frame.scale
    noise = objective.noise(optimum.x)
    by_log = np.sqrt(np.diag(covariance)[p:])
    posterior = point_estimate(
        problem,
        objective.frame.beta(optimum.x[:p]),
        covariance[:p, :p] * np.outer(scale, scale),
        noise,
        {name: noise[name] * by_log[k] for k, name in enumerate(objective.noise_priors)},
        np.inf,
    )
    how = "L-BFGS, then Newton" if optimizer is None else repr(optimizer)
    return Learned(
        posterior,
        problem.model,
        f"{label} by {how}, {len(curve) - 1} iterations: {optimum.reason}",
        NO_EVIDENCE,
        {
            "gradient_norm": optimum.gradient_norm,
            "curvature": curvature,
            "iterations": float(len(curve) - 1),
        },
        convergence_notes(optimum),
        curve * problem.statistics.weight,
    )


def convergence_notes(optimum: Optimum) -> tuple[str, ...]:
    """Say in words what is wrong with an optimum; nothing if all is well."""
    return () if optimum.converged else (f"The optimizer did not converge: {optimum.reason}.",)


def _covariance(objective: NegativeLogDensity, optimum: Optimum) -> tuple[Array, float]:
    """Return H⁻¹ (NaN if H is not positive definite), and the smallest curvature."""
    H = objective.weight * objective.hessian(optimum.x)
    scale = np.sqrt(np.abs(np.diag(H)))
    unit = H / np.outer(scale, scale) if np.all(scale > 0) else H
    smallest = float(np.linalg.eigvalsh(unit)[0]) if np.all(np.isfinite(unit)) else np.nan
    try:
        return cho_solve(cho_factor(H), np.eye(len(H))), smallest
    except LinAlgError:
        return np.full_like(H, np.nan), smallest
