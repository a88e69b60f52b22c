"""What can be said against an answer, for each kind of answer. NaN is a failure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.inference.base import Learned


@dataclass(frozen=True)
class Finding:
    """One check: what was measured, what it must satisfy, what it means and what to try.

    Attributes
    ----------
    name : str
    passed : bool
    value : float
    requirement : str
    meaning : str
    remedy : str
    """

    name: str
    passed: bool
    value: float
    requirement: str
    meaning: str
    remedy: str

    @property
    def measured(self) -> str:
        """What was measured, and what is needed."""
        return f"{self.name}: {self.value:.4g} (needs {self.requirement})"

    def __str__(self) -> str:
        """Give the line of the report."""
        if self.passed:
            return f"ok    {self.measured}"
        return f"FAIL  {self.measured}\n      {self.meaning} {self.remedy}"


@dataclass(frozen=True)
class CheckReport:
    """All findings about one fit.

    Attributes
    ----------
    kind : str
        The kind of answer that was checked.
    findings : tuple of Finding
    notes : tuple of str
        Failures that are words rather than numbers.
    """

    kind: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.notes and all(finding.passed for finding in self.findings)

    @property
    def failures(self) -> tuple[str, ...]:
        """What failed, in words."""
        failed = (f"{f.measured}. {f.meaning} {f.remedy}" for f in self.findings if not f.passed)
        return (*self.notes, *failed)

    def __str__(self) -> str:
        """Give the whole report."""
        article = "an" if self.kind[0] in "aeiou" else "a"
        head = f"checks of {article} {self.kind} answer: {'passed' if self.passed else 'FAILED'}"
        notes = (f"FAIL  {note}" for note in self.notes)
        return "\n".join([head, *notes, *map(str, self.findings)])


def check(learned: Learned, chains: Mapping[str, Any]) -> CheckReport:
    """Judge an answer by the evidence that its kind has.

    Parameters
    ----------
    learned : Learned
    chains : mapping of name to ndarray, shape (chain, draw, ...)
        Draws, for sampled answers: of parameters, or of a network's function values.
    """
    findings = [*_numerical(learned.diagnostics)]
    if learned.posterior.kind == "sampled":
        if not getattr(learned.posterior, "separate", False):
            functions = getattr(learned.posterior, "checked_at", None) is not None
            findings += [*_convergence(chains, "function value" if functions else "parameter")]
        findings += [*_sampler(learned.sample_stats)]
    return CheckReport(learned.posterior.kind, tuple(findings), learned.notes)


@dataclass(frozen=True)
class Limit:
    """A number that a method reports about its answer, and what it must satisfy.

    Attributes
    ----------
    name, requirement, meaning, remedy : str
        As in `Finding`.
    holds : callable
        False for NaN.
    """

    name: str
    requirement: str
    holds: Callable[[float], bool]
    meaning: str
    remedy: str


LIMITS: Mapping[str, Limit] = {
    "condition": Limit(
        "condition number of the scaled design",
        "≤ 1e10, or exact collinearity settled by the prior",
        lambda value: value <= 1e10 or value == float("inf"),
        "Columns are so nearly collinear that the coefficients keep few correct digits.",
        "Leave out or combine columns, centre polynomials, or give proper priors.",
    ),
    "quadrature_error": Limit(
        "quadrature error",
        "≤ 1e-8",
        lambda value: value <= 1e-8,
        "The integral over σ did not settle when its nodes were doubled.",
        "Check the prior of σ: its scale may be absurd for these data.",
    ),
    "gradient_norm": Limit(
        "gradient norm at the answer, standardised",
        "≤ 1e-3",
        lambda value: value <= 1e-3,
        "The optimizer stopped away from an optimum.",
        "Allow more iterations, or use the default optimizer.",
    ),
    "energy_variance": Limit(
        "variance of the energy error per dimension, worst chain",
        "≤ 0.1",
        lambda value: value <= 0.1,
        "Steps are too long for the posterior's curvature, and without an accept step biased.",
        "Lower Langevin(energy=...).",
    ),
    "ess_within": Limit(
        "effective sample size of function values within chains, median row",
        "≥ 50",
        lambda value: value >= 50,
        "Chains have explored little of the surroundings of their modes, so that their spread is "
        "too small and random.",
        "Take more steps, or more chains: Langevin(steps=...), Ensemble(members=...).",
    ),
    "curvature": Limit(
        "smallest curvature at the answer, of a Hessian with unit diagonal",
        "> 1e-10",
        lambda value: value > 1e-10,
        "The curvature at the answer is not positive definite, so it is not an isolated optimum "
        "and has no standard errors: some parameters are not determined by the data.",
        "State proper priors and use MAP(), or fix the parameter at a known number.",
    ),
    "definiteness": Limit(
        "smallest curvature at the answer, of a Hessian with unit diagonal, by orthogonal factors",
        "> 1e-20, a condition number of 1e10",
        lambda value: value > 1e-20,
        "The curvature at the answer is not positive definite but for rounding, so it is not an "
        "isolated optimum and its standard errors mean nothing.",
        "Leave out or combine columns, give proper priors, or state sigma.",
    ),
    "decrement": Limit(
        "gradient at the mode in units of the curvature, root mean square over parameters",
        "≤ 1",
        lambda value: value <= 1,
        "Parameters are as far from the optimum as draws of the posterior are: training stopped "
        "too early.",
        "Allow more iterations, LevenbergMarquardt(max_iterations=...), or more restarts.",
    ),
    "pareto_k": Limit(
        "Pareto k̂ of the approximation, against the posterior, a network's linearised",
        "≤ 0.7",
        lambda value: value <= 0.7,
        "The approximation misses mass that the posterior has, above all in its tails.",
        "Use Langevin() or NUTS(), or trust the means only.",
    ),
    "importance_ess": Limit(
        "effective sample size of a thousand draws of the approximation, weighted",
        "≥ 100",
        lambda value: value >= 100,
        "Few draws of the approximation are typical of the posterior.",
        "Use Langevin() or NUTS(), or trust the means only.",
    ),
    "off_centre": Limit(
        "distance of the mode from the centre of its approximation, in sds of the function",
        "≤ 1",
        lambda value: value <= 1,
        "Training stopped where the posterior is still some way off, so that intervals of the "
        "mean are off to one side.",
        "State the prior scales, Layered(sd=...), or use Langevin() or an Ensemble().",
    ),
    "agreement": Limit(
        "share of the target's variance on which members of the ensemble agree",
        "≥ 0.5",
        lambda value: value >= 0.5,
        "Members of the ensemble tell different stories even on the training rows.",
        "Train longer, give more data or stronger priors, or use more members.",
    ),
}
"""What the diagnostics of `Learned` must satisfy, by name; others are not judged."""


def _numerical(diagnostics: Mapping[str, float]) -> Iterable[Finding]:
    for key, limit in LIMITS.items():
        if key in diagnostics:
            value = float(diagnostics[key])
            yield Finding(
                limit.name,
                limit.holds(value),
                value,
                limit.requirement,
                limit.meaning,
                limit.remedy,
            )


def _convergence(chains: Mapping[str, Any], what: str) -> Iterable[Finding]:
    from arviz_stats.base import array_stats

    def worst(statistic: Any, pick: Any) -> float:
        values = [
            float(statistic(draws.reshape(*draws.shape[:2], -1)[..., k]))
            for draws in chains.values()
            for k in range(int(draws[0, 0].size))
        ]
        return next((v for v in values if v != v), pick(values))

    rhat = worst(lambda x: array_stats.rhat(x, method="rank"), max)
    yield Finding(
        f"R̂, rank-normalised, worst {what}",
        rhat <= 1.01,
        rhat,
        "≤ 1.01",
        "The chains disagree (or there is only one, which cannot show agreement).",
        "Run longer (tune=2000, draws=2000), use four chains, or a simpler model.",
    )
    for method, part, prob in (("bulk", "centre", None), ("tail", "tails", (0.05, 0.95))):
        ess = worst(lambda x, m=method, p=prob: array_stats.ess(x, method=m, prob=p), min)
        least = 100.0 * next(iter(chains.values())).shape[0]
        yield Finding(
            f"effective sample size, {method}, worst {what}",
            ess >= least,
            ess,
            f"≥ {least:g}",
            f"Too few independent draws to trust estimates of the {part}.",
            "Run longer: more draws.",
        )


def _sampler(stats: Mapping[str, Any]) -> Iterable[Finding]:
    from arviz_stats.base import array_stats

    if "diverging" in stats:
        count = float(stats["diverging"].sum())
        yield Finding(
            "divergences",
            count == 0,
            count,
            "none",
            "The sampler could not follow the posterior's curvature, so regions are missed.",
            "Raise target_accept to 0.95 or 0.99, or reparametrise with tighter priors.",
        )
    if "reached_max_treedepth" in stats:
        share = float(stats["reached_max_treedepth"].mean())
        yield Finding(
            "share of draws at the largest tree depth",
            share <= 0.05,
            share,
            "≤ 0.05",
            "Trajectories were cut short: sampling is slow, not wrong.",
            "Raise max_depth, or standardise the columns.",
        )
    if "energy" in stats:
        bfmi = float(np.min(array_stats.bfmi(stats["energy"])))  # NaN if any is
        yield Finding(
            "E-BFMI, worst chain",
            bfmi >= 0.3,
            bfmi,
            "≥ 0.3",
            "The energy is explored slowly: heavy tails are sampled badly.",
            "Run longer tuning, or use lighter-tailed priors on scales.",
        )
