"""What can be said against an answer, for each kind of answer. NaN is a failure."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bayesml.errors import ConvergenceWarning
from bayesml.inference.audit import LARGEST_EXCESS, heaviest_tail, heavy_tailed
from bayesml.inference.base import Learned
from bayesml.results import criticism
from bayesml.results.answer import Answer
from bayesml.results.diagnostic_limits import LIMITS
from bayesml.results.findings import CheckReport, Finding


def at_once(answer: Answer) -> CheckReport:
    """Judge an answer by what it holds already: neither rows nor draws are read again."""
    findings = (*_computation(answer.learned), *criticism.from_statistics(answer))
    return CheckReport(answer.learned.posterior.kind, findings, answer.learned.notes)


def check(answer: Answer) -> CheckReport:
    """Judge an answer by all the evidence that its kind has, the rows and draws among it."""
    known = at_once(answer)
    findings, not_judged = criticism.from_rows(answer)
    return CheckReport(known.kind, (*known.findings, *findings), known.notes, not_judged)


def warn_if_failed(report: CheckReport) -> None:
    """Warn whoever asked for a prediction of a fit whose computation failed."""
    if not report.computed:
        failed = (f.failure for f in report.findings if not (f.passed or f.doubts))
        warnings.warn(
            "This prediction comes from a fit whose checks failed; see fit.check(). "
            + next(iter((*report.notes, *failed))),
            ConvergenceWarning,
            stacklevel=3,
        )


def _computation(learned: Learned) -> Iterable[Finding]:
    yield from _numerical(learned.diagnostics)
    if "pareto_k" in learned.diagnostics:
        yield _tail(learned.diagnostics)
    compared = learned.posterior.compared
    if compared is not None:
        if not compared.separate:
            yield from _convergence(compared.values, compared.what)
        yield from _sampler(learned.sample_stats)


def _numerical(diagnostics: Mapping[str, float]) -> Iterable[Finding]:
    for key, limit in LIMITS.items():
        value = float(diagnostics.get(key, np.inf))
        if key in diagnostics and not (key == "condition" and value == np.inf):
            yield Finding(
                limit.name,
                limit.holds(value),
                value,
                limit.requirement,
                limit.meaning,
                limit.remedy,
                limit.category,
            )


def _tail(diagnostics: Mapping[str, float]) -> Finding:
    """Judge the tail of importance weights by its shape, and by how much weight it has (U6)."""
    k, excess = diagnostics["pareto_k"], diagnostics["tail_excess"]
    return Finding(
        f"Pareto k̂ of the approximation, whose tail has {excess:.2g} of the weight in excess",
        not heavy_tailed(diagnostics),
        k,
        f"≤ {heaviest_tail(diagnostics):.2g}, or an excess ≤ {LARGEST_EXCESS:g}",
        "The approximation misses mass that the posterior has, above all in its tails.",
        "Use NUTS(), or Langevin() for a network, or trust the means only.",
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
