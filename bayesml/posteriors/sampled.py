"""A posterior known by draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.likelihoods import Likelihood
from bayesml.posteriors.base import Compared, Kind, Marginal
from bayesml.posteriors.over_draws import atoms_of_draws, mixed_over_draws
from bayesml.posteriors.prediction import Prediction
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
        return {n: v.reshape(v.shape[0] * v.shape[1], *v.shape[2:]) for n, v in self.chains.items()}

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the empirical distribution of every parameter, entries in a row."""
        flat = self.flat
        size = len(next(iter(flat.values())))
        return atoms_of_draws(flat, np.full(size, 1.0 / size))

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
        return mixed_over_draws(self.predictor, self.likelihood, flat, weights, self.known, X)
