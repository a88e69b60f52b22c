"""The asymmetric Laplace likelihood: quantiles. See docs/theory/quantile_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.distributions import Positive, UnitInterval
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Stated
from bayesml.likelihoods.links import Identity, Link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.two_sided_noise import TwoSidedNoise
from bayesml.losses import Loss, PinballLoss


@dataclass(frozen=True)
class AsymmetricLaplace(TwoSidedNoise):
    r"""Noise whose q quantile is zero: the pinball loss as a likelihood, quantile regression.

    .. math:: \log p(y \mid \eta, s) = \log\frac{q(1 - q)}s - \frac{\rho_q(y - \eta)}s, \qquad
              \rho_q(r) = \max\{q\,r,\ (q - 1)\,r\}

    so that :math:`P(y \le \eta) = q`, and the maximum in the coefficients is Koenker's and
    Bassett's regression quantile, found to the last digit as a linear programme (W6).

    As a model of y it is a device: rows rarely scatter like this, and posterior intervals of the
    coefficients are calibrated only where they do.

    Parameters
    ----------
    quantile : float
        q, strictly between 0 and 1, known; 0.5 is the median.
    scale : float, Distribution or None
        s, in the unit of y: the expected pinball loss, and the distribution's own scale. A number
        is known, a distribution is inferred, and None is the weakly informative default
        Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If the quantile is no number between 0 and 1, or the scale not positive.

    References
    ----------
    Koenker & Bassett (1978), Regression quantiles, eq. 1.4; Yu & Moyeed (2001), Bayesian quantile
    regression, eq. 3; Yang, Wang & He (2016), Posterior inference in Bayesian quantile regression
    with asymmetric Laplace likelihood (intervals).

    Examples
    --------
    >>> nine_tenths = AsymmetricLaplace(quantile=0.9)
    >>> nine_tenths.cdf(2.0, 2.0, {"scale": 0.3})
    array(0.9)
    """

    quantile: float = 0.5
    scale: Stated = None

    def __post_init__(self) -> None:
        level = check_parameter("AsymmetricLaplace", "quantile", self.quantile, UnitInterval())
        if not isinstance(level, float):
            raise IncompatibleModelError(
                f"AsymmetricLaplace: quantile must be a known number, got {self.quantile!r}. "
                "It says what is asked of y, and is nothing that data teach."
            )
        meaning = "the expected pinball loss"
        checked = check_parameter("AsymmetricLaplace", "scale", self.scale, Positive(), meaning)
        object.__setattr__(self, "quantile", level)
        object.__setattr__(self, "scale", checked)

    @property
    def link(self) -> Link:
        """Identity: the q quantile of y is η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The pinball loss of the quantile."""
        return PinballLoss(self.quantile)

    @property
    def costs(self) -> tuple[float, float]:
        """Q for a unit of y above η, 1 − q for one below, over the scale (W2)."""
        return self.quantile, 1.0 - self.quantile

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the expected pinball loss of a target of this spread."""
        return {"scale": self.quantile * (1.0 - self.quantile) * sd_y}

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("scale", self.scale, "Exponential(1/sd(y))")
        return f"y ~ AsymmetricLaplace(η, scale), P(y ≤ η) = {self.quantile:g}\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the asymmetric Laplace, and its arguments: b is a rate there."""
        q = self.quantile
        rate = np.sqrt(q * (1.0 - q)) / parameters["scale"]
        return pm.AsymmetricLaplace, {"mu": eta, "b": rate, "kappa": np.sqrt(q / (1.0 - q))}
