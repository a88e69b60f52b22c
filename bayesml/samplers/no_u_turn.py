"""The No-U-Turn sampler on any log density and gradient written in numpy: nothing is compiled.

The chains are nutpie's (diagonal metric, in Rust); only the log density is called back in Python.
Positions are unconstrained: transforms and their Jacobians belong to the caller.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.errors import ConvergenceError, SamplingInterrupted
from bayesml.samplers.chains import LogDensity, Target, launch, run
from bayesml.samplers.progress import Progress
from bayesml.typing import Array

STATISTICS: Mapping[str, str] = {
    "diverging": "diverging",
    "energy": "energy",
    "energy_error": "energy_error",
    "max_energy_error": "max_energy_error",
    "n_steps": "n_steps",
    "step_size": "step_size",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "mean_tree_accept": "acceptance_rate",
    "logp": "lp",
}
"""nutpie's name of each sample statistic -> ArviZ's."""

NUDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What warm-up learnt, enough to continue the chains.

    Parameters
    ----------
    scale
        Standard deviations of the diagonal metric, shape (chain, p).
    step_size
        Step size after adaptation, shape (chain,), in units of ``scale``.
    position
        Last position, shape (chain, p).
    """

    scale: Array
    step_size: Array
    position: Array


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws of NUTS on the unconstrained scale.

    Parameters
    ----------
    positions
        Shape (chain, draw, p).
    sample_stats
        One (chain, draw) array per statistic, in ArviZ's names.
    adaptation
        The state from which `sample` continues.
    """

    positions: Array
    sample_stats: Mapping[str, Array]
    adaptation: Adaptation


def sample(
    log_density_and_gradient: LogDensity,
    start: Array,
    *,
    draws: int,
    tune: int,
    chains: int,
    target_accept: float,
    max_depth: int,
    seed: int,
    progress: bool,
    adaptation: Adaptation | None = None,
) -> Draws:
    """Draw from exp(log density) with the No-U-Turn sampler.

    Parameters
    ----------
    log_density_and_gradient
        q (p,) -> log p(q) up to a constant, and its gradient (p,). A value that is not finite is a
        divergence; an exception ends the run and is raised as itself.
    start
        First position of each chain, (chains, p), or of all chains, (p,).
    draws, tune, chains
        Draws kept per chain, warm-up draws per chain, number of chains.
    target_accept
        Mean acceptance probability to which the step size adapts, in (0, 1).
    max_depth
        A trajectory has at most 2**max_depth steps.
    seed
        Chain k depends on (seed, k) alone: the same seed gives the same draws, bit for bit.
    progress
        Show a line of progress on a terminal.
    adaptation
        Units and step of an earlier run, for which a short ``tune`` then suffices.

    Raises
    ------
    ConvergenceError
        The log density or its gradient is not finite, or of the wrong shape, at a start.
    SamplingInterrupted
        Ctrl-C came before every chain had a draw. Later, the draws so far are returned.

    References
    ----------
    Hoffman and Gelman (2014), The No-U-Turn Sampler, JMLR 15.

    Examples
    --------
    >>> result = sample(
    ...     lambda q: (-0.5 * q @ q, -q),
    ...     np.zeros(2),
    ...     draws=100,
    ...     tune=100,
    ...     chains=2,
    ...     target_accept=0.8,
    ...     max_depth=10,
    ...     seed=1,
    ...     progress=False,
    ... )
    >>> result.positions.shape
    (2, 100, 2)
    """
    starts = np.atleast_2d(np.asarray(start, dtype=np.float64))
    starts = np.broadcast_to(starts, (chains, starts.shape[1]))
    seeds = _chain_seeds(seed, chains)
    starts = np.stack(
        [_usable(log_density_and_gradient, *pair) for pair in zip(starts, seeds, strict=True)]
    )
    scale = np.ones(starts.shape) if adaptation is None else adaptation.scale
    targets = [Target(log_density_and_gradient, row) for row in scale]
    settings = {
        "draws": draws,
        "tune": max(tune, 1),
        "target_accept": target_accept,
        "maxdepth": max_depth,
    }
    finished = Progress(chains * (draws + max(tune, 1)), shown=progress)
    samplers = [
        launch(target, row / target.scale, chain_seed, settings, finished.of(chain))
        for chain, (target, row, chain_seed) in enumerate(zip(targets, starts, seeds, strict=True))
    ]
    return _collect(run(samplers, targets, finished), scale)


def _usable(function: LogDensity, position: Array, seed: int) -> Array:
    """Move the start off any stationary coordinate: nutpie's first metric is 1/|gradient|."""
    value, gradient = function(position.copy())
    if np.shape(gradient) != position.shape:
        raise ConvergenceError(
            f"the gradient has shape {np.shape(gradient)}; it needs the shape of the position, "
            f"{position.shape}"
        )
    if not (math.isfinite(value) and np.isfinite(gradient).all()):
        raise ConvergenceError(
            f"the log density ({value}) or its gradient is not finite at the start {position}; "
            "start where the posterior has mass"
        )
    nudge = NUDGE * np.random.default_rng(seed).standard_normal(position.shape)
    return np.where(np.asarray(gradient) == 0.0, position + nudge, position)


def _chain_seeds(seed: int, chains: int) -> list[int]:
    children = np.random.SeedSequence(seed).spawn(chains)
    return [int(child.generate_state(1, np.uint64)[0]) for child in children]


def _collect(trees: Sequence[Any], scale: Array) -> Draws:
    """Stack the chains, cut to the length of the shortest."""
    kept = min(
        tree["posterior"].sizes["draw"] if "posterior" in tree.children else 0 for tree in trees
    )
    if kept == 0:
        raise SamplingInterrupted(
            "sampling was interrupted during warm-up, before every chain had a draw; "
            "nothing can be returned: run it again, or ask for fewer warm-up draws"
        )
    positions = np.concatenate([tree["posterior"]["position"].values[:, :kept] for tree in trees])
    statistics = {
        name: np.concatenate([tree["sample_stats"][theirs].values[:, :kept] for tree in trees])
        for theirs, name in STATISTICS.items()
    }
    adaptation = Adaptation(
        scale=scale * np.stack([_scale(tree) for tree in trees]),
        step_size=np.array([tree["sample_stats"]["step_size_bar"].values[0, -1] for tree in trees]),
        position=positions[:, -1].copy(),
    )
    return Draws(positions, statistics, adaptation)


def _scale(tree: Any) -> Array:
    """Return the last posterior sd that nutpie recorded: it writes one only where it changed.

    nutpie 0.16 calls it ``mass_matrix_inv``, though it holds standard deviations, not variances.
    """
    for group in ("sample_stats", "warmup_sample_stats"):
        rows: Array = tree[group]["mass_matrix_inv"].values[0]
        known = rows[np.isfinite(rows).all(axis=1)]
        if len(known):
            return np.asarray(known[-1], dtype=np.float64)
    return np.ones(rows.shape[1])
