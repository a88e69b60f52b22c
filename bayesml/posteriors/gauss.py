"""Fewer nodes for the same integrals: the Gauss rule of a discrete distribution.

Derived in docs/theory/quadrature.md.
"""

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import ndtr

from bayesml.typing import Array

SIZES = (4, 6, 8, 12, 16, 24, 32)
TOLERANCE = 1e-13


def compressed(nodes: Array, weights: Array) -> tuple[Array, Array]:
    r"""Return a Gauss rule that integrates smooth functions like the given nodes (Q5).

    With N nodes it is exact for polynomials of degree 2N − 1 in u. N is the least for which
    :math:`e^{\pm u}`, :math:`e^{\pm 2u}` and normal distribution functions with scale
    :math:`e^u` keep thirteen digits; if none does, the nodes stay as they are.

    Parameters
    ----------
    nodes, weights : ndarray, shape (K,)
        Weights are probabilities.

    References
    ----------
    Golub & Welsch (1969), Calculation of Gauss quadrature rules;
    Gautschi (2004), Orthogonal Polynomials, §2.2.3 (Lanczos).

    Examples
    --------
    >>> u = np.linspace(-0.5, 0.5, 101)
    >>> p = np.exp(-0.5 * (u / 0.05) ** 2)
    >>> len(compressed(u, p / p.sum())[0]) <= 16
    True
    """
    centre = float(weights @ nodes)
    spread = float(np.sqrt(weights @ (nodes - centre) ** 2))
    if len(nodes) <= SIZES[0] or spread == 0.0:
        return nodes, weights
    wanted = _tests(nodes, centre) @ weights
    diagonal, off = _lanczos((nodes - centre) / spread, weights, min(SIZES[-1], len(nodes) - 1))
    for size in SIZES:
        if size > len(diagonal):
            break
        values, vectors = eigh_tridiagonal(diagonal[:size], off[: size - 1])
        few, probabilities = centre + spread * values, vectors[0] ** 2
        if np.all(np.abs(_tests(few, centre) @ probabilities - wanted) <= TOLERANCE * wanted):
            return few, probabilities
    return nodes, weights


def _tests(u: Array, centre: float) -> Array:
    """Evaluate functions that any rule has to integrate, relative to the centre, (7, K)."""
    v = u - centre
    powers = [np.exp(k * v) for k in (-2.0, -1.0, 1.0, 2.0)]
    return np.array([*powers, *(ndtr(-z * np.exp(-v)) for z in (0.5, 1.5, 3.0))])


def _lanczos(x: Array, weights: Array, size: int) -> tuple[Array, Array]:
    """Return the Jacobi matrix of the distribution, with full reorthogonalisation."""
    basis = [np.sqrt(weights)]
    diagonal, off = [], []
    for _ in range(size):
        v = x * basis[-1]
        diagonal.append(float(basis[-1] @ v))
        for _ in range(2):
            stacked = np.array(basis)
            v = v - stacked.T @ (stacked @ v)
        norm = float(np.linalg.norm(v))
        if norm < 1e-12:
            break
        off.append(norm)
        basis.append(v / norm)
    return np.array(diagonal), np.array(off)
