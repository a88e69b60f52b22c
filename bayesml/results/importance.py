"""Leave-one-out prediction from draws, by importance sampling.

Derived in docs/theory/comparison.md.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesml.posteriors import Audited
from bayesml.results import datatree, export
from bayesml.results.answer import Answer
from bayesml.typing import Array, Integers

CONSTANT = 1e-10
"""Log ratios that differ by less than this leave the posterior as it is."""


@dataclass(frozen=True, eq=False)
class SampledLeaveOneOut:
    r"""Prediction of one copy of every row from all the others, estimated from draws.

    Attributes
    ----------
    log_density : ndarray, shape (k,)
        :math:`\log p(y_i \mid x_i, y_{-i})` of one copy.
    weights, rows : ndarray, shape (k,)
        How many copies there are, and which rows of the data the entries are.
    pareto_k : ndarray, shape (k,)
        Shapes of the tails of the importance ratios: above `good_k` the estimate is not reliable.
    good_k : float
        :math:`\min(1 - 1/\log_{10} S, 0.7)` for S draws.
    mcse : float
        Standard error of the sum of all copies over other draws (R4).
    """

    log_density: Array
    weights: Array
    rows: Integers
    pareto_k: Array
    good_k: float
    mcse: float


def leave_one_out_by_draws(answer: Answer) -> SampledLeaveOneOut:
    """Reweight draws as if a copy of each row had not been seen (R2), a few rows at a time.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, *Journal of
    Machine Learning Research* 25(72).
    """
    from arviz_stats.base import array_stats

    values = export.kept_draws(answer)
    shape = next(iter(values.values())).shape[:2]
    log_ratio = _log_ratio(answer, shape)
    efficiency = _efficiency(answer, values)
    model, eta = answer.learned.resolved, answer.learned.posterior.eta
    parts, influence = [], np.zeros(shape)
    for block, found in datatree.row_log_densities(model, answer.data, values, eta):
        log_p = np.moveaxis(found, -1, 0)
        log_weights, k = _smoothed(log_p, np.minimum(block.weights, 1.0), log_ratio, efficiency)
        log_density = logsumexp(log_weights + log_p, axis=(1, 2))
        gain = np.exp(log_weights) * np.expm1(log_p - log_density[:, None, None])
        influence += np.tensordot(block.weights, gain, axes=1)
        parts.append((log_density, block.weights, block.positions, k))
    size = influence.size
    mcse = float(array_stats.mcse(size * influence, method="mean"))
    log_density, weights, rows, pareto_k = map(np.concatenate, zip(*parts, strict=True))
    good_k = min(1.0 - 1.0 / float(np.log10(size)), 0.7)
    return SampledLeaveOneOut(log_density, weights, rows, pareto_k, good_k, mcse)


def _log_ratio(answer: Answer, shape: tuple[int, int]) -> Array:
    """Return log p/q of draws of an approximation q, zero of draws of the posterior (R8)."""
    posterior = answer.learned.posterior
    if not isinstance(posterior, Audited):
        return np.zeros(shape)
    return export.in_chains(posterior.audited.log_p - posterior.audited.log_q, shape[0])


def _smoothed(
    log_p: Array, copies: Array, log_ratio: Array, efficiency: float
) -> tuple[Array, Array]:
    """Return smoothed log weights (k, chain, draw) that sum to one, and Pareto's k̂ (k,)."""
    from arviz_stats.base import array_stats

    log_p = copies[:, None, None] * log_p - log_ratio
    log_weights = np.full(log_p.shape, -np.log(log_p[0].size))
    pareto_k = np.zeros(len(log_p))
    vary = np.ptp(log_p, axis=(1, 2)) > CONSTANT
    if vary.any():
        log_weights[vary], pareto_k[vary] = array_stats.psislw(
            log_p[vary], r_eff=efficiency, axis=(-2, -1)
        )
    return log_weights, pareto_k


def _efficiency(answer: Answer, values: dict[str, Array]) -> float:
    """Average the effective draws of the parameters, as a share of all, as ArviZ does."""
    from arviz_stats.base import array_stats

    chains, draws = next(iter(values.values())).shape[:2]
    known = answer.problem.known | dict(answer.learned.posterior.constants)
    if chains == 1:
        return 1.0
    entries = np.concatenate(
        [v.reshape(chains, draws, -1) for name, v in values.items() if name not in known], axis=-1
    )
    ess = [array_stats.ess(entry, method="mean") for entry in np.moveaxis(entries, -1, 0)]
    return float(np.mean(ess) / (chains * draws))
