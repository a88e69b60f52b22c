"""Maximum likelihood of models with effects of groups and other likelihoods than Gaussian.

Derived in docs/theory/group_effects.md, (G70) to (G72).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.inference.group_design import starting
from bayesml.linalg.bordered import Parted
from bayesml.log_joint.group_modes import AtMode, EffectsIntegrated
from bayesml.log_joint.group_nested import Mode, Nested
from bayesml.log_joint.group_quadrature import Nodes, integral
from bayesml.model import Problem
from bayesml.typing import Array

STEP = 1e-4
"""Of differences, of coordinates of about unit size."""

WIDE, FAR = 25.0, 8.0
"""How far coordinates of φ and of correlations are looked for."""

NEARLY_ONE = 4.0
"""The artanh of a correlation of 0.999, which is as good as one."""

LEAST = 1e-9
"""Of its unit, a scale that is as good as zero."""

CENTRED, SETTLED = 1e-8, 1e-13
"""How far from v̂ nodes are centred, in standard deviations; and nats that modes may gain."""


@dataclass(frozen=True, eq=False)
class Outer:
    """What the likelihood is a function of: x = (t, u_φ, scales, artanh of partial correlations).

    Attributes
    ----------
    density : Nested
    centre : ndarray, shape (p,)
        Coefficients z in their frame are centre + root t.
    root : ndarray, shape (p, p)
    unit : ndarray, shape (k,)
        Of scales, what η spreads, and one of correlations.
    is_scale : ndarray of bool, shape (k,)
    """

    density: Nested
    centre: Array
    root: Array
    unit: Array
    is_scale: NDArray[np.bool]

    @classmethod
    def of(cls, problem: Problem, density: Nested) -> "Outer":
        """Return coordinates in which a search begins."""
        own = [np.arange(part.size) < part.terms for part in density.joint.scales.parts]
        is_scale, p = np.concatenate(own), density.p
        theta = starting(problem, density)[density.free :]
        unit = np.where(is_scale, 2.0 * np.exp(theta), 1.0)
        return cls(density, np.zeros(p), np.eye(p), unit, is_scale)

    def start(self, away: Mapping[str, float]) -> Array:
        """Return scales at half of their units, φ at multiples of its start, and zero."""
        phi = np.zeros(self.density.free)
        for j, block in enumerate(self.density.joint.inner.coordinates.free):
            if block.name in away:
                begun = block.support.constrain(block.reference) * away[block.name]
                phi[j] = block.support.unconstrain(begun) - block.reference
        return np.concatenate([np.zeros(len(self.centre)), phi, 0.5 * self.is_scale])

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Where every coordinate is looked for; a search in a box would begin with its corners."""
        wide = np.full(len(self.centre), np.inf)
        phi, of_scales = np.full(self.density.free, WIDE), np.where(self.is_scale, np.inf, FAR)
        high = np.concatenate([wide, phi, of_scales])
        low = np.concatenate([-wide, -phi, np.where(self.is_scale, 0.0, -FAR)])
        return low, high

    def z(self, x: Array) -> Array:
        """Return coefficients in their frame."""
        return np.asarray(self.centre + x[..., : len(self.centre)] @ self.root.T)

    def h(self, x: Array) -> Array:
        """Return u_φ and θ, with logs of scales."""
        p, free = len(self.centre), self.density.free
        theta = x[..., p + free :] * self.unit
        with np.errstate(divide="ignore"):
            logs = np.log(np.where(self.is_scale, theta, 1.0))
        return np.concatenate([x[..., p : p + free], np.where(self.is_scale, logs, theta)], axis=-1)

    @cached_property
    def scales(self) -> NDArray[np.bool]:
        """Say which coordinates are scales."""
        beside = np.zeros(len(self.centre) + self.density.free, dtype=bool)
        return np.append(beside, self.is_scale)

    def undefined(self, x: Array) -> NDArray[np.bool]:
        """Say which scales are zero, and which correlations nothing depends on then."""
        out, at = np.zeros(len(x), dtype=bool), len(self.centre) + self.density.free
        for part in self.density.joint.scales.parts:
            zero = x[at : at + part.terms] == 0.0
            out[at : at + part.terms] = zero
            out[at + part.terms : (at := at + part.size)] = zero.any()
        return out

    def at_an_end(self, x: Array) -> NDArray[np.bool]:
        """Say what is, where there is no curvature: zero, a bound, a correlation of ±1."""
        low, high = self.bounds
        correlated = np.append(np.zeros(len(x) - len(self.is_scale), dtype=bool), ~self.is_scale)
        one = correlated & (np.abs(x) > NEARLY_ONE)
        return self.undefined(x) | (x <= low) | (x >= high) | one

    def slopes(self, x: Array) -> list[Array]:
        """Return ∂Λ/∂x of every factor at one x, shape (size, d, d)."""
        scales, theta = self.density.joint.scales, self.h(x)[self.density.free :]
        out: list[Array] = []
        for part, here in zip(scales.parts, scales.where, strict=True):
            found, L = part.slopes(theta[here]), part.correlation_root(theta[here])
            for j in range(part.terms):
                found[j] = 0.0
                found[j, j] = L[j]
            out.append(found * self.unit[here, None, None])
        return out


class Objective(Protocol):
    """A log density of x, which is maximised."""

    @property
    def outer(self) -> Outer:
        """What x is."""

    def value(self, x: Array) -> float:
        """Evaluate it."""

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate it with its gradient."""


@dataclass(frozen=True, eq=False)
class ByLaplace:
    """The log likelihood by Laplace's approximation, with its gradient (G70), (G71).

    Attributes
    ----------
    outer : Outer
    effects : EffectsIntegrated
    last : list of Parted
        Where the search for a mode begins: that of the last one.
    """

    outer: Outer
    effects: EffectsIntegrated
    last: list[Parted] = field(default_factory=list)

    @classmethod
    def of(cls, outer: Outer) -> "ByLaplace":
        """Return that of rows without columns of coefficients."""
        rows = outer.density.rows
        return cls(outer, EffectsIntegrated(replace(rows, X=rows.X[:, :0]), outer.density.others))

    def in_own_units(self, x: Array) -> Outer:
        """Return coordinates around x, of coefficients in units of what is known of them there."""
        outer, at = self.outer, self.at(x)
        values, roots = outer.density.values(outer.h(x)), outer.density.roots(outer.h(x))
        left = self.effects.left(at, values, roots, outer.density.rows.X)
        root = np.linalg.inv(np.linalg.cholesky(left)).T
        return replace(outer, centre=outer.z(x), root=root)

    def at(self, x: Array) -> AtMode:
        """Find the mode of the effects."""
        density, h = self.outer.density, self.outer.h(x)
        e = density.rows.base + density.rows.X @ self.outer.z(x)
        start = self.last[-1] if self.last else self.effects.nothing()
        found = self.effects.mode(e, density.values(h), density.roots(h), start)
        self.last[:] = [found.effects]
        return found

    def value(self, x: Array) -> float:
        """Evaluate the log likelihood."""
        return self.at(x).value

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate it with its gradient in x."""
        density, h = self.outer.density, self.outer.h(x)
        at, values, roots = self.at(x), density.values(h), density.roots(h)
        found = self.effects.of_rows(at, values, roots)
        of_beta = self.outer.root.T @ (density.rows.X.T @ found.eta)
        of_phi = np.empty(density.free)
        rows, eta = self.effects.rows, at.eta[None]
        for j in range(density.free):
            ends = [density.values(h + d * (np.arange(len(h)) == j)) for d in (STEP, -STEP)]
            each = [
                rows.w @ rows.log_density(eta, v)[0]
                - 0.5 * found.leverage @ rows.information(eta, v)[0]
                - 0.5 * found.moved @ rows.score(eta, v)[0]
                for v in ends
            ]
            of_phi[j] = (each[0] - each[1]) / (2.0 * STEP)
        own = found.roots if density.predictor.groups else found.roots[1:]
        of_scales = [
            np.einsum("jab,ab->j", slope, by_root)
            for slope, by_root in zip(self.outer.slopes(x), own, strict=True)
        ]
        return at.value, np.concatenate([of_beta, of_phi, *of_scales])


@dataclass(frozen=True, eq=False)
class ByQuadrature:
    """The log likelihood by adaptive quadrature of the effects of the only factor (G41).

    Attributes
    ----------
    outer : Outer
    nodes : Nodes
    """

    outer: Outer
    nodes: Nodes

    def values(self, x: Array) -> Array:
        """Evaluate at B points."""
        density, h = self.outer.density, self.outer.h(x)
        e = density.rows.base + self.outer.z(x) @ density.rows.X.T
        start = np.zeros((len(x), *density.blank().centre.shape))
        values, root = density.values(h), density.roots(h)[0]
        found = integral(density.rows, e, values, root, start, self.nodes, CENTRED)
        return found.value

    def value(self, x: Array) -> float:
        """Evaluate the log likelihood."""
        return float(self.values(x[None])[0])

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate with central differences, mirrored where a scale would be negative."""
        found = self.values(_around(self.outer, x))
        return float(found[0]), (found[1 : len(x) + 1] - found[len(x) + 1 :]) / (2.0 * STEP)


@dataclass(frozen=True, eq=False)
class ByMode:
    """log p(y, h) of scales as users state them, coefficients and effects integrated (G73).

    Attributes
    ----------
    outer : Outer
        Without coefficients.
    nodes : Nodes
    last : list of Mode
        Where the search for a mode begins: that of the last one.
    """

    outer: Outer
    nodes: Nodes
    last: list[Mode] = field(default_factory=list)

    def at(self, x: Array) -> Mode:
        """Find the mode of coefficients and effects."""
        density = self.outer.density
        start = self.last[-1] if self.last else density.blank()
        found = density.mode(self._h(x), start, self.nodes, CENTRED, SETTLED)
        self.last[:] = [found]
        return found

    def value(self, x: Array) -> float:
        """Evaluate it."""
        return self.at(x).log_density - float(self.outer.density.log_jacobian(self._h(x)))

    def _h(self, x: Array) -> Array:
        """Return u_φ and θ; scales of zero are so little more that their logs are finite."""
        least, own = np.full(len(x), -np.inf), self.outer.is_scale
        least[len(x) - len(own) :][own] = LEAST
        return self.outer.h(np.maximum(x, least))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate it with central differences, mirrored where a scale would be negative."""
        first, *rest = [self.value(point) for point in _around(self.outer, x)]
        up, down = np.reshape(rest, (2, len(x)))
        return first, (up - down) / (2.0 * STEP)


def _around(outer: Outer, x: Array) -> Array:
    """Return x, and points above and below along every axis, scales mirrored at zero."""
    E, own = STEP * np.eye(len(x)), outer.is_scale
    below, scales = x - E, slice(len(x) - len(own), None)
    below[:, scales] = np.where(own, np.abs(below[:, scales]), below[:, scales])
    return np.concatenate([x[None], x + E, below])
