"""Proper scores of predictions, by scoringrules where it has the formula.

Described in docs/guides/calibration.md.
"""

from bayesml.posteriors import Prediction
from bayesml.posteriors.crps import crps_by_quadrature
from bayesml.posteriors.row_distribution import HasCRPS
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
