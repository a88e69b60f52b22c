"""The role of a predictor."""

from collections.abc import Mapping
from typing import Protocol

from bayesml.typing import Array

Parameters = Mapping[str, Array]
"""Parameter values by name; leading axes before a parameter's own shape are batches."""


class Predictor(Protocol):
    r"""A function :math:`\eta = h_\theta(X)` and what calculus knows of it."""

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter for `n` features."""

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate h_θ(X), shape (..., m)."""

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate Jᵀ·cotangent, by parameter: backpropagation."""

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate J = ∂η/∂θ, shape (m, p), columns in the order of `shapes`."""

    def describe(self) -> str:
        """Say the function in words."""
