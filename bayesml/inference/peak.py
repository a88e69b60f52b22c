"""The Gaussian at a mode of the density in unbounded coordinates.

Derived in docs/theory/laplace.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.errors import ConvergenceError
from bayesml.inference.audit import affordable_draws, importance
from bayesml.inference.base import IMPROPER_PRIORS, Learned
from bayesml.inference.piecewise_linear import by_programme, kinked_mode
from bayesml.inference.point import convergence_notes, find_optimum, starting_point
from bayesml.inference.propriety import propriety
from bayesml.likelihoods import PiecewiseLinear
from bayesml.log_joint import LogJoint, NegativeLogJoint, log_joint, with_jacobian
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
from bayesml.posteriors import LaplacePosterior
from bayesml.posteriors.audited import audited_draws
from bayesml.priors import PartlyImproper
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Bools


@dataclass(frozen=True, eq=False)
class Peak:
    """A mode of the density in unbounded coordinates, and its curvature there (U1).

    Attributes
    ----------
    joint : LogJoint
        With the Jacobian.
    x : ndarray, shape (d,)
        The mode.
    H : ndarray, shape (d, d)
        The observed curvature, or the expected one (J7).
    diagnostics : mapping of name to float
        How near the mode it is.
    reason : str
        Why the search ended.
    losses : ndarray or None
        The objective along the way, in nats.
    notes : tuple of str
        What is wrong with it, or with the density.
    """

    joint: LogJoint
    x: Array
    H: Array
    diagnostics: Mapping[str, float]
    reason: str
    losses: Array | None
    notes: tuple[str, ...]


def find_peak(
    problem: Problem, rng: np.random.Generator, optimizer: Optimizer | None = None
) -> Peak:
    """Maximise the density in unbounded coordinates, for any predictor."""
    with_jacobian(problem.model.predictor, "Laplace()")
    notes = propriety(problem)
    joint = log_joint(problem).unconstrained()
    if optimizer is None and by_programme(problem):
        mode = kinked_mode(problem, joint)
        return Peak(joint, mode.x, mode.H, mode.diagnostics, f"mode by {mode.how}", None, notes)
    start = starting_point(problem, joint, rng)
    optimum, curve = find_optimum(NegativeLogJoint(joint), start, optimizer, rng)
    notes += convergence_notes(optimum)
    x = np.asarray(optimum.x, dtype=np.float64)
    found = {"gradient_norm": optimum.gradient_norm, "iterations": float(len(curve) - 1)}
    losses = curve * joint.weight
    return Peak(joint, x, _curvature(problem, joint, x), found, optimum.reason, losses, notes)


def _curvature(problem: Problem, joint: LogJoint, x: Array) -> Array:
    """Return the curvature that these data have, or the expected one where that is none.

    It is none at kinks, and where it is not positive definite.
    """
    if isinstance(problem.model.likelihood, PiecewiseLinear):
        return joint.precision(x)
    H = joint.observed(x)
    try:
        np.linalg.cholesky(H)
    except np.linalg.LinAlgError:
        return joint.precision(x)
    return H


def at_peak(problem: Problem, peak: Peak, rng: np.random.Generator) -> Learned:
    """Return the Gaussian at a mode, its evidence and its audit."""
    predictor = problem.model.predictor
    joint, x, H = peak.joint, peak.x, peak.H
    try:
        L = np.linalg.cholesky(H)
    except np.linalg.LinAlgError as error:
        raise ConvergenceError(
            "The curvature at the mode is not positive definite, so that no Gaussian fits there: "
            "state proper priors, or use NUTS()."
        ) from error
    F = solve_triangular(L, np.eye(len(L)), lower=True).T
    unit = H / np.sqrt(np.outer(np.diag(H), np.diag(H)))
    size = affordable_draws(joint.rows.m, len(x))
    draws = audited_draws(joint.log_density, x, F, size, rng)
    likelihood = problem.model.likelihood
    posterior = LaplacePosterior(predictor, likelihood, joint.coordinates, x, F, draws)
    return Learned(
        posterior,
        problem.model,
        f"Laplace approximation in {len(x)} unbounded coordinates, {peak.reason}",
        _log_evidence(problem, peak, L),
        {
            "curvature": float(np.linalg.eigvalsh(unit)[0]),
            **peak.diagnostics,
            **importance(draws, x, F),
        },
        peak.notes,
        peak.losses,
    )


def _scaled(joint: LogJoint) -> Bools:
    """Say of which coefficients the density is in units of an inferred scale already (Z4)."""
    spread = joint.coordinates.spread
    return np.zeros(joint.coordinates.p, dtype=bool) if spread is None else spread.scaled


def _log_evidence(problem: Problem, peak: Peak, L: Array) -> float | str:
    """Return log p(x̂, y) + ½ d log 2π − ½ log det H, β in its own unit (U2)."""
    prior, rows, joint = problem.prior, problem.prior.normal_rows(problem), peak.joint
    flat_beta = rows is not None and len(rows.mean) < joint.coordinates.p
    if isinstance(prior, PartlyImproper):
        flat_beta = len(prior.proper_rows(problem)) < joint.coordinates.p
    if flat_beta or not all(prior.proper for prior in problem.inferred.values()):
        return IMPROPER_PRIORS
    unit = float(np.sum(np.log(joint.coordinates.frame.scale)[~_scaled(joint)]))
    half = len(L) * HALF_LOG_2PI
    return float(joint.log_density(peak.x)) + unit + half - float(np.sum(np.log(np.diag(L))))
