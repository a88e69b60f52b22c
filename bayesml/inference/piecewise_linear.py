"""Modes of piecewise linear log densities: regression quantiles, least absolute deviations.

Derived in docs/theory/quantile_families.md, (W6) to (W12).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from bayesml.distributions import Distribution
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.point import (
    NO_EVIDENCE,
    curvature_of,
    point_estimate,
    refuse_undetermined,
)
from bayesml.likelihoods import PiecewiseLinear
from bayesml.log_joint import LogJoint, Rows, is_linear, log_joint
from bayesml.log_joint.rows import jacobian_of
from bayesml.model import Problem
from bayesml.optimizers.pinball import Pinball, PinballMinimum, least_pinball
from bayesml.typing import Array

FURTHEST = 60.0
"""Of log scales, from that of the least-squares residuals, that are searched."""


def by_programme(problem: Problem) -> bool:
    """Say whether a problem is a linear or quadratic programme for every scale (W6)."""
    return is_linear(problem) and isinstance(problem.model.likelihood, PiecewiseLinear)


@dataclass(frozen=True, eq=False)
class KinkedMode:
    """A mode, and the curvature that the expected information has there.

    Attributes
    ----------
    x : ndarray, shape (size,)
        In the coordinates of the joint density.
    H : ndarray, shape (size, size)
        (W12).
    minimum : PinballMinimum
        Of the coefficients, given the scale.
    how : str
    """

    x: Array
    H: Array
    minimum: PinballMinimum
    how: str

    @property
    def diagnostics(self) -> dict[str, float]:
        """What the checks judge."""
        return {"duality_gap": self.minimum.gap, "iterations": float(self.minimum.steps)}


def kinked_point(problem: Problem, label: str) -> Learned:
    """Return a point estimate, with standard errors by the expected information (W12)."""
    refuse_undetermined(problem)
    joint = log_joint(problem)
    mode, at = kinked_mode(problem, joint), joint.coordinates
    covariance, definiteness = curvature_of(mode.H)
    p, scale, values = at.p, at.frame.scale, at.values(mode.x)
    errors = {
        block.name: values[block.name] * float(np.sqrt(covariance[where, where]))
        for block, where in at.blocks()
    }
    posterior = point_estimate(
        problem,
        at.beta(mode.x),
        covariance[:p, :p] * np.outer(scale, scale),
        values,
        errors,
        np.inf,
    )
    diagnostics = {"curvature": definiteness, **mode.diagnostics}
    how = f"{label} by {mode.how}"
    return Learned(posterior, problem.model, how, NO_EVIDENCE, diagnostics)


def kinked_mode(problem: Problem, joint: LogJoint) -> KinkedMode:
    """Maximise the joint density of coefficients and scale, with or without its Jacobian (W11).

    Raises
    ------
    IncompatibleModelError
        If the prior of the coefficients is neither Normal nor Flat, or its scale is inferred.
    ImproperPosteriorError
        If every row can be met, and the density grows without bound as the scale goes to zero.
    """
    _refuse_other_priors(problem)
    unit, quadratic = (
        _programme(problem, joint),
        bool(np.any(joint.prior.precision(*_origin(joint)))),
    )
    known = problem.known.get("scale")
    if known is not None:
        scale, minimum = known, least_pinball(_at(unit, known))
    elif quadratic:
        profile = _Profile(unit, joint.weight, problem.inferred["scale"], joint.jacobian)
        scale = profile.mode(least_pinball(replace(unit, P=0.0 * unit.P, h=0.0 * unit.h)))
        minimum = least_pinball(_at(unit, scale))
    else:
        minimum = least_pinball(unit)
        profile = _Profile(unit, joint.weight, problem.inferred["scale"], joint.jacobian, minimum)
        scale = profile.mode(minimum)
    at = joint.coordinates
    beta = at.frame.beta(minimum.z)
    x = at.x(beta, {"scale": np.asarray(scale)})
    kind = "quadratic" if quadratic else "linear"
    several = "" if minimum.unique else ", one of several with the same loss"
    how = f"a {kind} programme, {minimum.steps} steps of an interior point{several}"
    return KinkedMode(x, _curvature(problem, joint, x, unit, minimum), minimum, how)


def _refuse_other_priors(problem: Problem) -> None:
    rows = problem.prior.normal_rows(problem)
    if rows is None or rows.scale is not None:
        raise IncompatibleModelError(
            f"{problem.model.likelihood!r} has a kink at every row, so that a mode is found by a "
            f"quadratic programme, which needs Normal or Flat priors of known scale, got "
            f"{problem.prior!r}. Use NUTS(), which needs no mode."
        )


def _origin(joint: LogJoint) -> tuple[Array, dict[str, Array]]:
    """Return β at the origin of the coordinates, and the values there."""
    x = np.zeros(joint.size)
    return joint.coordinates.beta(x), joint.coordinates.values(x)


def _programme(problem: Problem, joint: LogJoint) -> Pinball:
    """Return the programme of a unit scale, in the coordinates z of the frame (W6)."""
    rows, (beta, values) = joint.rows, _origin(joint)
    if not isinstance(rows, Rows):
        raise IncompatibleModelError(
            f"A programme is of all rows at once, and these are {problem.data.whereabouts}, not in "
            "memory. data.collect() puts them there."
        )
    kept, scale = rows.w > 0, joint.coordinates.frame.scale
    X = jacobian_of(rows.frame, rows.parameters(beta), rows.A) * scale
    y, w = rows.y - rows.eta(beta), rows.w[kept]
    likelihood = rows.likelihood
    if not isinstance(likelihood, PiecewiseLinear):
        raise TypeError(f"A piecewise linear likelihood is needed, got {likelihood!r}.")
    above, below = likelihood.costs
    P = joint.prior.precision(beta, values) * np.outer(scale, scale)
    h = scale * joint.prior.terms(beta, values).score
    return Pinball(X[kept], y[kept], above * w, below * w, P, h)


def _at(unit: Pinball, scale: float) -> Pinball:
    """Return the programme of a scale; its objective is that times the scale."""
    return replace(unit, P=scale * unit.P, h=scale * unit.h)


@dataclass(frozen=True, eq=False)
class _Profile:
    """The density of the scale, the coefficients at their best for each (W11).

    Attributes
    ----------
    unit : Pinball
    weight : float
        W.
    prior : Distribution
    jacobian : bool
        Whether the density is of log scale.
    always : PinballMinimum or None
        The coefficients, where they are the same for every scale.
    """

    unit: Pinball
    weight: float
    prior: Distribution
    jacobian: bool
    always: PinballMinimum | None = None

    def slope(self, u: float) -> float:
        """Evaluate the derivative in u = log s: the coefficients move without changing it."""
        s = float(np.exp(u))
        best = least_pinball(_at(self.unit, s)) if self.always is None else self.always
        loss = self.unit.loss(self.unit.y - self.unit.X @ best.z)
        return loss / s - self.weight + s * float(self.prior.score(s)) + self.jacobian

    def mode(self, rough: PinballMinimum) -> float:
        """Return the scale where the slope vanishes, near that of a rough fit."""
        r = self.unit.y - self.unit.X @ rough.z
        loss = self.unit.loss(r) / self.weight
        size = float(np.max(np.abs(self.unit.y), initial=0.0))
        if loss > 1e-14 * size:
            low = high = float(np.log(loss))
            while self.slope(low) < 0 and low > np.log(loss) - FURTHEST:
                low -= 1.0
            while self.slope(high) > 0 and high < np.log(loss) + FURTHEST:
                high += 1.0
            if self.slope(low) >= 0 >= self.slope(high):
                return float(np.exp(brentq(self.slope, low, high, xtol=1e-15, rtol=1e-14)))
        raise ImproperPosteriorError(
            "The density has no mode: it grows without bound as the scale goes to zero, since the "
            "model can meet every row. State scale, use fewer columns than rows, or give it a "
            "prior that excludes zero, such as InverseGamma(2, 1)."
        )


def _curvature(
    problem: Problem, joint: LogJoint, x: Array, unit: Pinball, minimum: PinballMinimum
) -> Array:
    """Return the curvature by the expected information, block by block (W12)."""
    at, p = joint.coordinates, joint.coordinates.p
    beta, values = at.beta(x), at.values(x)
    H = np.zeros((joint.size, joint.size))
    of_beta = joint.rows.information(beta, values) + joint.prior.precision(beta, values)
    H[:p, :p] = of_beta * np.outer(at.frame.scale, at.frame.scale)
    if joint.size > p:
        s, prior = float(values["scale"]), problem.inferred["scale"]
        loss = unit.loss(unit.y - unit.X @ minimum.z)
        H[p, p] = loss / s - s * float(prior.score(s)) - s**2 * float(prior.curvature(s))
    return H
