"""The likelihood with all effects of groups and curves integrated by Laplace's approximation.

Derived in docs/theory/group_effects.md, (G70) and (G71).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.linalg.bordered import Bordered, Parted
from bayesml.log_joint.group_nested import turned
from bayesml.log_joint.level_rows import DIFFERENCE, LevelRows
from bayesml.log_joint.sums import Values
from bayesml.typing import Array

MOST_STEPS, HALVINGS = 100, 30
SETTLED = 1e-16
"""Nats that Newton's next step would gain, below which it is the last."""

LEAST = 0.25
"""Of the expected information: Newton's method takes no less for what is observed."""


class AtMode(NamedTuple):
    """Effects at their mode given all else (G70).

    Attributes
    ----------
    value : float
        The log likelihood.
    effects : Parted
        v̂.
    eta : ndarray, shape (m,)
    factor : Bordered
        Of H there.
    """

    value: float
    effects: Parted
    eta: Array
    factor: Bordered


class OfRows(NamedTuple):
    """Derivatives of the log likelihood, effects following to their mode (G71).

    Attributes
    ----------
    eta : ndarray, shape (m,)
        By η of every row.
    roots : list of ndarray, shape (d, d)
        By Λ of every factor.
    leverage : ndarray, shape (m,)
        zᵀΛH⁻¹Λᵀz.
    moved : ndarray, shape (m,)
        By scores, minus two times.
    """

    eta: Array
    roots: list[Array]
    leverage: Array
    moved: Array


@dataclass(frozen=True, eq=False)
class EffectsIntegrated:
    """Effects of rows integrated by Laplace's approximation, given all else (G70).

    Attributes
    ----------
    rows : LevelRows
        Without columns of coefficients, which are in e.
    others : tuple of (levels, terms)
        Of all factors but the largest.
    """

    rows: LevelRows
    others: tuple[tuple[int, int], ...]

    def nothing(self) -> Parted:
        """Return effects that are all zero."""
        return Parted(np.zeros((len(self.rows.levels), self.rows.terms)), np.zeros(self.rows.n))

    def mode(self, e: Array, values: Values, roots: list[Array], start: Parted) -> AtMode:
        """Find v̂ by Newton's method, and the log likelihood there."""
        v = start
        eta = self._eta(e, v, roots)
        value = self._density(eta, v, values)
        if not np.isfinite(value):
            v = self.nothing()
            eta = self._eta(e, v, roots)
            value = self._density(eta, v, values)
        for _ in range(MOST_STEPS):
            gradient = self._pull(self.rows.score(eta[None], values)[0], roots).plus(v, -1.0)
            expected = self.rows.information(eta[None], values)[0]
            step = self._curvature(eta, values, expected, roots).solve(gradient)
            if not gradient.dot(step) > 2.0 * SETTLED:
                factor = self.factor(expected, roots)
                return AtMode(value - 0.5 * factor.log_det, v, eta, factor)
            for _ in range(HALVINGS):
                tried = v.plus(step)
                eta = self._eta(e, tried, roots)
                after = self._density(eta, tried, values)
                if after >= value - 1e-9 * (1.0 + abs(value)):
                    break
                step = Parted(0.5 * step.first, 0.5 * step.rest)
            v, value = tried, after
        raise ConvergenceError(
            "The mode of the effects of groups given all else was not found: state proper priors "
            "and use Laplace() or NUTS()."
        )

    def factor(self, weights: Array, roots: list[Array]) -> Bordered:
        """Factorise H for weights of the rows."""
        rows, root = self.rows, roots[0]
        L, d, n = len(rows.starts), rows.terms, rows.n
        own, mixed, gram = self._moments(weights)
        chol = np.linalg.cholesky(np.eye(d) + root.T @ own @ root)
        half = np.linalg.solve(chol, root.T @ self._right(mixed, roots))
        flat = half.reshape(L * d, n)
        left = self._turned(self._turned(gram, roots).T, roots) + np.eye(n) - flat.T @ flat
        return Bordered(chol, half, np.linalg.cholesky(0.5 * (left + left.T)))

    def _curvature(
        self, eta: Array, values: Values, expected: Array, roots: list[Array]
    ) -> Bordered:
        """Factorise what is observed, or what is no less than a part of what is expected."""
        observed = self.rows.observed(eta[None], values)[0]
        try:
            return self.factor(observed, roots)
        except np.linalg.LinAlgError:
            return self.factor(np.maximum(observed, LEAST * expected), roots)

    def of_rows(self, at: AtMode, values: Values, roots: list[Array]) -> OfRows:
        """Differentiate the log likelihood by η of every row and by every Λ (G71)."""
        rows, eta = self.rows, at.eta[None]
        score, weights = rows.score(eta, values)[0], rows.information(eta, values)[0]
        observed = rows.observed(eta, values)[0]
        up, down = (rows.information(eta + h, values)[0] for h in (DIFFERENCE, -DIFFERENCE))
        inverse = at.factor.inverse()
        leverage = self._leverage(inverse, roots)
        bend = leverage * (up - down) / (2.0 * DIFFERENCE)
        same = np.array_equal(observed, weights)
        curvature = at.factor if same else self.factor(observed, roots)
        q = curvature.solve(self._pull(bend, roots))
        moved = self._eta(np.zeros(len(score)), q, roots)
        by_eta = score - 0.5 * bend + 0.5 * observed * moved
        of_roots: list[Array] = [
            own.T @ v - 0.5 * plain.T @ p - Y.T
            for own, v, plain, p, Y in zip(
                self.by_factor(self._sums(by_eta)),
                self.by_factor(at.effects),
                self.by_factor(self._sums(score)),
                self.by_factor(q),
                self._explained(weights, inverse, roots),
                strict=True,
            )
        ]
        return OfRows(by_eta, of_roots, leverage, moved)

    def left(self, at: AtMode, values: Values, roots: list[Array], X: Array) -> Array:
        """Return the expected information in coefficients of columns X, effects eliminated."""
        weights = self.rows.information(at.eta[None], values)[0]
        pulled = [self._pull(weights * column, roots) for column in X.T]
        gone = [at.factor.solve(own) for own in pulled]
        away = np.array([[own.dot(other) for other in gone] for own in pulled])
        return np.asarray((X.T * weights) @ X - away.reshape(X.shape[1], X.shape[1]))

    def variances(self, at: AtMode, values: Values, roots: list[Array], known: Array) -> Parted:
        """Return variances of u: given all else, and of its mode as coefficients vary.

        `known` is a root of the variance of η by coefficients, shape (m, k).
        """
        own, rest = self._of_u(at.factor.inverse(), roots)[::2]
        first, others = np.diagonal(own, axis1=1, axis2=2).copy(), np.diag(rest).copy()
        weights = self.rows.information(at.eta[None], values)[0]
        for column in known.T:
            moved = at.factor.solve(self._pull(weights * column, roots))
            first += (moved.first @ roots[0].T) ** 2
            others += self._turned(moved.rest, roots, back=True) ** 2
        return Parted(first, others)

    def _density(self, eta: Array, v: Parted, values: Values) -> float:
        with np.errstate(all="ignore"):  # beyond the density's reach it is −∞
            found = self.rows.log_density(eta[None], values)[0]
        return float(self.rows.w @ found) - 0.5 * v.dot(v)

    def _eta(self, e: Array, v: Parted, roots: list[Array]) -> Array:
        """Return e + ZΛv."""
        u = v.first @ roots[0].T
        own = np.sum(self.rows.z * u[self.rows.of].T, axis=0)
        return np.asarray(e + own + self.rows.Z @ self._turned(v.rest, roots, back=True))

    def _sums(self, numbers: Array) -> Parted:
        """Return Zᵀ times numbers of rows."""
        return Parted(self.rows.by_level(numbers * self.rows.z).T, self.rows.Z.T @ numbers)

    def _pull(self, numbers: Array, roots: list[Array]) -> Parted:
        """Return ΛᵀZᵀ times numbers of rows."""
        found = self._sums(numbers)
        return Parted(found.first @ roots[0], self._turned(found.rest, roots))

    def _turned(self, columns: Array, roots: list[Array], *, back: bool = False) -> Array:
        """Return Λᵀ of all others times columns, or with `back` Λ times."""
        return turned(columns, self.others, roots[1:], back=not back)

    def _moments(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return ZᵀΩZ: of every level, (L, d, d), with others, (L, d, n), and of these, (n, n)."""
        rows, spread = self.rows, weights * self.rows.z
        own = np.moveaxis(rows.by_level(spread[:, None] * rows.z), -1, 0)
        mixed = rows.sums(spread).reshape(rows.terms, len(rows.starts), rows.n)
        return own, np.moveaxis(mixed, 0, 1), rows.gram(weights)

    def _right(self, mixed: Array, roots: list[Array], *, back: bool = False) -> Array:
        """Return numbers of levels and others, (L, d, n), times Λ of the others, or `back` Λᵀ."""
        flat = mixed.reshape(mixed.shape[0] * mixed.shape[1], mixed.shape[2]).T
        return self._turned(flat, roots, back=back).T.reshape(mixed.shape)

    def _of_u(self, inverse: tuple[Array, Array, Array], roots: list[Array]) -> Any:
        """Return ΛH⁻¹Λᵀ, in the blocks of H⁻¹."""
        own, mixed, rest = inverse
        dense = self._turned(self._turned(rest, roots, back=True).T, roots, back=True)
        both = self._right(roots[0] @ mixed, roots, back=True)
        return roots[0] @ own @ roots[0].T, both, dense

    def _leverage(self, inverse: tuple[Array, Array, Array], roots: list[Array]) -> Array:
        """Return zᵀΛH⁻¹Λᵀz of every row."""
        rows, (own, mixed, rest) = self.rows, self._of_u(inverse, roots)
        out = np.einsum("am,mab,bm->m", rows.z, own[rows.of], rows.z)
        at = rows.Z.indices.reshape(len(rows.y), -1).T
        numbers = rows.Z.data.reshape(at.shape[::-1]).T
        for j, z in zip(at, numbers, strict=True):
            out += 2.0 * z * sum(own_z * mixed[rows.of, a, j] for a, own_z in enumerate(rows.z))
            for k, other in zip(at, numbers, strict=True):
                out += z * other * rest[j, k]
        return np.asarray(out)

    def _explained(
        self, weights: Array, inverse: tuple[Array, Array, Array], roots: list[Array]
    ) -> list[Array]:
        """Return H⁻¹ΛᵀZᵀΩZ, its diagonal blocks of every factor added up."""
        (V, mixed_V, rest_V), (own, mixed, gram) = inverse, self._moments(weights)
        first = np.einsum("gab,cb,gcd->ad", V, roots[0], own, optimize=True)
        first += np.einsum("gan,gbn->ab", mixed_V, self._right(mixed, roots))
        size = own.shape[0] * own.shape[1], len(gram)
        rest = mixed_V.reshape(size).T @ (roots[0].T @ mixed).reshape(size)
        rest += rest_V @ self._turned(gram, roots)
        out, start = [first], 0
        for levels, terms in self.others:
            here = slice(start, start := start + levels * terms)
            blocks = rest[here, here].reshape(levels, terms, levels, terms)
            out.append(np.einsum("gagb->ab", blocks))
        return out

    def by_factor(self, v: Parted) -> list[Array]:
        """Return numbers of effects, (levels, terms) of every factor."""
        out, start = [v.first], 0
        for levels, terms in self.others:
            out.append(v.rest[start : (start := start + levels * terms)].reshape(levels, terms))
        return out
