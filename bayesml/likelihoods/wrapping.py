"""Likelihoods that are made of another one: whose parameters are whose."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, Self, TypeGuard, runtime_checkable

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import ContinuousSupport, Counts, Distribution, Support
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Likelihood, Stated
from bayesml.likelihoods.links import Link
from bayesml.likelihoods.roles import HasNoiseScale, ReadsKnown, limits_eta
from bayesml.losses import Loss
from bayesml.typing import Array, ArrayLike


@runtime_checkable
class Wraps(Protocol):
    """A likelihood with parameters that are not fields of its own, but of one that it holds."""

    def with_parameters(self, stated: Mapping[str, Stated]) -> Likelihood:
        """Return the same likelihood with some parameters stated otherwise."""


def restated(likelihood: Likelihood, stated: Mapping[str, Stated]) -> Likelihood:
    """Return a likelihood with some parameters stated otherwise, wherever they are fields.

    Examples
    --------
    >>> from bayesml.likelihoods import NegativeBinomial, ZeroInflated
    >>> restated(ZeroInflated(NegativeBinomial()), {"concentration": 2.0})
    ZeroInflated(count_likelihood=NegativeBinomial(concentration=2.0), zero_probability=None)
    """
    if isinstance(likelihood, Wraps):
        return likelihood.with_parameters(stated)
    dataclass: Any = likelihood
    other: Likelihood = replace(dataclass, **stated)
    return other


class OfAnother:
    """What is true of a likelihood because it is true of the one that it is made of."""

    likelihood: Likelihood

    def with_parameters(self, stated: Mapping[str, Stated]) -> Self:
        """Return the same with other statements of the likelihood's parameters."""
        dataclass: Any = self
        other: Self = replace(dataclass, likelihood=restated(self.likelihood, stated))
        return other

    @property
    def support(self) -> Support:
        """That of the likelihood."""
        return self.likelihood.support

    @property
    def link(self) -> Link:
        """That of the likelihood."""
        return self.likelihood.link

    @property
    def loss(self) -> Loss:
        """That of the likelihood."""
        return self.likelihood.loss

    @property
    def parameters(self) -> Mapping[str, Stated]:
        """Those of the likelihood."""
        return self.likelihood.parameters

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        """Where these live."""
        return {name: self.likelihood.parameter_supports[name] for name in self.parameters}

    @property
    def noise_scale(self) -> str | None:
        """That of the likelihood, where it has one that is a parameter of this one."""
        inner = self.likelihood
        name = inner.noise_scale if isinstance(inner, HasNoiseScale) else None
        return name if name in self.parameters else None

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        """Those of the likelihood."""
        own = self.likelihood.default_priors(sd_y)
        return {name: own[name] for name in self.parameters if name in own}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        """Start where the likelihood does."""
        own = self.likelihood.start(mean_y, sd_y)
        return {name: own[name] for name in self.parameters}

    def outputs(self, mean_y: float, sd_y: float) -> tuple[tuple[float, float], ...]:
        """Those of the likelihood."""
        return self.likelihood.outputs(mean_y, sd_y)


class SeenThrough(OfAnother, ABC):
    """A law of y that is another's, at an η and at parameters that are read from the outputs."""

    @abstractmethod
    def inner(
        self, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> tuple[Array, Mapping[str, Any]]:
        """Return the η and the parameters of the likelihood."""

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate that of the likelihood."""
        return self.likelihood.log_density(y, *self.inner(eta, parameters))

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate E[y]."""
        return self.likelihood.mean(*self.inner(eta, parameters))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate the standard deviation of y."""
        return self.likelihood.sd(*self.inner(eta, parameters))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y ≤ y)."""
        return self.likelihood.cdf(y, *self.inner(eta, parameters))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        """Evaluate P(Y > y)."""
        return self.likelihood.survival(y, *self.inner(eta, parameters))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        """Draw one y for every element."""
        return self.likelihood.sample(*self.inner(eta, parameters), rng)


def is_likelihood(value: Any) -> TypeGuard[Likelihood]:
    """Say whether a value is a likelihood, and not the class of one."""
    return not isinstance(value, type) and isinstance(value, Likelihood)


def check_one_output(owner: str, likelihood: Any, others: str) -> None:
    """Refuse to wrap what is no likelihood, or reads more than η."""
    if not is_likelihood(likelihood):
        raise IncompatibleModelError(
            f"{owner}: likelihood must be one, such as Gaussian(), got {shown(likelihood)}."
        )
    if len(likelihood.outputs(0.0, 1.0)) != 1 or isinstance(likelihood, ReadsKnown):
        raise IncompatibleModelError(
            f"{owner}: {shown(likelihood)} reads more than one output. Gaussian(), StudentT(), "
            f"GammaResponse(), Poisson() and others of one are {others}."
        )
    _check_everywhere(owner, likelihood)


def check_counts(owner: str, likelihood: Any) -> None:
    """Refuse to wrap what is no likelihood of counts, or has a law of zeros already."""
    if (
        not is_likelihood(likelihood)
        or likelihood.support != Counts()
        or "zero_probability" in likelihood.parameters
    ):
        raise IncompatibleModelError(
            f"{owner}: count_likelihood must be one of counts, Poisson() or NegativeBinomial(), "
            f"got {shown(likelihood)}."
        )
    _check_everywhere(owner, likelihood)


def _check_everywhere(owner: str, likelihood: Likelihood) -> None:
    """Refuse a link under which a row may have no density at all, whatever is seen of it."""
    if limits_eta(likelihood):
        raise IncompatibleModelError(
            f"{owner}: {likelihood!r} has no density where η is not positive, and so no tails "
            "there. Use the link Log()."
        )
