"""Find the mode of a network: the best of several restarts, from the start that won.

Derived in docs/theory/network.md, "Which start".
"""

from dataclasses import replace

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.networks.memory import affordable
from bayesml.inference.networks.mode import Mode, Recipe, from_start, from_there
from bayesml.inference.networks.race import prepared, raced
from bayesml.inference.networks.settings import CALM, FREE
from bayesml.inference.networks.starts import Setting
from bayesml.inference.networks.training import NOWHERE
from bayesml.log_joint import Rows
from bayesml.model import Problem
from bayesml.optimizers import Damped

ATTEMPTS = 4
"""How often training begins again where it ended short of what was foreseen."""

SHORT = 0.4
"""Nats a row that it may be short: a network tells its own rows better than others."""

FEW_ROWS, MANY = 3000, 2
"""Rows that find the shape of the data, and by how much there must be more to begin with them."""


def find_mode(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from every random start, and keep the best answer."""
    recipe = raced(problem, rng, recipe)
    setting, recipe = prepared(problem, recipe, recipe.training.start or CALM)
    if setting.rows.read_from is not None and recipe.training.held_out > 0:
        raise IncompatibleModelError(
            f"{recipe.training!r} sets rows aside, and these are "
            f"{problem.data.source.whereabouts}, block by block. Use held_out=0 and a prior, or "
            "hold rows in memory."
        )
    sd_y = problem.statistics.sd_y or 1.0
    modes = [_trained(setting, problem, sd_y, rng, recipe) for _ in range(recipe.training.restarts)]
    if setting.start.foreseen is not None:
        free = prepared(problem, recipe, FREE)[0]
        modes = [_as_foreseen(mode, free, sd_y, rng, recipe) for mode in modes]
    best = max(modes, key=lambda mode: mode.score)
    if len(modes) > 1:
        best = replace(best, reason=f"{best.reason}; best of {len(modes)} restarts")
    return replace(best, raced=recipe.raced)


def _trained(
    setting: Setting, problem: Problem, sd_y: float, rng: np.random.Generator, recipe: Recipe
) -> Mode:
    """Train from the start; from the calm one where one that a race took leads nowhere."""
    try:
        return _from_few(setting, sd_y, rng, recipe)
    except NOWHERE:
        if setting.start.gain is None or setting.start.precision == CALM.precision:
            raise
    mode = _from_few(prepared(problem, recipe, CALM)[0], sd_y, rng, recipe)
    return replace(mode, reason=f"{mode.reason}, since training from the free start diverged")


def _from_few(setting: Setting, sd_y: float, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from a random start: where rows are many on some of them, and from there on all."""
    rows, by_steps = setting.rows, recipe.optimizer is None or isinstance(recipe.optimizer, Damped)
    many = isinstance(rows, Rows) and rows.m > MANY * FEW_ROWS
    if not (many and by_steps and recipe.training.held_out == 0):
        return from_start(setting, sd_y, rng, recipe)
    few = rows.at_hand().of_rows(np.sort(rng.permutation(rows.m)[:FEW_ROWS]))
    near = affordable(setting.network, setting.shapes, few.m) or setting.near
    first = from_start(replace(setting, rows=few, near=near), sd_y, rng, recipe)
    mode = from_there(replace(setting, scales=first.scales), first.x, rng, recipe)
    return replace(mode, reason=f"{mode.reason}, from {few.m:,} of the rows")


def _as_foreseen(
    best: Mode, free: Setting, sd_y: float, rng: np.random.Generator, recipe: Recipe
) -> Mode:
    """Begin again from the free start until rows are told as well as the race told others."""
    foreseen = best.setting.start.foreseen
    for _ in range(ATTEMPTS):
        short = foreseen is not None and best.density <= foreseen - SHORT
        if not short or recipe.watch.over():
            break
        try:
            again = _from_few(free, sd_y, rng, recipe)
        except NOWHERE:
            break  # what there is falls short, and is judged as it is
        best = max(best, again, key=lambda mode: mode.density)
    return best
