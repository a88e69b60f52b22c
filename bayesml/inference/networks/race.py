"""Which start a network is trained from: rows that were held out say.

Derived in docs/theory/network.md, "Which start".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.heats import LOWEST, Heat, Race
from bayesml.inference.networks.memory import affordable
from bayesml.inference.networks.mode import Mode, Recipe, from_start, in_batches
from bayesml.inference.networks.settings import CALM, FREE, Start
from bayesml.inference.networks.starts import Setting, setting_of, without_hidden
from bayesml.inference.networks.training import NOWHERE
from bayesml.log_joint import Rows
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Damped, LevenbergMarquardt

HELD_OUT = 0.2
"""Share of the rows that judge a race."""

FEWEST, MOST = 50, 3000
"""Rows that a race should be judged by, for which it is repeated; and that it takes at most."""

MOST_ROUNDS = 3
"""How often a race is repeated at most."""

FEW_STEPS = LevenbergMarquardt(max_iterations=80)
"""How runners train: enough to find the shape of the data."""

OF_RACE = 0.3
"""Share of the time, where it is limited, that a race may take."""

FEWEST_ROWS = 20
"""Rows below which a part of them says nothing of a start."""

TRIES = 4
"""Random weights from the free start at most, until one leaves the plateau where all begin."""

PLATEAU = 0.1
"""Nats a row by which the free start tells its own rows better unless it stays in a plateau."""

COARSE = LBFGS(max_iterations=2000, tolerance=1e-5)
"""How networks are trained for which not even factors of the curvature fit in memory."""


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
            "Training diverged from every start, or told rows exactly. Check the scales of the "
            "data, and state a prior such as Layered(sd=1.0), or the noise: Gaussian(sigma=...)."
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
    """Train once; return nothing where it ends nowhere."""
    try:
        return [train(setting, begun=begun)]
    except NOWHERE:
        return []
