"""Roles that some likelihoods have beside that of a likelihood."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import shown
from bayesml.distributions import ContinuousSupport, Real
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Likelihood
from bayesml.typing import Array


@runtime_checkable
class ReadsKnown(Likelihood, Protocol):
    """A likelihood that has to know something of every row, such as a number of trials.

    What is known are its last outputs: η holds them after those that a predictor makes, so that
    they go with their rows wherever η goes. Scores and information there are zero.
    """

    @property
    def known(self) -> tuple[str, ...]:
        """What it has to know, by the names that formulas and `Data` give it."""

    @property
    def possible(self) -> str:
        """What y and what is known must be together, in words: ``at most the trials``."""

    def allows(self, y: Array, known: Mapping[str, Array]) -> NDArray[np.bool]:
        """Say of which rows y is possible given what is known."""


@runtime_checkable
class InOnePass(Protocol):
    """A likelihood whose density and scores share most of their work, and are evaluated together.

    They are those that it evaluates apart, each to rounding of the density of its row.
    """

    def terms(
        self, y: Array, eta: Array, parameters: Mapping[str, Any]
    ) -> tuple[Array, Array, Mapping[str, Array]]:
        """Evaluate `log_density`, `score` and `parameter_scores`."""


def terms_of(
    likelihood: Likelihood, y: Array, eta: Array, parameters: Mapping[str, Any]
) -> tuple[Array, Array, Mapping[str, Array]]:
    """Return the log density of every row, its score, and those of the parameters."""
    if isinstance(likelihood, InOnePass):
        return likelihood.terms(y, eta, parameters)
    return (
        likelihood.log_density(y, eta, parameters),
        likelihood.score(y, eta, parameters),
        likelihood.parameter_scores(y, eta, parameters),
    )


def known_of(likelihood: Likelihood) -> tuple[str, ...]:
    """Return what a likelihood has to know of every row."""
    return likelihood.known if isinstance(likelihood, ReadsKnown) else ()


@runtime_checkable
class OfClasses(Protocol):
    """A likelihood of one class among several, which it learns from the data."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Their names in the order of their numbers; None before the data are met."""

    def of_classes(self, classes: tuple[str, ...]) -> Likelihood:
        """Return the likelihood of these classes."""


def checked_classes(owner: str, classes: Any) -> tuple[str, ...]:
    """Return names of two or more classes, or refuse what is none."""
    several = isinstance(classes, Iterable) and not isinstance(classes, str | bytes | Mapping)
    names = tuple(map(str, classes)) if several else ()
    if len(set(names)) != len(names) or len(names) < 2:
        raise IncompatibleModelError(
            f"{owner}: classes must be two or more different names, got "
            f"{shown(names) if several else shown(classes)}. None takes them from the data."
        )
    return names


def known_classes(owner: str, classes: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return names of classes that the data have told."""
    if classes is None:
        raise IncompatibleModelError(
            f"{owner}() has not met its data: its classes are not known. Use "
            "Model.resolve(data), or state classes=(...)."
        )
    return classes


@runtime_checkable
class NamesOutputs(Protocol):
    """A likelihood that reads one output of the predictor for each of several classes."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the classes that have an output."""


@runtime_checkable
class Canonical(Protocol):
    """A likelihood whose curvature in η may not depend on y: what is observed is expected."""

    @property
    def canonical(self) -> bool:
        """Whether it is so, by the link."""


@runtime_checkable
class Recedes(Protocol):
    """A likelihood of one output that may grow without end as η goes to infinity."""

    def recession(self, y: Array, eta: Array) -> Array:
        """Say of every row in which direction of η it does: 1, −1, 0 for none, NaN for both.

        `eta` as the likelihood reads it, with what is known of every row.
        """


@runtime_checkable
class RecedesJointly(Protocol):
    """A likelihood of one output or several that may grow without end along a cone of them."""

    def recession_cone(self, y: Array) -> Array:
        """Return as many independent functionals of η as it has outputs, (k, k, m).

        Along a direction of η in which none falls the likelihood never does.
        """


@runtime_checkable
class LimitsEta(Protocol):
    """A likelihood that has no density where its first output leaves a part of the line (I25)."""

    @property
    def eta_domain(self) -> ContinuousSupport:
        """Where it has to be."""


def limits_eta(likelihood: Likelihood) -> bool:
    """Say whether there are η at which a likelihood has no density."""
    return isinstance(likelihood, LimitsEta) and likelihood.eta_domain != Real()


@runtime_checkable
class HasNoiseScale(Protocol):
    """A likelihood of noise around η, in the unit of η, that one of its parameters scales."""

    @property
    def noise_scale(self) -> str | None:
        """Its name; None where the likelihood that this one wraps has none."""


@runtime_checkable
class OfOneQuantile(Protocol):
    """A likelihood that is a device to find one quantile of y, and not meant as a law of y.

    What its predictions promise is that a share q of rows lies below, and nothing else.
    """

    @property
    def quantile(self) -> float:
        """Q."""


@runtime_checkable
class ParameterInformation(Protocol):
    """A likelihood that knows the expected information in its own parameters."""

    def parameter_information(
        self, eta: Array, parameters: Mapping[str, Any]
    ) -> Mapping[str, Array]:
        """Evaluate E[(∂ log p/∂φ)²] for every parameter that may have a predictor."""


@runtime_checkable
class Staged(Likelihood, Protocol):
    """A likelihood that is learned best from the fit of a simpler one."""

    @property
    def simpler(self) -> Likelihood:
        """The likelihood whose fit training starts from: as many outputs, or the first alone."""


@runtime_checkable
class PiecewiseLinear(Protocol):
    r"""A likelihood of :math:`-\log p = \log s + \rho(y - \eta)/s` but for a constant (W2).

    :math:`\rho` rises in a straight line on either side of zero, and s is the parameter ``scale``.
    Point estimates of linear models are then found by programmes, and not by slopes.
    """

    @property
    def costs(self) -> tuple[float, float]:
        """What a unit of y above η costs, and one below."""


class Limit(NamedTuple):
    """What a likelihood becomes as one of its parameters goes to infinity, or to another end.

    Attributes
    ----------
    parameter : str
    likelihood : Likelihood
        Of all other parameters.
    away : mapping of name to float
        Multiples of the values at the start, from which a search does not run to the limit.
    value : float
        Where the parameter goes; infinity unless stated.
    """

    parameter: str
    likelihood: Likelihood
    away: Mapping[str, float]
    value: float = np.inf


@runtime_checkable
class HasLimits(Protocol):
    """A likelihood whose density has a limit, another's, as a parameter goes to an end."""

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Parameters, and for each the likelihood of all others that is left."""


def diagonal_information(information: Array, outputs: int) -> Array:
    """Return the diagonal of an information in so many outputs, where there is more of it."""
    if outputs > 1 and information.shape[:2] == (outputs, outputs) and information.ndim > 2:
        return np.asarray(np.moveaxis(np.diagonal(information), -1, 0))
    return information
