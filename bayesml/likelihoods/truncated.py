"""Observations that could not have come beyond limits. Derived in docs/theory/censoring.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.arguments import as_float, check_real
from bayesml.distributions import Between, Support
from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Likelihood
from bayesml.likelihoods.tails import log_between, parameter_slope, slope_over
from bayesml.likelihoods.wrapping import OfAnother, check_one_output
from bayesml.losses import Loss, SquaredError
from bayesml.typing import Array, ArrayLike

MOST_TRIES = 10_000
"""Draws of which those beyond the limits are thrown away, before that is given up."""

NODES, REACH = 400, 40.0
"""Of the quadrature of moments, and standard deviations that it covers densely."""

PANELS, PANEL_NODES = np.array([0.0, 2.0, 6.0, 20.0, 80.0, 320.0]), 40
"""Of what heavy tails have beyond, over the logarithm of the distance, and nodes in each."""


@dataclass(frozen=True)
class Truncated(OfAnother):
    r"""Values beyond limits were never recorded: zero-truncated counts, selected samples.

    .. math:: p(y \mid \eta) = \frac{p_0(y \mid \eta)}{P_0(l \le Y \le u \mid \eta)},
              \qquad l \le y \le u \qquad (X22)

    Predictions are of values within the limits. A row that was recorded *at* a limit because its
    value lay beyond is censored, not truncated: `Censored`.

    Parameters
    ----------
    likelihood : Likelihood
        Before values were left out; with one output.
    lower, upper : float or None
        The limits, themselves possible; None for none.

    Raises
    ------
    IncompatibleModelError
        If there is no limit, or they leave nothing; if the likelihood has several outputs.

    References
    ----------
    Amemiya (1973), Regression analysis when the dependent variable is truncated normal, eq. 1.2;
    Cameron & Trivedi (2013), Regression Analysis of Count Data, §4.3.

    Examples
    --------
    >>> import bayesml as bm
    >>> positive = Truncated(bm.Poisson(), lower=1)
    >>> np.exp(positive.log_density([0, 1, 2], 0.0, {})).round(4)
    array([0.   , 0.582, 0.291])
    """

    likelihood: Likelihood
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        check_one_output("Truncated", self.likelihood, "truncated")
        if isinstance(self.likelihood, Truncated):
            raise IncompatibleModelError(
                f"Truncated: {self.likelihood!r} is truncated already. State both limits in one: "
                "Truncated(likelihood, lower=..., upper=...)."
            )
        check_real(self, *(k for k in ("lower", "upper") if vars(self)[k] is not None))
        low, high = self._limits
        if self.lower is None and self.upper is None:
            raise IncompatibleModelError("Truncated: give a limit, lower=... or upper=....")
        if not low < high or np.isnan(low) or np.isnan(high):
            raise IncompatibleModelError(
                f"Truncated: lower must be less than upper, got {self.lower!r} and {self.upper!r}."
            )

    @property
    def support(self) -> Support:
        """That of the likelihood, within the limits."""
        return Between(self.likelihood.support, *self._limits)

    @property
    def loss(self) -> Loss:
        """The squared error."""
        return SquaredError()

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log density, −∞ beyond the limits (X22)."""
        low, high = self._limits
        y = np.asarray(y, dtype=np.float64)
        inside = self.likelihood.log_density(y, eta, parameters)
        value = inside - self._log_mass(eta, parameters)
        return np.where((y >= low) & (y <= high), value, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the score less that of the mass within the limits (X23)."""
        at = np.asarray(eta, dtype=np.float64)
        low, high = self._ends
        log_mass, moved = self._log_mass(at, parameters), np.zeros(at.shape)
        for sign, limit in ((1.0, low), (-1.0, high)):
            if np.isfinite(limit):
                end = np.asarray(limit)
                moved = moved + sign * slope_over(self.likelihood, end, at, parameters, log_mass)
        return self.likelihood.score(y, at, parameters) - moved

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate that of the likelihood, which bounds it (X23)."""
        return self.likelihood.information(eta, parameters)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate the scores of the parameters; of the mass by differences."""
        at = np.asarray(eta, dtype=np.float64)
        own = self.likelihood.parameter_scores(y, at, parameters)
        return {
            name: score
            - parameter_slope(lambda values: self._log_mass(at, values), parameters, name)
            for name, score in own.items()
        }

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y] within the limits, by quadrature or a sum."""
        return self._moments(eta, parameters)[0]

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation within the limits, by quadrature or a sum."""
        return self._moments(eta, parameters)[1]

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y)."""
        low, high = self._ends
        at = np.clip(np.asarray(y, dtype=np.float64), low, high)
        below = log_between(self.likelihood, np.float64(low), at, np.asarray(eta), parameters)
        return np.minimum(np.exp(below - self._log_mass(eta, parameters)), 1.0)

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y)."""
        low, high = self._ends
        at = np.clip(np.asarray(y, dtype=np.float64), low, high)
        above = log_between(self.likelihood, at, np.float64(high), np.asarray(eta), parameters)
        return np.minimum(np.exp(above - self._log_mass(eta, parameters)), 1.0)

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw until values lie within the limits.

        Raises
        ------
        ConvergenceError
            If hardly any do.
        """
        low, high = self._limits
        out = self.likelihood.sample(eta, parameters, rng)
        for _ in range(MOST_TRIES):
            beyond = (out < low) | (out > high)
            if not np.any(beyond):
                return out
            out = np.where(beyond, self.likelihood.sample(eta, parameters, rng), out)
        raise ConvergenceError(
            f"{self!r}: of {MOST_TRIES} draws none lay within the limits in some rows. The "
            "limits are far from what the model expects; check them and the units."
        )

    def describe(self) -> str:
        """Say the model of one observation in words."""
        first, *rest = self.likelihood.describe().split("\n")
        limits = [f"y ≥ {self.lower:g}"] if self.lower is not None else []
        limits += [f"y ≤ {self.upper:g}"] if self.upper is not None else []
        return "\n".join([f"{first}, given {' and '.join(limits)}", *rest])

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return PyMC's own truncation, and its arguments."""
        family, arguments = self.likelihood.pymc(pm, eta, parameters)
        inner = family.dist(**arguments)
        return pm.Truncated, {"dist": inner, "lower": self.lower, "upper": self.upper}

    @property
    def _limits(self) -> tuple[float, float]:
        low = -np.inf if self.lower is None else as_float(self.lower)
        return low, np.inf if self.upper is None else as_float(self.upper)

    @property
    def _ends(self) -> tuple[float, float]:
        """Return where the distribution function is asked: below a count that is possible."""
        low, high = self._limits
        return (np.ceil(low) - 1.0, high) if self.likelihood.support.discrete else (low, high)

    def _log_mass(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Return log Z, at least that of the smallest number where a tail is known no further."""
        (low, high), at = self._ends, np.asarray(eta, dtype=np.float64)
        log_mass = log_between(self.likelihood, np.float64(low), np.float64(high), at, parameters)
        return np.where(np.isneginf(log_mass), np.log(np.finfo(np.float64).tiny), log_mass)

    def _moments(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return E[y] and the standard deviation, infinite where they do not exist."""
        at = np.asarray(eta, dtype=np.float64)
        wide = {name: np.asarray(v)[..., None] for name, v in parameters.items()}
        y, w = self._nodes(at, parameters)
        mass = w * np.exp(self.log_density(y, at[..., None], wide))
        total = mass.sum(axis=-1)
        mean = (mass * y).sum(axis=-1) / total
        variance = (mass * (y - mean[..., None]) ** 2).sum(axis=-1) / total
        low, high = self._within
        if np.isinf(high) or np.isinf(low):  # a tail is whole, and has the moments that it had
            exists = np.isfinite(self.likelihood.mean(at, parameters))
            mean = np.where(exists, mean, np.inf if np.isinf(high) else -np.inf)
            finite = np.isfinite(self.likelihood.sd(at, parameters))
            variance = np.where(finite, variance, np.inf)
        return mean, np.sqrt(variance)

    @property
    def _within(self) -> tuple[float, float]:
        """Return the limits of what the support has at all."""
        low, high = self._limits
        whole = self.likelihood.support
        low = low if whole.contains(-1.0) else max(low, 0.0)
        return low, high if whole.contains(2.0) else min(high, 1.0)

    def _nodes(self, eta: Array, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return values of y within the limits and their weights, (..., K)."""
        low, high = self._within
        centre, spread = self._centre_and_spread(eta, parameters)
        first = np.maximum(low, np.minimum(centre, high) - REACH * spread)
        last = np.minimum(high, np.maximum(centre, low) + REACH * spread)
        if self.likelihood.support.discrete:
            first, last = np.ceil(np.maximum(first, 0.0)), np.floor(last)
            k = np.arange(float(np.max(last - first)) + 1.0)
            y = first[..., None] + k
            return y, (y <= last[..., None]).astype(np.float64)
        z, w = np.polynomial.legendre.leggauss(NODES)
        half = 0.5 * (last - first)[..., None]
        y, weights = [first[..., None] + half * (z + 1.0)], [half * w]
        far = REACH * np.asarray(spread)[..., None]
        for sign, limit, end in ((1.0, high, last), (-1.0, low, first)):
            away, weight = _tail_nodes(np.abs(limit - end)[..., None] / far)
            y.append(end[..., None] + sign * far * away)
            weights.append(far * weight)
        return np.concatenate(y, axis=-1), np.concatenate(weights, axis=-1)

    def _centre_and_spread(self, eta: Array, parameters: Mapping[str, Any]) -> tuple[Array, Array]:
        """Return where the likelihood lies, and how wide; without moments, by its information."""
        inner = self.likelihood
        mean, sd = inner.mean(eta, parameters), inner.sd(eta, parameters)
        if np.all(np.isfinite(mean)) and np.all(np.isfinite(sd)):
            return mean, sd
        wide = inner.link.slope(eta) / np.sqrt(inner.information(eta, parameters))
        return (
            np.where(np.isfinite(mean), mean, inner.link.mean(eta)),
            np.where(np.isfinite(sd), sd, wide),
        )


def _tail_nodes(length: Array) -> tuple[Array, Array]:
    """Return nodes and weights over 0 to a length, shape (..., 1), that may be infinite.

    Over t of e^t − 1, in panels, so that powers of any kind are integrated to their ends.
    """
    z, w = np.polynomial.legendre.leggauss(PANEL_NODES)
    ends = np.minimum(PANELS, np.log1p(length))
    start, width = ends[..., :-1, None], np.diff(ends)[..., None]
    t = start + 0.5 * width * (z + 1.0)
    weights = 0.5 * width * w * np.exp(t)
    shape = (*length.shape[:-1], -1)
    return np.expm1(t).reshape(shape), weights.reshape(shape)
