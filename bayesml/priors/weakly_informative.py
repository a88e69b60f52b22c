"""The default prior: weakly informative, scaled by the data."""

from dataclasses import dataclass

import numpy as np

from bayesml.distributions import Normal
from bayesml.distributions.base import Parameter, positive
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.independent import Independent
from bayesml.priors.layered import Layered
from bayesml.priors.scales import Scales


@dataclass(frozen=True)
class WeaklyInformative:
    r"""Normal priors that rule out the absurd and leave the plausible to the data.

    .. math:: \theta_j \sim \mathrm{Normal}(0,\ k\,\mathrm{sd}(y)/\mathrm{sd}(x_j)), \qquad
              b_{\bar x} \sim \mathrm{Normal}(\bar y,\ k\,\mathrm{sd}(y))

    with :math:`b_{\bar x}` the prediction at the mean of the features. The noise's default,
    Exponential(1 / sd(y)), belongs to the likelihood. The resolved numbers stand in the result,
    in original units.

    A network learns the scales of its hidden layers instead: there it stands for `Layered`, and
    without hidden layers for the same priors as those of `Linear`.

    Parameters
    ----------
    scale : float
        The multiple :math:`k`; 2.5 as in rstanarm.

    Raises
    ------
    IncompatibleModelError
        If the scale is not positive and finite.
    DataError
        At fit, if the target or a feature is constant, so that there is no scale to go by.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm, vignette "Prior distributions for rstanarm
    models"; Gelman, Hill & Vehtari (2020), Regression and Other Stories, §9.5.

    Examples
    --------
    >>> WeaklyInformative()
    WeaklyInformative(scale=2.5)
    """

    scale: Parameter = 2.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive("WeaklyInformative", "scale", self.scale))
        if isinstance(self.scale, tuple):
            raise IncompatibleModelError("WeaklyInformative: scale must be one number.")

    def for_layers(self, depth: int) -> Layered:
        """Return learned scales, or the same known ones as of `Linear` without hidden layers."""
        k = float(np.asarray(self.scale))
        return Layered(sd=k, relevance=False) if depth == 1 else Layered()

    def resolve(self, scales: Scales) -> Independent:
        """Return the priors in original units."""
        k = float(np.asarray(self.scale))
        unknown = [name for name in scales.shapes if name not in ("intercept", "weights")]
        if unknown:
            raise IncompatibleModelError(
                f"WeaklyInformative() knows no scale for {unknown}, parameters of this predictor. "
                "State their priors: Independent(weights, intercept, others={...})."
            )
        if scales.spread == 0.0:
            raise DataError(
                "The target is constant, so the default priors have no scale to go by. Check the "
                "target column, or state priors with Independent(...) and the likelihood's sigma."
            )
        constant = [n for n, s in zip(scales.feature_names, scales.sd_X, strict=True) if s == 0.0]
        if constant:
            raise DataError(
                f"Column(s) {constant} are constant, so the default prior has no scale to go by. "
                "Leave them out (the intercept stands for a constant), or state a proper prior "
                "for them with Independent(weights={...})."
            )
        sd = k * scales.spread / scales.sd_X
        names = scales.feature_names if "weights" in scales.shapes else ()
        weights = {name: Normal(0.0, float(s)) for name, s in zip(names, sd, strict=False)}
        prior = Independent(weights, Normal(scales.centre, k * scales.spread))
        return prior.resolve(scales)

    def describe(self) -> str:
        """Say the prior in words."""
        k = np.format_float_positional(np.asarray(self.scale).item(), trim="-")
        return (
            f"intercept at the mean of the features ~ Normal(mean(y), {k}·sd(y))\n"
            f"weights ~ Normal(0, {k}·sd(y)/sd(x)) (weakly informative, scaled by the data)"
        )
