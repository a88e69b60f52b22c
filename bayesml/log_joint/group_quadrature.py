"""Effects of the factor of most levels integrated by adaptive Gauss-Hermite quadrature.

Derived in docs/theory/group_effects.md, (G40) to (G43).
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from bayesml.log_joint.level_rows import LevelRows
from bayesml.log_joint.sums import Values
from bayesml.typing import Array

LARGEST_STEP = 2.0
"""Of Newton's method for unit effects, halved where it turns back."""

MOST_STEPS = 60

AT_A_TIME = 2**18
"""Numbers of η at nodes at a time, so that they stay in the cache."""


class Nodes(NamedTuple):
    """A product rule for integrals over Normal(0, I).

    Attributes
    ----------
    at : ndarray, shape (K, d)
    log_weights : ndarray, shape (K,)
        Of weights that sum to one.
    line : ndarray, shape (Q,)
        The nodes of every axis.
    """

    at: Array
    log_weights: Array
    line: Array


def hermite_nodes(count: int, terms: int) -> Nodes:
    """Return the Gauss-Hermite rule of so many nodes for each of the terms.

    Examples
    --------
    >>> rule = hermite_nodes(3, 2)
    >>> rule.at.shape, round(float(np.exp(rule.log_weights) @ rule.at[:, 0] ** 4), 12)
    ((9, 2), 3.0)
    """
    x, w = np.polynomial.hermite_e.hermegauss(count)
    log_w = np.log(w) - np.log(w.sum())
    at = np.array(list(product(x, repeat=terms)))
    return Nodes(at, np.array([sum(own) for own in product(log_w, repeat=terms)]), x)


class Integral(NamedTuple):
    """Effects of the largest factor integrated, at B points of all else (G41).

    Attributes
    ----------
    value : ndarray, shape (B,)
        Σ log I over the levels.
    centre : ndarray, shape (B, d, L)
        v̂ of every level that has rows.
    root : ndarray, shape (B, L, d, d)
        C of every level.
    log_ratio : ndarray, shape (B, K, L)
        log of integrand over its Gaussian at the nodes, but for a constant.
    """

    value: Array
    centre: Array
    root: Array
    log_ratio: Array


class Slopes(NamedTuple):
    """Derivatives of the log integral in coefficients and other effects, (G42) and (G43).

    Attributes
    ----------
    gradient : ndarray, shape (n,)
    curvature : ndarray, shape (n, n)
        −∂².
    """

    gradient: Array
    curvature: Array


class Expected(NamedTuple):
    """Expected information in coefficients, other effects, and those of the largest factor.

    Attributes
    ----------
    gram : ndarray, shape (n, n)
    mixed : ndarray, shape (L, d, n)
    of_level : ndarray, shape (L, d, d)
    """

    gram: Array
    mixed: Array
    of_level: Array

    def curvature(self, root: Array) -> Array:
        """Return what is left of it once effects of covariance ΛΛᵀ are eliminated (G45)."""
        own = np.eye(len(root)) + root.T @ self.of_level @ root
        half = np.linalg.solve(np.linalg.cholesky(own), root.T @ self.mixed)
        flat = half.reshape(-1, half.shape[-1])
        return np.asarray(self.gram - flat.T @ flat)


def integral(
    rows: LevelRows,
    e: Array,
    values: Values,
    root: Array,
    start: Array,
    nodes: Nodes,
    tolerance: float,
) -> Integral:
    """Integrate at B points, a cacheful at a time (G41).

    Parameters
    ----------
    rows : LevelRows
    e : ndarray, shape (B, m)
    values : mapping of name to number or ndarray, shape (B,)
    root : ndarray, shape (B, d, d)
        Λ.
    start : ndarray, shape (B, d, L)
        Where the search for v̂ begins.
    nodes : Nodes
    tolerance : float
        How far from v̂ nodes may be centred, in standard deviations.
    """
    size = max(1, AT_A_TIME // (len(rows.y) * len(nodes.at)))
    parts = []
    for k in range(0, len(e), size):
        some = slice(k, k + size)
        own = {name: v[some] if np.ndim(v) else v for name, v in values.items()}
        parts.append(_integral(rows, e[some], own, root[some], start[some], nodes, tolerance))
    return Integral(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _integral(
    rows: LevelRows,
    e: Array,
    values: Values,
    root: Array,
    start: Array,
    nodes: Nodes,
    tolerance: float,
) -> Integral:
    zr = _turned(rows, root)
    v, C = _centred(rows, e, values, zr, start, tolerance)
    V, eta = _at_nodes(rows, e, zr, v, C, nodes)
    ratio = rows.by_level(rows.w * rows.log_density(eta, values))
    ratio[np.isnan(ratio)] = -np.inf
    ratio -= 0.5 * np.sum(V * V, axis=2)
    ratio += 0.5 * np.sum(nodes.at**2, axis=1)[:, None]
    total = _log_sum(nodes.log_weights[:, None] + ratio, axis=1)
    log_det = np.log(np.diagonal(C, axis1=-2, axis2=-1)).sum(axis=-1)
    return Integral((total + log_det).sum(axis=-1), v, C, ratio)


def slopes(
    rows: LevelRows, e: Array, values: Values, root: Array, found: Integral, nodes: Nodes
) -> Slopes:
    """Differentiate at one point by the identities of Fisher and Louis, with nodes held fixed.

    So (G42) and (G43) need more than one node.
    """
    zr = _turned(rows, root)
    _, eta = _at_nodes(rows, e, zr, found.centre, found.root, nodes)
    score, information = rows.score(eta, values)[0], rows.observed(eta, values)[0]
    logs = nodes.log_weights[:, None] + found.log_ratio[0]
    q = np.exp(logs - _log_sum(logs, axis=0))[:, rows.of]
    mean = np.sum(q * score, axis=0)
    curvature = rows.gram(np.sum(q * information, axis=0))
    curvature -= rows.explained(np.sqrt(q) * (score - mean))
    return Slopes(np.concatenate([rows.X.T @ mean, rows.Z.T @ mean]), curvature)


def expected(rows: LevelRows, e: Array, values: Values, root: Array, centre: Array) -> Expected:
    """Return the expected information at one point, effects at v̂ of shape (d, L)."""
    zr = _turned(rows, root)[0]
    eta = e + np.sum(zr * rows.by_row(centre), axis=0)
    weights = rows.information(eta, values)[0]
    of_level = rows.by_level(weights * rows.z[:, None] * rows.z)
    L, d = len(rows.starts), rows.terms
    mixed = np.moveaxis(rows.sums(weights * rows.z).reshape(d, L, -1), 0, 1)
    return Expected(rows.gram(weights), mixed, np.moveaxis(of_level, -1, 0))


def _turned(rows: LevelRows, root: Array) -> Array:
    """Return Λᵀz of every row, shape (B, d, m)."""
    return np.asarray(np.swapaxes(root, -1, -2) @ rows.z)


def _centred(
    rows: LevelRows, e: Array, values: Values, zr: Array, start: Array, tolerance: float
) -> tuple[Array, Array]:
    """Find v̂ by Newton's method with expected information, and C there."""
    v = start
    previous, limit = np.zeros_like(v), np.full((len(v), 1, v.shape[2]), LARGEST_STEP)
    for _ in range(MOST_STEPS):
        eta = e + np.sum(zr * rows.by_row(v), axis=1)
        slope = rows.by_level(rows.score(eta, values)[:, None] * zr) - v
        C = _roots(rows, rows.information(eta, values), zr)
        along = np.einsum("blac,bal->bcl", C, slope)
        sizes = np.sqrt(np.sum(along**2, axis=1))
        if not np.max(sizes) > tolerance:
            break
        step = np.einsum("blac,bcl->bal", C, along)
        turned = np.sum(step * previous, axis=1, keepdims=True) < 0.0
        limit = np.where(turned, 0.5 * limit, limit)
        length = np.sqrt(np.sum(step**2, axis=1, keepdims=True))
        step = step * np.minimum(1.0, limit / np.maximum(length, 1e-300))
        v, previous = v + step, step
    return v, C


def _roots(rows: LevelRows, information: Array, zr: Array) -> Array:
    """Return C with CCᵀ = (I + Λᵀ Σ λzzᵀ Λ)⁻¹ of every level, shape (B, L, d, d)."""
    d = rows.terms
    H = np.zeros((len(zr), len(rows.starts), d, d))
    for a in range(d):
        for b in range(a + 1):
            H[..., a, b] = rows.by_level(information * zr[:, a] * zr[:, b])
            H[..., b, a] = H[..., a, b]
    H[..., range(d), range(d)] += 1.0
    if d == 1:
        return np.asarray(1.0 / np.sqrt(H))
    return np.asarray(np.swapaxes(np.linalg.inv(np.linalg.cholesky(H)), -1, -2))


def _at_nodes(
    rows: LevelRows, e: Array, zr: Array, v: Array, C: Array, nodes: Nodes
) -> tuple[Array, Array]:
    """Return v at the nodes, (B, K, d, L), and η there, (B, K, m)."""
    V = v[:, None] + np.einsum("blac,kc->bkal", C, nodes.at)
    eta = e[:, None] + zr[:, None, 0] * rows.by_row(V[:, :, 0])
    for a in range(1, rows.terms):
        eta += zr[:, None, a] * rows.by_row(V[:, :, a])
    return V, eta


def _log_sum(logs: Array, axis: int) -> Array:
    """Return log Σ exp along an axis."""
    top = logs.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(logs - top).sum(axis=axis)) + top.squeeze(axis))
