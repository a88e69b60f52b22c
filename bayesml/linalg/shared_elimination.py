"""Elimination of effects at many covariances that share decompositions.

Derived in docs/theory/group_effects.md, (G61).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
from scipy.linalg import cholesky, lapack, solve_triangular

from bayesml.linalg.arrow import Arrow, Eliminated
from bayesml.typing import Array

MOST_KEPT = 64
"""Decompositions that are kept, for covariances that come again."""


class Tridiagonal(NamedTuple):
    """What is left without the effects of the first group, the second's by T = QᵀSQ (G61).

    Attributes
    ----------
    diagonal, beside : ndarray, shape (k,), (k - 1,)
        Of T.
    columns : ndarray, shape (k, r)
        Qᵀ of the products with the rest: all other groups and A.
    rest : ndarray, shape (r, r)
        Products of the rest.
    log_det : float
        Of the first group.
    """

    diagonal: Array
    beside: Array
    columns: Array
    rest: Array
    log_det: float


@dataclass(frozen=True, eq=False)
class SharedElimination:
    """Eliminate all effects of an arrow, once for each covariance of the first and second group.

    The second group has one term, whose scale then costs O(k), not O(k³) (G61). What was found is
    kept by the covariance of the first group.

    Attributes
    ----------
    arrow : Arrow
    """

    arrow: Arrow
    _kept: dict[bytes, Tridiagonal] = field(default_factory=dict, repr=False)

    def eliminate(self, factors: Sequence[Array]) -> Eliminated:
        """Return what `Arrow.eliminate` returns, covariances in units of σ² (G27)."""
        first, second, *others = factors
        count, q = len(first), self.arrow.q
        schur, log_det = np.empty((count, q, q)), np.empty(count)
        keys = np.hstack([first.reshape(count, -1), second.reshape(count, -1)])
        _, at = np.unique(keys, axis=0, return_inverse=True)
        for pair in range(at.max() + 1):
            nodes = np.flatnonzero(at == pair)
            found = self._of_first(first[nodes[0]])
            rest, so_far = _without_second(found, float(second[nodes[0], 0, 0]))
            for node in nodes:
                left, more = self._without_others(rest, [factor[node] for factor in others])
                schur[node], log_det[node] = left, so_far + more
        return Eliminated(schur, log_det)

    def _of_first(self, factor: Array) -> Tridiagonal:
        key = factor.tobytes()
        if key not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = self._tridiagonal(factor)
        return self._kept[key]

    def _tridiagonal(self, factor: Array) -> Tridiagonal:
        """Eliminate the effects of the first group, and turn the second's block (G61)."""
        without = self.arrow.without_first(factor)
        products = without.left
        k = self.arrow.shapes[1][0]
        solver = cast(Any, lapack)
        size = int(solver.dsytrd_lwork(k, lower=1)[0])
        turned, diagonal, beside, tau, _ = solver.dsytrd(products[:k, :k], lower=1, lwork=size)
        columns = products[:k, k:].copy()
        if k > 1:  # Q is the product of k - 1 reflections, which leave the first row
            below = np.asfortranarray(turned[1:, :-1])
            room = int(solver.dormqr("L", "T", below, tau, columns[1:], -1)[1][0])
            columns[1:] = solver.dormqr("L", "T", below, tau, columns[1:], room)[0]
        return Tridiagonal(diagonal, beside, columns, products[k:, k:].copy(), without.log_det)

    def _without_others(self, rest: Array, factors: Sequence[Array]) -> tuple[Array, float]:
        """Eliminate the effects of all further groups from a dense matrix."""
        k = len(rest) - self.arrow.q
        if not k:
            return rest, 0.0
        shapes, start = self.arrow.shapes[2:], 0
        scale = np.zeros((k, k))
        for (levels, d), factor in zip(shapes, factors, strict=True):
            here = slice(start, start := start + levels * d)
            scale[here, here] = np.kron(np.eye(levels), factor)
        R = cholesky(scale.T @ rest[:k, :k] @ scale + np.eye(k), lower=True, check_finite=False)
        V = solve_triangular(R, scale.T @ rest[:k, k:], lower=True, check_finite=False)
        return rest[k:, k:] - V.T @ V, 2.0 * float(np.log(np.diag(R)).sum())


def _without_second(found: Tridiagonal, scale: float) -> tuple[Array, float]:
    """Eliminate the second group's effects from what is left: T scale² + I is tridiagonal."""
    squared, solver = scale * scale, cast(Any, lapack)
    pivots, beside, _ = solver.dpttrf(1.0 + squared * found.diagonal, squared * found.beside)
    solved = solver.dpttrs(pivots, beside, found.columns)[0]
    log_det = found.log_det + float(np.log(pivots).sum())
    return found.rest - squared * (found.columns.T @ solved), log_det
