"""The continuous ranked probability score of distributions that are, or stand for, atoms."""

import numpy as np

from bayesml.posteriors.row_distribution import HasCRPS, RowDistribution
from bayesml.typing import Array


def crps_of_atoms(distribution: RowDistribution, y: Array) -> Array:
    """Evaluate E|Y − y| − Σ F (1 − F) over the gaps between a row's nodes (P13)."""
    out = np.empty(distribution.rows)
    for block, nodes, masses in distribution.nodes():
        order = np.argsort(nodes, axis=1)
        values, weights = (np.take_along_axis(a, order, axis=1) for a in (nodes, masses))
        below, apart = np.cumsum(weights, axis=1)[:, :-1], np.diff(values, axis=1)
        away = np.sum(weights * np.abs(values - y[block, None]), axis=1)
        out[block] = away - np.sum(apart * below * (1.0 - below), axis=1)
    return out


def crps_of(distribution: RowDistribution, y: Array) -> Array:
    """Score one observation a row: as a distribution knows it, otherwise at its nodes."""
    if isinstance(distribution, HasCRPS):
        return distribution.crps(y)
    return crps_of_atoms(distribution, y)
