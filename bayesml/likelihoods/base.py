"""The role of a likelihood: everything that learning and predicting need to know of p(y | η)."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bayesml.distributions import ContinuousSupport, Distribution, Support
from bayesml.likelihoods.links import Link
from bayesml.losses import Loss
from bayesml.typing import Array, ArrayLike

Stated = float | Distribution | None
"""A known number, an inferred parameter's prior, or None for the weakly informative default."""


class Average(NamedTuple):
    r"""A likelihood averaged over a Gaussian :math:`\eta`, as a mixture of itself.

    Attributes
    ----------
    weights : ndarray, shape (K,)
    eta : ndarray, shape (..., rows, K)
    parameters : mapping of name to values that broadcast against (rows, K)
    """

    weights: Array
    eta: Array
    parameters: Mapping[str, Any]


@runtime_checkable
class Likelihood(Protocol):
    r"""The density :math:`p(y \mid \eta, \phi)` of one observation, vectorised over rows.

    `parameters` maps the names of :math:`\phi`, for instance ``sigma``, to values that
    broadcast against `y` and `eta`. A likelihood that reads several outputs, such as a mean and
    a log scale, has them on the first axis of `eta`, and of its score and information.
    """

    @property
    def support(self) -> Support:
        """What y may be; on a lattice, densities are probabilities."""

    @property
    def parameters(self) -> Mapping[str, Stated]:
        r"""The parameters :math:`\phi` by name, each known, inferred or left to the default."""

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """Where every parameter lives."""

    @property
    def link(self) -> Link:
        """How the first output leads to what is modelled: E[y], or what the likelihood says."""

    @property
    def loss(self) -> Loss:
        """The loss whose expectation is the risk of what is modelled, and whose best action is."""

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Weakly informative priors of the parameters, scaled by the target."""

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Return plausible values of the parameters, where optimisation starts."""

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Return (centre, scale) of every output that it reads, on the link scale."""

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        """Average over η ~ Normal(eta, covariance): shapes (k, rows) and (rows, k, k).

        Parameters are numbers, or one a row.
        """

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate log p(y | η, φ)."""

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate ∂ log p / ∂η."""

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the expected Fisher information in η, the Λ of JᵀΛJ.

        Of several outputs its diagonal, (k, ...), or all of it, (k, k, ...), where they are not
        orthogonal.
        """

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        """Evaluate ∂ log p / ∂φ for every parameter."""

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y | η, φ]."""

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation of y given η and φ."""

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y | η, φ)."""

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y | η, φ), not as one minus the former: small ones keep their digits."""

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw one y for every element of `eta`."""

    def describe(self) -> str:
        """Say the model of one observation, and the priors of its parameters, in words."""

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return the PyMC distribution of y and its arguments, given the module."""
