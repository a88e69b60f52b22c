"""The passes of (M1) to (M3) through layers of tanh in single precision, compiled by numba.

Rows go through a few hundred at a time, units by units, so that all that is made of them stays in
the fastest cache. Compiled at the first call, and kept beside this file for the next process.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bayesml.linalg.compiled import compiled

Singles = NDArray[np.float32]

BLOCK = 256
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
def _affine(W: Any, b: Any, a: Any, z: Any) -> None:
    """Write z = W a + b, units by rows."""
    for h in range(len(W)):
        z[h, :] = b[h]
    _add_linear(W, a, z)


@compiled
def _add_linear(W: Any, a: Any, z: Any) -> None:
    """Add W a to z."""
    units, size = W.shape
    fours = size - size % 4
    for h in range(units):
        out = z[h]
        for j in range(0, fours, 4):
            w, x, y, v = W[h, j], W[h, j + 1], W[h, j + 2], W[h, j + 3]
            for i in range(len(out)):
                out[i] += w * a[j, i] + x * a[j + 1, i] + y * a[j + 2, i] + v * a[j + 3, i]
        for j in range(fours, size):
            w = W[h, j]
            for i in range(len(out)):
                out[i] += w * a[j, i]


@compiled
def _add_products(d: Any, a: Any, gradient: Any) -> None:
    """Add the products of δ of one unit with what entered it, a d."""
    size, rows = a.shape
    fours = size - size % 4
    for j in range(0, fours, 4):
        w, x, y, v = F(0.0), F(0.0), F(0.0), F(0.0)
        for i in range(rows):
            w += d[i] * a[j, i]
            x += d[i] * a[j + 1, i]
            y += d[i] * a[j + 2, i]
            v += d[i] * a[j + 3, i]
        gradient[j] += w
        gradient[j + 1] += x
        gradient[j + 2] += y
        gradient[j + 3] += v
    for j in range(fours, size):
        w = F(0.0)
        for i in range(rows):
            w += d[i] * a[j, i]
        gradient[j] += w


@compiled
def forward(theta: Any, widths: Any, beside: int, A: Any, output: Any, seen: Any) -> None:
    """Write z of the last layer, (C, k, m), and activations of the others, (C, units, m) (M1).

    The last layer reads `beside` of the inputs: all or none.
    """
    m, last = A.shape[0], len(widths) - 2
    for start in range(0, m, BLOCK):
        end = min(start + BLOCK, m)
        x = np.ascontiguousarray(A[start:end].T)
        for c in range(len(theta)):
            at, unit, a = 0, 0, x
            for layer in range(last + 1):
                units, out = widths[layer], widths[layer + 1]
                size = units + beside if layer == last else units
                W = theta[c, at : at + out * size].reshape(out, size)
                b = theta[c, at + out * size : at + out * size + out]
                at += out * (size + 1)
                z = np.empty((out, end - start), np.float32)
                _affine(W[:, :units], b, a, z)
                if layer == last:
                    _add_linear(W[:, units:], x[:beside], z)
                    output[c, :, start:end] = z
                    break
                for h in range(out):
                    row, kept = z[h], seen[c, unit + h, start:end]
                    for i in range(len(row)):
                        row[i] = _tanh(row[i])
                        kept[i] = row[i]
                unit += out
                a = z


@compiled
def _below(W: Any, delta: Any, a: Any) -> Any:
    """Return δ of the layer below, Wᵀδ times the slope 1 − a²."""
    below = np.zeros(a.shape, np.float32)
    for j in range(len(a)):
        into, row = below[j], a[j]
        for h in range(len(delta)):
            w, d = W[h, j], delta[h]
            for i in range(len(into)):
                into[i] += w * d[i]
        for i in range(len(into)):
            into[i] *= F(1.0) - row[i] * row[i]
    return below


@compiled
def backward(
    theta: Any, widths: Any, beside: int, A: Any, cotangent: Any, seen: Any, gradient: Any
) -> None:
    """Add Σ δ aᵀ and Σ δ of every layer to the gradient, (C, p), from δ of the last (M2, M3)."""
    m, last = A.shape[0], len(widths) - 2
    for start in range(0, m, BLOCK):
        end = min(start + BLOCK, m)
        x = np.ascontiguousarray(A[start:end].T)
        for c in range(len(theta)):
            at, unit = theta.shape[1], seen.shape[1]
            delta = np.ascontiguousarray(cotangent[c, :, start:end])
            for layer in range(last, -1, -1):
                units, out = widths[layer], widths[layer + 1]
                size = units + beside if layer == last else units
                at, unit, a = at - out * (size + 1), unit - units, x
                if layer > 0:
                    a = np.ascontiguousarray(seen[c, unit : unit + units, start:end])
                for h in range(out):
                    _add_products(delta[h], a, gradient[c, at + h * size :])
                    if layer == last:
                        _add_products(delta[h], x[:beside], gradient[c, at + h * size + units :])
                    gradient[c, at + out * size + h] += delta[h].sum()
                if layer > 0:
                    W = theta[c, at : at + out * size].reshape(out, size)
                    delta = _below(W[:, :units], delta, a)


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
        self._seen = np.empty((C, sum(widths[1:-1]), m), np.float32)
        forward(self._theta, self._widths, self._beside, self._A, self.output, self._seen)

    def back(self, delta: Singles) -> Singles:
        """Return the gradient, (C, p), from δ of the last layer, (C, k, m)."""
        gradient = np.zeros(self._theta.shape)
        delta = np.ascontiguousarray(delta)
        backward(self._theta, self._widths, self._beside, self._A, delta, self._seen, gradient)
        return cast(Singles, gradient.astype(np.float32))
