"""What is asked of the distribution of one coefficient, or of several in a row."""

from dataclasses import replace
from typing import Any

from bayesml.arguments import shown
from bayesml.distributions import Distribution, Flat, HasKink, HasScale, Real
from bayesml.errors import IncompatibleModelError


def check_prior(owner: str, name: str, prior: Any, *, scalar: bool) -> None:
    """Refuse what is not a distribution of a coefficient, and say which argument it is."""
    if not isinstance(prior, Distribution):
        raise IncompatibleModelError(
            f"{owner}: {name} must be a distribution such as Normal(0, 1), got {shown(prior)}. "
            "The likelihood StudentT(df, sigma) is not a prior: use "
            "bayesml.distributions.StudentT(df, location, scale)."
        )
    if prior.support != Real():
        raise IncompatibleModelError(
            f"{owner}: {name} = {shown(prior)} allows no negative values, but coefficients are "
            "real: use Normal, StudentT, Laplace or Flat from bayesml.distributions."
        )
    if scalar and any(isinstance(value, tuple) for value in vars(prior).values()):
        raise IncompatibleModelError(
            f"{owner}: {name} takes scalar parameters, got {shown(prior)}."
        )


def unstack(owner: str, prior: Distribution, n: int) -> tuple[Distribution, ...]:
    """Return the n scalar distributions that a distribution with sequences stands for."""
    stacked: Any = prior
    columns = {name: value for name, value in vars(prior).items() if isinstance(value, tuple)}
    lengths = {len(column) for column in columns.values()}
    if lengths - {n}:
        raise IncompatibleModelError(
            f"{owner} = {shown(prior)} has {sorted(lengths)} entries, but there are {n} "
            "features. Give one number, or one per feature in their order."
        )
    entries = [{name: column[j] for name, column in columns.items()} for j in range(n)]
    return tuple(replace(stacked, **entry) for entry in entries)


def inferred_scale(prior: Distribution) -> Distribution | None:
    """Return the distribution that a scale is inferred from, or None where it is known."""
    scale = prior.scale_parameter if isinstance(prior, HasScale) else None
    return scale if isinstance(scale, Distribution) else None


def smooth(prior: Distribution) -> Distribution:
    """Return a distribution without its kink, if it has one."""
    return prior.without_kink() if isinstance(prior, HasKink) else prior


def words(prior: Distribution) -> str:
    """Say a distribution in words."""
    return "flat (improper)" if prior == Flat() else repr(prior)
