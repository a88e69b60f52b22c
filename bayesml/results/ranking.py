"""Which fit predicts rows left out best, and by how much. Derived in docs/theory/comparison.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.results.answer import Answer
from bayesml.results.group_tables import group_of
from bayesml.results.importance import leave_one_out_by_draws
from bayesml.results.loo import leave_one_group_out, leave_one_out
from bayesml.typing import Array, Integers

if TYPE_CHECKING:
    import pandas as pd

BY_DRAWS, BY_ROWS = 3.0, 2.0
"""Standard errors within which a difference is put down to draws, and to rows."""

SMALL = 4.0
"""Nats below which the error over rows is not calibrated (Sivula et al. 2025), so none is worse."""

LEAST_SHARE = 1e-12
"""Of a fit in the stack, so that no row has the logarithm of zero."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What a fit predicts of every row from all others.

    Attributes
    ----------
    log_density, weights, rows : ndarray, shape (k,)
        Of one copy of each row, how many copies there are, and which rows they are.
    mcse : float
        Monte Carlo error of their sum; zero for exact fits.
    pareto_k : ndarray, shape (k,), or None
        Of importance sampling, reliable up to `good_k`; None for exact fits.
    """

    log_density: Array
    weights: Array
    rows: Integers
    mcse: float = 0.0
    pareto_k: Array | None = None
    good_k: float = np.inf

    @property
    def elpd(self) -> float:
        """The sum over all copies (R1)."""
        return float(self.weights @ self.log_density)

    @property
    def unreliable(self) -> Integers:
        """Entries of rows whose estimate is not reliable, the worst first."""
        if self.pareto_k is None:
            return np.empty(0, dtype=np.intp)
        worst = np.argsort(-self.pareto_k)
        return worst[self.pareto_k[worst] > self.good_k]


def scores(answer: Answer, log_slopes: Array | float) -> Scores:
    """Predict each row from all others: exactly where there is a closed form, else by draws."""
    if answer.learned.posterior.kind == "exact":
        exact = leave_one_out(answer)
        return Scores(exact.log_density + log_slopes, exact.weights, exact.rows)
    found = leave_one_out_by_draws(answer)
    log_density = found.log_density + log_slopes
    k, good_k = found.pareto_k, found.good_k
    return Scores(log_density, found.weights, found.rows, found.mcse, k, good_k)


def scores_of_groups(answer: Answer, factor: str, log_slopes: Array | float) -> Scores:
    """Predict each group of a factor from all others, in the order of their names."""
    found, part = leave_one_group_out(answer, factor), group_of(answer, factor)
    order = np.argsort(np.array(found.levels), kind="stable")
    log_density = found.log_density[order]
    if not np.isscalar(log_slopes):
        weights = answer.data.row_weights
        there = weights > 0
        codes = part.codes(np.asarray(answer.data.X[there], dtype=np.float64))
        added = np.bincount(codes, weights[there] * log_slopes, len(part.levels))
        by_name = dict(zip(part.levels, added, strict=True))
        log_density = log_density + [by_name[found.levels[g]] for g in order]
    return Scores(log_density, np.ones(len(order)), order, 0.0, found.pareto_k[order])


def ranked(found: Mapping[str, Scores]) -> "pd.DataFrame":
    """Return one row a fit, the best first, at full precision (R1, R3, R5, R6)."""
    import pandas as pd

    columns = ["elpd", "se", "mcse", "pareto_k", "elpd_diff", "dse", "weight", "verdict"]
    if not found:
        return pd.DataFrame(columns=columns)
    best = max(found.values(), key=lambda each: each.elpd)
    shares = stacking(np.column_stack([s.log_density for s in found.values()]), best.weights)
    rows = {}
    for (label, each), share in zip(found.items(), shares, strict=True):
        step = each.log_density - best.log_density
        worst = np.nan if each.pareto_k is None else float(each.pareto_k.max())
        difference, dse = float(each.weights @ step), standard_error(step, each.weights)
        mcse = 0.0 if each is best else float(np.hypot(each.mcse, best.mcse))
        errors = standard_error(each.log_density, each.weights), each.mcse, worst
        said = "best" if each is best else verdict(difference, dse, mcse)
        rows[label] = (each.elpd, *errors, difference, dse, share, said)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.sort_values("elpd", ascending=False, kind="stable")


def standard_error(terms: Array, weights: Array) -> float:
    """Return the standard error of Σ w l over rows, each of them there w times (R3)."""
    mean = weights @ terms / weights.sum()
    return float(np.sqrt(weights @ (terms - mean) ** 2))


def verdict(difference: float, dse: float, mcse: float) -> str:
    """Say what a difference to the best can be put down to (R5).

    >>> verdict(-0.1, 0.01, 0.07), verdict(-7.0, 4.0, 0.1), verdict(-9.0, 2.0, 0.1)
    ('tied: draws', 'tied: rows', 'worse')
    """
    if abs(difference) <= BY_DRAWS * mcse:
        return "tied: draws"
    chance = max(SMALL, BY_ROWS * float(np.hypot(dse, mcse)))
    return "tied: rows" if abs(difference) <= chance else "worse"


def stacking(log_densities: Array, weights: Array) -> Array:
    """Return the mixture of fits that would have predicted the rows left out best (R6).

    Parameters
    ----------
    log_densities : ndarray, shape (k, fits)
    weights : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (fits,)
        Positive, of sum one.

    References
    ----------
    Yao et al. (2018), Using stacking to average Bayesian predictive distributions, eq. 5.
    """
    from scipy.optimize import minimize

    relative = np.exp(log_densities - log_densities.max(axis=1, keepdims=True))
    share, fits = weights / weights.sum(), log_densities.shape[1]

    def loss(mixture: Array) -> tuple[float, Array]:
        mixed = relative @ mixture
        return -float(share @ np.log(mixed)), -(share / mixed) @ relative

    found: Any = minimize(  # type: ignore[call-overload]  # a pair is documented with jac=True
        loss,
        np.full(fits, 1.0 / fits),
        jac=True,
        method="SLSQP",
        bounds=[(LEAST_SHARE, 1.0)] * fits,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1.0, "jac": np.ones_like},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    return np.asarray(found.x)
