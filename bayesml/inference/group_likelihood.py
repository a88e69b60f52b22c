"""Maximum likelihood of models with effects of groups and other likelihoods than Gaussian.

Derived in docs/theory/group_effects.md, (G70) to (G72).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.linalg.bordered import Parted
from bayesml.log_joint.group_entries import Entries
from bayesml.log_joint.group_modes import AtMode, EffectsIntegrated
from bayesml.log_joint.group_nested import Mode, Nested
from bayesml.log_joint.group_quadrature import Nodes, integral
from bayesml.model import Problem
from bayesml.samplers.lattice import central
from bayesml.typing import Array

STEP = 1e-3
"""Of differences, of coordinates of about unit size."""

WIDE = 25.0
"""How far coordinates of φ are looked for."""

LEAST = 1e-9
"""Of its unit, a scale that is as good as zero."""

CENTRED, SETTLED = 1e-8, 1e-13
"""How far from v̂ nodes are centred, in standard deviations; and nats that modes may gain."""


@dataclass(frozen=True, eq=False)
class Outer:
    """What the likelihood is a function of: x = (t, u_φ, entries of Λ), of either sign.

    Attributes
    ----------
    density : Nested
    centre : ndarray, shape (p,)
        Coefficients z in their frame are centre + root t.
    root : ndarray, shape (p, p)
    entries : Entries
        Of Λ, scales in units of what η spreads.
    """

    density: Nested
    centre: Array
    root: Array
    entries: Entries

    @classmethod
    def of(cls, problem: Problem, density: Nested) -> "Outer":
        """Return coordinates in which a search begins."""
        statistics, p = problem.statistics, density.p
        outputs = problem.model.likelihood.outputs(statistics.mean_y, statistics.sd_y)
        entries = Entries(density.joint.scales, float(outputs[0][1] or 1.0))
        return cls(density, np.zeros(p), np.eye(p), entries)

    @property
    def beside(self) -> int:
        """Number of coordinates before the entries of Λ."""
        return len(self.centre) + self.density.free

    def start(self, away: Mapping[str, float]) -> Array:
        """Return scales at half of their units, φ at multiples of its start, and zero."""
        phi = np.zeros(self.density.free)
        for j, block in enumerate(self.density.joint.inner.coordinates.free):
            if block.name in away:
                begun = block.support.constrain(block.reference) * away[block.name]
                phi[j] = block.support.unconstrain(begun) - block.reference
        return np.concatenate([np.zeros(len(self.centre)), phi, self.entries.start])

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Where φ is looked for; all else is anywhere."""
        high = np.full(self.beside + self.entries.size, np.inf)
        high[len(self.centre) : self.beside] = WIDE
        return -high, high

    def z(self, x: Array) -> Array:
        """Return coefficients in their frame."""
        return np.asarray(self.centre + x[..., : len(self.centre)] @ self.root.T)

    def h(self, x: Array) -> Array:
        """Return u_φ and θ; the log of a scale of zero is −∞."""
        theta = self.entries.theta(x[..., self.beside :])
        return np.concatenate([x[..., len(self.centre) : self.beside], theta], axis=-1)

    def roots(self, x: Array) -> list[Array]:
        """Return Λ of every factor at one x, the largest first, of no terms for curves alone."""
        found = self.entries.factors(x[..., self.beside :])
        return found if self.density.predictor.groups else [np.empty((0, 0)), *found]

    def slopes(self, by_root: list[Array]) -> Array:
        """Return derivatives by the entries from those by every Λ."""
        return self.entries.slopes(by_root if self.density.predictor.groups else by_root[1:])

    def rows(self) -> Iterator[NDArray[np.bool]]:
        """Yield the coordinates of every scale, those of a row."""
        for row in self.entries.rows():
            yield np.append(np.zeros(self.beside, dtype=bool), row)

    def at_an_end(self, x: Array) -> NDArray[np.bool]:
        """Say which have no curvature: scales of zero, and φ at an end of its range."""
        out = np.abs(x) >= self.bounds[1]
        for row in self.rows():
            if not x[row].any():
                out |= row
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
    start : Parted
        Where the search for a mode begins.
    """

    outer: Outer
    effects: EffectsIntegrated
    start: Parted

    @classmethod
    def of(cls, outer: Outer) -> "ByLaplace":
        """Return that of rows without columns of coefficients."""
        rows = outer.density.rows
        effects = EffectsIntegrated(replace(rows, X=rows.X[:, :0]), outer.density.others)
        return cls(outer, effects, effects.nothing())

    def around(self, x: Array) -> "ByLaplace":
        """Return the same around x, of coefficients in units of what is known of them there."""
        outer, at = self.outer, self.at(x)
        values, roots = outer.density.values(outer.h(x)), outer.roots(x)
        left = self.effects.left(at, values, roots, outer.density.rows.X)
        root = np.linalg.inv(np.linalg.cholesky(left)).T
        own = replace(outer, centre=outer.z(x), root=root)
        return replace(self, outer=own, start=at.effects)

    def at(self, x: Array) -> AtMode:
        """Find the mode of the effects."""
        density, h = self.outer.density, self.outer.h(x)
        e = density.rows.base + density.rows.X @ self.outer.z(x)
        return self.effects.mode(e, density.values(h), self.outer.roots(x), self.start)

    def value(self, x: Array) -> float:
        """Evaluate the log likelihood."""
        return self.at(x).value

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate it with its gradient in x."""
        density, h = self.outer.density, self.outer.h(x)
        at, values, roots = self.at(x), density.values(h), self.outer.roots(x)
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
        return at.value, np.concatenate([of_beta, of_phi, self.outer.slopes(found.roots)])


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
        """Evaluate with central differences."""
        return central(self.values, x, STEP)


@dataclass(frozen=True, eq=False)
class ByMode:
    """log p(y, h) of scales as users state them, coefficients and effects integrated (G73).

    Attributes
    ----------
    outer : Outer
        Without coefficients.
    nodes : Nodes
    start : Mode
        Where the search for a mode begins.
    """

    outer: Outer
    nodes: Nodes
    start: Mode

    def at(self, x: Array) -> Mode:
        """Find the mode of coefficients and effects."""
        return self._from(self.start, x)

    def value(self, x: Array) -> float:
        """Evaluate it."""
        return self._of(self.at(x), x)

    def _h(self, x: Array) -> Array:
        """Return u_φ and θ; scales of zero are so little more that their logs are finite."""
        h, at = self.outer.h(x), self.outer.density.free
        for part in self.outer.density.joint.scales.parts:
            logs = h[at : at + part.terms]
            h[at : at + part.terms] = np.maximum(logs, np.log(LEAST * self.outer.entries.unit))
            at += part.size
        return h

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate it with central differences."""
        here, E = self.at(x), STEP * np.eye(len(x))
        up, down = (
            np.array([self._of(self._from(here, at), at) for at in points])
            for points in (x + E, x - E)
        )
        return self._of(here, x), (up - down) / (2.0 * STEP)

    def _from(self, start: Mode, x: Array) -> Mode:
        return self.outer.density.mode(self._h(x), start, self.nodes, CENTRED, SETTLED)

    def _of(self, mode: Mode, x: Array) -> float:
        return mode.log_density - float(self.outer.density.log_jacobian(self._h(x)))
