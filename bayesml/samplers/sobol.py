"""Integrals over more dimensions than a lattice fills: Sobol points, importance-weighted.

Derived in docs/theory/group_effects.md, (G32).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from bayesml.samplers.lattice import Density, Peak, Points
from bayesml.samplers.proposals import Kernels, Proposal, SplitT
from bayesml.typing import Array

SIZE = 1024
"""Points that are drawn at a time."""

WIDER = 1.4
"""Than the curvature says: posteriors of scales have long tails."""

AROUND = 512
"""Of these so many from around the mode, beside those from around the weighted points."""

MOST = 8
"""How often, at most."""

ENOUGH = 2000
"""Effective points that are enough: errors of a fiftieth of a standard deviation."""

KERNELS = 512


class Batch(NamedTuple):
    """Points, the logarithms of their weights, and which belong to the first half of a net."""

    at: Array
    log_weights: Array
    first: Array

    @property
    def effective(self) -> float:
        """Effective number of points."""
        w = np.exp(self.log_weights - self.log_weights.max())
        return float(w.sum() ** 2 / np.sum(w**2))


def sobol_points(density: Density, peak: Peak, rng: np.random.Generator) -> Points:
    """Integrate by Sobol points around the mode, and around the weighted points so far (G32).

    Every batch is weighted by the density that it was drawn from, which depends on earlier ones
    alone: were the earlier points weighted by it too, those that it is built on would weigh less.
    """
    one = np.ones(len(peak.mode))
    around = SplitT(peak.mode, WIDER * peak.root, one, one)
    batches = [_batch(density, [(around, SIZE)], rng)]
    while True:
        points = _together(batches)
        if points.effective >= ENOUGH or len(batches) == MOST:
            return points
        levels = (np.arange(KERNELS) + rng.random()) / KERNELS
        picked = np.searchsorted(np.cumsum(points.weights), levels)
        which, times = np.unique(np.minimum(picked, len(points.weights) - 1), return_counts=True)
        kernels = Kernels.around(points.at[which], times / KERNELS)
        batches.append(_batch(density, [(around, AROUND), (kernels, SIZE - AROUND)], rng))


def _batch(
    density: Density, proposals: Sequence[tuple[Proposal, int]], rng: np.random.Generator
) -> Batch:
    """Draw from a mixture, so many points from every part of it."""
    from scipy.stats import qmc

    at = np.concatenate(
        [q.draw(qmc.Sobol(q.uniforms, rng=rng).random(size)) for q, size in proposals]
    )
    with np.errstate(all="ignore"):
        value = density(at)
    log_q = np.array([q.log_density(at) + np.log(size / len(at)) for q, size in proposals])
    ratio = np.where(np.isfinite(value), value, -np.inf) - logsumexp(log_q, axis=0)
    return Batch(at, ratio, np.concatenate([np.arange(n) < n // 2 for _, n in proposals]))


def _together(batches: list[Batch]) -> Points:
    """Average the batches, each as far as it is effective."""
    effective = np.array([batch.effective for batch in batches])
    share = np.log(effective / effective.sum())
    parts = [b.log_weights + s for b, s in zip(batches, share, strict=True)]
    logs, first = np.concatenate(parts), np.concatenate([b.first for b in batches])
    w = np.exp(logs - logs.max())
    total = w.sum()
    return Points(
        np.concatenate([batch.at for batch in batches]),
        w / total,
        float(logs.max() + np.log(total / SIZE)),
        float(abs(2.0 * w[first].sum() / total - 1.0)),
        float(total**2 / np.sum(w**2)),
    )
