"""The role of a predictor, and a part that some of them play."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from bayesml.typing import Array

Parameters = Mapping[str, Array]
"""Parameter values by name; leading axes before a parameter's own shape are batches."""

Outputs = tuple[tuple[float, float], ...]
"""Where every output lies and how far it varies, on the link scale: (centre, scale) pairs."""


class Predictor(Protocol):
    r"""A function :math:`\eta = h_\theta(X)` and what calculus knows of it."""

    @property
    def depth(self) -> int:
        """Layers of a network; 0 where parameters are in the data's own units."""

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "Predictor":
        """Meet the data: their scales, what the likelihood reads, and the formula's intercept."""

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter for `n` features."""

    def dims(self) -> dict[str, list[str]]:
        """Return the names of the axes of every parameter that has any."""

    def eta(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate h_θ(X), shape (..., m); with several outputs (k, ..., m)."""

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        """Evaluate Jᵀ·cotangent, by parameter: backpropagation."""

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate J = ∂η/∂θ, shape (m, p) or (k, m, p), columns in the order of `shapes`."""

    def describe(self) -> str:
        """Say the function in words."""


@runtime_checkable
class ExportsToPyMC(Protocol):
    """A predictor that is also a PyMC expression."""

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return η, given the module and tensors by name; a list of k for k > 1 outputs."""
