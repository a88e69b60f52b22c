"""Draws from the prior of every parameter, in original units."""

import numpy as np

from bayesml.arguments import require_memory
from bayesml.errors import ImproperPosteriorError
from bayesml.model import Problem
from bayesml.priors import PartlyImproper
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
    refuse_improper(problem)
    what = f"{chains * draws:,} draws of {problem.size:,} parameters"
    require_memory(3.0 * chains * draws * problem.size, what, "take fewer draws")
    shape, hyper = (chains, draws), problem.hyperparameters
    values = {name: prior.sample(rng, shape) for name, prior in problem.inferred.items()}
    values |= {
        name: unknown.prior.sample(rng, (*shape, *unknown.shape))
        for name, unknown in hyper.items()
        if name not in values
    }
    beta = problem.prior.sample(problem, problem.known | values, rng, shape)
    return problem.frame.named(beta) | values


def refuse_improper(problem: Problem) -> None:
    """Refuse to draw from what is flat, by name."""
    flat = [name for name, prior in problem.inferred.items() if not prior.proper]
    flat += [name for name, v in problem.hyperparameters.items() if not v.prior.proper]
    prior = problem.prior
    if isinstance(prior, PartlyImproper):
        proper = prior.proper_rows(problem)
        flat = [*prior.improper_names(problem), *flat] if len(proper) < problem.frame.p else flat
    if flat:
        raise ImproperPosteriorError(
            f"The prior of {flat} is flat, which is not a distribution: nothing can be drawn from "
            "it. State proper priors, for instance WeaklyInformative(), the default."
        )
