"""Sufficient statistics of a linear Gaussian model with effects of groups: those of [Z | X | y].

Derived in docs/theory/group_effects.md, (G25).
"""

from dataclasses import dataclass
from functools import partial
from operator import add

import numpy as np
import scipy.sparse as sp

from bayesml.data import Block
from bayesml.errors import IncompatibleModelError
from bayesml.linalg import triangular_factor
from bayesml.linalg.arrow import Arrow, Sparse
from bayesml.model import Problem
from bayesml.predictors import Grouped, GroupPart
from bayesml.typing import Array

MOST_NUMBERS = 2**28
"""Numbers that a square matrix of all effects but those of the largest group may hold: 2 GB."""


@dataclass(frozen=True, eq=False)
class Reference:
    r"""Coordinates in which columns are about orthonormal, and y is what they leave (G25).

    .. math:: \tilde x = (x - c)T, \qquad \tilde y = y - o - y_0 - (x - c)^\top\theta_0

    Attributes
    ----------
    centre : ndarray, shape (n,)
    transform : ndarray, shape (n, n)
    level : float
        y₀.
    weights : ndarray, shape (n,)
        θ₀.
    unit : float
        In which ỹ is counted.
    intercept : bool
    """

    centre: Array
    transform: Array
    level: float
    weights: Array
    unit: float
    intercept: bool

    def columns(self, X: Array, y: Array) -> Array:
        """Return [1 x̃ ỹ], or [x̃ ỹ] without an intercept."""
        away = X - self.centre
        rest = (y - self.level - away @ self.weights) / self.unit
        ones = [np.ones(len(y))] if self.intercept else []
        return np.column_stack([*ones, away @ self.transform, rest])

    def coefficients(self, origin: Array) -> tuple[Array, Array]:
        """Return M and β₀ with β = M β̃ + β₀, the intercept of β counted from `origin`."""
        n = len(self.centre)
        M = self.unit * self.transform
        if not self.intercept:
            return M, self.weights
        full = np.zeros((n + 1, n + 1))
        away = origin - self.centre
        full[0, 0], full[0, 1:], full[1:, 1:] = self.unit, away @ M, M
        start = np.concatenate([[self.level + away @ self.weights], self.weights])
        return full, start


def reference_of(problem: Problem, predictor: Grouped) -> Reference:
    """Return coordinates in which the columns of all rows are orthonormal, by QR."""
    part, statistics = predictor.part, problem.statistics
    n = len(part.features)
    at = [*range(n), len(statistics.mean) - 1]
    R = triangular_factor(statistics.R[:, at])
    mean, scale = statistics.mean[at], np.sqrt(max(statistics.weight, 1.0))
    if not part.intercept:
        R = triangular_factor(np.vstack([R, scale * mean]))
    inner, h = R[:n, :n], R[:n, n]
    sizes = np.abs(np.diag(inner))
    level = np.linalg.norm(inner, axis=0)
    if n and np.any(sizes <= 1e-10 * level):
        bad = part.features[int(np.argmin(sizes / np.where(level > 0, level, 1.0)))]
        raise IncompatibleModelError(
            f"Column {bad!r} is a combination of the others, or constant, so that groups and it "
            "cannot be told apart by the statistics. Leave it out of the formula."
        )
    transform = np.linalg.inv(inner) * scale if n else np.zeros((0, 0))
    weights = np.linalg.solve(inner, h) if n else np.zeros(0)
    rest = abs(R[n, n]) if len(R) > n else 0.0
    unit = rest / scale if rest > 0 else 1.0
    centre = mean[:n] if part.intercept else np.zeros(n)
    return Reference(
        centre, transform, float(mean[n]) * part.intercept, weights, unit, part.intercept
    )


def arrow_of(problem: Problem, predictor: Grouped, reference: Reference) -> Arrow:
    """Fold the rows into the statistics of [Z | X | y], the group of most levels first (G25)."""
    parts = tuple(predictor.by_levels())
    rest = sum(p.shape[0] * p.shape[1] for p in parts[1:]) + len(reference.centre) + 2
    if rest**2 > MOST_NUMBERS:
        raise IncompatibleModelError(
            f"The groups beside {parts[0].factor!r} have {rest:,} effects, whose matrix would take "
            f"{8e-9 * rest**2:.3g} GB. Nested groups and the one of most levels cost nothing; of "
            "others leave the larger out."
        )
    offset = predictor.fixed.known.offset
    of_block = partial(_of_block, parts, predictor.part.where, offset, reference)
    folded: Arrow = problem.data.reduce(of_block, add)
    return folded


def _of_block(
    parts: tuple[GroupPart, ...],
    where: slice,
    offset: int | None,
    reference: Reference,
    block: Block,
) -> Arrow:
    w = block.row_weights
    y = block.y if offset is None else block.y - block.X[:, offset]
    A = reference.columns(block.X[:, where], y)
    Z = [design_of_effects(part, block.X) for part in parts]
    first, others = Z[0], sp.hstack([sp.csr_matrix((len(y), 0)), *Z[1:]]).tocsr()
    weighted = first.multiply(w[:, None]).tocsr()
    levels, terms = parts[0].shape
    rest = np.empty((others.shape[1] + A.shape[1],) * 2)
    k = others.shape[1]
    own = others.multiply(w[:, None]).tocsr()
    rest[:k, :k] = (own.T @ others).toarray()
    rest[:k, k:] = own.T @ A
    rest[k:, :k] = rest[:k, k:].T
    rest[k:, k:] = (A * w[:, None]).T @ A
    return Arrow(
        _blocks(weighted, first, levels, terms),
        Sparse.of((weighted.T @ others).tocsr()),
        np.asarray(weighted.T @ A).reshape(levels, terms, -1),
        rest,
        len(y),
        float(w.sum()),
        tuple(part.shape for part in parts),
    )


def design_of_effects(part: GroupPart, X: Array) -> sp.csr_matrix:
    """Return Z, a row of which holds the terms at the place of its level."""
    (levels, terms), m = part.shape, len(X)
    columns = part.codes(X)[:, None] * terms + np.arange(terms)
    start = np.arange(0, m * terms + 1, terms)
    return sp.csr_matrix((part.terms(X).ravel(), columns.ravel(), start), shape=(m, levels * terms))


def _blocks(weighted: sp.csr_matrix, first: sp.csr_matrix, levels: int, terms: int) -> Array:
    """Return ZᵀWZ of the first group, a block for every level."""
    product = (weighted.T @ first).tocoo()
    out = np.zeros((levels, terms, terms))
    out[product.row // terms, product.row % terms, product.col % terms] = product.data
    return out
