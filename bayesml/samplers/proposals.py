"""Densities that importance sampling draws from, by uniform numbers.

Derived in docs/theory/group_effects.md, (G46) and (G47).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import gammaln, logsumexp, ndtri

from bayesml.typing import Array

FREEDOM = 7.0
"""Of Student-t distributions whose tails are heavier than those that they stand for."""


class Proposal(Protocol):
    """A density on k dimensions that is drawn from by uniform numbers."""

    @property
    def uniforms(self) -> int:
        """How many uniform numbers a draw takes."""

    def draw(self, u: Array) -> Array:
        """Return draws, shape (S, k), by uniform numbers of shape (S, uniforms)."""

    def log_density(self, x: Array) -> Array:
        """Evaluate the log density, shape (S,)."""


@dataclass(frozen=True, eq=False)
class SplitT:
    r"""A Student-t distribution with two spreads on every axis (G46).

    .. math:: x = \hat x + R\delta, \qquad \delta_j = \tau_j^\pm\zeta_j, \quad \zeta \sim t_7

    Attributes
    ----------
    centre : ndarray, shape (k,)
    root : ndarray, shape (k, k)
        R.
    below, above : ndarray, shape (k,)
        τ on either side; a side is as probable as it is wide.

    Examples
    --------
    >>> skewed = SplitT(np.zeros(1), np.eye(1), np.ones(1), np.full(1, 3.0))
    >>> x = np.linspace(-60, 100, 200_001)[:, None]
    >>> round(float(np.exp(skewed.log_density(x)).sum() * 160 / 200_000), 4)
    1.0
    >>> float((skewed.draw(np.random.default_rng(0).random((10_000, 2))) > 0).mean().round(2))
    0.75
    """

    centre: Array
    root: Array
    below: Array
    above: Array

    @property
    def uniforms(self) -> int:
        """One for every axis, and one for the length."""
        return len(self.centre) + 1

    def draw(self, u: Array) -> Array:
        """Draw by inversion of every axis."""
        z, spread = two_sided(u[:, :-1], self.below, self.above)
        return np.asarray(self.centre + (z * lengths(u[:, -1:]) * spread) @ self.root.T)

    def log_density(self, x: Array) -> Array:
        """Evaluate that of ζ, and the volumes."""
        delta = np.linalg.solve(self.root, (x - self.centre).T).T
        z = delta / np.where(delta < 0.0, self.below, self.above)
        volume = np.log(2.0 / (self.below + self.above)).sum() - np.linalg.slogdet(self.root)[1]
        return np.asarray(log_student(z) + volume)


@dataclass(frozen=True, eq=False)
class Kernels:
    r"""A mixture of Student-t distributions around weighted points, of their mean and variance.

    Attributes
    ----------
    at : ndarray, shape (N, k)
        Drawn in to the mean, as far as the kernels add to the variance.
    weights : ndarray, shape (N,)
    root : ndarray, shape (k, k)
        Of every kernel.

    References
    ----------
    West (1993), Approximating posterior distributions by mixtures, §2.
    """

    at: Array
    weights: Array
    root: Array

    @classmethod
    def around(cls, x: Array, weights: Array) -> "Kernels":
        """Return the mixture of weighted points, its bandwidth by their effective number."""
        k, effective = x.shape[1], 1.0 / np.sum(weights**2)
        mean = weights @ x
        away = x - mean
        covariance = (away * weights[:, None]).T @ away
        width = min(0.9, (4.0 / ((k + 2.0) * effective)) ** (1.0 / (k + 4.0)))
        values, vectors = np.linalg.eigh(covariance)
        root = width * vectors * np.sqrt(np.maximum(values, 1e-12 * values[-1]))
        return cls(mean + np.sqrt(1.0 - width**2) * away, weights, root)

    @property
    def uniforms(self) -> int:
        """One for the kernel, one for every axis, and one for the length."""
        return int(self.at.shape[1]) + 2

    def draw(self, u: Array) -> Array:
        """Choose a kernel, and draw from it."""
        which = np.searchsorted(np.cumsum(self.weights), u[:, 0] * self.weights.sum())
        z = ndtri(inside(u[:, 1:-1])) * lengths(u[:, -1:])
        return np.asarray(self.at[np.minimum(which, len(self.at) - 1)] + z @ self.root.T)

    def log_density(self, x: Array) -> Array:
        """Add up the kernels."""
        flat = np.linalg.inv(self.root)
        away = (x @ flat.T)[:, None] - self.at @ flat.T
        logs = logsumexp(log_student(away), axis=1, b=self.weights)
        return np.asarray(logs - np.linalg.slogdet(self.root)[1])


def two_sided(u: Array, below: Array, above: Array) -> tuple[Array, Array]:
    """Return normal quantiles, either side as probable as it is wide, and the spread there."""
    share = below / (below + above)
    lower = u < share
    half = np.where(lower, 0.5 * u / share, 0.5 + 0.5 * (u - share) / (1.0 - share))
    return np.asarray(ndtri(inside(half))), np.where(lower, below, above)


def split_normal(u: Array, below: Array, above: Array) -> tuple[Array, Array]:
    """Return draws of a normal distribution with two spreads on every axis, and log densities."""
    z, spread = two_sided(u, below, above)
    constant = np.log(2.0 / (below + above)).sum() - 0.5 * len(below) * np.log(2.0 * np.pi)
    return z * spread, constant - 0.5 * np.sum(z * z, axis=1)


def lengths(u: Array) -> Array:
    """Return what makes Student-t draws of normal ones."""
    from scipy.stats import chi2

    return np.asarray(np.sqrt(FREEDOM / chi2(FREEDOM).ppf(inside(u))))


def log_student(z: Array) -> Array:
    """Evaluate log t₇(z; 0, I) over the last axis."""
    k = z.shape[-1]
    constant = gammaln(0.5 * (FREEDOM + k)) - gammaln(0.5 * FREEDOM)
    constant -= 0.5 * k * np.log(FREEDOM * np.pi)
    return np.asarray(constant - 0.5 * (FREEDOM + k) * np.log1p(np.sum(z * z, axis=-1) / FREEDOM))


def inside(u: Array) -> Array:
    """Return uniform numbers that are neither zero nor one."""
    return np.clip(u, 1e-12, 1.0 - 1e-12)
