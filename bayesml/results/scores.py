"""What is asked of predictions row by row: proper scores, PIT values, probabilities of classes.

Scores are by scoringrules where it has the formula. Described in docs/guides/calibration.md.
"""

import numpy as np

from bayesml.posteriors import Prediction
from bayesml.posteriors.crps import crps_by_quadrature
from bayesml.posteriors.row_distribution import HasCRPS, OfClasses
from bayesml.posteriors.rows import per_row
from bayesml.typing import Array, ArrayLike


def crps(prediction: Prediction, y: ArrayLike) -> Array:
    r"""Evaluate the continuous ranked probability score of each row, in the unit of y.

    .. math:: \mathrm{CRPS}(F, y) = \int \bigl(F(z) - \mathbb 1\{z \ge y\}\bigr)^2\,dz

    It is the absolute error of a forecast that is a number. Small is good.

    Parameters
    ----------
    prediction : Prediction
    y : float or ndarray, shape (rows,)
        What was observed.

    Returns
    -------
    ndarray, shape (rows,)
        In closed form for normal and Student-t distributions, mixtures of at most 400 normals,
        and draws; a sum for counts (P13); otherwise by quadrature of the distribution function.

    Raises
    ------
    MissingDependencyError
        If scoringrules is not installed.

    References
    ----------
    Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, eq. 20;
    Grimit et al. (2006), The continuous ranked probability score for circular variables, eq. 5.
    """
    distribution = prediction.distribution
    observed = per_row(y, distribution.rows, "y")
    if isinstance(distribution, HasCRPS):
        return distribution.crps(observed)
    return crps_by_quadrature(distribution, observed)


def class_probabilities(prediction: Prediction) -> Array:
    """Return the probability of every class, shape (K, rows), of none where there are none."""
    own = prediction.distribution
    found = own.class_probabilities() if isinstance(own, OfClasses) else None
    return np.empty((0, len(prediction))) if found is None else found.T


def pit(prediction: Prediction, y: Array, rng: np.random.Generator) -> Array:
    """Evaluate P(Y ≤ y), and where y itself has a probability a random part less of it (P12)."""
    below = prediction.cdf(y)
    if not prediction.distribution.discrete:
        return below
    return below - rng.random(len(y)) * np.exp(prediction.log_prob(y))
