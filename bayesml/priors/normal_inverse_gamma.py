"""The conjugate prior of the linear Gaussian model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayesml.distributions import Normal, RootInverseGamma
from bayesml.distributions.base import keep_positive, positive, real
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.scales import Scales
from bayesml.typing import Array

Number = float | Sequence[float]


@dataclass(frozen=True)
class NormalInverseGamma:
    r"""Joint prior of coefficients and noise variance, conjugate to the Gaussian likelihood.

    .. math:: \sigma^2 \sim \mathrm{InverseGamma}(a, b), \qquad
              \theta_j \mid \sigma \sim \mathrm{Normal}(\mu_j, \sigma s_j), \qquad
              b_{\bar x} \mid \sigma \sim \mathrm{Normal}(\mu_0, \sigma s_0)

    The posterior is of the same form (N4), so that everything about it is closed form. The
    intercept is the prediction at the mean of the features.

    Parameters
    ----------
    mean : float or sequence of float
        :math:`\mu`, for every weight or one each, in units of y per unit of x.
    scale : float or sequence of float
        :math:`s`, prior standard deviations in multiples of :math:`\sigma`.
    shape, rate : float
        :math:`a` and :math:`b` of the inverse gamma on the variance; b in squared units of y.
    intercept_mean, intercept_scale : float
        :math:`\mu_0` in the unit of y and :math:`s_0` in multiples of :math:`\sigma`.

    Raises
    ------
    IncompatibleModelError
        If a parameter is not finite, a scale is not positive, or the numbers of entries and of
        features differ.

    References
    ----------
    Murphy (2012), Machine Learning: A Probabilistic Perspective, §7.6.3, eq. 7.69-7.73.

    Examples
    --------
    >>> NormalInverseGamma(mean=0, scale=10, shape=2, rate=1).shape
    2.0
    """

    mean: Number = 0.0
    scale: Number = 10.0
    shape: float = 1.0
    rate: float = 1.0
    intercept_mean: float = 0.0
    intercept_scale: float = 10.0

    def __post_init__(self) -> None:
        keep_positive(self, "shape", "rate", "intercept_scale")
        for name, kept in (("mean", real), ("intercept_mean", real), ("scale", positive)):
            value = kept("NormalInverseGamma", name, vars(self)[name])
            object.__setattr__(self, name, value)
        if isinstance(vars(self)["intercept_mean"], tuple):
            raise IncompatibleModelError("NormalInverseGamma: intercept_mean must be one number.")

    def resolve(self, scales: Scales) -> "NormalInverseGamma":
        """Return the prior with one mean and one scale for every feature."""
        if scales.depth or not set(scales.shapes) <= {"intercept", "weights"}:
            raise IncompatibleModelError(
                "NormalInverseGamma is the conjugate prior of Linear(). For a network use "
                "Layered(), for another predictor Independent(...)."
            )
        n = len(scales.feature_names)
        full = {}
        for name in ("mean", "scale"):
            value = np.asarray(vars(self)[name])
            if value.ndim == 1 and len(value) != n:
                raise IncompatibleModelError(
                    f"NormalInverseGamma: {name} has {len(value)} entries, but there are {n} "
                    "features. Give one number, or one per feature in their order."
                )
            full[name] = tuple(np.broadcast_to(value, n).tolist())
        return NormalInverseGamma(**(vars(self) | full) if n else vars(self))

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """The standard deviation of the noise."""
        return ("sigma",)

    def normal_rows(self, problem: Coefficients) -> NormalRows:
        """Return one row for every coefficient, in multiples of σ."""
        n = len(problem.feature_names)
        mean, scale = (np.broadcast_to(v, n) if n else np.zeros(0) for v in (self.mean, self.scale))
        if problem.has_intercept:
            mean = np.append(self.intercept_mean, mean)
            scale = np.append(self.intercept_scale, scale)
        p = len(mean)
        return NormalRows(np.eye(p), mean, scale, np.zeros((p, p)), scale="sigma")

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the Normal densities of its rows."""
        return normal_terms(self.normal_rows(problem), beta, values)

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw every coefficient given σ."""
        rows = self.normal_rows(problem)
        _, sd = rows.scales(values)
        return np.asarray(rows.mean + sd * rng.standard_normal((*shape, len(rows.mean))))

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return σ, whose square is inverse gamma."""
        return {"sigma": Unknown(RootInverseGamma(self.shape, self.rate))}

    def entry_log_densities(self, problem: Coefficients, beta: Array, values: Values) -> Array:
        """Evaluate the log density of every coefficient given σ."""
        rows = self.normal_rows(problem)
        _, sd = rows.scales(values)
        return Normal().log_density((beta - rows.mean) / sd) - np.log(sd)

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the coefficients given σ, and σ by its square."""
        exact = partial(np.asarray, dtype=np.float64)
        variance = pm.InverseGamma("sigma_squared", alpha=exact(self.shape), beta=exact(self.rate))
        sigma = pm.Deterministic("sigma", variance**0.5)
        scale = sigma * exact(self.scale)
        out = {"weights": pm.Normal("weights", exact(self.mean), scale, dims=problem.feature_dim)}
        if problem.has_intercept:
            at, spread = self.intercept_mean, sigma * self.intercept_scale
            out["intercept"] = pm.Normal("intercept_centred", at, spread)
        return out, {"sigma": sigma}

    def describe(self) -> str:
        """Say the prior in words."""
        return (
            f"σ² ~ InverseGamma({self.shape:g}, {self.rate:g})\n"
            f"intercept at the mean of the features ~ Normal({self.intercept_mean:g}, "
            f"{self.intercept_scale:g}·σ)\n"
            f"weights ~ Normal({self.mean}, {self.scale}·σ)"
        )
