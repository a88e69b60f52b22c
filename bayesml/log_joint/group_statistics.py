"""Sufficient statistics of a linear Gaussian model with effects of groups: those of [Z | X | y].

Derived in docs/theory/group_effects.md, (G25).
"""

from functools import partial
from operator import add

import numpy as np
import scipy.sparse as sp

from bayesml.data import Block
from bayesml.data.grouped_statistics import GroupedStatistics, Reference
from bayesml.errors import IncompatibleModelError
from bayesml.linalg import triangular_factor
from bayesml.linalg.arrow import Arrow, Sparse
from bayesml.model import Problem
from bayesml.predictors import Grouped, GroupPart, SmoothPart
from bayesml.typing import Array

SAME, NEARLY = 1e-13, 1e-10
"""The share of a column that others do not make: below which it is rounding, or loses digits."""

MOST_NUMBERS = 2**28
"""Numbers that a square matrix of all effects but those of the largest group may hold: 2 GB."""


def reference_of(problem: Problem, predictor: Grouped) -> Reference:
    """Return coordinates in which the columns of all rows are orthonormal, by QR."""
    part, statistics = predictor.part, problem.statistics
    n = len(part.features)
    at = [*range(n), len(statistics.mean) - 1]
    R = triangular_factor(statistics.R[:, at])
    mean, scale = statistics.mean[at], np.sqrt(max(statistics.weight, 1.0))
    if not part.intercept:
        R = triangular_factor(np.vstack([R, scale * mean]))
    inner, h = R[:n, :n].copy(), R[:n, n].copy()
    own, size = np.abs(np.diag(inner)), np.linalg.norm(inner, axis=0)
    nothing = own <= np.maximum(SAME * size, 4.0 * statistics.noise[at[:n]])
    if np.any(close := ~nothing & (own <= NEARLY * size)):
        raise IncompatibleModelError(
            f"Column {part.features[int(np.argmax(close))]!r} is nearly a combination of the "
            "others, so that the statistics of groups cannot tell them apart. Leave it out of the "
            "formula, or centre the columns."
        )
    same = np.flatnonzero(nothing)
    rest = float(np.linalg.norm(np.append(R[n:, n], h[same])))
    # constant columns, and those that others make: any unit will do, y tells nothing of them
    unit_of = np.maximum(size, scale * np.abs(mean[:n]))[same]
    inner[same, same], h[same] = np.where(unit_of > 0.0, unit_of, scale), 0.0
    transform = np.linalg.inv(inner) * scale if n else np.zeros((0, 0))
    weights = np.linalg.solve(inner, h) if n else np.zeros(0)
    unit = rest / scale if rest > 0 else 1.0
    centre = mean[:n] if part.intercept else np.zeros(n)
    return Reference(
        centre, transform, float(mean[n]) * part.intercept, weights, unit, part.intercept
    )


def grouped_statistics(problem: Problem, predictor: Grouped) -> GroupedStatistics:
    """Fold the rows, and bring those together with them that the prior has seen (G25, G60)."""
    reference = reference_of(problem, predictor)
    found = GroupedStatistics(reference, _arrow_of(problem, predictor, reference))
    return found if problem.earlier is None else found + problem.earlier


def _arrow_of(problem: Problem, predictor: Grouped, reference: Reference) -> Arrow:
    """Fold the rows into the statistics of [Z | X | y], the group of most levels first (G25)."""
    parts = tuple(predictor.by_levels())
    rest = sum(p.shape[0] * p.shape[1] for p in parts[1:]) + len(reference.centre) + 2
    rest += sum(curve.table[0] for curve in predictor.smooths)
    if rest**2 > MOST_NUMBERS:
        raise IncompatibleModelError(
            f"The groups and curves beside the largest group have {rest:,} effects, whose matrix "
            f"would take {8e-9 * rest**2:.3g} GB. Nested groups and the one of most levels cost "
            "nothing; of others leave the larger out."
        )
    offset = predictor.fixed.known.offset
    where = predictor.part.where
    of_block = partial(_of_block, parts, predictor.smooths, where, offset, reference)
    folded: Arrow = problem.data.reduce(of_block, add)
    return folded


def _of_block(
    parts: tuple[GroupPart, ...],
    smooths: tuple[SmoothPart, ...],
    where: slice,
    offset: int | None,
    reference: Reference,
    block: Block,
) -> Arrow:
    w = block.row_weights
    y = block.y if offset is None else block.y - block.X[:, offset]
    curves = [curve.rows(block.X) for curve in smooths]
    A = np.column_stack([*curves, reference.columns(block.X[:, where], y)])
    Z = [design_of_effects(part, block.X) for part in parts] or [sp.csr_matrix((len(y), 0))]
    first, others = Z[0], sp.hstack([sp.csr_matrix((len(y), 0)), *Z[1:]]).tocsr()
    weighted = first.multiply(w[:, None]).tocsr()
    shapes = tuple(part.shape for part in parts) or ((0, 1),)
    levels, terms = shapes[0]
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
        np.asarray(weighted.T @ A).reshape(levels, terms, A.shape[1]),
        rest,
        len(y),
        float(w.sum()),
        shapes,
        tuple(z.shape[1] for z in curves),
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
