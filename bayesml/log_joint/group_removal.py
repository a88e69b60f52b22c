"""The density of scales without the rows of one level of a group, for every level.

Derived in docs/theory/group_effects.md, (G64).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayesml.linalg.arrow import Arrow, Eliminated, without_curves, without_rest
from bayesml.log_joint.group_marginal import Given, GroupMarginal
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Integers

AT_ONCE = 2**22
"""Numbers of levels that are without their rows, that are held at a time."""


class Removed(NamedTuple):
    """What is known at joint nodes of one θ without the rows of each of some levels.

    Attributes
    ----------
    levels : slice
    log_ratio : ndarray, shape (levels, J)
        log p(y | scales) − log p(y₋g | scales).
    left : ndarray, shape (levels, J)
        The least share of what is known of a coefficient that is known without them.
    """

    levels: slice
    log_ratio: Array
    left: Array


@dataclass(frozen=True, eq=False)
class GroupRemoval:
    """A marginal density, and the products of the rows of every level of one group.

    Attributes
    ----------
    marginal : GroupMarginal
    arrow : Arrow
        Of the marginal density, that group first.
    order : ndarray of int
        Which group each is of those of the marginal density, curves among them.
    own : ndarray, shape (L, s, s)
        Products of [Z₂ | Z₃ | A] over the rows of every level.
    weights, log_precisions : ndarray, shape (L,)
        Sums over the rows of every level of w, and of w log p (G75).
    """

    marginal: GroupMarginal
    arrow: Arrow
    order: Integers
    own: Array
    weights: Array
    log_precisions: Array

    def at(self, theta: Array, log_sigma: Array) -> Iterator[Removed]:
        """Take the rows of every level out at one θ and several σ, some levels at a time."""
        found = self.marginal.scales.factors(theta)
        factors = [found[k] for k in self.order]
        without, k = self.arrow.without_first(factors[0]), self.arrow.k
        levels, d, _ = self.arrow.diagonal.shape
        border = without.B.toarray().reshape(levels, d, k) if k else np.empty((levels, d, 0))
        V = np.concatenate([border, without.W], axis=2)
        D = factors[0].T @ self.arrow.diagonal @ factors[0] + np.eye(d)
        own_log_det = np.linalg.slogdet(D)[1]
        size = max(1, AT_ONCE // self.own[0].size)
        whole = self._given(
            without.left[None], np.array([without.log_det]), factors, theta, log_sigma
        )
        pivots = np.diagonal(whole.root, axis1=-2, axis2=-1)
        for start in range(0, levels, size):
            some = slice(start, min(start + size, levels))
            product = np.swapaxes(V[some], 1, 2) @ V[some]
            left = without.left - (self.own[some] - product)
            logs = without.log_det - own_log_det[some]
            given = self._given(left, logs, factors, theta, log_sigma)
            density = given.log_density + self.weights[some, None] * (HALF_LOG_2PI + log_sigma)
            density = density - 0.5 * self.log_precisions[some, None]
            share = (np.diagonal(given.root, axis1=-2, axis2=-1) / pivots) ** 2
            yield Removed(some, whole.log_density - density, np.min(share, axis=-1, initial=1.0))

    def _given(
        self, left: Array, log_det: Array, factors: Sequence[Array], theta: Array, log_sigma: Array
    ) -> Given:
        """Eliminate all other effects, and evaluate at all σ (G29)."""
        found = Eliminated(left, log_det)
        if self.arrow.k:
            rest = without_rest(left, self.arrow.rest_factor(factors[1:]))
            found = Eliminated(rest.schur, log_det + rest.log_det)
        if self.arrow.widths:
            curves = without_curves(found.schur, self.arrow.spread(factors))
            found = Eliminated(curves.schur, found.log_det + curves.log_det)
        thetas = np.broadcast_to(theta, (len(left), len(theta)))
        sigmas = np.broadcast_to(log_sigma, (len(left), len(log_sigma)))
        return self.marginal.given(thetas, found, sigmas)
