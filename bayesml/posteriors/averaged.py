"""Marginal distributions over models: with an atom at zero, of the noise, of inclusion.

Derived in docs/theory/all_subsets.md, whose labels are cited.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayesml.arguments import one_probability
from bayesml.posteriors.bisection import least_above
from bayesml.posteriors.conjugate import InverseGammaScale, scale_cdf
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.rows import per_row
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True, eq=False)
class Averaged:
    """A mixture whose moments are known over all models, though it has the probable ones.

    Attributes
    ----------
    mean, sd : ndarray, shape (rows,)
    mixture : Mixture
    """

    mean: Array
    sd: Array
    mixture: Mixture

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y)."""
        return self.mixture.cdf(y)

    def quantile(self, q: float) -> Array:
        """Quantiles."""
        return self.mixture.quantile(q)


@dataclass(frozen=True, eq=False)
class SpikedMarginal:
    r"""Entry by entry, :math:`(1 - p_j)\,\delta_0 + p_j\,F_j` (Y9).

    Attributes
    ----------
    mean, sd : ndarray, shape (rows,)
        Over all models, those without the feature among them.
    inclusion : ndarray, shape (rows,)
        p.
    slabs : sequence of Mixture or None
        F of every entry, given that its feature is in; None where no model is worth it.
    """

    mean: Array
    sd: Array
    inclusion: Array
    slabs: Sequence[Mixture | None]

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y); it jumps by 1 − p at zero."""
        y = per_row(y, len(self.slabs), "y")
        out = np.where(y >= 0.0, 1.0 - self.inclusion, 0.0)
        for j, slab in enumerate(self.slabs):
            below = float(y[j] >= 0.0) if slab is None else float(slab.cdf(y[j])[0])
            out[j] += self.inclusion[j] * below
        return np.asarray(np.minimum(out, 1.0))

    def quantile(self, q: float) -> Array:
        """Return the least y with P(· ≤ y) ≥ q: zero for a range of q."""
        level, out = one_probability(q), np.zeros(len(self.slabs))
        for j, (slab, p) in enumerate(zip(self.slabs, self.inclusion, strict=True)):
            if slab is None:
                continue
            negative = p * float(slab.cdf(0.0)[0])
            if level < negative:
                out[j] = slab.quantile(level / p)[0]
            elif level > negative + (1.0 - p):
                out[j] = slab.quantile(1.0 - (1.0 - level) / p)[0]
        return out


@dataclass(frozen=True, eq=False)
class AveragedScale:
    r"""The distribution of σ when σ² is one of several inverse gammas of one shape (Y9).

    Attributes
    ----------
    shape : float
    rates, weights : ndarray, shape (K,)
    """

    shape: float
    rates: Array
    weights: Array

    @property
    def mean(self) -> Array:
        """E[σ]."""
        return np.asarray(self._unit.mean * (self.weights @ np.sqrt(self.rates)))

    @property
    def sd(self) -> Array:
        """Standard deviation: within models, and between them."""
        unit, root = self._unit, np.sqrt(self.rates)
        between = self.weights @ (root - self.weights @ root) ** 2
        within = unit.sd**2 * (self.weights @ self.rates)
        return np.asarray(np.sqrt(within + unit.mean**2 * between))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(σ ≤ y)."""
        at = np.atleast_1d(y)[:, None]
        return np.asarray(scale_cdf(at, self.shape, self.rates) @ self.weights)

    def quantile(self, q: float) -> Array:
        """Quantiles of σ, to rounding: they lie between those of the models."""
        ends = np.array([self.rates.min(), self.rates.max()]) ** 0.5 * self._unit.quantile(q)
        return least_above(self.cdf, q, ends[:1], ends[1:])

    @property
    def _unit(self) -> InverseGammaScale:
        return InverseGammaScale(self.shape, 1.0)


@dataclass(frozen=True, eq=False)
class Indicator:
    """Whether a feature is in the model: one with a probability, zero otherwise.

    Attributes
    ----------
    mean : ndarray, shape (rows,)
        The probabilities.
    """

    mean: Array

    @property
    def sd(self) -> Array:
        """Standard deviations √(p(1 − p))."""
        return np.sqrt(self.mean * (1.0 - self.mean))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(· ≤ y)."""
        at = np.broadcast_to(y, self.mean.shape)
        return np.where(at >= 1.0, 1.0, np.where(at >= 0.0, 1.0 - self.mean, 0.0))

    def quantile(self, q: float) -> Array:
        """Return zero or one."""
        return np.where(one_probability(q) > 1.0 - self.mean, 1.0, 0.0)
