"""Linear combinations of expectations over rows: averages, contrasts and slopes.

Derived in docs/theory/prediction.md.
"""

from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Posterior
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction, Sampler
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.posteriors.rows import row_blocks
from bayesml.typing import Array

DRAWS = 4000


@runtime_checkable
class LinearPosterior(Protocol):
    """A posterior that knows the distribution of any linear function of its coefficients."""

    @property
    def coordinates(self) -> LinearCoordinates:
        """From rows to coefficients."""

    def functional(self, A: Array) -> Mixture:
        """Return the distribution of Aβ, row by row."""


def combination(posterior: Posterior, X: Array, C: Array, rng: np.random.Generator) -> Prediction:
    r"""Return the distribution of :math:`C\mu`, :math:`\mu_i = E[y \mid x_i, \theta]` (P7).

    Parameters
    ----------
    posterior : Posterior
    X : ndarray, shape (m, n)
    C : ndarray, shape (k, m)
        For instance one row of 1/m: the average over the rows.
    rng : Generator
        For posteriors that know neither functionals nor draws of their own.

    Returns
    -------
    Prediction
        With k rows and no aleatoric part. Exact for linear models with exact posteriors, over
        the draws of sampled ones.
    """
    distribution = _distribution(posterior, X, C, rng)
    sampler = _sampler(posterior, X, C)
    return Prediction(distribution, distribution, np.zeros(len(C)), sampler, sampler)


def _distribution(
    posterior: Posterior, X: Array, C: Array, rng: np.random.Generator
) -> RowDistribution:
    if isinstance(posterior, LinearPosterior):
        return posterior.functional(_combined_rows(posterior.coordinates, X, C))
    means = posterior.predict(X).mean_function
    if isinstance(means, Atoms):
        values = np.zeros((len(C), len(means.weights)))
        for block in row_blocks(means.rows, len(means.weights)):
            values += C[:, block] @ means.values(block)
        return Atoms(len(C), means.weights, values.__getitem__)
    drawn = _sampler(posterior, X, C)(DRAWS, rng).T
    return Atoms(len(C), np.full(DRAWS, 1.0 / DRAWS), drawn.__getitem__)


def _combined_rows(coordinates: LinearCoordinates, X: Array, C: Array) -> Array:
    """Return C·A without a second copy of the rows."""
    A = np.zeros((len(C), coordinates.p))
    for block in row_blocks(len(X), coordinates.p):
        A += C[:, block] @ coordinates.rows(X[block])
    return A


def _sampler(posterior: Posterior, X: Array, C: Array) -> Sampler:
    sample_means = posterior.predict(X).mean_sampler

    def sample(size: int, rng: np.random.Generator) -> Array:
        few = max(1, 5_000_000 // max(len(X), 1))
        sizes = [min(few, size - start) for start in range(0, size, few)]
        return np.vstack([sample_means(part, rng) @ C.T for part in sizes])

    return sample
