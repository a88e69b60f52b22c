"""Draws from the prior of every parameter, in original units."""

from typing import Any

import numpy as np

from bayesml.errors import ImproperPosteriorError
from bayesml.model import Problem
from bayesml.priors import NormalInverseGamma
from bayesml.typing import Array


def prior_draws(
    problem: Problem, chains: int, draws: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw every parameter from its prior, shape (chains, draws, ...), in original units.

    Raises
    ------
    ImproperPosteriorError
        If a prior is flat.
    """
    shape = (chains, draws)
    if isinstance(problem.prior, NormalInverseGamma):
        noise, beta = _joint(problem.prior, problem, shape, rng)
    else:
        _refuse_improper(problem)
        noise = {name: prior.sample(rng, shape) for name, prior in problem.inferred.items()}
        priors = problem.coefficient_priors()
        beta = np.empty((*shape, len(priors)))
        for k, prior in enumerate(priors):
            beta[..., k] = prior.sample(rng, shape)
    return _named(problem, beta) | noise


def _named(problem: Problem, beta: Array) -> dict[str, Array]:
    """Return parameters by name from the entries on which the priors are."""
    if not problem.has_intercept:
        return {"weights": beta}
    theta = beta[..., 1:]
    shift = 0.0 if problem.intercept_at_zero else theta @ problem.statistics.mean_X
    return {"intercept": beta[..., 0] - shift, "weights": theta}


def _joint(
    prior: NormalInverseGamma, problem: Problem, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[dict[str, Array], Array]:
    """Draw σ, and the coefficients given σ."""
    sigma = np.sqrt(prior.rate / rng.gamma(prior.shape, 1.0, shape))
    mean: Any = np.atleast_1d(prior.mean)[: problem.data.n]
    scale: Any = np.atleast_1d(prior.scale)[: problem.data.n]
    if problem.has_intercept:
        mean = np.append(prior.intercept_mean, mean)
        scale = np.append(prior.intercept_scale, scale)
    noise = rng.standard_normal((*shape, len(mean)))
    return {"sigma": sigma}, mean + sigma[..., None] * scale * noise


def _refuse_improper(problem: Problem) -> None:
    intercept = ("intercept",) if problem.has_intercept else ()
    names = (*intercept, *problem.data.feature_names)
    stated = dict(zip(names, problem.coefficient_priors(), strict=True)) | problem.inferred
    flat = [name for name, prior in stated.items() if not prior.proper]
    if flat:
        raise ImproperPosteriorError(
            f"The prior of {flat} is flat, which is not a distribution: nothing can be drawn from "
            "it. State proper priors, for instance WeaklyInformative(), the default."
        )
