"""Point estimates of networks, for MLE and MAP."""

import numpy as np

from bayesml.errors import ConvergenceError
from bayesml.inference.audit import decrement, off_centre
from bayesml.inference.base import Learned
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.functions import unlearned
from bayesml.inference.networks.local import Linearised
from bayesml.inference.networks.mode import Mode, Recipe, notes_of
from bayesml.inference.networks.search import find_mode
from bayesml.inference.point import NO_EVIDENCE
from bayesml.model import Problem
from bayesml.posteriors import PointEstimate
from bayesml.predictors import flat
from bayesml.typing import Array


def network_point(
    problem: Problem, rng: np.random.Generator, recipe: Recipe, label: str
) -> Learned:
    """Find the mode of a network, and return it as a point estimate."""
    return estimate_at(problem, find_mode(problem, rng, recipe), label)


def estimate_at(problem: Problem, mode: Mode, label: str) -> Learned:
    """Return the mode of a network as a point estimate."""
    posterior = network_estimate(problem, mode)
    return Learned(
        posterior,
        problem.model,
        f"{label} by {how(mode)}",
        NO_EVIDENCE,
        diagnostics_of(mode) | unlearned(problem, posterior),
        notes_of([mode]),
        mode.losses,
    )


def network_estimate(problem: Problem, mode: Mode) -> PointEstimate:
    """Return parameters by name, with standard errors from the Gauss-Newton curvature."""
    sd = _standard_errors(mode)
    shapes = mode.setting.shapes
    errors = flat.split(sd, shapes)
    tuned = {name: np.asarray(np.nan) for name in problem.inferred}
    noise = {name: np.asarray(value) for name, value in mode.scales.values.items()}
    model = problem.model
    return PointEstimate(
        model.predictor, model.likelihood, mode.parameters | noise, errors | tuned, np.inf
    )


def how(mode: Mode) -> str:
    """Say how a mode was found, and how the scales were learned."""
    if not mode.tuned:
        return mode.reason
    factors = " of the Kronecker factors" if mode.setting.near is factorised else ""
    return f"{mode.reason}; prior scales and noise by the Laplace evidence{factors}"


def diagnostics_of(mode: Mode) -> dict[str, float]:
    """Return the numbers that tell of a mode."""
    out = {"iterations": float(len(mode.losses) - 1), **mode.raced}
    if mode.tuned:
        out |= {"off_centre": off_centre(mode), "decrement": decrement(mode)}
    else:
        out["gradient_norm"] = mode.gradient_norm
    precision = mode.scales.precision
    if mode.setting.hyperprior.prior.learned:
        names = mode.setting.hyperprior.groups.names
        out |= {f"prior_sd {n}": float(a**-0.5) for n, a in zip(names, precision, strict=True)}
    return out


def _standard_errors(mode: Mode) -> Array:
    undetermined = np.full_like(mode.x, np.nan)
    if mode.setting.rows.read_from is not None or mode.setting.near is factorised:
        return undetermined
    here = mode.point.here
    dual = isinstance(here, Linearised) and here.rows.gram is None
    if dual and np.any(mode.point.precision <= 0):
        return undetermined
    try:
        return np.asarray(np.sqrt(np.maximum(mode.point.regression().inverse_diagonal(), 0.0)))
    except ConvergenceError:
        return undetermined
