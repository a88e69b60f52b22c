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
    """Products of [Z₁ | Z₂ | A]: Z₁ of one group, Z₂ of all others, A of dense columns.

    They add up over rows.

    Attributes
    ----------
    diagonal : ndarray, shape (L, d, d)
        Z₁ᵀWZ₁, a block for every level.
    border : sparse array, shape (L d, k)
        Z₁ᵀWZ₂.
    of_columns : ndarray, shape (L, d, q)
        Z₁ᵀWA.
    corner : ndarray, shape (k + q, k + q)
        Of [Z₂ | A].
    rows : int
    weight : float
    shapes : tuple of (levels, terms)
        Of every group, the first first.
    """

    diagonal: Array
    border: Sparse
    of_columns: Array
    corner: Array
    rows: int
    weight: float
    shapes: tuple[tuple[int, int], ...]

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

    def turned_columns(self, C: Array) -> "Arrow":
        """Return the products of [Z₁ | Z₂ | AC]."""
        k = self.k
        corner = self.corner.copy()
        corner[:k, k:] = self.corner[:k, k:] @ C
        corner[k:, :k] = corner[:k, k:].T
        corner[k:, k:] = C.T @ self.corner[k:, k:] @ C
        return replace(self, of_columns=self.of_columns @ C, corner=corner)

    @property
    def k(self) -> int:
        """Number of effects beside those of the first group."""
        return self.border.shape[1]

    @property
    def q(self) -> int:
        """Number of dense columns."""
        return int(self.of_columns.shape[2])

    def eliminate(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate all effects, their covariances ΛΛᵀ in units of σ² (G27).

        Parameters
        ----------
        factors : sequence of ndarray, shape (N, d, d)
            Λ of every group.
        """
        count = len(factors[0])
        if self.k and self.border.shape[0] * self.k <= MOST_DENSE:
            size = max(1, MOST_AT_ONCE // (self.border.shape[0] * (self.k + self.q)))
            parts = [self._dense([f[i : i + size] for f in factors]) for i in range(0, count, size)]
            return Eliminated(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        if self.k:
            found = [self.factor([f[i] for f in factors]) for i in range(count)]
            log_det = np.array([each.log_det for each in found])
            return Eliminated(np.stack([each.schur for each in found]), log_det)
        size = max(1, MOST_AT_ONCE // max(1, self.of_columns.size))
        parts = [self._batch(factors[0][i : i + size]) for i in range(0, count, size)]
        return Eliminated(*(np.concatenate(part) for part in zip(*parts, strict=True)))

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
        flat = W.reshape(len(factor), -1, self.q)
        schur = self.corner - np.swapaxes(flat, 1, 2) @ flat
        logs = np.log(np.diagonal(root, axis1=-2, axis2=-1))
        return Eliminated(schur, 2.0 * logs.sum(axis=(1, 2)))

    def _dense(self, factors: Sequence[Array]) -> Eliminated:
        """Eliminate the effects of few levels, for a batch of factors."""
        (levels, d), k, q, count = self.shapes[0], self.k, self.q, len(factors[0])
        first, scaled = factors[0][:, None], np.swapaxes(factors[0], -1, -2)[:, None]
        root = np.linalg.cholesky(scaled @ self.diagonal @ first + np.eye(d))
        joined = np.concatenate([self._dense_border, self.of_columns], axis=2)
        W = np.linalg.solve(root, scaled @ joined).reshape(count, levels * d, k + q)
        left = self.corner - np.swapaxes(W, 1, 2) @ W
        rest, start = np.zeros((count, k, k)), 0
        for (many, terms), factor in zip(self.shapes[1:], factors[1:], strict=True):
            for at in range(start, start := start + many * terms, terms):
                rest[:, at : at + terms, at : at + terms] = factor
        turned = np.swapaxes(rest, 1, 2)
        R = np.linalg.cholesky(turned @ left[:, :k, :k] @ rest + np.eye(k))
        V = np.linalg.solve(R, turned @ left[:, :k, k:])
        logs = [np.log(np.diagonal(each, axis1=-2, axis2=-1)) for each in (root, R)]
        log_det = 2.0 * (logs[0].sum(axis=(1, 2)) + logs[1].sum(axis=1))
        return Eliminated(left[:, k:, k:] - np.swapaxes(V, 1, 2) @ V, log_det)

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
        flat, B, left = W.reshape(-1, self.q), self.border.matrix, self.corner.copy()
        left[k:, k:] -= flat.T @ flat
        if k:
            B, product = self._border(inverse)
            left[:k, :k] -= product
            left[:k, k:] -= B.T @ flat
            left[k:, :k] = left[:k, k:].T
        return WithoutFirst(inverse, W, B, left, log_det)

    def factor(self, factors: Sequence[Array]) -> "Factored":
        """Factorise at one set of covariances, to solve with."""
        k = self.k
        inverse, W, B, left, log_det = self.without_first(factors[0])
        schur = left[k:, k:]
        if not k:
            nothing = np.zeros((0, 0)), np.zeros((0, self.q))
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
        for (levels, d), factor in zip(self.shapes[1:], factors, strict=True):
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


@dataclass(frozen=True, eq=False)
class Factored:
    """An arrow that was factorised: unit effects v given the columns of A (G28).

    Attributes
    ----------
    arrow : Arrow
    factors : sequence of ndarray, shape (d, d)
        Λ of every group.
    inverse : ndarray, shape (L, d, d)
        L⁻¹Λ₁ᵀ of every block.
    W : ndarray, shape (L, d, q)
        L⁻¹Λ₁ᵀZ₁ᵀA.
    B : sparse array, shape (L d, k)
        L⁻¹Λ₁ᵀZ₁ᵀZ₂.
    R : ndarray, shape (k, k)
        Lower factor of what is left of Z₂Λ₂.
    V : ndarray, shape (k, q)
        R⁻¹ of what is left of Λ₂ᵀZ₂ᵀA.
    schur : ndarray, shape (q, q)
        What is left of AᵀA.
    log_det : float
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

    def effects(self, columns: Array, noise_first: Array, noise_rest: Array) -> tuple[Array, Array]:
        """Return the effects of the first group and of the others, given A's combinations.

        Parameters
        ----------
        columns : ndarray, shape (S, q)
            c such that A c is what effects explain: (−β̃, 1).
        noise_first : ndarray, shape (S, L, d)
            Standard normal noise times σ.
        noise_rest : ndarray, shape (S, k)
        """
        rest: Array = np.zeros((len(columns), self.arrow.k))
        own = np.einsum("gaq,sq->sga", self.W, columns)
        if self.arrow.k:
            right = columns @ self.V.T + noise_rest
            v = solve_triangular(self.R, right.T, lower=True, trans=1, check_finite=False)
            rest = self.arrow.turned(v, [factor.T for factor in self.factors[1:]]).T
            own -= np.asarray(self.B @ rest.T).T.reshape(own.shape)
        first = np.einsum("gab,sga->sgb", self.inverse, own + noise_first)
        return first, rest
