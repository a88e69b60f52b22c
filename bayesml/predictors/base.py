"""The role of a predictor, and what some of them know beyond it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bayesml.predictors.activations import Activation, Floats
from bayesml.predictors.layers import Layers
from bayesml.typing import Array

Parameters = Mapping[str, Array]
"""Parameter values by name; leading axes before a parameter's own shape are batches."""

Outputs = tuple[tuple[float, float], ...]
"""Where every output lies and how far it varies, on the link scale: (centre, scale) pairs."""


@runtime_checkable
class Predictor(Protocol):
    r"""A function :math:`\eta = h_\theta(X)` and what calculus knows of it.

    `eta` and `vjp` are enough for point estimates and NUTS; the roles below add what
    curvature, random starts and networks need.
    """

    @property
    def has_intercept(self) -> bool:
        """Whether a parameter called ``intercept`` shifts η."""

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

    def describe(self) -> str:
        """Say the function in words."""


@runtime_checkable
class HasJacobian(Protocol):
    """A predictor whose Jacobian can be formed: what Laplace and Levenberg-Marquardt need."""

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        """Evaluate J = ∂η/∂θ, shape (m, p) or (k, m, p), columns in the order of `shapes`."""


@runtime_checkable
class HasGram(Protocol):
    """A predictor of one output that knows a faster way to JᵀΛJ than by its Jacobian."""

    def gram(self, parameters: Parameters, X: Array, information: Array) -> Array:
        """Evaluate JᵀΛJ, shape (p, p), for Λ ≥ 0 of shape (m,)."""


@runtime_checkable
class HasPullback(Protocol):
    """A predictor whose value and backpropagation share a forward pass."""

    def pullback(
        self, parameters: Parameters, X: Array
    ) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
        """Return η, and the function of a cotangent that `vjp` is."""


@runtime_checkable
class HasStart(Protocol):
    """A predictor that is learned from random starts, since it has many optima."""

    def start(
        self, n: int, rng: np.random.Generator, members: tuple[int, ...] = ()
    ) -> dict[str, Array]:
        """Draw parameters to start from; `members` are leading axes."""


@runtime_checkable
class HasNewLevels(Protocol):
    """A predictor with effects of levels, which can be drawn for levels that were never seen."""

    def meets_new_levels(self, X: Array) -> bool:
        """Say whether rows are of levels that were never seen."""

    def with_new_levels(
        self, parameters: Parameters, X: Array, rng: np.random.Generator
    ) -> Parameters:
        """Return draws, shape (K, ...), with effects of what is new in X behind the known ones."""

    def variance_of_new(self, parameters: Parameters, X: Array) -> Array:
        """Return the variance of what new levels add to η, at draws, shape (..., m)."""


@runtime_checkable
class HasFrame(Protocol):
    """A predictor that states the coordinates in which it is best evaluated."""

    def frame(self, mean_X: Array, sd_X: Array, outputs: Outputs) -> Any:
        """Return the `Frame`."""


@runtime_checkable
class HasSeveral(Protocol):
    """A predictor that becomes several where data, or a likelihood, ask for it."""

    def several(self, parts: Any, known: Any) -> Predictor:
        """Return the predictors of all parts, and of what is known of every row."""


@runtime_checkable
class ReadsBeside(Protocol):
    """A predictor of features beside which there may be an offset, or what a likelihood knows."""

    def reading(self, beside: Any) -> Predictor:
        """Return the predictor on rows whose last columns are `Beside`, before they are met."""


@runtime_checkable
class Labelled(Protocol):
    """A predictor that labels the axes of its parameters itself."""

    def coords(self, feature_names: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the labels of the axes that `dims` names."""


@runtime_checkable
class Network(Predictor, HasJacobian, HasStart, Protocol):
    """A stack of layers on standardised rows, whose parameters have no units."""

    @property
    def depth(self) -> int:
        """Layers, the output's included."""

    @property
    def activation(self) -> Activation:
        """What stands between layers."""

    @property
    def outputs(self) -> Outputs:
        """Centre and scale of every output."""

    def layers(self, parameters: Parameters) -> Layers:
        """Return (W, b) of every layer."""

    def features(self, parameters: Parameters, X: Floats) -> Floats:
        """Return what enters the last layer, shape (..., m, units)."""


@runtime_checkable
class ExportsToPyMC(Protocol):
    """A predictor that is also a PyMC expression."""

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return η, given the module and tensors by name; a list of k for k > 1 outputs."""


def labels_of(predictor: Predictor, feature_names: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the labels of the axes that `dims` names."""
    if isinstance(predictor, Labelled):
        return predictor.coords(feature_names)
    return {"feature": list(feature_names)}


Pullback = Callable[[Parameters, Array], tuple[Array, Callable[[Array], dict[str, Array]]]]
"""Of parameters and rows: η, and Jᵀ as a function of a cotangent."""


def pullback_of(predictor: Predictor) -> Pullback:
    """Return η and its vector-Jacobian product, in one forward pass where there is one."""
    if isinstance(predictor, HasPullback):
        return predictor.pullback
    return partial(_apart, predictor)


def _apart(
    predictor: Predictor, parameters: Parameters, X: Array
) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
    return predictor.eta(parameters, X), partial(predictor.vjp, parameters, X)
