"""Weighted draws of an approximation. Derived in docs/theory/laplace.md, (U7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.posteriors.base import Compared, Kind, Marginal
from bayesml.posteriors.over_draws import atoms_of_draws, mixed_over_draws
from bayesml.posteriors.prediction import Prediction
from bayesml.predictors import Predictor
from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class ReweightedPosterior:
    """Draws of an approximation, weighted by the density that it stands for (U7).

    Moments, quantiles and predictions use the weights; `draws` are resampled by them.

    Attributes
    ----------
    predictor : Predictor
    likelihood : Likelihood
    values : mapping of name to ndarray, shape (S, ...)
        The draws.
    weights : ndarray, shape (S,)
        Pareto smoothed, of sum one.
    known : mapping of name to float
        Parameters that are known numbers.
    """

    predictor: Predictor
    likelihood: Likelihood
    values: Mapping[str, Array]
    weights: Array
    known: Mapping[str, Any]

    @property
    def kind(self) -> Kind:
        """An approximation."""
        return "approximate"

    @property
    def constants(self) -> Mapping[str, Array]:
        """None: everything has a distribution."""
        return {}

    @property
    def compared(self) -> Compared | None:
        """None: draws are independent."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the weighted draws of every parameter, entries in a row."""
        return atoms_of_draws(self.values, self.weights)

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Resample by the weights, in random order."""
        which = rng.permutation(resampled(self.weights, chains * draws, rng))
        return {
            name: v[which].reshape(chains, draws, *v.shape[1:]) for name, v in self.values.items()
        }

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the predictor at draws, shape (..., m) or (k, ..., m)."""
        return self.predictor.eta(parameters, X)

    def predict(self, X: Array) -> Prediction:
        """Return the mixture of the likelihood over the weighted draws, at the rows of X."""
        return mixed_over_draws(
            self.predictor, self.likelihood, self.values, self.weights, self.known, X
        )


def resampled(weights: Array, size: int, rng: np.random.Generator) -> Integers:
    """Pick draws so often as their weights say, but for the rounding: systematic resampling.

    References
    ----------
    Douc, Cappe & Moulines (2005), Comparison of resampling schemes for particle filtering, §2.4.

    Examples
    --------
    >>> resampled(np.array([0.5, 0.25, 0.25]), 4, np.random.default_rng(0)).tolist()
    [0, 0, 1, 2]
    """
    levels = (np.arange(size) + rng.random()) / size
    found = np.searchsorted(np.cumsum(weights), levels)
    return np.minimum(found, len(weights) - 1)
