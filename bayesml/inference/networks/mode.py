"""Find the mode of a network's posterior, or the maximum of its likelihood, from random starts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.networks.examples import Examples, Near
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.memory import affordable
from bayesml.inference.networks.objective import JointObjective, NetworkObjective, Point
from bayesml.inference.networks.scales import ByEvidence, ByJointMode, Scales, log_evidence
from bayesml.inference.networks.settings import Training
from bayesml.inference.networks.starts import (
    Setting,
    continued,
    setting_of,
    simplified,
)
from bayesml.inference.networks.streamed import StreamedObjective
from bayesml.inference.networks.training import ByHeldOut, Judge, train
from bayesml.inference.networks.watch import early_stopped, mean_log_likelihood, shown
from bayesml.likelihoods import Likelihood, Staged
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, Damped, LevenbergMarquardt, Optimizer
from bayesml.predictors import flat
from bayesml.typing import Array

COARSE = LBFGS(max_iterations=2000, tolerance=1e-5)
"""How networks are trained for which not even factors of the curvature fit in memory."""


@dataclass(frozen=True, eq=False)
class Mode:
    """Where training ended, and how.

    Attributes
    ----------
    setting : Setting
    x : ndarray, shape (p,)
        The parameters, flat.
    scales : Scales
        Prior precisions and noise there.
    score : float
        What the best restart is chosen by, in nats.
    losses : ndarray
        The negative log posterior along the way, in nats.
    converged : bool
    reason : str
    tuned : bool
        Whether the scales were learned by evidence.
    streamed_norm : float or None
        Norm of the gradient where the rows are not among the examples.
    """

    setting: Setting
    x: Array
    scales: Scales
    score: float
    losses: Array
    converged: bool
    reason: str
    tuned: bool
    streamed_norm: float | None = None

    @property
    def objective(self) -> NetworkObjective:
        """The objective over all rows, under the scales."""
        return self.setting.hyperprior.objective(self.setting.examples, self.scales)

    @cached_property
    def point(self) -> Point:
        """The Gauss-Newton model at the answer."""
        return self.objective.parabola(self.x)

    @property
    def log_evidence(self) -> float:
        """The Laplace evidence under the scales (M10)."""
        log_det = self.point.regression().log_det
        return log_evidence(self.setting.examples, self.point, self.scales, log_det)

    @property
    def parameters(self) -> dict[str, Array]:
        """The network's parameters by name."""
        return flat.split(self.x, self.setting.examples.shapes)

    @property
    def gradient_norm(self) -> float:
        """Norm of the gradient, per unit of weight."""
        if self.streamed_norm is not None:
            return self.streamed_norm
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
    """

    optimizer: Optimizer | None = None
    training: Training = Training()
    tune: bool = True
    near: Near | None = None


def find_mode(problem: Problem, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from every random start, and keep the best answer."""
    setting = setting_of(problem, not problem.data.in_memory and in_batches(recipe.optimizer))
    if setting.streamed is not None and recipe.training.held_out > 0:
        raise IncompatibleModelError(
            f"{recipe.training!r} sets rows aside, and these are read from "
            f"{problem.data.source.whereabouts}, block by block. Use held_out=0 and a prior, or "
            "hold rows in memory."
        )
    near = recipe.near or affordable(setting.examples, problem.data.m)
    if near is None and recipe.optimizer is None:
        recipe = replace(recipe, optimizer=COARSE)
    setting = replace(setting, examples=replace(setting.examples, near=near or factorised))
    sd_y = problem.statistics.sd_y or 1.0
    modes = [_from_start(setting, sd_y, rng, recipe) for _ in range(recipe.training.restarts)]
    best = max(modes, key=lambda mode: mode.score)
    if len(modes) > 1:
        best = replace(best, reason=f"{best.reason}; best of {len(modes)} restarts")
    return best


def _from_start(setting: Setting, sd_y: float, rng: np.random.Generator, recipe: Recipe) -> Mode:
    """Train from one random start; a staged likelihood starts from the fit of a simpler one."""
    likelihood = setting.examples.likelihood
    if not isinstance(likelihood, Staged):
        network = setting.examples.network
        parameters = network.start(setting.examples.A.shape[1], rng)
        return _run(setting, flat.join(parameters, setting.examples.shapes), rng, recipe)
    simpler = simplified(setting, likelihood, sd_y)
    first = _from_start(simpler, sd_y, rng, recipe)
    start, scales = continued(setting, simpler, first.x, first.scales, rng)
    mode = _run(replace(setting, scales=scales), start, rng, recipe)
    return replace(mode, reason=f"{mode.reason}, from the fit with {_name(likelihood.simpler)}")


def _name(likelihood: Likelihood) -> str:
    return f"{type(likelihood).__name__}()"


def _run(setting: Setting, start: Array, rng: np.random.Generator, recipe: Recipe) -> Mode:
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
    examples = setting.examples
    if recipe.training.held_out > 0:
        examples, held = _divide(examples, recipe.training.held_out, rng)
        judge = ByHeldOut(setting.hyperprior, held)
    trained = train(examples, start, setting.scales, judge, settings, recipe.training.progress)
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
    examples, training = setting.examples, recipe.training
    held = None
    if training.held_out > 0:
        examples, held = _divide(examples, training.held_out, rng)
    single = joint_objective(setting, examples)
    problem = setting.streamed
    objective = single if problem is None else StreamedObjective(single, problem)
    x = np.append(start, np.zeros(len(single.priors)))
    states = optimizer.steps(objective, x, rng=rng)
    if training.progress:
        total = optimizer.stopping.max_iterations
        states = shown(states, total, repr(optimizer), lambda state: state.value)
    if held is None:
        optimum = optimizer.stopping.follow(states)
        x, losses, converged = optimum.x, optimum.loss_curve, optimum.converged
        reason, value, norm = optimum.reason, optimum.value, optimum.gradient_norm
    else:
        state, curve, step = early_stopped(
            states,
            lambda x: mean_log_likelihood(held, x[: len(start)], objective.noise(x)),
            training.patience,
            optimizer.stopping.max_iterations,
        )
        x, losses, converged = state.x, np.array(curve), True
        reason = f"best held-out likelihood at step {step} of {len(curve) - 1}"
        value, norm = joint_objective(setting, setting.examples).value(x), None
    scales = Scales(setting.scales.precision, objective.noise(x))
    return Mode(
        setting,
        x[: len(start)],
        scales,
        -value * objective.weight,
        losses * objective.weight,
        converged,
        f"{optimizer!r}, {reason}",
        False,
        None if problem is None else norm,
    )


def in_batches(optimizer: Optimizer | None) -> bool:
    """Say whether an optimizer asks for a few rows at a time."""
    return optimizer is not None and optimizer.traits.minibatches


def joint_objective(setting: Setting, examples: Examples) -> JointObjective:
    """Return the objective of first-order optimizers."""
    hyperprior, scales = setting.hyperprior, setting.scales
    return JointObjective(
        examples,
        scales.precision[hyperprior.groups.members],
        hyperprior.noise_priors,
        hyperprior.known,
        {name: scales.noise[name] for name in hyperprior.noise_priors},
    )


def _divide(
    examples: Examples, share: float, rng: np.random.Generator
) -> tuple[Examples, Examples]:
    """Set a share of the rows aside."""
    order = rng.permutation(len(examples.y))
    held = max(1, round(share * len(order)))
    if held >= len(order):
        raise ConvergenceError(
            f"Training(held_out={share}) leaves no rows to learn from: there are {len(order)}."
        )
    return examples.of_rows(np.sort(order[held:])), examples.of_rows(np.sort(order[:held]))


def notes_of(modes: Sequence[Mode]) -> tuple[str, ...]:
    """Say what is wrong with a mode, if anything."""
    return tuple(f"Training did not converge: {m.reason}." for m in modes if not m.converged)
