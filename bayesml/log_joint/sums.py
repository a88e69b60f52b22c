"""What a sum over rows brings back, and the role of whoever computes it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from bayesml.typing import Array

Values = Mapping[str, Any]
"""Parameters φ of the likelihood by name; leading axes are batches."""


class Sums(NamedTuple):
    """Σᵢ wᵢ log p(yᵢ | ηᵢ, φ) over rows, and its derivatives; batches on leading axes (J1).

    Attributes
    ----------
    value : float or ndarray, shape (...)
    gradient : ndarray, shape (..., p)
        In β, by the predictor's vector-Jacobian product.
    by_value : mapping of name to float or ndarray, shape (...)
        ∂/∂φ.
    """

    value: Any
    gradient: Array
    by_value: Mapping[str, Any]

    def plus(self, other: "Sums") -> "Sums":
        """Bring the sums over two sets of rows together."""
        by_value = {name: value + other.by_value[name] for name, value in self.by_value.items()}
        return Sums(self.value + other.value, self.gradient + other.gradient, by_value)

    def times(self, factor: float) -> "Sums":
        """Return the same with every row counted `factor` times."""
        by_value = {name: factor * value for name, value in self.by_value.items()}
        return Sums(factor * self.value, factor * self.gradient, by_value)


class RowSum(Protocol):
    """The log likelihood of all rows as a function of β and φ."""

    @property
    def m(self) -> int:
        """Number of rows."""

    @property
    def weight(self) -> float:
        """W, the sum of their weights."""

    def value(self, beta: Array, values: Values) -> Any:
        """Return the sum alone, at β of shape (..., p)."""

    def sums(self, beta: Array, values: Values) -> Sums:
        """Return the sum and its derivatives, at β of shape (..., p)."""

    def information(self, beta: Array, values: Values) -> Array:
        """Return JᵀΛJ at one β, shape (p, p) (J7)."""

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator["RowSum"]:
        """Read all rows once, and yield at most `size` of them at a time."""
