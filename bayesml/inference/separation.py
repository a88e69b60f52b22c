"""Separation: likelihoods without a maximum. Derived in docs/theory/point_estimates.md, (E11)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from bayesml.data.messages import listed, plural
from bayesml.errors import SeparationError
from bayesml.likelihoods import Recedes
from bayesml.log_joint import Rows, linear_terms, log_joint
from bayesml.log_joint.rows import by_row, jacobian_of
from bayesml.log_joint.sums import RowSum, Values
from bayesml.model import Problem
from bayesml.predictors import Network
from bayesml.priors import proper_functionals
from bayesml.typing import Array

CERTAIN = 6e-6
"""Score of a row below which it is as good as certain: odds of 160,000 to one."""

LEAST = 1e-6
"""Of the largest weight of a direction, below which a column has no part in it."""

MOST_TRIED, MOST_NUMBERS = 20, 2_000_000
"""Columns, and numbers in X, up to which it is tried whether fewer columns do."""

SHARE = 1e-7
"""Of a unit step along which rows do not move, but for rounding."""


def refuse_separated(
    problem: Problem,
    rows: RowSum | None = None,
    beta: Array | None = None,
    values: Values | None = None,
) -> None:
    """Refuse rows that columns tell apart without an exception, where the prior is flat.

    They are tried by a linear programme if they are in memory, and if some of them are certain by
    an estimate of β and of the parameters, where there is one.

    Raises
    ------
    SeparationError
        If the likelihood grows without end in a direction in which the prior is flat.
    """
    likelihood, prior = problem.model.likelihood, problem.prior
    if isinstance(problem.model.predictor, Network) or not isinstance(likelihood, Recedes):
        return
    p = problem.frame.p
    proper = proper_functionals(prior, problem, p)
    flat = p - int(np.linalg.matrix_rank(proper)) if len(proper) else p
    if not flat:
        return
    rows = log_joint(problem).rows if rows is None else rows
    if not isinstance(rows, Rows):
        return
    eta = rows.eta(rows.frame.start if beta is None else beta)
    signs = likelihood.recession(rows.y, eta)
    if values is not None:
        score = rows.likelihood.score(rows.y, eta, by_row(values))
        first = np.abs(score if eta.ndim == 1 else score[0])[_says(rows, signs) & (signs != 0)]
        if not np.any(first < CERTAIN):
            return
    direction = separating(rows, signs, proper)
    if direction is not None:
        own = [j for terms in linear_terms(problem) for j in terms.at[int(terms.intercept) :]]
        _refuse(problem, rows, _of_fewest(rows, signs, proper, direction, own))


def separating(rows: Rows, signs: Array, proper: Array) -> Array | None:
    """Return a direction of β along which the likelihood never falls, or None (E11).

    Parameters
    ----------
    rows : Rows
    signs : ndarray, shape (m,)
        Where η may go in every row: up, down, nowhere, or anywhere.
    proper : ndarray, shape (k, p)
        Functionals that a proper prior holds.
    """
    there = _says(rows, signs)
    J = jacobian_of(rows.frame, rows.parameters(rows.frame.start), rows.A[there])
    J = (J if J.ndim == 2 else J[0]) * rows.frame.scale
    signs = signs[there]
    held = np.vstack([J[signs == 0], proper * rows.frame.scale])
    N = _null_space(held, J.shape[1])
    moved = (J[signs != 0] * signs[signs != 0, None]) @ N
    if not moved.size:
        return None
    size = np.maximum(np.abs(moved).max(axis=0), 1e-300)
    found = linprog(
        -(moved / size).sum(axis=0), A_ub=-moved / size, b_ub=np.zeros(len(moved)), bounds=(-1, 1)
    )
    if found.fun is None or -found.fun <= SHARE * len(moved):
        return None
    return np.asarray(rows.frame.scale * (N @ (found.x / size)))


def _says(rows: Rows, signs: Array) -> NDArray[np.bool]:
    """Say which rows have weight, and a say in where η may go."""
    return np.asarray((rows.w > 0) & ~np.isnan(signs))


def _of_fewest(
    rows: Rows, signs: Array, proper: Array, direction: Array, weights: list[int]
) -> Array:
    """Return a direction from which no weight can be left out, the smallest tried first."""
    scale = rows.frame.scale
    sizes = np.abs(direction / scale)
    taken = np.array([j for j in weights if sizes[j] > LEAST * sizes.max()], dtype=np.intp)
    if len(taken) > MOST_TRIED or rows.A.size > MOST_NUMBERS:
        return direction
    for j in taken[np.argsort(sizes[taken])]:
        without = np.vstack([proper, np.eye(len(scale))[[j]]])
        fewer = separating(rows, signs, without)
        if fewer is not None:
            direction, proper = fewer, without
    return direction


def _null_space(rows: Array, p: int) -> Array:
    """Return an orthonormal basis of what rows do not see, shape (p, k)."""
    if not len(rows):
        return np.eye(p)
    _, singular, right = np.linalg.svd(np.linalg.qr(rows, mode="r"))
    rank = int(np.sum(singular > 1e-10 * singular.max(initial=0.0)))
    return np.asarray(right[rank:].T)


def _refuse(problem: Problem, rows: Rows, direction: Array) -> None:
    """Name the columns of a direction, and how many rows it tells apart."""
    sizes = np.abs(direction / rows.frame.scale)
    names = [
        name
        for terms in linear_terms(problem)
        for name, j in zip(terms.names, terms.at, strict=True)
        if sizes[j] > LEAST * sizes.max() and not name.endswith("intercept")
    ]
    J = jacobian_of(rows.frame, rows.parameters(rows.frame.start), rows.A)
    moved = int(np.sum(np.abs((J if J.ndim == 2 else J[0]) @ direction) > SHARE))
    if problem.statistics.sd_y == 0.0:
        raise SeparationError(
            f"{problem.data.target_name} is {problem.statistics.mean_y:g} in every row, so that "
            "the likelihood grows without end with the intercept and has no maximum. Check the "
            "target column, or use MAP() or Laplace() with proper priors."
        )
    which = listed([repr(name) for name in names]) or "the intercept"
    raise SeparationError(
        f"{problem.data.target_name}: {which} tell{'' if len(names) > 1 else 's'} "
        f"{plural(moved, 'row')} apart without an exception, so that the likelihood grows without "
        "end as the weights go to infinity: it has no maximum (separation). Use MAP() or Laplace() "
        "with proper priors, such as the default, join levels of a factor that are all alike, or "
        "leave the column out."
    )
