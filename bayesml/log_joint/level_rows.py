"""The rows of a model with groups, those of one level of the largest factor side by side.

Derived in docs/theory/group_effects.md, (G40) and (G43).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from bayesml.likelihoods import Canonical, Likelihood, Recedes
from bayesml.likelihoods.roles import diagonal_information
from bayesml.log_joint.sums import Values
from bayesml.typing import Array, Integers

DIFFERENCE = 1e-4
"""Of scores in η, where the curvature depends on y: an error of about 1e-8."""

DENSE = 2**22
"""Numbers of a matrix that is mostly zero, up to which it is multiplied as if it were not."""


@dataclass(frozen=True, eq=False)
class LevelRows:
    r"""Rows in the order of the levels of the largest factor: :math:`\eta = e + z^\top\Lambda v`.

    Attributes
    ----------
    likelihood : Likelihood
    y, w, base : ndarray, shape (m,)
        Target, how many times every row counts, and what is known of e.
    known : ndarray, shape (r, m)
        Further outputs that the likelihood reads.
    X : ndarray, shape (m, p)
        Of the coefficients.
    Z : sparse matrix, shape (m, k)
        Of the effects of all other factors.
    z : ndarray, shape (d, m)
        Terms of the largest factor.
    levels : ndarray of int, shape (L,)
        Its levels that have rows.
    starts : ndarray of int, shape (L,)
        The first row of each.
    """

    likelihood: Likelihood
    y: Array
    w: Array
    base: Array
    known: Array
    X: Array
    Z: Any
    z: Array
    levels: Integers
    starts: Integers

    @cached_property
    def of(self) -> Integers:
        """The place of the level of every row."""
        return np.repeat(np.arange(len(self.levels)), np.diff([*self.starts, len(self.y)]))

    @property
    def terms(self) -> int:
        """Terms of the largest factor."""
        return len(self.z)

    @property
    def n(self) -> int:
        """Number of coefficients and of effects of other factors."""
        return int(self.X.shape[1] + self.Z.shape[1])

    def eta(self, c: Array) -> Array:
        """Return e at coefficients and other effects, (B, n) to (B, m)."""
        p = self.X.shape[1]
        return np.asarray(self.base + c[:, :p] @ self.X.T + (self.Z @ c[:, p:].T).T)

    def by_level(self, numbers: Array) -> Array:
        """Sum numbers of rows over those of every level, (..., m) to (..., L)."""
        return np.asarray(np.add.reduceat(numbers, self.starts, axis=-1))

    def by_row(self, numbers: Array) -> Array:
        """Return numbers of levels for every row, (..., L) to (..., m)."""
        return np.take(numbers, self.of, axis=-1, mode="clip")

    def log_density(self, eta: Array, values: Values) -> Array:
        """Evaluate log p of every row at η of shape (B, ..., m)."""
        read, wide = self._read(eta, values)
        return np.asarray(self.likelihood.log_density(self.y, read, wide))

    def score(self, eta: Array, values: Values) -> Array:
        """Evaluate ∂/∂η of it, by the weights of the rows."""
        read, wide = self._read(eta, values)
        found = np.asarray(self.likelihood.score(self.y, read, wide))
        return self.w * (found[0] if len(self.known) else found)

    def information(self, eta: Array, values: Values) -> Array:
        """Evaluate the expected information in η, by the weights of the rows."""
        read, wide = self._read(eta, values)
        found = np.asarray(self.likelihood.information(read, wide))
        if len(self.known):
            found = diagonal_information(found, 1 + len(self.known))[0]
        return np.asarray(self.w * found)

    def observed(self, eta: Array, values: Values) -> Array:
        """Return −∂² log p/∂η²: the information, or differences of scores where it needs y."""
        if isinstance(self.likelihood, Canonical) and self.likelihood.canonical:
            return self.information(eta, values)
        up, down = (self.score(eta + h, values) for h in (DIFFERENCE, -DIFFERENCE))
        return np.asarray((down - up) / (2.0 * DIFFERENCE))

    def alike(self, eta: Array) -> bool:
        """Say whether the likelihood of every level grows as its η goes one way without end."""
        if not isinstance(self.likelihood, Recedes):
            return False
        read, _ = self._read(eta, {})
        signs = self.likelihood.recession(self.y, read)[self.w > 0]
        starts = np.flatnonzero(np.diff(self.of[self.w > 0], prepend=-1))
        least, most = np.minimum.reduceat(signs, starts), np.maximum.reduceat(signs, starts)
        return bool(np.all((least == most) & (least != 0)))

    def gram(self, weights: Array) -> Array:
        """Return Σ λaaᵀ over the rows, a = (x, z of other factors), shape (n, n)."""
        p, out = self.X.shape[1], np.empty((self.n, self.n))
        scaled = self.X * weights[:, None]
        out[:p, :p] = self.X.T @ scaled
        out[p:, :p] = self.Z.T @ scaled
        out[:p, p:] = out[p:, :p].T
        out[p:, p:] = (self.Z.T @ self.Z.multiply(weights[:, None])).toarray()
        return out

    def explained(self, spread: Array) -> Array:
        """Return Σ ttᵀ with t = Σ dᵢaᵢ over the rows of every level, for all rows of `spread`."""
        p, out = self.X.shape[1], np.empty((self.n, self.n))
        of_x, of_z = self._of_coefficients(spread), self._of_others(spread)
        both: Any = of_z.T @ of_z
        out[:p, :p] = of_x.T @ of_x
        out[p:, :p] = of_z.T @ of_x
        out[:p, p:] = out[p:, :p].T
        out[p:, p:] = both if isinstance(both, np.ndarray) else both.toarray()
        return out

    def sums(self, spread: Array) -> Array:
        """Return Σ dᵢaᵢ over the rows of every level, (d, m) to (d L, n)."""
        of_z = self._of_others(spread)
        dense = of_z if isinstance(of_z, np.ndarray) else of_z.toarray()
        return np.hstack([self._of_coefficients(spread), dense])

    def _of_coefficients(self, spread: Array) -> Array:
        """Return Σ dᵢxᵢ over the rows of every level, for all rows of `spread`."""
        columns = [self.by_level(spread * x) for x in self.X.T]
        return np.reshape(columns, (self.X.shape[1], len(spread) * len(self.starts))).T

    def _of_others(self, spread: Array) -> Any:
        """Return Σ dᵢzᵢ over the rows of every level, for all rows of `spread`, one below another.

        Every row of Z has as many numbers as the others have terms.
        """
        (count, m), (L, k) = spread.shape, (len(self.starts), self.Z.shape[1])
        if count * L * k > DENSE:
            ends = np.append((np.arange(count)[:, None] * m + self.starts).ravel(), count * m)
            at = np.tile(np.arange(m), count)
            return sp.csr_matrix((spread.ravel(), at, ends), shape=(count * L, m)) @ self.Z
        out = np.zeros(count * L * k)
        first = (np.arange(count)[:, None] * L + self.of) * k
        columns, numbers = self.Z.indices.reshape(m, -1).T, self.Z.data.reshape(m, -1).T
        for column, z in zip(columns, numbers, strict=True):
            out += np.bincount((first + column).ravel(), (spread * z).ravel(), len(out))
        return out.reshape(count * L, k)

    def _read(self, eta: Array, values: Values) -> tuple[Array, dict[str, Any]]:
        """Return η as the likelihood reads it, and values that broadcast against it."""
        wide = {
            name: np.reshape(v, (-1,) + (1,) * (eta.ndim - 1)) if np.ndim(v) else v
            for name, v in values.items()
        }
        if not len(self.known):
            return eta, wide
        rest = [np.broadcast_to(own, eta.shape) for own in self.known]
        return np.stack([eta, *rest]), wide
