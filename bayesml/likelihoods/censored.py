"""Observations known only to lie beyond a value. Derived in docs/theory/censoring.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import check_flag
from bayesml.likelihoods.base import Average, Likelihood
from bayesml.likelihoods.tails import (
    log_cdf,
    log_survival,
    parameter_slope,
    slope_over,
    within,
)
from bayesml.likelihoods.wrapping import SeenThrough, check_one_output
from bayesml.typing import Array, ArrayLike

CENSORING, UPPER = "censoring", "upper"

BETWEEN = 2.0
"""The censoring of a row of which both ends are known."""


@dataclass(frozen=True)
class Censored(SeenThrough):
    r"""Some rows say only that the value is at least, or at most, what was recorded.

    .. math:: \log p(y \mid \eta, c) = \begin{cases}
              \log p(y \mid \eta) & c = 0 \\ \log P(Y \ge y \mid \eta) & c = 1 \\
              \log P(Y \le y \mid \eta) & c = -1 \\
              \log P(y \le Y \le u \mid \eta) & c = 2 \end{cases} \qquad (X20)

    Which rows these are has to be known: ``y | censoring(c) ~ x`` with c of 0 (observed), 1 (right:
    at least y) or −1 (left: at most y), or ``Data(X, y, known={"censoring": c})``. Predictions are
    of the value itself, as if nothing were censored; new rows take a censoring of 0.

    With ``intervals`` the upper end u of a row is known too, ``y | censoring(c) + upper(u) ~ x`` or
    ``known={"censoring": c, "upper": u}``, and c may be 2: at least y and at most u. Of other rows
    u is any number, such as y.

    Parameters
    ----------
    likelihood : Likelihood
        Of the value itself, with one output and a distribution function.
    intervals : bool
        Whether rows have an upper end.

    Raises
    ------
    IncompatibleModelError
        If it is no likelihood of one output; at fit, if the censoring is not known.
    DataError
        At fit, if it is none of 0, 1, −1 and, with an upper end that is larger, 2; by row.

    References
    ----------
    Tobin (1958), Estimation of relationships for limited dependent variables; Kalbfleisch &
    Prentice (2002), The Statistical Analysis of Failure Time Data, §3.2.

    Examples
    --------
    >>> import bayesml as bm
    >>> likelihood = Censored(bm.Gaussian(sigma=1.0))
    >>> eta = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, -1.0]])  # and the censoring of three rows
    >>> np.exp(likelihood.log_density(1.0, eta, {"sigma": 1.0})).round(4)
    array([0.242 , 0.1587, 0.8413])
    """

    likelihood: Likelihood
    intervals: bool = False

    def __post_init__(self) -> None:
        check_one_output("Censored", self.likelihood, "censored")
        check_flag(self, "intervals")

    @property
    def known(self) -> tuple[str, ...]:
        """Which rows are censored, and the upper ends."""
        return (CENSORING, UPPER) if self.intervals else (CENSORING,)

    @property
    def possible(self) -> str:
        """A censoring of 0, 1, −1 or 2."""
        if not self.intervals:
            return "with a censoring of 0 (observed), 1 (at least y) or -1 (at most y)"
        return (
            "with a censoring of 0 (observed), 1 (at least y), -1 (at most y) or, where upper is "
            "larger than y, 2 (between these)"
        )

    def allows(self, y: Array, known: Mapping[str, Array]) -> NDArray[np.bool]:
        """Say which rows have a censoring that means something."""
        c = known[CENSORING]
        one_end = np.isin(c, (-1.0, 0.0, 1.0))
        return one_end | ((c == BETWEEN) & (known[UPPER] > y)) if self.intervals else one_end

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average as the likelihood of the value does."""
        inner = self.likelihood.average(eta[:1], covariance[:, :1, :1], parameters)
        known = (np.broadcast_to(v[:, None], inner.eta.shape) for v in eta[1:])
        return Average(inner.weights, np.stack([inner.eta, *known]), inner.parameters)

    def inner(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Mapping[str, Any]]:
        """Return the η of the value itself, whose moments and draws these are."""
        return self._read(eta)[0], parameters

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log density, or the log of a tail (X20)."""
        at, c, upper = self._read(eta)
        y = np.asarray(y, dtype=np.float64)
        inside = self.likelihood.log_density(y, at, parameters)
        if not np.any(c):
            return inside
        above = log_survival(self.likelihood, self._below(y), at, parameters)
        below = log_cdf(self.likelihood, y, at, parameters)
        value = np.where(c > 0, above, np.where(c < 0, below, inside))
        if not np.any(c == BETWEEN):
            return value
        high = np.where(c == BETWEEN, upper, y + 1.0)
        between = within(self.likelihood, self._below(y), high, at, parameters).log_mass
        return np.where(c == BETWEEN, between, value)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the score, or that of the log of a tail; zero for the censoring (X21)."""
        at, c, upper = self._read(eta)
        y, inner = np.asarray(y, dtype=np.float64), self.likelihood
        slope = inner.score(y, at, parameters)
        if np.any(c):
            under = self._below(y)
            more = log_survival(inner, under, at, parameters)
            less = log_cdf(inner, y, at, parameters)
            with np.errstate(all="ignore"):  # rows of another kind
                above = slope_over(inner, under, at, parameters, more)
                below = -slope_over(inner, y, at, parameters, less)
            slope = np.where(c > 0, above, np.where(c < 0, below, slope))
        if np.any(c == BETWEEN):
            high, low = np.where(c == BETWEEN, upper, y + 1.0), self._below(y)
            between = within(inner, low, high, at, parameters).slope
            slope = np.where(c == BETWEEN, between, slope)
        known = [np.zeros_like(slope)] * len(self.known)
        return np.stack(np.broadcast_arrays(slope, *known))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate that of a row which is observed: a bound; zero for the censoring (X21)."""
        own = self.likelihood.information(self._read(eta)[0], parameters)
        return np.stack([own, *[np.zeros_like(own)] * len(self.known)])

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate the scores of the parameters; of tails by differences."""
        at, c, upper = self._read(eta)
        y, inner = np.asarray(y, dtype=np.float64), self.likelihood
        high = np.where(c == BETWEEN, upper, y + 1.0)
        scores = inner.parameter_scores(y, at, parameters)
        if not np.any(c):
            return scores
        out = {}
        for name, inside in scores.items():
            above = parameter_slope(
                lambda values: log_survival(inner, self._below(y), at, values), parameters, name
            )
            below = parameter_slope(lambda values: log_cdf(inner, y, at, values), parameters, name)
            out[name] = np.where(c > 0, above, np.where(c < 0, below, inside))
            if np.any(c == BETWEEN):
                between = parameter_slope(
                    lambda values: within(inner, self._below(y), high, at, values).log_mass,
                    parameters,
                    name,
                )
                out[name] = np.where(c == BETWEEN, between, out[name])
        return out

    def describe(self) -> str:
        """Say the model of one observation in words."""
        first, *rest = self.likelihood.describe().split("\n")
        between = ", or between y and upper" if self.intervals else ""
        return "\n".join([f"{first}, some known to be at least, or at most, y{between}", *rest])

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return a custom distribution: the value's, and the logs of its tails."""
        family, arguments = self.likelihood.pymc(pm, eta[0], parameters)
        step = 1.0 if self.support.discrete else 0.0

        def logp(y: Any, c: Any, upper: Any, *values: Any) -> Any:
            inner = family.dist(**dict(zip(arguments, values, strict=True)))
            above = pm.math.log1mexp(pm.logcdf(inner, y - step))
            below = pm.logcdf(inner, y)
            tail = pm.math.switch(pm.math.gt(c, 0.0), above, below)
            if self.intervals:
                high = pm.math.switch(pm.math.eq(c, BETWEEN), upper, y + 1.0)
                between = pm.math.logdiffexp(pm.logcdf(inner, high), pm.logcdf(inner, y - step))
                tail = pm.math.switch(pm.math.eq(c, BETWEEN), between, tail)
            return pm.math.switch(pm.math.eq(c, 0.0), pm.logp(inner, y), tail)

        known = eta[1], eta[len(self.known)]
        return _Custom(pm, logp), {"arguments": (*known, *arguments.values())}

    def _below(self, y: Array) -> Array:
        """Return what a value of at least y is larger than."""
        return y - 1.0 if self.support.discrete else y

    def _read(self, eta: ArrayLike) -> tuple[Array, Array, Array]:
        """Return η, the censoring and the upper ends, which mean nothing where there are none."""
        every = np.asarray(eta, dtype=np.float64)
        return every[0], every[1], every[len(self.known)]


class _Custom:
    """`pm.CustomDist` of a log density, called as the families of PyMC are."""

    def __init__(self, pm: Any, logp: Any) -> None:
        self.pm, self.logp = pm, logp

    def __call__(self, name: str, arguments: tuple[Any, ...], **options: Any) -> Any:
        """Make the variable."""
        return self.pm.CustomDist(name, *arguments, logp=self.logp, **options)

    def dist(self, arguments: tuple[Any, ...]) -> Any:
        """Make the distribution."""
        return self.pm.CustomDist.dist(*arguments, logp=self.logp)
