"""The continuous ranked probability score where there is no formula for it."""

import numpy as np

from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.typing import Array

NODES = 48
TAIL = 1e-9
"""Levels beyond which the integrand, a tail squared, is below rounding."""


def crps_by_quadrature(distribution: RowDistribution, y: Array) -> Array:
    r"""Integrate F² below y and (1 − F)² above it, by Gauss and Legendre in t, z = c + s sinh t."""
    levels = (TAIL, 0.25, 0.5, 0.75, 1.0 - TAIL)
    low, q1, centre, q3, high = (distribution.quantile(level) for level in levels)
    scale = 0.5 * (q3 - q1)
    ends = [np.arcsinh((z - centre) / scale) for z in (np.minimum(low, y), y, np.maximum(high, y))]
    x, weights = np.polynomial.legendre.leggauss(NODES)
    out = np.zeros(distribution.rows)
    for k, tail in ((0, distribution.cdf), (1, distribution.survival)):
        half = 0.5 * (ends[k + 1] - ends[k])
        for node, weight in zip(x, weights, strict=True):
            t = ends[k] + half * (1.0 + node)
            out += weight * half * scale * np.cosh(t) * tail(centre + scale * np.sinh(t)) ** 2
    return out
