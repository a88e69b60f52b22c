"""Symmetric matrices that are block diagonal but for a border: their factor, inverse and solutions.

Used in docs/theory/group_effects.md, (G70).
"""

from typing import NamedTuple

import numpy as np

from bayesml.typing import Array


class Parted(NamedTuple):
    """A vector: of the blocks, (L, d), and of the border, (n,)."""

    first: Array
    rest: Array

    def plus(self, other: "Parted", share: float = 1.0) -> "Parted":
        """Add a share of others."""
        return Parted(self.first + share * other.first, self.rest + share * other.rest)

    def dot(self, other: "Parted") -> float:
        """Return the inner product."""
        return float(np.sum(self.first * other.first) + self.rest @ other.rest)


class Bordered(NamedTuple):
    """The factor of a positive definite H.

    Attributes
    ----------
    own : ndarray, shape (L, d, d)
        Lower factors of the blocks.
    half : ndarray, shape (L, d, n)
        Their inverses times what is between them and the border.
    rest : ndarray, shape (n, n)
        Lower factor of what is left of the border.
    """

    own: Array
    half: Array
    rest: Array

    @property
    def log_det(self) -> float:
        """Log det H."""
        logs = np.log(np.diagonal(self.own, axis1=1, axis2=2)).sum()
        return 2.0 * float(logs + np.log(np.diag(self.rest)).sum())

    def solve(self, right: Parted) -> Parted:
        """Return H⁻¹ times a vector."""
        half = np.linalg.solve(self.own, right.first[..., None])[..., 0]
        left = right.rest - np.einsum("gdn,gd->n", self.half, half)
        rest = np.linalg.solve(self.rest.T, np.linalg.solve(self.rest, left))
        turned = np.swapaxes(self.own, 1, 2)
        first = np.linalg.solve(turned, (half - self.half @ rest)[..., None])[..., 0]
        return Parted(first, rest)

    def inverse(self) -> tuple[Array, Array, Array]:
        """Return H⁻¹: of every block, (L, d, d), with the border, (L, d, n), and of it, (n, n)."""
        L, d, n = self.half.shape
        root = np.linalg.solve(np.swapaxes(self.own, 1, 2), np.eye(d))
        away = root @ self.half
        rest = np.linalg.solve(self.rest.T, np.linalg.solve(self.rest, np.eye(n)))
        mixed = -(away.reshape(L * d, n) @ rest).reshape(L, d, n)
        own = root @ np.swapaxes(root, 1, 2) - mixed @ np.swapaxes(away, 1, 2)
        return own, mixed, rest
