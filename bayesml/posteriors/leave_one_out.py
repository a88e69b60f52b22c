"""Leave-one-out prediction in closed form. Derived in docs/theory/leave_one_out.md.

Given σ, leaving out a row with leverage g moves its prediction by the residual over 1 − g (V1).
What is left is to reweight the nodes of σ by the density of the row that was left out (V3).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesml.data import Block
from bayesml.distributions.real_line import HALF_LOG_2PI, standard_student_t_log_density
from bayesml.errors import ImproperPosteriorError
from bayesml.posteriors.conjugate import ConjugatePosterior
from bayesml.posteriors.exact import ExactPosterior
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
    posterior: ExactPosterior | ConjugatePosterior, blocks: Iterable[Block]
) -> LeaveOneOut:
    """Predict every row from the others, without a refit.

    The priors are held fixed: they do not forget the row, even where its value scaled them.

    Parameters
    ----------
    posterior : ExactPosterior or ConjugatePosterior
    blocks : iterable of Block
        The rows that were learned from, in their order.

    Raises
    ------
    ImproperPosteriorError
        If a coefficient is determined by one row alone.
    """
    if isinstance(posterior, ExactPosterior):
        width = len(posterior.scale.weights)
        parts = [_checked(_by_nodes(posterior, part)) for part in _parts(blocks, width)]
    else:
        parts = [_checked(_in_closed_form(posterior, part)) for part in _parts(blocks, 1)]
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


def _by_nodes(posterior: ExactPosterior, part: Block) -> Rows:
    """Reweight the nodes of σ by the row that is left out (V3)."""
    w = part.row_weights[:, None]
    y = part.y[:, None]
    rows = posterior.coordinates.rows(part.X)
    eta, spread = posterior.at(rows, u=posterior.scale.nodes)
    variance = posterior.scale.sigma**2
    g = spread["sigma"] ** 2 / variance
    left = np.maximum(1.0 - w * g, 1e-300)
    away = (y - eta) / left
    uncertain = g / left
    scale = 1.0 + w * uncertain
    row = -w * (HALF_LOG_2PI + 0.5 * np.log(variance)) - 0.5 * np.log(scale)
    row = row - 0.5 * w * away**2 / (variance * scale)
    nodes = np.log(posterior.scale.weights) - row
    nodes = nodes - logsumexp(nodes, axis=1, keepdims=True)
    total = variance * (1.0 + uncertain)
    terms = -HALF_LOG_2PI - 0.5 * np.log(total) - 0.5 * away**2 / total
    probabilities = np.exp(nodes)
    mean = np.sum(probabilities * (y - away), axis=1)
    return logsumexp(nodes + terms, axis=1), mean, (w * g) @ posterior.scale.weights


def _in_closed_form(posterior: ConjugatePosterior, part: Block) -> Rows:
    """Take the row out of the normal-inverse-gamma posterior (V4)."""
    w, y = part.row_weights, part.y
    eta, spread = posterior.at(posterior.coordinates.rows(part.X), 0.0)
    g = spread["sigma"][:, 0] ** 2 * posterior.shape / posterior.rate
    left = np.maximum(1.0 - w * g, 1e-300)
    away = (y - eta[:, 0]) / left
    shape = posterior.shape - 0.5 * w
    rate = posterior.rate - 0.5 * w * away**2 * left
    scale = np.sqrt(rate / shape * (1.0 + g / left))
    log_density = standard_student_t_log_density(away / scale, 2.0 * shape) - np.log(scale)
    return log_density, y - away, w * g
