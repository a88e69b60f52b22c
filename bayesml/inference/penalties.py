"""What penalties are as priors, and priors as penalties.

Derived in docs/theory/point_estimates.md, (E7), and docs/theory/sparse_priors.md, (Z12).
"""

import numpy as np

from bayesml.arguments import is_positive, shown
from bayesml.errors import IncompatibleModelError


def ridge_penalty(sigma: float, sd: float, m: float) -> float:
    r"""Return the penalty :math:`\lambda = \sigma^2 / (m \tau^2)` of J(θ) + λ‖θ‖² (E7).

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the unit of y.
    sd : float
        Prior standard deviation τ of the weights.
    m : float
        Number of rows, or the sum of their weights.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive and finite.

    References
    ----------
    Hoerl & Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems.

    Examples
    --------
    >>> ridge_penalty(sigma=2.0, sd=1.0, m=100)
    0.04
    """
    return _positive("sigma", sigma) ** 2 / (_positive("m", m) * _positive("sd", sd) ** 2)


def ridge_prior_sd(sigma: float, penalty: float, m: float) -> float:
    r"""Return the prior standard deviation :math:`\tau = \sigma/\sqrt{m\lambda}` of a penalty.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the unit of y.
    penalty : float
        λ of J(θ) + λ‖θ‖², with J the mean squared error. scikit-learn's ``alpha`` is mλ.
    m : float
        Number of rows, or the sum of their weights.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive and finite.

    References
    ----------
    Hoerl & Kennard (1970), Ridge Regression: Biased Estimation for Nonorthogonal Problems.

    Examples
    --------
    >>> ridge_prior_sd(sigma=2.0, penalty=0.04, m=100)
    1.0
    """
    product = _positive("m", m) * _positive("penalty", penalty)
    return _positive("sigma", sigma) / float(np.sqrt(product))


def lasso_penalty(sigma: float, scale: float, m: float) -> float:
    r"""Return the penalty :math:`\lambda = 2\sigma^2/(m s)` of J(θ) + λ‖θ‖₁ (Z12).

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the unit of y.
    scale : float
        Scale s of the Laplace prior of the weights.
    m : float
        Number of rows, or the sum of their weights.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive and finite.

    References
    ----------
    Tibshirani (1996), Regression Shrinkage and Selection via the Lasso, §5.

    Examples
    --------
    >>> lasso_penalty(sigma=2.0, scale=1.0, m=100)
    0.08
    """
    return _against(sigma, m, "scale", scale)


def lasso_scale(sigma: float, penalty: float, m: float) -> float:
    r"""Return the scale :math:`s = 2\sigma^2/(m\lambda)` of the Laplace prior of a penalty (Z12).

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, in the unit of y.
    penalty : float
        λ of J(θ) + λ‖θ‖₁, with J the mean squared error. scikit-learn's ``alpha`` is λ/2.
    m : float
        Number of rows, or the sum of their weights.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive and finite.

    References
    ----------
    Tibshirani (1996), Regression Shrinkage and Selection via the Lasso, §5.

    Examples
    --------
    >>> lasso_scale(sigma=2.0, penalty=0.08, m=100)
    1.0
    """
    return _against(sigma, m, "penalty", penalty)


def _against(sigma: float, m: float, name: str, value: float) -> float:
    """Return 2σ²/(m v), which takes the scale of a Laplace prior to its penalty, and back."""
    product = _positive("m", m) * _positive(name, value)
    return 2.0 * _positive("sigma", sigma) ** 2 / product


def _positive(name: str, value: float) -> float:
    if not is_positive(value):
        raise IncompatibleModelError(f"{name} must be positive and finite, got {shown(value)}.")
    return float(value)
