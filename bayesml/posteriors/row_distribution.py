"""The role of a distribution per row: what mixtures and atoms are, and predictions are made of."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from bayesml.typing import Array, ArrayLike


class Interval(NamedTuple):
    """Lower and upper ends, one entry a row."""

    lower: Array
    upper: Array


class RowDistribution(Protocol):
    """A univariate distribution per row."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def discrete(self) -> bool:
        """Whether values are whole numbers, each with a probability of its own."""

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""

    def cdf(self, y: ArrayLike) -> Array:
        """Distribution function per row."""

    def survival(self, y: ArrayLike) -> Array:
        """P(Y > y) per row."""

    def log_density(self, y: ArrayLike) -> Array:
        """Log density per row."""

    def quantile(self, q: ArrayLike) -> Array:
        """Quantiles per row, for one level or one per row."""

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Shortest intervals per row."""

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        """Blocks of rows with nodes and weights, (b, N), for expectations."""


@runtime_checkable
class HasCRPS(Protocol):
    """A distribution per row that knows its continuous ranked probability score."""

    def crps(self, y: Array) -> Array:
        """Score one observation a row, shape (rows,), in the unit of y; small is good."""


@runtime_checkable
class OfClasses(Protocol):
    """Distributions on whole numbers, which may be those of classes."""

    def class_probabilities(self) -> Array | None:
        """Evaluate the probability of every class, shape (rows, K); None of what has none."""
