"""Sums over counts of a negative binomial: far tails, and the information in the concentration.

Derived in docs/theory/glm_families.md, (I32) to (I35).
"""

import numpy as np
from scipy.special import betaln

from bayesml.typing import Array

MOST_TERMS = 20_000
"""At most; about the root of the count are needed."""

DIRECT = 256
"""Terms of (I32) that are added one by one; those beyond are smooth in their number."""
MOST_DOUBLINGS = 60
"""Of that number: beyond, no concentration that is not nothing has anything left."""
NODES = 8
"""Of a rule over a doubling."""

EPS = float(np.finfo(np.float64).eps)


def concentration_information(share: Array, phi: Array) -> Array:
    r"""Evaluate :math:`\sum_{j\ge2} (a^j/j)\,B(\varphi, j)`, all its terms positive (I32).

    Parameters
    ----------
    share : ndarray
        a = μ/(μ + φ).
    phi : ndarray
        φ; at infinity nothing is known of it.

    Examples
    --------
    >>> from scipy.special import polygamma
    >>> found = concentration_information(np.array(1.0), np.array(2.0))  # no Poisson noise (I30)
    >>> bool(np.isclose(found, polygamma(1, 2.0) - 1.0 / 2.0, rtol=1e-9))
    True
    """
    a, phi = np.broadcast_arrays(np.asarray(share), np.asarray(phi))
    shape, finite = a.shape, np.isfinite(phi.ravel())
    out, a, phi = np.zeros(a.size), a.ravel()[finite], phi.ravel()[finite]
    power, total = a / phi, np.zeros(len(a))  # a^j B(φ, j), at j = 1
    for j in range(2, DIRECT):
        power = power * a * ((j - 1) / (phi + (j - 1)))
        total += power / j
        if np.all(power <= EPS * total):
            break
    rest = power > EPS * total
    total[rest] += _beyond(a[rest], phi[rest], total[rest])
    out[finite] = total
    return out.reshape(shape)


def _beyond(a: Array, phi: Array, so_far: Array) -> Array:
    """Evaluate the terms from `DIRECT` by the midpoint rule turned round, a doubling at a time."""
    if not len(a):
        return np.zeros(0)
    z, w = np.polynomial.legendre.leggauss(NODES)
    low, total = DIRECT - 0.5, np.zeros(len(a))

    def term(j: float) -> Array:
        return np.asarray(np.exp(j * np.log(a) + betaln(phi, j)) / j)

    def slope(j: float) -> Array:
        return np.asarray(term(j) * (np.log(a) - (1.0 + phi) / j))

    first = slope(low)
    for _ in range(MOST_DOUBLINGS):
        high = 2.0 * low
        nodes = np.exp(0.5 * (np.log(low * high) + z * np.log(2.0)))
        added = sum(v * term(j) * j for v, j in zip(w, nodes, strict=True)) * 0.5 * np.log(2.0)
        total, low = total + added, high
        if np.all(added <= EPS * (so_far + total)):
            break
    return total + (first - slope(low)) / 24.0


def log_above(k: Array, mu: Array, share: Array, phi: Array) -> Array:
    r"""Evaluate :math:`\log\{P(Y > k)/P(Y = k + 1)\}` by a continued fraction, k above μ (I34).

    `share` is φ/(φ + μ), which does not round to one where φ is small.
    """
    p, scaled = k + 1.0, share * mu  # x = μ/(φ + μ), and φ x
    x = scaled / phi
    c, d = np.ones_like(p), 1.0 / (1.0 - (p * x + scaled) / (p + 1.0))
    value = d
    for m in range(1, MOST_TERMS):
        even = m * (scaled - m * x) / ((p + 2 * m - 1) * (p + 2 * m))
        odd = -(p + m) * ((p + m) * x + scaled) / ((p + 2 * m) * (p + 2 * m + 1))
        before = value
        for step in (even, odd):
            d, c = 1.0 / (1.0 + step * d), 1.0 + step / c
            value = value * (c * d)
        if np.all(np.abs(value - before) <= 2.0 * EPS * np.abs(value)):
            break
    return np.asarray(np.log(value))


def log_below(k: Array, mu: Array, share: Array, phi: Array) -> Array:
    r"""Evaluate :math:`\log\{P(Y \le k)/P(Y = k)\}` by its finite sum, k below μ (I35)."""
    total = term = np.ones_like(k)
    for n in range(MOST_TERMS):
        at = np.maximum(k - n, 0.0)
        term = term * at / (share * mu * (1.0 + np.maximum(at - 1.0, 0.0) / phi))
        total = total + term
        if np.all(term <= 0.1 * EPS * total):
            break
    return np.asarray(np.log(total))
