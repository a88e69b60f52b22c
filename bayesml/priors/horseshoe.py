"""The horseshoe and its regularised form: (Z15) and (Z16) of docs/theory/sparse_priors.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

import numpy as np

from bayesml.arguments import check_units, is_positive, shown
from bayesml.distributions import Distribution, HalfCauchy, Normal, RootInverseGamma
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.by_precision import check_linear
from bayesml.priors.entries import words
from bayesml.priors.given_scales import GivenScales, check_intercept, inferred_in, units_of
from bayesml.priors.normal_rows import NormalRows, Values
from bayesml.priors.scales import Scales
from bayesml.priors.shrinkage_scales import ShrinkageScales


@dataclass(frozen=True)
class Horseshoe(GivenScales):
    r"""The horseshoe: most weights near zero, and some as large as the data say.

    .. math:: \theta_j = \frac{\tilde\lambda_j \tau}{\mathrm{sd}(x_j)} z_j, \quad
              \tilde\lambda_j^2 = \frac{c^2\lambda_j^2}{c^2 + \tau^2\lambda_j^2}, \quad
              z_j \sim \mathrm{Normal}(0, 1), \quad \lambda_j \sim \mathrm{HalfCauchy}(1), \quad
              \tau \sim \mathrm{HalfCauchy}(\tau_0) \qquad (Z15)

    Without a slab c is infinite. ``global_scale`` is τ and ``slab`` is c, in the unit of η;
    ``local_scale`` is λ, without one. `Gibbs` samples it in a linear Gaussian model, `NUTS` under
    any likelihood.

    Parameters
    ----------
    relevant : float or None
        How many weights are expected to matter, p₀: τ₀ = p₀/(n − p₀) · sd(y)/√m, sd(y) on the
        scale of the link. None takes `scale`.
    scale : float or None
        τ₀ in the unit of η; None is sd(y), where `relevant` is not stated either.
    slab_scale : float or None
        s of c² ~ InverseGamma(ν/2, ν s²/2): how large weights of standardised features may be, in
        the unit of η. None is no slab.
    slab_df : float
        ν.
    intercept : Normal, Flat or None
        Of the prediction at the mean of the features; None is Normal(mean(y), 2.5 sd(y)).
    units : mapping of feature name to float
        1/sd(x); stated when the prior meets its data.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive, both `relevant` and `scale` are given, or the intercept's
        prior is neither Normal nor Flat; at fit, if no fewer weights exist than are relevant.
    DataError
        At fit, if the target is constant, so that there is no scale to go by.

    References
    ----------
    Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals; Piironen & Vehtari
    (2017), Sparsity information and regularization in the horseshoe and other shrinkage priors,
    eq. 2.8 and 3.12.

    Examples
    --------
    >>> Horseshoe(relevant=3, slab_scale=2).slab_df
    4.0
    """

    relevant: float | None = None
    scale: float | None = None
    slab_scale: float | None = None
    slab_df: float = 4.0
    intercept: Distribution | None = None
    units: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_units(self)
        for name in ("relevant", "scale", "slab_scale", "slab_df"):
            value: Any = vars(self)[name]
            if not (value is None and name != "slab_df") and not is_positive(value):
                raise IncompatibleModelError(
                    f"Horseshoe: {name} must be a positive number, got {shown(value)}."
                )
        if self.relevant is not None and self.scale is not None:
            raise IncompatibleModelError(
                "Horseshoe: relevant and scale both state the global scale. Give one of them."
            )
        check_intercept("Horseshoe", self.intercept)

    def resolve(self, scales: Scales) -> "Horseshoe":
        """Return it with every number stated."""
        check_linear(scales)
        stated = self.scale is not None and self.intercept is not None
        if scales.spread == 0.0 and not stated:
            raise DataError(
                "The target is constant, so that Horseshoe() has no scale to go by. Check the "
                "target column, or state Horseshoe(scale=..., intercept=...)."
            )
        n, spread = len(scales.feature_names), scales.spread
        scale = spread if self.scale is None else self.scale
        if self.relevant is not None:
            if self.relevant >= n:
                raise IncompatibleModelError(
                    f"Horseshoe: relevant = {self.relevant:g} of {n} weights leaves none to "
                    "shrink. Expect fewer, or use WeaklyInformative()."
                )
            scale = self.relevant / (n - self.relevant) * spread / sqrt(scales.freedom + 1.0)
        units = units_of("Horseshoe", self.units, scales)
        intercept = self.intercept or Normal(scales.centre, 2.5 * spread)
        return replace(self, relevant=None, scale=scale, units=units, intercept=intercept)

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return the global scale, the local ones and the slab."""
        n = len(problem.feature_names)
        found = {
            "global_scale": Unknown(HalfCauchy(self.scale or 1.0)),
            "local_scale": Unknown(HalfCauchy(1.0), (n,)),
        }
        if self.slab_scale is not None:
            found["slab"] = Unknown(self._slab)
        return found

    @property
    def _slab(self) -> RootInverseGamma:
        half = 0.5 * self.slab_df
        return RootInverseGamma(half, half * (self.slab_scale or 1.0) ** 2)

    def rows_given(self, problem: Coefficients, values: Values) -> NormalRows:
        """Return the Gaussian rows given the scales (Z16)."""
        sd = self.spread(problem).scale(values)
        mean, keep = np.zeros(len(sd)), np.ones(len(sd), dtype=bool)
        if problem.has_intercept:
            if isinstance(self.intercept, Normal):
                mean[0] = float(np.asarray(self.intercept.mean))
                sd[0] = 1.0 / sqrt(-float(self.intercept.curvature(0.0)))
            else:
                keep[0] = False
        if keep.all():
            return NormalRows(None, mean, sd)
        rows = np.eye(len(sd))[keep]
        return NormalRows(rows, mean[keep], sd[keep], np.zeros_like(rows))

    def spread(self, problem: Coefficients) -> ShrinkageScales:
        """Return the scale of every weight (Z15)."""
        units = np.array(list(self.units.values()))
        return ShrinkageScales(units, int(problem.has_intercept), self.slab_scale is not None)

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the weights as products with their scales."""
        values = inferred_in(pm, self.hyperparameters(problem), problem.feature_dim)
        s = values["global_scale"] * values["local_scale"]
        if "slab" in values:
            s = s / (1.0 + (s / values["slab"]) ** 2) ** 0.5
        units = np.array(list(self.units.values()))
        return self._in_pymc(pm, units * s, problem), values

    def describe(self) -> str:
        """Say the prior in words."""
        slab = ""
        if self.slab_scale is not None:
            slab = f"\nslab² ~ InverseGamma({self.slab_df / 2:g}, {self._slab.rate:g})"
        at = self.scale if self.scale is not None else "τ₀"
        stated = self.intercept
        intercept = "Normal(mean(y), 2.5·sd(y))" if stated is None else words(stated)
        return (
            f"intercept at the mean of the features ~ {intercept}\n"
            "weights ~ Normal(0, global_scale·local_scale/sd(x)), one local_scale each"
            f"{', no wider than the slab' if slab else ''} (horseshoe)\n"
            f"global_scale ~ HalfCauchy({at})\nlocal_scale ~ HalfCauchy(1){slab}"
        )
