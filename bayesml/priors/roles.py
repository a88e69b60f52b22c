"""Roles that some priors have beside that of a prior."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from bayesml.data import Data
from bayesml.data.fingerprint import SeenRows
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.roles import Group, LinearPart
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Prior, Resolved, Spread
from bayesml.priors.normal_rows import NormalRows, Values
from bayesml.priors.scales import Scales
from bayesml.typing import Array


@runtime_checkable
class HasSeenRows(Protocol):
    """A prior that rows taught: they count together with the new ones."""

    @property
    def prior(self) -> Any:
        """The first prior, every number stated."""

    @property
    def likelihood(self) -> Any:
        """The likelihood under which they were seen."""

    @property
    def statistics(self) -> SufficientStatistics:
        """Of the rows that were seen."""

    @property
    def seen(self) -> SeenRows:
        """By which they are known again, as far as they were in memory."""

    @property
    def log_evidence(self) -> float | str:
        """Of those rows, or why there is none."""

    @property
    def grouped(self) -> GroupedStatistics | None:
        """Of those rows, where the model has effects of groups."""

    def together(self, data: Data) -> SufficientStatistics:
        """Return the statistics of the rows that were seen and of new ones, in the new order."""


@runtime_checkable
class ScalesEffects(Protocol):
    """A prior of effects whose standard deviations and correlations are inferred."""

    def scale_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of these by name."""


@runtime_checkable
class StatesEffects(Protocol):
    """A prior of coefficients and of the effects of groups."""

    @property
    def of_coefficients(self) -> Prior:
        """That of the linear part."""

    def for_groups(self, prior: Resolved, groups: tuple[Group, ...], sd_eta: float) -> Resolved:
        """State every number, given the prior of the linear part that has met the data."""


@runtime_checkable
class StatesParts(Protocol):
    """A prior of several linear predictors, each for itself."""

    def for_parts(self, parts: Sequence[LinearPart], scales: Sequence[Scales]) -> Resolved:
        """State every number of every predictor."""


@runtime_checkable
class StatesParameters(Protocol):
    """A prior of the coefficients and of some of the likelihood's parameters together."""

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """Names of the likelihood's parameters whose prior it states."""


@runtime_checkable
class Conjugate(Protocol):
    """A prior that is conjugate to the Gaussian likelihood: rows in multiples of σ."""

    @property
    def shape(self) -> float:
        """Of the inverse gamma distribution of σ²."""

    @property
    def rate(self) -> float:
        """Of the inverse gamma distribution of σ², in squared units of y."""

    @property
    def stated_parameters(self) -> tuple[str, ...]:
        """The standard deviation of the noise."""


class LogInclusion(NamedTuple):
    """The log prior probability of a model γ: a sum over its size and over the features (Y1).

    Attributes
    ----------
    by_size : ndarray, shape (n + 1,)
    without, within : ndarray, shape (n,)
        Of every feature that is out of the model, or in it.
    """

    by_size: Array
    without: Array
    within: Array


@runtime_checkable
class SelectsFeatures(Protocol):
    """A prior over which features are in; given these, conjugate to the Gaussian likelihood."""

    @property
    def slab(self) -> Any:
        """The conjugate prior of a model that has all features, as resolved."""

    def log_inclusion(self, n: int) -> LogInclusion:
        """Return the log prior probabilities of the models of n features."""


@runtime_checkable
class StandsForLayers(Protocol):
    """A prior that means another one for a network."""

    def for_layers(self, depth: int) -> Prior:
        """Return the prior that this one means for a network of `depth` layers."""


@runtime_checkable
class PartlyImproper(Protocol):
    """A prior that may be flat in some directions."""

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return the functionals of β that have proper priors, shape (k, p)."""

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the names of the coefficients that have none."""


def proper_functionals(prior: Resolved, problem: Coefficients, p: int) -> Array:
    """Return the functionals of p coefficients that have proper priors: all, unless it says less.

    Shape (k, p).
    """
    return prior.proper_rows(problem) if isinstance(prior, PartlyImproper) else np.eye(p)


@runtime_checkable
class OfEntries(Protocol):
    """A prior whose density is a product over the entries of β."""

    def entry_log_densities(self, problem: Coefficients, beta: Array, values: Values) -> Array:
        """Evaluate the log density of every entry, shape (..., p)."""


@runtime_checkable
class NonCentred(Protocol):
    """A prior of coefficients whose scales are inferred, sampled in units of them."""

    def spread(self, problem: Coefficients) -> Spread:
        """Return location and scale of every coefficient."""


@runtime_checkable
class InfersScales(Protocol):
    """A prior that may infer scales of the coefficients, and which is one of known ones too."""

    def with_scales(self, problem: Coefficients, values: Values) -> Resolved:
        """Return the prior with every scale at a known number."""


@runtime_checkable
class LeavesSize(Protocol):
    """A conjugate prior whose size may be left to be found by the evidence."""

    @property
    def leaves_size(self) -> bool:
        """Whether it is."""

    def with_size(self, size: float) -> Prior:
        """Return the prior with its size known."""


@runtime_checkable
class StandsForScale(Protocol):
    """A prior with a scale that nobody stated, in whose place one may be inferred."""

    def with_scale_inferred(self) -> Prior:
        """Return the prior of the same coefficients with one scale that is inferred."""


@runtime_checkable
class GaussianGivenScales(NonCentred, Protocol):
    """A prior of scales each of which is of one weight, or of all: Gaussian once they are known."""

    def rows_given(self, problem: Coefficients, values: Values) -> NormalRows:
        """Return the Gaussian rows given the scales, none of them inferred."""


class KinkedPrior(NamedTuple):
    """A log prior density taken apart: log p(β) = log q(β) − Σ_k rate_k |β_k − at_k| + constant."""

    at: Array
    rate: Array
    smooth: "Resolved"
    log_constant: float


@runtime_checkable
class HasKinks(Protocol):
    """A prior that may have kinks, at which a mode lies exactly."""

    def kinks(self, problem: Coefficients) -> KinkedPrior | None:
        """Return it taken apart, or None where it is smooth (Z8)."""


@runtime_checkable
class ExportsPrior(Protocol):
    """A prior that knows its PyMC expression."""

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return β by the predictor's names, counted as in β, and the values it infers.

        Called within a model context, given the module.
        """


def exported(
    prior: Resolved, pm: Any, problem: Coefficients
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the PyMC expression of a prior, and refuse one that has none by name."""
    if not isinstance(prior, ExportsPrior):
        raise IncompatibleModelError(
            f"{type(prior).__name__} is no PyMC expression: it has no pymc(pm, problem). Write "
            "that method, or use NUTS(engine=Direct()), which needs none."
        )
    return prior.pymc(pm, problem)
