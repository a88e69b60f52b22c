"""The roles of an answer: marginal distributions, predictions, draws."""

from collections.abc import Mapping
from typing import Literal, Protocol

import numpy as np

from bayesml.posteriors.prediction import Prediction
from bayesml.typing import Array

Kind = Literal["point", "exact", "approximate", "sampled", "ensemble"]


class Marginal(Protocol):
    """Univariate distributions of the entries of one parameter."""

    @property
    def mean(self) -> Array:
        """Means; for a point estimate, the estimate."""

    @property
    def sd(self) -> Array:
        """Standard deviations; for a point estimate, standard errors."""

    def quantile(self, q: float) -> Array:
        """Quantiles, shape (rows,)."""


class Posterior(Protocol):
    """What a method learned, in whichever representation it is exact in."""

    @property
    def kind(self) -> Kind:
        """What kind of answer it is."""

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the distribution of every parameter, entries in a row."""

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Return parameter draws by name, shape (chains, draws, ...)."""

    def predict(self, X: Array) -> Prediction:
        """Return the predictive distribution at every row of `X`."""
