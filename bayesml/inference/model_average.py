"""The exact posterior over all models of a problem. Derived in docs/theory/all_subsets.md."""

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.all_subsets import enumerate_models
from bayesml.inference.base import Learned
from bayesml.inference.kept_models import represented
from bayesml.inference.subset_regression import subset_regression
from bayesml.log_joint import not_linear_gaussian
from bayesml.model import Problem
from bayesml.posteriors import ModelAverage
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.priors import SelectsFeatures
from bayesml.typing import Array

MOST_FEATURES = 25
"""Whose 2ⁿ models are added up, in some seconds; two more take four times as long."""


def refuse_other_than_linear_gaussian(problem: Problem, method: str) -> None:
    """Refuse a model whose evidence is not in closed form given its features."""
    why = not_linear_gaussian(problem)
    if why is not None:
        raise IncompatibleModelError(
            f"{method} does not apply: {why} SpikeAndSlab() chooses among the features of Linear() "
            "under Gaussian() noise. Use another prior, such as the default."
        )


def average_all(
    problem: Problem,
    prior: SelectsFeatures,
    coordinates: LinearCoordinates,
    rng: np.random.Generator,
) -> Learned:
    """Average over all models (Y4 to Y9)."""
    refuse_other_than_linear_gaussian(problem, "Exact()")
    if problem.data.n > MOST_FEATURES:
        raise IncompatibleModelError(
            f"Exact() does not apply: {problem.data.n} features have 2^{problem.data.n} models, "
            f"and those of at most {MOST_FEATURES} features are added up. Use SubsetSampler() to "
            "sample them, or Auto() to choose."
        )
    regression, n = subset_regression(problem, prior), problem.data.n
    every = enumerate_models(regression, prior.log_inclusion(n), rng)
    chosen = represented(every.kept, every.log_mass)
    covariance = scaled_covariance(regression, every.moments.covariance[..., 0])
    posterior = ModelAverage(
        regression,
        (chosen.numbers[:, None] >> np.arange(n)) & 1 == 1,
        chosen.probabilities,
        chosen.weights,
        np.minimum(every.inclusion, 1.0),  # sums of shares, to rounding
        regression.scale * every.moments.mean[:, 0],
        covariance,
        coordinates,
    )
    return Learned(
        posterior,
        problem.model,
        f"exact average of all {2**n:,} models, predictions by {chosen.words}",
        every.log_mass + regression.log_constant,
        chosen.diagnostics | {"models": float(2**n)},
    )


def scaled_covariance(regression: SubsetRegression, covariance: Array) -> Array:
    """Return the covariance of the weights in their units; infinite where σ² has no mean."""
    if regression.shape <= 1.0:
        return np.full_like(covariance, np.inf)
    return np.asarray(covariance * np.outer(regression.scale, regression.scale))
