"""Counts with more zeros than their law says. Derived in docs/theory/zero_modified_counts.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods.base import Likelihood, Stated
from bayesml.likelihoods.links import Link
from bayesml.likelihoods.roles import Limit
from bayesml.likelihoods.zero_modified import ZeroModified, pi_of
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class ZeroInflated(ZeroModified):
    r"""Counts of which some rows can have none: a mixture with zero.

    .. math:: P(0) = \pi + (1 - \pi)\,p(0 \mid \eta, \phi), \qquad
              P(y) = (1 - \pi)\,p(y \mid \eta, \phi), \quad y = 1, 2, \dots

    with p the wrapped likelihood, whose parameters are among its own (X1). With probability π a
    row is a zero by itself, as those are who never go fishing, and otherwise it is a count, which
    may be zero too. Where zeros are of one kind only, `Hurdle` says so.

    Parameters
    ----------
    count_likelihood : Likelihood
        Of counts: ``Poisson()`` or ``NegativeBinomial()``.
    zero_probability : float, Distribution or None
        π, the same for all rows. A number is known, a distribution on (0, 1) is inferred, and
        None is the default Beta(1, 1), which is uniform.

    Raises
    ------
    IncompatibleModelError
        If the likelihood is not of counts, or the probability is not between 0 and 1.

    References
    ----------
    Lambert (1992), Zero-inflated Poisson regression, eq. 1;
    Cameron & Trivedi (2013), Regression Analysis of Count Data, §4.4.

    Examples
    --------
    >>> from bayesml.likelihoods import Poisson
    >>> counts = ZeroInflated(Poisson())
    >>> np.exp(counts.log_density([0, 1], 0.0, {"zero_probability": 0.5})).round(3)
    array([0.684, 0.184])
    """

    count_likelihood: Likelihood
    zero_probability: Stated = None

    @property
    def link(self) -> Link:
        """That of the counts: η leads to their mean, of which E[y] is 1 − π times."""
        return self.count_likelihood.link

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The counts alone as π → 0, and what the counts become (X6)."""
        counts = self.count_likelihood
        return (*super().limits, Limit("zero_probability", counts, {"zero_probability": 3.0}, 0.0))

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start where the counts do, and from few zeros by themselves."""
        return {**self.count_likelihood.start(mean_y, sd_y), "zero_probability": 0.2}

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no count (X1)."""
        pi, counts = pi_of(parameters), self.count_likelihood
        some = np.log1p(-pi) + counts.log_density(y, eta, parameters)
        return np.where(np.asarray(y) == 0, np.logaddexp(_log(pi), some), some)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the score of the counts, of a zero in proportion to its being one (X2)."""
        share = self._share_of_count(y, eta, parameters)
        return np.asarray(share * self.count_likelihood.score(y, eta, parameters))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (1 − π)(I − p(0) s(0)² (1 − share of a count)) (X3)."""
        counts, none = self.count_likelihood, np.zeros(np.shape(eta))
        p_0 = np.exp(counts.log_density(none, eta, parameters))
        lost = 1.0 - self._share_of_count(none, eta, parameters)
        s_0 = counts.score(none, eta, parameters)
        square = p_0 * s_0 * s_0  # in this order: s² overflows where p is zero
        whole = counts.information(eta, parameters)
        return np.asarray((1.0 - pi_of(parameters)) * (whole - square * lost))

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate those of the counts, and ∂/∂π (X4)."""
        pi, counts = pi_of(parameters), self.count_likelihood
        share = self._share_of_count(y, eta, parameters)
        scores = counts.parameter_scores(y, eta, parameters)
        none = np.zeros(np.shape(y))
        above = counts.survival(none, eta, parameters)
        by_pi = np.where(
            np.asarray(y) == 0,
            above * np.exp(-self.log_density(none, eta, parameters)),
            -1.0 / (1.0 - pi),
        )
        return {**{k: np.asarray(share * v) for k, v in scores.items()}, "zero_probability": by_pi}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = (1 − π) μ (X5)."""
        return np.asarray((1.0 - pi_of(parameters)) * self.count_likelihood.mean(eta, parameters))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √((1 − π)(σ² + π μ²)) (X5)."""
        pi, counts = pi_of(parameters), self.count_likelihood
        spread = np.hypot(counts.sd(eta, parameters), np.sqrt(pi) * counts.mean(eta, parameters))
        return np.asarray(np.sqrt(1.0 - pi) * spread)

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y)."""
        pi = pi_of(parameters)
        below = self.count_likelihood.cdf(y, eta, parameters)
        above = self.count_likelihood.survival(y, eta, parameters)
        inside = np.where(above < 0.5, 1.0 - (1.0 - pi) * above, pi + (1.0 - pi) * below)
        return np.where(np.asarray(y) < 0, 0.0, inside)

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y)."""
        above = self.count_likelihood.survival(y, eta, parameters)
        return np.where(np.asarray(y) < 0, 1.0, (1.0 - pi_of(parameters)) * above)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw counts, and put zeros in the place of some."""
        drawn = self.count_likelihood.sample(eta, parameters, rng)
        return np.where(rng.random(drawn.shape) < pi_of(parameters), 0.0, drawn)

    def _sentence(self, counts: str) -> str:
        return f"{counts}, or zero with probability π"

    def _in_pymc(self, pm: Any, counts: Any) -> Any:
        return counts

    def _share_of_count(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Return the probability that y came from the counts: one, unless it is zero (X2)."""
        of_count = np.log1p(-pi_of(parameters))
        of_count = of_count + self.count_likelihood.log_density(0.0, eta, parameters)
        share = np.exp(of_count - np.logaddexp(_log(pi_of(parameters)), of_count))
        return np.where(np.asarray(y) == 0, share, 1.0)


def _log(pi: Array) -> Array:
    with np.errstate(divide="ignore"):  # an estimate at the end of the range (X6)
        return np.asarray(np.log(pi))
