"""Find the mode of a network: which start to train from, and the best of several restarts.

Derived in docs/theory/network.md, "Which start".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.memory import affordable
from bayesml.inference.networks.mode import Mode, Recipe, from_start, from_there, in_batches
from bayesml.inference.networks.settings import CALM, FREE, Start
from bayesml.inference.networks.starts import Setting, setting_of, without_hidden
from bayesml.log_joint import Rows
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Damped, LevenbergMarquardt
from bayesml.posteriors import LinearisedPosterior
from bayesml.typing import Array

COARSE = LBFGS(max_iterations=2000, tolerance=1e-5)
"""How networks are trained for which not even factors of the curvature fit in memory."""

HELD_OUT = 0.2
"""Share of the rows that judge a race."""

FEWEST, MOST = 50, 3000
"""Rows that a race should be judged by, for which it is repeated; and that it takes at most."""

MOST_ROUNDS = 3
"""How often a race is repeated at most."""

CLEAR = 2.0
"""Standard errors by which the free start must be better: where it is worse it is much worse."""

FEW_STEPS = LevenbergMarquardt(max_iterations=80)
"""How runners train: enough to find the shape of the data."""

OF_RACE = 0.3
"""Share of the time, where it is limited, that a race may take."""

ATTEMPTS = 4
"""How often training begins again where it ended short of what was foreseen."""

SHORT = 0.4
"""Nats a row that it may be short: a network tells its own rows better than others."""

LOWEST = -1e3
"""Log density of a row where training diverged, and of one that was not foreseen at all."""

FEW_ROWS, MANY = 3000, 2
"""Rows that find the shape of the data, and by how much there must be more to begin with them."""

FEWEST_ROWS = 20
"""Rows below which a part of them says nothing of a start."""


def find_mode(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from every random start, and keep the best answer."""
    recipe = raced(problem, rng, recipe)
    setting, recipe = _prepared(problem, recipe, recipe.training.start or CALM)
    if setting.rows.read_from is not None and recipe.training.held_out > 0:
        raise IncompatibleModelError(
            f"{recipe.training!r} sets rows aside, and these are "
            f"{problem.data.source.whereabouts}, block by block. Use held_out=0 and a prior, or "
            "hold rows in memory."
        )
    sd_y = problem.statistics.sd_y or 1.0
    modes = [_from_few(setting, sd_y, rng, recipe) for _ in range(recipe.training.restarts)]
    if setting.start.foreseen is not None:
        free = _prepared(problem, recipe, FREE)[0]
        modes = [_as_foreseen(mode, free, sd_y, rng, recipe) for mode in modes]
    best = max(modes, key=lambda mode: mode.score)
    if len(modes) > 1:
        best = replace(best, reason=f"{best.reason}; best of {len(modes)} restarts")
    return replace(best, raced=recipe.raced)


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
        short = foreseen is not None and _per_row(free, best) <= foreseen - SHORT
        if not short or recipe.watch.over():
            break
        again = _from_few(free, sd_y, rng, recipe)
        best = max(best, again, key=lambda mode: _per_row(free, mode))
    return best


def _per_row(setting: Setting, mode: Mode) -> float:
    """Return the log density of the rows, per unit of weight."""
    rows = setting.rows.at_hand()
    return float(rows.log_likelihood(rows.eta(mode.x), mode.scales.values)) / rows.weight


def raced(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Recipe:
    """State the start: of two, the one from which rows held out are predicted better (M31)."""
    found = race(problem, rng, recipe)
    if found is None:
        return recipe
    training = replace(recipe.training, start=found.start)
    return replace(recipe, training=training, raced=found.told)


@dataclass(frozen=True, eq=False)
class Race:
    """The start that won, log densities of the rows held out from it, and how all starts did."""

    start: Start
    densities: Array
    told: Mapping[str, float]


def race(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Race | None:
    """Train from two starts on a part of the rows; None where there is no choice."""
    if not _open(problem, recipe):
        return None
    own, runners = rng.spawn(1)[0], Recipe(FEW_STEPS, watch=recipe.watch.share(OF_RACE))
    rows = _distinct(_prepared(problem, recipe, CALM)[0].rows.at_hand(), own)
    if rows.m < FEWEST_ROWS:
        return None
    runs = [_densities(problem, recipe, runners, *parts, own) for parts in [*_rounds(rows, own)]]
    calm, free, linear = (np.concatenate(column) for column in zip(*runs, strict=True))
    if max(calm.max(), free.max()) <= LOWEST:
        raise ConvergenceError(
            "Training diverged from every start. Check the scales of the data, or state a prior "
            "such as Layered(sd=1.0)."
        )
    clear = np.mean(free - calm) > CLEAR * _error(free - calm)
    start, best = (FREE, free) if clear else (CALM, calm)
    told = {
        "held_out calm": float(np.mean(calm)),
        "held_out free": float(np.mean(free)),
        "held_out linear": float(np.mean(linear)),
        "gain_over_linear": float(np.mean(best - linear) / _error(best - linear)),
    }
    return Race(replace(start, foreseen=float(np.mean(best))), best, told)


def clearly_better(one: Race, other: Race) -> bool:
    """Say whether rows held out are told better by one race than by another, beyond an error."""
    gain = one.densities - other.densities
    return bool(np.mean(gain) > _error(gain))


def _open(problem: Problem, recipe: Recipe) -> bool:
    """Say whether there is a start to choose, and rows to choose it by."""
    training, optimizer = recipe.training, recipe.optimizer
    by_evidence = recipe.tune and training.held_out == 0 and bool(problem.hyperparameters)
    curved = optimizer is None or isinstance(optimizer, Damped)
    deep = len(problem.shapes) > 2  # without hidden layers there is one optimum
    enough = problem.data.in_memory and problem.data.m >= FEWEST_ROWS
    return training.start is None and by_evidence and curved and deep and enough


def _prepared(problem: Problem, recipe: Recipe, start: Start) -> tuple[Setting, Recipe]:
    """Return the setting at a start, and the recipe with its optimizer where memory chooses it."""
    streamed = not problem.data.in_memory and in_batches(recipe.optimizer)
    setting = setting_of(problem, streamed, start)
    near = recipe.near or affordable(setting.network, setting.shapes, problem.data.m)
    if near is None and recipe.optimizer is None:
        recipe = replace(recipe, optimizer=COARSE)
    return replace(setting, near=near or factorised), recipe


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


def _densities(
    problem: Problem,
    recipe: Recipe,
    runners: Recipe,
    rows: Rows,
    held: Rows,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Return log densities of rows held out, from either start and of the linear model."""
    calm, free = (_prepared(problem, recipe, start)[0] for start in (CALM, FREE))
    sd_y = problem.statistics.sd_y or 1.0
    one, two, three = (
        _density(
            replace(own, rows=rows.under(own.rows.frame, own.rows.likelihood)),
            held,
            sd_y,
            rng,
            runners,
        )
        for own in (calm, free, without_hidden(calm))
    )
    return one, two, three


def _density(
    setting: Setting, held: Rows, sd_y: float, rng: np.random.Generator, runners: Recipe
) -> Array:
    """Return log densities of rows held out, as often as they count."""
    frame, likelihood = setting.rows.frame, setting.rows.likelihood
    try:
        tries = 2 if setting.start == FREE else 1  # which may stay in a plateau
        modes = [from_start(setting, sd_y, rng, runners) for _ in range(tries)]
    except ConvergenceError:
        return np.full(held.m, LOWEST)
    mode = max(modes, key=lambda one: one.score)
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


def _error(differences: Array) -> float:
    """Return the standard error of a mean difference."""
    spread = max(float(np.std(differences)), 1e-9)
    return spread / float(np.sqrt(len(differences)))
