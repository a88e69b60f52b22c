"""Predictions with gaps: rows whose features are missing are NaN, the others where they were."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesml.posteriors.crps_of_atoms import crps_of
from bayesml.posteriors.prediction import Leverage, Prediction, Sampler
from bayesml.posteriors.row_distribution import OfClasses, RowDistribution
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True, eq=False)
class WithGaps:
    """Distributions of the rows that are present; the others are NaN.

    Attributes
    ----------
    known : RowDistribution
        One for each row that is present.
    present : ndarray of bool, shape (rows,)
    """

    known: RowDistribution
    present: NDArray[np.bool]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.present)

    @property
    def discrete(self) -> bool:
        """Whether values are whole numbers, each with a probability of its own."""
        return self.known.discrete

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""
        return self._spread(self.known.mean)

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        return self._spread(self.known.sd)

    def cdf(self, y: ArrayLike) -> Array:
        """Distribution function per row."""
        return self._spread(self.known.cdf(self._of_known(y)))

    def survival(self, y: ArrayLike) -> Array:
        """P(Y > y) per row."""
        return self._spread(self.known.survival(self._of_known(y)))

    def log_density(self, y: ArrayLike) -> Array:
        """Log density per row."""
        return self._spread(self.known.log_density(self._of_known(y)))

    def quantile(self, q: ArrayLike) -> Array:
        """Quantiles per row, for one level or one per row."""
        return self._spread(self.known.quantile(self._of_known(q)))

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Shortest intervals per row."""
        lower, upper = self.known.highest_density_interval(probability)
        return self._spread(lower), self._spread(upper)

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        """Blocks of rows with nodes and weights, NaN in the gaps."""
        places = np.flatnonzero(self.present)
        for block, nodes, weights in self.known.nodes():
            for place, x, w in zip(places[block], nodes, weights, strict=True):
                yield slice(place, place + 1), x[None], w[None]
        for place in np.flatnonzero(~self.present):
            yield slice(place, place + 1), np.array([[np.nan]]), np.array([[1.0]])

    def crps(self, y: Array) -> Array:
        """Score one observation a row, NaN in the gaps."""
        return self._spread(crps_of(self.known, self._of_known(y)))

    def class_probabilities(self) -> Array | None:
        """Evaluate the probability of every class, shape (rows, K); None of what has none."""
        found = self.known.class_probabilities() if isinstance(self.known, OfClasses) else None
        return None if found is None else self._spread(found)

    def _of_known(self, value: ArrayLike) -> Array:
        array = np.asarray(value, dtype=np.float64)
        return array[self.present] if array.shape == self.present.shape else array

    def _spread(self, values: Array) -> Array:
        return spread(values, self.present)


def spread(values: Array, present: NDArray[np.bool]) -> Array:
    """Put the values of the rows that are present where these are, and NaN elsewhere.

    >>> spread(np.array([1.0, 2.0]), np.array([True, False, True]))
    array([ 1., nan,  2.])
    """
    out = np.full((len(present), *values.shape[1:]), np.nan)
    out[present] = values
    return out


def with_gaps(prediction: Prediction, present: NDArray[np.bool]) -> Prediction:
    """Return a prediction of all rows from one of those that are present."""

    def sampler(draw: Sampler) -> Sampler:
        return lambda size, rng: spread(draw(size, rng).T, present).T

    def locate() -> Leverage:
        known = prediction._leverage
        return Leverage(spread(known.rows, present), known.largest_in_training)

    return replace(
        prediction,
        distribution=WithGaps(prediction.distribution, present),
        mean_function=WithGaps(prediction.mean_function, present),
        aleatoric_variance=spread(prediction.aleatoric_variance, present),
        sampler=sampler(prediction.sampler),
        mean_sampler=sampler(prediction.mean_sampler),
        locate=locate,
    )
