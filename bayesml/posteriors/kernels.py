"""The components of some rows of a mixture, held while functions of y are evaluated many times."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from bayesml.likelihoods import Likelihood
from bayesml.typing import Array, Integers

FEWER = 16
"""One component among so many is left in a sketch of a mixture."""


@dataclass(frozen=True, eq=False)
class Kernels:
    r"""Components of b rows: :math:`\pi_k` and :math:`p(y \mid \eta_k, \phi_k)` (P1).

    Attributes
    ----------
    likelihood : Likelihood
    weights : ndarray, shape (K,)
    eta : ndarray, shape (b, K), or (k, b, K) of likelihoods that read k outputs
    parameters : mapping
        Each broadcasts against (b, K), and stays as narrow as it came: what is one number a
        component is worked out once for all rows.
    """

    likelihood: Likelihood
    weights: Array
    eta: Array
    parameters: Mapping[str, Any]

    def take(self, rows: Integers) -> "Kernels":
        """Return the components of some of the rows, themselves where these are all in turn."""
        if np.array_equal(rows, np.arange(self.eta.shape[-2])):
            return self
        own = {name: _rows_of(value, rows) for name, value in self.parameters.items()}
        return Kernels(self.likelihood, self.weights, self.eta[..., rows, :], own)

    def sketch(self) -> "Kernels | None":
        """Return one component in `FEWER`; None where these do not stand for all of them."""
        weights = self.weights[::FEWER]
        mass = FEWER * float(weights.sum())
        if len(weights) < FEWER or not 0.8 < mass < 1.25:
            return None
        own = {name: _columns_of(value) for name, value in self.parameters.items()}
        return Kernels(self.likelihood, weights / weights.sum(), self.eta[..., ::FEWER], own)

    def below(self, y: Array) -> Array:
        """Evaluate P(Y ≤ y), one y a row."""
        return np.asarray(self.likelihood.cdf(y[:, None], self.eta, self.parameters) @ self.weights)

    def above(self, y: Array) -> Array:
        """Evaluate P(Y > y), to its last digits."""
        tails = self.likelihood.survival(y[:, None], self.eta, self.parameters)
        return np.asarray(tails @ self.weights)

    def density(self, y: Array) -> Array:
        """Evaluate p(y)."""
        terms = self.likelihood.log_density(y[:, None], self.eta, self.parameters)
        return np.asarray(np.exp(terms) @ self.weights)

    def log_density(self, y: Array) -> Array:
        """Evaluate log p(y), where p(y) itself may underflow."""
        terms = self.likelihood.log_density(y[:, None], self.eta, self.parameters)
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(terms + np.log(self.weights), axis=1))

    @property
    def first(self) -> Array:
        """The first output of η, shape (b, K)."""
        return self.eta if self.eta.ndim == 2 else np.asarray(self.eta[0])


def _rows_of(value: Any, rows: Integers) -> Array:
    array = np.asarray(value)
    return array[rows] if array.ndim == 2 and len(array) > 1 else array


def _columns_of(value: Any) -> Array:
    array = np.asarray(value)
    return array[..., ::FEWER] if array.ndim > 0 and array.shape[-1] > 1 else array
