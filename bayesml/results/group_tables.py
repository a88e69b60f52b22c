"""What is asked of effects of groups: a ranked table of them, and what share of variance is whose.

Derived in docs/theory/group_effects.md, (G37).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import shown, tail_of
from bayesml.data.effect_columns import GroupPart
from bayesml.data.messages import suggestion
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.likelihoods import HasNoiseScale
from bayesml.posteriors import Estimated, HasGroupEffects
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import Grouped
from bayesml.results.answer import Answer
from bayesml.typing import Array

if TYPE_CHECKING:
    import pandas as pd

NO_GROUPS = "The model has no groups: write them in the formula, 'y ~ x + (1 | g)'."


def group_effects(
    answer: Answer, factor: str | None = None, probability: float = 0.9
) -> "pd.DataFrame":
    """Return the effects of every level of a group, the largest first.

    Parameters
    ----------
    factor : str, optional
        The group, as the formula names it: ``subject``, ``a:b``. Not needed where there is one.
    probability : float
        Mass of the equal-tailed interval.

    Returns
    -------
    pandas.DataFrame
        Rows by level and term, ordered by the mean within a term; columns ``mean``, ``sd`` and two
        quantiles, on the link scale per unit of the term. Of a point estimate, ``std_error`` takes
        the place of ``sd``.

    Raises
    ------
    IncompatibleModelError
        If the model has no groups.
    DataError
        If there is no such group.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.5, 3.5, 7.0, 8.0], "g": list("aabbcc")}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1 + (1 | g)", frame))
    >>> fit.effects("g")["mean"].index.get_level_values("level").tolist()
    ['c', 'b', 'a']
    """
    import pandas as pd

    part = group_of(answer, factor)
    tail = tail_of(probability)
    limits = [f"{100 * tail:g}%", f"{100 * (1 - tail):g}%"]
    columns, heading = _columns(answer, part, tail)
    levels, terms = part.levels, part.group.terms
    index = pd.MultiIndex.from_product([levels, terms], names=["level", "term"])
    frame = pd.DataFrame(columns, index=index, columns=["mean", heading, *limits])
    order = [k for term in terms for k in _ranked(frame["mean"].to_numpy(), terms, term)]
    return frame.iloc[order]


def _ranked(means: Array, terms: tuple[str, ...], term: str) -> list[int]:
    at = np.arange(terms.index(term), len(means), len(terms))
    ranked: list[int] = at[np.argsort(-means[at], kind="stable")].tolist()
    return ranked


def _columns(answer: Answer, part: GroupPart, tail: float) -> tuple[Array, str]:
    posterior: Any = answer.learned.posterior
    if isinstance(posterior, Estimated):
        found = posterior.estimates()[part.name]
        ends = found.confidence_limit(tail), found.confidence_limit(1.0 - tail)
        return np.column_stack([found.value, found.standard_error, *ends]), "std_error"
    of_group = (
        posterior.effects(part.factor)
        if isinstance(posterior, HasGroupEffects)
        else posterior.marginals()[part.name]
    )
    ends = of_group.quantile(tail), of_group.quantile(1.0 - tail)
    return np.column_stack([of_group.mean, of_group.sd, *ends]), "sd"


def grouped_of(answer: Answer) -> Grouped:
    """Return the predictor, or say that it has no groups."""
    if answer.problem.grouped is None:
        raise IncompatibleModelError(NO_GROUPS)
    return answer.problem.grouped


def group_of(answer: Answer, factor: str | None) -> GroupPart:
    """Return the group of that name, or the only one."""
    predictor = grouped_of(answer)
    names = [part.factor for part in predictor.groups]
    if factor in [part.factor for part in predictor.smooths]:
        raise DataError(
            f"{factor!r} is a curve, whose effects mean nothing one by one: ask for "
            "predictions(at={...}), slopes(...) or plots.effect(fit, ...)"
        )
    if factor is None and len(names) == 1:
        return predictor.groups[0]
    if not names:
        raise IncompatibleModelError(NO_GROUPS)
    if factor not in names:
        raise DataError(
            f"got {shown(factor)}; one of the groups {names} is needed"
            f"{suggestion(str(factor), names)}"
        )
    return predictor.groups[names.index(factor)]


def variance_shares(answer: Answer, probability: float = 0.9, draws: int = 1000) -> "pd.DataFrame":
    r"""Return what share of the variance each source has: R² and intraclass correlations (G37).

    The variance of y is that of the linear part and curves over the rows, of the effects of every
    group, and of the noise. ``R2 marginal`` is the first share; ``R2 conditional`` that of both
    first; and ``ICC g`` is the share of the effects of g in what the linear part leaves.

    Returns
    -------
    pandas.DataFrame
        Rows ``R2 marginal``, ``R2 conditional``, ``ICC g``, …; columns as in `summary`.

    References
    ----------
    Nakagawa & Schielzeth (2013), A general and simple method for obtaining R² from generalized
    linear mixed-effects models, eq. 26 and 29; Johnson (2014) for slopes.
    """
    import pandas as pd

    grouped_of(answer)  # or it has no groups
    likelihood = answer.learned.resolved.likelihood
    if not isinstance(likelihood, HasNoiseScale):
        raise IncompatibleModelError(
            f"Shares of the variance are of noise in the unit of η, and {likelihood!r} has none. "
            "Compare the sd[...] of the groups with the spread of the linear part instead."
        )
    drawn = answer.learned.posterior.draws(1, draws, np.random.default_rng(answer.seed))
    flat = {n: v.reshape(v.shape[0] * v.shape[1], *v.shape[2:]) for n, v in drawn.items()}
    of_fixed, of_groups, of_noise = _variances(answer, flat)
    all_groups = sum(of_groups.values())
    total = of_fixed + all_groups + of_noise
    shares = {"R2 marginal": of_fixed / total, "R2 conditional": (of_fixed + all_groups) / total}
    shares |= {f"ICC {g}": v / (all_groups + of_noise) for g, v in of_groups.items()}
    tail = tail_of(probability)
    rows = {
        name: [v.mean(), v.std(ddof=1) if len(v) > 1 else 0.0, *np.quantile(v, [tail, 1 - tail])]
        for name, v in shares.items()
    }
    limits = [f"{100 * tail:g}%", f"{100 * (1 - tail):g}%"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "sd", *limits])


def _variances(answer: Answer, flat: dict[str, Array]) -> tuple[Array, dict[str, Array], Array]:
    """Return the variances of the linear part, of every group and of the noise, at draws (G37)."""
    predictor, likelihood = grouped_of(answer), answer.learned.resolved.likelihood
    known = answer.problem.known
    noise = {n: flat[n] if n in flat else known[n] for n in likelihood.parameters}
    columns = {name: np.reshape(value, (-1, 1)) for name, value in noise.items()}
    moments: dict[str, Any] = dict.fromkeys((part.factor for part in predictor.groups), 0.0)
    sums, centre, total = np.zeros((3, 1)), None, 0.0
    size = len(next(iter(flat.values())))
    for block in answer.data.blocks():
        for rows in row_blocks(len(block.y), size):
            X, w = block.X[rows], block.row_weights[rows]
            outputs = predictor.fixed.eta(flat, X)
            several = len(predictor.fixed.known.outputs) > 0
            fixed = outputs[0] if several else outputs
            for curve in predictor.smooths:
                fixed = fixed + curve.effect(flat[curve.name], X)
            centre = fixed[:, :1] if centre is None else centre  # sums of squares lose no digits
            away, spread = fixed - centre, likelihood.sd(outputs, columns)
            sums = sums + np.stack([away @ w, away**2 @ w, spread**2 @ w])
            total += w.sum()
            for part in predictor.groups:
                z = part.terms(X)
                moments[part.factor] = moments[part.factor] + (z * w[:, None]).T @ z
    mean, square, of_noise = sums / total
    of_groups = {}
    for part in predictor.groups:
        sd = flat[f"sd[{part.factor}]"]
        covariance = sd[:, :, None] * part.correlation(flat) * sd[:, None, :]
        of_groups[part.factor] = np.einsum("sab,ab->s", covariance, moments[part.factor] / total)
    return square - mean**2, of_groups, of_noise
