"""Separation: likelihoods without a maximum. Derived in docs/theory/point_estimates.md, (E11)."""

from dataclasses import replace
from functools import partial
from operator import or_

import numpy as np

from bayesml.data import Block
from bayesml.data.messages import listed, plural, quoted
from bayesml.errors import SeparationError
from bayesml.inference.recession import LEAST, Direction, separating, signs_of
from bayesml.likelihoods import OfClasses, Recedes, RecedesJointly
from bayesml.log_joint import Rows, SingleRows, is_linear, log_joint
from bayesml.log_joint.rows import by_row
from bayesml.log_joint.sums import RowSum, Values
from bayesml.model import Problem
from bayesml.predictors import LinearPredictors, Network, flat
from bayesml.priors import proper_functionals
from bayesml.typing import Array

CERTAIN = 6e-6
"""Score of a row below which it is as good as certain: odds of 160,000 to one."""


def refuse_separated(
    problem: Problem,
    rows: RowSum | None = None,
    beta: Array | None = None,
    values: Values | None = None,
) -> None:
    """Refuse rows that columns tell apart without an exception, where the prior is flat.

    They are tried by a linear programme if some of them are certain by an estimate of β and of
    the parameters, where there is one; rows that are read block by block, by one that grows.

    Raises
    ------
    SeparationError
        If the likelihood grows without end in a direction in which the prior is flat, or with
        thresholds around a class that no row is of.
    """
    likelihood, prior = problem.model.likelihood, problem.prior
    recedes = isinstance(likelihood, Recedes | RecedesJointly)
    if isinstance(problem.model.predictor, Network) or not recedes:
        return
    _refuse_unseen(problem)
    p = problem.frame.p
    proper = proper_functionals(prior, problem, p)
    flat_directions = p - int(np.linalg.matrix_rank(proper)) if len(proper) else p
    if not flat_directions:
        return
    rows = log_joint(problem).rows if rows is None else rows
    if not isinstance(rows, SingleRows):
        return
    at = rows.frame.start if beta is None else beta
    if values is not None and not _any_certain(rows, at, values):
        return
    own = [int(j) for _, entries in _weights(problem) for j in np.ravel(entries)]
    proper = proper * rows.frame.scale
    direction = separating(rows, at, proper, own)
    if direction is not None:
        _refuse(problem, direction, _weights(problem))


def refuse_separated_part(
    problem: Problem, part: LinearPredictors, beta: Array, values: Values
) -> None:
    """Refuse rows that the columns of a linear part tell apart, its prior flat, by an estimate."""
    statistics, likelihood = problem.statistics, problem.model.likelihood
    if not isinstance(likelihood, Recedes | RecedesJointly):
        return
    outputs = likelihood.outputs(statistics.mean_y, statistics.sd_y)
    frame = part.frame(statistics.mean_X, statistics.sd_X, outputs)
    found = replace(Rows.of(problem), frame=frame)
    if not _any_certain(found, beta, values):
        return
    places = flat.split(np.arange(frame.p), frame.shapes)
    weights = [(own.features, places[own.weights_name]) for own in part.parts]
    entries = [int(j) for _, at in weights for j in np.ravel(at)]
    direction = separating(found, beta, np.empty((0, frame.p)), entries)
    if direction is not None:
        _refuse(problem, direction, weights)


def _refuse_unseen(problem: Problem) -> None:
    """Refuse a class of no row beside thresholds whose prior is flat: they close around it."""
    likelihood, priors = problem.model.likelihood, problem.inferred
    flat = [name for name in likelihood.parameters if name in priors and not priors[name].proper]
    if not (flat and isinstance(likelihood, OfClasses)) or likelihood.classes is None:
        return
    seen = problem.data.reduce(_classes_of, or_)
    unseen = [name for k, name in enumerate(likelihood.classes) if float(k) not in seen]
    if unseen:
        raise SeparationError(
            f"{problem.data.target_name}: no row is of {quoted(unseen)}, so that the likelihood "
            f"grows without end as the thresholds beside move ({', '.join(flat)}): it has no "
            "maximum. Leave the class out, or use MAP() or Laplace() with proper priors of the "
            "gaps, such as the default."
        )


def _classes_of(block: Block) -> frozenset[float]:
    return frozenset(np.unique(block.y).tolist())


def _any_certain(rows: SingleRows, beta: Array, values: Values) -> bool:
    """Say whether some row is as good as certain."""
    found: bool = rows.fold(partial(_certain, beta, values), or_)
    return found


def _certain(beta: Array, values: Values, rows: Rows) -> bool:
    eta = rows.eta(beta)
    score = np.atleast_2d(rows.likelihood.score(rows.y, eta, by_row(values)))
    if isinstance(rows.likelihood, RecedesJointly):  # slopes along its functionals: Cᵀ⁻¹ score
        turned = np.moveaxis(rows.likelihood.recession_cone(rows.y), -1, 0).swapaxes(-1, -2)
        slopes = np.linalg.solve(turned, score.T[..., None])
        return bool(np.any(np.abs(slopes[rows.w > 0]) < CERTAIN))
    signs = signs_of(rows, eta)
    return bool(np.any(np.abs(score[0][~np.isnan(signs) & (signs != 0)]) < CERTAIN))


def _weights(problem: Problem) -> list[tuple[tuple[str, ...], Array]]:
    """Return the names of columns, and where their weights stand in β, (n,) or (classes, n)."""
    predictor = problem.model.predictor
    places = flat.split(np.arange(problem.frame.p), problem.shapes)
    if isinstance(predictor, LinearPredictors):
        return [(part.features, places[part.weights_name]) for part in predictor.parts]
    return [(tuple(problem.feature_names), places["weights"])] if is_linear(problem) else []


def _refuse(
    problem: Problem, direction: Direction, weights: list[tuple[tuple[str, ...], Array]]
) -> None:
    """Name the columns of a direction, and how many rows it tells apart."""
    sizes = np.abs(direction.along)
    names = [
        name
        for columns, at in weights
        for name, size in zip(columns, np.atleast_2d(sizes[at]).max(axis=0), strict=True)
        if size > LEAST * sizes.max()
    ]
    if problem.statistics.sd_y == 0.0:
        raise SeparationError(
            f"{problem.data.target_name} is {problem.statistics.mean_y:g} in every row, so that "
            "the likelihood grows without end with the intercept and has no maximum. Check the "
            "target column, or use MAP() or Laplace() with proper priors."
        )
    which = listed([repr(name) for name in names]) or "the intercept"
    raise SeparationError(
        f"{problem.data.target_name}: {which} tell{'' if len(names) > 1 else 's'} "
        f"{plural(direction.moved, 'row')} apart without an exception, so that the likelihood "
        "grows without end as the weights go to infinity: it has no maximum (separation). Use "
        "MAP() or Laplace() with proper priors, such as the default, join levels of a factor that "
        "are all alike, or leave the column out."
    )
