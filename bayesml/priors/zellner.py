"""Zellner's g prior, in units of the noise: (Z13) and (Z14) of docs/theory/sparse_priors.md."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from bayesml.arguments import check_instance, check_positive, is_positive, shown
from bayesml.distributions import Flat, RootInverseGamma, exact
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.linalg import rank_report, triangular_factor
from bayesml.priors.base import Coefficients, Resolved, Unknown
from bayesml.priors.by_precision import NormalByPrecision, check_linear
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.scales import Scales
from bayesml.typing import Array


@dataclass(frozen=True)
class ZellnerG:
    r"""Zellner's g prior: the precision of the data, divided by g.

    .. math:: \theta \mid \sigma \sim \mathrm{Normal}\bigl(0,\
              g\,\sigma^2 (X_c^\top X_c)^{-1}\bigr),
              \qquad b_{\bar x} \mid \sigma \sim \mathrm{Normal}(\bar y, s_0\sigma), \qquad
              \sigma^2 \sim \mathrm{InverseGamma}(a, b) \qquad (Z13)

    with :math:`X_c` the centred features, or X itself without an intercept. It weighs as much as
    m/g rows. Weights shrink by g/(1 + g), whatever columns span the same space, and the evidence
    compares models of different columns. It is conjugate, so that everything is in closed form.

    Parameters
    ----------
    g : float, None or Flat
        None is the number of rows m, the information of one row. ``Flat()`` leaves it to
        `EmpiricalBayes`, which finds the most probable one; no other method takes it.
    sigma : float or None
        The noise, where it is known: that of ``Gaussian(sigma=...)``. None states σ here.
    shape : float
        :math:`a`, where σ is not known.
    rate : float or None
        :math:`b`, in squared units of y; None is sd(y)²/2.
    intercept_scale : float
        :math:`s_0`, in multiples of σ.

    Raises
    ------
    IncompatibleModelError
        If a number is not positive and finite; at fit, if the columns are collinear.
    DataError
        At fit, if the target is constant and the rate is not stated.

    References
    ----------
    Zellner (1986), On assessing prior distributions and Bayesian regression analysis with g-prior
    distributions; Liang et al. (2008), Mixtures of g priors for Bayesian variable selection,
    eq. 3 and 6; Kass & Wasserman (1995), for the information of one row.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
    >>> model = bm.Model(likelihood=bm.Gaussian(1.0), prior=ZellnerG(g=3, sigma=1.0))
    >>> bm.fit(model, data).summary()["mean"].round(3).to_dict()  # 2 · 3/4
    {'intercept': 0.0, 'weights[x0]': 1.5}
    """

    g: float | Flat | None = None
    sigma: float | None = None
    shape: float = 0.5
    rate: float | None = None
    intercept_scale: float = 10.0

    def __post_init__(self) -> None:
        for name in ("g", "sigma", "shape", "rate", "intercept_scale"):
            value: Any = vars(self)[name]
            optional = value is None and name in ("g", "sigma", "rate")
            optional = optional or (name == "g" and isinstance(value, Flat))
            if not optional and not is_positive(value):
                raise IncompatibleModelError(
                    f"ZellnerG: {name} must be a positive number, got {shown(value)}."
                )

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """The noise, where it is not known."""
        return ("sigma",) if self.sigma is None else ()

    @property
    def leaves_size(self) -> bool:
        """Whether g is left to be found."""
        return self.g == Flat()

    def with_size(self, size: float) -> "ZellnerG":
        """Return the same with g known."""
        return replace(self, g=size)

    def resolve(self, scales: Scales) -> Resolved:
        """Return the factor of the precision in units of σ, or of y where σ is known."""
        check_linear(scales)
        units = self._units(scales)
        if self.sigma is not None:
            known = replace(units, factor=units.factor / self.sigma)
            return known.resolve(scales)
        if self.rate is None and scales.spread == 0.0:
            raise DataError(
                "The target is constant, so that ZellnerG() has no scale for σ to go by. Check the "
                "target column, or state ZellnerG(rate=...)."
            )
        rate = 0.5 * scales.spread**2 if self.rate is None else self.rate
        return NormalInNoise(units, self.shape, rate).resolve(scales)

    def _units(self, scales: Scales) -> NormalByPrecision:
        n, m = len(scales.feature_names), scales.freedom + 1.0
        R, noise = scales.factor * sqrt(scales.freedom), scales.noise * sqrt(scales.freedom)
        if "intercept" not in scales.shapes:
            R = triangular_factor(np.vstack([sqrt(m) * scales.mean_X, R]))[:n]
        if rank_report(R, noise).rank < n:
            raise IncompatibleModelError(
                f"ZellnerG: of the {n} columns only {rank_report(R, noise).rank} are linearly "
                "independent, so that XᵀX has no inverse. Leave columns out, or use "
                "WeaklyInformative(), which has a scale for what no row shows."
            )
        if isinstance(self.g, Flat):
            raise IncompatibleModelError(
                "ZellnerG: g = Flat() is left to EmpiricalBayes(), which finds it by the evidence. "
                "Use that method, or state g; None is the number of rows."
            )
        g = m if self.g is None else self.g
        if "intercept" not in scales.shapes:
            return NormalByPrecision(scales.feature_names, np.zeros(n), R / sqrt(g))
        factor = np.zeros((n + 1, n + 1))
        factor[0, 0], factor[1:, 1:] = 1.0 / self.intercept_scale, R / sqrt(g)
        mean = np.append(scales.centre, np.zeros(n))
        return NormalByPrecision(("intercept", *scales.feature_names), mean, factor)

    def describe(self) -> str:
        """Say the prior in words."""
        g = "m" if self.g is None else "g" if isinstance(self.g, Flat) else f"{self.g:g}"
        sigma = "σ" if self.sigma is None else f"{self.sigma:g}"
        rate = "sd(y)²/2" if self.rate is None else f"{self.rate:g}"
        noise = [] if self.sigma else [f"σ² ~ InverseGamma({self.shape:g}, {rate})"]
        return "\n".join(
            [
                *noise,
                f"intercept at the mean of the features ~ Normal(mean(y), "
                f"{self.intercept_scale:g}·{sigma})",
                f"weights ~ Normal(0, {g}·{sigma}²·(XᵀX)⁻¹), X centred (Zellner's g)",
            ]
        )


@dataclass(frozen=True)
class NormalInNoise:
    r"""A joint Normal prior in multiples of σ, and of σ: what `ZellnerG` becomes (Z14).

    .. math:: F(\beta - \mu)/\sigma \sim \mathrm{Normal}(0, I), \qquad
              \sigma^2 \sim \mathrm{InverseGamma}(a, b)

    Parameters
    ----------
    units : NormalByPrecision
        With σ = 1.
    shape, rate : float
        a, and b in squared units of y.

    Examples
    --------
    >>> units = NormalByPrecision(["intercept", "x"], [0.0, 1.0], [[0.5, 0.0], [0.0, 2.0]])
    >>> print(NormalInNoise(units, 2.0, 1.0).describe())
    σ² ~ InverseGamma(2, 1)
    intercept ~ σ·Normal(0, 2), jointly
    weights[x] ~ 1 + σ·Normal(0, 0.5), jointly
    """

    units: NormalByPrecision
    shape: float
    rate: float

    def __post_init__(self) -> None:
        check_instance(self, "units", NormalByPrecision, "NormalByPrecision(names, mean, factor)")
        check_positive(self, "shape", "rate")

    def resolve(self, scales: Scales) -> "NormalInNoise":
        """Return it in the order of β."""
        return replace(self, units=self.units.resolve(scales))

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """The standard deviation of the noise."""
        return ("sigma",)

    def normal_rows(self, problem: Coefficients) -> NormalRows:
        """Return the rows of F, in multiples of σ."""
        return replace(self.units.normal_rows(problem), scale="sigma")

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
        """Draw β given σ."""
        drawn = self.units.sample(problem, values, rng, shape)
        return np.asarray(self.units.mean + values["sigma"][..., None] * (drawn - self.units.mean))

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return σ, whose square is inverse gamma."""
        return {"sigma": Unknown(RootInverseGamma(self.shape, self.rate))}

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the coefficients in multiples of σ, and σ by its square."""
        variance = pm.InverseGamma("sigma_squared", alpha=exact(self.shape), beta=exact(self.rate))
        sigma = pm.Deterministic("sigma", variance**0.5)
        z = pm.Normal("coefficients_whitened", 0.0, 1.0, shape=len(self.units.names))
        inverse = np.linalg.inv(self.units.factor)
        beta = exact(self.units.mean) + sigma * pm.math.dot(exact(inverse), z)
        n = len(problem.feature_names)
        at = len(self.units.names) - n
        out = {"weights": pm.Deterministic("weights", beta[at:], dims=problem.feature_dim)}
        return ({"intercept": beta[0]} if at else {}) | out, {"sigma": sigma}

    def describe(self) -> str:
        """Say each coefficient's own distribution given σ."""
        lines = [f"σ² ~ InverseGamma({self.shape:g}, {self.rate:g})"]
        own = int(self.units.names[0] == "intercept")
        for k, (name, m, s) in enumerate(
            zip(self.units.names, self.units.mean, self.units.sd, strict=True)
        ):
            middle = f"{m:.4g} + " if m else ""
            called = name if k < own else f"weights[{name}]"
            lines.append(f"{called} ~ {middle}σ·Normal(0, {s:.4g}), jointly")
        return "\n".join(lines)
