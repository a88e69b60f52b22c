"""Distributions that weighted draws of the parameters make: marginals, and predictions (P4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Marginal
from bayesml.posteriors.lattice import row_mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import HasNewLevels, Predictor
from bayesml.typing import Array


def atoms_of_draws(flat: Mapping[str, Array], weights: Array) -> dict[str, Marginal]:
    """Return the empirical distribution of every parameter of shape (K, ...), entries in a row."""
    out: dict[str, Marginal] = {}
    for name, draws in flat.items():
        table = draws.reshape(len(draws), -1).T
        out[name] = Atoms(len(table), weights, table.__getitem__)
    return out


def mixed_over_draws(
    predictor: Predictor,
    likelihood: Likelihood,
    flat: Mapping[str, Array],
    weights: Array,
    known: Mapping[str, Any],
    X: Array,
) -> Prediction:
    """Return the mixture of the likelihood over draws, at the rows of X (P4).

    Levels of groups that are new in X have effects of their own at every draw.

    Parameters
    ----------
    predictor : Predictor
    likelihood : Likelihood
    flat : mapping of name to ndarray, shape (K, ...)
    weights : ndarray, shape (K,)
        Probabilities of the draws.
    known : mapping of name to float
        Noise parameters that have no draws.
    X : ndarray, shape (rows, n)
    """
    if isinstance(predictor, HasNewLevels):
        flat = predictor.with_new_levels(flat, X, np.random.default_rng(0))
    names = likelihood.parameters
    noise = {name: flat[name] if name in flat else np.asarray(known[name]) for name in names}
    at = _AtRows(predictor, likelihood, flat, weights, noise, X)
    variance = np.empty(X.shape[0])
    for block in row_blocks(X.shape[0], len(weights)):
        variance[block] = likelihood.sd(*at.every(block)) ** 2 @ weights
    return Prediction(
        row_mixture(X.shape[0], weights, likelihood, at.every),
        Atoms(X.shape[0], weights, at.means),
        variance,
        at.sample,
        at.sample_mean,
    )


@dataclass(frozen=True, eq=False)
class _AtRows:
    """The likelihood at every draw, at the rows of X; what all rows share are one draw's values."""

    predictor: Predictor
    likelihood: Likelihood
    flat: Mapping[str, Array]
    weights: Array
    noise: Mapping[str, Array]
    X: Array

    def every(self, block: slice) -> tuple[Array, Mapping[str, Any]]:
        """Return η and noise parameters at all draws, (rows, K)."""
        return np.swapaxes(self.predictor.eta(self.flat, self.X[block]), -1, -2), self.noise

    def means(self, block: slice) -> Array:
        """Return E[y] at all draws, (rows, K)."""
        return self.likelihood.mean(*self.every(block))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw y, shape (size, rows)."""
        return self.likelihood.sample(*self._picked(size, rng), rng)

    def sample_mean(self, size: int, rng: np.random.Generator) -> Array:
        """Draw E[y], shape (size, rows)."""
        return self.likelihood.mean(*self._picked(size, rng))

    def _picked(self, size: int, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
        which = rng.choice(len(self.weights), size=size, p=self.weights)
        eta = self.predictor.eta({name: v[which] for name, v in self.flat.items()}, self.X)
        noise = {k: np.reshape(v[which] if v.ndim else v, (-1, 1)) for k, v in self.noise.items()}
        return eta, noise
