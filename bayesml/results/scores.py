"""What is asked of predictions row by row: proper scores, PIT values, probabilities of classes.

Described in docs/guides/calibration.md.
"""

import numpy as np

from bayesml.posteriors import Prediction
from bayesml.posteriors.crps_of_atoms import crps_of
from bayesml.posteriors.row_distribution import OfClasses
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
        A sum for draws and counts (P13), otherwise the integral of the distribution function, to
        1e-7 of the quartile distance (P51).

    References
    ----------
    Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, eq. 20.
    """
    distribution = prediction.distribution
    return crps_of(distribution, per_row(y, distribution.rows, "y"))


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
