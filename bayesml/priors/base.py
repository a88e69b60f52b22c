"""The role of a prior: stated without data, resolved against the data at fit, and then asked."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import ContinuousSupport, Distribution, Flat, Positive, support_of
from bayesml.errors import IncompatibleModelError
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values
from bayesml.priors.scales import Scales
from bayesml.typing import Array, Bools


class Coefficients(Protocol):
    """What a prior is asked about: the coefficients β of a model that has met its data."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the n features."""

    @property
    def feature_dim(self) -> str:
        """What the axis of features is called."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of the predictor's parameters, in the order of β."""

    @property
    def has_intercept(self) -> bool:
        """Whether the predictor has an intercept."""

    @property
    def centred(self) -> bool:
        """Whether β begins with it, counted from the mean of the features, and then the weights."""

    @property
    def mean_X(self) -> Array:
        """Means of the features, shape (n,)."""

    @property
    def mean_error(self) -> Array:
        """What the rounding of the means left out."""


class Spread(Protocol):
    r"""Scales of the coefficients that are inferred: β = μ + s ⊙ v, of which v has none (Z3)."""

    @property
    def location(self) -> Array:
        """μ, shape (p,)."""

    @property
    def scaled(self) -> Bools:
        """Which coefficients have a scale that is inferred, shape (p,)."""

    def scale(self, values: Values) -> Array:
        """Return s, shape (..., p); one where it is not inferred."""

    def pull(self, values: Values, slopes: Array) -> Mapping[str, Array]:
        """Return Σ_k slopes_k ∂ log s_k / ∂(value), by the name of the value."""


class Unknown(NamedTuple):
    """A parameter that is inferred: its prior, entry by entry, and its shape."""

    prior: Distribution
    shape: tuple[int, ...] = ()

    @property
    def support(self) -> ContinuousSupport:
        """Where it lies: what a flat prior is of is a scale."""
        return support_of(self.prior, Positive())


def is_of_scale(prior: Any) -> bool:
    """Say whether it is a distribution that a scale, which is positive, may have."""
    return isinstance(prior, Distribution) and Unknown(prior).support == Positive()


@runtime_checkable
class Prior(Protocol):
    """A statement about the predictor's parameters before the data."""

    def resolve(self, scales: Scales) -> "Resolved":
        """Return the same prior with every number stated, in original units."""

    def describe(self) -> str:
        """Say the prior in words."""


def check_stated_prior(owner: str, name: str, prior: Any) -> None:
    """Refuse what is stated of coefficients and is neither a prior nor flat."""
    if isinstance(prior, type) or not isinstance(prior, Prior | Flat):
        raise IncompatibleModelError(
            f"{owner}: {name} must be a prior such as WeaklyInformative() or Flat(), got "
            f"{shown(prior)}."
        )


class Resolved(Prior, Protocol):
    """A prior in which every number is stated, and which can be asked."""

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return the Gaussian rows that it adds, or None if it is not Gaussian given its scales.

        Where there are rows, nothing else than them is asked for the density.
        """

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate log p(β | values), without the prior of the values, and its derivatives."""

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw β given the values, shape (*shape, p)."""

    def hyperparameters(self, problem: Coefficients) -> Mapping[str, Unknown]:
        """Return what it infers beside β, by name, each with its own prior."""
