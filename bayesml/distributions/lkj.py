"""Priors of correlation matrices. Derived in docs/theory/group_effects.md, (G24)."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from scipy.special import betaln

from bayesml.arguments import check_positive
from bayesml.typing import Array

LOG_2 = float(np.log(2.0))


@dataclass(frozen=True)
class LKJ:
    r"""The LKJ distribution of a correlation matrix, :math:`p(R) \propto \det(R)^{\eta - 1}`.

    Its canonical partial correlations are independent, each a Beta on (−1, 1) (G24).

    Parameters
    ----------
    concentration : float
        :math:`\eta`: one is uniform over correlation matrices, more favours small correlations.

    Raises
    ------
    IncompatibleModelError
        If it is not positive and finite.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Generating random correlation matrices based on vines
    and extended onion method, §2.

    Examples
    --------
    >>> LKJ(1.0).log_density_of_partials(np.array([[0.3]])).round(4)  # uniform on (−1, 1)
    array([-0.6931])
    """

    concentration: float = 1.0

    def __post_init__(self) -> None:
        check_positive(self, "concentration")

    def log_density_of_partials(self, partials: Array) -> Array:
        """Evaluate the log density of d(d − 1)/2 partial correlations, summed, shape (...)."""
        b = self.shapes(partials.shape[-1])
        constant = np.sum(betaln(b, b) + (2.0 * b - 1.0) * LOG_2)
        return np.asarray((np.log1p(-(partials**2)) * (b - 1.0)).sum(axis=-1) - constant)

    def sample(self, rng: np.random.Generator, terms: int, shape: tuple[int, ...]) -> Array:
        """Draw correlation matrices of so many terms, by their Cholesky factors."""
        count = terms * (terms - 1) // 2
        b = self.shapes(count)
        return cholesky_of_partials(2.0 * rng.beta(b, b, (*shape, count)) - 1.0, terms)

    def shapes(self, count: int) -> Array:
        """Return b of the partial correlations, each of density ∝ (1 − r²)ᵇ⁻¹ (G24)."""
        terms = terms_of(count)
        column = np.concatenate([np.arange(i) for i in range(1, terms)]) if count else np.empty(0)
        return self.concentration + 0.5 * (terms - 2.0 - column)


def terms_of(count: int) -> int:
    """Return d, of which there are so many pairs.

    >>> terms_of(0), terms_of(1), terms_of(3)
    (1, 2, 3)
    """
    return (1 + isqrt(1 + 8 * count)) // 2


def cholesky_of_partials(partials: Array, terms: int) -> Array:
    """Return the Cholesky factor of the correlation matrix, shape (..., d, d) (G24).

    Partials are of the pairs (1, 0), (2, 0), (2, 1), …: a row of the factor after the other.
    """
    L = np.zeros((*partials.shape[:-1], terms, terms))
    L[..., 0, 0] = 1.0
    at = 0
    for i in range(1, terms):
        left = np.ones(partials.shape[:-1])
        for j in range(i):
            r = partials[..., at]
            L[..., i, j] = r * np.sqrt(left)
            left = left * (1.0 - r * r)
            at += 1
        L[..., i, i] = np.sqrt(left)
    return L


def partials_of_cholesky(L: Array) -> Array:
    """Return the partial correlations of a Cholesky factor of a correlation matrix."""
    terms, out = L.shape[-1], []
    for i in range(1, terms):
        left = np.ones(L.shape[:-2])
        for j in range(i):
            r = L[..., i, j] / np.sqrt(np.maximum(left, np.finfo(float).tiny))
            out.append(r)
            left = left * (1.0 - r * r)
    return np.stack(out, axis=-1) if out else np.zeros((*L.shape[:-2], 0))
