"""Prediction of every group from all others. Derived in docs/theory/group_effects.md, (G65)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bayesml.errors import ImproperPosteriorError
from bayesml.log_joint.group_removal import GroupRemoval
from bayesml.typing import Array, Integers

LEAST_LEFT = 1e-10
"""Of what is known of a coefficient, that is known without a group."""

DRAWS = 1000
"""By which the tail of the weights is judged."""

EDGE = 8.0
"""How far below the highest a node is at the edge, in nats."""

GOOD_K, GOOD_EDGE = 0.7, 0.03
"""Tail index of weights, and their share at the edge, either of which is good."""


@dataclass(frozen=True, eq=False)
class LeaveOneGroupOut:
    r"""Prediction of all rows of a group together from those of all other groups.

    A group that was left out is a new one: its effects are integrated over their prior, given the
    scales that the others suggest.

    Attributes
    ----------
    factor : str
    levels : tuple of str
        Those that have rows.
    log_density : ndarray, shape (L,)
        :math:`\log p(y_g \mid X, y_{-g})`.
    weights : ndarray, shape (L,)
        Number of rows of every group, as often as each counts.
    pareto_k : ndarray, shape (L,)
        Tail index of the weights that turn the posterior of the scales into that without the
        group.
    edge : ndarray, shape (L,)
        Share of these weights on nodes that hardly count in the posterior: about the error of the
        log density, in nats, since beyond them there are none.
    """

    factor: str
    levels: tuple[str, ...]
    log_density: Array
    weights: Array
    pareto_k: Array
    edge: Array

    @property
    def unreliable(self) -> Integers:
        """Groups without which the scales are others than the posterior's nodes stand for."""
        return np.flatnonzero((self.pareto_k > GOOD_K) & (self.edge > GOOD_EDGE))

    @property
    def elpd(self) -> float:
        """Expected log predictive density of a new group, times their number: the sum."""
        return float(self.log_density.sum())

    @property
    def standard_error(self) -> float:
        """Standard error of `elpd` over groups."""
        return float(np.sqrt(np.sum((self.log_density - self.log_density.mean()) ** 2)))

    def __repr__(self) -> str:
        """Say the total with its error."""
        return (
            f"LeaveOneGroupOut(elpd {self.elpd:.2f} ± {self.standard_error:.2f}, "
            f"{len(self.levels)} groups of {self.factor}, error of {self.edge.max():.1g} at most)"
        )


def log_ratios(
    removal: GroupRemoval, theta: Array, node: Integers, log_sigma: Array, levels: tuple[str, ...]
) -> Array:
    """Return log p(y_g | y₋g, scales) of every level at the joint nodes, shape (L, K) (G65).

    Raises
    ------
    ImproperPosteriorError
        If a coefficient is determined by one group alone.
    """
    out = np.empty((len(removal.weights), len(node)))
    order = np.argsort(node, kind="stable")
    ends = np.searchsorted(node[order], np.arange(len(theta) + 1))
    for k, at in enumerate(theta):
        here = order[ends[k] : ends[k + 1]]
        for found in removal.at(at, log_sigma[here]):
            lost = ~((found.left > LEAST_LEFT) & np.isfinite(found.log_ratio)).all(axis=1)
            if lost.any():
                raise ImproperPosteriorError(
                    f"The rows of {levels[found.levels.start + int(np.argmax(lost))]!r} alone "
                    "determine a coefficient, which has no posterior without them. Give the "
                    "coefficients proper priors, or leave out the column that only they inform."
                )
            out[found.levels.start : found.levels.stop, here] = found.log_ratio
    return out


def leave_one_group_out(
    factor: str,
    levels: tuple[str, ...],
    weights: Array,
    ratios: Array,
    shares: Array,
    node: Integers,
) -> LeaveOneGroupOut:
    """Average over the nodes as they weigh without the group (G65)."""
    from arviz_stats.base import array_stats

    there = np.flatnonzero(weights > 0)
    ratios = ratios[there]
    log_density = -logsumexp(np.log(shares) - ratios, axis=1)
    at = (np.arange(DRAWS) + 0.5) / DRAWS
    drawn = np.minimum(np.searchsorted(np.cumsum(shares), at), len(shares) - 1)
    k = np.zeros(len(there))
    vary = np.ptp(ratios[:, drawn], axis=1) > 1e-9
    if vary.any():
        k[vary] = array_stats.psislw(ratios[np.ix_(vary, drawn)])[1]
    of_node = np.bincount(node, shares)
    outer = (of_node < np.exp(-EDGE) * of_node.max())[node]
    edge = np.exp(np.log(shares) - ratios + log_density[:, None]) @ outer
    names = tuple(levels[g] for g in there)
    return LeaveOneGroupOut(factor, names, log_density, weights[there], k, edge)
