"""The log joint density with effects of groups in units of their scales (G38).

Derived in docs/theory/group_effects.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.log_joint.coordinates import coordinates_of
from bayesml.log_joint.folded import folded
from bayesml.log_joint.group_scales import GroupScales
from bayesml.log_joint.joint import LogJoint, differenced
from bayesml.log_joint.rows import Rows
from bayesml.log_joint.sums import Values
from bayesml.model import Problem
from bayesml.predictors import Grouped
from bayesml.priors import NormalRows, PriorTerms, Resolved, WithGroups, normal_terms
from bayesml.priors.part_of import PartOf
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class OfCoefficients:
    """The prior of the coefficients of the linear part, as one of all that has effects.

    Attributes
    ----------
    view : PartOf
    prior : Resolved
    count : int
        Number of coefficients, which come first.
    """

    view: PartOf
    prior: Resolved
    count: int

    def terms(self, beta: Array, values: Values) -> PriorTerms:
        """Evaluate log p(coefficients) and its derivatives."""
        own, rows = beta[..., : self.count], self._rows
        found = (
            self.prior.log_density_and_score(self.view, own, values)
            if rows is None
            else normal_terms(rows, own, values)
        )
        score = np.zeros(beta.shape)
        score[..., : self.count] = found.score
        return PriorTerms(found.value, score, found.by_value)

    @cached_property
    def _rows(self) -> NormalRows | None:
        return self.prior.normal_rows(self.view)

    def precision(self, beta: Array, values: Values) -> Array:
        """Difference the score."""
        return -differenced(lambda at: self.terms(at, values).score, beta)


@dataclass(frozen=True, eq=False)
class GroupJoint:
    r"""log p(y, coefficients, φ, scales, v) with effects u = Λv (G38).

    .. math:: x = (z, v, u_\phi, \theta), \qquad v \sim \mathrm{Normal}(0, 1)

    Attributes
    ----------
    inner : LogJoint
        Of coefficients, effects and φ, without a prior of effects.
    scales : GroupScales
    count : int
        Number of coefficients.
    shapes : tuple of (levels, terms)
        Of the effects, in the order of β; `order` says which of the scales are theirs. A curve has
        a level for every direction.
    order : tuple of int
    """

    inner: LogJoint
    scales: GroupScales
    count: int
    shapes: tuple[tuple[int, int], ...]
    order: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.inner.size + self.scales.size

    def log_density_and_gradient(self, x: Array) -> tuple[Any, Array]:
        """Evaluate the density and its gradient at one x."""
        k = self.scales.size
        theta, units = x[-k:], self.inner.coordinates.frame.scale
        at, v = self._inner(x)
        value, slopes = self.inner.log_density_and_gradient(at)
        gradient = np.empty(self.size)
        gradient[:-k] = slopes
        of_theta, start = np.zeros(k), self.count
        for shape, which, own in zip(self.shapes, self.order, v, strict=True):
            here = slice(start, start := start + shape[0] * shape[1])
            of_u = (slopes[here] / units[here]).reshape(shape)
            part, at_scales = self.scales.parts[which], self.scales.where[which]
            u = theta[at_scales]
            gradient[here] = (of_u @ part.factor(u) - own).ravel()
            of_theta[at_scales] = np.sum(part.slopes(u) * (of_u.T @ own), axis=(1, 2))
            value = value - 0.5 * np.sum(own * own)
        gradient[-k:] = of_theta + self.scales.score(theta)
        return value + self._log_prior(theta), gradient

    def named(self, x: Array) -> dict[str, Array]:
        """Return everything by the user's names, from x of shape (..., size)."""
        k, flat = self.scales.size, x.reshape(-1, x.shape[-1])
        inner = np.stack([self._inner(row)[0] for row in flat]).reshape(*x.shape[:-1], -1)
        found = self.inner.coordinates.named(inner)
        theta = x[..., -k:]
        return found | self.scales.named(theta, np.ones(theta.shape[:-1]))

    def start(self, rng: np.random.Generator, unit: float) -> Array:
        """Draw a point to start from: scales near half of the unit, all else near nothing."""
        x = rng.uniform(-0.5, 0.5, self.size)
        x[: self.count] *= 0.2
        at = self.size - self.scales.size
        for part in self.scales.parts:
            x[at : at + part.terms] += np.log(0.5 * unit)
            at += part.size
        return x

    def _inner(self, x: Array) -> tuple[Array, list[Array]]:
        """Return x without the scales, effects in their unit, and v of every group."""
        k, units = self.scales.size, self.inner.coordinates.frame.scale
        at, parts = x[:-k].copy(), self.scales.split(x[-k:])
        start, v = self.count, []
        for shape, which in zip(self.shapes, self.order, strict=True):
            here = slice(start, start := start + shape[0] * shape[1])
            own = x[here].reshape(shape)
            u = own @ self.scales.parts[which].factor(parts[which]).T
            at[here] = u.ravel() / units[here]
            v.append(own)
        return at, v

    def _log_prior(self, theta: Array) -> Array:
        nothing = np.zeros(theta.shape[:-1])
        return self.scales.log_prior(theta, nothing) + self.scales.log_jacobian(theta, nothing)


def group_joint(problem: Problem, predictor: Grouped, prior: WithGroups) -> GroupJoint:
    """Return the density of a problem with groups, its rows in memory."""
    own = of_coefficients(problem, predictor, prior)
    rows = Rows.of(problem) if problem.data.in_memory else folded(problem)
    inner = LogJoint(rows, own, coordinates_of(problem), jacobian=True)
    scales = GroupScales.of(predictor, prior, problem.statistics)
    names = [part.group.factor for part in scales.parts]
    order = tuple(names.index(part.factor) for part in predictor.blocks)
    return GroupJoint(inner, scales, own.count, tuple(p.table for p in predictor.blocks), order)


def of_coefficients(problem: Problem, predictor: Grouped, prior: WithGroups) -> OfCoefficients:
    """Return the prior of the coefficients of the linear part."""
    count = sum(int(np.prod(s)) for s in predictor.fixed.shapes(problem.data.n).values())
    return OfCoefficients(PartOf(problem, predictor.part), prior.coefficients, count)
