"""How good a Gaussian at a mode is, for `fit.check()`. Derived in docs/theory/network.md, (M21)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesml.inference.networks.local import Linearised
from bayesml.inference.networks.mode import Mode
from bayesml.typing import Array

DRAWS = 1000
FEWEST_DRAWS = 200
MOST_EVALUATIONS = 2e7
"""Rows times draws beyond which fewer draws are made: two hundred still show a heavy tail."""
MOST_ROWS = 500
"""Rows at which the distance of the mode is measured, evenly spread."""
FEWEST_ROWS = 20
NO_TAIL = 1e-6
"""Log weights that differ by less are equal but for rounding."""
AT_A_TIME = 4_000_000
"""Numbers of η held for all draws at a time, and of the Jacobian."""


def audit(mode: Mode, rng: np.random.Generator) -> dict[str, float]:
    r"""Return what `fit.check()` judges the shape of a Laplace approximation by.

    The linearised network's posterior is sampled by its Gaussian, Normal(μ, H⁻¹) of (M7), and
    the draws are weighted (M21): ``pareto_k`` is the tail index of the weights, smoothed, and
    ``importance_ess`` how many draws they leave of a thousand.
    """
    noise = mode.point.regression().sample(DRAWS, rng)
    log_weights = _log_weights(mode, _shift(mode), noise)
    k, effective = _smoothed(log_weights - log_weights.max())
    return {"pareto_k": k, "importance_ess": effective}


def importance(
    log_density: Callable[[Array], Any],
    mode: Array,
    factor: Array,
    rows: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    r"""Return the same for a Gaussian of any density, :math:`x = \hat x + F\zeta` (U4).

    ``importance_shift`` is by how many of its standard deviations the weights move the mean of a
    coordinate at most: what the Gaussian misses of a skewed posterior (U5).
    """
    size = int(np.clip(MOST_EVALUATIONS / max(rows, 1), FEWEST_DRAWS, DRAWS))
    zeta = rng.standard_normal((size, len(mode)))
    with np.errstate(all="ignore"):  # a draw beyond the density's reach has no weight
        values = np.asarray(log_density(mode + zeta @ factor.T))
    log_weights = np.nan_to_num(values, nan=-np.inf) + 0.5 * np.sum(zeta**2, axis=1)
    log_weights = np.maximum(log_weights - log_weights.max(), -700.0)
    k, effective = _smoothed(log_weights)
    weights = np.exp(log_weights)
    moved = factor @ (weights @ zeta / weights.sum() - zeta.mean(axis=0))
    return {
        "pareto_k": k,
        "importance_ess": effective * DRAWS / size,
        "importance_shift": float(np.max(np.abs(moved) / np.linalg.norm(factor, axis=1))),
    }


def off_centre(mode: Mode) -> float:
    """Return how far a mode lies from the centre μ of its Gaussian, in function values (M22)."""
    rows, room = mode.setting.rows.at_hand(), max(FEWEST_ROWS, AT_A_TIME // len(mode.x))
    at = np.linspace(0, rows.m - 1, min(MOST_ROWS, room, rows.m))
    J = mode.setting.network.jacobian(mode.parameters, rows.A[at.astype(np.intp)])
    of_mean = J if J.ndim == 2 else J[0]
    variance = mode.point.regression().covariance(of_mean[None])[:, 0, 0]
    return float(np.sqrt(np.mean((of_mean @ _shift(mode)) ** 2) / np.mean(variance)))


def decrement(mode: Mode) -> float:
    """Return the gradient at a mode in units of its curvature, per parameter (M29)."""
    slope = mode.point.weight * mode.point.gradient
    squares = max(-float(slope @ _shift(mode)), 0.0)
    return float(np.sqrt(squares / len(slope)))


def _shift(mode: Mode) -> Array:
    """Return μ − θ̂ (M7)."""
    return mode.point.step(0.0)


def _smoothed(log_weights: Array) -> tuple[float, float]:
    """Return the tail index of weights, and their effective sample size, both smoothed."""
    from arviz_stats.base import array_stats

    if np.ptp(log_weights) < NO_TAIL:
        return -np.inf, float(len(log_weights))
    # ArviZ is given what importance weights divide by: it turns the sign itself
    smoothed, k = array_stats.psislw(-log_weights)
    weights = np.exp(smoothed - smoothed.max())
    return float(k), float(weights.sum() ** 2 / np.sum(weights**2))


def _log_weights(mode: Mode, shift: Array, noise: Array) -> Array:
    """Return log p(y, θ) − log Normal(θ; μ, H⁻¹) of the linearised network, less a constant."""
    here, precision = mode.point.here, mode.point.precision
    rows = mode.setting.rows.at_hand()
    if not isinstance(here, Linearised):
        raise TypeError(f"The audit needs the Jacobian, and got {type(here).__name__}.")
    out = np.empty(len(noise))
    step = max(1, AT_A_TIME // here.eta.size)
    for k in range(0, len(noise), step):
        draws = noise[k : k + step]
        moved = (shift + draws) @ here.rows.J.T
        eta = here.eta.ravel() + moved
        spread = (draws @ here.rows.J.T) ** 2 @ here.rows.weights + draws**2 @ precision
        prior = (here.x + shift + draws) ** 2 @ precision
        fit = [
            float(rows.log_likelihood(row.reshape(here.eta.shape), mode.scales.values))
            for row in eta
        ]
        out[k : k + step] = np.array(fit) - 0.5 * prior + 0.5 * spread
    return out
