"""The equal mixture of what members learned."""

from collections.abc import Mapping

import numpy as np

from bayesml.inference.base import Learned, Method
from bayesml.inference.networks.functions import MOST_RESIDUALS, MOST_ROWS, spread_rows, unlearned
from bayesml.model import Problem
from bayesml.posteriors.ensemble import EnsemblePosterior
from bayesml.predictors import Network
from bayesml.typing import Array

OF_MEMBERS = ("pareto_k", "importance_ess", "unlearned")
"""Diagnostics that say nothing of the mixture: each is of one member's own answer."""

ASTRAY = 1.0
"""Nats a row behind the median of members at which a member is not of the same function."""

FEWEST = 3
"""Members from which on their median says which of them is astray."""


def mixed(
    problem: Problem, learned: Mapping[int, tuple[Method, Learned]], told: Mapping[str, float]
) -> Learned:
    """Return the mixture, with the worst of the members' numbers and all of their notes."""
    each = [one for _, one in learned.values()]
    notes = tuple(f"Member {k}: {note}" for k, (_, one) in learned.items() for note in one.notes)
    behind = _behind(problem, each)
    kept = [one for one, gap in zip(each, behind, strict=True) if gap < ASTRAY]
    posterior = EnsemblePosterior(problem.model.predictor, tuple(one.posterior for one in kept))
    left_out = "".join(
        f"; member {k} was left out, {gap:.2g} nats a row behind the median"
        for k, gap in zip(learned, behind, strict=True)
        if gap >= ASTRAY
    )
    return Learned(
        posterior,
        each[0].resolved,
        f"equal mixture of {len(kept)} members{left_out}; {_firsts(learned)}",
        "an ensemble has none: its members' evidences are those of one mode each.",
        _combined(kept)
        | agreement(problem, posterior)
        | _unlearned(problem, posterior)
        | ({"astray": 1.0 - len(kept) / len(each)} if len(each) >= FEWEST else {})
        | dict(told),
        notes,
        each[0].loss_curve,
    )


def _firsts(learned: Mapping[int, tuple[Method, Learned]]) -> str:
    """Say how the first member of each method was learned."""
    firsts: dict[Method, str] = {}
    for method, one in learned.values():
        firsts.setdefault(method, one.explanation)
    return "; ".join(f"{type(m).__name__}: {words}" for m, words in firsts.items())


def _unlearned(problem: Problem, posterior: EnsemblePosterior) -> dict[str, float]:
    """Return how alike the residuals of neighbours are, of a network."""
    network = isinstance(problem.model.predictor, Network)
    return unlearned(problem, posterior) if network else {}


def _behind(problem: Problem, each: list[Learned]) -> Array:
    """Return nats a row by which the density of the rows is below that of the median member."""
    if len(each) < FEWEST or not problem.data.has_rows:
        return np.zeros(len(each))
    X, y = spread_rows(problem, MOST_RESIDUALS)
    densities = [float(np.mean(one.posterior.predict(X).log_prob(y))) for one in each]
    return np.median(densities) - np.nan_to_num(densities, nan=-np.inf)


def agreement(problem: Problem, posterior: EnsemblePosterior) -> dict[str, float]:
    r"""Return the share of the target's variance on which the members' functions agree (M23)."""
    if len(posterior.members) == 1 or not problem.data.has_rows:
        return {}
    X, _ = spread_rows(problem, MOST_ROWS)
    means = np.array([member.predict(X).mean for member in posterior.members])
    between = float(np.mean(np.var(means, axis=0, ddof=1)))
    return {"agreement": 1.0 - between / problem.statistics.sd_y**2}


def _combined(each: list[Learned]) -> dict[str, float]:
    """Return the worst of the numbers that all members have; effective draws add up (M20)."""
    shared = [n for n in each[0].diagnostics if all(n in one.diagnostics for one in each)]
    names = [n for n in shared if n not in OF_MEMBERS]
    out = {name: max(one.diagnostics[name] for one in each) for name in names}
    draws = [one.diagnostics["ess_within"] for one in each if "ess_within" in one.diagnostics]
    return out | ({"ess_within": sum(draws)} if draws else {})
