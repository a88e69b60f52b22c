"""The multilayer perceptron. Derived in docs/theory/network.md, whose labels are cited."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from bayesml.arguments import check_flag, check_instance, is_count, require_memory, shown
from bayesml.errors import IncompatibleModelError
from bayesml.predictors import flat
from bayesml.predictors.activations import Activation, Compiled, Floats, Tanh
from bayesml.predictors.base import Outputs, Parameters
from bayesml.predictors.beside import NOTHING, Beside
from bayesml.predictors.frame import Frame
from bayesml.predictors.layers import Layers, backward, forward, jacobian, trace
from bayesml.typing import Array

MOST_ACTIVATIONS = 4_000_000
"""Numbers in a layer's activations at a time: many draws at many rows are evaluated in groups."""


BIASES = 0.5
"""Standard deviation of biases at the start: units differ in where they turn."""


@dataclass(frozen=True)
class Standardisation:
    r"""Where features and outputs lie and how far they vary: the :math:`c, s` of (M1).

    Attributes
    ----------
    mean_X, sd_X : tuple of float, length n
        In the features' units; empty where they are standardised before they come.
    outputs : tuple of (centre, scale)
        One pair for every output, on the link scale.
    """

    mean_X: tuple[float, ...]
    sd_X: tuple[float, ...]
    outputs: Outputs


@dataclass(frozen=True)
class MLP:
    r"""A multilayer perceptron, :math:`a^{(l)} = g(W^{(l)} a^{(l-1)} + b^{(l)})` (M1).

    Inputs and outputs are standardised inside, so that the parameters have no units. There is one
    output for every one that the likelihood asks for. Without hidden layers it is `Linear`.

    Parameters
    ----------
    hidden : sequence of int
        Units in every hidden layer.
    activation : Activation
        ``Tanh()``, ``ReLU()``, ``SiLU()``, ``GELU()`` or ``Softplus()`` from
        ``bayesml.predictors``.
    standardisation : Standardisation or None
        None takes it from the data, at fit.
    beside : Beside or None
        The last columns of X, which are no features: an offset that is added to η, and what the
        likelihood has to know of every row. Data that have them state it, at fit.
    skip : bool
        Whether the last layer reads the inputs too, beside the last hidden layer: a linear model
        is inside, and hidden units learn what is left.

    Raises
    ------
    IncompatibleModelError
        If a width is not a positive whole number, or the activation is none.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), Learning representations by back-propagating errors;
    Bishop (2006), Pattern Recognition and Machine Learning, §5.1-5.3.

    Examples
    --------
    >>> network = MLP(hidden=(2,))
    >>> network.shapes(3)
    {'weights_1': (2, 3), 'biases_1': (2,), 'weights_2': (1, 2), 'biases_2': (1,)}
    >>> parameters = network.start(3, np.random.default_rng(0))
    >>> network.eta(parameters, np.zeros((4, 3))).shape
    (4,)
    """

    hidden: tuple[int, ...] = (50,)
    activation: Activation = Tanh()
    standardisation: Standardisation | None = None
    beside: Beside | None = None
    skip: bool = False

    def __post_init__(self) -> None:
        widths: Any = self.hidden
        if not isinstance(widths, tuple | list) or not all(map(is_count, widths)):
            raise IncompatibleModelError(
                f"MLP: hidden must be a sequence of positive whole numbers, got {shown(widths)}. "
                "For instance MLP(hidden=(50,)) or MLP(hidden=(50, 50))."
            )
        object.__setattr__(self, "hidden", tuple(int(h) for h in widths))
        if isinstance(self.activation, type) or not isinstance(self.activation, Activation):
            raise IncompatibleModelError(
                "MLP: activation must be one such as Tanh() or ReLU(), got "
                f"{shown(self.activation)}."
            )
        check_flag(self, "skip")
        if self.standardisation is not None:
            check_instance(self, "standardisation", Standardisation, "None, which takes the data's")
        if self.beside is not None:
            check_instance(self, "beside", Beside, "None, which takes the data's")

    @property
    def depth(self) -> int:
        """Layers L, the output's included."""
        return len(self.hidden) + 1

    def _skips(self, layer: int) -> bool:
        """Say whether a layer reads the inputs beside the layer before it."""
        return self.skip and 1 < layer == self.depth

    @property
    def has_intercept(self) -> bool:
        """No: what shifts η is called the biases of the last layer."""
        return False

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "MLP":
        """Take the standardisation from the data, unless it is stated."""
        if intercept is False:
            raise IncompatibleModelError(
                "MLP has biases, but the formula excludes the intercept. Leave out '0 +'."
            )
        if self.standardisation is not None:
            return self
        mean, sd = self._last.features(mean_X), self._last.features(sd_X)
        unit = np.where(sd > 0, sd, 1.0)
        of_network = self._last.without_offset(mean_X, outputs)
        lie = tuple((centre, scale or 1.0) for centre, scale in of_network)
        stated = Standardisation(tuple(mean.tolist()), tuple(unit.tolist()), lie)
        return replace(self, standardisation=stated)

    def reading(self, beside: Beside) -> "MLP":
        """Return the network on rows whose last columns are no features."""
        return replace(self, beside=beside)

    @property
    def outputs(self) -> Outputs:
        """Centre and scale of every output; (0, 1) for one output before the data are met."""
        return ((0.0, 1.0),) if self.standardisation is None else self.standardisation.outputs

    @property
    def _last(self) -> Beside:
        """The columns of X that are no features."""
        return self.beside or NOTHING

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of ``weights_l``, (out, in), and ``biases_l``, (out,)."""
        shapes = self._shapes(n)
        size = flat.size(shapes)
        require_memory(4.0 * size, f"{size:,} weights of a network", "take narrower layers")
        return shapes

    def _shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        """Return them without a question of memory."""
        shapes: dict[str, tuple[int, ...]] = {}
        inputs = n - self._last.columns
        widths = (inputs, *self.hidden, len(self.outputs))
        for layer, (units, out) in enumerate(pairwise(widths), start=1):
            size = units + inputs if self._skips(layer) else units
            shapes |= {f"weights_{layer}": (out, size), f"biases_{layer}": (out,)}
        return shapes

    def dims(self) -> dict[str, list[str]]:
        """Return names of the axes of every parameter."""
        units = ["feature", *(f"unit_{layer}" for layer in range(1, self.depth)), "output"]
        out: dict[str, list[str]] = {}
        for layer, (before, after) in enumerate(pairwise(units), start=1):
            read = f"{before}_and_feature" if self._skips(layer) else before
            out |= {f"weights_{layer}": [after, read], f"biases_{layer}": [after]}
        return out

    def coords(self, feature_names: tuple[str, ...]) -> dict[str, list[str]]:
        """Return the names of the features, which come first."""
        return {"feature": [*feature_names[: len(feature_names) - self._last.columns]]}

    def start(
        self, n: int, rng: np.random.Generator, members: tuple[int, ...] = ()
    ) -> dict[str, Array]:
        """Draw parameters to start from; the last biases and skips are zero (M30)."""
        parameters: dict[str, Array] = {}
        for name, shape in replace(self, skip=False).shapes(n).items():
            value = rng.standard_normal((*members, *shape))
            if len(shape) == 2:
                value *= np.sqrt(self.activation.start_variance(max(shape[1], 1)))
            else:
                value *= 0.0 if name == f"biases_{self.depth}" else BIASES
            parameters[name] = value
        if self._skips(self.depth):
            last = parameters[f"weights_{self.depth}"]
            nothing = np.zeros((*last.shape[:-1], n - self._last.columns))
            parameters[f"weights_{self.depth}"] = np.concatenate([last, nothing], axis=-1)
        return parameters

    def frame(self, mean_X: Array, sd_X: Array, outputs: Outputs) -> Frame:
        """Standardise the rows once, for the same network on rows that are standardised."""
        stated = self.standardisation
        centre, unit = (None, None) if stated is None else (stated.mean_X, stated.sd_X)
        inner = replace(self, standardisation=Standardisation((), (), self.outputs))
        shapes = self.shapes(len(mean_X))
        p = flat.size(shapes)
        rest = np.zeros(self._last.columns)  # known columns stay as they are
        return Frame(
            inner,
            shapes,
            np.append(centre, rest) if centre else None,
            np.append(unit, rest + 1.0) if centre and unit else None,
            np.zeros(p),
            np.ones(p),
        )

    def standardise(self, X: Floats) -> Floats:
        """Return x̃ of the features, in the precision of X."""
        X = self._last.features(X)
        if self.standardisation is None or not self.standardisation.mean_X:
            return X
        mean = np.asarray(self.standardisation.mean_X, dtype=X.dtype)
        return np.asarray((X - mean) / np.asarray(self.standardisation.sd_X, dtype=X.dtype))

    def eta(self, parameters: Parameters, X: Floats) -> Floats:
        """Evaluate h_θ(X): shape (..., m), or (k, ..., m) for k > 1 outputs."""
        layers, a = self.layers(parameters), self.standardise(X)
        batch = layers[0][1].shape[:-1]
        widest = max(len(self.outputs), *self.hidden, 1)
        room = max(1, MOST_ACTIVATIONS // (max(len(X), 1) * widest))
        if prod(batch) <= room:
            return self.link(forward(layers, self.activation, a), X)
        rows = [(W.reshape(-1, *W.shape[-2:]), b.reshape(-1, b.shape[-1])) for W, b in layers]
        parts = [
            forward([(W[k : k + room], b[k : k + room]) for W, b in rows], self.activation, a)
            for k in range(0, prod(batch), room)
        ]
        z = np.concatenate(parts)
        return self.link(z.reshape(*batch, *z.shape[1:]), X)

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        """Return h_θ(X) as a PyMC expression, or a list of them for k > 1 outputs."""
        inside, a = self.standardisation, self._last.features(X)
        if inside is not None and inside.mean_X:
            a = (a - np.asarray(inside.mean_X)) / np.asarray(inside.sd_X)
        inputs = a
        for layer, (W, b) in enumerate(self.layers(parameters), start=1):
            if self._skips(layer):
                a = pm.math.concatenate([a, inputs], axis=1)
            z = pm.math.dot(a, W.T) + b
            a = self.activation.pymc(pm, z) if layer < self.depth else z
        outputs = [c + s * a[:, k] for k, (c, s) in enumerate(self.outputs)]
        if self._last.offset is not None:
            moved = self._last.moved
            outputs[:moved] = [eta + X[:, self._last.offset] for eta in outputs[:moved]]
        outputs += [X[:, j] for j in self._last.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    def vjp(self, parameters: Parameters, X: Floats, cotangent: Floats) -> dict[str, Floats]:
        """Evaluate Jᵀ·cotangent, a cotangent of the shape of η: backpropagation (M2, M3)."""
        return self.pullback(parameters, X)[1](cotangent)

    def pullback(
        self, parameters: Parameters, X: Floats
    ) -> tuple[Floats, Callable[[Floats], dict[str, Floats]]]:
        """Return η and `vjp` as a function of the cotangent, from one forward pass."""
        if X.dtype == np.float32 and isinstance(self.activation, Compiled):
            return self._compiled(self.activation, parameters, X)
        layers = self.layers(parameters)
        seen = trace(layers, self.activation, self.standardise(X))

        def back(cotangent: Floats) -> dict[str, Floats]:
            return self.named(backward(layers, seen, self.delta(cotangent)))

        return self.link(seen.output, X), back

    def _compiled(
        self, activation: Compiled, parameters: Parameters, X: Floats
    ) -> tuple[Floats, Callable[[Floats], dict[str, Floats]]]:
        """Return the same by compiled passes, in single precision."""
        shapes = self._shapes(X.shape[1])
        theta, k = flat.join(parameters, shapes), len(self.outputs)
        widths = (X.shape[1] - self._last.columns, *self.hidden, k)
        rows = theta.reshape(-1, theta.shape[-1])
        passes = activation.passes(rows, widths, self._skips(self.depth), self.standardise(X))
        batch = theta.shape[:-1]

        def back(cotangent: Floats) -> dict[str, Floats]:
            delta = np.swapaxes(self.delta(cotangent), -1, -2).reshape(len(rows), k, -1)
            return flat.split(passes.back(delta).reshape(theta.shape), shapes)

        z = passes.output.reshape(*batch, k, len(X))
        return self.link(np.swapaxes(z, -1, -2), X), back

    def jacobian(self, parameters: Parameters, X: Floats) -> Floats:
        """Evaluate J = ∂η/∂θ, shape (..., m, p), or (k, ..., m, p) for k > 1 outputs (M4)."""
        layers = self.layers(parameters)
        seen = trace(layers, self.activation, self.standardise(X))
        parts = [jacobian(layers, seen, k, s) for k, (_, s) in enumerate(self.outputs)]
        return _stack(self._last.still(parts))

    def features(self, parameters: Parameters, X: Floats) -> Floats:
        """Return what enters the last layer and what is known beside, shape (..., m, units)."""
        layers = self.layers(parameters)
        units = trace(layers, self.activation, self.standardise(X)).activations[-1]
        if not self._last.columns:
            return units
        known = self._last.known(X)
        each = np.broadcast_to(known, (*units.shape[:-1], known.shape[-1]))
        return np.concatenate([units, each], axis=-1)

    def layers(self, parameters: Parameters) -> Layers:
        """Return (W, b) of every layer."""
        return [
            (parameters[f"weights_{layer}"], parameters[f"biases_{layer}"])
            for layer in range(1, self.depth + 1)
        ]

    def describe(self) -> str:
        """Say the function in words."""
        if not self.hidden:
            return "η = biases_1 + weights_1·X, standardised"
        widths = " × ".join(str(h) for h in self.hidden)
        beside = " beside a linear model" if self.skip else ""
        units = f"{widths} {type(self.activation).__name__} units"
        return f"η = network of {units}{beside}, standardised"

    def link(self, z: Floats, X: Floats) -> Floats:
        """Return η = c + s z of the last layer, (..., m, k) to (..., m) or (k, ..., m)."""
        parts = [c + s * z[..., k] for k, (c, s) in enumerate(self.outputs)]
        return _stack(self._last.around(parts, X))

    def delta(self, cotangent: Floats) -> Floats:
        """Return δ of the last layer from a cotangent of η, (..., m, k)."""
        own = len(self.outputs)
        one = own + len(self._last.outputs) == 1
        parts = [cotangent] if one else [*cotangent[:own]]
        return np.stack([g * s for g, (_, s) in zip(parts, self.outputs, strict=True)], axis=-1)

    def named(self, gradients: Layers) -> dict[str, Floats]:
        """Return parameters by name from (W, b) of every layer."""
        named: dict[str, Floats] = {}
        for layer, (W, b) in enumerate(gradients, start=1):
            named |= {f"weights_{layer}": W, f"biases_{layer}": b}
        return named


def _stack(parts: Sequence[Floats]) -> Floats:
    """Return outputs of the shape (k, ..., m), or (..., m) where there is one."""
    return parts[0] if len(parts) == 1 else np.stack(parts)
