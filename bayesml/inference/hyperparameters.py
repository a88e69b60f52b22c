"""Where the evidence is largest: by statistics, by Laplace's approximation, or in one size.

Derived in docs/theory/empirical_bayes.md, whose labels are cited.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.exact import Exact
from bayesml.inference.gaussian_evidence import gaussian_evidence, named
from bayesml.inference.point import find_optimum
from bayesml.inference.relevance import maximise_evidence
from bayesml.inference.scale_mode import MOST_SCALES, ScaleEvidence
from bayesml.likelihoods import restated
from bayesml.log_joint import log_joint
from bayesml.model import Model, Problem
from bayesml.priors import InfersScales, LeavesSize

FAR = 8.0
"""Logarithms by which a scale is moved to see whether the evidence falls off on that side."""

LEVEL = 1e-7
"""Nats by which it has to fall: differences of an inner optimum are known to about 1e-9."""

SIZES = (-30.0, 30.0)
"""Logarithms of g between which it is searched: from all weights zero to none shrunk."""


def with_values(problem: Problem, values: Mapping[str, float]) -> Problem:
    """Return the problem with its hyperparameters known."""
    model, prior = problem.model, problem.prior
    known = {name: values[name] for name in problem.inferred}
    scaled: Any = prior
    if isinstance(prior, InfersScales):
        scaled = prior.with_scales(problem, values)
    declared = Model(model.predictor, restated(model.likelihood, known), scaled)
    return replace(problem, declared=declared)


class Maximised(NamedTuple):
    """Hyperparameters at the maximum of the evidence.

    Attributes
    ----------
    given : Problem
        With the hyperparameters known.
    values : mapping of name to float
    log_evidence : float
    said : str
        What they are and how they were found.
    diagnostics : mapping of name to float
    notes : tuple of str
    """

    given: Problem
    values: Mapping[str, float]
    log_evidence: float
    said: str
    diagnostics: Mapping[str, float]
    notes: tuple[str, ...]


def by_statistics(problem: Problem) -> Maximised:
    """Maximise the evidence of a linear Gaussian model, (Y18) to (Y24)."""
    peak = maximise_evidence(gaussian_evidence(problem))
    evidence = peak.evidence
    values = evidence.values(peak.u)
    zero = [
        name
        for name, on in zip(evidence.names[evidence.noise :], evidence.on, strict=True)
        if not on
    ]
    sizes = np.bincount(evidence.group[evidence.group >= 0], minlength=len(evidence.on))
    alone = np.sum(~evidence.on & (sizes == 1))
    at_zero = f", where {len(zero)} are zero ({named(dict.fromkeys(zero, 0.0))})" if zero else ""
    return Maximised(
        with_values(problem, values),
        values,
        peak.log_evidence,
        f"log evidence {peak.log_evidence:.6g}, largest at {named(values)}{at_zero}",
        {
            "maximised_log_evidence": peak.log_evidence,
            "evidence_gradient": peak.gradient_norm,
            "well_determined": float(evidence.conditional(peak.u).determined.sum()) + evidence.flat,
            "scales_at_zero": float(len(zero)),
            "shared_scales_at_zero": float(len(zero) - alone),
        },
        () if peak.converged else (f"The evidence was not maximised: {peak.reason}.",),
    )


def by_laplace(problem: Problem, rng: np.random.Generator, *, exact: bool) -> Maximised:
    """Maximise the evidence by Laplace's formula (Z5), of a Gaussian density exact."""
    joint = log_joint(problem)
    at, objective = joint.coordinates, ScaleEvidence(joint, priors=False)
    free = joint.size - at.p
    if free > MOST_SCALES:
        raise IncompatibleModelError(
            f"EmpiricalBayes() differences the evidence along every scale, and {free} are more "
            f"than {MOST_SCALES}. A linear Gaussian model takes any number; else let features "
            "share scales, or use NUTS()."
        )
    optimum, _ = find_optimum(objective, np.zeros(free), None, rng)
    u = np.asarray(optimum.x, dtype=np.float64)
    found = at.values(np.append(np.zeros(at.p), u))
    values = {block.name: float(found[block.name]) for block in at.free}
    log_evidence = -optimum.value * joint.weight
    how = "" if exact else " by Laplace's approximation"
    ends = dict(zip(values, _ends(objective, u, log_evidence), strict=True))
    scales = [name for name, end in ends.items() if end < 0 and name in problem.hyperparameters]
    notes = [
        f"The evidence does not fall off as {name} {'grows' if end > 0 else 'falls to zero'}: it "
        "has no maximum."
        for name, end in ends.items()
        if end and name not in scales
    ]
    if not optimum.converged and not scales:
        notes.append(f"The evidence was not maximised: {optimum.reason}.")
    values |= {name: values[name] * float(np.exp(-FAR)) for name in scales}
    return Maximised(
        with_values(problem, values),
        values,
        log_evidence,
        f"log evidence{how} {log_evidence:.6g}, largest at {named(values)}",
        {
            "maximised_log_evidence": log_evidence,
            "evidence_gradient": optimum.gradient_norm,
            "scales_at_zero": float(len(scales)),
            "shared_scales_at_zero": float(len(scales)),
        },
        tuple(notes),
    )


def _ends(objective: ScaleEvidence, u: np.ndarray[Any, Any], log_evidence: float) -> list[int]:
    """Return −1 or 1 for every coordinate along which the evidence does not fall off, else 0."""
    out = []
    for step in np.eye(len(u)):
        out.append(0)
        for side in (-1, 1):
            try:
                there = -objective.value(u + side * FAR * step) * objective.joint.weight
            except ConvergenceError:
                continue
            if there >= log_evidence - LEVEL:
                out[-1] = side
    return out


def by_size(problem: Problem, prior: LeavesSize, rng: np.random.Generator) -> Maximised:
    """Maximise the evidence of a conjugate prior in its size, σ integrated out (Y25)."""

    def at(log_size: float) -> Problem:
        declared = replace(problem.declared, prior=prior.with_size(float(np.exp(log_size))))
        return replace(problem, declared=declared)

    def negative(log_size: float) -> float:
        evidence = Exact().learn(at(log_size), rng).log_evidence
        if isinstance(evidence, str):
            raise IncompatibleModelError(f"EmpiricalBayes() needs an evidence: {evidence}")
        return -evidence

    found = minimize_scalar(negative, bounds=SIZES, method="bounded", options={"xatol": 1e-9})
    log_evidence, zero = -float(found.fun), negative(SIZES[0]) <= found.fun + LEVEL
    log_size = SIZES[0] if zero else float(found.x)
    values = {"g": float(np.exp(log_size))}
    endless = negative(SIZES[1]) <= found.fun + LEVEL
    note = "The evidence does not fall off as g grows: it has no maximum."
    return Maximised(
        at(log_size),
        values,
        log_evidence,
        f"log evidence {log_evidence:.6g}, largest at {'g = 0' if zero else named(values)}",
        {
            "maximised_log_evidence": log_evidence,
            "g": 0.0 if zero else values["g"],
            "scales_at_zero": float(zero),
            "shared_scales_at_zero": float(zero),
        },
        (note,) if endless else (),
    )
