"""Whether the coefficients of a linear Gaussian model can be told apart, and what the prior did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import CollinearityWarning, PriorConflictWarning
from bayesml.linalg import rank_report, triangular_factor
from bayesml.log_joint import data_term, linear_terms, not_linear_gaussian
from bayesml.log_joint.least_squares import LeastSquares
from bayesml.results.answer import Answer
from bayesml.results.criticism.linearised import estimates
from bayesml.results.findings import Finding
from bayesml.typing import Array, Bools

INFLATED = 10.0
"""The variance inflation from which collinearity can matter (Marquardt 1970)."""

LEVEL = 0.01


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients at one σ, by the data alone and with the prior (C9).

    Attributes
    ----------
    names : tuple of str
    least_squares, standard_error : ndarray, shape (p,)
    mean, covariance : ndarray
        Of the posterior.
    prior_mean, prior_sd : ndarray, shape (p,)
        Infinite standard deviation where there is no prior.
    freedom : float
        Of the residuals by which standard errors are estimated.
    """

    names: tuple[str, ...]
    least_squares: Array
    standard_error: Array
    mean: Array
    covariance: Array
    prior_mean: Array
    prior_sd: Array
    freedom: float


def findings(answer: Answer) -> Iterable[Finding]:
    """Judge a linear Gaussian model by its sufficient statistics."""
    problem = answer.problem
    if problem.grouped is not None:
        part = problem.grouped.part
        _, exact = variance_inflation(problem.statistics.of_columns(part.where), part.features)
        if exact:
            yield _exact(exact)
        return
    if not_linear_gaussian(problem) is not None or answer.data.n == 0:
        return
    data, terms = data_term(problem), linear_terms(problem)[0]
    features = terms.names[int(terms.intercept) :]
    own = (("intercept at the mean of the features",) if terms.intercept else ()) + tuple(
        f"weights[{name}]" for name in features
    )
    if problem.statistics.weight <= len(own):
        return
    inflation, exact = variance_inflation(terms.of(problem.statistics), features)
    if exact:
        yield _exact(exact)
    found = _coefficients(answer, data, own)
    if found is not None:
        yield _inflation(found, inflation)
        if np.any(np.isfinite(found.prior_sd)):
            yield _conflict(found)


def variance_inflation(s: SufficientStatistics, features: Sequence[str]) -> tuple[Array, list[str]]:
    """Return how much collinearity inflates each weight's variance, and what is exact (C10)."""
    R = s.R[:-1, :-1]
    report = rank_report(R, s.noise[:-1])
    k = report.rank
    inverse = report.right[:k].T / report.singular[:k]
    inflation = np.sum(inverse**2, axis=1)
    involved = [j for j in report.dependent if s.sd_X[j] > 0.0]
    inflation[involved] = np.inf
    return inflation, [f"weights[{features[j]}]" for j in involved]


def _coefficients(
    answer: Answer, data: LeastSquares, names: tuple[str, ...]
) -> Coefficients | None:
    problem = answer.problem
    p, freedom = len(names), data.weight - data.rank.rank
    s = float(np.sqrt(data.residuals(data.solution())[1] / freedom))
    rows = problem.prior.normal_rows(problem)
    if rows is None or s == 0.0 or data.rank.rank < p:
        return None
    scale = rows.scales(_scales(answer, rows.scale_names, s))[1]
    G = np.eye(p) if rows.rows is None else rows.rows
    P, q = G / scale[:, None], rows.mean / scale
    alone = np.linalg.inv(data.M / s)
    R = triangular_factor(np.column_stack([np.vstack([data.M / s, P]), np.append(data.d / s, q)]))
    root = np.linalg.inv(R[:p, :p])
    prior_mean, prior_sd = prior_of(P, q, np.eye(p))
    return Coefficients(
        names,
        data.solution(),
        np.linalg.norm(alone, axis=1),
        root @ R[:p, p],
        root @ root.T,
        prior_mean,
        prior_sd,
        freedom,
    )


def _scales(answer: Answer, names: tuple[str, ...], s: float) -> dict[str, Any]:
    """Return what a prior scales itself by: the noise, or what a hierarchical one learned."""
    noise, own = answer.problem.model.likelihood.parameters, answer.problem.hyperparameters
    learned = {name: own[name].shape for name in names if name not in noise}
    at = estimates(answer) if learned else {}
    scales = {name: at[name].reshape(shape) for name, shape in learned.items()}
    return {name: scales.get(name, s) for name in names}


def prior_of(P: Array, q: Array, G: Array) -> tuple[Array, Array]:
    """Return means and standard deviations of Gβ where Pβ ~ Normal(q, 1); infinite where flat."""
    stated = np.any(P != 0, axis=0)
    if stated.sum() != len(P) or not len(P):
        return np.zeros(len(G)), np.full(len(G), np.inf)
    root = np.linalg.inv(P[:, stated])
    flat = np.any(G[:, ~stated] != 0, axis=1)
    scaled = G[:, stated] @ root
    return scaled @ q, np.where(flat, np.inf, np.linalg.norm(scaled, axis=1))


def disagree(data: tuple[Array, Array], prior: tuple[Array, Array], freedom: float) -> Bools:
    """Say where estimates and errors are improbable, given means and sds of the prior (C9)."""
    apart = np.abs(data[0] - prior[0]) / np.hypot(data[1], prior[1])
    return np.asarray(2.0 * stdtr(freedom, -apart) * len(apart) < LEVEL)


def _exact(names: list[str]) -> Finding:
    return Finding(
        f"exactly collinear: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}",
        False,
        float(len(names)),
        "none",
        "Some combination of these columns is constant: the data say nothing of how their weights "
        "divide, and the prior alone does. Predictions for rows like these are right.",
        "Leave out one of the columns.",
        CollinearityWarning,
    )


def _inflation(found: Coefficients, inflation: Array) -> Finding:
    """Name weights that are unclear one by one and clear together (C10)."""
    first = len(found.names) - len(inflation)
    mean, covariance = found.mean[first:], found.covariance[first:, first:]
    unclear = np.abs(mean) < stdtrit(found.freedom, 0.975) * np.sqrt(np.diag(covariance))
    high = inflation >= INFLATED
    among = np.flatnonzero(high & unclear)
    matters = len(among) > 1 and _together(mean[high], covariance[high][:, high], found.freedom)
    names = [f"{found.names[first + j]} ({inflation[j]:.3g})" for j in among[:6]]
    worst = int(np.argmax(inflation))
    return Finding(
        f"variance inflation, largest: {found.names[first + worst]}",
        not matters,
        float(inflation[worst]),
        f"≤ {INFLATED:g}, or weights that are clear one by one",
        f"{', '.join(names)}: each could be zero, and all that are inflated together could not. "
        "The data tell what the columns do together, not which of them does it.",
        "Read predictions and contrasts, not single weights. Write a product as center(x):g and a "
        "polynomial as poly(x, 3); leave out or combine other columns.",
        CollinearityWarning,
    )


def _together(mean: Array, covariance: Array, freedom: float) -> bool:
    """Say whether weights are clear together, in directions that are more than rounding (C10)."""
    unit = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(unit, unit))
    kept = values > 1e-12
    mean_square = np.mean((vectors.T @ (mean / unit))[kept] ** 2 / values[kept])
    return bool(fdtrc(kept.sum(), freedom, mean_square) < LEVEL)


def _conflict(found: Coefficients) -> Finding:
    """Compare how far the prior moved each coefficient with what both allow (C9)."""
    moved = np.abs(found.mean - found.least_squares) / found.standard_error
    data = (found.least_squares, found.standard_error)
    conflict = (moved > 1.0) & disagree(data, (found.prior_mean, found.prior_sd), found.freedom)
    worst = int(np.argmax(np.where(conflict, moved, -1.0) if conflict.any() else moved))
    name = found.names[worst]
    return Finding(
        f"how far the prior moved {name}, in its standard errors",
        not conflict.any(),
        float(moved[worst]),
        "≤ 1, or no more than data and prior allow",
        f"The data say {name} = {found.least_squares[worst]:.4g} ± "
        f"{found.standard_error[worst]:.2g}, the prior {found.prior_mean[worst]:.4g} ± "
        f"{found.prior_sd[worst]:.2g}, and the posterior {found.mean[worst]:.4g}: they disagree.",
        "Ask whether the prior's scale and unit are meant; widen it, or use the default.",
        PriorConflictWarning,
    )
