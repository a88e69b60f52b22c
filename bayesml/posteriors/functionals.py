"""Linear functionals of coefficients and effects of groups, given scales.

Derived in docs/theory/group_effects.md, (G33).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.linalg.arrow import Factored
from bayesml.typing import Array, Integers


class Functionals(NamedTuple):
    """Linear functionals of coefficients and effects, as rows.

    Attributes
    ----------
    base : ndarray, shape (m,)
        What is known of them.
    columns : ndarray, shape (m, D + p)
        Of the effects of curves, and of β̃.
    terms : tuple of ndarray, shape (m, d)
        z of every group, the one of most levels first.
    codes : tuple of ndarray of int, shape (m,)
        Numbers of the levels; −1 adds no effect, numbers beyond the known ones a new one.
    """

    base: Array
    columns: Array
    terms: tuple[Array, ...]
    codes: tuple[Integers, ...]

    def of(self, rows: slice | Integers) -> "Functionals":
        """Return some of them."""
        pick = tuple(z[rows] for z in self.terms), tuple(g[rows] for g in self.codes)
        return Functionals(self.base[rows], self.columns[rows], *pick)


class Explained(NamedTuple):
    """Functionals given scales and β̃: mean a + cᵀβ̃, variance d σ² (G33)."""

    a: Array
    c: Array
    d: Array


def explained(rows: Functionals, factored: Factored) -> Explained:
    """Return what functionals are given β̃, at one set of covariances (G33)."""
    arrow = factored.arrow
    p, d = arrow.dense + arrow.q - 1, np.zeros(len(rows.base))
    a, c = np.zeros(len(d)), np.array(rows.columns, dtype=np.float64)
    if not rows.codes:
        return _of_curves(Explained(a, c, d), factored)
    levels, terms = arrow.shapes[0]
    h = np.zeros((len(d), terms))
    known = np.flatnonzero((rows.codes[0] >= 0) & (rows.codes[0] < levels))
    g = rows.codes[0][known]
    h[known] = np.einsum("mab,mb->ma", factored.inverse[g], rows.terms[0][known])
    a[known] = np.einsum("ma,ma->m", h[known], factored.W[g, :, p])
    c[known] -= np.einsum("ma,map->mp", h[known], factored.W[g, :, :p])
    d += np.sum(h * h, axis=1)
    for k, (count, _) in enumerate(arrow.shapes):
        new = np.flatnonzero(rows.codes[k] >= count)
        d[new] += np.sum((rows.terms[k][new] @ factored.factors[k]) ** 2, axis=1)
    if arrow.k:
        F = _of_rest(rows, factored, h, known)
        G = solve_triangular(factored.R, F.T, lower=True, check_finite=False)
        a += G.T @ factored.V[:, p]
        c -= G.T @ factored.V[:, :p]
        d += np.sum(G * G, axis=0)
    return _of_curves(Explained(a, c, d), factored) if arrow.dense else Explained(a, c, d)


def _of_curves(given: Explained, factored: Factored) -> Explained:
    """Return the same, not given the effects of curves any more (S28)."""
    D, curves = factored.arrow.dense, factored.curves
    own = (given.c[:, :D] * factored.spread).T
    G = solve_triangular(curves.root, own, lower=True, check_finite=False)
    mean, slopes = curves.V[:, -1], curves.V[:, :-1]
    return Explained(
        given.a + G.T @ mean, given.c[:, D:] - G.T @ slopes, given.d + np.sum(G * G, axis=0)
    )


def _of_rest(rows: Functionals, factored: Factored, h: Array, known: Integers) -> Array:
    """Return how functionals depend on the unit effects of the other groups, (m, k)."""
    arrow = factored.arrow
    F, start = np.zeros((len(rows.base), arrow.k)), 0
    terms = arrow.shapes[0][1]
    for a in range(terms):
        own = rows.codes[0][known] * terms + a
        F[known] -= factored.B[own].toarray() * h[known, a][:, None]
    for k, (count, d) in enumerate(arrow.shapes[1:], start=1):
        there = np.flatnonzero((rows.codes[k] >= 0) & (rows.codes[k] < count))
        for j in range(d):
            F[there, start + rows.codes[k][there] * d + j] += rows.terms[k][there, j]
        start += count * d
    return arrow.turned(F.T, factored.factors[1:]).T
