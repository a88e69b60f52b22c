"""Ordered classes: a latent variable cut at thresholds.

Derived in docs/theory/categorical_likelihoods.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import (
    Classes,
    ContinuousSupport,
    Distribution,
    Exponential,
    Positive,
    Support,
)
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.averaging import trapezoidal_average
from bayesml.likelihoods.base import Average, Stated
from bayesml.likelihoods.links import check_link
from bayesml.likelihoods.parameters import check_parameter, parameter_words
from bayesml.likelihoods.probability_links import Logit, ProbabilityLink
from bayesml.likelihoods.roles import checked_classes, known_classes
from bayesml.losses import AbsoluteError, Loss
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Ordinal:
    r"""One of K ordered classes: a latent variable around :math:`\eta`, cut at K − 1 thresholds.

    .. math:: P(y \le k \mid \eta) = F(c_k - \eta), \qquad
              c_0 = 0, \quad c_k = c_{k-1} + g_k, \quad g_k > 0 \qquad (B9)

    with F the logistic function, for proportional odds, or the normal one. The first threshold is
    zero, since the intercept of :math:`\eta` says where it lies; the gaps ``gap_1``, … between
    thresholds are parameters. A larger :math:`\eta` makes higher classes more probable.

    Parameters
    ----------
    link : ProbabilityLink
        `Logit()` or `Probit()`, which are symmetric.
    classes : tuple of str or None
        In their order; None learns them from the data.
    gaps : tuple
        Of each gap: a number, a prior, or None for Exponential(1).

    Raises
    ------
    IncompatibleModelError
        If the link is none of these, or there are fewer than two classes.

    References
    ----------
    McCullagh (1980), Regression models for ordinal data, eq. 2.1; Agresti (2013), Categorical
    Data Analysis, §8.2.

    Examples
    --------
    >>> two_gaps = Ordinal(classes=("low", "middle", "high", "top"))
    >>> at = {"gap_1": 1.0, "gap_2": 2.0}
    >>> np.exp(two_gaps.log_density([0, 1, 2, 3], 0.5, at)).round(4)
    array([0.3775, 0.2449, 0.3017, 0.0759])
    """

    link: ProbabilityLink = Logit()
    classes: tuple[str, ...] | None = None
    gaps: tuple[Stated, ...] = ()

    def __post_init__(self) -> None:
        check_link("Ordinal", self.link, ProbabilityLink, "Logit() or Probit()")
        if not self.link.symmetric:
            raise IncompatibleModelError(
                f"Ordinal: link must be symmetric, Logit() or Probit(), got {self.link!r}."
            )
        if not isinstance(self.gaps, tuple | list):
            raise IncompatibleModelError(
                f"Ordinal: gaps must be a sequence of numbers or priors, got {shown(self.gaps)}."
            )
        if self.classes is None:
            if self.gaps:
                raise IncompatibleModelError("Ordinal: gaps need classes=(...), one more than two.")
            return
        classes = checked_classes("Ordinal", self.classes)
        gaps = tuple(self.gaps) or (None,) * (len(classes) - 2)
        if len(gaps) != len(classes) - 2:
            raise IncompatibleModelError(
                f"Ordinal: {len(classes)} classes have {len(classes) - 2} gaps between their "
                f"thresholds, got {len(gaps)}."
            )
        checked = (check_parameter("Ordinal", f"gap_{k}", v) for k, v in enumerate(gaps, 1))
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "gaps", tuple(checked))

    def of_classes(self, classes: tuple[str, ...]) -> "Ordinal":
        """Return the likelihood of these classes."""
        return replace(self, classes=classes)

    def with_parameters(self, stated: Mapping[str, Stated]) -> "Ordinal":
        """Return the same with other statements of some gaps."""
        return replace(self, gaps=tuple((self.parameters | dict(stated)).values()))

    @property
    def support(self) -> Support:
        """The numbers of the classes."""
        return Classes(self.classes)

    @property
    def loss(self) -> Loss:
        """How many classes away."""
        return AbsoluteError()

    @property
    def parameters(self) -> dict[str, Stated]:
        """The gaps between thresholds."""
        return {f"gap_{k}": value for k, value in enumerate(self.gaps, 1)}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """All are positive."""
        return dict.fromkeys(self.parameters, Positive())

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Every gap ~ Exponential(1), on the scale of the link."""
        return dict.fromkeys(self.parameters, Exponential(1.0))

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start from gaps of one."""
        return dict.fromkeys(self.parameters, 1.0)

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """One, on which one is a wide scale, in the middle of the thresholds."""
        return ((0.5 * len(self.gaps), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average by quadrature (K4)."""
        return trapezoidal_average(self, eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the log probability of y, −∞ where it is no class (B9)."""
        k = np.asarray(y, dtype=np.float64)
        low, high = self._ends(k, eta, parameters)
        with np.errstate(invalid="ignore"):
            value = _log_between(self.link, low, high)
        return np.where(self.support.contains(k), value, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate (f(a) − f(b))/(F(b) − F(a)) between the thresholds a and b of y (B10)."""
        at_low, at_high = self._end_slopes(y, eta, parameters)
        return np.asarray(at_low - at_high)

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate Σ p_k score_k² (B10)."""
        return np.asarray(
            sum(
                np.exp(self.log_density(k, eta, parameters)) * self.score(k, eta, parameters) ** 2
                for k in range(self._size)
            )
        )

    def recession(self, y: Array, eta: Array) -> Array:
        """Down for the lowest class, up for the highest."""
        return np.where(np.asarray(y) == 0, -1.0, np.where(y == self._size - 1, 1.0, 0.0))

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate what moves with every gap: the thresholds above it (B10)."""
        at_low, at_high = self._end_slopes(y, eta, parameters)
        k = np.asarray(y)
        return {
            name: np.where(k >= j, at_high, 0.0) - np.where(k > j, at_low, 0.0)
            for j, name in enumerate(self.parameters, 1)
        }

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the mean number of the class, Σ P(Y > k)."""
        each = (self.survival(k, eta, parameters) for k in range(self._size - 1))
        return np.asarray(sum(each))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation of the number of the class."""
        mean = self.mean(eta, parameters)
        squares = (
            np.exp(self.log_density(k, eta, parameters)) * (k - mean) ** 2
            for k in range(self._size)
        )
        return np.sqrt(sum(squares))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate F(c − η) at the threshold above y."""
        return self.link.mean(self._above(y, eta, parameters))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate 1 − F(c − η) at the threshold above y."""
        return self.link.complement(self._above(y, eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw the latent variable, and count the thresholds below it."""
        at = np.asarray(eta, dtype=np.float64)
        latent = at + self.link.eta(rng.uniform(size=at.shape))
        return np.asarray(sum(latent > c for c in self._thresholds(parameters)), dtype=np.float64)

    def describe(self) -> str:
        """Say the model of one observation in words."""
        of = "the classes of the data" if self.classes is None else ", ".join(self.classes)
        lines = [f"y ~ Ordinal({self.link.name}), P(y ≤ k) = F(c_k − η), of {of}"]
        lines += [parameter_words(name, v, "Exponential(1)") for name, v in self.parameters.items()]
        return "\n".join(lines)

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return OrderedLogistic, or Categorical of what lies between thresholds."""
        cuts = self._thresholds(parameters, 0.0 * eta)
        if self.link == Logit():
            cutpoints = pm.math.stack(cuts, axis=-1)
            return pm.OrderedLogistic, {"eta": eta, "cutpoints": cutpoints, "compute_p": False}
        below = [self.link.pymc(pm, cut - eta) for cut in cuts]
        above = self.link.pymc(pm, eta - cuts[-1])
        between = [high - low for low, high in pairwise(below)]
        return pm.Categorical, {"p": pm.math.stack([below[0], *between, above], axis=-1)}

    @property
    def _size(self) -> int:
        return len(known_classes("Ordinal", self.classes))

    def _thresholds(self, parameters: Mapping[str, Any], first: Any = 0.0) -> list[Any]:
        """Return c₀, c₁, …, K − 1 of them."""
        cuts = [first]
        for name in list(self.parameters)[: self._size - 2]:
            cuts.append(cuts[-1] + parameters[name])
        return cuts

    def _above(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Return the threshold above y, less η: −∞ below all classes, ∞ from the last on."""
        k, at = np.floor(np.asarray(y, dtype=np.float64)), np.asarray(eta, dtype=np.float64)
        cuts = [np.asarray(c, dtype=np.float64) for c in self._thresholds(parameters)]
        shape = np.broadcast_shapes(k.shape, at.shape, *(c.shape for c in cuts))
        out = np.full(shape, -np.inf)
        for j, cut in enumerate(cuts):
            out = np.where(k == j, cut - at, out)
        return np.where(k >= len(cuts), np.inf, out)

    def _ends(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array]:
        k = np.asarray(y, dtype=np.float64)
        return self._above(k - 1.0, eta, parameters), self._above(k, eta, parameters)

    def _end_slopes(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array]:
        """Return f/(F(b) − F(a)) at both thresholds of y, zero at infinite ones."""
        low, high = self._ends(y, eta, parameters)
        with np.errstate(invalid="ignore"):
            log_p = _log_between(self.link, low, high)
        return _slope_over(self.link, low, log_p), _slope_over(self.link, high, log_p)


def _log_between(link: ProbabilityLink, low: Array, high: Array) -> Array:
    """Evaluate log(F(high) − F(low)) from the nearer tail (B9)."""
    right = low > 0.0
    a, b = np.where(right, -high, low), np.where(right, -low, high)  # F is symmetric
    above = link.log_mean(b)
    below = np.where(np.isneginf(a), -np.inf, link.log_mean(np.where(np.isneginf(a), 0.0, a)))
    return np.asarray(above + np.log1p(-np.exp(below - above)))


def _slope_over(link: ProbabilityLink, at: Array, log_p: Array) -> Array:
    """Evaluate f(at)/p by its logarithm, so that both may underflow; zero at infinity."""
    inside = np.isfinite(at)
    x = -np.abs(np.where(inside, at, 0.0))  # f is symmetric
    log_f = link.log_mean(x) + np.log(link.log_mean_slope(x))
    return np.exp(np.where(inside, log_f - log_p, -np.inf))
