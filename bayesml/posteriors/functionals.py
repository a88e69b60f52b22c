"""Linear functionals of coefficients and effects of groups, given scales.

Derived in docs/theory/group_effects.md, (G33).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.linalg.arrow import Factored, WithoutCurves
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


class Sums(NamedTuple):
    """Linear functionals of coefficients and of any number of effects.

    Attributes
    ----------
    base : ndarray, shape (m,)
    columns : ndarray, shape (m, D + p)
        Of the effects of curves, and of β̃.
    first : ndarray, shape (m, L, d)
        Of the effects of the group of most levels.
    rest : ndarray, shape (m, k)
        Of the effects of the other groups.
    """

    base: Array
    columns: Array
    first: Array
    rest: Array


class Explained(NamedTuple):
    """Functionals given scales and β̃: mean a + cᵀβ̃, variance d σ² (G33)."""

    a: Array
    c: Array
    d: Array


class RowDraws(NamedTuple):
    """Draws of what functionals are made of.

    Attributes
    ----------
    columns : ndarray, shape (size, D + p)
        Effects of curves, and coefficients of the other columns.
    effects : tuple of ndarray, shape (size, levels, terms)
        Of every group, levels that are new included.
    sigma : ndarray, shape (size,)
    """

    columns: Array
    effects: tuple[Array, ...]
    sigma: Array

    def eta(self, rows: Functionals) -> Array:
        """Evaluate functionals, shape (size, m)."""
        eta: Array = rows.base + self.columns @ rows.columns.T
        for u, codes, terms in zip(self.effects, rows.codes, rows.terms, strict=True):
            own = np.einsum("sma,ma->sm", u[:, codes], terms)
            eta += np.where(codes >= 0, own, 0.0)
        return eta


def explained(rows: Functionals, factored: Factored) -> Explained:
    """Return what functionals are given β̃, at one set of covariances (G33)."""
    arrow = factored.arrow
    p, d = arrow.width + arrow.q - 1, np.zeros(len(rows.base))
    a, c = np.zeros(len(d)), np.array(rows.columns, dtype=np.float64)
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
    F = _of_rest(rows, factored, h, known) if arrow.k else np.empty((len(d), 0))
    return _with_others(a, c, d, F, factored)


def explained_sums(sums: Sums, factored: Factored) -> Explained:
    """Return what functionals of many effects are given β̃, at one set of covariances (G74)."""
    arrow = factored.arrow
    p = arrow.width + arrow.q - 1
    h = np.einsum("gab,mgb->mga", factored.inverse, sums.first)
    a = np.einsum("mga,ga->m", h, factored.W[..., p])
    c = sums.columns - np.einsum("mga,gap->mp", h, factored.W[..., :p])
    flat = h.reshape(len(h), h.shape[1] * h.shape[2])
    F = sums.rest
    if arrow.k:
        F = arrow.turned((F - (factored.B.T @ flat.T).T).T, factored.factors[1:]).T
    return _with_others(a, c, np.sum(flat**2, axis=1), F, factored)


def _with_others(a: Array, c: Array, d: Array, F: Array, factored: Factored) -> Explained:
    """Integrate the unit effects of the other groups too, on which F depends, and the curves."""
    arrow = factored.arrow
    p = arrow.width + arrow.q - 1
    if arrow.k:
        G = solve_triangular(factored.R, F.T, lower=True, check_finite=False)
        a = a + G.T @ factored.V[:, p]
        c = c - G.T @ factored.V[:, :p]
        d = d + np.sum(G * G, axis=0)
    if not arrow.width:
        return Explained(a, c, d)
    of = explained_by_curves(c, factored.curves, factored.spread)
    return Explained(a + of.a, of.c, d + of.d)


def explained_by_curves(columns: Array, curves: WithoutCurves, spread: Array) -> Explained:
    """Return what functionals of curves and coefficients are given β̃, at many nodes (S28).

    Parameters
    ----------
    columns : ndarray, shape (m, D + p)
    curves : WithoutCurves
        Shapes (..., D, D) and (..., D, q).
    spread : ndarray, shape (..., D)
    """
    D = spread.shape[-1]
    own = np.swapaxes(columns[:, :D] * spread[..., None, :], -1, -2)
    G = np.swapaxes(np.linalg.solve(curves.root, own), -1, -2)
    mean, slopes = curves.V[..., -1], curves.V[..., :-1]
    a = np.squeeze(G @ mean[..., None], -1)
    return Explained(a, columns[:, D:] - G @ slopes, np.sum(G * G, axis=-1))


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
