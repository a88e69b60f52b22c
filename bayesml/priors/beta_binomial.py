"""The prior of how many features a model has."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from bayesml.distributions.base import keep_positive
from bayesml.typing import Array


@dataclass(frozen=True)
class BetaBinomial:
    r"""Prior of the number of features in a model, whose common probability π is Beta(a, b).

    .. math:: p(\gamma) = \frac{B(a + |\gamma|,\ b + n - |\gamma|)}{B(a, b)}

    With a = b = 1 every size from 0 to n is as probable, and so is every model of one size. It
    pays for having asked about many features: π itself is learned, and falls where most are noise.

    Parameters
    ----------
    a, b : float
        Of the Beta distribution.

    Raises
    ------
    IncompatibleModelError
        If a or b is not positive.

    References
    ----------
    Scott & Berger (2010), Bayes and empirical-Bayes multiplicity adjustment in the
    variable-selection problem, eq. 5.

    Examples
    --------
    >>> np.exp(BetaBinomial().log_model_probability(2)).round(3)
    array([0.333, 0.167, 0.333])
    """

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        keep_positive(self, "a", "b")

    def log_model_probability(self, n: int) -> Array:
        """Return log p(γ) of one model of every size from 0 to n."""
        size = np.arange(n + 1.0)
        return np.asarray(betaln(self.a + size, self.b + n - size) - betaln(self.a, self.b))

    def describe(self) -> str:
        """Say the prior in words."""
        uniform = ": every size as probable" if self == BetaBinomial() else ""
        return f"BetaBinomial({self.a:g}, {self.b:g}){uniform}"
