"""What the curvature of a network needs in memory and in time, and what is kept of it for that."""

from collections.abc import Mapping

from bayesml.inference.networks.accumulated import accumulated
from bayesml.inference.networks.factorised import factorised
from bayesml.inference.networks.local import Near, linearised
from bayesml.predictors import Network, flat

MEMORY = 500_000_000
"""Bytes that a Jacobian and its curvature may take; members are trained side by side."""

OPERATIONS = 1e11
"""Multiplications that a step by the full curvature may take: some seconds of a core."""

Shapes = Mapping[str, tuple[int, ...]]


def bytes_of_full(network: Network, shapes: Shapes, rows: int) -> int:
    """Return what the Jacobian of all rows, and the smaller of its two Gram matrices, take."""
    p, N = flat.size(shapes), rows * len(network.outputs)
    return 8 * (2 * N * p + 3 * min(p, N) ** 2)


def bytes_of_factors(shapes: Shapes) -> int:
    """Return what the Kronecker factors and their eigendecompositions take."""
    weights = (shape for shape in shapes.values() if len(shape) == 2)
    entries = sum(out**2 + (size + 1) ** 2 for out, size in weights)
    return 8 * (4 * entries + 8 * flat.size(shapes))


def operations_of_full(network: Network, shapes: Shapes, rows: int) -> float:
    """Return multiplications of the smaller of both Gram matrices, and of its factorisation."""
    p, N = flat.size(shapes), rows * len(network.outputs)
    small, large = min(p, N), max(p, N)
    return float(small) ** 2 * (large + small)


def bytes_of_gram(shapes: Shapes) -> int:
    """Return what the Gauss-Newton matrix and its factorisation take, without a Jacobian."""
    return 8 * 4 * flat.size(shapes) ** 2


def whole(network: Network, shapes: Shapes, rows: int) -> Near:
    """Return the whole curvature: with the Jacobian where that fits in memory."""
    fits = bytes_of_full(network, shapes, rows) <= MEMORY
    few = rows * len(network.outputs) < flat.size(shapes)  # whose dual form is the smaller one
    return linearised if fits or few else accumulated


def affordable(network: Network, shapes: Shapes, rows: int) -> Near | None:
    """Return the best that memory and time allow to keep of a network near a point."""
    near = whole(network, shapes, rows)
    fits = bytes_of_full if near is linearised else lambda *_: bytes_of_gram(shapes)
    small = fits(network, shapes, rows) <= MEMORY
    if small and operations_of_full(network, shapes, rows) <= OPERATIONS:
        return near
    return factorised if bytes_of_factors(shapes) <= MEMORY else None
