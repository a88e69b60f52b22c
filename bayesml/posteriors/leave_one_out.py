"""Leave-one-out prediction in closed form. Derived in docs/theory/leave_one_out.md.

Given σ, leaving out a row with leverage g moves its prediction by the residual over 1 − g (V1).
What is left is to reweight the nodes of σ by the density of the row that was left out (V3).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesml.data import Block
from bayesml.distributions.real_line import HALF_LOG_2PI, standard_student_t_log_density
from bayesml.errors import ImproperPosteriorError
from bayesml.posteriors.rows import BLOCK
from bayesml.typing import Array

Rows = tuple[Array, Array, Array]


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    r"""Prediction of every row from all the others.

    Attributes
    ----------
    log_density : ndarray, shape (m,)
        :math:`\log p(y_i \mid x_i, y_{-i})`.
    mean : ndarray, shape (m,)
        :math:`E[y_i \mid x_i, y_{-i}]`, in the unit of y.
    leverage : ndarray, shape (m,)
        :math:`w_i a_i^\top \mathrm{Cov}(\beta \mid y, \sigma)\,a_i/\sigma^2`, averaged over σ:
        how much a row decides its own prediction, from 0 to 1.
    """

    log_density: Array
    mean: Array
    leverage: Array

    @property
    def elpd(self) -> float:
        """Expected log pointwise predictive density: the sum of `log_density`."""
        return float(np.sum(self.log_density))

    @property
    def standard_error(self) -> float:
        """Standard error of `elpd` over rows (Vehtari, Gelman & Gabry 2017, eq. 23)."""
        return float(np.sqrt(len(self.log_density) * np.var(self.log_density)))

    def __repr__(self) -> str:
        """Say the total with its error."""
        return (
            f"LeaveOneOut(elpd {self.elpd:.2f} ± {self.standard_error:.2f}, "
            f"{len(self.log_density)} rows, largest leverage {self.leverage.max():.3f})"
        )


def leave_one_out(
    blocks: Iterable[Block], width: int, predict: Callable[[Block], Rows]
) -> LeaveOneOut:
    """Put the predictions of all rows together, a part of them in memory at a time.

    The priors are held fixed: they do not forget the row, even where its value scaled them.

    Parameters
    ----------
    blocks : iterable of Block
        The rows that were learned from, in their order.
    width : int
        How many numbers are needed for each row at a time.
    predict : callable
        Maps a block to log densities, means and leverages of its rows: `by_nodes` or
        `in_closed_form` of a posterior.

    Raises
    ------
    ImproperPosteriorError
        If a coefficient is determined by one row alone.
    """
    parts = [_checked(predict(part)) for part in _parts(blocks, width)]
    return LeaveOneOut(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _parts(blocks: Iterable[Block], width: int) -> Iterable[Block]:
    size = max(1, BLOCK // width)
    for block in blocks:
        weights = block.row_weights
        for start in range(0, len(block.y), size):
            rows = slice(start, start + size)
            yield Block(block.X[rows], block.y[rows], weights[rows])


def _checked(found: Rows) -> Rows:
    leverage = found[2]
    if np.any(leverage > 1 - 1e-12):
        row = int(np.argmax(leverage))
        raise ImproperPosteriorError(
            f"Row {row} has leverage {leverage[row]:.6g}: it alone determines a coefficient, which "
            "has no posterior without it. Give the coefficients proper priors, or leave out the "
            "column that only this row informs."
        )
    return found


def by_nodes(part: Block, eta: Array, sd: Array, sigma: Array, weights: Array) -> Rows:
    """Reweight the nodes of σ by the row that is left out (V3).

    Parameters
    ----------
    part : Block
        b rows.
    eta, sd : ndarray, shape (b, K)
        Mean and standard deviation of the rows' expectations given σ, in the unit of y.
    sigma, weights : ndarray, shape (K,)
        The nodes of σ, in the unit of y, and their probabilities.
    """
    w = part.row_weights[:, None]
    y = part.y[:, None]
    variance = sigma**2
    g = sd**2 / variance
    left = np.maximum(1.0 - w * g, 1e-300)
    away = (y - eta) / left
    uncertain = g / left
    scale = 1.0 + w * uncertain
    row = -w * (HALF_LOG_2PI + 0.5 * np.log(variance)) - 0.5 * np.log(scale)
    row = row - 0.5 * w * away**2 / (variance * scale)
    nodes = np.log(weights) - row
    nodes = nodes - logsumexp(nodes, axis=1, keepdims=True)
    total = variance * (1.0 + uncertain)
    terms = -HALF_LOG_2PI - 0.5 * np.log(total) - 0.5 * away**2 / total
    probabilities = np.exp(nodes)
    mean = np.sum(probabilities * (y - away), axis=1)
    return logsumexp(nodes + terms, axis=1), mean, (w * g) @ weights


def in_closed_form(part: Block, eta: Array, scale: Array, shape: float, rate: float) -> Rows:
    """Take the row out of the normal-inverse-gamma posterior (V4).

    Parameters
    ----------
    part : Block
        b rows.
    eta, scale : ndarray, shape (b,)
        Location and scale of the Student-t distributions of the rows' expectations.
    shape, rate : float
        Posterior a and b of the variance.
    """
    w, y = part.row_weights, part.y
    g = scale**2 * shape / rate
    left = np.maximum(1.0 - w * g, 1e-300)
    away = (y - eta) / left
    left_shape = shape - 0.5 * w
    left_rate = rate - 0.5 * w * away**2 * left
    spread = np.sqrt(left_rate / left_shape * (1.0 + g / left))
    log_density = standard_student_t_log_density(away / spread, 2.0 * left_shape) - np.log(spread)
    return log_density, y - away, w * g
