"""What the curvature of a network needs in memory, and what is kept of it for that."""

from bayesml.inference.networks.examples import Examples, Near, linearised
from bayesml.inference.networks.factorised import factorised
from bayesml.predictors import flat

MEMORY = 2_000_000_000
"""Bytes that a Jacobian and its curvature may take."""


def bytes_of_full(examples: Examples, rows: int) -> int:
    """Return what the Jacobian of all rows, and the smaller of its two Gram matrices, take."""
    p, N = flat.size(examples.shapes), rows * len(examples.network.outputs)
    return 8 * (2 * N * p + 3 * min(p, N) ** 2)


def bytes_of_factors(examples: Examples) -> int:
    """Return what the Kronecker factors and their eigendecompositions take."""
    weights = (shape for shape in examples.shapes.values() if len(shape) == 2)
    entries = sum(out**2 + (size + 1) ** 2 for out, size in weights)
    return 8 * (4 * entries + 8 * flat.size(examples.shapes))


def affordable(examples: Examples, rows: int) -> Near | None:
    """Return the best that memory allows to keep of a network near a point, of so many rows."""
    if bytes_of_full(examples, rows) <= MEMORY:
        return linearised
    return factorised if bytes_of_factors(examples) <= MEMORY else None
