r"""The least weighted pinball loss, with or without a quadratic penalty: an exact vertex of it.

.. math:: \min_z \sum_i \bigl[a_i\,(y_i - x_i^\top z)_+ + b_i\,(y_i - x_i^\top z)_-\bigr]
          + \tfrac12 z^\top P z - h^\top z

A linear programme where P is zero, and a quadratic one elsewhere. Derived in
docs/theory/quantile_families.md, (W6) to (W10).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, lstsq

from bayesml.errors import ConvergenceError
from bayesml.typing import Array, Bools

MOST_STEPS = 200

ROUNDING = 1e-9
"""Of the target, residuals below which rows are all met, and begin as far away as this."""

SETTLED = 1e-11
"""Gap relative to the loss of least squares at which the vertex is near enough to be seen."""

STOP_SHORT = 0.99995
"""The share of the way to the boundary that a step goes."""

WITHIN = 1e-7
"""How far inside its bounds, relative to them, a multiplier shows a residual that is zero."""


@dataclass(frozen=True, eq=False)
class Pinball:
    """A weighted pinball loss of linear residuals, and a quadratic penalty.

    Attributes
    ----------
    X : ndarray, shape (m, p)
    y : ndarray, shape (m,)
    above, below : ndarray, shape (m,)
        Costs of a unit of each residual where it is positive and where it is negative, positive.
    P : ndarray, shape (p, p)
        Positive semidefinite.
    h : ndarray, shape (p,)
    """

    X: Array
    y: Array
    above: Array
    below: Array
    P: Array
    h: Array

    def loss(self, r: Array) -> float:
        """Evaluate the loss of residuals."""
        return float(self.above @ np.maximum(r, 0.0) + self.below @ np.maximum(-r, 0.0))

    def gap(self, z: Array, d: Array) -> float:
        """Bound how far the objective lies above its minimum, given multipliers (W9)."""
        r = self.y - self.X @ z
        return self.loss(r) - float(d @ r)

    def misfit(self, z: Array, d: Array) -> Array:
        """Evaluate Xᵀd + h − Pz, zero at the minimum (W7)."""
        return np.asarray(self.X.T @ d + self.h - self.P @ z)


@dataclass(frozen=True, eq=False)
class PinballMinimum:
    """A minimum with the evidence that it is one.

    Attributes
    ----------
    z : ndarray, shape (p,)
    d : ndarray, shape (m,)
        Multipliers: the slope of every row's loss, between its two sides where the residual is
        zero.
    gap : float
        By how much the objective can exceed its minimum, relative to the loss of residuals of the
        size that least squares leaves.
    steps : int
    unique : bool
        Whether it is the only minimum, as far as rounding tells.
    """

    z: Array
    d: Array
    gap: float
    steps: int
    unique: bool


@dataclass(frozen=True, eq=False)
class _Inside:
    """A point strictly inside: residual r = u − v, multiplier d between −b and a (W7)."""

    z: Array
    d: Array
    u: Array
    v: Array


def least_pinball(problem: Pinball) -> PinballMinimum:
    """Follow the central path by Mehrotra's predictor and corrector, and step to the vertex.

    Parameters
    ----------
    problem : Pinball

    Raises
    ------
    ConvergenceError
        If the path does not come near an end.

    References
    ----------
    Portnoy & Koenker (1997), The Gaussian hare and the Laplacian tortoise, §4;
    Nocedal & Wright (2006), Numerical Optimization, algorithm 14.3.

    Examples
    --------
    >>> X, y, one = np.ones((3, 1)), np.array([0.0, 1.0, 5.0]), np.ones(3)
    >>> least_pinball(Pinball(X, y, one, one, np.zeros((1, 1)), np.zeros(1))).z  # the median
    array([1.])
    """
    z = np.asarray(lstsq(problem.X, problem.y)[0])
    r = problem.y - problem.X @ z
    height = float(np.mean(np.abs(problem.y)))
    away = max(float(np.mean(np.abs(r))), ROUNDING * height) or 1.0
    u, v = np.maximum(r, 0.0) + away, np.maximum(-r, 0.0) + away
    at = _Inside(z, 0.5 * (problem.above - problem.below), u, v)
    size = problem.loss(np.full(len(r), away)) + problem.loss(np.full(len(r), -away))
    for steps in range(MOST_STEPS + 1):
        room = _mu(problem, at) * 2.0 * len(problem.y)
        short = float(np.max(np.abs(problem.misfit(at.z, at.d)), initial=0.0))
        if room <= SETTLED * size and short <= SETTLED * size:
            return _at_the_vertex(problem, at, steps, size)
        at = _step(problem, at)
    raise ConvergenceError(
        f"The programme for quantiles did not settle in {MOST_STEPS} steps: the gap is {room:.1e}. "
        "Check the columns for near collinearity and the target for extreme values."
    )


def _mu(problem: Pinball, at: _Inside) -> float:
    """Return the mean product of what is complementary."""
    products = at.u @ (problem.above - at.d) + at.v @ (at.d + problem.below)
    return float(products) / (2.0 * len(at.d))


def _step(problem: Pinball, at: _Inside) -> _Inside:
    """Take one predictor-corrector step (W8)."""
    s, t = problem.above - at.d, at.d + problem.below
    weight = 1.0 / (at.u / s + at.v / t)
    H = (problem.X * weight[:, None]).T @ problem.X + problem.P
    try:
        factor = cho_factor(H)
    except LinAlgError:  # the last digits of a degenerate vertex
        factor = cho_factor(H + 1e-14 * float(np.trace(H)) * np.eye(len(H)))
    apart = problem.y - problem.X @ at.z - at.u + at.v
    short = problem.misfit(at.z, at.d)

    def towards(us: Array, vt: Array) -> tuple[Array, Array, Array, Array]:
        """Solve for the direction in which u s and v t change by so much."""
        g = apart - us / s + vt / t
        dz = cho_solve(factor, problem.X.T @ (weight * g) + short)
        dd = weight * (g - problem.X @ dz)
        return dz, dd, (us + at.u * dd) / s, (vt - at.v * dd) / t

    _, dd, du, dv = towards(-at.u * s, -at.v * t)
    mu, (primal, dual) = _mu(problem, at), _lengths(at, s, t, dd, du, dv)
    left = _Inside(at.z, at.d + dual * dd, at.u + primal * du, at.v + primal * dv)
    aim = mu * (max(_mu(problem, left), 0.0) / mu) ** 3
    dz, dd, du, dv = towards(aim - at.u * s + du * dd, aim - at.v * t - dv * dd)
    primal, dual = _lengths(at, s, t, dd, du, dv)
    if np.any(problem.P):  # z enters both sides: one length for both
        primal = dual = min(primal, dual)
    return _Inside(at.z + primal * dz, at.d + dual * dd, at.u + primal * du, at.v + primal * dv)


def _lengths(
    at: _Inside, s: Array, t: Array, dd: Array, du: Array, dv: Array
) -> tuple[float, float]:
    """Return how far u and v, and the multipliers, may go towards their bounds."""

    def longest(values: Array, change: Array) -> float:
        falls = change < 0
        if not np.any(falls):
            return 1.0
        return min(1.0, STOP_SHORT * float(np.min(-values[falls] / change[falls])))

    primal = min(longest(at.u, du), longest(at.v, dv))
    return primal, min(longest(s, -dd), longest(t, dd))


def _at_the_vertex(problem: Pinball, at: _Inside, steps: int, size: float) -> PinballMinimum:
    """Solve the equations of the rows whose residual is zero; keep it if it is no worse (W10)."""
    found = _vertex(problem, at)
    z, d = (at.z, at.d) if found is None else found
    inside = np.minimum(problem.above - d, d + problem.below)
    held = int(np.sum(inside > WITHIN * (problem.above + problem.below)))
    gap = abs(problem.gap(z, d)) + float(np.abs(problem.misfit(z, d)) @ np.abs(at.z - z))
    unique = bool(np.any(problem.P)) or held >= problem.X.shape[1]
    return PinballMinimum(z, d, gap / size, steps, unique)


def _vertex(problem: Pinball, at: _Inside) -> tuple[Array, Array] | None:
    """Return the point where the rows seen to be met are met, with its multipliers."""
    zero = _met(problem, at)
    X, k, p = problem.X[zero], int(np.sum(zero)), len(at.z)
    d = np.where(problem.y - problem.X @ at.z > 0, problem.above, -problem.below)
    pull = problem.X[~zero].T @ d[~zero] + problem.h
    system = np.block([[problem.P, -X.T], [X, np.zeros((k, k))]])
    solution = lstsq(system, np.concatenate([pull, problem.y[zero]]))[0]
    z = np.asarray(solution[:p])
    d[zero] = solution[p:]
    r = problem.y - problem.X @ z
    r[zero] = 0.0
    wrong = np.where(zero, False, np.sign(r) * d < 0)
    slack = WITHIN * (problem.above + problem.below)
    beyond = (d > problem.above + slack) | (d < -problem.below - slack)
    return None if np.any(wrong | beyond) else (z, np.clip(d, -problem.below, problem.above))


def _met(problem: Pinball, at: _Inside) -> Bools:
    """Say which rows are met exactly: whose multiplier is further from its bounds than r from 0."""
    room = np.minimum(problem.above - at.d, at.d + problem.below) / (problem.above + problem.below)
    r = np.abs(problem.y - problem.X @ at.z)
    return np.asarray(room > r / (float(np.mean(r)) or 1.0))
