"""A posterior known by draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Compared, Kind, Marginal
from bayesml.posteriors.lattice import row_mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import Predictor
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class SampledPosterior:
    """Chains of draws; the prediction mixes the likelihood over all of them (P4).

    Attributes
    ----------
    predictor : Predictor
    likelihood : Likelihood
    chains : mapping of name to ndarray, shape (chains, draws, ...)
        The inferred parameters.
    known : mapping of name to float
        Noise parameters that are known numbers.
    checked_at : ndarray, shape (rows, n), or None
        Rows at which chains are compared by their function values, where parameters have many
        equivalent labellings; None compares the parameters.
    separate : bool
        Whether chains are meant to stay apart, each around a mode of its own.
    """

    predictor: Predictor
    likelihood: Likelihood
    chains: Mapping[str, Array]
    known: Mapping[str, float]
    checked_at: Array | None = None
    separate: bool = False

    @property
    def kind(self) -> Kind:
        """A sampled posterior."""
        return "sampled"

    @property
    def constants(self) -> dict[str, Array]:
        """None: what was sampled has a distribution, and known numbers are the model's."""
        return {}

    @cached_property
    def compared(self) -> Compared:
        """Its parameters, or the functions' values where these are to be compared."""
        if self.checked_at is None:
            return Compared(self.chains, "parameter", self.separate)
        eta = np.asarray(self.predictor.eta(self.chains, self.checked_at))
        outputs = {f"eta_{k}": output for k, output in enumerate(eta, start=1)}
        values = {"eta": eta} if eta.ndim == 3 else outputs
        return Compared(values, "function value", self.separate)

    @property
    def flat(self) -> dict[str, Array]:
        """Draws of all chains in a row, shape (K, ...)."""
        return {name: v.reshape(-1, *v.shape[2:]) for name, v in self.chains.items()}

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the empirical distribution of every parameter, entries in a row."""
        out: dict[str, Marginal] = {}
        for name, draws in self.flat.items():
            table = draws.reshape(len(draws), -1).T
            weights = np.full(len(draws), 1.0 / len(draws))
            out[name] = Atoms(len(table), weights, table.__getitem__)
        return out

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Return the chains as they were sampled, whatever the number asked for."""
        return dict(self.chains)

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the predictor at draws, shape (..., m) or (k, ..., m)."""
        return self.predictor.eta(parameters, X)

    def predict(self, X: Array) -> Prediction:
        """Return the mixture of the likelihood over the draws, at the rows of X."""
        flat = self.flat
        size = len(next(iter(flat.values())))
        weights = np.full(size, 1.0 / size)
        noise = self._noise(slice(None))

        def at(block: slice) -> tuple[Array, Mapping[str, Any]]:
            return np.swapaxes(self.predictor.eta(flat, X[block]), -1, -2), noise

        def mean_at(block: slice) -> Array:
            return self.likelihood.mean(*at(block))

        def picked(size: int, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
            which = rng.integers(len(weights), size=size)
            eta = self.predictor.eta({name: v[which] for name, v in flat.items()}, X)
            return eta, {k: np.reshape(v, (-1, 1)) for k, v in self._noise(which).items()}

        def sample(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.sample(*picked(size, rng), rng)

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.mean(*picked(size, rng))

        variance = np.empty(X.shape[0])
        for block in row_blocks(X.shape[0], len(weights)):
            variance[block] = self.likelihood.sd(*at(block)) ** 2 @ weights
        return Prediction(
            row_mixture(X.shape[0], weights, self.likelihood, at),
            Atoms(X.shape[0], weights, mean_at),
            variance,
            sample,
            sample_mean,
        )

    def _noise(self, pick: Any) -> dict[str, Any]:
        flat = self.flat
        return {
            name: flat[name][pick] if name in flat else self.known[name]
            for name in self.likelihood.parameters
        }
