"""Directions in which likelihoods recede. Derived in docs/theory/point_estimates.md, (E11)."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from bayesml.likelihoods import Recedes, RecedesJointly
from bayesml.log_joint import Rows, SingleRows
from bayesml.log_joint.rows import jacobian_of
from bayesml.typing import Array, Integers

MOST_TRIED, MOST_NUMBERS = 20, 2_000_000
"""Columns, and numbers in X, up to which it is tried whether fewer columns do."""

SHARE = 1e-7
"""Of a unit step along which rows do not move, but for rounding."""

ROUNDING = 1e-6
"""The same along a direction that a programme found, which keeps its bounds to 1e-7."""

WORST, MOST_PASSES = 50, 200
"""Rows that a direction contradicts most, of which the next one takes account; and how often."""

LEAST = 1e-6
"""Of the largest weight of a direction, below which a column has no part in it."""


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
    signs = signs_of(rows, rows.eta(beta))
    moves = np.flatnonzero(~np.isnan(signs) & (signs != 0))
    return Functionals(J[0, moves] * signs[moves, None], J[0, signs == 0], moves)


def _jacobian(rows: Rows) -> Array:
    """Return that of every output, (k, m, p), in units of the scales of β."""
    J = jacobian_of(rows.frame, rows.parameters(rows.frame.start), rows.A) * rows.frame.scale
    return J[None] if J.ndim == 2 else J


def signs_of(rows: Rows, eta: Array) -> Array:
    """Return where η may go in every row: up, down, nowhere, or NaN where it has no say."""
    likelihood = rows.likelihood
    if not isinstance(likelihood, Recedes):
        return np.full(rows.m, np.nan)
    return np.where(rows.w > 0, likelihood.recession(rows.y, eta), np.nan)


class Direction(NamedTuple):
    """A direction along which the likelihood never falls, and how many rows move along it."""

    along: Array
    moved: int


def separating(rows: SingleRows, beta: Array, proper: Array, own: list[int]) -> Direction | None:
    """Return a direction of β along which the likelihood never falls, or None (E11).

    Parameters
    ----------
    rows : SingleRows
    beta : ndarray, shape (p,)
        Where offsets and what else is known of rows are read.
    proper : ndarray, shape (k, p)
        Functionals that a proper prior holds, in units of the scales of β.
    own : list of int
        Entries of β without which it is tried.
    """
    if rows.read_from is None:
        return _of_rows(rows.at_hand(), beta, proper, own)
    return _of_blocks(rows, beta, proper, own)


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


def _of_blocks(rows: SingleRows, beta: Array, proper: Array, own: list[int]) -> Direction | None:
    """Try a few rows, and add those that contradict their direction, until none does (E12)."""
    first = rows.fold(partial(_sample, beta), _Sampled.plus)
    kept = first.toward
    for _ in range(MOST_PASSES):
        programme = Programme(first.total, kept, kept[:0], SHARE * rows.m)
        along = programme.solved(proper)
        if along is None:
            return None
        along = _of_fewest(programme, proper, along, own)
        tried = rows.fold(partial(_tried_on, beta, along), Tried.plus)
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


def _tried_on(beta: Array, along: Array, rows: Rows) -> Tried:
    return _tried(functionals(rows, beta), along)


class _Sampled(NamedTuple):
    """The sum of what must not fall, and a few of it."""

    total: Array
    toward: Array

    def plus(self, other: "_Sampled") -> "_Sampled":
        toward = np.vstack([self.toward, other.toward])
        return _Sampled(self.total + other.total, _spread(toward))


def _sample(beta: Array, rows: Rows) -> _Sampled:
    toward = functionals(rows, beta).toward
    return _Sampled(toward.sum(axis=0), _spread(toward))


def _spread(toward: Array) -> Array:
    """Keep a few functionals, spread over all."""
    every = np.linspace(0, len(toward) - 1, min(len(toward), WORST)).astype(np.intp)
    return toward[every]


def _null_space(rows: Array, p: int) -> Array:
    """Return an orthonormal basis of what rows do not see, shape (p, k)."""
    if not len(rows):
        return np.eye(p)
    _, singular, right = np.linalg.svd(np.linalg.qr(rows, mode="r"))
    rank = int(np.sum(singular > 1e-10 * singular.max(initial=0.0)))
    return np.asarray(right[rank:].T)
