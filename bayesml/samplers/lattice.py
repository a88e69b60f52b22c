"""Integrals over a few dimensions: a lattice that fills the mass of a density.

Derived in docs/theory/group_effects.md, (G31).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from bayesml.errors import ConvergenceError
from bayesml.typing import Array, Integers

FURTHEST = 12.0
"""How far from zero a mode is looked for."""

SHORTER = 0.75
"""Steps of the first coordinate of a triangular root, relative to the others'."""

ROUNDED = 256.0
"""Parts of the spread that a mode and a root are rounded to."""

Density = Callable[[Array], Array]
"""Log densities at points, (N, k) to (N,)."""


class Peak(NamedTuple):
    """A mode and a root of the inverse of the curvature there."""

    mode: Array
    root: Array


class Points(NamedTuple):
    """Points with normalised weights.

    Attributes
    ----------
    at : ndarray, shape (N, k)
    weights : ndarray, shape (N,)
    log_total : float
        Log of the integral.
    error : float
        By how much the total differs if half of the points are left out, relative.
    effective : float
        Effective sample size of the points.
    """

    at: Array
    weights: Array
    log_total: float
    error: float
    effective: float


def peak_of(density: Density, start: Array) -> Peak:
    """Find about where the mode is, and the curvature there.

    Both are rounded to a small part of the spread, so that what differs in the last digits alone,
    as rows in another order do, is integrated on the same points.
    """
    mode = maximise(density, start)
    root = _root(curvature_of(density, mode))
    unit = 2.0 ** np.round(np.log2(np.linalg.norm(root, axis=1)))
    return Peak(_rounded(mode, unit), _rounded(root.T, unit).T)


def _rounded(values: Array, unit: Array) -> Array:
    return np.asarray(np.round(values / unit * ROUNDED) / ROUNDED * unit)


def maximise(density: Density, start: Array, tolerance: float = 1e-7) -> Array:
    """Find about where the mode is, by L-BFGS on differences.

    `tolerance` is of the log density, relative. Integrals depend on neither, only their effort.
    """
    k, step = len(start), 1e-4

    def value_and_slope(x: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            values = density(np.concatenate([x[None], x + step * np.eye(k)]))
        if not np.isfinite(values).all():
            return 1e300, np.zeros(k)
        return -float(values[0]), -(values[1:] - values[0]) / step

    bounds, options = [(-FURTHEST, FURTHEST)] * k, {"ftol": tolerance, "gtol": 1e-4}
    settings: Any = {"jac": True, "bounds": bounds, "options": options}
    return np.asarray(minimize(value_and_slope, start, **settings).x)


def central(density: Density, x: Array, step: float) -> tuple[float, Array]:
    """Evaluate a density at x, and its gradient by central differences, all points together."""
    k, E = len(x), step * np.eye(len(x))
    values = density(np.concatenate([x[None], x + E, x - E]))
    return float(values[0]), (values[1 : k + 1] - values[k + 1 :]) / (2.0 * step)


def curvature_of(density: Density, x: Array, step: float = 0.02) -> Array:
    """Return the curvature −∂² log p/∂x² by differences, shape (k, k)."""
    k, E = len(x), step * np.eye(len(x))
    pairs = [(i, j) for i in range(k) for j in range(i)]
    points = np.array([x, *(x + E), *(x - E), *(x + E[i] + E[j] for i, j in pairs)])
    values = density(points)
    centre, up, down = values[0], values[1 : k + 1], values[k + 1 : 2 * k + 1]
    H = np.diag((2.0 * centre - up - down) / step**2)
    for (i, j), both in zip(pairs, values[2 * k + 1 :], strict=True):
        mixed = both - up[i] - up[j] + centre
        H[i, j] = H[j, i] = -mixed / step**2
    return H


def _root(H: Array) -> Array:
    """Return a root of H⁻¹, where directions that are hardly curved have a spread of two.

    It is turned in no direction of the axes, so that on a lattice every coordinate takes as many
    values as there are points, and its quantiles are those of a fine grid.
    """
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal(H.shape))
    return np.asarray(_spread(H) @ turn)


def triangular_root(H: Array) -> Array:
    """Return the lower triangular root, by which the first coordinate takes few values (G62).

    Its steps are shorter than those of the others, for the sake of its quantiles.
    """
    root = _spread(H)
    lower = np.linalg.cholesky(root @ root.T)
    lower[:, 0] *= SHORTER
    return lower


def _spread(H: Array) -> Array:
    values, vectors = np.linalg.eigh(H)
    return np.asarray(vectors / np.sqrt(np.clip(values, 0.25, None)))


def fill_lattice(
    density: Density, peak: Peak, step: float, drop: float, most: int
) -> tuple[Points, Array]:
    r"""Integrate on the points mode + h L k, k ∈ ℤᵈ, wherever the density is not negligible (G31).

    From the mode on, neighbours of points within `drop` of the highest log density are added until
    there are no more.

    Returns
    -------
    Points
    ndarray, shape (N,)
        Log densities.

    Raises
    ------
    ConvergenceError
        If the mass does not end within `most` points.
    """
    d = len(peak.mode)
    frontier, known = np.zeros((1, d), dtype=int), dict[tuple[int, ...], float]()
    highest = -np.inf
    while len(frontier):
        if len(known) > most:
            raise ConvergenceError(
                f"The posterior of the scales does not end within {most} points: some scale is "
                "hardly known. State a prior of it, or use NUTS()."
            )
        with np.errstate(all="ignore"):
            found = density(peak.mode + step * frontier @ peak.root.T)
        found = np.where(np.isfinite(found), found, -np.inf)
        known |= zip(map(tuple, frontier.tolist()), found.tolist(), strict=True)
        highest = max(highest, float(found.max()))
        inside = frontier[found > highest - drop]
        frontier = _beyond(inside, known, highest - drop)
    k, log_density = np.array(list(known), dtype=int), np.array(list(known.values()))
    w = np.exp(log_density - log_density.max())
    total, even = w.sum(), w[k.sum(axis=1) % 2 == 0].sum()
    volume = d * np.log(step) + np.linalg.slogdet(peak.root)[1]
    points = Points(
        peak.mode + step * k @ peak.root.T,
        w / total,
        float(log_density.max() + np.log(total) + volume),
        float(abs(2.0 * even / total - 1.0)),
        float(total**2 / np.sum(w**2)),
    )
    return points, log_density


def _beyond(inside: Integers, known: Mapping[tuple[int, ...], float], least: float) -> Integers:
    """Return the neighbours that may hold mass, if the log density is about concave (G31)."""
    d = inside.shape[1]
    fresh: dict[tuple[int, ...], None] = {}
    for move in np.concatenate([np.eye(d, dtype=int), -np.eye(d, dtype=int)]):
        ahead, behind = map(tuple, (inside + move).tolist()), map(tuple, (inside - move).tolist())
        for here, one, other in zip(map(tuple, inside.tolist()), ahead, behind, strict=True):
            if one in known or one in fresh:
                continue
            before = known.get(other)
            if before is None or 2.0 * known[here] - before > least - SLACK:
                fresh[one] = None
    return np.array(list(fresh), dtype=int).reshape(-1, d)


SLACK = 1.0
"""How far from concave a log density may be between neighbours."""
