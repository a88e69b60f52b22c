"""Scales of effects that a likelihood does not tell apart, or that have no end.

Derived in docs/theory/group_effects.md, (G76) and (G77).
"""

from collections.abc import Callable
from itertools import permutations

import numpy as np

from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import ImproperPosteriorError, RankDeficientError
from bayesml.log_joint.group_entries import Entries
from bayesml.log_joint.group_marginal import GroupMarginal, residual
from bayesml.log_joint.group_scales import GroupScale
from bayesml.log_joint.least_squares import least_squares
from bayesml.posteriors.linear_gaussian import check_proper
from bayesml.predictors import Grouped
from bayesml.samplers.lattice import FURTHEST, Density
from bayesml.typing import Array

SAME = 1e-9
"""Nats by which the same likelihood differs by rounding."""

LEAST = 1e-2
"""Of its unit, a scale that may lie at zero, where nothing is there to be told apart."""

FAR = 100.0
"""Scales of effects, in units of the noise, from which on it is asked whether they have an end."""

NEGLIGIBLE = 1e-20
"""Of y, a sum of squares that is rounding."""

LOST = 1e-2
"""Of the mass, that may lie at the least node of σ, which is laid where there is next to none."""

AGAINST_ZERO = (
    "State a known sigma, or give it a prior that excludes zero, such as "
    "Gaussian(sigma=InverseGamma(2, scale)), and use Exact(); or leave out columns or groups."
)

INSTEAD = "Leave one out, or learn with Exact(), Auto() or NUTS(), where priors decide."

Value = Callable[[Array], float]


def refuse_collinear_terms(predictor: Grouped, statistics: SufficientStatistics) -> None:
    """Refuse terms of a factor that make each other, of which a covariance has no maximum.

    Raises
    ------
    RankDeficientError
        If a column of a factor is constant, or others make it.
    """
    for part in predictor.groups:
        of_terms = part.group.columns[:-1]
        intercept = len(of_terms) < len(part.group.terms)
        where = slice(part.start, part.start + len(of_terms))
        data = least_squares(statistics.of_columns(where), intercept=intercept)
        names = (*["intercept"] * intercept, *of_terms)
        check_proper(data, np.empty((0, len(names))), names)


def refuse_untold(entries: Entries, x: Array, value: Value) -> None:
    """Refuse an estimate of scales that others are as likely as (G76).

    Parameters
    ----------
    entries : Entries
    x : ndarray
        The entries of Λ at the estimate.
    value : callable
        The log likelihood at other entries.

    Raises
    ------
    RankDeficientError
        If the likelihood is the same without a scale, or with the effects of one factor in
        another.
    """
    here = value(x)
    tolerance = SAME * max(1.0, 1e-3 * abs(here))
    for row, name in zip(entries.rows(), entries.names(), strict=True):
        there = np.linalg.norm(x[row]) > LEAST
        if there and abs(value(np.where(row, 0.0, x)) - here) <= tolerance:
            raise RankDeficientError(
                f"The likelihood is the same whatever {name} is: the factor has one level, its "
                "levels are single rows, as noise is, or columns of the formula tell its levels "
                f"apart already. {INSTEAD}"
            )
    for own, other in permutations(range(len(entries.scales.parts)), 2):
        moved = _moved(entries, x, own, other)
        if moved is not None and abs(value(moved) - here) <= tolerance:
            a, b = (entries.scales.parts[n].group.factor for n in (own, other))
            raise RankDeficientError(
                f"The likelihood is the same whether effects are of {a} or of {b}: every level of "
                "one has the rows of a level of the other, so that one of them is enough. "
                f"{INSTEAD}"
            )


def refuse_nothing_left(marginal: GroupMarginal, what: str) -> None:
    """Refuse columns that explain y to its last digits (G77)."""
    corner, p = marginal.arrow.corner, marginal.p
    left = residual(corner[None, marginal.arrow.width :, marginal.arrow.width :], p)[0]
    if left <= NEGLIGIBLE * marginal.arrow.weight:
        raise ImproperPosteriorError(endless(what))


def refuse_endless_maximum(entries: Entries, x: Array, function: Density, what: str) -> None:
    """Refuse scales that grow without end in units of the noise (G77)."""
    far = np.abs(x) > FAR
    here, farther = function(entries.theta(np.stack([x, np.where(far, 10.0 * x, x)])))
    if far.any() and farther > here:
        raise ImproperPosteriorError(endless(what))


def refuse_endless_posterior(marginal: GroupMarginal, mode: Array) -> None:
    """Refuse effects beside which nothing is left of y, so that σ goes to zero (G77).

    Raises
    ------
    ImproperPosteriorError
        If a scale has no mode within a hundred thousand times the noise.
    """
    for part, u in zip(marginal.scales.parts, marginal.scales.split(mode), strict=False):
        for term, size in zip(part.group.terms, u, strict=False):
            if size >= FURTHEST - 0.5:
                raise ImproperPosteriorError(
                    f"{part.group.scale_name(term)} has no posterior in units of the noise: its "
                    "effects and the columns explain every row to its last digits, and the "
                    f"density grows without end as σ goes to zero. {AGAINST_ZERO}"
                )


def refuse_mass_at_zero(share: Array) -> None:
    """Refuse a posterior of σ that does not fall off towards zero, of shares (N, nodes of σ)."""
    if share.shape[1] > 1 and share[:, 0].sum() > LOST * share.sum():
        raise ImproperPosteriorError(
            "The posterior of σ is improper: its density does not fall off towards zero, since "
            f"columns and effects explain every row to its last digits. {AGAINST_ZERO}"
        )


def endless(what: str) -> str:
    """Say that something is highest at σ = 0."""
    return (
        f"{what}: effects and columns can explain every row, and it is highest at σ = 0. "
        f"{AGAINST_ZERO}"
    )


def _moved(entries: Entries, x: Array, own: int, other: int) -> Array | None:
    """Return entries with the covariance of one factor added to another's, if it has its terms."""
    parts, factors = entries.scales.parts, entries.factors(x)
    at = _places(parts[own], parts[other])
    scaled = np.linalg.norm(factors[own], axis=1) * parts[own].sizes
    if at is None or not np.any(scaled > LEAST * entries.unit):
        return None
    d = parts[other].terms
    wide = np.zeros((d, parts[own].terms))
    wide[at] = factors[own]
    factors[other] = np.linalg.qr(np.hstack([factors[other], wide]).T, mode="r").T
    factors[own] = np.zeros_like(factors[own])
    found = [factors[n][i, j] for n, i, j in entries.places]
    return np.array(found) / entries.units


def _places(own: GroupScale, other: GroupScale) -> list[int] | None:
    """Return where the terms of one factor are among those of another; None where one is not."""
    terms = other.group.terms
    curves = not (own.shape and other.shape)
    if curves or any(term not in terms for term in own.group.terms):
        return None
    return [terms.index(term) for term in own.group.terms]
