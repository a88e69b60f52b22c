"""Hyperparameters by maximising the evidence. Derived in docs/theory/empirical_bayes.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.auto import Auto
from bayesml.inference.base import Learned, Method
from bayesml.inference.gaussian_evidence import (
    gaussian_evidence,
    named,
    of_single_coefficients,
)
from bayesml.inference.point import find_optimum, refuse_undetermined
from bayesml.inference.relevance import maximise_evidence
from bayesml.inference.scale_mode import MOST_SCALES, Marginal
from bayesml.likelihoods import restated
from bayesml.log_joint import log_joint, not_linear_gaussian
from bayesml.model import Model, Problem
from bayesml.predictors import Network
from bayesml.priors import HasKinks, HasSeenRows, InfersScales, StandsForScale, StatesParameters

FAR = 8.0
"""Logarithms by which a scale is moved to see whether the evidence falls off on that side."""

LEVEL = 1e-7
"""Nats by which it has to fall: differences of an inner optimum are known to about 1e-9."""


AUTO = Auto()


@dataclass(frozen=True)
class EmpiricalBayes:
    r"""Scales and noise that maximise the evidence, and then any method given these numbers.

    .. math:: (\hat\phi, \hat\tau) = \arg\max\ p(y \mid \phi, \tau)
              = \arg\max \int p(y \mid \beta, \phi)\,p(\beta \mid \tau)\,d\beta \qquad (Y16)

    What the model infers beside the coefficients is learned so: σ and other parameters of the
    likelihood, and scales of the prior, ``Normal(0, sd=Flat())``. Priors of these are not used,
    as `MLE` uses none; `MAP` does, and otherwise does the same. The default prior becomes
    ``Ridge(Flat())``, one scale of the standardised weights. A scale a weight is automatic
    relevance determination: ``Independent({name: Normal(0, Flat()) for name in ...})``.

    Evidence is exact in a linear Gaussian model under Normal priors, from the sufficient
    statistics, and by Laplace's approximation (Z5) in others. A scale that is zero at the maximum
    is stated as one at which the weight is zero to rounding (Y24).

    The answer knows nothing of how uncertain the numbers found are, so that intervals are too
    narrow where few weights share a scale; `NUTS` without `EmpiricalBayes` integrates over them.
    The maximised evidence is no evidence of the model: it is in the diagnostics,
    ``fit.diagnostics["maximised_log_evidence"]``, and ``fit.log_evidence`` refuses.

    Parameters
    ----------
    method : Method
        What learns the coefficients given the numbers, which ``fit.resolved`` states.

    Raises
    ------
    IncompatibleModelError
        If `method` is none, or uses no priors; at fit, if nothing is inferred beside the
        coefficients, if the prior's hyperparameters are not scales, and of a network.
    RankDeficientError
        If neither the data nor a proper prior tell two coefficients apart.
    ConvergenceError
        If the evidence is largest without noise, since the columns reproduce the target.

    References
    ----------
    MacKay (1992), Bayesian interpolation, §4; Tipping (2001), Sparse Bayesian learning and the
    relevance vector machine, §2; Bishop (2006), Pattern Recognition and Machine Learning, §3.5.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.sin(np.outer(np.arange(20), [1.0, 2.0, 3.0]))
    >>> data = bm.Data(X, X[:, 0] + 0.1 * np.cos(9.0 * np.arange(20)))
    >>> fit = bm.fit(bm.Model(), data, bm.EmpiricalBayes())
    >>> round(fit.resolved.likelihood.sigma, 3), fit.kind
    (0.078, 'exact')
    >>> prior = bm.Independent({name: bm.Normal(0, bm.Flat()) for name in data.feature_names})
    >>> relevance = bm.fit(bm.Model(prior=prior), data, bm.EmpiricalBayes())
    >>> relevance.summary()["mean"].round(2).tolist()
    [-0.0, 1.0, 0.0, 0.0]
    """

    method: Method = AUTO

    def __post_init__(self) -> None:
        got: Any = self.method
        if isinstance(got, type) or not isinstance(got, Method):
            raise IncompatibleModelError(
                f"EmpiricalBayes: method must be an inference method, got {got!r}. For instance "
                "EmpiricalBayes(Exact()), with parentheses."
            )

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Maximise the evidence, and learn the coefficients given what was found."""
        inferring = with_scale_inferred(problem)
        refuse_other_priors(inferring)
        refuse_undetermined(inferring)
        found = _maximised(inferring, rng)
        given = with_values(inferring, found.values)
        learned = self.method.learn(given, rng)
        if learned.resolved.prior != given.model.prior:
            raise IncompatibleModelError(
                f"EmpiricalBayes: {self.method!r} does not use the prior whose scales were found. "
                "Use Exact(), MAP(), Laplace() or NUTS(), or MLE() alone."
            )
        return replace(
            learned,
            explanation=f"{found.said}, and their uncertainty is not in the answer. Given these: "
            f"{learned.explanation}",
            log_evidence=f"{found.log_evidence:.10g} is its maximum over "
            f"{len(found.values)} hyperparameters, which is not comparable with an evidence that "
            'integrates over them. It is fit.diagnostics["maximised_log_evidence"]; use NUTS() or '
            "Exact() under proper priors, and leave_one_out() to compare.",
            diagnostics={**learned.diagnostics, **found.diagnostics},
            notes=(*found.notes, *learned.notes),
        )


def with_scale_inferred(problem: Problem) -> Problem:
    """Return the problem with one scale in the place of one that nobody stated (Y17)."""
    prior = problem.declared.prior
    if isinstance(problem.model.predictor, Network):
        raise IncompatibleModelError(
            "EmpiricalBayes() is of models that have one mode, and a network's scales are learned "
            "by evidence as it trains: use Laplace()."
        )
    if not isinstance(prior, StandsForScale):
        return problem
    return replace(problem, declared=replace(problem.declared, prior=prior.with_scale_inferred()))


def refuse_other_priors(problem: Problem) -> None:
    """Refuse hyperparameters that are not scales, and a model that has none, by name."""
    stated, prior = problem.declared.prior, problem.prior
    own = [name for name in problem.hyperparameters if name not in problem.inferred]
    if isinstance(stated, HasSeenRows):
        raise IncompatibleModelError(
            f"EmpiricalBayes() needs all rows at once: {stated.statistics.rows} were learned from "
            "already, under numbers found from them alone. Fit the data together, or keep the "
            "numbers and learn the new rows by Exact() under fit.as_prior()."
        )
    if isinstance(stated, StatesParameters) or (own and not isinstance(prior, InfersScales)):
        raise IncompatibleModelError(
            f"EmpiricalBayes() learns scales of coefficients, such as Normal(0, sd=Flat()) in "
            f"Independent, ByTerm or Ridge, and the prior is {type(stated).__name__}(). Use "
            "Auto(), which integrates over what it infers."
        )
    if not own and not problem.inferred:
        raise IncompatibleModelError(
            f"EmpiricalBayes() found no hyperparameter to learn: every number of {stated!r} and "
            f"{problem.model.likelihood!r} is known. Infer one, for instance "
            f"Ridge(sd=Flat()), or use Auto() alone."
        )
    if isinstance(prior, HasKinks) and prior.kinks(problem) is not None:
        raise IncompatibleModelError(
            "EmpiricalBayes() integrates coefficients out by the curvature at their mode, and a "
            "Laplace prior has a kink there. Use NUTS(), or Normal priors."
        )


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
    values : mapping of name to float
    log_evidence : float
    said : str
        What they are and how they were found.
    diagnostics : mapping of name to float
    notes : tuple of str
    """

    values: Mapping[str, float]
    log_evidence: float
    said: str
    diagnostics: Mapping[str, float]
    notes: tuple[str, ...]


def _maximised(problem: Problem, rng: np.random.Generator) -> Maximised:
    exact = not_linear_gaussian(problem) is None
    if exact and of_single_coefficients(problem.prior.normal_rows(problem)):
        return _by_statistics(problem)
    return _by_laplace(problem, rng, exact=exact)


def _by_statistics(problem: Problem) -> Maximised:
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


def _by_laplace(problem: Problem, rng: np.random.Generator, *, exact: bool) -> Maximised:
    joint = log_joint(problem)
    at, objective = joint.coordinates, Marginal(joint)
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
    ends = _ends(objective, u, log_evidence)
    at_zero = [b.name for b, end in zip(at.free, ends, strict=True) if end < 0]
    at_infinity = [b.name for b, end in zip(at.free, ends, strict=True) if end > 0]
    scales = [name for name in at_zero if name in problem.hyperparameters]
    notes = [
        f"The evidence does not fall off as {n} grows: it has no maximum." for n in at_infinity
    ]
    notes += [
        f"The evidence does not fall off as {n} falls to zero: it has no maximum."
        for n in at_zero
        if n not in scales
    ]
    if not optimum.converged and not scales:
        notes.append(f"The evidence was not maximised: {optimum.reason}.")
    values |= {name: values[name] * float(np.exp(-FAR)) for name in scales}
    return Maximised(
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


def _ends(objective: Marginal, u: np.ndarray[Any, Any], log_evidence: float) -> list[int]:
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
