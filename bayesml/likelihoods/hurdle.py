"""Counts whose zeros have a law of their own. Derived in docs/theory/zero_modified_counts.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods.base import Likelihood, Stated
from bayesml.likelihoods.links import Link
from bayesml.likelihoods.zero_modified import ZeroModified, pi_of
from bayesml.typing import Array, ArrayLike

LARGEST = 2.0**1023
"""The largest count that is drawn."""


@dataclass(frozen=True)
class Hurdle(ZeroModified):
    r"""A zero with probability π, and otherwise a count of at least one.

    .. math:: P(0) = \pi, \qquad P(y) = (1 - \pi)\,
              \frac{p(y \mid \eta, \phi)}{1 - p(0 \mid \eta, \phi)}, \quad y = 1, 2, \dots

    with p the wrapped likelihood, whose parameters are among its own (X7). Zeros are of one kind,
    and there may be fewer or more than p says. η is of the counts before zero is taken out.

    Parameters
    ----------
    count_likelihood : Likelihood
        Of counts: ``Poisson()`` or ``NegativeBinomial()``.
    zero_probability : float, Distribution or None
        π, the same for all rows, and the expected share of zeros. A number is known, a
        distribution on (0, 1) is inferred, and None is the default Beta(1, 1), which is uniform.

    Raises
    ------
    IncompatibleModelError
        If the likelihood is not of counts, or the probability is not between 0 and 1.

    References
    ----------
    Mullahy (1986), Specification and testing of some modified count data models, §2;
    Cameron & Trivedi (2013), Regression Analysis of Count Data, §4.3.

    Examples
    --------
    >>> from bayesml.likelihoods import Poisson
    >>> counts = Hurdle(Poisson())
    >>> np.exp(counts.log_density([0, 1], 0.0, {"zero_probability": 0.5})).round(3)
    array([0.5  , 0.291])
    """

    count_likelihood: Likelihood
    zero_probability: Stated = None

    @property
    def link(self) -> Link:
        """That of the counts: η leads to their mean before zero is taken out."""
        return self.count_likelihood.link

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start where the counts do, and from half zeros."""
        return {**self.count_likelihood.start(mean_y, sd_y), "zero_probability": 0.5}

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where y is no count (X7)."""
        pi, counts = pi_of(parameters), self.count_likelihood
        some = counts.log_density(y, eta, parameters) - np.log(self._above(eta, parameters))
        return np.where(np.asarray(y) == 0, np.log(pi), np.log1p(-pi) + some)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the score of the counts less its mean over those above zero (X8)."""
        some = self.count_likelihood.score(y, eta, parameters) + self._pull(eta, parameters)
        return np.where(np.asarray(y) == 0, 0.0, some)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (1 − π)((I − p(0) s(0)²)/(1 − p(0)) − k²) (X9)."""
        counts, pull = self.count_likelihood, self._pull(eta, parameters)
        above = self._above(eta, parameters)
        s_0 = counts.score(np.zeros(np.shape(eta)), eta, parameters)
        square = counts.information(eta, parameters) / above - pull * s_0
        # few counts beyond one leave rounding errors of either sign
        return np.asarray((1.0 - pi_of(parameters)) * np.maximum(square - pull**2, 0.0))

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate those of the counts less their means, and ∂/∂π (X8)."""
        pi, counts, none = (
            pi_of(parameters),
            self.count_likelihood,
            np.zeros(np.shape(y)),
        )
        zero = np.asarray(y) == 0
        odds = np.exp(counts.log_density(none, eta, parameters)) / self._above(eta, parameters)
        at_zero = counts.parameter_scores(none, eta, parameters)
        scores = {
            name: np.where(zero, 0.0, slope + odds * at_zero[name])
            for name, slope in counts.parameter_scores(y, eta, parameters).items()
        }
        by_pi = np.where(zero, 1.0 / pi, -1.0 / (1.0 - pi))
        return {**scores, "zero_probability": np.broadcast_arrays(by_pi, eta)[0]}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] = (1 − π) μ/(1 − p(0)) (X10)."""
        above = self._above(eta, parameters)
        mean = self.count_likelihood.mean(eta, parameters) / above
        return np.asarray((1.0 - pi_of(parameters)) * mean)

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate √(q σ² + q (1 − q) μ²), q = (1 − π)/(1 − p(0)) (X10)."""
        counts = self.count_likelihood
        q = (1.0 - pi_of(parameters)) / self._above(eta, parameters)
        sd = counts.sd(eta, parameters)
        other = counts.mean(eta, parameters) * np.sqrt(np.abs(1.0 - q))
        less = np.sqrt(np.maximum(sd - other, 0.0)) * np.sqrt(sd + other)
        return np.asarray(np.sqrt(q) * np.where(q < 1.0, np.hypot(sd, other), less))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y), from the side where less is taken away."""
        pi, counts, above_0 = (
            pi_of(parameters),
            self.count_likelihood,
            self._above(eta, parameters),
        )
        below, above = counts.cdf(y, eta, parameters), counts.survival(y, eta, parameters)
        p_0 = np.exp(counts.log_density(0.0, eta, parameters))
        few, many = (below - p_0) / above_0, above / above_0
        inside = np.where(few < 0.5, pi + (1.0 - pi) * few, 1.0 - (1.0 - pi) * many)
        return np.where(np.asarray(y) < 0, 0.0, inside)

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y)."""
        above = self.count_likelihood.survival(y, eta, parameters) / self._above(eta, parameters)
        return np.where(np.asarray(y) < 0, 1.0, (1.0 - pi_of(parameters)) * above)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw zeros, and counts above zero by inverting their distribution function (X11)."""
        eta = np.asarray(eta, dtype=np.float64)
        level = (1.0 - rng.random(eta.shape)) * self._above(eta, parameters)
        zero = rng.random(eta.shape) < pi_of(parameters)

        def reached(k: Array) -> Any:
            return self.count_likelihood.survival(k, eta, parameters) < level

        high = np.ones(eta.shape)
        while not np.all(done := reached(high) | (high >= LARGEST)):
            high = np.where(done, high, 2.0 * high)
        low = np.where(high > 1.0, 0.5 * high, 0.0)
        while np.any(between := _between(low, middle := np.floor(low + 0.5 * (high - low)), high)):
            inside = reached(middle)
            low = np.where(between & ~inside, middle, low)
            high = np.where(between & inside, middle, high)
        return np.where(zero, 0.0, high)

    def _sentence(self, counts: str) -> str:
        return f"{counts} given y > 0, zero with probability π"

    def _in_pymc(self, pm: Any, counts: Any) -> Any:
        return pm.Truncated.dist(counts, lower=1)

    def _above(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Return 1 − p(0) to its last digits."""
        return self.count_likelihood.survival(np.zeros(np.shape(eta)), eta, parameters)

    def _pull(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Return k = p(0) s(0)/(1 − p(0)), minus the mean score above zero (X8)."""
        none, counts = np.zeros(np.shape(eta)), self.count_likelihood
        p_0 = np.exp(counts.log_density(none, eta, parameters))
        return np.asarray(
            p_0 * (counts.score(none, eta, parameters) / self._above(eta, parameters))
        )


def _between(low: Array, middle: Array, high: Array) -> Any:
    return (low < middle) & (middle < high)
