"""The binomial likelihood. Derived in docs/theory/categorical_likelihoods.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

from bayesml.distributions import ContinuousSupport, Counts, Distribution, Support
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.links import check_link
from bayesml.likelihoods.probability_links import Logit, ProbabilityLink
from bayesml.losses import Loss, SquaredError
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Binomial:
    r"""Successes in n trials of probability :math:`\mu = g^{-1}(\eta_1)`.

    .. math:: \log p(y \mid \eta) = \log\binom ny + y\log\mu + (n - y)\log(1 - \mu),
              \qquad y = 0, \dots, n

    How many trials there were has to be known of every row, and of rows to predict:
    ``y | trials(n) ~ x``, or ``Data(X, y, trials=n)`` (B3). Predictions are of the number of
    successes; with trials of one they are of the share.

    Parameters
    ----------
    link : ProbabilityLink
        `Logit()`; `Probit()` or `CLogLog()`.

    Raises
    ------
    IncompatibleModelError
        If the link is none of a probability; at fit, if the trials are not known.
    DataError
        At fit, if there are more successes than trials, by row.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, §4.3.

    Examples
    --------
    >>> Binomial().mean([[0.0], [10.0]], {})  # log odds of zero, ten trials
    array([5.])
    >>> Binomial().cdf([0, 5, 10], np.array([[0.0], [10.0]]), {}).round(4)
    array([0.001, 0.623, 1.   ])
    """

    link: ProbabilityLink = Logit()

    def __post_init__(self) -> None:
        check_link("Binomial", self.link, ProbabilityLink, "Logit(), Probit() or CLogLog()")

    @property
    def support(self) -> Support:
        """The whole numbers from zero; up to the trials of the row."""
        return Counts()

    @property
    def known(self) -> tuple[str, ...]:
        """The number of trials."""
        return ("trials",)

    @property
    def possible(self) -> str:
        """No more successes than trials."""
        return "at most the trials of its row, which are a count"

    def allows(self, y: Array, known: Mapping[str, Array]) -> NDArray[np.bool]:
        """Say of which rows the successes are no more than the trials."""
        return np.asarray(Counts().contains(known["trials"]) & (y <= known["trials"]))

    @property
    def loss(self) -> Loss:
        """The squared error of the number of successes."""
        return SquaredError()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """None."""
        return {}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """None."""
        return {}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """None."""
        return {}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """None."""
        return {}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, the log odds for the default link, around even ones."""
        return ((float(self.link.eta(0.5)), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no number of successes (B3)."""
        at, n = _read(eta)
        k = np.asarray(y, dtype=np.float64)
        there = Counts().contains(k) & (k <= n)
        k = np.where(there, k, 0.0)
        chosen = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
        inside = k * self.link.log_mean(at) + (n - k) * self.link.log_complement(at)
        return np.where(there, chosen + inside, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate y d log μ/dη + (n − y) d log(1 − μ)/dη, and zero for the trials (B4)."""
        at, n = _read(eta)
        k = np.asarray(y, dtype=np.float64)
        slope = k * self.link.log_mean_slope(at) + (n - k) * self.link.log_complement_slope(at)
        return np.stack([slope, np.zeros_like(slope)])

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate −n (d log μ/dη)(d log(1 − μ)/dη), and zero (B4)."""
        at, n = _read(eta)
        one = -n * self.link.log_mean_slope(at) * self.link.log_complement_slope(at)
        return np.stack([one, np.zeros_like(one)])

    def recession(self, y: Array, eta: Array) -> Array:
        """Down for none, up where all trials succeeded, and either way without a trial."""
        n = np.asarray(eta)[1]
        some = np.where(np.asarray(y) == 0, -1.0, np.where(y == n, 1.0, 0.0))
        return np.where(n == 0, np.nan, some)

    @property
    def canonical(self) -> bool:
        """Whether the link is the logit."""
        return self.link == Logit()

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """There are none."""
        return {}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = nμ."""
        at, n = _read(eta)
        return np.asarray(n * self.link.mean(at))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(nμ(1 − μ))."""
        at, n = _read(eta)
        return np.sqrt(n * self.link.mean(at) * self.link.complement(at))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), a regularised incomplete beta function (B5)."""
        at, n = _read(eta)
        k = np.floor(np.asarray(y, dtype=np.float64))
        inside = np.clip(k, 0.0, np.maximum(n - 1.0, 0.0))
        below = betainc(np.maximum(n - inside, 1.0), inside + 1.0, self.link.complement(at))
        return np.where(k < 0, 0.0, np.where(k >= n, 1.0, below))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y), its complement (B5)."""
        at, n = _read(eta)
        k = np.floor(np.asarray(y, dtype=np.float64))
        inside = np.clip(k, 0.0, np.maximum(n - 1.0, 0.0))
        above = betainc(inside + 1.0, np.maximum(n - inside, 1.0), self.link.mean(at))
        return np.where(k < 0, 1.0, np.where(k >= n, 0.0, above))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw numbers of successes."""
        at, n = _read(eta)
        chance = np.clip(self.link.mean(at), 0.0, 1.0)
        return rng.binomial(np.broadcast_to(n, chance.shape).astype(np.int64), chance).astype(
            np.float64
        )

    def describe(self) -> str:
        """Say the model of one observation in words."""
        return f"y ~ Binomial(trials, μ), {self.link.name}(μ) = η"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return Binomial, and its arguments."""
        at, n = eta[0], eta[1]
        if self.link == Logit():  # PyMC's own, exact in both tails
            return pm.Binomial, {"n": n, "logit_p": at}
        return pm.Binomial, {"n": n, "p": self.link.pymc(pm, at)}


def _read(eta: ArrayLike) -> tuple[Array, Array]:
    """Return what the link reads, and the trials."""
    both = np.asarray(eta, dtype=np.float64)
    return both[0], both[1]
