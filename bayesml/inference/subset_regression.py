"""The regression on subsets of a problem. Derived in docs/theory/all_subsets.md."""

from math import lgamma, log, log1p, sqrt

import numpy as np

from bayesml.linalg import triangular_factor
from bayesml.log_joint import data_term
from bayesml.model import Problem
from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.priors import SelectsFeatures


def subset_regression(problem: Problem, prior: SelectsFeatures) -> SubsetRegression:
    """Bring the sufficient statistics to the slab's units, and integrate the intercept (Y2)."""
    data = data_term(problem)
    slab, W, first = prior.slab, data.weight, int(problem.has_intercept)
    sd, a = slab.normal_rows(problem).sd, slab.shape + 0.5 * data.weight
    M, d = data.M[first:, first:] * sd[first:], data.d[first:]
    mean, variance, misfit, log_intercept = 0.0, 0.0, 0.0, 0.0
    if first:
        at, spread, mean_y = slab.intercept_mean, sd[0], float(data.d[0]) / sqrt(W)
        variance = 1.0 / (W + spread**-2.0)
        mean = at + (mean_y - at) * W * variance
        misfit = (mean_y - at) ** 2 * W / (1.0 + W * spread**2)
        log_intercept = -0.5 * log1p(W * spread**2)
    rest = sqrt(data.floor + misfit + 2.0 * slab.rate)
    rows = np.vstack([np.column_stack([M, d]), np.append(np.zeros(len(d)), rest)])
    log_constant = (
        data.log_constant
        + slab.shape * log(slab.rate)
        - lgamma(slab.shape)
        + lgamma(a)
        + log_intercept
    )
    factor = triangular_factor(rows)
    return SubsetRegression(factor, sd[first:], a, float(mean), float(variance), log_constant)
