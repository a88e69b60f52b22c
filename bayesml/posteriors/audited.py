"""Draws by which an approximation was audited. Derived in docs/theory/laplace.md, (U4) to (U6)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bayesml.typing import Array

NO_TAIL = 1e-6
"""Log weights that differ by less are equal but for rounding."""


class Smoothed(NamedTuple):
    """Weights with their largest ones replaced by quantiles of the Pareto tail fitted to them.

    Attributes
    ----------
    log_weights : ndarray, shape (S,)
        Of weights that sum to one.
    pareto_k : float
        The tail index k̂, −∞ where all weights are equal.
    tail_excess : float
        ρ: the share of all weight that the tail has above the smallest weight in it (U6).
    """

    log_weights: Array
    pareto_k: float
    tail_excess: float

    @property
    def effective(self) -> float:
        """Effective number of draws."""
        return float(1.0 / np.sum(np.exp(2.0 * self.log_weights)))


def pareto_smoothed(log_weights: Array) -> Smoothed:
    r"""Smooth importance weights by their Pareto tail (U6).

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, *Journal of
    Machine Learning Research* 25(72), §3.

    Examples
    --------
    >>> equal = pareto_smoothed(np.zeros(1000))
    >>> equal.pareto_k, equal.tail_excess, round(equal.effective)
    (-inf, 0.0, 1000)
    """
    from arviz_stats.base import array_stats

    size = len(log_weights)
    if np.ptp(log_weights) < NO_TAIL:
        return Smoothed(np.full(size, -np.log(size)), -np.inf, 0.0)
    # ArviZ is given what importance weights divide by: it turns the sign itself
    smoothed, k = array_stats.psislw(-log_weights)
    smoothed = smoothed - np.log(np.sum(np.exp(smoothed)))
    return Smoothed(smoothed, float(k), _excess(smoothed, float(k)))


def _excess(log_weights: Array, k: float) -> float:
    """Return π σ/(1 − k) with σ from the median of the smoothed tail, which is that of the fit."""
    if not k < 1.0:
        return np.inf
    size = len(log_weights)
    tail = int(3.0 * np.sqrt(size) if size > 225 else size / 5)  # as many as ArviZ fits
    ranked = np.sort(np.exp(log_weights))[-tail - 1 :]
    median = float(np.median(ranked[1:] - ranked[0]))
    scale = median * k / np.expm1(k * np.log(2.0)) if k else median / np.log(2.0)
    return float(tail * scale / (1.0 - k))


@dataclass(frozen=True, eq=False)
class AuditedDraws:
    r"""Draws of an approximation q with both densities: what says how good q is (U4).

    Attributes
    ----------
    x : ndarray, shape (S, d)
        Independent draws of q, in unbounded coordinates.
    log_p : ndarray, shape (S,)
        :math:`\log p(y, x)`, the density that q stands for, not normalised.
    log_q : ndarray, shape (S,)
    """

    x: Array
    log_p: Array
    log_q: Array

    @cached_property
    def smoothed(self) -> Smoothed:
        """Their importance weights p/q, Pareto smoothed."""
        log_ratio = self.log_p - self.log_q
        return pareto_smoothed(np.maximum(log_ratio - log_ratio.max(), LOWEST))

    @property
    def weights(self) -> Array:
        """Smoothed weights that sum to one, shape (S,)."""
        return np.exp(self.smoothed.log_weights)


LOWEST = -700.0
"""Log of a weight relative to the largest, below which it is zero for all purposes."""


def audited_draws(
    log_density: Callable[[Array], Any],
    mode: Array,
    factor: Array,
    size: int,
    rng: np.random.Generator,
) -> AuditedDraws:
    r"""Draw from :math:`x = \hat x + F\zeta` and evaluate both densities (U4)."""
    zeta = rng.standard_normal((size, len(mode)))
    x = mode + zeta @ factor.T
    with np.errstate(all="ignore"):  # a draw beyond the density's reach has no weight
        log_p = np.nan_to_num(np.asarray(log_density(x)), nan=-np.inf)
    log_det = float(np.linalg.slogdet(factor)[1])
    constant = 0.5 * len(mode) * float(np.log(2.0 * np.pi)) + log_det
    return AuditedDraws(x, log_p, -0.5 * np.sum(zeta**2, axis=1) - constant)
