"""Draws of densities that are known at the nodes of Gauss-Hermite rules.

Derived in docs/theory/group_effects.md, (G48).
"""

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri

from bayesml.typing import Array

EDGES = np.linspace(-6.0, 6.0, 25)
"""Of cells in which the ratio of a density to the normal one is linear in its distribution."""

AT_A_TIME = 2**21
"""Numbers of cells of all draws at a time."""

LOWEST = -700.0
"""Log of a ratio relative to the largest, below which it is zero for all purposes."""


def interpolated_draws(line: Array, log_ratio: Array, rng: np.random.Generator) -> Array:
    r"""Draw one x of each density :math:`\mathrm{Normal}(x; 0, I)\,e^{P(x)}` (G48).

    P interpolates log ratios at the product of the nodes of a line, and is constant beyond the
    first and the last of them. Axes are drawn in turn, each by inversion of its distribution given
    those before.

    Parameters
    ----------
    line : ndarray, shape (Q,)
        Nodes of the Gauss-Hermite rule of an axis.
    log_ratio : ndarray, shape (N, Q, ..., Q)
        An axis of Q for every dimension.

    Returns
    -------
    ndarray, shape (N, d)

    Examples
    --------
    >>> line, _ = np.polynomial.hermite_e.hermegauss(5)
    >>> tilted = np.tile(0.5 * line, (20_000, 1))  # the normal density around one half
    >>> x = interpolated_draws(line, tilted, np.random.default_rng(0))
    >>> round(float(x.mean()), 2), round(float(x.std()), 2)
    (0.5, 1.0)
    """
    top = log_ratio.max(axis=tuple(range(1, log_ratio.ndim)), keepdims=True)
    table = np.maximum(log_ratio - top, LOWEST)
    d, x = table.ndim - 1, np.empty((len(table), table.ndim - 1))
    log_w = np.log(_weights(line))
    for axis in range(d):
        own = table
        for _ in range(axis + 1, d):
            own = logsumexp(own + log_w, axis=-1)
        x[:, axis] = _inverted(line, own, rng.random(len(own)))
        if axis + 1 < d:
            table = np.einsum("nq,nq...->n...", _basis(line, x[:, axis]), table)
    return x


def _inverted(line: Array, log_ratio: Array, u: Array) -> Array:
    """Return quantiles of Normal(0, 1) exp P, P given at the nodes of a line, shape (N,)."""
    mass = np.concatenate([[0.0], ndtr(EDGES[1:-1]), [1.0]])
    at_edges, width, out = _basis(line, EDGES).T, np.diff(mass), np.empty(len(u))
    density = np.exp(-0.5 * EDGES**2) / np.sqrt(2.0 * np.pi)
    upper = (-np.diff(density) - EDGES[:-1] * width) / np.diff(EDGES)
    size = max(1, AT_A_TIME // len(width))
    for k in range(0, len(u), size):
        some = slice(k, k + size)
        logs = log_ratio[some] @ at_edges
        r = np.exp(logs - logs.max(axis=1, keepdims=True))
        cells = r[:, :-1] * (width - upper) + r[:, 1:] * upper
        total = np.cumsum(cells, axis=1)
        target = u[some] * total[:, -1]
        cell = np.minimum(np.sum(total < target[:, None], axis=1), len(width) - 1)
        rows = np.arange(len(cell))
        low, high = r[rows, cell], r[rows, cell + 1]
        share = np.clip(1.0 - (total[rows, cell] - target) / cells[rows, cell], 0.0, 1.0)
        root = np.sqrt(low**2 + share * (high**2 - low**2))
        inside = np.clip(share * (low + high) / (low + root), 1e-12, 1.0 - 1e-12)
        out[some] = ndtri(mass[cell] + inside * width[cell])
    return out


def _basis(line: Array, x: Array) -> Array:
    """Evaluate Lagrange's polynomials of the nodes of a line, constant beyond it, (N, Q)."""
    away = np.clip(x, line[0], line[-1])[:, None] - line
    out = np.ones_like(away)
    for j, node in enumerate(line):
        others = np.arange(len(line)) != j
        out[:, j] = np.prod(away[:, others] / (node - line[others]), axis=1)
    return out


def _weights(line: Array) -> Array:
    """Return the weights of the rule whose nodes these are, of sum one."""
    w = np.polynomial.hermite_e.hermegauss(len(line))[1]
    return np.asarray(w / w.sum())
