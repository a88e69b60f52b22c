"""Arrow-shaped systems: many small blocks on the diagonal, and a border that joins them.

Derived in docs/theory/group_effects.md, (G26).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg import cholesky, solve_triangular

from bayesml.typing import Array, Integers

MOST_PAIRS = 2**23
"""Products of sparse entries that are kept, not looked for again."""

MOST_DENSE = 2**12
"""Entries of the border that are worth a batch of dense matrices."""

MOST_AT_ONCE = 2**21
"""Numbers that a batch of factors may hold."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """A sparse matrix by compressed rows.

    Attributes
    ----------
    data : ndarray, shape (nnz,)
    indices, indptr : ndarray of int
        Columns, and where every row begins.
    shape : (int, int)
    """

    data: Array
    indices: Integers
    indptr: Integers
    shape: tuple[int, int]

    @classmethod
    def of(cls, matrix: sp.csr_matrix) -> "Sparse":
        """Take a matrix of scipy."""
        rows, columns = map(int, matrix.shape)
        places = matrix.indices.astype(np.intp), matrix.indptr.astype(np.intp)
        return cls(matrix.data, *places, (rows, columns))

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """The matrix of scipy."""
        return sp.csr_matrix((self.data, self.indices, self.indptr), shape=self.shape)

    def __add__(self, other: "Sparse") -> "Sparse":
        """Add entries."""
        return Sparse.of((self.matrix + other.matrix).tocsr())

    def __sub__(self, other: "Sparse") -> "Sparse":
        """Subtract entries."""
        return Sparse.of((self.matrix - other.matrix).tocsr())


class Placed(NamedTuple):
    """A group among others: which it was, where its levels go, and how many there are then.

    Attributes
    ----------
    group : int
    at : ndarray of int, shape (L,)
        −1 for levels that are left out.
    levels : int
    """

    group: int
    at: Integers
    levels: int


class Eliminated(NamedTuple):
    """What is left of the columns [X y] once all effects are eliminated (G27).

    Attributes
    ----------
    schur : ndarray, shape (N, q, q)
        Their products, of the part that no effect explains.
    log_det : ndarray, shape (N,)
        log det(ΛᵀZᵀWZΛ + I).
    """

    schur: Array
    log_det: Array


class WithoutFirst(NamedTuple):
    """An arrow whose first group is eliminated, at one covariance (G27).

    Attributes
    ----------
    inverse : ndarray, shape (L, d, d)
        L⁻¹Λ₁ᵀ of every block.
    W : ndarray, shape (L, d, q)
        L⁻¹Λ₁ᵀZ₁ᵀA.
    B : sparse array, shape (L d, k)
        L⁻¹Λ₁ᵀZ₁ᵀZ₂.
    left : ndarray, shape (k + q, k + q)
        What is left of the products of [Z₂ | A].
    log_det : float
    """

    inverse: Array
    W: Array
    B: sp.csr_matrix
    left: Array
    log_det: float


@dataclass(frozen=True, eq=False)
class Arrow:
    """Products of [Z₁ | Z₂ | Z₃ | A]: Z₁ of one group, Z₂ of all others, Z₃ and A dense.

    Z₃ are the columns of curves, whose effects have a scale each; A = [1 X y]. They add up over
    rows.

    Attributes
    ----------
    diagonal : ndarray, shape (L, d, d)
        Z₁ᵀWZ₁, a block for every level.
    border : sparse array, shape (L d, k)
        Z₁ᵀWZ₂.
    of_columns : ndarray, shape (L, d, D + q)
        Z₁ᵀW[Z₃ A].
    corner : ndarray, shape (k + D + q, k + D + q)
        Of [Z₂ | Z₃ | A].
    rows : int
    weight : float
    shapes : tuple of (levels, terms)
        Of every group, the first first; (0, 1) stands for no group.
    widths : tuple of int
        Columns of every curve.
    """

    diagonal: Array
    border: Sparse
    of_columns: Array
    corner: Array
    rows: int
    weight: float
    shapes: tuple[tuple[int, int], ...]
    widths: tuple[int, ...] = ()

    def __add__(self, other: "Arrow") -> "Arrow":
        """Bring the products of other rows together with these."""
        return replace(
            self,
            diagonal=self.diagonal + other.diagonal,
            border=self.border + other.border,
            of_columns=self.of_columns + other.of_columns,
            corner=self.corner + other.corner,
            rows=self.rows + other.rows,
            weight=self.weight + other.weight,
        )

    def __sub__(self, other: "Arrow") -> "Arrow":
        """Take rows out again."""
        return replace(
            self,
            diagonal=self.diagonal - other.diagonal,
            border=self.border - other.border,
            of_columns=self.of_columns - other.of_columns,
            corner=self.corner - other.corner,
            rows=self.rows - other.rows,
            weight=self.weight - other.weight,
        )

    def turned_columns(self, own: Array) -> "Arrow":
        """Return the products of [Z₁ | Z₂ | Z₃ | AC]."""
        k, D = self.k, self.width
        C = np.zeros((D + own.shape[0], D + own.shape[1]))
        C[:D, :D], C[D:, D:] = np.eye(D), own
        corner = np.empty((k + C.shape[1],) * 2)
        corner[:k, :k], corner[:k, k:] = self.corner[:k, :k], self.corner[:k, k:] @ C
        corner[k:, :k] = corner[:k, k:].T
        corner[k:, k:] = C.T @ self.corner[k:, k:] @ C
        return replace(self, of_columns=self.of_columns @ C, corner=corner)

    def placed(self, moves: Sequence["Placed"]) -> "Arrow":
        """Return the products of the groups in another order, their levels at other places (G63).

        Parameters
        ----------
        moves : sequence of Placed
            Where every group comes from, in the new order; levels that none has are without rows.
        """
        P = self._selection(moves)
        products = (P.T @ self._of_effects() @ P).tocsr()
        of_columns = P.T @ np.vstack(
            [self.of_columns.reshape(-1, self.columns), self.corner[: self.k, self.k :]]
        )
        shapes = tuple((move.levels, self.shapes[move.group][1]) for move in moves)
        levels, d = shapes[0]
        own, k = products[: levels * d, : levels * d].tocoo(), P.shape[1] - levels * d
        diagonal = np.zeros((levels, d, d))
        diagonal[own.row // d, own.row % d, own.col % d] = own.data
        corner = np.empty((k + self.columns,) * 2)
        corner[:k, :k] = products[levels * d :, levels * d :].toarray()
        corner[:k, k:] = of_columns[levels * d :]
        corner[k:, :k], corner[k:, k:] = corner[:k, k:].T, self.corner[self.k :, self.k :]
        return replace(
            self,
            diagonal=diagonal,
            border=Sparse.of(products[: levels * d, levels * d :].tocsr()),
            of_columns=of_columns[: levels * d].reshape(levels, d, self.columns),
            corner=corner,
            shapes=shapes,
        )

    def _of_effects(self) -> sp.csr_matrix:
        """Return the products of [Z₁ | Z₂] as one sparse matrix."""
        levels, d, _ = self.diagonal.shape
        places = np.arange(levels), np.arange(levels + 1)
        first = sp.bsr_matrix((self.diagonal, *places), shape=(levels * d, levels * d))
        B, C = self.border.matrix, sp.csr_matrix(self.corner[: self.k, : self.k])
        return sp.csr_matrix(sp.bmat([[first, B], [B.T, C]]))

    def _selection(self, moves: Sequence["Placed"]) -> sp.csr_matrix:
        """Return P, whose columns pick the effects in their new order."""
        starts = np.cumsum([0, *(levels * d for levels, d in self.shapes)])
        rows, columns, end = [], [], 0
        for move in moves:
            d, there = self.shapes[move.group][1], np.flatnonzero(move.at >= 0)
            each = np.arange(d)
            rows.append((starts[move.group] + there[:, None] * d + each).ravel())
            columns.append((end + move.at[there][:, None] * d + each).ravel())
            end += move.levels * d
        row, column = np.concatenate(rows), np.concatenate(columns)
        return sp.csr_matrix((np.ones(len(row)), (row, column)), shape=(int(starts[-1]), end))

    @property
    def k(self) -> int:
        """Number of effects beside those of the first group."""
        return self.border.shape[1]

    @property
    def columns(self) -> int:
        """Number of dense columns, those of curves included."""
        return int(self.of_columns.shape[2])

    @property
    def width(self) -> int:
        """Number of columns of curves, D."""
        return sum(self.widths)

    @property
    def q(self) -> int:
        """Number of dense columns without those of curves."""
        return self.columns - self.width

    @property
    def _few(self) -> bool:
        """Whether levels are so few that effects are eliminated as dense matrices."""
        return 0 < self.k * self.border.shape[0] <= MOST_DENSE

    def spread(self, factors: Sequence[Array]) -> Array:
        """Return the standard deviation of every column of the curves, shape (..., D)."""
        own = [f[..., 0] for f in factors[len(factors) - len(self.widths) :]]
        parts = [np.repeat(f, width, axis=-1) for f, width in zip(own, self.widths, strict=True)]
        return np.concatenate([np.empty((*factors[0].shape[:-2], 0)), *parts], axis=-1)

    def eliminate(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate all effects, their covariances ΛΛᵀ in units of σ² (G27).

        Parameters
        ----------
        factors : sequence of ndarray, shape (N, d, d)
            Λ of every group, and of every curve.
        """
        numbers = [self.of_columns.size, self.corner.size if self.widths else 0]
        if self._few:
            numbers.append(self.border.shape[0] * (self.k + self.columns))
        size = max(1, MOST_AT_ONCE // max(1, *numbers))
        starts = range(0, len(factors[0]), size)
        parts = [self._eliminated([f[i : i + size] for f in factors]) for i in starts]
        return Eliminated(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _eliminated(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate all effects, those of curves last."""
        found = self._of_groups(factors)
        if not self.widths:
            return found
        curves = without_curves(found.schur, self.spread(factors))
        return Eliminated(curves.schur, found.log_det + curves.log_det)

    def curves_at(self, factors: Sequence[Array]) -> "WithoutCurves":
        """Return unit effects of curves at many covariances, effects of groups eliminated (S27)."""
        return without_curves(self._of_groups(factors).schur, self.spread(factors))

    def _of_groups(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate the effects of all groups."""
        count = len(factors[0])
        if not self.shapes[0][0]:
            schur = np.broadcast_to(self.corner, (count, *self.corner.shape))
            return Eliminated(schur, np.zeros(count))
        if self._few:
            return self._dense(factors[: len(self.shapes)])
        if self.k:
            found = [self.factor([f[i] for f in factors]) for i in range(count)]
            log_det = np.array([each.log_det for each in found])
            return Eliminated(np.stack([each.schur for each in found]), log_det)
        return self._batch(factors[0])

    def _batch(self, factor: Array) -> Eliminated:
        """Eliminate the effects of the only group, for a batch of factors."""
        d, scaled = factor.shape[-1], np.swapaxes(factor, -1, -2)[:, None]
        if d == 1:
            t = factor[:, 0, 0][:, None]
            D = 1.0 + t * t * self.diagonal[:, 0, 0]
            weights = t * t / D
            C = self.of_columns[:, 0]
            schur = self.corner - np.einsum("ng,gi,gj->nij", weights, C, C, optimize=True)
            return Eliminated(schur, np.log(D).sum(axis=1))
        D = scaled @ self.diagonal @ factor[:, None] + np.eye(d)
        root = np.linalg.cholesky(D)
        W = np.linalg.solve(root, scaled @ self.of_columns)
        flat = W.reshape(len(factor), -1, self.columns)
        schur = self.corner - np.swapaxes(flat, 1, 2) @ flat
        logs = np.log(np.diagonal(root, axis1=-2, axis2=-1))
        return Eliminated(schur, 2.0 * logs.sum(axis=(1, 2)))

    def _dense(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate the effects of few levels, for a batch of factors."""
        (levels, d), k, q, count = self.shapes[0], self.k, self.columns, len(factors[0])
        first, scaled = factors[0][:, None], np.swapaxes(factors[0], -1, -2)[:, None]
        root = np.linalg.cholesky(scaled @ self.diagonal @ first + np.eye(d))
        joined = np.concatenate([self._dense_border, self.of_columns], axis=2)
        W = np.linalg.solve(root, scaled @ joined).reshape(count, levels * d, k + q)
        left = self.corner - np.swapaxes(W, 1, 2) @ W
        found = without_rest(left, self.rest_factor(factors[1:]))
        log_det = 2.0 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=(1, 2))
        return Eliminated(found.schur, log_det + found.log_det)

    def rest_factor(self, factors: Sequence[Array]) -> Array:
        """Return Λ of all groups but the first as one matrix, from that of each, (..., k, k)."""
        out, start = np.zeros((*np.shape(factors[0])[:-2], self.k, self.k)), 0
        for (levels, d), factor in zip(self.shapes[1:], factors, strict=False):
            for at in range(start, start := start + levels * d, d):
                out[..., at : at + d, at : at + d] = factor
        return out

    @cached_property
    def _dense_border(self) -> Array:
        (levels, d), border = self.shapes[0], self.border.matrix.toarray()
        return np.asarray(border.reshape(levels, d, self.k))

    def without_first(self, factor: Array) -> "WithoutFirst":
        """Eliminate the effects of the first group, at one covariance (G27)."""
        k, d = self.k, factor.shape[-1]
        root = np.linalg.cholesky(factor.T @ self.diagonal @ factor + np.eye(d))
        inverse = np.linalg.inv(root) @ factor.T  # L⁻¹Λᵀ, (L, d, d)
        W = inverse @ self.of_columns
        log_det = 2.0 * float(np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum())
        flat, B, left = W.reshape(-1, self.columns), self.border.matrix, self.corner.copy()
        left[k:, k:] -= flat.T @ flat
        if k:
            B, product = self._border(inverse)
            left[:k, :k] -= product
            left[:k, k:] -= B.T @ flat
            left[k:, :k] = left[:k, k:].T
        return WithoutFirst(inverse, W, B, left, log_det)

    def factor(self, factors: Sequence[Array]) -> "Factored":
        """Factorise at one set of covariances, to solve with."""
        (levels, d), k = self.shapes[0], self.k
        first = factors[0] if levels else np.eye(d)
        inverse, W, B, left, log_det = self.without_first(first)
        schur = left[k:, k:]
        if not k:
            nothing = np.zeros((0, 0)), np.zeros((0, self.columns))
            return Factored(self, factors, inverse, W, B, *nothing, schur, log_det)
        S = self.turned(left[:k, :k], factors[1:])
        S = self.turned(S.T, factors[1:])
        S[np.arange(k), np.arange(k)] += 1.0
        R = cholesky(S.T, lower=True, overwrite_a=True, check_finite=False)
        right = self.turned(left[:k, k:], factors[1:])
        V = solve_triangular(R, right, lower=True, check_finite=False)
        log_det += 2.0 * float(np.log(np.diag(R)).sum())
        return Factored(self, factors, inverse, W, B, R, V, schur - V.T @ V, log_det)

    def turned(self, values: Array, factors: Sequence[Array]) -> Array:
        """Return Λᵀ times values, whose rows are the effects of all groups but the first."""
        out, start = np.empty(values.shape), 0
        for (levels, d), factor in zip(self.shapes[1:], factors, strict=False):
            here = slice(start, start := start + levels * d)
            if d == 1:
                np.multiply(values[here], factor[0, 0], out=out[here])
            else:
                own = values[here].reshape(levels, d, -1)
                out[here] = (factor.T @ own).reshape(levels * d, -1)
        return out

    def _border(self, inverse: Array) -> tuple[sp.csr_matrix, Array]:
        """Return B = L⁻¹Λ₁ᵀZ₁ᵀZ₂ and BᵀB."""
        levels, d, _ = inverse.shape
        if d > 1:
            places = np.arange(levels), np.arange(levels + 1)
            blocks = sp.bsr_matrix((inverse, *places), shape=(levels * d, levels * d))
            B = (blocks @ self.border.matrix).tocsr()
            return B, (B.T @ B).toarray()
        border, scale = self.border, inverse[:, 0, 0]
        data = border.data * np.repeat(scale, np.diff(border.indptr))
        B = sp.csr_matrix((data, border.indices, border.indptr), shape=border.shape)
        if self._pairs is None:
            return B, (B.T @ B).toarray()
        place, level, product = self._pairs
        total = np.bincount(place, product * (scale * scale)[level], self.k**2)
        return B, total.reshape(self.k, self.k)

    @cached_property
    def _pairs(self) -> tuple[Integers, Integers, Array] | None:
        """Return the products that BᵀB adds up, where they are few, and the level of each."""
        border = self.border
        counts = np.diff(border.indptr)
        if np.sum(counts.astype(float) ** 2) > MOST_PAIRS:
            return None
        level = np.repeat(np.arange(len(counts)), counts**2)
        before = np.repeat(np.cumsum(counts**2) - counts**2, counts**2)
        count, start = counts[level], border.indptr[level]
        i, j = np.divmod(np.arange(len(level)) - before, count)
        one, other = start + i, start + j
        place = border.indices[one].astype(np.intp) * self.k + border.indices[other]
        return place, level, border.data[one] * border.data[other]


def without_rest(left: Array, factor: Array) -> Eliminated:
    """Eliminate effects that come first in a batch of dense matrices, of covariance ΛΛᵀ (G27)."""
    k, turned = factor.shape[-1], np.swapaxes(factor, -1, -2)
    R = np.linalg.cholesky(turned @ left[:, :k, :k] @ factor + np.eye(k))
    V = np.linalg.solve(R, turned @ left[:, :k, k:])
    log_det = 2.0 * np.log(np.diagonal(R, axis1=-2, axis2=-1)).sum(axis=1)
    return Eliminated(left[:, k:, k:] - np.swapaxes(V, 1, 2) @ V, log_det)


class WithoutCurves(NamedTuple):
    """Unit effects of curves given the columns of A, and what is left of AᵀA (S27).

    Attributes
    ----------
    root : ndarray, shape (..., D, D)
        R, the lower factor of what is left of their columns.
    V : ndarray, shape (..., D, q)
        R⁻¹ of what is left of Λ₃Z₃ᵀA.
    schur : ndarray, shape (..., q, q)
    log_det : ndarray, shape (...)
    """

    root: Array
    V: Array
    schur: Array
    log_det: Array


def without_curves(schur: Array, spread: Array) -> WithoutCurves:
    """Eliminate the columns of curves, which come first, their effects of standard deviation λ."""
    D = spread.shape[-1]
    scaled = spread[..., :, None] * schur[..., :D, :]
    S = scaled[..., :D] * spread[..., None, :]
    S[..., np.arange(D), np.arange(D)] += 1.0
    root = np.linalg.cholesky(S)
    V = np.linalg.solve(root, scaled[..., D:])
    rest = schur[..., D:, D:] - np.swapaxes(V, -1, -2) @ V
    log_det = 2.0 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return WithoutCurves(root, V, rest, log_det)


@dataclass(frozen=True, eq=False)
class Factored:
    """An arrow that was factorised: unit effects v given the columns of A (G28).

    Attributes
    ----------
    arrow : Arrow
    factors : sequence of ndarray, shape (d, d)
        Λ of every group, and of every curve.
    inverse : ndarray, shape (L, d, d)
        L⁻¹Λ₁ᵀ of every block.
    W : ndarray, shape (L, d, D + q)
        L⁻¹Λ₁ᵀZ₁ᵀ[Z₃ A].
    B : sparse array, shape (L d, k)
        L⁻¹Λ₁ᵀZ₁ᵀZ₂.
    R : ndarray, shape (k, k)
        Lower factor of what is left of Z₂Λ₂.
    V : ndarray, shape (k, D + q)
        R⁻¹ of what is left of Λ₂ᵀZ₂ᵀ[Z₃ A].
    schur : ndarray, shape (D + q, D + q)
        What is left of the products of [Z₃ A].
    log_det : float
        Of the groups.
    """

    arrow: Arrow
    factors: Sequence[Array]
    inverse: Array
    W: Array
    B: sp.csr_matrix
    R: Array
    V: Array
    schur: Array
    log_det: float

    @cached_property
    def spread(self) -> Array:
        """Standard deviations of the columns of curves, shape (D,)."""
        return self.arrow.spread(self.factors)

    @cached_property
    def curves(self) -> WithoutCurves:
        """Unit effects of curves given the columns of A."""
        return without_curves(self.schur, self.spread)

    def effects(
        self, columns: Array, noise_first: Array, noise_rest: Array, noise_curves: Array
    ) -> tuple[Array, Array, Array]:
        """Return effects of the first group, of the others and of curves, given A's combinations.

        Parameters
        ----------
        columns : ndarray, shape (S, q)
            c such that A c is what effects explain: (−β̃, 1).
        noise_first : ndarray, shape (S, L, d)
            Standard normal noise times σ.
        noise_rest : ndarray, shape (S, k)
        noise_curves : ndarray, shape (S, D)
        """
        curves = self._of_curves(columns, noise_curves)
        columns = np.hstack([-curves, columns])
        rest: Array = np.zeros((len(columns), self.arrow.k))
        own = np.einsum("gaq,sq->sga", self.W, columns)
        if self.arrow.k:
            right = columns @ self.V.T + noise_rest
            v = solve_triangular(self.R, right.T, lower=True, trans=1, check_finite=False)
            rest = self.arrow.turned(v, [factor.T for factor in self.factors[1:]]).T
            own -= np.asarray(self.B @ rest.T).T.reshape(own.shape)
        first = np.einsum("gab,sga->sgb", self.inverse, own + noise_first)
        return first, rest, curves

    def _of_curves(self, columns: Array, noise: Array) -> Array:
        """Return the effects of curves (S28)."""
        if not self.arrow.width:
            return noise
        right = columns @ self.curves.V.T + noise
        v = solve_triangular(self.curves.root, right.T, lower=True, trans=1, check_finite=False)
        return np.asarray(v.T * self.spread)
