"""Where a nested Laplace approximation of a model with groups is drawn from.

Derived in docs/theory/group_effects.md, (G44) to (G46).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.log_joint.group_nested import Mode, Nested
from bayesml.log_joint.group_quadrature import Expected, Nodes, hermite_nodes
from bayesml.model import Problem
from bayesml.samplers.proposals import SplitT
from bayesml.typing import Array

MOST_NODES = {1: (5, 7, 9, 13, 17), 2: (5, 7, 9), 3: (3, 5)}
"""Nodes of every term that are tried, by the number of terms; the next tells the error."""

FEW = 3
"""Nodes of every term in the search for the mode."""

NATS = 0.05
"""Of the log density at the mode, that more nodes may change."""

CENTRED, NEAR = 1e-4, 0.7
"""How far from v̂ nodes are centred, in standard deviations, at modes and at draws (G41)."""

BENDS = (0.1, 25.0)
"""Least and largest curvature between points of a design, in nats."""

DEFINITE = 1e-9
"""Of the mean information, that is added where none is known of a combination."""

MOST_MOVES = 30
LOST = (
    "The mode of the scales of groups was not found: state priors of them, "
    "Hierarchical(groups=...), or use NUTS()."
)

FAR = 1.7
"""Standard deviations from the mode at which the skewness of all else is measured."""

NUMBERS = 2**22
"""Of nodes of all levels, that are held for draws at a time."""


def starting(problem: Problem, density: Nested) -> Array:
    """Return where the search for h begins: effects half as large as η spreads."""
    statistics = problem.statistics
    outputs = problem.model.likelihood.outputs(statistics.mean_y, statistics.sd_y)
    h = np.concatenate([np.zeros(density.free), density.joint.scales.start()])
    at = density.free
    for part in density.joint.scales.parts:
        h[at : at + part.terms] += np.log(outputs[0][1] or 1.0)
        at += part.size
    return h


@dataclass(frozen=True, eq=False)
class Design:
    """Modes of all else at 1 + 2k points of h, and the proposal that they make (G46).

    Attributes
    ----------
    nodes : Nodes
    nats : float
        By how much more nodes change the log density at the mode.
    centre : ndarray, shape (k,)
        Of h.
    root : ndarray, shape (k, k)
    modes : tuple of Mode
        At the centre, and a column of the root below and above it, for every column.
    spreads : tuple of (ndarray, ndarray)
        Standard deviations below and above the centre, of every axis of h and of all else.
    """

    nodes: Nodes
    nats: float
    centre: Array
    root: Array
    modes: tuple[Mode, ...]
    spreads: tuple[tuple[Array, Array], ...] = ()

    @property
    def k(self) -> int:
        """Number of coordinates of h."""
        return len(self.centre)

    def parabolas(self) -> tuple[Array, Array]:
        """Return where parabolas along the axes have their tops, and how they bend."""
        values = np.array([mode.log_density for mode in self.modes])
        middle, below, above = values[0], values[1 : self.k + 1], values[self.k + 1 :]
        bend = np.clip(2.0 * middle - below - above, *BENDS)
        return np.clip(0.5 * (above - below) / bend, -2.0, 2.0), bend

    def between(self, delta: Array, found: Sequence[Array]) -> Array:
        """Interpolate what modes have along the axes, quadratically, as far as two (G46)."""
        out = np.array(found[0])
        pairs = zip(found[1 : self.k + 1], found[self.k + 1 :], strict=True)
        for t, (below, above) in zip(np.clip(delta, -2.0, 2.0), pairs, strict=True):
            out += 0.5 * t * (above - below) + 0.5 * t * t * (above + below - 2.0 * found[0])
        return out

    def proposal(self) -> SplitT:
        """Return what h is drawn from at first."""
        return SplitT(self.centre, self.root, *self.spreads[0])


def designed(density: Nested, start: Array) -> Design:
    """Find the mode of h, choose how many nodes, and expand at the points around it."""
    design = _climbed(density, start)
    centre, root = design.centre, _whitened(density, design)
    nodes, nats = chosen_nodes(density, centre, design.modes[0])
    for _ in range(MOST_MOVES):
        design = _expanded(density, centre, root, nodes, design.modes[0])
        move, _ = design.parabolas()
        if np.max(np.abs(move)) < 1.0:
            return replace(design, nats=nats, spreads=_spreads(density, design))
        centre = centre + root @ move
    raise ConvergenceError(LOST)


def _climbed(density: Nested, start: Array) -> Design:
    """Find about where the mode of h is with few nodes, the axes by parabolas each."""
    few, width = hermite_nodes(FEW, density.rows.terms), np.full(len(start), 0.5)
    design = _expanded(density, start, np.diag(width), few, density.blank())
    for _ in range(MOST_MOVES):
        move, bend = design.parabolas()
        if np.max(np.abs(move)) < 0.5 and np.all((bend > 0.5) & (bend < 2.0)):
            return design
        centre, width = design.centre + width * move, width / np.sqrt(bend)
        design = _expanded(density, centre, np.diag(width), few, design.modes[0])
    raise ConvergenceError(LOST)


def _expanded(density: Nested, centre: Array, root: Array, nodes: Nodes, near: Mode) -> Design:
    """Find the modes of all else at a point of h and a column of the root to either side."""
    middle = density.mode(centre, near, nodes, CENTRED)
    points = [*(centre - root.T), *(centre + root.T)]
    around = [density.mode(h, middle, nodes, CENTRED) for h in points]
    return Design(nodes, np.inf, centre, root, (middle, *around))


def _whitened(density: Nested, design: Design) -> Array:
    """Return a root of the inverse curvature of log p̃, its axes those that are not correlated."""
    k, values = design.k, [mode.log_density for mode in design.modes]
    H = np.diag(design.parabolas()[1])
    for i in range(k):
        for j in range(i):
            h = design.centre + design.root[:, i] + design.root[:, j]
            both = density.mode(h, design.modes[0], design.nodes, CENTRED).log_density
            H[i, j] = values[k + 1 + i] + values[k + 1 + j] - values[0] - both
            H[j, i] = H[i, j]
    bends, axes = np.linalg.eigh(H)
    return design.root @ (axes / np.sqrt(np.clip(bends, *BENDS)))


def _spreads(density: Nested, design: Design) -> tuple[tuple[Array, Array], ...]:
    """Return how far the density reaches to either side, along every axis of h and of c (G46)."""
    mode, k, n = design.modes[0], design.k, density.n
    fall = np.array([mode.log_density - other.log_density for other in design.modes[1:]])
    L = np.linalg.cholesky(density.precision(mode.curvature, density.roots(design.centre)))
    away = FAR * np.linalg.inv(L)
    c = np.concatenate([mode.c[None], mode.c - away, mode.c + away])
    h, start = np.tile(design.centre, (len(c), 1)), np.tile(mode.centre, (len(c), 1, 1))
    values = density.log_prior_of(c, h)
    for some in at_a_time(density, design, len(c)):
        values[some] += density.integral(c[some], h[some], start[some], design.nodes, NEAR).value
    of_h, of_c = _spread(fall, 1.0), _spread(values[0] - values[1:], FAR)
    return (of_h[:k], of_h[k:]), (of_c[:n], of_c[n:])


def _spread(fall: Array, away: float) -> Array:
    """Return the standard deviation of a Gaussian that falls by so much, so far away."""
    return np.asarray(away / np.sqrt(2.0 * np.clip(fall, 0.125 * away**2, 2.0 * away**2)))


def chosen_nodes(density: Nested, h: Array, mode: Mode) -> tuple[Nodes, float]:
    """Return the first rule that a larger one does not change, and by how much it does."""
    counts, at = MOST_NODES[density.rows.terms], (mode.c[None], h[None], mode.centre[None])
    rules = [hermite_nodes(count, density.rows.terms) for count in counts]
    before = density.integral(*at, rules[0], CENTRED).value[0]
    for rule, larger in pairwise(rules):
        value = density.integral(*at, larger, CENTRED).value[0]
        nats, before = abs(value - before), value
        if nats < NATS:
            return rule, float(nats)
    return larger, float(nats)


def at_a_time(density: Nested, design: Design, size: int) -> Iterator[slice]:
    """Yield as many draws at a time as nodes of all their levels may be held of."""
    step = max(1, NUMBERS // (len(design.nodes.at) * len(density.rows.levels)))
    yield from (slice(first, first + step) for first in range(0, size, step))


class Given(NamedTuple):
    """All else given h, in units of the expected information S = CCᵀ there (G45).

    Attributes
    ----------
    expected : Expected
        At the centre; S is that of Λ of the largest factor.
    a : ndarray, shape (n,)
        The mode at the centre.
    slopes, curvatures : list of ndarray
        C⁻¹(b − Ma) and C⁻¹MC⁻ᵀ at the points of the design.
    """

    expected: Expected
    a: Array
    slopes: list[Array]
    curvatures: list[Array]

    def unit(self, root: Array) -> Array:
        """Return C, of S that is made definite where nothing is known."""
        S = self.expected.curvature(root)
        return np.linalg.cholesky(S + DEFINITE * max(np.trace(S) / len(S), 1.0) * np.eye(len(S)))


def given_of(density: Nested, design: Design) -> Given:
    """Return what the modes of a design say of all else."""
    mode = design.modes[0]
    a = density.turned(mode.c, density.roots(design.centre))
    found = Given(density.expected(mode.c, design.centre, mode.centre), a, [], [])
    points = [*(design.centre - design.root.T), *(design.centre + design.root.T)]
    for h, other in zip([design.centre, *points], design.modes, strict=True):
        C = found.unit(density.roots(h)[0])
        found.slopes.append(np.linalg.solve(C, other.linear - other.curvature @ a))
        half = np.linalg.solve(C, other.curvature)
        found.curvatures.append(np.linalg.solve(C, half.T))
    return found


def conditional(
    density: Nested, design: Design, given: Given, delta: Array, roots: list[Array]
) -> tuple[Array, Array]:
    """Return a root of the precision of all else given h, and its mean (G45)."""
    C = given.unit(roots[0])
    N = design.between(delta, given.curvatures)
    for middle in (N, given.curvatures[0]):  # too far away it is not interpolated
        M = C @ middle @ C.T
        b = M @ given.a + C @ design.between(delta, given.slopes)
        try:
            L = np.linalg.cholesky(density.precision(M, roots))
        except np.linalg.LinAlgError:
            continue
        return L, np.linalg.solve(L.T, np.linalg.solve(L, density.turned(b, roots, back=True)))
    raise ConvergenceError(
        "The curvature of coefficients and effects given scales is not positive definite where "
        "these are drawn: state proper priors, or use NUTS()."
    )
