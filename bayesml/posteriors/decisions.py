"""Expected losses and the actions that minimise them. Derived in docs/theory/prediction.md."""

from collections.abc import Callable

import numpy as np

from bayesml.arguments import shown
from bayesml.errors import ConvergenceError, DataError, IncompatibleModelError
from bayesml.losses import KnownAction, Loss, ZeroOneLoss
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.posteriors.rows import per_row
from bayesml.posteriors.shortest import minimise_within
from bayesml.typing import Array, ArrayLike, Integers

GRID = np.linspace(0.0, 1.0, 33)


def expected_loss(distribution: RowDistribution, loss: Loss, action: ArrayLike) -> Array:
    """Evaluate E[ℓ(y, a)] per row, for one action or one per row."""
    action = per_row(action, distribution.rows, "action")
    out = np.empty(distribution.rows)
    for block, y, weights in distribution.nodes():
        out[block] = np.sum(weights * losses(loss, y, action[block, None]), axis=1)
    return out


def losses(loss: Loss, y: Array, action: Array) -> Array:
    """Evaluate ℓ(y, a), and refuse what is not an elementwise function of both."""
    if isinstance(loss, type) or not callable(loss):
        raise IncompatibleModelError(
            f"The loss must be a function of (y, action), got {shown(loss)}. For instance "
            "bayesml.losses.AbsoluteError(), with brackets, or lambda y, a: (y - a) ** 2."
        )
    values, shape = np.asarray(loss(y, action)), np.broadcast_shapes(y.shape, action.shape)
    if values.shape != shape:
        raise IncompatibleModelError(
            f"The loss must be elementwise: for y of shape {y.shape} and actions of shape "
            f"{action.shape} it gave {values.shape} instead of {shape}. Leave out sums and means."
        )
    return values


def best_action(distribution: RowDistribution, loss: Loss) -> Array:
    """Return the action of least expected loss per row: by name, or by minimising."""
    if isinstance(loss, KnownAction) and not isinstance(loss, type):
        return loss.best_action(distribution)
    if isinstance(loss, ZeroOneLoss) and distribution.discrete:
        return most_probable_run(distribution, int(np.floor(2.0 * loss.tolerance)) + 1)
    if isinstance(loss, ZeroOneLoss):
        return _most_probable_centre(distribution, loss.tolerance)
    out = np.empty(distribution.rows)
    for block, y, weights in distribution.nodes():
        minimise = _minimise_on_lattice if distribution.discrete else _minimise
        out[block] = minimise(y, weights, loss)
    return out


def best_of(distribution: RowDistribution, loss: Loss, actions: ArrayLike) -> Array:
    """Return which of the possible actions has the least expected loss, per row."""
    possible = np.asarray(actions, dtype=np.float64)
    if possible.ndim != 1 or possible.size == 0:
        raise DataError(
            f"decide: actions must be a list of numbers, got an array of shape {possible.shape}."
        )
    costs = np.stack([expected_loss(distribution, loss, action) for action in possible])
    endless = ~np.isfinite(costs).all(axis=1)
    if np.any(endless):
        raise DataError(
            f"decide: the expected loss of action {possible[endless][0]:g} is not finite."
        )
    return possible[np.argmin(costs, axis=0)]


def _minimise(y: Array, weights: Array, loss: Loss) -> Array:
    grid = np.quantile(y, GRID, axis=1)
    reach = np.maximum(grid[-1] - grid[0], 1e-3 * np.maximum(np.abs(grid[0]), 1.0))
    return _least(_expected(y, weights, loss), np.vstack([grid[0] - reach, grid, grid[-1] + reach]))


def _minimise_on_lattice(y: Array, weights: Array, loss: Loss) -> Array:
    """Minimise from whole numbers on, and return one of them if it is as good (P5)."""
    expected, rows = _expected(y, weights, loss), np.arange(len(y))
    reach, intervals = np.maximum(y[:, -1] - y[:, 0], 1.0), len(GRID) - 1
    # A whole number of steps a unit, or of units a step, so that whole numbers are on the grid.
    apart = np.where(
        reach > intervals, np.ceil(reach / intervals), 1.0 / np.maximum(intervals // reach, 1.0)
    )
    grid = y[:, 0] + np.arange(len(GRID))[:, None] * apart
    found = _least(expected, np.vstack([y[:, 0] - reach, grid, grid[-1] + reach]))
    tries = np.stack([np.floor(found), np.ceil(found), found])
    return tries[np.argmin([expected(action, rows) for action in tries], axis=0), rows]


def _expected(y: Array, weights: Array, loss: Loss) -> Callable[[Array, Integers], Array]:
    """Return the expected loss of actions, one for each of some rows."""

    def expected(action: Array, row: Integers) -> Array:
        return np.sum(weights[row] * losses(loss, y[row], action[:, None]), axis=1)

    return expected


def most_probable_run(distribution: RowDistribution, size: int) -> Array:
    """Return the centre of the most probable run of so many whole numbers: of one, the mode."""
    start, step = np.empty(distribution.rows), np.ones(distribution.rows)
    for block, y, weights in distribution.nodes():
        below = np.pad(np.cumsum(weights, axis=1), ((0, 0), (1, 0)))
        between = np.maximum(np.diff(y[:, :2], append=0.0)[:, 0], 1.0)
        for k, row in enumerate(below):
            cells = min(max(1, round(size / between[k])), len(row) - 1)
            best = int(np.argmax(row[cells:] - row[:-cells]))
            start[block.start + k] = y[k, best] - 0.5 * (between[k] - 1.0)
        step[block] = between

    def mass(first: Array) -> Array:
        return distribution.cdf(first + (size - 1.0)) - distribution.cdf(first - 1.0)

    while np.any(step > 1):
        step = np.maximum(np.floor(0.5 * step), 1.0)
        tries = np.stack([start, start - step, start + step])
        start = tries[np.argmax([mass(first) for first in tries], axis=0), np.arange(len(start))]
    return np.asarray(start + 0.5 * (size - 1.0))


def _most_probable_centre(distribution: RowDistribution, tolerance: float) -> Array:
    def missed(action: Array, row: Integers) -> Array:
        centre = middle.copy()
        centre[row] = action
        below = distribution.cdf(centre - tolerance)
        return np.asarray((below + distribution.survival(centre + tolerance))[row])

    levels = np.linspace(0.001, 0.999, len(GRID))
    grid = np.stack([distribution.quantile(level) for level in levels])
    middle = grid[len(grid) // 2]
    return _least(missed, grid)


def _least(expected: Callable[[Array, Integers], Array], grid: Array) -> Array:
    """Minimise around the best point of a grid (G, rows), row by row."""
    rows = np.arange(grid.shape[1])
    values = np.stack([expected(actions, rows) for actions in grid])
    best = np.argmin(values, axis=0)
    if not np.all(np.isfinite(values)):
        raise DataError("decide: the loss is not finite somewhere in the predictive range.")
    edge = (best == 0) | (best == len(grid) - 1)
    if np.any(edge):
        raise ConvergenceError(
            f"decide: the expected loss of {int(np.sum(edge))} row(s) still falls at the edge of "
            "what is predicted, so it may have no minimum. Check the order of the loss's "
            "arguments, loss(y, action), or state the possible actions: actions=[...]."
        )
    low, middle, high = (grid[best + k, rows] for k in (-1, 0, 1))
    return minimise_within(expected, low, middle, high)
