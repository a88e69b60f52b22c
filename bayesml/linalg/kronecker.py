r"""Bayesian linear regression whose Gram matrix is a Kronecker product, block by block.

A block is a table of parameters, o × q, and its Gram matrix G ⊗ A. Prior precisions are one for
every column of the table, which scaling the columns turns into the identity: after the
eigendecompositions of both factors everything is diagonal. Derived in docs/theory/network.md,
(M24) to (M26).
"""

from dataclasses import dataclass

import numpy as np

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.linalg.regression import Regression
from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class KroneckerBlock:
    """A table of parameters with the Gram matrix G ⊗ A, G = U diag(s) Uᵀ.

    Attributes
    ----------
    index : ndarray of int, shape (o, q)
        Where the entries of the table lie in the vector of parameters.
    U : ndarray, shape (o, o)
    s : ndarray, shape (o,)
        Zero or positive.
    A : ndarray, shape (q, q)
    """

    index: Integers
    U: Array
    s: Array
    A: Array

    @classmethod
    def of(cls, index: Integers, G: Array, A: Array) -> "KroneckerBlock":
        """Decompose G."""
        s, U = np.linalg.eigh(G)
        return cls(index, U, np.maximum(s, 0.0), A)

    def with_prior(self, precision: Array) -> "DiagonalisedBlock":
        """Factorise G ⊗ A + I ⊗ D, D the precisions of the columns (M25)."""
        table = precision[self.index]
        D = table[0]
        if not np.all(table == D):
            raise IncompatibleModelError(
                "Kronecker factors need one prior precision for every column of a layer's table, "
                "the same for all units. Use FullCurvature() or LastLayer()."
            )
        if not np.all(D > 0):
            raise ConvergenceError(
                "Kronecker factors need a proper prior, and a prior precision is zero. State one, "
                "such as Layered()."
            )
        root = np.sqrt(D)
        t, V = np.linalg.eigh(self.A / (root[:, None] * root))
        eigenvalues = 1.0 + self.s[:, None] * np.maximum(t, 0.0)
        log_det = len(self.s) * float(np.sum(np.log(D))) + float(np.sum(np.log(eigenvalues)))
        return DiagonalisedBlock(self.index, self.U, V / root[:, None], eigenvalues, log_det)


@dataclass(frozen=True, eq=False)
class DiagonalisedBlock:
    """(G ⊗ A + I ⊗ D)⁻¹ = (U ⊗ B) diag(eigenvalues)⁻¹ (U ⊗ B)ᵀ.

    Attributes
    ----------
    index : ndarray of int, shape (o, q)
    U : ndarray, shape (o, o)
    B : ndarray, shape (q, q)
        D^-½ V.
    eigenvalues : ndarray, shape (o, q)
        1 + s tᵀ.
    log_det : float
        Of G ⊗ A + I ⊗ D.
    """

    index: Integers
    U: Array
    B: Array
    eigenvalues: Array
    log_det: float

    def into(self, tables: Array) -> Array:
        """Return tables, (..., o, q), in the basis where the inverse is the identity."""
        return np.asarray((self.U.T @ tables @ self.B) / np.sqrt(self.eigenvalues))

    def out_of(self, z: Array) -> Array:
        """Return the transpose of `into` at tables of the basis."""
        return np.asarray(self.U @ (z / np.sqrt(self.eigenvalues)) @ self.B.T)

    def covariance(self, tables: Array) -> Array:
        """Return their inner products by the inverse, (m, k, k) for tables (k, m, o, q)."""
        factors = _outer(tables)
        if factors is None:
            half = self.into(tables)
            return np.asarray(np.einsum("kmoq,lmoq->mkl", half, half))
        a, b = factors[0] @ self.U, factors[1] @ self.B
        inner = (a[:, None] * a) @ (1.0 / self.eigenvalues)
        return np.moveaxis(np.sum(inner * (b[:, None] * b), axis=-1), -1, 0)

    def inverse_diagonal(self) -> Array:
        """Return the diagonal of the inverse, as a table."""
        return np.asarray(self.U**2 @ (1.0 / self.eigenvalues) @ (self.B**2).T)


@dataclass(frozen=True, eq=False)
class KroneckerRegression:
    """H by the eigendecompositions of its factors; parameters of different blocks are independent.

    Attributes
    ----------
    blocks : tuple of DiagonalisedBlock
        Which together hold every parameter once.
    """

    blocks: tuple[DiagonalisedBlock, ...]

    @property
    def log_det(self) -> float:
        """Log determinant of H."""
        return sum(block.log_det for block in self.blocks)

    def solve(self, g: Array) -> Array:
        """Return H⁻¹g."""
        out = np.empty_like(g)
        for block in self.blocks:
            out[block.index] = block.out_of(block.into(g[block.index]))
        return out

    def inverse_diagonal(self) -> Array:
        """Return the diagonal of H⁻¹."""
        out = np.empty(self._size)
        for block in self.blocks:
            out[block.index] = block.inverse_diagonal()
        return out

    def covariance(self, J: Array) -> Array:
        """Return J H⁻¹ Jᵀ at every row."""
        total = np.zeros((J.shape[1], len(J), len(J)))
        for block in self.blocks:
            total += block.covariance(J[..., block.index])
        return total

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw block by block."""
        out = np.empty((size, self._size))
        for block in self.blocks:
            out[:, block.index] = block.out_of(rng.standard_normal((size, *block.index.shape)))
        return out

    @property
    def _size(self) -> int:
        return sum(block.index.size for block in self.blocks)


@dataclass(frozen=True, eq=False)
class KroneckerFactors:
    """The Gram matrix, to be joined with one prior precision after another.

    Attributes
    ----------
    blocks : tuple of KroneckerBlock

    Examples
    --------
    >>> G, A = np.array([[2.0]]), np.array([[3.0, 0.0], [0.0, 5.0]])
    >>> block = KroneckerBlock.of(np.array([[0, 1]]), G, A)
    >>> KroneckerFactors((block,)).with_prior(np.ones(2)).solve(np.array([7.0, 11.0]))
    array([1., 1.])
    """

    blocks: tuple[KroneckerBlock, ...]

    def with_prior(self, precision: Array) -> Regression:
        """Factorise H, the blocks and the diagonal precision.

        Raises
        ------
        ConvergenceError
            If a precision is zero.
        IncompatibleModelError
            If precisions differ within a column of a block.
        """
        return KroneckerRegression(tuple(block.with_prior(precision) for block in self.blocks))

    def scaled(self, ratio: float) -> "KroneckerFactors":
        """Return a multiple of the Gram matrix."""
        return KroneckerFactors(
            tuple(KroneckerBlock(b.index, b.U, ratio * b.s, b.A) for b in self.blocks)
        )

    def diagonal(self) -> Array:
        """Return the diagonal of the Gram matrix."""
        out = np.empty(sum(block.index.size for block in self.blocks))
        for block in self.blocks:
            out[block.index] = np.outer(block.U**2 @ block.s, np.diag(block.A))
        return out


def _outer(tables: Array) -> tuple[Array, Array] | None:
    """Return u and v where every table is u vᵀ with v ending in one, as a network's are (M4)."""
    u = tables[..., -1]
    pivot = np.argmax(np.abs(u), axis=-1)[..., None]
    row = np.take_along_axis(tables, pivot[..., None], axis=-2)[..., 0, :]
    size = np.take_along_axis(u, pivot, axis=-1)
    v = row / np.where(size == 0.0, 1.0, size)
    away = u[..., None] * v[..., None, :]
    away -= tables
    return (u, v) if np.all(np.abs(away) <= 1e-12 * np.abs(tables)) else None
