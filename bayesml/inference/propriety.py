"""Whether there is a posterior to sample. Derived in docs/theory/nuts.md, (H7)."""

import numpy as np

from bayesml.errors import ImproperPosteriorError
from bayesml.inference.exact import obstacle, scale_posterior
from bayesml.inference.limits import limits_of
from bayesml.inference.point import refuse_undetermined
from bayesml.inference.separation import refuse_separated
from bayesml.model import Problem
from bayesml.priors import Conjugate


def propriety(problem: Problem) -> tuple[str, ...]:
    """Refuse a posterior that is known to be improper, and note where that is not known.

    Raises
    ------
    RankDeficientError
        If neither the data nor a proper prior tell two coefficients apart.
    ImproperPosteriorError
        If the posterior of a scale, or of a parameter with a limit, does not integrate.
    """
    refuse_undetermined(problem)
    if obstacle(problem) is None:
        if "sigma" in problem.inferred and not isinstance(problem.prior, Conjugate):
            scale_posterior(problem)
        return ()
    refuse_separated(problem)
    for limit in limits_of(problem):
        if np.isfinite(limit.value):
            continue  # an end of an interval, over which a bounded density integrates
        raise ImproperPosteriorError(
            f"The posterior is improper: the likelihood of {limit.parameter} does not fall off "
            f"towards infinity, where it is that of {type(limit.likelihood).__name__}(), nor does "
            f"its prior, {problem.inferred[limit.parameter]!r}. Give {limit.parameter} a proper "
            f"prior, for instance the default, or state it."
        )
    priors = problem.inferred | {name: v.prior for name, v in problem.hyperparameters.items()}
    improper = [name for name, prior in priors.items() if not prior.proper]
    if not improper:
        return ()
    return (
        f"The prior of {', '.join(improper)} is improper, and whether the posterior is proper is "
        "not known for this model: draws of an improper one mean nothing, and chains do not show "
        "it. Give a proper prior, for instance the default or HalfNormal(scale).",
    )
