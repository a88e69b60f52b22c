"""The calculus of a stack of layers: (M1) to (M5) of docs/theory/network.md, on bare arrays.

Leading axes of the parameters are batches (the members of an ensemble, the draws of a posterior);
examples are the last axis but one of activations. Everything keeps the precision it is given.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bayesml.predictors.activations import Activation, Floats

Layers = Sequence[tuple[Floats, Floats]]
"""(W, b) of every layer, shapes (..., out, in) and (..., out)."""


class Trace(NamedTuple):
    """What the forward pass saw.

    Attributes
    ----------
    output : ndarray, shape (..., m, k)
        z of the last layer.
    activations : list of ndarray, shape (..., m, in)
        What entered every layer.
    slopes : list of ndarray, shape (..., m, in)
        g' where it left the layer before; none for the first.
    """

    output: Floats
    activations: list[Floats]
    slopes: list[Floats]


def forward(layers: Layers, activation: Activation, a: Floats) -> Floats:
    """Evaluate the last z of (M1) and keep nothing."""
    x = a
    for W, b in layers[:-1]:
        a = activation.value(_affine(W, b, a))
    return _affine(*layers[-1], _entering(layers, a, x))


def trace(layers: Layers, activation: Activation, a: Floats) -> Trace:
    """Evaluate (M1) and keep what its derivatives need."""
    activations, slopes = [a], []
    for W, b in layers[:-1]:
        z = _affine(W, b, a)
        a = activation.value(z)
        activations.append(a)
        slopes.append(activation.slope(z, a))
    activations[-1] = _entering(layers, activations[-1], activations[0])
    return Trace(_affine(*layers[-1], activations[-1]), activations, slopes)


def backward(layers: Layers, seen: Trace, delta: Floats) -> list[tuple[Floats, Floats]]:
    """Return (∂L/∂W, ∂L/∂b) of every layer from δ of the last, shape (..., m, k) (M2, M3)."""
    gradients = []
    for layer in range(len(layers) - 1, -1, -1):
        gradients.append((np.swapaxes(delta, -1, -2) @ seen.activations[layer], delta.sum(axis=-2)))
        if layer > 0:
            delta = below(layers, seen, layer, delta)
    return gradients[::-1]


def below(layers: Layers, seen: Trace, layer: int, delta: Floats) -> Floats:
    """Return δ of the hidden layer below from that of a layer (M2)."""
    slope = seen.slopes[layer - 1]
    delta = delta @ layers[layer][0][..., : slope.shape[-1]]
    delta *= slope
    return delta


def tangent(layers: Layers, seen: Trace, directions: Layers) -> Floats:
    """Return the derivative of the last z along a direction in the parameters (M5)."""
    moved: Floats | None = None
    for layer, ((W, _), (dW, db)) in enumerate(zip(layers, directions, strict=True)):
        dz = _affine(dW, db, seen.activations[layer])
        if moved is not None:
            dz = dz + moved @ np.swapaxes(W[..., : moved.shape[-1]], -1, -2)
        if layer == len(layers) - 1:
            return dz
        moved = dz * seen.slopes[layer]
    raise AssertionError("a network has at least one layer")


def jacobian(layers: Layers, seen: Trace, output: int, scale: float) -> Floats:
    """Return scale · ∂z_output/∂θ of every example, shape (..., m, p), layer by layer (M4)."""
    batch, m, k = seen.output.shape[:-2], seen.output.shape[-2], seen.output.shape[-1]
    sizes = [W.shape[-2] * (W.shape[-1] + 1) for W, _ in layers]
    J = np.zeros((*batch, m, sum(sizes)), dtype=seen.output.dtype)
    delta = np.zeros((*batch, m, k), dtype=seen.output.dtype)
    delta[..., output] = scale
    end = J.shape[-1]
    for layer in range(len(layers) - 1, -1, -1):
        out, size = layers[layer][0].shape[-2:]
        block = J[..., end - sizes[layer] : end - out].reshape(*batch, m, out, size)
        rows = slice(output, output + 1) if layer == len(layers) - 1 else slice(None)
        a = seen.activations[layer][..., None, :]
        np.multiply(delta[..., rows, None], a, out=block[..., rows, :])
        J[..., end - out : end] = delta
        end -= sizes[layer]
        if layer > 0:
            delta = below(layers, seen, layer, delta)
    return J


def _entering(layers: Layers, a: Floats, x: Floats) -> Floats:
    """Return what enters the last layer: the inputs too where it has weights for them (M1)."""
    if len(layers) == 1 or layers[-1][0].shape[-1] == a.shape[-1]:
        return a
    return np.concatenate([a, np.broadcast_to(x, (*a.shape[:-1], x.shape[-1]))], axis=-1)


def _affine(W: Floats, b: Floats, a: Floats) -> Floats:
    z = a @ np.swapaxes(W, -1, -2)
    z += b[..., None, :]
    return z
