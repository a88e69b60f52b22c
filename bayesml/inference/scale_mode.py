"""The mode of scales that a prior infers, coefficients integrated out: (Z5) and (Z6).

Derived in docs/theory/sparse_priors.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.point import (
    NO_EVIDENCE,
    convergence_notes,
    curvature_of,
    find_optimum,
    point_estimate,
)
from bayesml.log_joint import LogJoint, NegativeLogJoint, log_joint
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Newton, Optimizer, minimize
from bayesml.typing import Array

STEP = 1e-4
"""Of differences of a logarithm that is known to about 1e-13: error 1e-8, and 1e-5 of curvature."""


AT_ZERO = 1e-4
"""A scale of a single weight, whose prior is of about one, that is taken for zero."""

MOST_SCALES = 20
"""Beyond which differences along all of them cost more than they save."""


@dataclass(frozen=True, eq=False)
class Inner:
    """The coefficients at one point of the scales: their mode, and the curvature there."""

    joint: LogJoint
    z: Array
    root: Array

    @property
    def log_integral(self) -> float:
        """The logarithm of ∫ p(y, β | φ) dβ: of a Gaussian density exact (Z5)."""
        at = self.joint.coordinates
        unit = float(np.sum(np.log(at.unit(at.known))))
        half = 0.5 * at.p * float(np.log(2.0 * np.pi))
        log_det = float(np.sum(np.log(np.diag(self.root))))
        return float(self.joint.log_density(self.z)) + unit + half - log_det


@dataclass(frozen=True, eq=False)
class ScaleEvidence:
    r"""−log p(y, φ, τ)/W in the unbounded coordinates of φ and τ, β integrated out (Z6).

    Attributes
    ----------
    joint : LogJoint
        Of the parameters as the user states them.
    priors : bool
        Whether those of φ and τ belong to it; without them it is −log p(y | φ, τ)/W (Z5).
    """

    joint: LogJoint
    priors: bool = True

    def inner(self, u: Array) -> Inner:
        """Find the mode of the coefficients, given all else."""
        at = self.joint.coordinates
        given = self.joint.given(at.values(np.append(np.zeros(at.p), u)))
        objective, z = NegativeLogJoint(given), np.zeros(at.p)
        try:
            # A Gaussian density is at its mode after one step; others are searched.
            H = given.precision(z)
            z = z + cho_solve((cholesky(H, lower=True), True), given.log_density_and_gradient(z)[1])
            gradient = given.log_density_and_gradient(z)[1]
            if np.linalg.norm(gradient) > 1e-9 * max(1.0, float(np.sqrt(np.trace(H)))):
                z = np.asarray(minimize(LBFGS(), objective, np.zeros(at.p)).x, dtype=np.float64)
                z = np.asarray(minimize(Newton(), objective, z).x, dtype=np.float64)
            return Inner(given, z, cholesky(given.precision(z), lower=True))
        except (LinAlgError, ValueError) as error:
            raise ConvergenceError(
                "The curvature of the coefficients is not positive definite, so that they cannot "
                "be integrated out: state proper priors, or use NUTS()."
            ) from error

    def value(self, u: Array) -> float:
        """Evaluate the objective."""
        own = self._log_priors(u) if self.priors else 0.0
        return -(self.inner(u).log_integral + own) / self.joint.weight

    def _log_priors(self, u: Array) -> float:
        at = self.joint.coordinates
        values = at.values(np.append(np.zeros(at.p), u))
        return sum(float(np.sum(b.prior.log_density(values[b.name]))) for b, _ in at.blocks())

    def value_and_gradient(self, u: Array) -> tuple[float, Array]:
        """Evaluate it, and difference it centrally."""
        return self.value(u), differences(self.value, u)

    def hessian(self, u: Array) -> Array:
        """Difference it twice."""
        return second_differences(self.value, u)


def differences(value: Callable[[Array], float], u: Array) -> Array:
    """Difference a function centrally."""
    steps = STEP * np.eye(len(u))
    return np.array([(value(u + s) - value(u - s)) / (2.0 * STEP) for s in steps])


def second_differences(value: Callable[[Array], float], u: Array) -> Array:
    """Difference it twice."""
    h, d = 10.0 * STEP, len(u)
    H, steps = np.empty((d, d)), 10.0 * STEP * np.eye(d)
    for j, k in np.ndindex(d, d):
        if k <= j:
            a, b = steps[j], steps[k]
            corners = [value(u + p * a + q * b) for p, q in ((1, 1), (1, -1), (-1, 1))]
            last = value(u - a - b)
            H[j, k] = H[k, j] = (corners[0] - corners[1] - corners[2] + last) / (4.0 * h * h)
    return H


def suited_units(joint: LogJoint) -> LogJoint:
    """Choose the powers of inferred scales that coefficients are sampled in units of (Z7).

    Only the sampler's effort depends on them, so that where no mode is found they stay at one; as
    do those of weights each with a scale of its own, whose mode is at zero.
    """
    at = joint.coordinates
    local = any(block.shape for block in at.free)
    if at.spread is None or local or joint.size - at.p > MOST_SCALES:
        return joint
    evidence = ScaleEvidence(joint)
    try:
        found = minimize(LBFGS(max_iterations=50), evidence, np.zeros(joint.size - at.p))
        inner = evidence.inner(np.asarray(found.x, dtype=np.float64))
    except ConvergenceError:
        return joint
    left = np.sum(solve_triangular(inner.root, np.eye(at.p), lower=True) ** 2, axis=0)
    return joint.in_units(np.where(at.spread.scaled, np.clip(left, 0.0, 1.0), 1.0))


def scale_mode(
    problem: Problem, optimizer: Optimizer | None, rng: np.random.Generator, label: str
) -> Learned:
    """Maximise p(φ, τ | y), and then p(β | φ, τ, y) (Z6)."""
    joint = log_joint(problem)
    at, evidence = joint.coordinates, ScaleEvidence(joint)
    if joint.size - at.p > MOST_SCALES:
        raise IncompatibleModelError(
            f"{joint.size - at.p} scales and other parameters are inferred beside {at.p} "
            f"coefficients, and their mode says little of them: MAP() takes {MOST_SCALES} at most. "
            "Use Gibbs() in a linear Gaussian model, or NUTS()."
        )
    optimum, curve = find_optimum(evidence, np.zeros(joint.size - at.p), optimizer, rng)
    u = np.asarray(optimum.x, dtype=np.float64)
    _refuse_at_zero(problem, at.values(np.append(np.zeros(at.p), u)))
    inner, x = evidence.inner(u), np.append(np.zeros(at.p), u)
    covariance, definiteness = curvature_of(evidence.hessian(u) * joint.weight)
    sd, values = np.append(np.zeros(at.p), np.sqrt(np.diag(covariance))), at.values(x)
    errors = at.errors(x, sd)
    unit = at.unit(values)
    of_z = cho_solve((inner.root, True), np.eye(at.p))
    beta = inner.joint.coordinates.beta(inner.z)
    posterior = point_estimate(problem, beta, of_z * np.outer(unit, unit), values, errors, np.inf)
    return Learned(
        posterior,
        problem.model,
        f"{label}, of scales with the coefficients integrated out, and of these given the scales; "
        f"{len(curve) - 1} iterations: {optimum.reason}",
        NO_EVIDENCE,
        {
            "gradient_norm": optimum.gradient_norm,
            "curvature": definiteness,
            "iterations": float(len(curve) - 1),
        },
        convergence_notes(optimum),
        curve * joint.weight,
    )


def _refuse_at_zero(problem: Problem, values: Mapping[str, Array]) -> None:
    """Refuse a mode where scales of single weights end, which is no summary of them."""
    for name, unknown in problem.hyperparameters.items():
        gone = np.flatnonzero(np.asarray(values[name]) < AT_ZERO)
        if unknown.shape and len(gone):
            features = [problem.feature_names[k] for k in gone[:3]]
            more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            raise IncompatibleModelError(
                f"MAP() does not apply: under {problem.declared.prior!r} the mode has {name} of "
                f"{', '.join(features)}{more} at zero, where their weights are zero whatever the "
                "data say around it. Use NUTS(), which averages over scales, or Auto() to choose."
            )
