"""Which start a network is trained from: rows that were held out say.

Derived in docs/theory/network.md, "Which start".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.memory import affordable
from bayesml.inference.networks.mode import Mode, Recipe, from_start, in_batches
from bayesml.inference.networks.settings import CALM, FREE, Start
from bayesml.inference.networks.starts import Setting, setting_of, without_hidden
from bayesml.log_joint import Rows
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Damped, LevenbergMarquardt
from bayesml.posteriors import LinearisedPosterior
from bayesml.typing import Array

HELD_OUT = 0.2
"""Share of the rows that judge a race."""

FEWEST, MOST = 50, 3000
"""Rows that a race should be judged by, for which it is repeated; and that it takes at most."""

MOST_ROUNDS = 3
"""How often a race is repeated at most."""

CLEAR = 2.0
"""Standard errors by which one start is better: else it is the calm one, or both in turn."""

FEW_STEPS = LevenbergMarquardt(max_iterations=80)
"""How runners train: enough to find the shape of the data."""

OF_RACE = 0.3
"""Share of the time, where it is limited, that a race may take."""

LOWEST = -1e3
"""Log density of a row where training diverged, and of one that was not foreseen at all."""

FEWEST_ROWS = 20
"""Rows below which a part of them says nothing of a start."""

TRIES = 4
"""Random weights from the free start at most, until one leaves the plateau where all begin."""

PLATEAU = 0.1
"""Nats a row by which the free start tells its own rows better unless it stays in a plateau."""

COARSE = LBFGS(max_iterations=2000, tolerance=1e-5)
"""How networks are trained for which not even factors of the curvature fit in memory."""


@dataclass(frozen=True, eq=False)
class Heat:
    """A part of the rows to train on, another to judge by, and what either start led to.

    Attributes
    ----------
    rows, held : Rows
    modes : mapping of Start to sequence of Mode
        One for every set of random weights; none where training diverged.
    linear : Mode
        Of the same network without hidden layers.
    """

    rows: Rows
    held: Rows
    modes: Mapping[Start, Sequence[Mode]]
    linear: Mode

    def best(self, start: Start) -> Mode:
        """Return the best mode from a start, by its evidence."""
        return max(self.modes[start], key=lambda mode: mode.score)

    def densities(self, start: Start) -> Array:
        """Return log densities of the rows held out, as often as they count."""
        if not self.modes[start]:
            return np.full(self.held.m, LOWEST)
        return _densities(self.best(start), self.held)


@dataclass(frozen=True, eq=False)
class Race:
    """Heats of two starts: which won, and by how much (M31)."""

    heats: Sequence[Heat]

    def densities(self, start: Start) -> Array:
        """Return log densities of all rows that were held out."""
        return self._by_start[start]

    @cached_property
    def _by_start(self) -> Mapping[Start, Array]:
        return {
            start: np.concatenate([heat.densities(start) for heat in self.heats])
            for start in self.starts
        }

    @cached_property
    def linear(self) -> Array:
        """Log densities of the same rows by the linear model."""
        return np.concatenate([_densities(heat.linear, heat.held) for heat in self.heats])

    @property
    def starts(self) -> Sequence[Start]:
        """From where it was run."""
        return [*self.heats[0].modes]

    @cached_property
    def won(self) -> Start:
        """The start: the free one alone only where it is clearly better than both in turn."""
        if len(self.starts) == 1:
            return self.starts[0]
        calm, free = self.densities(CALM), self.densities(FREE)
        return FREE if gain(free, np.logaddexp(calm, free) - np.log(2.0)) > CLEAR else CALM

    @property
    def winners(self) -> "Race":
        """The best mode of every heat alone."""
        won = self.won
        return Race(
            [replace(h, modes={won: [h.best(won)] if h.modes[won] else []}) for h in self.heats]
        )

    @cached_property
    def told(self) -> dict[str, float]:
        """How the starts and the linear model predicted, and what the network gained."""
        names = {CALM: "held_out calm", FREE: "held_out free"}
        return {
            **{names[start]: float(np.mean(self.densities(start))) for start in self.starts},
            "held_out linear": float(np.mean(self.linear)),
            "gain_over_linear": gain(self.densities(self.won), self.linear),
        }

    @property
    def start(self) -> Start:
        """The start that won, with what it foresees, and the other unless one is better alone."""
        foreseen = float(np.mean(self.densities(self.won)))
        other = FREE if self._mixed else None
        return replace(self.won, foreseen=foreseen, gain=self.told["gain_over_linear"], other=other)

    @property
    def _mixed(self) -> bool:
        """Whether both starts are to be taken in turn (M31)."""
        if len(self.starts) == 1 or self.won == FREE:
            return False
        calm, free = self.densities(CALM), self.densities(FREE)
        bent = max(gain(calm, self.linear), gain(free, self.linear)) > CLEAR
        return bent and float(free.min()) > LOWEST and gain(calm, free) <= CLEAR


def race(
    problem: Problem, rng: np.random.Generator, recipe: Recipe, begun: Race | None = None
) -> Race | None:
    """Train from two starts on a part of the rows; None where there is no choice.

    `begun` is the race of a simpler likelihood on the same rows, from whose modes it goes on.
    """
    if not _open(problem, recipe):
        return None
    own, runners = rng.spawn(1)[0], Recipe(FEW_STEPS, watch=recipe.watch.share(OF_RACE))
    starts = (CALM, FREE) if begun is None else begun.starts
    settings = {start: prepared(problem, recipe, start)[0] for start in starts}
    sd_y = problem.statistics.sd_y or 1.0
    train = partial(from_start, sd_y=sd_y, rng=own, recipe=runners)
    if begun is not None:
        heats = [_continued(heat, settings, train) for heat in begun.heats]
    else:
        rows = _distinct(settings[CALM].rows.at_hand(), own)
        if rows.m < FEWEST_ROWS:
            return None
        heats = [_heat(*parts, settings, train) for parts in [*_rounds(rows, own)]]
    found = Race(heats)
    if max(found.densities(start).max() for start in starts) <= LOWEST:
        raise ConvergenceError(
            "Training diverged from every start. Check the scales of the data, or state a prior "
            "such as Layered(sd=1.0)."
        )
    return found


def raced(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Recipe:
    """State the start: of two, the one from which rows held out are predicted better (M31)."""
    stated = recipe.training.start
    if stated is not None and stated.gain is not None:  # by a race before this fit
        return replace(recipe, raced={"gain_over_linear": stated.gain})
    found = race(problem, rng, recipe)
    if found is None:
        return recipe
    training = replace(recipe.training, start=found.start)
    return replace(recipe, training=training, raced=found.told)


def gain(one: Array, other: Array) -> float:
    """Return by how many standard errors one tells the same rows better than another."""
    differences = one - other
    spread = max(float(np.std(differences)), 1e-9)
    return float(np.mean(differences)) * float(np.sqrt(len(differences))) / spread


def prepared(problem: Problem, recipe: Recipe, start: Start) -> tuple[Setting, Recipe]:
    """Return the setting at a start, and the recipe with its optimizer where memory chooses it."""
    streamed = not problem.data.in_memory and in_batches(recipe.optimizer)
    setting = setting_of(problem, streamed, start)
    near = recipe.near or affordable(setting.network, setting.shapes, problem.data.m)
    if near is None and recipe.optimizer is None:
        recipe = replace(recipe, optimizer=COARSE)
    return replace(setting, near=near or factorised), recipe


def _open(problem: Problem, recipe: Recipe) -> bool:
    """Say whether there is a start to choose, and rows to choose it by."""
    training, optimizer = recipe.training, recipe.optimizer
    by_evidence = recipe.tune and training.held_out == 0 and bool(problem.hyperparameters)
    curved = optimizer is None or isinstance(optimizer, Damped)
    deep = len(problem.shapes) > 2  # without hidden layers there is one optimum
    enough = problem.data.in_memory and problem.data.m >= FEWEST_ROWS
    return training.start is None and by_evidence and curved and deep and enough


def _distinct(rows: Rows, rng: np.random.Generator) -> Rows:
    """Return every row once, with its weight: none is held out that was also trained on."""
    few = rows if rows.m <= MOST else rows.of_rows(rng.permutation(rows.m)[:MOST])
    table, which = np.unique(np.column_stack([few.A, few.y]), axis=0, return_inverse=True)
    once = replace(few, A=table[:, :-1], y=table[:, -1], w=np.bincount(which, few.w))
    return once.of_rows(np.flatnonzero(once.w > 0))


def _rounds(rows: Rows, rng: np.random.Generator) -> Iterator[tuple[Rows, Rows]]:
    """Divide the rows into those to train on and those to judge by."""
    held = round(HELD_OUT * rows.m)
    order = rng.permutation(rows.m)
    for k in range(int(np.clip(np.ceil(FEWEST / held), 1, MOST_ROUNDS))):
        aside = np.arange(k * held, (k + 1) * held)
        yield rows.of_rows(np.delete(order, aside)), rows.of_rows(order[aside])


def _heat(
    rows: Rows, held: Rows, settings: Mapping[Start, Setting], train: Callable[..., Mode]
) -> Heat:
    """Train from either start on a part of the rows, and the linear model."""
    calm, free = (_on(rows, settings[start]) for start in (CALM, FREE))
    first, second = _tried(calm, train), _tried(free, train)
    linear = train(without_hidden(calm))
    for _ in range(TRIES - 1):
        heat = Heat(rows, held, {CALM: first, FREE: second}, linear)
        stuck = first and second and heat.best(FREE).density <= first[0].density + PLATEAU
        better = np.mean(heat.densities(FREE)) > np.mean(heat.densities(CALM))
        if not stuck and (len(second) > 1 or not better):
            return heat
        second = [*second, *_tried(free, train)]
    return Heat(rows, held, {CALM: first, FREE: second}, linear)


def _continued(heat: Heat, settings: Mapping[Start, Setting], train: Callable[..., Mode]) -> Heat:
    """Go on under another likelihood from the modes of a simpler one."""
    parts = {start: _on(heat.rows, own) for start, own in settings.items()}
    modes = {
        start: [mode for one in heat.modes[start] for mode in _tried(part, train, begun=one)]
        for start, part in parts.items()
    }
    linear = train(without_hidden(next(iter(parts.values()))))
    return Heat(heat.rows, heat.held, modes, linear)


def _on(rows: Rows, setting: Setting) -> Setting:
    """Return the setting on a part of the rows."""
    return replace(setting, rows=rows.under(setting.rows.frame, setting.rows.likelihood))


def _tried(setting: Setting, train: Callable[..., Mode], begun: Mode | None = None) -> list[Mode]:
    """Train once; return nothing where it diverges."""
    try:
        return [train(setting, begun=begun)]
    except ConvergenceError:
        return []


def _densities(mode: Mode, held: Rows) -> Array:
    """Return log densities of rows held out, as often as they count."""
    frame, likelihood = mode.setting.rows.frame, mode.setting.rows.likelihood
    posterior = LinearisedPosterior(
        frame.predictor,
        likelihood,
        mode.parameters,
        mode.point.regression(),
        mode.scales.values,
        (),
        held.n,
    )
    density = posterior.predict(held.A).distribution.log_density(held.y)
    return np.maximum(density, LOWEST) * held.w * held.m / held.weight
