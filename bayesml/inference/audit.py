"""How good a Gaussian at a mode is, for `fit.check()`. Derived in docs/theory/network.md, (M21)."""

from collections.abc import Mapping

import numpy as np

from bayesml.inference.networks.local import Linearised
from bayesml.inference.networks.mode import Mode
from bayesml.posteriors import AuditedDraws
from bayesml.posteriors.audited import Smoothed, pareto_smoothed
from bayesml.typing import Array

DRAWS = 1000
"""Of a network's Gaussian."""
FEWEST_DRAWS, MOST_DRAWS = 200, 4000
"""Of any other: two hundred still show a heavy tail."""
MOST_NUMBERS, PER_ROW = 2.5e9, 40
"""Numbers that all draws together may meet, and what a density costs a row, in numbers."""
HEAVIEST_TAIL, LARGEST_EXCESS = 0.7, 0.05
"""k̂ up to which weights average well; ρ up to which it does not matter whether they do (U6)."""
MOST_ROWS = 500
"""Rows at which the distance of the mode is measured, evenly spread."""
FEWEST_ROWS = 20
AT_A_TIME = 4_000_000
"""Numbers of η held for all draws at a time, and of the Jacobian."""


def audit(mode: Mode, rng: np.random.Generator) -> dict[str, float]:
    r"""Return what `fit.check()` judges the shape of a Laplace approximation by.

    The linearised network's posterior is sampled by its Gaussian, Normal(μ, H⁻¹) of (M7), and
    the draws are weighted (M21): ``pareto_k`` is the tail index of the weights, smoothed,
    ``tail_excess`` how much weight that tail has (U6), and ``importance_ess`` how many draws the
    weights leave of a thousand.
    """
    noise = mode.point.regression().sample(DRAWS, rng)
    log_weights = _log_weights(mode, _shift(mode), noise)
    return judged(pareto_smoothed(log_weights - log_weights.max()))


def importance(draws: AuditedDraws, mode: Array, factor: Array) -> dict[str, float]:
    r"""Return the same for a Gaussian of any density, :math:`x = \hat x + F\zeta` (U4).

    ``importance_shift`` is by how many of its standard deviations the weights move the mean of a
    coordinate at most: what the Gaussian misses of a skewed posterior (U5).
    """
    log_ratio = draws.log_p - draws.log_q
    weights = np.exp(np.maximum(log_ratio - log_ratio.max(), -700.0))
    away = draws.x - mode
    moved = weights @ away / weights.sum() - away.mean(axis=0)
    return {
        **judged(draws.smoothed),
        "importance_shift": float(np.max(np.abs(moved) / np.linalg.norm(factor, axis=1))),
    }


def judged(smoothed: Smoothed) -> dict[str, float]:
    """Return what checks read of smoothed weights."""
    size = len(smoothed.log_weights)
    return {
        "pareto_k": smoothed.pareto_k,
        "audited_draws": float(size),
        "tail_excess": smoothed.tail_excess,
        "importance_ess": smoothed.effective * 1000.0 / size,
    }


def heavy_tailed(found: Mapping[str, float]) -> bool:
    """Say whether the tail of importance weights is too heavy, in shape and in size (U6).

    NaN is heavy.
    """
    return not (found["pareto_k"] <= heaviest_tail(found) or found["tail_excess"] <= LARGEST_EXCESS)


def heaviest_tail(found: Mapping[str, float]) -> float:
    """Return the tail index up to which so many draws average well (U6)."""
    return min(1.0 - 1.0 / float(np.log10(found["audited_draws"])), HEAVIEST_TAIL)


def affordable_draws(rows: int, size: int) -> int:
    """Return how many draws an audit makes of so many rows and coordinates, a multiple of four.

    >>> affordable_draws(1_000, 20), affordable_draws(100_000, 20), affordable_draws(10**7, 20)
    (4000, 416, 200)
    """
    numbers = max(rows, 1) * (size + PER_ROW)
    return int(np.clip(MOST_NUMBERS / numbers, FEWEST_DRAWS, MOST_DRAWS)) // 4 * 4


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


def _log_weights(mode: Mode, shift: Array, noise: Array) -> Array:
    """Return log p(y, θ) − log Normal(θ; μ, H⁻¹) of the linearised network, less a constant."""
    here, precision = mode.point.here, mode.point.precision
    rows = mode.setting.rows.at_hand()
    if not isinstance(here, Linearised):
        raise TypeError(f"The audit needs the Jacobian, and got {type(here).__name__}.")
    out, shifted = np.empty(len(noise)), here.rows.J @ shift
    step = max(1, AT_A_TIME // here.eta.size)
    for k in range(0, len(noise), step):
        draws = noise[k : k + step]
        along = draws @ here.rows.J.T
        eta = np.tile(here.eta.ravel(), (len(draws), 1))
        eta[:, : along.shape[1]] += shifted + along  # behind them is what is known of every row
        spread = along**2 @ here.rows.weights + draws**2 @ precision
        prior = (here.x + shift + draws) ** 2 @ precision
        fit = [
            float(rows.log_likelihood(row.reshape(here.eta.shape), mode.scales.values))
            for row in eta
        ]
        out[k : k + step] = np.array(fit) - 0.5 * prior + 0.5 * spread
    return out
