"""The passes of (M1) to (M3) through layers of tanh in single precision, compiled by numba.

Rows go through a few hundred at a time, so that all that is made of them stays in a fast cache, and
what they become lies units by rows: products are those of BLAS, and the rest are loops over rows.
Compiled at the first call, and kept beside this file for the next process.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bayesml.linalg.compiled import compiled

Singles = NDArray[np.float32]

BLOCK = 512
"""Rows at a time."""

F = np.float32
FAR = F(7.90531110763549805)
"""Where tanh is one in single precision."""


@compiled
def _tanh(x: Any) -> Any:
    """Divide polynomials of degrees 13 and 6: tanh in single precision, as Eigen has it."""
    x = min(max(x, -FAR), FAR)
    s = x * x
    p = F(-2.76076847742355e-16) * s + F(2.00018790482477e-13)
    p = p * s + F(-8.60467152213735e-11)
    p = p * s + F(5.12229709037114e-08)
    p = p * s + F(1.48572235717979e-05)
    p = p * s + F(6.37261928875436e-04)
    p = p * s + F(4.89352455891786e-03)
    q = F(1.19825839466702e-06) * s + F(1.18534705686654e-04)
    q = q * s + F(2.26843463243900e-03)
    q = q * s + F(4.89352518554385e-03)
    return x * p / q


@compiled
def forward(theta: Any, widths: Any, beside: int, A: Any, output: Any, seen: Any) -> None:
    """Write z of the last layer, (C, k, m), and activations of the others, block by block (M1).

    The last layer reads `beside` of the inputs: all or none.
    """
    m, last = A.shape[0], len(widths) - 2
    hidden = widths[1:-1].sum()
    for start in range(0, m, BLOCK):
        rows = min(BLOCK, m - start)
        x = A[start : start + rows].T
        inputs = np.ascontiguousarray(x)
        for c in range(len(theta)):
            at, free, a = 0, hidden * start, inputs
            for layer in range(last):
                units, out = widths[layer], widths[layer + 1]
                W = theta[c, at : at + out * units].reshape(out, units)
                at += out * units
                z = seen[c, free : free + out * rows].reshape(out, rows)
                np.dot(W, a, z)
                for h in range(out):
                    row, b = z[h], theta[c, at + h]
                    for i in range(rows):
                        row[i] = _tanh(row[i] + b)
                at, free, a = at + out, free + out * rows, z
            units, out = widths[last], widths[last + 1]
            size = units + beside
            W = theta[c, at : at + out * size].reshape(out, size)
            z = np.dot(np.ascontiguousarray(W[:, :units]), a)
            if beside:
                z += np.dot(np.ascontiguousarray(W[:, units:]), inputs)
            for h in range(out):
                output[c, h, start : start + rows] = z[h] + theta[c, at + out * size + h]


@compiled
def backward(
    theta: Any, widths: Any, beside: int, A: Any, cotangent: Any, seen: Any, gradient: Any
) -> None:
    """Add Σ δ aᵀ and Σ δ of every layer to the gradient, (C, p), from δ of the last (M2, M3)."""
    m, last = A.shape[0], len(widths) - 2
    hidden = widths[1:-1].sum()
    for start in range(0, m, BLOCK):
        rows = min(BLOCK, m - start)
        x = A[start : start + rows]
        for c in range(len(theta)):
            at, end = theta.shape[1], hidden * (start + rows)
            delta = np.ascontiguousarray(cotangent[c, :, start : start + rows])
            for layer in range(last, -1, -1):
                units, out = widths[layer], widths[layer + 1]
                size = units + beside if layer == last else units
                at -= out * (size + 1)
                slopes = gradient[c, at : at + out * size].reshape(out, size)
                for h in range(out):
                    total = F(0.0)
                    for i in range(rows):
                        total += delta[h, i]
                    gradient[c, at + out * size + h] += total
                if layer == last and beside:
                    slopes[:, units:] += np.dot(delta, x)
                if layer == 0:
                    slopes[:, :units] += np.dot(delta, x)
                    break
                a = seen[c, end - units * rows : end].reshape(units, rows)
                end -= units * rows
                slopes[:, :units] += np.dot(delta, a.T)
                W = theta[c, at : at + out * size].reshape(out, size)
                below = np.dot(np.ascontiguousarray(W[:, :units].T), delta)
                for j in range(units):
                    into, row = below[j], a[j]
                    for i in range(rows):
                        into[i] *= F(1.0) - row[i] * row[i]
                delta = below


class TanhPasses:
    """One pass forward through a stack of layers, and what it takes to come back.

    Parameters
    ----------
    theta : ndarray of float32, shape (C, p)
        Weights and biases of every layer, in turn.
    widths : tuple of int
        Features, units of every hidden layer, outputs.
    skip : bool
        Whether the last layer reads the features too.
    A : ndarray of float32, shape (m, n)
    """

    def __init__(self, theta: Singles, widths: tuple[int, ...], skip: bool, A: Singles) -> None:
        self._theta = np.ascontiguousarray(theta)
        self._widths, self._beside = np.array(widths), widths[0] if skip else 0
        self._A = np.ascontiguousarray(A)
        C, m = len(theta), len(A)
        self.output = np.empty((C, widths[-1], m), np.float32)
        self._seen = np.empty((C, sum(widths[1:-1]) * m), np.float32)
        forward(self._theta, self._widths, self._beside, self._A, self.output, self._seen)

    def back(self, delta: Singles) -> Singles:
        """Return the gradient, (C, p), from δ of the last layer, (C, k, m)."""
        gradient = np.zeros(self._theta.shape)
        delta = np.ascontiguousarray(delta)
        backward(self._theta, self._widths, self._beside, self._A, delta, self._seen, gradient)
        return cast(Singles, gradient.astype(np.float32))
