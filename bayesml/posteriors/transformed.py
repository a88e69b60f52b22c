"""A prediction on another scale: of exp(y), where log(y) was learned."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.arguments import (
    at_levels,
    generator_of,
    require_memory,
    tail_of,
    whole_number,
)
from bayesml.errors import DataError
from bayesml.posteriors.row_distribution import Interval, RowDistribution
from bayesml.posteriors.rows import per_row
from bayesml.typing import Array, ArrayLike

Function = Callable[[Any], Any]
Sampler = Callable[[int, np.random.Generator], Array]

INVERSES: dict[Any, Function] = {
    np.exp: np.log,
    np.expm1: np.log1p,
    np.exp2: np.log2,
    np.sinh: np.arcsinh,
}
"""Of the functions whose inverses people learn."""

POINTS, FAR = 801, 7.6
"""Of the quadrature in t, y = c + s sinh t: a thousand quartile distances to either side."""

RARE = 1e-12
"""What is left out where the integral diverges. With an inferred sigma it always does, since no
finite data rule out the largest ones, which exp makes count without bound."""

STEP = 1e-200
"""Of derivatives along the imaginary axis, which have no cancellation."""


@dataclass(frozen=True, eq=False)
class TransformedPrediction:
    r"""The distribution of g(Y) for an increasing g, where that of Y was predicted (P40).

    Quantiles are those of Y, transformed, and exact. The mean and the variance are integrals,

    .. math:: E[g(Y) \mid x] = \int g(y)\, p(y \mid x)\, dy,

    over all y; where that diverges, as it does for exp with an inferred sigma, over all y but the
    rarest 1e-12 on either side; and infinite where these alone would make the answer.

    Attributes
    ----------
    of : RowDistribution
        The distribution of Y.
    function, inverse : callable
    sampler : callable
    """

    of: RowDistribution
    function: Function
    inverse: Function
    sampler: Sampler

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.of.rows

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """Integrate over all but a probability of `RARE`, and over all y where these count."""
        low, q1, centre, q3, high = (
            self.of.quantile(q) for q in (RARE, 0.25, 0.5, 0.75, 1.0 - RARE)
        )
        scale, every = 0.5 * (q3 - q1), np.full(len(self), FAR)
        low, high = (np.arcsinh((end - centre) / scale) for end in (low, high))
        part, last_part = self._integrals(centre, scale, low, high, POINTS // 4 + 1)
        ends = sum(np.abs(self._terms(centre, scale, t)[1]) for t in (-every, every))
        ends *= scale * 2.0 * FAR / (POINTS - 1)
        with np.errstate(invalid="ignore"):
            converges = ends <= 1e-10 * np.abs(part)
            settled = last_part <= 1e-9 * np.abs(part)
            rest = np.where(last_part <= 1e-5 * np.abs(part), part, np.inf)
        if np.any(converges & ~settled):  # densities far out are dear
            whole, last = self._integrals(centre, scale, -every, every)
            with np.errstate(invalid="ignore"):
                rest = np.where(last <= 1e-10 * np.abs(whole), whole, rest)
        first, second = np.where(np.isnan(centre), np.nan, rest)
        with np.errstate(invalid="ignore"):
            return first, np.sqrt(np.where(np.isinf(second), np.inf, second - first**2))

    def _integrals(
        self, centre: Array, scale: Array, low: Array, high: Array, points: int = POINTS
    ) -> tuple[Array, Array]:
        """Integrate g and its square by the trapezoidal rule in t; also what the ends add."""
        sums, last, mass = np.zeros((2, len(self))), np.zeros((2, len(self))), np.zeros(len(self))
        for k, t in enumerate(np.linspace(low, high, points)):
            weight, terms = self._terms(centre, scale, t)
            mass, sums = mass + weight, sums + terms
            if k in (0, points - 1):
                last += np.abs(terms)
        with np.errstate(invalid="ignore"):
            return sums / mass, last / mass

    def _terms(self, centre: Array, scale: Array, t: Array) -> tuple[Array, Array]:
        """Return p(y) dy/dt at y = c + s sinh t, in units of s, and its products with g and g²."""
        y = centre + scale * np.sinh(t)
        weight = np.exp(self.of.log_density(y)) * np.cosh(t)
        with np.errstate(over="ignore", invalid="ignore"):
            g = np.where(weight > 0, self.function(y), 0.0)
            return weight, np.stack([weight * g, weight * g**2])

    @property
    def mean(self) -> Array:
        """E[g(Y) | x, data], shape (rows,), by quadrature."""
        return self._moments[0]

    @property
    def sd(self) -> Array:
        """Standard deviation of g(Y), shape (rows,)."""
        return self._moments[1]

    def quantile(self, q: ArrayLike) -> Array:
        """Return g of the quantiles of Y, for one level or several, exactly."""
        return at_levels(q, lambda level: self.function(self.of.quantile(level)))

    def interval(self, probability: float = 0.9) -> Interval:
        """Return the equal-tailed interval that holds g(Y) with the given probability."""
        tail = tail_of(probability)
        return Interval(self.quantile(tail), self.quantile(1.0 - tail))

    def cdf(self, value: ArrayLike) -> Array:
        """Evaluate P(g(Y) ≤ value | x, data), for one value or one per row."""
        return self.of.cdf(self._back(value)[0])

    def exceedance(self, threshold: ArrayLike) -> Array:
        """Evaluate P(g(Y) > threshold | x, data), for one threshold or one per row."""
        return self.of.survival(self._back(threshold)[0])

    def log_prob(self, value: ArrayLike) -> Array:
        """Evaluate the log predictive density of g(Y), for one value or one per row."""
        y, slope = self._back(value)
        return np.asarray(self.of.log_density(y) + np.log(slope))

    def sample(self, size: int = 1, *, rng: int | np.random.Generator | None = None) -> Array:
        """Draw g(Y) jointly across rows, shape (size, rows)."""
        count, rows = whole_number(size, "size"), len(self)
        words = f"{count:,} draws at {rows:,} rows"
        require_memory(2.0 * count * rows, words, "take fewer draws, or rows")
        draws = self.sampler(count, generator_of(rng))
        return np.asarray(self.function(draws))

    def _back(self, value: ArrayLike) -> tuple[Array, Array]:
        """Return the inverse at values, and its derivative by a step along the imaginary axis."""
        given = per_row(value, len(self), "the value")
        with np.errstate(invalid="ignore", divide="ignore"):
            y = np.asarray(self.inverse(given), dtype=np.float64)
            slope = np.imag(self.inverse(given + 1j * STEP)) / STEP
        if np.isnan(y).any():
            row = int(np.flatnonzero(np.isnan(y))[0])
            raise DataError(f"{given[row]:g} in row {row} is no value of the transformed target.")
        return y, slope

    def __repr__(self) -> str:
        name = getattr(self.function, "__name__", "g")
        return (
            f"TransformedPrediction({len(self)} rows of {name}(y): .mean, .sd, .interval(0.9), "
            ".quantile(0.5), .cdf(v), .exceedance(v), .log_prob(v), .sample(n))"
        )


def transformed(
    of: RowDistribution, function: Function, inverse: Function | None, sampler: Sampler
) -> TransformedPrediction:
    """Put a distribution per row on the scale of an increasing function."""
    if of.discrete:
        raise DataError("Counts and classes keep their scale: transform draws of them instead.")
    known = INVERSES.get(function) if inverse is None else inverse
    if not callable(known) or not callable(function):
        raise DataError(
            "The inverse of this function is not known: give both, for instance "
            "transformed(lambda y: 10**y, inverse=np.log10)."
        )
    there = ~np.isnan(of.quantile(0.5))  # rows without missing values
    middle, above = (of.quantile(q)[there] for q in (0.5, 0.75))
    if np.any(function(above) < function(middle)):
        raise DataError("The function falls; an increasing one is needed, such as exp.")
    back = np.asarray(known(function(middle)))
    spread = float(np.max(of.sd[there], initial=0.0))
    if not np.allclose(back, middle, rtol=1e-6, atol=1e-9 + 1e-6 * spread):
        raise DataError("The inverse does not undo the function.")
    return TransformedPrediction(of, function, known, sampler)
