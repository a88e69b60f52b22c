"""Sums over rows of a network's Jacobian, layer by layer, without forming it.

A row of it is an outer product in every layer, δ ãᵀ with ã = (a, 1) for weights and bias (M4).
Derived in docs/theory/network.md, (M24) to (M28).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bayesml.linalg.kronecker import KroneckerBlock, KroneckerFactors
from bayesml.log_joint import Rows
from bayesml.log_joint.rows import LAYERED
from bayesml.predictors import MLP, flat
from bayesml.predictors.layers import Layers, Trace, backward, below, trace
from bayesml.typing import Array, Integers


def factors_of(data: Rows, x: Array, information: Array) -> KroneckerFactors:
    """Return the Kronecker factors of every layer at x (M24, M26)."""
    network, tables = inner_network(data), _tables(data)
    layers, columns = (
        network.layers(flat.split(x, data.frame.shapes)),
        columns_of(information, network),
    )
    A = [np.zeros((table.shape[1], table.shape[1])) for table in tables[:-1]]
    G = [np.zeros((len(table), len(table))) for table in tables[:-1]]
    last = [np.zeros((tables[-1].shape[1],) * 2) for _ in network.outputs]
    for rows, seen in traces(data, layers):
        *inputs, features = _extended(seen)
        for layer, a in enumerate(inputs):
            A[layer] += (a * data.w[rows, None]).T @ a
        for k, (_, s) in enumerate(network.outputs):
            Lambda = columns[rows, k, None]
            last[k] += (features * (s**2 * Lambda)).T @ features
            for layer, delta in enumerate(_deltas(layers, seen, k, s)):
                G[layer] += (delta * Lambda).T @ delta
    hidden = zip(tables, G, A, strict=False)
    output = zip(np.split(tables[-1], len(last)), last, strict=True)
    return KroneckerFactors(
        (
            *(KroneckerBlock.of(table, g, a / data.weight) for table, g, a in hidden),
            *(KroneckerBlock.of(table, np.eye(1), each) for table, each in output),
        )
    )


def tangent_kernel(data: Rows, x: Array, precision: Array) -> Array:
    """Return J diag(precision)⁻¹ Jᵀ, (k m, k m), outputs first (M28)."""
    network, tables, m = inner_network(data), _tables(data), len(data.y)
    layers = network.layers(flat.split(x, data.frame.shapes))
    seen = trace(layers, network.activation, network.standardise(data.A))
    *inputs, features = _extended(seen)
    deltas = [_deltas(layers, seen, k, s) for k, (_, s) in enumerate(network.outputs)]
    K = np.zeros((len(deltas), m, len(deltas), m))
    for layer, a in enumerate(inputs):
        grams = (a / precision[tables[layer][0]]) @ a.T
        for k, one in enumerate(deltas):
            for j, other in enumerate(deltas):
                K[k, :, j] += grams * (one[layer] @ other[layer].T)
    for k, (_, s) in enumerate(network.outputs):
        K[k, :, k] += s**2 * (features / precision[tables[-1][k]]) @ features.T
    return K.reshape(len(deltas) * m, -1)


def pulled(data: Rows, x: Array, score: Array) -> Array:
    """Return Jᵀ·score at x by backpropagation (M2, M3), a block of rows at a time."""
    network, shapes = inner_network(data), data.frame.shapes
    scale = np.array([s for _, s in network.outputs])
    layers, columns = network.layers(flat.split(x, shapes)), columns_of(score, network)
    out = np.zeros_like(x)
    for some, seen in traces(data, layers):
        gradients = backward(layers, seen, scale * columns[some])
        out += flat.join(network.named(gradients), shapes)
    return out


def columns_of(by_row: Array, network: MLP) -> Array:
    """Return numbers at every output of every row, (k m,), as a column for each output."""
    return by_row.reshape(len(network.outputs), -1).T


def traces(data: Rows, layers: Layers) -> Iterator[tuple[slice, Trace]]:
    """Take rows through the layers, a block at a time: activations of all rows are never held."""
    network = inner_network(data)
    for start in range(0, len(data.y), LAYERED):
        rows = slice(start, start + LAYERED)
        yield rows, trace(layers, network.activation, network.standardise(data.A[rows]))


def _tables(data: Rows) -> list[Integers]:
    """Return where the weights and the bias of every unit lie, (out, in + 1), layer by layer."""
    entries = flat.split(np.arange(flat.size(data.frame.shapes)), data.frame.shapes)
    return [
        np.column_stack([weights, biases])
        for weights, biases in inner_network(data).layers(entries)
    ]


def _extended(seen: Trace) -> list[Array]:
    """Return what entered every layer, with a one for its bias."""
    return [np.column_stack([a, np.ones(len(a))]) for a in seen.activations]


def _deltas(layers: Layers, seen: Trace, output: int, scale: float) -> list[Array]:
    """Return ∂η_k/∂z of every hidden layer, (m, out), the first layer first (M2)."""
    delta = np.zeros_like(seen.output)
    delta[:, output] = scale
    deltas = []
    for layer in range(len(layers) - 1, 0, -1):
        delta = below(layers, seen, layer, delta)
        deltas.append(delta)
    return deltas[::-1]


def inner_network(data: Rows) -> MLP:
    """Return the network whose layers these rows go through."""
    network: Any = data.frame.predictor
    inner: MLP = network
    return inner
