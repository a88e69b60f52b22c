"""A prior of the explained variance, and of how weights share it: (Z19) and (Z20).

Derived in docs/theory/sparse_priors.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayesml.arguments import check_units, is_positive, shown
from bayesml.distributions import Beta, Distribution, Normal, RootGamma
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.by_precision import check_linear
from bayesml.priors.entries import words
from bayesml.priors.given_scales import GivenScales, check_intercept, inferred_in, units_of
from bayesml.priors.scales import Scales
from bayesml.priors.variance_shares import VarianceShares


@dataclass(frozen=True)
class R2D2(GivenScales):
    r"""A prior of R², whose explained variance the weights share by a Dirichlet distribution.

    .. math:: \theta_j \sim \mathrm{Normal}\Bigl(0, \frac{\nu^2\tau^2\varphi_j}
              {\mathrm{sd}(x_j)^2}\Bigr), \quad \tau^2 = \frac{R^2}{1 - R^2}, \quad
              R^2 \sim \mathrm{Beta}(\mu\kappa, (1 - \mu)\kappa), \quad
              \varphi \sim \mathrm{Dirichlet}(a, \dots, a) \qquad (Z19)

    with ν the scale of the noise. It says how well all weights together predict, which one often
    knows, and not how large each is. ``r_squared`` is R²; the shares are squares of
    ``local_scale``, over their sum, so that only ratios of these mean something. `NUTS` learns it
    under any likelihood.

    Parameters
    ----------
    mean : float
        μ, the expected R², between 0 and 1.
    precision : float
        κ: with a mean of ½ and 2, R² is uniform; larger ones state it more firmly.
    concentration : float
        a: small ones give few weights most of the variance, large ones give all an equal share.
    noise : float, str or None
        ν in the unit of η. None takes the likelihood's own: σ of a Gaussian or Student-t and the
        scale of a Laplace likelihood, known or inferred, which is then named here. Where there is
        none it is the unit in which η varies: 1 on the scale of a logit or log, sd(y) where σ has
        a predictor.
    intercept : Normal, Flat or None
        Of the prediction at the mean of the features; None is Normal(mean(y), 2.5 sd(y)).
    units : mapping of feature name to float
        1/sd(x); stated when the prior meets its data.

    Raises
    ------
    IncompatibleModelError
        If the mean is not between 0 and 1, another number not positive, or the intercept's prior
        neither Normal nor Flat; at fit, if the likelihood has no parameter named as the noise.
    DataError
        At fit, if the target is constant, so that there is no scale to go by.

    References
    ----------
    Zhang, Naughton, Bondell & Reich (2022), Bayesian regression using a prior on the model fit:
    the R2-D2 shrinkage prior, eq. 4 to 6; Yanchenko, Bondell & Reich (2024), The R2D2 prior for
    generalized linear mixed models; `R2D2` of brms,
    with mean_R2, prec_R2 and cons_D2 in this order.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [1.0, 2.0, 4.0])
    >>> model = bm.Model(prior=R2D2(mean=0.3, precision=5, intercept=bm.Flat()))
    >>> print(model.resolve(data).model.prior.describe())
    intercept at the mean of the features ~ flat (improper)
    weights ~ Normal(0, sigma·√(R²/(1 − R²)·φ)/sd(x)), a share φ of the variance each (R2D2)
    r_squared ~ Beta(1.5, 3.5)
    local_scale ~ RootGamma(0.5), φ = local_scale²/Σ local_scale²: φ ~ Dirichlet(0.5)
    """

    mean: float = 0.5
    precision: float = 2.0
    concentration: float = 0.5
    noise: float | str | None = None
    intercept: Distribution | None = None
    units: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_units(self)
        for name in ("mean", "precision", "concentration", "noise"):
            value: Any = vars(self)[name]
            named = name == "noise" and (value is None or isinstance(value, str))
            if not named and not is_positive(value):
                raise IncompatibleModelError(
                    f"R2D2: {name} must be a positive number, got {shown(value)}."
                )
        if self.mean >= 1.0:
            raise IncompatibleModelError(
                f"R2D2: mean must be the expected R², between 0 and 1, got {self.mean!r}."
            )
        check_intercept("R2D2", self.intercept)

    def resolve(self, scales: Scales) -> "R2D2":
        """Return it with every number stated, and the noise named."""
        check_linear(scales)
        own = scales.noise_scale
        if isinstance(self.noise, str) and self.noise != own:
            raise IncompatibleModelError(
                f"R2D2: noise = {self.noise!r} is no parameter that this likelihood infers the "
                "size of its noise by. State a number, or None for what the likelihood has."
            )
        noise = own if self.noise is None else self.noise
        if scales.spread == 0.0 and (noise is None or self.intercept is None):
            raise DataError(
                "The target is constant, so that R2D2() has no scale to go by. Check the target "
                "column, or state R2D2(noise=..., intercept=...)."
            )
        return replace(
            self,
            noise=scales.spread if noise is None else noise,
            units=units_of("R2D2", self.units, scales),
            intercept=self.intercept or Normal(scales.centre, 2.5 * scales.spread),
        )

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return R², and what its shares are made of: squares of it are gamma distributed (Z20)."""
        n = len(problem.feature_names)
        return {
            "r_squared": Unknown(self._r_squared),
            "local_scale": Unknown(RootGamma(self.concentration), (n,)),
        }

    @property
    def _r_squared(self) -> Beta:
        return Beta(self.mean * self.precision, (1.0 - self.mean) * self.precision)

    def spread(self, problem: Coefficients) -> VarianceShares:
        """Return the scale of every weight (Z19)."""
        units = np.array(list(self.units.values()))
        noise = 1.0 if self.noise is None else self.noise
        return VarianceShares(units, int(problem.has_intercept), noise)

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the weights as products with their scales; the noise is the model's own."""
        values = inferred_in(pm, self.hyperparameters(problem), problem.feature_dim)
        noise = pm.modelcontext(None)[self.noise] if isinstance(self.noise, str) else self.noise
        share, local = values["r_squared"], values["local_scale"]
        whole = noise * (share / (1.0 - share)) ** 0.5
        units = np.array(list(self.units.values()))
        s = units * whole * local / (local**2).sum() ** 0.5
        return self._in_pymc(pm, s, problem), values

    def describe(self) -> str:
        """Say the prior in words."""
        stated = self.intercept
        intercept = "Normal(mean(y), 2.5·sd(y))" if stated is None else words(stated)
        noise = "noise" if self.noise is None else self.noise
        said = noise if isinstance(noise, str) else f"{noise:g}"
        law, a = self._r_squared, self.concentration
        return (
            f"intercept at the mean of the features ~ {intercept}\n"
            f"weights ~ Normal(0, {said}·√(R²/(1 − R²)·φ)/sd(x)), a share φ of the variance each "
            f"(R2D2)\nr_squared ~ Beta({law.a:g}, {law.b:g})\n"
            f"local_scale ~ RootGamma({a:g}), φ = local_scale²/Σ local_scale²: φ ~ Dirichlet({a:g})"
        )
