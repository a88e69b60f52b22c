"""Likelihoods that are made of another one: whose parameters are whose."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeGuard, runtime_checkable

from bayesml.arguments import shown
from bayesml.distributions import Counts
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods.base import Likelihood, Stated
from bayesml.likelihoods.roles import ReadsKnown, limits_eta


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
