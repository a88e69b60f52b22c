"""The negative binomial likelihood: counts that cluster. Derived in docs/theory/glm_families.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betainc, betaincc, expit, gammainc, gammaincc, log_expit

from bayesml.distributions import (
    ContinuousSupport,
    Counts,
    Distribution,
    InverseGamma,
    Positive,
    Support,
)
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.gamma_tails import LEAST
from bayesml.likelihoods.links import Link, Log, floats
from bayesml.likelihoods.negative_binomial_sums import (
    concentration_information,
    log_above,
    log_below,
)
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.poisson import LARGEST_RATE, LEAST_MEAN, Poisson
from bayesml.likelihoods.roles import Limit
from bayesml.losses import Loss, PoissonDeviance
from bayesml.stirling import digamma_error, log_excess, stirling_error
from bayesml.typing import Array, ArrayLike

NEAR_LIMIT = 1e3
"""√φ, in units of 1 + |y − μ|, from which two terms in 1/φ are the more exact."""

MOST = 1e300
"""A count beyond all others, where the functions of it are still finite."""


@dataclass(frozen=True)
class NegativeBinomial:
    r"""Counts with mean :math:`\mu = e^\eta` that scatter more than Poisson's.

    .. math:: P(y \mid \eta, \varphi) = \binom{y + \varphi - 1}{y}
              \Bigl(\frac{\mu}{\mu + \varphi}\Bigr)^y
              \Bigl(\frac{\varphi}{\mu + \varphi}\Bigr)^\varphi, \qquad
              \operatorname{Var}(y) = \mu + \frac{\mu^2}{\varphi}

    A Poisson rate that is itself gamma distributed, with coefficient of variation
    :math:`1/\sqrt\varphi` (I9). As :math:`\varphi \to \infty` it becomes `Poisson`.

    Parameters
    ----------
    concentration : float, Distribution or None
        :math:`\varphi`, without a unit: the ``phi`` of Stan's ``neg_binomial_2``, ``alpha`` in
        PyMC, ``theta`` in R's MASS, and one over the ``alpha`` of statsmodels. Small ones mean
        wide scatter. A number is known, a distribution is inferred, and None is the default
        InverseGamma(0.5, 0.5), under which :math:`1/\sqrt\varphi` is standard half-normal.

    Raises
    ------
    IncompatibleModelError
        If the concentration is not positive, or is a distribution with mass on negative values.

    References
    ----------
    Cameron & Trivedi (2013), Regression Analysis of Count Data, §3.3 (NB2);
    Simpson et al. (2017), Penalising model component complexity, §3.3 (the prior).

    Examples
    --------
    >>> counts = NegativeBinomial(concentration=2.0)
    >>> counts.sd(np.log(4.0), {"concentration": 2.0}).round(3)  # √(4 + 4²/2)
    np.float64(3.464)
    """

    concentration: Stated = None

    def __post_init__(self) -> None:
        meaning = "no variance: the smaller, the wider counts scatter"
        checked = check_parameter(
            "NegativeBinomial", "concentration", self.concentration, Positive(), meaning
        )
        object.__setattr__(self, "concentration", checked)

    @property
    def support(self) -> Support:
        """The whole numbers from zero."""
        return Counts()

    @property
    def link(self) -> Link:
        """Logarithm: log E[y] = η."""
        return Log()

    @property
    def loss(self) -> Loss:
        """The deviance of counts, whose best action is the mean whatever the concentration."""
        return PoissonDeviance()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """The concentration."""
        return {"concentration": self.concentration}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """The positive half line."""
        return {"concentration": Positive()}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """`Poisson` as φ → ∞ (I10)."""
        return (Limit("concentration", Poisson(), {"concentration": 0.1}),)

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """1/√φ, the coefficient of variation of the rate, is standard half-normal (I11)."""
        return {"concentration": InverseGamma(0.5, 0.5)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from the moments of the target, between the tenth and ten."""
        over = max(sd_y**2 - mean_y, 0.1 * mean_y**2, 1e-300)
        return {"concentration": float(np.clip(mean_y**2 / over, 0.1, 10.0))}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the log of the expected count, on which one is a wide scale."""
        return ((float(np.log(max(mean_y, LEAST_MEAN))), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no count (I12)."""
        phi, counted, zero = _phi(parameters), Counts().contains(y), np.asarray(y) == 0
        log_share = np.asarray(log_expit(np.log(phi) - floats(eta)))
        none = np.where(np.isinf(phi), -self.link.mean(eta), _times(phi, log_share))
        if np.all(zero):  # as wrappers ask of every row: the rest would be thrown away
            return np.broadcast_arrays(none, zero)[0].copy()
        some = self._log_mass(np.where(counted, np.maximum(y, 1.0), 1.0), eta, phi)
        return np.where(counted, np.where(zero, none, some), -np.inf)

    def _log_mass(self, k: Array, eta: ArrayLike, phi: Array) -> Array:
        """Evaluate the log probability of counts above zero (I12)."""
        mu, (share, other) = self.link.mean(eta), _shares(eta, phi)
        ratio, over = share * (1.0 + k / phi), share * (k - mu) / phi
        of_rate = _times(phi, log_excess(ratio, over))
        of_count = k * log_excess(share * mu / k + other, share * (mu - k) / k)
        rest = stirling_error(phi + k) - stirling_error(phi) - stirling_error(k)
        half_log = 0.5 * (np.log1p(k / phi) + np.log(2.0 * np.pi * k))
        return np.asarray(of_rate + of_count + rest - half_log)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (y − μ)/(1 + μ/φ) (I13)."""
        share, _ = _shares(eta, _phi(parameters))
        return np.asarray(share * (np.asarray(y) - self.link.mean(eta)))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate μ/(1 + μ/φ) (I13)."""
        share, _ = _shares(eta, _phi(parameters))
        return np.asarray(share * self.link.mean(eta))

    def recession(self, y: Array, eta: Array) -> Array:
        """Down for a zero, nowhere for others."""
        return np.where(np.asarray(y) == 0, -1.0, 0.0)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂/∂φ (I14)."""
        phi, y = _phi(parameters), np.asarray(y, dtype=np.float64)
        share, _ = _shares(eta, phi)
        over = share * (y - self.link.mean(eta)) / phi
        rest = digamma_error(phi) - digamma_error(phi + y)
        half = 0.5 * (y / phi) / (phi + y)
        return {"concentration": log_excess(share * (1.0 + y / phi), over) + half + rest}

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate that in φ, which is orthogonal to η (I32)."""
        phi = _phi(parameters)
        return {"concentration": concentration_information(_shares(eta, phi)[1], phi)}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = e^η."""
        return self.link.mean(eta)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(μ + μ²/φ)."""
        share, _ = _shares(eta, _phi(parameters))
        return np.asarray(np.sqrt(self.link.mean(eta)) / np.sqrt(share))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete beta function (I15)."""
        k, inside = self._tail(y, eta, parameters, below=True)
        return np.where(k < 0, 0.0, np.where(np.isposinf(k), 1.0, inside))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement (I15)."""
        k, inside = self._tail(y, eta, parameters, below=False)
        return np.where(k < 0, 1.0, np.where(np.isposinf(k), 0.0, inside))

    def log_cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y ≤ y), which does not underflow (I35)."""
        return self._log_tail(y, eta, parameters, below=True)

    def log_survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log P(Y > y), which does not underflow (I34)."""
        return self._log_tail(y, eta, parameters, below=False)

    def log_cdf_slope(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log(−∂P(Y ≤ y)/∂η), that of (k + 1) p(k + 1) (I33)."""
        above = np.floor(floats(y)) + 1.0
        there = np.clip(above, 1.0, MOST)
        moved = np.log(there) + self.log_density(there, eta, parameters)
        return np.where((above >= 1.0) & (above <= MOST), moved, -np.inf)

    def _log_tail(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any], below: bool
    ) -> Array:
        """Take the log: near one of the complement, near zero from the nearest probability."""
        mass, other = (self.survival, self.cdf)[:: -1 if below else 1]
        inside, rest = mass(y, eta, parameters), other(y, eta, parameters)
        k, e, phi, _ = np.broadcast_arrays(np.floor(floats(y)), eta, _phi(parameters), inside)
        with np.errstate(divide="ignore"):
            near = np.where(inside > 0.5, np.log1p(-np.minimum(rest, 1.0)), np.log(inside))
        out, far = np.array(near), (inside < LEAST) & (k >= 0) & (k < MOST)
        if np.any(far):
            at, e, phi = k[far], np.asarray(e, dtype=np.float64)[far], phi[far]
            mu, share = self.link.mean(e), _shares(e, phi)[0]
            last = at if below else at + 1.0
            more = (log_below if below else log_above)(at, mu, share, phi)
            out[far] = self.log_density(last, e, {"concentration": phi}) + more
        return out

    def _tail(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any], below: bool
    ) -> tuple[Array, Array]:
        """Return ⌊y⌋, and the mass up to it or beyond it; near the limit that plus 1/φ (I16)."""
        k, phi, mu = np.floor(floats(y)), _phi(parameters), self.link.mean(eta)
        at = np.clip(k, 0.0, MOST)
        poisson, beta = (gammaincc, betaincc) if below else (gammainc, betainc)
        bend = 0.5 * (at - mu) / phi * np.exp(Poisson().log_density(at, eta, {})) * mu
        near_limit = poisson(at + 1.0, mu) + np.where(below, -bend, bend)
        inside = beta(at + 1.0, _finite(phi), _shares(eta, phi)[1])
        return k, np.where(1.0 + np.abs(at - mu) < np.sqrt(phi) / NEAR_LIMIT, near_limit, inside)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw a gamma distributed rate, and a count from it (I9)."""
        mu, phi = np.broadcast_arrays(self.link.mean(eta), _phi(parameters))
        wide = _finite(phi)
        rate = np.where(np.isinf(phi), mu, mu * (rng.gamma(wide) / wide))
        drawn = rng.poisson(np.minimum(rate, LARGEST_RATE)).astype(np.float64)
        return np.where(rate > LARGEST_RATE, np.round(rate), drawn)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        words = parameter_words("φ", self.concentration, "InverseGamma(0.5, 0.5)")
        return f"y ~ NegativeBinomial(mean exp η, concentration φ)\n{words}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the negative binomial, and its arguments."""
        return pm.NegativeBinomial, {
            "mu": self.link.pymc(pm, eta),
            "alpha": parameters["concentration"],
        }


def _phi(parameters: Mapping[str, Any]) -> Array:
    return floats(parameters["concentration"])


def _finite(phi: Array) -> Array:
    """Return φ where it is finite, and one in place of infinity, whose result is not used."""
    return np.where(np.isinf(phi), 1.0, phi)


def _shares(eta: ArrayLike, phi: Array) -> tuple[Array, Array]:
    """Return φ/(φ + μ) and μ/(φ + μ), each on its own; one and zero at φ = ∞."""
    apart = np.log(phi) - floats(eta)
    return np.asarray(expit(apart)), np.asarray(expit(-apart))


def _times(phi: Array, values: Array) -> Array:
    """Multiply by φ what vanishes faster than 1/φ: zero at φ = ∞."""
    return np.where(np.isinf(phi), 0.0, _finite(phi) * values)
