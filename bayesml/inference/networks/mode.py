"""The mode of a network's posterior, or the maximum of its likelihood, from a random start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.base import Learned
from bayesml.inference.networks.local import Near
from bayesml.inference.networks.objective import GivenScales, Point
from bayesml.inference.networks.progress import early_stopped, mean_log_likelihood, shown
from bayesml.inference.networks.scales import ByEvidence, ByJointMode, NetworkScales, log_evidence
from bayesml.inference.networks.settings import Training
from bayesml.inference.networks.starts import Setting, continuation, simplified
from bayesml.inference.networks.training import ByHeldOut, Judge, train
from bayesml.inference.networks.watch import Watch
from bayesml.likelihoods import Likelihood, Staged
from bayesml.log_joint import (
    Coordinates,
    Folded,
    Free,
    GaussianPrior,
    LogJoint,
    NegativeLogJoint,
    Rows,
)
from bayesml.model import Problem
from bayesml.optimizers import Damped, LevenbergMarquardt, Optimizer
from bayesml.predictors import flat
from bayesml.priors import NormalRows
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Mode:
    """Where training ended, and how.

    Attributes
    ----------
    setting : Setting
    x : ndarray, shape (p,)
        The parameters, flat.
    scales : NetworkScales
        Prior precisions and noise there.
    score : float
        What the best restart is chosen by, in nats.
    losses : ndarray
        The negative log posterior along the way, in nats.
    converged : bool
    reason : str
    tuned : bool
        Whether the scales were learned by evidence.
    raced : mapping of name to float
        How starts predicted rows that were held out, where they were raced.
    """

    setting: Setting
    x: Array
    scales: NetworkScales
    score: float
    losses: Array
    converged: bool
    reason: str
    tuned: bool
    raced: Mapping[str, float] = field(default_factory=dict)

    @property
    def objective(self) -> GivenScales:
        """The objective over all rows, under the scales."""
        setting = self.setting
        return setting.hyperprior.objective(setting.rows, setting.near, self.scales)

    @cached_property
    def point(self) -> Point:
        """The Gauss-Newton model at the answer."""
        return self.objective.parabola(self.x)

    @property
    def log_evidence(self) -> float:
        """The Laplace evidence under the scales (M10)."""
        log_det = self.point.regression().log_det
        return log_evidence(self.setting.rows, self.point, self.scales, log_det)

    @cached_property
    def density(self) -> float:
        """The log density of its rows, per unit of weight."""
        rows = self.setting.rows.at_hand()
        return float(rows.log_likelihood(rows.eta(self.x), self.scales.values)) / rows.weight

    @property
    def parameters(self) -> dict[str, Array]:
        """The network's parameters by name."""
        return flat.split(self.x, self.setting.shapes)

    @property
    def gradient_norm(self) -> float:
        """Norm of the gradient, per unit of weight."""
        return float(np.linalg.norm(self.objective.value_and_gradient(self.x)[1]))


@dataclass(frozen=True)
class Recipe:
    """How to find a mode.

    Attributes
    ----------
    optimizer : Optimizer or None
        None is Levenberg-Marquardt, or L-BFGS where memory allows no curvature at all.
    training : Training
    tune : bool
        Whether the scales that are not known are learned by evidence.
    near : callable or None
        What is kept of the network near a point; None takes the best that memory allows.
    raced : mapping of name to float
        How starts predicted rows that were held out, where they were raced.
    watch : Watch
        Until when.
    """

    optimizer: Optimizer | None = None
    training: Training = Training()
    tune: bool = True
    near: Near | None = None
    raced: Mapping[str, float] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)

    def started_as(self, other: "Recipe") -> "Recipe":
        """Return the recipe in the time of another, with its start where this one states none."""
        start = self.training.start or (other.training.start if other.raced else None)
        training = replace(self.training, start=start)
        return replace(self, training=training, raced=other.raced, watch=other.watch)

    def turn(self, k: int) -> "Recipe":
        """Return the recipe of the k-th chain or member."""
        start = self.training.start
        if start is None:
            return self
        return replace(self, training=replace(self.training, start=start.turn(k)))

    def finds_as(self, other: "Recipe") -> bool:
        """Say whether what this one finds is what another one asks for."""
        own, asked = ((r.optimizer, r.training, r.tune) for r in (self, other))
        return own == asked and other.near in (None, self.near)


@runtime_checkable
class AroundModes(Protocol):
    """A method that learns networks from modes, whoever found them."""

    @property
    def at_once(self) -> int:
        """How many answers are learned in one computation, whatever the number of threads."""

    def recipe(self, problem: Problem) -> Recipe:
        """Return how it finds the mode of a network."""

    def around(
        self,
        problem: Problem,
        modes: Sequence[Mode],
        streams: Sequence[np.random.Generator],
        watch: Watch,
    ) -> list[Learned]:
        """Learn a network around every mode, each by a stream of random numbers of its own."""


def from_start(
    setting: Setting,
    sd_y: float,
    rng: np.random.Generator,
    recipe: Recipe,
    begun: Mode | None = None,
) -> Mode:
    """Train from one random start; a staged likelihood starts from the fit of a simpler one.

    `begun` is the fit of the simplest, where there is one.
    """
    likelihood = setting.rows.likelihood
    if not isinstance(likelihood, Staged):
        if begun is not None:
            return begun
        parameters = setting.network.start(setting.rows.n, rng)
        return from_there(setting, flat.join(parameters, setting.shapes), rng, recipe)
    simpler = simplified(setting, likelihood, sd_y)
    first = from_start(simpler, sd_y, rng, recipe, begun)
    start, scales = continuation(setting, simpler, first.x, first.scales, rng)
    mode = from_there(replace(setting, scales=scales), start, rng, recipe)
    return replace(mode, reason=f"{mode.reason}, from the fit with {_name(likelihood.simpler)}")


def _name(likelihood: Likelihood) -> str:
    return f"{type(likelihood).__name__}()"


def from_there(setting: Setting, start: Array, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from given parameters."""
    if recipe.optimizer is None or isinstance(recipe.optimizer, Damped):
        settings = recipe.optimizer or LevenbergMarquardt()
        return _by_regression(setting, start, rng, recipe, settings)
    return _by_gradients(setting, start, rng, recipe, recipe.optimizer)


def _by_regression(
    setting: Setting, start: Array, rng: np.random.Generator, recipe: Recipe, settings: Damped
) -> Mode:
    """Train by damped regressions, scales and all."""
    tuned = recipe.tune and recipe.training.held_out == 0
    judge: Judge = (ByEvidence if tuned else ByJointMode)(setting.hyperprior)
    rows = setting.rows.at_hand()
    if recipe.training.held_out > 0:
        rows, held = _divide(rows, recipe.training.held_out, rng)
        judge = ByHeldOut(setting.hyperprior, held)
    shown = recipe.training.progress
    trained = train(rows, setting.near, start, setting.scales, judge, settings, recipe.watch, shown)
    return Mode(
        setting,
        trained.best.point.x,
        trained.best.scales,
        trained.best.score,
        trained.losses,
        trained.converged,
        f"Levenberg-Marquardt, {trained.reason}",
        tuned,
    )


def _by_gradients(
    setting: Setting,
    start: Array,
    rng: np.random.Generator,
    recipe: Recipe,
    optimizer: Optimizer,
) -> Mode:
    """Train by an optimizer that knows gradients only; precisions stay where they are."""
    rows, training = setting.rows, recipe.training
    held = None
    if training.held_out > 0:
        rows, held = _divide(rows.at_hand(), training.held_out, rng)
    objective = joint_objective(setting, rows)
    at = objective.joint.coordinates
    x = np.append(start, np.zeros(at.size - at.p))
    states = optimizer.steps(objective, x, rng=rng)
    if training.progress:
        total = optimizer.stopping.max_iterations
        states = shown(states, total, repr(optimizer), lambda state: state.value)
    if held is None:
        optimum = optimizer.stopping.follow(states)
        x, losses, converged = optimum.x, optimum.loss_curve, optimum.converged
        reason, value = optimum.reason, optimum.value
    else:
        state, curve, step = early_stopped(
            states,
            lambda x: mean_log_likelihood(held, x[: len(start)], at.values(x)),
            training.patience,
            optimizer.stopping.max_iterations,
        )
        x, losses, converged = state.x, np.array(curve), True
        reason = f"best held-out likelihood at step {step} of {len(curve) - 1}"
        value = joint_objective(setting, setting.rows).value(x)
    scales = NetworkScales(setting.scales.precision, as_numbers(at.values(x)))
    return Mode(
        setting,
        x[: len(start)],
        scales,
        -value * objective.weight,
        losses * objective.weight,
        converged,
        f"{optimizer!r}, {reason}",
        False,
    )


def in_batches(optimizer: Optimizer | None) -> bool:
    """Say whether an optimizer asks for a few rows at a time."""
    return optimizer is not None and optimizer.traits.minibatches


def joint_objective(setting: Setting, rows: Rows | Folded) -> NegativeLogJoint:
    """Return the objective of first-order optimizers: (θ, log φ), precisions as they are."""
    hyperprior, scales = setting.hyperprior, setting.scales
    precision = scales.precision[hyperprior.groups.members]
    p, flat_prior = len(precision), not np.any(precision > 0)
    normal = (
        NormalRows(np.zeros((0, p)), np.zeros(0), np.zeros(0))
        if flat_prior
        else NormalRows(None, np.zeros(p), precision**-0.5)
    )
    supports = rows.likelihood.parameter_supports
    free = tuple(
        Free.of(name, prior, supports[name], scales.values[name])
        for name, prior in hyperprior.parameter_priors.items()
    )
    coordinates = Coordinates(rows.frame, free, hyperprior.known)
    return NegativeLogJoint(LogJoint(rows, GaussianPrior(normal), coordinates))


def as_numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the values at one point as numbers."""
    return {name: float(value) for name, value in values.items()}


def _divide(rows: Rows, share: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Set a share of the rows aside."""
    order = rng.permutation(rows.m)
    held = max(1, round(share * len(order)))
    if held >= len(order):
        raise ConvergenceError(
            f"Training(held_out={share}) leaves no rows to learn from: there are {len(order)}."
        )
    return rows.of_rows(np.sort(order[held:])), rows.of_rows(np.sort(order[:held]))


def notes_of(modes: Sequence[Mode]) -> tuple[str, ...]:
    """Say what is wrong with a mode, if anything."""
    return tuple(f"Training did not converge: {m.reason}." for m in modes if not m.converged)
