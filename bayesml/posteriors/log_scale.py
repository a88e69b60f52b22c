"""The posterior of log σ by quadrature in one dimension.

Derived in docs/theory/quadrature.md: the trapezoidal rule on the whole line converges
exponentially for analytic densities (Trefethen & Weideman 2014), and its cumulative form is the
sinc rule (Stenger 1993, §3.6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import sici

from bayesml.errors import ImproperPosteriorError
from bayesml.posteriors.gauss import compressed
from bayesml.typing import Array, ArrayLike

LogDensity = Callable[[Array], Array]

DROP = 45.0  # e⁻⁴⁵ = 3e-20: what lies beyond is below the last digit
TOLERANCE = 1e-13
MOST_INTERVALS = 2**13
REACH = 60.0  # e⁶⁰ = 1e26: scales are searched for within it around σ₀
ZOOMS = 5  # a step of 1/8, and 32 times finer each: values hide what is nearer than 1e-8
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class LogScalePosterior:
    r"""The distribution of :math:`u = \log(\sigma/\sigma_0)` on equally spaced nodes.

    Attributes
    ----------
    nodes : ndarray, shape (K,)
    weights : ndarray, shape (K,)
        Probabilities; they sum to one.
    step : float
        Distance of neighbouring nodes.
    sigma_0 : float
        Reference scale in the unit of y.
    log_normaliser : float
        Log of the integral of the density that was given.
    error : float
        Change of the integral and of the first two moments when the nodes were doubled last.
    tail_index : float
        ν of the tail σ^(−ν−1): moments of order ν and higher do not exist. Large for tails
        that are not powers.
    """

    nodes: Array
    weights: Array
    step: float
    sigma_0: float
    log_normaliser: float
    error: float
    tail_index: float

    @property
    def sigma(self) -> Array:
        """σ at the nodes, in the unit of y."""
        return self.sigma_0 * np.exp(self.nodes)

    @cached_property
    def log_weights(self) -> Array:
        """Logarithms of the weights; −∞ where the density underflows between its ends."""
        with np.errstate(divide="ignore"):
            return np.log(self.weights)

    @property
    def mean(self) -> float:
        """E[σ | y], infinite where the tail is too heavy."""
        return self.moment(1)

    @property
    def sd(self) -> float:
        """Standard deviation of σ given y, infinite where the tail is too heavy."""
        if not np.isfinite(self.moment(2)):
            return np.inf
        return float(np.sqrt(self.weights @ (self.sigma - self.mean) ** 2))

    def moment(self, order: int) -> float:
        """Return E[σ^order | y], infinite if the tail index does not exceed the order."""
        if self.tail_index <= order * (1 + 1e-6):
            return np.inf
        return float(self.weights @ self.sigma**order)

    @cached_property
    def rule(self) -> tuple[Array, Array]:
        """Few nodes and weights for smooth functions of u, such as predictive densities (Q5)."""
        return compressed(self.nodes, self.weights)

    def cdf(self, sigma: ArrayLike) -> Array:
        """Evaluate P(σ ≤ sigma | y) by the sinc rule (Q4)."""
        u = np.log(np.asarray(sigma, dtype=np.float64) / self.sigma_0)
        return self._cdf(u)

    def quantile(self, q: ArrayLike) -> Array:
        """Return the σ with P(σ ≤ value | y) = q."""
        q = np.asarray(q, dtype=np.float64)
        u = self._inverse(q)
        for _ in range(2):
            density = np.maximum(self._inverse.derivative()(q), 1e-300) ** -1.0
            u = np.clip(u - (self._cdf(u) - q) / density, self.nodes[0], self.nodes[-1])
        return np.asarray(self.sigma_0 * np.exp(u))

    def sample(self, rng: np.random.Generator, size: int) -> Array:
        """Draw independent values of u by inverting the distribution function."""
        return np.asarray(self._inverse(rng.uniform(size=size)))

    def _cdf(self, u: Array) -> Array:
        sine_integral, _ = sici(np.pi * (u[..., None] - self.nodes) / self.step)
        return np.clip((0.5 + sine_integral / np.pi) @ self.weights, 0.0, 1.0)

    @cached_property
    def _inverse(self) -> PchipInterpolator:
        fine = np.linspace(self.nodes[0], self.nodes[-1], 16 * len(self.nodes) + 1)
        cdf = np.maximum.accumulate(self._cdf(fine))
        keep = np.concatenate([[True], np.diff(cdf) > 0])
        probabilities, values = cdf[keep], fine[keep]
        ends = np.concatenate([[0.0], probabilities[1:-1], [1.0]])
        return PchipInterpolator(ends, values)


def integrate_log_scale(
    log_density: LogDensity, peak: tuple[float, float], sigma_0: float, what: str
) -> LogScalePosterior:
    """Normalise a density of u = log(σ/σ₀) given by its logarithm.

    Parameters
    ----------
    log_density : callable
        Vectorised; may be −inf.
    peak : (float, float)
        Its highest point and the value there, from `maximise_log_scale`.
    sigma_0 : float
        Reference scale, near the posterior within a factor of e⁶⁰.
    what : str
        Says the model for the error.

    Raises
    ------
    ImproperPosteriorError
        If the density does not fall off on both sides.
    """
    low, high, top, tail_index = _extent(log_density, peak, what)
    intervals = 32
    previous = None
    while True:
        nodes = np.linspace(low, high, intervals + 1)
        density = np.exp(log_density(nodes) - top)
        step = (high - low) / intervals
        total = float(np.sum(density)) * step
        weights = density * (step / total)
        centre = float(weights @ nodes)
        moments = np.array([log(total), centre, float(weights @ (nodes - centre) ** 2)])
        if previous is not None:
            spread = np.sqrt(moments[2])
            change = np.abs(moments - previous) / np.array([1.0, spread, spread**2])
            if change.max() < max(TOLERANCE, 4 * EPS * abs(top)) or intervals >= MOST_INTERVALS:
                break
        previous, intervals = moments, 2 * intervals
    kept = np.flatnonzero(weights * np.exp(2.0 * np.maximum(nodes, 0.0)) > 1e-19 * weights.max())
    inside = slice(int(kept[0]), int(kept[-1]) + 1)
    weights = weights[inside] / np.sum(weights[inside])
    error, log_normaliser = float(change.max()), top + log(total)
    return LogScalePosterior(
        nodes[inside], weights, step, sigma_0, log_normaliser, error, tail_index
    )


def maximise_log_scale(log_density: LogDensity) -> tuple[float, float]:
    """Return the highest point of a function of u within `REACH`, and its value.

    A grid finds every basin, finer grids around its highest point the top of each.
    """
    grid = np.linspace(-REACH, REACH, 961)
    values = np.where(np.isnan(v := log_density(grid)), -np.inf, v)
    peak = (values[1:-1] >= values[:-2]) & (values[1:-1] >= values[2:])
    inner = np.flatnonzero(peak & np.isfinite(values[1:-1])) + 1
    best = (float(grid[int(np.argmax(values))]), float(np.max(values)))
    for i in inner:
        low, high = grid[i - 1], grid[i + 1]
        for _ in range(ZOOMS):
            finer = np.linspace(low, high, 65)
            values = log_density(finer)
            k = int(np.argmax(values))
            low, high = finer[max(k - 1, 0)], finer[min(k + 1, 64)]
        if values[k] > best[1]:
            best = (float(finer[k]), float(values[k]))
    return best


def _extent(
    log_density: LogDensity, peak: tuple[float, float], what: str
) -> tuple[float, float, float, float]:
    """Return where the density is not negligible, the log of its maximum, and its tail index.

    Upwards the density times σ² has to be negligible too, where its integral exists, so that
    variances keep their digits under power tails.
    """
    mode, top = peak
    distances = 2.0 ** np.arange(-40.0, 8.5, 0.5)
    below = log_density(mode - distances) - top
    above = log_density(mode + distances) - top
    far = [_first_outside(below), _first_outside(above)]
    if not np.isfinite(top) or None in far:
        raise ImproperPosteriorError(
            "The posterior of σ is improper: its density does not fall off towards "
            f"{'zero' if far[0] is None else 'infinity'}. {what} Give σ a proper prior that "
            "excludes it (for instance Gaussian(sigma=InverseGamma(2, scale)) against zero, "
            "HalfNormal(scale) against infinity), use more rows than coefficients, or state a "
            "known sigma."
        )
    low, high = mode - float(distances[far[0]]), mode + float(distances[far[1]])
    last = 0.25 * (high - mode)
    ends = log_density(np.array([high - last, high]))
    tail_index = float(ends[0] - ends[1]) / last if np.all(np.isfinite(ends)) else np.inf
    with_square = _first_outside(above + 2.0 * distances)
    if tail_index > 2.0 and with_square is not None:
        high = max(high, mode + float(distances[with_square]))
    return low, high, top, tail_index


def _first_outside(relative: Array) -> int | None:
    """Return the first index from which the log density stays below the drop, if any."""
    inside = np.flatnonzero(~(relative < -DROP))
    first = int(inside[-1]) + 1 if len(inside) else 0
    return first if first < len(relative) else None
