"""Separation: likelihoods without a maximum. Derived in docs/theory/point_estimates.md, (E11)."""

from functools import partial
from operator import or_
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from bayesml.data import Block
from bayesml.data.messages import listed, plural
from bayesml.errors import SeparationError
from bayesml.likelihoods import Recedes, RecedesJointly
from bayesml.log_joint import Folded, Rows, is_linear, log_joint
from bayesml.log_joint.rows import by_row, jacobian_of
from bayesml.log_joint.sums import RowSum, Values
from bayesml.model import Problem
from bayesml.predictors import LinearPredictors, Network, flat
from bayesml.priors import PartlyImproper
from bayesml.typing import Array, Integers

CERTAIN = 6e-6
"""Score of a row below which it is as good as certain: odds of 160,000 to one."""

LEAST = 1e-6
"""Of the largest weight of a direction, below which a column has no part in it."""

MOST_TRIED, MOST_NUMBERS = 20, 2_000_000
"""Columns, and numbers in X, up to which it is tried whether fewer columns do."""

SHARE = 1e-7
"""Of a unit step along which rows do not move, but for rounding."""

ROUNDING = 1e-6
"""The same along a direction that a programme found, which keeps its bounds to 1e-7."""

WORST, MOST_PASSES = 50, 200
"""Rows that a direction contradicts most, of which the next one takes account; and how often."""


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
        If the likelihood grows without end in a direction in which the prior is flat.
    """
    likelihood, prior = problem.model.likelihood, problem.prior
    recedes = isinstance(likelihood, Recedes | RecedesJointly)
    if isinstance(problem.model.predictor, Network) or not recedes:
        return
    p = problem.frame.p
    proper = prior.proper_rows(problem) if isinstance(prior, PartlyImproper) else np.eye(p)
    flat_directions = p - int(np.linalg.matrix_rank(proper)) if len(proper) else p
    if not flat_directions:
        return
    rows = log_joint(problem).rows if rows is None else rows
    if not isinstance(rows, Rows | Folded):
        return
    at = rows.frame.start if beta is None else beta
    if values is not None and not _any_certain(rows, at, values):
        return
    own = [int(j) for _, entries in _weights(problem) for j in np.ravel(entries)]
    proper = proper * rows.frame.scale
    if isinstance(rows, Folded):
        direction = _of_blocks(rows, at, proper, own)
    else:
        direction = _of_rows(rows, at, proper, own)
    if direction is not None:
        _refuse(problem, direction)


class Functionals(NamedTuple):
    """What a direction of β does to rows, in units of the scales of β (E11).

    Attributes
    ----------
    toward : ndarray, shape (r, p)
        Must not fall: the likelihood does not, along it.
    still : ndarray, shape (s, p)
        Must stay zero.
    row : ndarray, shape (r,)
        Whose row is which entry of `toward`.
    """

    toward: Array
    still: Array
    row: Integers


def functionals(rows: Rows, beta: Array) -> Functionals:
    """Return where η may go in every row, as functionals of β."""
    likelihood, J = rows.likelihood, _jacobian(rows)
    if isinstance(likelihood, RecedesJointly):
        there = np.flatnonzero(rows.w > 0)
        cone = likelihood.recession_cone(rows.y[there])
        toward = np.einsum("rkm,kmp->rmp", cone, J[: cone.shape[1], there], optimize=True)
        row = np.tile(there, len(cone))
        return Functionals(toward.reshape(-1, J.shape[-1]), J[0, :0], row)
    signs = _signs(rows, rows.eta(beta))
    moves = np.flatnonzero(~np.isnan(signs) & (signs != 0))
    return Functionals(J[0, moves] * signs[moves, None], J[0, signs == 0], moves)


def _jacobian(rows: Rows) -> Array:
    """Return that of every output, (k, m, p), in units of the scales of β."""
    J = jacobian_of(rows.frame, rows.parameters(rows.frame.start), rows.A) * rows.frame.scale
    return J[None] if J.ndim == 2 else J


def _signs(rows: Rows, eta: Array) -> Array:
    """Return where η may go in every row: up, down, nowhere, or NaN where it has no say."""
    likelihood = rows.likelihood
    if not isinstance(likelihood, Recedes):
        return np.full(rows.m, np.nan)
    return np.where(rows.w > 0, likelihood.recession(rows.y, eta), np.nan)


def _any_certain(rows: Rows | Folded, beta: Array, values: Values) -> bool:
    """Say whether some row is as good as certain."""
    if isinstance(rows, Folded):
        return bool(rows.data.reduce(partial(_block_certain, rows.none, beta, values), or_))
    return any(_certain(part, beta, values) for part in rows.parts())


def _certain(rows: Rows, beta: Array, values: Values) -> bool:
    eta = rows.eta(beta)
    score = np.atleast_2d(rows.likelihood.score(rows.y, eta, by_row(values)))
    if isinstance(rows.likelihood, RecedesJointly):  # slopes along its functionals: Cᵀ⁻¹ score
        turned = np.moveaxis(rows.likelihood.recession_cone(rows.y), -1, 0).swapaxes(-1, -2)
        slopes = np.linalg.solve(turned, score.T[..., None])
        return bool(np.any(np.abs(slopes[rows.w > 0]) < CERTAIN))
    signs = _signs(rows, eta)
    return bool(np.any(np.abs(score[0][~np.isnan(signs) & (signs != 0)]) < CERTAIN))


def _block_certain(none: Rows, beta: Array, values: Values, block: Block) -> bool:
    return _certain(none.read(block), beta, values)


class Direction(NamedTuple):
    """A direction along which the likelihood never falls, and how many rows move along it."""

    along: Array
    moved: int


def _of_rows(rows: Rows, beta: Array, proper: Array, own: list[int]) -> Direction | None:
    """Try all rows at once."""
    found = functionals(rows, beta)
    programme = Programme(found.toward.sum(axis=0), found.toward, found.still, SHARE * rows.m)
    along = programme.solved(proper)
    if along is None:
        return None
    if rows.A.size <= MOST_NUMBERS:
        along = _of_fewest(programme, proper, along, own)
    return Direction(along, _tried(found, along).moved)


def _of_blocks(rows: Folded, beta: Array, proper: Array, own: list[int]) -> Direction | None:
    """Try a few rows, and add those that contradict their direction, until none does (E12)."""
    first = rows.data.reduce(partial(_block_sample, rows.none, beta), _Sampled.plus)
    kept = first.toward
    for _ in range(MOST_PASSES):
        programme = Programme(first.total, kept, kept[:0], SHARE * rows.m)
        along = programme.solved(proper)
        if along is None:
            return None
        along = _of_fewest(programme, proper, along, own)
        tried = rows.data.reduce(partial(_block_tried, rows.none, beta, along), Tried.plus)
        if not len(tried.against):
            return Direction(along, tried.moved)
        kept = np.vstack([kept, tried.against])
    return None


class Programme(NamedTuple):
    """Maximise Σ over all rows, within |δ| ≤ 1, where no row of some falls (E11).

    Attributes
    ----------
    total : ndarray, shape (p,)
        The sum of all functionals that must not fall.
    toward, still : ndarray, shapes (r, p), (s, p)
    least : float
        What the sum is at most, but for rounding, where there is no direction.
    """

    total: Array
    toward: Array
    still: Array
    least: float

    def solved(self, proper: Array) -> Array | None:
        """Return a direction of largest weight one, zero on `proper`, or None."""
        N = _null_space(np.vstack([self.still, proper]), len(self.total))
        moved = self.toward @ N
        if not moved.size:
            return None
        size = np.maximum(np.abs(moved).max(axis=0), 1e-300)
        b = np.zeros(len(moved))
        found = linprog(-(self.total @ N) / size, A_ub=-moved / size, b_ub=b, bounds=(-1, 1))
        if found.fun is None or -found.fun <= self.least:
            return None
        along = N @ (found.x / size)
        return np.asarray(along / np.abs(along).max())


def _of_fewest(programme: Programme, proper: Array, direction: Array, weights: list[int]) -> Array:
    """Return a direction from which no weight can be left out, the smallest tried first."""
    sizes = np.abs(direction)
    taken = np.array([j for j in weights if sizes[j] > LEAST * sizes.max()], dtype=np.intp)
    if len(taken) > MOST_TRIED:
        return direction
    for j in taken[np.argsort(sizes[taken])]:
        without = np.vstack([proper, np.eye(len(direction))[[j]]])
        fewer = programme.solved(without)
        if fewer is not None:
            direction, proper = fewer, without
    return direction


class Tried(NamedTuple):
    """What a direction does to rows.

    Attributes
    ----------
    against : ndarray, shape (v, p)
        Functionals that it contradicts, the worst of them.
    by : ndarray, shape (v,)
        By how much.
    moved : int
        Rows that it moves.
    """

    against: Array
    by: Array
    moved: int

    def plus(self, other: "Tried") -> "Tried":
        """Return both, the worst of all."""
        by = np.concatenate([self.by, other.by])
        worst = np.argsort(by)[:WORST]
        against = np.vstack([self.against, other.against])[worst]
        return Tried(against, by[worst], self.moved + other.moved)


def _tried(found: Functionals, along: Array) -> Tried:
    every = np.vstack([found.toward, found.still, -found.still])
    by = every @ along
    worst = np.argsort(by)[:WORST]
    worst = worst[by[worst] < -ROUNDING]
    moved = np.unique(found.row[by[: len(found.row)] > ROUNDING])
    return Tried(every[worst], by[worst], len(moved))


def _block_tried(none: Rows, beta: Array, along: Array, block: Block) -> Tried:
    return _tried(functionals(none.read(block), beta), along)


class _Sampled(NamedTuple):
    """The sum of what must not fall, and a few of it."""

    total: Array
    toward: Array

    def plus(self, other: "_Sampled") -> "_Sampled":
        toward = np.vstack([self.toward, other.toward])
        every = np.linspace(0, len(toward) - 1, min(len(toward), WORST)).astype(np.intp)
        return _Sampled(self.total + other.total, toward[every])


def _block_sample(none: Rows, beta: Array, block: Block) -> _Sampled:
    found = functionals(none.read(block), beta)
    every = np.linspace(0, len(found.toward) - 1, min(len(found.toward), WORST)).astype(np.intp)
    return _Sampled(found.toward.sum(axis=0), found.toward[every])


def _null_space(rows: Array, p: int) -> Array:
    """Return an orthonormal basis of what rows do not see, shape (p, k)."""
    if not len(rows):
        return np.eye(p)
    _, singular, right = np.linalg.svd(np.linalg.qr(rows, mode="r"))
    rank = int(np.sum(singular > 1e-10 * singular.max(initial=0.0)))
    return np.asarray(right[rank:].T)


def _weights(problem: Problem) -> list[tuple[tuple[str, ...], Array]]:
    """Return the names of columns, and where their weights stand in β, (n,) or (classes, n)."""
    predictor = problem.model.predictor
    places = flat.split(np.arange(problem.frame.p), problem.shapes)
    if isinstance(predictor, LinearPredictors):
        return [(part.features, places[part.weights_name]) for part in predictor.parts]
    return [(tuple(problem.feature_names), places["weights"])] if is_linear(problem) else []


def _refuse(problem: Problem, direction: Direction) -> None:
    """Name the columns of a direction, and how many rows it tells apart."""
    sizes = np.abs(direction.along)
    names = [
        name
        for columns, at in _weights(problem)
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
