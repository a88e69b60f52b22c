"""The mode under priors with kinks: the lasso and the elastic net, with exact zeros.

Derived in docs/theory/sparse_priors.md, (Z8) to (Z11).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayesml.inference.base import Learned
from bayesml.inference.point import (
    NO_EVIDENCE,
    convergence_notes,
    curvature_of,
    moved_start,
    point_estimate,
)
from bayesml.log_joint import LogJoint, NegativeLogJoint, log_joint, prior_sum
from bayesml.model import Problem
from bayesml.optimizers.proximal_newton import Kinks, minimize_kinked
from bayesml.optimizers.stopping import Optimum
from bayesml.priors import KinkedPrior
from bayesml.typing import Array, Bools


def sparse_mode(
    problem: Problem,
    prior: KinkedPrior,
    rng: np.random.Generator,
    away: Mapping[str, float] | None = None,
) -> Learned:
    """Maximise the log joint density of the user's parameters, exactly at the kinks.

    `away` are multiples of the values, by name, from which to start.
    """
    joint = replace(log_joint(problem), prior=prior_sum(problem, prior.smooth))
    kinks = _kinks(joint, prior)
    start = moved_start(problem, joint, rng, away)
    optimum = minimize_kinked(NegativeLogJoint(joint), start, kinks)
    return _learned(problem, joint, prior, kinks, optimum)


def _kinks(joint: LogJoint, prior: KinkedPrior) -> Kinks:
    """Return the penalty of the objective, per unit of weight, in its coordinates."""
    at, rest = joint.coordinates, np.zeros(joint.size - joint.coordinates.p)
    weight = prior.rate * at.frame.scale / joint.weight
    return Kinks(np.append(at.frame.z(prior.at), rest), np.append(weight, rest))


def _learned(
    problem: Problem, joint: LogJoint, prior: KinkedPrior, kinks: Kinks, optimum: Optimum
) -> Learned:
    at, x = joint.coordinates, np.asarray(optimum.x, dtype=np.float64)
    zero = (kinks.weight > 0.0) & (x == kinks.location)
    covariance, definiteness = _off_the_kinks(joint.observed(x), zero)
    p, scale, values = at.p, at.frame.scale, at.values(x)
    errors = at.errors(x, np.sqrt(np.diag(covariance)))
    beta = np.where(zero[:p], prior.at, at.beta(x))
    of_beta = covariance[:p, :p] * np.outer(scale, scale)
    how = f"{int(zero.sum())} of {int(np.sum(kinks.weight > 0.0))} coefficients at the kink"
    constant = prior.log_constant / joint.weight
    return Learned(
        point_estimate(problem, beta, of_beta, values, errors, np.inf),
        problem.model,
        f"posterior mode by proximal Newton steps, {how}; {optimum.iterations} iterations: "
        f"{optimum.reason}",
        NO_EVIDENCE,
        {
            "gradient_norm": optimum.gradient_norm,
            "curvature": definiteness,
            "iterations": float(optimum.iterations),
            "at_kink": float(zero.sum()),
        },
        convergence_notes(optimum),
        (optimum.loss_curve - constant) * joint.weight,
    )


def _off_the_kinks(H: Array, zero: Bools) -> tuple[Array, float]:
    """Invert the curvature of what is off the kinks; at one it is infinite, and its inverse 0."""
    covariance, off = np.zeros_like(H), ~zero
    if not off.any():
        return covariance, 1.0
    inverse, definiteness = curvature_of(H[np.ix_(off, off)])
    covariance[np.ix_(off, off)] = inverse
    return covariance, definiteness
