"""The posterior of a network's last layer, a linear model of what enters it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesml.posteriors.base import Kind, Marginal
from bayesml.posteriors.linearised import LinearisedPosterior
from bayesml.posteriors.prediction import Prediction
from bayesml.predictors import Network
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class LastLayerPosterior:
    """Hidden layers at their mode, and the posterior of the linear model on their activations.

    For a Gaussian likelihood it is exact given the hidden layers: nothing is linearised.

    Attributes
    ----------
    network : Network
    mode : mapping of name to ndarray
        All parameters.
    head : LinearisedPosterior
        Of `MLP(hidden=())` on the features.
    """

    network: Network
    mode: Mapping[str, Array]
    head: LinearisedPosterior

    @property
    def kind(self) -> Kind:
        """An approximation."""
        return "approximate"

    @property
    def constants(self) -> dict[str, Array]:
        """The hidden layers and the tuned noise, which have no distribution."""
        drawn = {self._name(name) for name in self.head.shapes}
        hidden = {name: value for name, value in self.mode.items() if name not in drawn}
        return hidden | self.head.constants

    @property
    def compared(self) -> None:
        """Nothing: draws are independent."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the marginals of the last layer and the noise."""
        return {self._name(name): value for name, value in self.head.marginals().items()}

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw the last layer; hidden layers are constant."""
        drawn = self.head.draws(chains, draws, rng)
        constant = {
            name: np.broadcast_to(value, (chains, draws, *value.shape)).copy()
            for name, value in self.mode.items()
        }
        return constant | {self._name(name): value for name, value in drawn.items()}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the network at draws, shape (..., m) or (k, ..., m)."""
        return self.network.eta(parameters, X)

    def predict(self, X: Array) -> Prediction:
        """Return the prediction of the linear model on the features of X."""
        return self.head.predict(self.network.features(self.mode, X))

    def _name(self, name: str) -> str:
        """Rename the one layer of the head to the last of the network."""
        base, _, layer = name.rpartition("_")
        return f"{base}_{self.network.depth}" if base and layer == "1" else name
