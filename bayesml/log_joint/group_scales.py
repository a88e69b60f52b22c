"""Coordinates of the covariances of group effects, in units of the noise.

Derived in docs/theory/group_effects.md, (G23) and (G24).
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from bayesml.data.roles import Group
from bayesml.data.statistics import SufficientStatistics
from bayesml.distributions import LKJ, Distribution, cholesky_of_partials, partials_of_cholesky
from bayesml.predictors import Grouped
from bayesml.priors import WithGroups
from bayesml.typing import Array

STEP = 1e-5

CLOSEST = 1.0 - 2.0**-53
"""The largest correlation below one."""


@dataclass(frozen=True, eq=False)
class GroupScale:
    """The covariance of the effects of one group, and its priors.

    Attributes
    ----------
    group : Group
    shape : tuple of int
        Of its standard deviations.
    priors : tuple of Distribution
        Of the standard deviation of every term.
    correlation : LKJ
    sizes : ndarray, shape (terms,)
        Root mean square of the column of every term, over the noise of a row in units of σ.
    """

    group: Group
    shape: tuple[int, ...]
    priors: tuple[Distribution, ...]
    correlation: LKJ
    sizes: Array

    @property
    def terms(self) -> int:
        """Number of terms."""
        return len(self.group.terms)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of correlations of every block of terms."""
        return tuple(size * (size - 1) // 2 for size in self.group.blocks)

    @property
    def size(self) -> int:
        """Number of coordinates: logs of scales · sizes, and atanh of partial correlations."""
        return self.terms + sum(self.counts)

    def correlation_root(self, u: Array) -> Array:
        """Return the Cholesky factor of the correlation matrix, shape (..., d, d)."""
        L = np.zeros((*u.shape[:-1], self.terms, self.terms))
        start, at = 0, self.terms
        for size, count in zip(self.group.blocks, self.counts, strict=True):
            here = slice(start, start + size)
            partials = np.tanh(u[..., at : at + count])
            L[..., here, here] = cholesky_of_partials(partials, size)
            start, at = start + size, at + count
        return L

    def scales(self, u: Array) -> Array:
        """Return the standard deviations, in units of σ, shape (..., d)."""
        return np.asarray(np.exp(u[..., : self.terms]) / self.sizes)

    def factor(self, u: Array) -> Array:
        """Return Λ, shape (..., d, d)."""
        return np.asarray(self.scales(u)[..., None] * self.correlation_root(u))

    @property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """Which entries of Λ are not zero by form: the lower triangles of its blocks."""
        starts = np.cumsum([0, *self.group.blocks]).tolist()
        ends = (start + size for start, size in zip(starts, self.group.blocks, strict=False))
        blocks = zip(starts, ends, strict=False)
        return tuple((i, j) for a, b in blocks for i in range(a, b) for j in range(a, i + 1))

    def coordinates(self, factor: Array) -> Array:
        """Return u of Λ, its columns of either sign: the inverse of `factor`.

        A row of zeros has a scale of zero and no correlation.
        """
        sign = np.where(np.diagonal(factor, axis1=-2, axis2=-1) < 0.0, -1.0, 1.0)
        signed = factor * sign[..., None, :]
        scales = np.linalg.norm(signed, axis=-1)
        with np.errstate(divide="ignore"):
            parts = [np.log(scales * self.sizes)]
        L = signed / np.where(scales > 0.0, scales, 1.0)[..., None]
        start = 0
        for size in self.group.blocks:
            here = slice(start, start := start + size)
            partials = partials_of_cholesky(L[..., here, here])
            parts.append(np.arctanh(np.clip(partials, -CLOSEST, CLOSEST)))
        return np.concatenate(parts, axis=-1)

    def log_prior(self, u: Array, log_sigma: Array) -> Array:
        """Evaluate the log prior density of scales and partial correlations, given σ (G24)."""
        out: Array = np.zeros(np.broadcast_shapes(u.shape[:-1], np.shape(log_sigma)))
        log_sd = u[..., : self.terms] - np.log(self.sizes)
        for j, prior in enumerate(self.priors):
            out = out + prior.log_density(np.exp(log_sd[..., j] + log_sigma))
        at = self.terms
        for count in self.counts:
            if count:
                partials = np.tanh(u[..., at : at + count])
                out = out + self.correlation.log_density_of_partials(partials)
            at += count
        return out

    def log_jacobian(self, u: Array, log_sigma: Array) -> Array:
        """Evaluate log |∂(scales, partial correlations)/∂u| given σ."""
        y = np.abs(u[..., self.terms :])
        of_partials = 2.0 * (np.log(2.0) - y - np.log1p(np.exp(-2.0 * y)))  # log(1 − tanh²)
        own = (u[..., : self.terms] - np.log(self.sizes) + log_sigma[..., None]).sum(axis=-1)
        return np.asarray(own + of_partials.sum(axis=-1))

    def slopes(self, u: Array) -> Array:
        """Return ∂Λ/∂u at one u, shape (size, d, d); of partial correlations by differences."""
        d, factor = self.terms, self.factor(u)
        out = np.zeros((self.size, d, d))
        out[np.arange(d), np.arange(d)] = factor  # log scales multiply their rows
        if self.size > d:
            E = STEP * np.eye(self.size)[d:]
            out[d:] = (self.factor(u + E) - self.factor(u - E)) / (2.0 * STEP)
        return out

    def score(self, u: Array) -> Array:
        """Differentiate the log prior and the log Jacobian at one u, σ being one."""
        out, at = np.empty(self.size), self.terms
        for j, (prior, sd) in enumerate(zip(self.priors, self.scales(u), strict=True)):
            out[j] = prior.score(sd) * sd + 1.0
        for count in self.counts:
            here = slice(at, at := at + count)
            out[here] = -2.0 * self.correlation.shapes(count) * np.tanh(u[here])
        return out

    def start(self) -> Array:
        """Return where a search begins: effects as large as half of the noise, uncorrelated."""
        return np.concatenate([np.full(self.terms, np.log(0.5)), np.zeros(sum(self.counts))])


@dataclass(frozen=True, eq=False)
class GroupScales:
    """The covariances of groups, that of most levels first, and curves; coordinates θ in a row.

    Attributes
    ----------
    parts : tuple of GroupScale
    """

    parts: tuple[GroupScale, ...]

    @classmethod
    def of(
        cls,
        predictor: Grouped,
        prior: WithGroups,
        statistics: SufficientStatistics,
        precision: float = 1.0,
    ) -> "GroupScales":
        """Return those of a model, in the sizes that its columns have, at a precision of rows."""
        by_factor = {group.factor: (priors, lkj) for group, _, priors, lkj in prior.parts()}
        parts = []
        for part in predictor.in_order():
            priors, correlation = by_factor[part.factor]
            sizes = np.sqrt(precision * part.mean_square(statistics.mean_square_X))
            parts.append(GroupScale(part.group, part.scale_shape, priors, correlation, sizes))
        return cls(tuple(parts))

    @cached_property
    def size(self) -> int:
        """Number of coordinates of all groups."""
        return sum(part.size for part in self.parts)

    @cached_property
    def where(self) -> tuple[slice, ...]:
        """Where the coordinates of every group are."""
        ends = np.cumsum([0, *(part.size for part in self.parts)]).tolist()
        return tuple(slice(start, end) for start, end in pairwise(ends))

    def split(self, theta: Array) -> list[Array]:
        """Return the coordinates of every group."""
        return [theta[..., here] for here in self.where]

    def factors(self, theta: Array) -> list[Array]:
        """Return Λ of every group, in units of σ, shape (..., d, d)."""
        pairs = zip(self.parts, self.split(theta), strict=True)
        return [part.factor(u) for part, u in pairs]

    def log_prior(self, theta: Array, log_sigma: Array) -> Array:
        """Evaluate the log prior density of scales and partial correlations given σ."""
        pairs = zip(self.parts, self.split(theta), strict=True)
        return np.asarray(sum(part.log_prior(u, log_sigma) for part, u in pairs))

    def log_jacobian(self, theta: Array, log_sigma: Array) -> Array:
        """Evaluate the log of the Jacobian of these in θ."""
        pairs = zip(self.parts, self.split(theta), strict=True)
        return np.asarray(sum(part.log_jacobian(u, log_sigma) for part, u in pairs))

    def score(self, theta: Array) -> Array:
        """Differentiate the log prior and the log Jacobian at one θ, σ being one."""
        pairs = zip(self.parts, self.split(theta), strict=True)
        return np.concatenate([part.score(u) for part, u in pairs])

    def start(self) -> Array:
        """Return where a search begins."""
        return np.concatenate([part.start() for part in self.parts])

    def named(self, theta: Array, sigma: Array) -> dict[str, Array]:
        """Return standard deviations and correlations, by name.

        Shapes are (..., terms) and (..., pairs); of a curve, (...).
        """
        out: dict[str, Array] = {}
        for part, u in zip(self.parts, self.split(theta), strict=True):
            factor = part.group.factor
            sd = part.scales(u) * np.asarray(sigma)[..., None]
            out[f"sd[{factor}]"] = sd.reshape((*sd.shape[:-1], *part.shape))
        for part, u in zip(self.parts, self.split(theta), strict=True):
            if part.group.pairs:
                L = part.correlation_root(u)
                one, other = zip(*part.group.pairs, strict=True)
                R = L @ np.swapaxes(L, -1, -2)
                out[f"correlation[{part.group.factor}]"] = R[..., list(one), list(other)]
        return out
