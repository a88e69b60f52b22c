"""Newton's method for a smooth function with kinks: (Z10) and (Z11).

Derived in docs/theory/sparse_priors.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.errors import ConvergenceError
from bayesml.optimizers.objective import HasHessian
from bayesml.optimizers.state import State, evaluate
from bayesml.optimizers.stopping import Optimum
from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)
MOST_SWEEPS = 2_000
SHARE = 1e-4
"""The part of the promised decrease that a step must keep (Nocedal & Wright, eq. 3.4)."""


@dataclass(frozen=True, eq=False)
class Kinks:
    """The penalty Σ_k w_k |x_k − c_k|.

    Attributes
    ----------
    location : ndarray, shape (p,)
        c.
    weight : ndarray, shape (p,)
        w; zero where there is no kink.
    """

    location: Array
    weight: Array

    def value(self, x: Array) -> float:
        """Evaluate the penalty."""
        return float(self.weight @ np.abs(x - self.location))

    def subgradient(self, x: Array, gradient: Array) -> Array:
        """Return the subgradient of the whole of least norm: zero at an optimum (Z9)."""
        away = x - self.location
        at_kink = np.sign(gradient) * np.maximum(np.abs(gradient) - self.weight, 0.0)
        return np.where(away == 0.0, at_kink, gradient + self.weight * np.sign(away))


def minimize_kinked(
    objective: HasHessian, start: Array, kinks: Kinks, max_iterations: int = 200
) -> Optimum:
    r"""Minimise :math:`f(x) + \sum_k w_k |x_k - c_k|`, exact at the kinks.

    Every step minimises the parabola of f with the kinks, (Z10), by coordinate descent until the
    signs settle and then in closed form; a line search makes it descend.

    Parameters
    ----------
    objective : HasHessian
        f; convex near the optimum.
    start : ndarray, shape (p,)
    kinks : Kinks
    max_iterations : int

    Returns
    -------
    Optimum
        Its gradient norm is that of the least subgradient (Z9).

    References
    ----------
    Lee, Sun & Saunders (2014), Proximal Newton-type methods for minimizing composite functions;
    Friedman, Hastie & Tibshirani (2010), Regularization paths for generalized linear models via
    coordinate descent.

    Examples
    --------
    >>> class Bowl:
    ...     def value(self, x):
    ...         return self.value_and_gradient(x)[0]
    ...
    ...     def value_and_gradient(self, x):
    ...         return 0.5 * float(np.sum((x - [3.0, 0.5]) ** 2)), x - [3.0, 0.5]
    ...
    ...     def hessian(self, x):
    ...         return np.eye(2)
    >>> minimize_kinked(Bowl(), np.ones(2), Kinks(np.zeros(2), np.ones(2))).x
    array([2., 0.])
    """
    state = evaluate(objective, start)
    curve = [state.value + kinks.value(state.x)]
    reason, converged = f"{max_iterations} iterations were not enough", False
    while len(curve) <= max_iterations:
        norm = _norm(state, kinks)
        target = 100.0 * EPS * max(1.0, abs(curve[-1]))
        if norm <= target:
            reason, converged = f"the KKT conditions hold: {norm:.2g} ≤ {target:.2g}", True
            break
        found = _step(objective, state, kinks)
        if found is None:
            rounding = float(np.sqrt(EPS)) * max(1.0, abs(curve[-1]))
            converged = norm <= rounding
            reason = f"no step lowers the objective: KKT conditions to {norm:.2g}"
            break
        state = found
        curve.append(state.value + kinks.value(state.x))
    norm, losses = _norm(state, kinks), np.array(curve)
    return Optimum(state.x, curve[-1], norm, len(curve) - 1, converged, reason, losses)


def _norm(state: State, kinks: Kinks) -> float:
    return float(np.linalg.norm(kinks.subgradient(state.x, state.gradient)))


def _step(objective: HasHessian, state: State, kinks: Kinks) -> State | None:
    """Go to the minimum of the parabola with the kinks, or a part of the way; None for nowhere."""
    H = _definite(objective.hessian(state.x))
    away = state.x - kinks.location
    y = _parabola(H, state.gradient - H @ away, kinks.weight, away)
    before = state.value + kinks.value(state.x)
    move = y - away
    penalty = float(kinks.weight @ (np.abs(y) - np.abs(away)))
    promise = -(float(state.gradient @ move) + penalty)
    full = evaluate(objective, kinks.location + y)
    if promise <= 10.0 * EPS * max(1.0, abs(before)):  # beneath the rounding of the objective
        return full if _norm(full, kinks) < 0.5 * _norm(state, kinks) else None
    share, trial = 1.0, full
    while trial.value + kinks.value(trial.x) > before - SHARE * share * promise:
        share *= 0.5
        if share < 1e-10:
            return None
        trial = evaluate(objective, state.x + share * move)
    return trial


def _definite(H: Array) -> Array:
    """Add the least multiple of the identity, of a few tried, that makes a matrix definite."""
    unit = float(np.max(np.abs(H))) or 1.0
    if not np.isfinite(unit):
        raise ConvergenceError("The Hessian is not finite: nothing to step by.")
    damping = 0.0
    while True:
        try:
            damped = H + damping * np.eye(len(H))
            np.linalg.cholesky(damped)
        except np.linalg.LinAlgError:
            damping = max(10.0 * damping, 1e-8 * unit)
        else:
            return np.asarray(damped)


def _parabola(H: Array, b: Array, w: Array, start: Array) -> Array:
    """Minimise bᵀy + ½yᵀHy + Σ w|y| (Z10): sweeps until the signs settle, then a solve (Z11)."""
    y, diagonal = start.copy(), np.diag(H).copy()
    slope, signs = b + H @ y, np.sign(y)
    for _ in range(MOST_SWEEPS):
        largest = 0.0
        for j in range(len(y)):
            free = slope[j] - diagonal[j] * y[j]
            size = abs(free) - w[j]
            new = -np.sign(free) * size / diagonal[j] if size > 0.0 else 0.0
            if new != y[j]:
                largest = max(largest, abs(new - y[j]) * float(np.sqrt(diagonal[j])))
                slope += H[:, j] * (new - y[j])
                y[j] = new
        settled, signs = np.array_equal(signs, np.sign(y)), np.sign(y)
        if settled and (solved := _given_signs(H, b, w, signs)) is not None:
            return solved
        if largest <= EPS:
            break
    return y


def _given_signs(H: Array, b: Array, w: Array, signs: Array) -> Array | None:
    """Solve for what is off the kinks (Z11); None where the solution has other signs."""
    off = (signs != 0.0) | (w == 0.0)
    y = np.zeros(len(b))
    if off.any():
        try:
            factor = cho_factor(H[np.ix_(off, off)])
        except LinAlgError:
            return None
        y[off] = -cho_solve(factor, b[off] + w[off] * signs[off])
    kinked = off & (w > 0.0)
    pulled = np.abs(b + H @ y)[~off] <= w[~off] * (1.0 + 1e-12)
    return y if np.array_equal(np.sign(y[kinked]), signs[kinked]) and pulled.all() else None
