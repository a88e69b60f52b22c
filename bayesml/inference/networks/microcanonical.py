"""Microcanonical Langevin sampling of many chains at once.

Derived in docs/theory/network.md, (M15) to (M17).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.networks.density import Density
from bayesml.inference.networks.watch import Watch
from bayesml.typing import Array, Bools

MEMORY = 0.99
"""How much of the average that sets the step size survives a step."""

WIDTH = 9.0
"""Steps whose energy error is off by e^±9 hardly count in that average."""

TIMED = 20
"""Steps by whose time it is foreseen how many more there is time for."""

LOOKS = 8
"""How often it is asked, after the warm-up, whether there are draws enough."""

FEWEST_DRAWS = 4
"""Draws a chain that are made however little time there is."""

WILD = 2.0
"""An energy error beyond this many √d is not a step but a fall: it is refused."""


@dataclass(frozen=True)
class RunLayout:
    """How a run is laid out.

    Attributes
    ----------
    steps, warmup, thin : int
        Steps in all; of these to forget the start; between draws that are kept.
    gibbs : int
        Steps between draws of the precisions.
    energy : float
        The energy error's variance per dimension that the step size aims at.
    """

    steps: int
    warmup: int
    thin: int
    gibbs: int
    energy: float

    def in_time(self, each: float, left: float) -> "RunLayout":
        """Return as many of the steps as there is time for, at so many seconds each."""
        if each * self.steps <= left:
            return self
        share = self.warmup / self.steps
        least = int(np.ceil((FEWEST_DRAWS + 1) * self.thin / (1.0 - share)))
        steps = int(np.clip(left / each, min(least, self.steps), self.steps))
        return replace(self, steps=steps, warmup=int(share * steps))

    def looks_at(self, step: int) -> bool:
        """Say whether a step is one after which it is asked whether there are draws enough."""
        made = step + 1 - self.warmup
        every = max((self.steps - self.warmup) // LOOKS, FEWEST_DRAWS * self.thin)
        return made > 0 and made % every == 0


@dataclass(frozen=True, eq=False)
class Run:
    """Draws and what happened on the way.

    Attributes
    ----------
    positions : ndarray, shape (C, draws, d)
    precisions : ndarray, shape (C, draws, G)
    energy_variance : ndarray, shape (C,)
        Of the energy error per dimension, after the warm-up.
    step_size : ndarray, shape (C,)
    refused : ndarray, shape (C,)
        Share of steps refused after the warm-up.
    steps : int
        How many there were.
    """

    positions: Array
    precisions: Array
    energy_variance: Array
    step_size: Array
    refused: Array
    steps: int

    def of(self, chains: slice) -> "Run":
        """Return some of the chains."""
        return Run(
            self.positions[chains],
            self.precisions[chains],
            self.energy_variance[chains],
            self.step_size[chains],
            self.refused[chains],
            self.steps,
        )


class StepSize:
    """The step size of every chain, led by the energy errors it meets: Var[ΔE] ∝ ε⁶."""

    def __init__(self, start: Array, target: float) -> None:
        self.value = start
        self._target = target
        self._sum = np.zeros_like(start)
        self._count = np.zeros_like(start)

    def learn(self, error: Array, good: Bools) -> None:
        """Take one energy error a chain into account; refused steps shrink the step."""
        ratio = np.where(good, error**2, 1.0) / self._target + 1e-8
        weight = np.exp(-0.5 * (np.log(ratio) / WIDTH) ** 2) * good
        self._sum = MEMORY * self._sum + weight * ratio / self.value**6
        self._count = MEMORY * self._count + weight
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = (self._sum / self._count) ** (-1.0 / 6.0)
        grown = np.minimum(np.where(np.isfinite(wanted), wanted, self.value), 1.1 * self.value)
        self.value = np.where(good, grown, 0.8 * self.value)


def turn(u: Array, gradient: Array, step: Array) -> tuple[Array, Array]:
    """Turn the directions towards the force for a time `step`; return them and ΔK (M16)."""
    d = u.shape[1]
    # At a mode itself there is no force, and nothing turns.
    norm = np.maximum(_norm(gradient), np.finfo(np.float64).tiny)
    delta, along = step * norm / (d - 1), _inner(gradient, u) / norm
    decay = np.exp(-delta)
    ahead = (1.0 - decay) * (1.0 + decay + along * (1.0 - decay))
    new = gradient * (ahead / norm)[:, None]
    new += 2.0 * decay[:, None] * u
    kinetic = delta - np.log(2.0) + np.log1p(along + (1.0 - along) * decay**2)
    return _unit(new), (d - 1) * kinetic


def refresh(u: Array, step: Array, length: float, rng: np.random.Generator) -> Array:
    """Forget the directions over a length."""
    spread = np.sqrt(np.expm1(2.0 * step / length) / u.shape[1])
    noise = rng.standard_normal(u.shape)
    noise *= spread[:, None]
    noise += u
    return _unit(noise)


class Walk:
    """Where all chains stand: positions, directions, the density there, the precisions."""

    def __init__(self, density: Density, precision: Array, rng: np.random.Generator) -> None:
        self.density, self.precision, self.rng = density, precision, rng
        self.z: Array = np.zeros(density.centre.shape)
        self.u = _unit(rng.standard_normal(self.z.shape))
        self.position = density.position(self.z)
        self.data = density.data_part(self.position)
        self.value, self.gradient = density.with_prior(self.position, self.data, precision)
        if not np.all(np.isfinite(self.value)):
            raise ConvergenceError("The density is not finite at the modes where chains start.")

    def step(self, size: Array, length: float) -> tuple[Array, Bools]:
        """Move by half a turn, a step and half a turn (M16); return ΔE and whether it was taken."""
        turned, first = turn(self.u, self.gradient, 0.5 * size)
        moved: Array = self.z + size[:, None] * turned
        there = self.density.position(moved)
        with np.errstate(over="ignore", invalid="ignore"):
            data = self.density.data_part(there)
            value, gradient = self.density.with_prior(there, data, self.precision)
            turned, second = turn(turned, gradient, 0.5 * size)
            error = first + second - (value - self.value)
        good: Bools = np.isfinite(error) & (np.abs(error) < WILD * np.sqrt(self.z.shape[1]))
        if not good.all():
            moved, there = _choose(good, moved, self.z), _choose(good, there, self.position)
            data = _choose(good, data[0], self.data[0]), _choose(good, data[1], self.data[1])
            value, gradient = (
                _choose(good, value, self.value),
                _choose(good, gradient, self.gradient),
            )
            turned = _choose(good, turned, -self.u)
        self.z, self.position, self.data = moved, there, data
        self.value, self.gradient = value, gradient
        self.u = refresh(turned, size, length, self.rng)
        return error, good

    def draw_precision(self) -> None:
        """Draw the prior precisions given the weights (M17)."""
        self.precision = self.density.draw_precision(self.position, self.precision, self.rng)
        self.value, self.gradient = self.density.with_prior(
            self.position, self.data, self.precision
        )


def run_chains(
    density: Density,
    precision: Array,
    layout: RunLayout,
    rng: np.random.Generator,
    watch: Watch,
    enough: Callable[[Array], bool] = lambda positions: False,
    told: Callable[[int], None] = lambda step: None,
) -> Run:
    """Sample all chains from their centres, until there are draws enough or time is over."""
    chains, d = density.centre.shape
    walk, length = Walk(density, precision, rng), float(np.sqrt(d))
    step = StepSize(np.full(chains, 0.05 * length), layout.energy * d)
    kept: list[Array] = []
    scales: list[Array] = []
    errors, bad = np.zeros(chains), np.zeros(chains)
    start, i = monotonic(), -1
    while (i := i + 1) < layout.steps:
        if i == TIMED:
            layout = layout.in_time((monotonic() - start) / TIMED, watch.left + monotonic() - start)
        watch.over()
        error, good = walk.step(step.value, length)
        if i % layout.gibbs == layout.gibbs - 1:
            walk.draw_precision()
        step.learn(error, good)
        told(i)
        if i < layout.warmup:
            continue
        errors += np.where(good, error, 0.0) ** 2
        bad += ~good
        if (i - layout.warmup) % layout.thin == layout.thin - 1:
            kept.append(walk.position)
            scales.append(walk.precision)
        if layout.looks_at(i) and enough(np.stack(kept, axis=1)):
            i += 1
            break
    after = i - layout.warmup
    return Run(
        np.stack(kept, axis=1),
        np.stack(scales, axis=1),
        errors / (after - bad).clip(1) / d,
        step.value,
        bad / after,
        i,
    )


def _inner(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _norm(u: Array) -> Array:
    return np.sqrt(_inner(u, u))


def _unit(u: Array) -> Array:
    """Divide by the norm, in place."""
    u /= _norm(u)[:, None]
    return u


def _choose(good: Bools, new: Array, old: Array) -> Array:
    return np.where(good if new.ndim == 1 else good[:, None], new, old)
