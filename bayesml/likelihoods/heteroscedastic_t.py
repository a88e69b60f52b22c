"""Student-t noise whose scale is predicted too. Derived in docs/theory/network.md, (M18)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.distributions import ContinuousSupport, Distribution, Gamma, Positive, Real, Support
from bayesml.distributions.real_line import standard_student_t_log_density
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.heteroscedastic import (
    HeteroscedasticGaussian,
    log_scale_nodes,
    read_outputs,
)
from bayesml.likelihoods.links import Identity, Link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.roles import Limit
from bayesml.likelihoods.student_t import StudentT, digamma_excess, tail_ratio
from bayesml.losses import AbsoluteError, Loss
from bayesml.typing import Array, ArrayLike

LARGEST_DF = 1e100
"""Beyond it tails are a Gaussian's to the last digit, and ∞ · 0 is none."""


@dataclass(frozen=True)
class HeteroscedasticStudentT:
    r"""Student-t noise with a scale that depends on x, and tails that do not.

    .. math:: y \sim \mathrm{StudentT}(2 + \kappa, \eta_1, e^{\eta_2})

    It reads two outputs, the location and the log scale, on the first axis of `eta` (M18). A
    predicted scale is itself uncertain, and where it is too small one row can cost more than all
    others; finite degrees of freedom, which the data choose, bound that. They exceed two, so that
    the variance exists. It is `HeteroscedasticGaussian` as :math:`\kappa \to \infty`.

    Parameters
    ----------
    excess_df : float, Distribution or None
        Degrees of freedom beyond two, :math:`\kappa = \nu - 2`. A number is known, a distribution
        is inferred, and None is the default Gamma(2, 0.1).

    Raises
    ------
    IncompatibleModelError
        If `excess_df` is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Lange, Little & Taylor (1989), Robust statistical modeling using the t distribution, §3;
    Juárez & Steel (2010), Model-based clustering of non-Gaussian panel data, §2 (the prior).

    Examples
    --------
    >>> likelihood = HeteroscedasticStudentT(excess_df=2.0)
    >>> likelihood.sd(np.array([[1.0], [0.0]]), {"excess_df": 2.0}).round(3)
    array([1.414])
    """

    excess_df: Stated = None

    def __post_init__(self) -> None:
        checked = check_parameter("HeteroscedasticStudentT", "excess_df", self.excess_df)
        object.__setattr__(self, "excess_df", checked)

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
        """The absolute error: the first output is the median, whatever the tails."""
        return AbsoluteError()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The degrees of freedom beyond two."""
        return {"excess_df": self.excess_df}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"excess_df": Positive()}

    @property
    def simpler(self) -> HeteroscedasticGaussian:
        """Gaussian tails: a scale should be found before its tails, which could stand in for it."""
        return HeteroscedasticGaussian()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """`HeteroscedasticGaussian` as κ → ∞ (T5)."""
        return (Limit("excess_df", HeteroscedasticGaussian(), {"excess_df": 0.1}),)

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """κ ~ Gamma(2, 0.1), as ν in `StudentT`."""
        return {"excess_df": Gamma(2.0, 0.1)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from tails that are nearly a Gaussian's."""
        return {"excess_df": 20.0}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Two: the location of y, and the log of its scale."""
        return (mean_y, sd_y), (float(np.log(sd_y or 1.0)), 1.0)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average over log σ by quadrature, and over the location by one Student-t (M19)."""
        weights, location, log_scale, within = log_scale_nodes(eta, covariance)
        with np.errstate(divide="ignore"):
            spread = 0.5 * np.logaddexp(2.0 * log_scale, np.log(within))
        df = _df(parameters) * np.exp(np.minimum(2.0 * (spread - log_scale), 20.0))
        return Average(weights, np.stack([location, spread]), {"excess_df": df - 2.0})

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η₁, η₂, κ)."""
        location, at = _by_rows(eta, parameters)
        return StudentT().log_density(y, location, at)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate ((ν + 1) z/(ν + z²)/σ, (ν + 1) z²/(ν + z²) − 1), z = (y − η₁)/σ."""
        location, log_scale = read_outputs(eta)
        inverse, df = np.exp(-log_scale), _df(parameters)
        z = (np.asarray(y) - location) * inverse
        pull = tail_ratio(df, 1.0, z**2) * z
        return np.stack([pull * inverse, pull * z - 1.0])

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate ((ν + 1)/((ν + 3) σ²), 2ν/(ν + 3))."""
        _, log_scale = read_outputs(eta)
        df = _df(parameters)
        by_location = tail_ratio(df, 1.0, 3.0) * np.exp(-2.0 * log_scale)
        by_scale = np.broadcast_to(2.0 * tail_ratio(df, 0.0, 3.0), by_location.shape)
        return np.stack([by_location, by_scale])

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂κ = ∂/∂ν (T4)."""
        location, at = _by_rows(eta, parameters)
        return {"excess_df": StudentT().parameter_scores(y, location, at)["df"]}

    def terms(
        self, y: Array, eta: Array, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array, dict[str, Array]]:
        """Evaluate density and scores from one z and one logarithm a row (M18, T1, T4)."""
        location, log_scale = read_outputs(eta)
        inverse = np.exp(-log_scale)
        df = np.minimum(_df(parameters), LARGEST_DF)
        z = (y - location) * inverse
        share = z * z / df
        log, above = np.log1p(share), 1.0 / (1.0 + share)
        density = standard_student_t_log_density(np.zeros(()), df) - log_scale
        density -= 0.5 * (df + 1.0) * log
        pull = (1.0 + 1.0 / df) * above * z
        by_df = 0.5 * (digamma_excess(df) + share * above * (1.0 + 1.0 / df) - log)
        score = np.stack([pull * inverse, pull * z - 1.0])
        return density, score, {"excess_df": by_df}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = η₁."""
        return StudentT().mean(*_by_rows(eta, parameters))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate exp(η₂) √(ν/(ν − 2)), ν = 2 + κ."""
        return StudentT().sd(*_by_rows(eta, parameters))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y)."""
        return StudentT().cdf(y, *_by_rows(eta, parameters))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y)."""
        return StudentT().survival(y, *_by_rows(eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw η₁ + exp(η₂) t_ν."""
        return StudentT().sample(*_by_rows(eta, parameters), rng)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("κ", self.excess_df, "Gamma(2, 0.1)")
        return f"y ~ StudentT(2 + κ, η₁, exp η₂)\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Student-t, and its arguments."""
        scale = pm.math.exp(eta[1])
        return pm.StudentT, {"nu": 2.0 + parameters["excess_df"], "mu": eta[0], "sigma": scale}


def _by_rows(eta: ArrayLike, parameters: Mapping[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Return the location, and the parameters of `StudentT` with a scale for every row."""
    location, log_scale = read_outputs(eta)
    return location, {"df": _df(parameters), "sigma": np.exp(log_scale)}


def _df(parameters: Mapping[str, Any]) -> Array:
    """Return ν = 2 + κ."""
    return 2.0 + np.asarray(parameters["excess_df"], dtype=np.float64)
