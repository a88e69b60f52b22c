"""The Student-t likelihood: regression that outliers do not drag along.

Derived in docs/theory/student_t_likelihood.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import digamma, polygamma

from bayesml.distributions import (
    ContinuousSupport,
    Distribution,
    Exponential,
    Gamma,
    Positive,
    Real,
    Shifted,
    Support,
)
from bayesml.distributions.real_line import standard_student_t_log_density
from bayesml.distributions.student_t_tail import student_t_cdf
from bayesml.likelihoods.averaging import hermite_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.gaussian import Gaussian
from bayesml.likelihoods.links import Identity, Link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.roles import Limit
from bayesml.losses import AbsoluteError, Loss
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class StudentT:
    r"""Student-t noise with :math:`\nu` degrees of freedom and scale :math:`\sigma`.

    .. math:: p(y \mid \eta, \nu, \sigma) = \frac{1}{\sigma\sqrt{\nu}\,B(1/2, \nu/2)}
              \Bigl(1 + \frac{(y-\eta)^2}{\nu\sigma^2}\Bigr)^{-(\nu+1)/2}

    The score in :math:`\eta` is bounded, so that a distant row loses its pull (T2). As
    :math:`\nu \to \infty` it becomes `Gaussian`.

    Parameters
    ----------
    df : float, Distribution or None
        Degrees of freedom. A number is known, a distribution is inferred, and None is the
        default Shifted(Gamma(2, 0.1), 1), which has none below 1, where y has no mean, and
        little below 2 and beyond 60.
    sigma : float, Distribution or None
        Scale of the noise in the unit of y (its standard deviation is
        :math:`\sigma\sqrt{\nu/(\nu-2)}`). None is the default Exponential(1 / sd(y)).

    Raises
    ------
    IncompatibleModelError
        If a parameter is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Lange, Little & Taylor (1989), Robust statistical modeling using the t distribution, eq. 1;
    Juárez & Steel (2010), Model-based clustering of non-Gaussian panel data, §2 (the prior of df).

    Examples
    --------
    >>> StudentT(df=3).score([1.0, 100.0], 0.0, {"df": 3.0, "sigma": 1.0}).round(3)
    array([1.  , 0.04])
    """

    df: Stated = None
    sigma: Stated = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "df", check_parameter("StudentT", "df", self.df))
        object.__setattr__(self, "sigma", check_parameter("StudentT", "sigma", self.sigma))

    @property
    def support(self) -> Support:
        """The whole line."""
        return Real()

    @property
    def link(self) -> Link:
        """Identity: E[y] = η."""
        return Identity()

    @property
    def loss(self) -> Loss:
        """The absolute error: η is the median, and the mean exists only for ν > 1."""
        return AbsoluteError()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The degrees of freedom and the scale."""
        return {"df": self.df, "sigma": self.sigma}

    @property
    def noise_scale(self) -> str:
        """σ."""
        return "sigma"

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line, each."""
        return {"df": Positive(), "sigma": Positive()}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """`Gaussian` of the same scale as ν → ∞ (T5)."""
        return (Limit("df", Gaussian(self.sigma), {"df": 0.1, "sigma": 0.1}),)

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """ν − 1 ~ Gamma(2, 0.1) and σ ~ Exponential(1 / sd(y))."""
        return {"df": Shifted(Gamma(2.0, 0.1), 1.0), "sigma": Exponential(1.0 / sd_y)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the spread of the target."""
        return {"df": 10.0, "sigma": sd_y}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the location of y."""
        return ((mean_y, sd_y),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature."""
        return hermite_average(eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, ν, σ) (T1)."""
        df, sigma = np.asarray(parameters["df"]), np.asarray(parameters["sigma"])
        z = np.asarray((np.asarray(y) - eta) / sigma, dtype=np.float64)
        return standard_student_t_log_density(z, df) - np.log(sigma)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (ν + 1) r / (ν σ² + r²), r = y − η (T2)."""
        df, sigma = np.asarray(parameters["df"]), np.asarray(parameters["sigma"])
        r = np.asarray(y) - eta
        return np.asarray(tail_ratio(df, 1.0, (r / sigma) ** 2) * r / sigma**2)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (ν + 1) / ((ν + 3) σ²) (T3)."""
        df, sigma = np.asarray(parameters["df"]), np.asarray(parameters["sigma"])
        return np.broadcast_to(tail_ratio(df, 1.0, 3.0) / sigma**2, np.shape(eta)).copy()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂ν and ∂/∂σ (T4)."""
        df, sigma = np.asarray(parameters["df"]), np.asarray(parameters["sigma"])
        square = ((np.asarray(y) - eta) / sigma) ** 2
        pull = tail_ratio(df, 1.0, square) * square
        share = np.asarray(square / df, dtype=np.float64)
        tail = _log_excess(share) + share / (df + square)
        by_df = 0.5 * (digamma_excess(df) + tail)
        return {"df": np.asarray(by_df), "sigma": np.asarray((pull - 1.0) / sigma)}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate 2ν/((ν + 3)σ²) for σ, and for ν what Lange et al. (1989), appendix B, give."""
        nu, sigma = (np.asarray(parameters[k], dtype=np.float64) for k in ("df", "sigma"))
        shape = np.broadcast_shapes(nu.shape, sigma.shape, np.shape(eta))
        curved = polygamma(1, 0.5 * nu) - polygamma(1, 0.5 * (nu + 1.0))
        of_nu = 0.25 * curved - 0.5 * (nu + 5.0) / (nu * (nu + 1.0) * (nu + 3.0))
        of_sigma = 2.0 * nu / ((nu + 3.0) * sigma**2)
        return {
            "df": np.broadcast_to(of_nu, shape),
            "sigma": np.broadcast_to(of_sigma, shape),
        }

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = η; undefined (NaN) where ν ≤ 1."""
        eta = np.asarray(eta, dtype=np.float64)
        return np.where(np.asarray(parameters["df"]) > 1, eta, np.nan)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate σ √(ν/(ν − 2)); infinite where ν ≤ 2."""
        df, sigma = np.asarray(parameters["df"]), np.asarray(parameters["sigma"])
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = np.where(df > 2, sigma * np.sqrt(tail_ratio(df, 0.0, -2.0)), np.inf)
        return np.broadcast_to(sd, np.broadcast_shapes(np.shape(eta), sd.shape)).copy()

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y)."""
        z = (np.asarray(y) - eta) / np.asarray(parameters["sigma"])
        return student_t_cdf(np.asarray(parameters["df"], dtype=np.float64), np.asarray(z))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y): the distribution is symmetric around η."""
        z = (eta - np.asarray(y)) / np.asarray(parameters["sigma"])
        return student_t_cdf(np.asarray(parameters["df"], dtype=np.float64), np.asarray(z))

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of p(y): η is a location."""
        return self.log_density(y, eta, parameters)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η + σ t_ν."""
        eta = np.asarray(eta)
        df = np.minimum(parameters["df"], 1e300)  # numpy draws NaN at ∞, and here normal numbers
        noise = rng.standard_t(np.broadcast_to(df, eta.shape))
        return np.asarray(eta + np.asarray(parameters["sigma"]) * noise)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return "\n".join(
            [
                "y ~ StudentT(ν, η, σ)",
                parameter_words("ν", self.df, "1 + Gamma(2, 0.1)"),
                parameter_words("σ", self.sigma, "Exponential(1/sd(y))"),
            ]
        )

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Student-t, and its arguments."""
        return pm.StudentT, {"nu": parameters["df"], "mu": eta, "sigma": parameters["sigma"]}


def tail_ratio(df: ArrayLike, above: ArrayLike, below: ArrayLike) -> Array:
    """Evaluate (ν + a)/(ν + b), which is one at ν = ∞ (T5)."""
    df = np.asarray(df, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        ratio = (df + np.asarray(above)) / (df + np.asarray(below))
    return np.asarray(np.where(np.isinf(df), 1.0, ratio))


def digamma_excess(df: Array) -> Array:
    """Evaluate ψ((ν+1)/2) − ψ(ν/2) − 1/ν without the cancellation at large ν (T4)."""
    near, r = np.minimum(df, 40.0), 1.0 / np.maximum(df, 40.0)
    series = (0.5 - (0.25 - (0.5 - 2.125 * r**2) * r**2) * r**2) * r**2
    direct = digamma(0.5 * (near + 1)) - digamma(0.5 * near) - 1.0 / near
    return np.asarray(np.where(df < 40.0, direct, series))


def _log_excess(t: Array) -> Array:
    """Evaluate t/(1+t) − log(1+t) without the cancellation at small t (T4)."""
    small = np.minimum(t, 0.01)
    series = np.sum([(-1) ** (k + 1) * (k - 1) / k * small**k for k in range(2, 10)], axis=0)
    return np.asarray(np.where(t < 0.01, series, t / (1.0 + t) - np.log1p(t)))
