"""The maximum of a Gaussian evidence, some of whose scales may be zero there.

Derived in docs/theory/empirical_bayes.md, (Y22) to (Y24).
"""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.gaussian_evidence import GaussianEvidence
from bayesml.optimizers import LBFGS, Newton, minimize
from bayesml.typing import Array

MOST_ROUNDS = 100
"""Of taking scales out and in again; each raises the evidence, so that few are ever needed."""

IDLE = 1e-2
"""Coefficients that a scale lets the data determine, below which zero is tried in its place."""

ROUNDING = 1e-13
"""Of an objective of order one: what evidence may fall by when a scale is set to zero."""


LEAST_LEFT = 1e-3
"""Rows that the coefficients leave to σ; towards zero noise the evidence is level, not falling."""


@dataclass(frozen=True, eq=False)
class EvidencePeak:
    """Where an evidence is largest.

    Attributes
    ----------
    evidence : GaussianEvidence
        With the scales that are zero there.
    u : ndarray
        Logarithms of σ, if inferred, and of the scales that are not zero.
    gradient_norm : float
    reason : str
        Why the search ended.
    converged : bool
    """

    evidence: GaussianEvidence
    u: Array
    gradient_norm: float
    reason: str
    converged: bool

    @property
    def log_evidence(self) -> float:
        """Log p(y | σ̂, τ̂)."""
        return self.evidence.log_evidence(self.u)

    @property
    def noiseless(self) -> bool:
        """Whether σ is the rounding of the target, or no rows are left to learn it from (Y20)."""
        if not self.evidence.noise:
            return False
        used = self.evidence.flat + float(self.evidence.conditional(self.u).determined.sum())
        left = self.evidence.weight - used
        return left < LEAST_LEFT or float(self.u[0]) < self.evidence.noiseless


def maximise_evidence(evidence: GaussianEvidence) -> EvidencePeak:
    """Search from scales of one size, and from those of the coefficients found there.

    The evidence of many scales may have several maxima; the better of the two is taken.

    Raises
    ------
    ConvergenceError
        If the evidence is largest without any noise, where the columns reproduce the target.
    """
    best = climb(evidence, _start(evidence))
    if best.noiseless:
        raise ConvergenceError(
            "The evidence is largest as sigma falls to zero: the columns reproduce the target. "
            "Leave columns out, state sigma, or use NUTS() under a proper prior of it."
        )
    if len(evidence.on) == 1:
        return best
    other = climb(evidence, _from_coefficients(best))
    return best if other.noiseless else max(best, other, key=lambda peak: peak.log_evidence)


def climb(evidence: GaussianEvidence, u: Array) -> EvidencePeak:
    """Maximise, setting scales to zero and back as long as that helps (Y22, Y23)."""
    returned = np.zeros(len(evidence.on), dtype=int)
    for _ in range(MOST_ROUNDS):
        u = np.asarray(minimize(LBFGS(max_iterations=30, tolerance=1e-6), evidence, u).x)
        evidence, u, fewer = _without_idle(evidence, u)
        if fewer:
            continue
        optimum = minimize(Newton(max_iterations=200), evidence, u)
        u = np.asarray(optimum.x, dtype=np.float64)
        evidence, u, fewer = _without_idle(evidence, u)
        if fewer:
            continue
        slopes, squares = evidence.slope_at_zero(u)
        back = ~evidence.on & (slopes > 1e-9 * np.sqrt(squares)) & (squares > 0) & (returned < 2)
        if not np.any(back):
            break
        gain = np.divide(slopes, np.sqrt(squares), out=np.full(len(slopes), -np.inf), where=back)
        g = int(np.argmax(gain))
        evidence, u = _with_scale(evidence, u, g, 0.5 * float(np.log(slopes[g] / squares[g])))
        returned[g] += 1
    return EvidencePeak(evidence, u, optimum.gradient_norm, optimum.reason, optimum.converged)


def _without_idle(evidence: GaussianEvidence, u: Array) -> tuple[GaussianEvidence, Array, bool]:
    """Set scales to zero where the evidence does not fall by it, one after the other."""
    at, fewer = evidence.conditional(u), False
    determined, members = at.determined, evidence.group
    for g in np.flatnonzero(evidence.on):
        if np.sum(determined[members == g]) > IDLE:
            continue
        place = evidence.noise + int(np.sum(evidence.on[:g]))
        on = evidence.on.copy()
        on[g] = False
        less, left = replace(evidence, on=on), np.delete(u, place)
        if less.value(left) <= evidence.value(u) + ROUNDING:
            evidence, u, fewer = less, left, True
    return evidence, u, fewer


def _with_scale(
    evidence: GaussianEvidence, u: Array, g: int, log_tau: float
) -> tuple[GaussianEvidence, Array]:
    on = evidence.on.copy()
    on[g] = True
    place = evidence.noise + int(np.sum(on[:g]))
    return replace(evidence, on=on), np.insert(u, place, log_tau)


def _start(evidence: GaussianEvidence) -> Array:
    """Begin with half of the target's squares explained, by all columns alike."""
    total = float(evidence.d @ evidence.d) + evidence.floor
    noise = np.array([0.5 * np.log(0.5 * total / evidence.weight)])
    norms = (np.linalg.norm(evidence.R, axis=0) * evidence.unit) ** 2
    groups = [float(np.sum(norms[evidence.group == g])) for g in range(len(evidence.on))]
    each = [0.5 * total / (max(len(groups), 1) * size) if size > 0 else 1.0 for size in groups]
    logs = 0.5 * np.log(np.array(each))
    return np.concatenate([noise, logs]) if evidence.noise else logs


def _from_coefficients(peak: EvidencePeak) -> Array:
    """Begin with the root mean square of the coefficients of a scale, in its units."""
    evidence = peak.evidence
    at, start = evidence.conditional(peak.u), _start(evidence)
    sizes = [
        float(np.sqrt(np.mean((at.s * at.v / evidence.unit)[evidence.group == g] ** 2)))
        for g in range(len(evidence.on))
    ]
    found = np.log(np.where(np.array(sizes) > 0.0, sizes, 1.0))
    scales = np.where(np.array(sizes) > 0.0, found, start[evidence.noise :])
    return np.concatenate([peak.u[: evidence.noise], scales])
