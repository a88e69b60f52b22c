"""The Laplace likelihood: absolute error. Derived in docs/theory/quantile_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayesml.distributions import Positive
from bayesml.likelihoods.base import Stated
from bayesml.likelihoods.links import Identity, Link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.two_sided_noise import TwoSidedNoise
from bayesml.losses import AbsoluteError, Loss


@dataclass(frozen=True)
class LaplaceResponse(TwoSidedNoise):
    r"""Laplace noise around the median: the mean absolute error as a likelihood.

    .. math:: \log p(y \mid \eta, b) = -\log 2b - \frac{|y - \eta|}b

    so that its maximum in the coefficients is the regression of least absolute deviations, found
    to the last digit as a linear programme (W6). A distant row pulls no harder than a near one.
    `Laplace` is the method, and `distributions.Laplace` the prior.

    Parameters
    ----------
    scale : float, Distribution or None
        b, the expected absolute deviation, in the unit of y: the distribution's own scale, of
        which the standard deviation is :math:`\sqrt2` times. A number is known, a distribution is
        inferred, and None is the weakly informative default Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Koenker & Machado (1999), Goodness of fit and related inference processes for quantile
    regression, §2; Birkes & Dodge (1993), Alternative Methods of Regression, §4.

    Examples
    --------
    >>> noise = LaplaceResponse()
    >>> noise.log_density(3.0, 1.0, {"scale": 0.5}), noise.sd(1.0, {"scale": 0.5}).round(3)
    (array(-4.), np.float64(0.707))
    """

    scale: Stated = None

    def __post_init__(self) -> None:
        meaning = "the expected absolute deviation"
        checked = check_parameter("LaplaceResponse", "scale", self.scale, Positive(), meaning)
        object.__setattr__(self, "scale", checked)

    @property
    def link(self) -> Link:
        """Identity: the mean, and the median, of y is η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The absolute error."""
        return AbsoluteError()

    @property
    def costs(self) -> tuple[float, float]:
        """One over the scale for a unit of y on either side of η (W2)."""
        return 1.0, 1.0

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from about the mean absolute deviation of a normal target."""
        return {"scale": 0.75 * sd_y}

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("scale", self.scale, "Exponential(1/sd(y))")
        return f"y ~ Laplace(η, scale)\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Laplace, and its arguments."""
        return pm.Laplace, {"mu": eta, "b": parameters["scale"]}
