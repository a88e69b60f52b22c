"""What a likelihood becomes when it meets the target, and whether it allows it."""

from collections.abc import Sequence
from difflib import get_close_matches
from operator import or_
from typing import Any

import numpy as np

from bayesml.data import Block, Data
from bayesml.data.messages import quoted
from bayesml.data.roles import OFFSET, PRECISION, TRIALS, Roles
from bayesml.data.support import check_rows, check_support
from bayesml.distributions import Binary, Real
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.likelihoods import (
    Distributional,
    Likelihood,
    OfClasses,
    PrecisionWeighted,
    ReadsKnown,
    known_of,
    takes_precision,
)
from bayesml.typing import Array


def met_likelihood(likelihood: Likelihood, data: Data) -> Likelihood:
    """Return the likelihood of these data: of classes, precisions, parameters with predictors.

    Raises
    ------
    DataError
        If the target holds classes and the likelihood is of numbers.
    IncompatibleModelError
        If the data have a predictor of what is no parameter, or lack what has to be known.
    """
    roles = data.design.roles
    met = _of_classes(likelihood, data)
    if PRECISION in roles.known and not known_of(met) and takes_precision(met):
        met = PrecisionWeighted(met)
    modelled = tuple(part.predictor for part in roles.predictors[1:])
    if modelled and not isinstance(met, Distributional):
        met = Distributional(met, modelled)
    _check_known(met, roles)
    return met


def _of_classes(likelihood: Likelihood, data: Data) -> Likelihood:
    classes = data.design.classes
    if isinstance(likelihood, OfClasses):
        if likelihood.classes is None:
            return likelihood.of_classes(_class_names(data))
        return likelihood
    if classes is not None and likelihood.support != Binary():
        raise DataError(
            f"{data.target_name} holds the classes {quoted(classes)}, but {likelihood!r} is of "
            f"{likelihood.support.words}. Use Categorical(), Ordinal() or, for two, Bernoulli()."
        )
    if classes is not None and len(classes) > 2:
        raise DataError(
            f"{data.target_name} holds {len(classes)} classes, {quoted(classes)}, but "
            f"{likelihood!r} is of two. Use Categorical(), or Ordinal() where they have an order."
        )
    return likelihood


def _class_names(data: Data) -> tuple[str, ...]:
    """Return the names of the classes, or their numbers where the target holds numbers."""
    stated = data.design.classes
    if stated is not None:
        return tuple(map(str, stated))
    found: frozenset[float] = data.reduce(_values, or_)
    if len(found) < 2 or found != {float(k) for k in range(len(found))}:
        raise DataError(
            f"{data.target_name} holds {quoted(sorted(found))}: classes are text, or numbers from "
            "0 on of which each occurs. In a formula C(column) makes classes of any numbers."
        )
    return tuple(str(k) for k in range(len(found)))


def _values(block: Block) -> frozenset[float]:
    return frozenset(np.unique(block.y).tolist())


def _check_known(likelihood: Likelihood, roles: Roles) -> None:
    """Refuse data that lack what a likelihood has to know, or know what it does not read."""
    needed = known_of(likelihood)
    given = [name for name in roles.known if name != OFFSET]
    surplus = [name for name in given if name not in needed]
    if lacking := [name for name in needed if name not in given]:
        name = lacking[0]
        raise IncompatibleModelError(
            f"{likelihood!r} has to know {quoted(lacking)} of every row: write "
            f"'y | {name}({name}) ~ x', or Data(X, y, {_as_argument(name)})."
            + (f" It does not read {quoted(surplus)}, which the data have." if surplus else "")
        )
    if surplus:
        raise IncompatibleModelError(
            f"The data have {quoted(surplus)}, which {likelihood!r} does not read"
            + (f": it reads {quoted(needed)}." if needed else ". Leave it out.")
            + "".join(f" Did you mean {name!r}?" for name in _meant(surplus))
            + (" Binomial() reads trials." if TRIALS in surplus else "")
            + (" Gaussian() and StudentT() read it." if PRECISION in surplus else "")
        )


def _meant(names: Sequence[str]) -> list[str]:
    """Return what names that nothing reads were probably meant to be."""
    there = (TRIALS, PRECISION, "censoring", "upper", "weights")
    return [
        near[0]
        for name in names
        if name not in there and (near := get_close_matches(name, there, 1))
    ]


def _as_argument(name: str) -> str:
    return f"{name}=..." if name in (TRIALS, PRECISION) else f"known={{{name!r}: ...}}"


def check_target(likelihood: Likelihood, data: Data) -> None:
    """Refuse a target outside the support, or impossible given what is known; rows are named."""
    support = likelihood.support
    if support != Real():  # Data hold finite numbers already
        check_support(data, support, repr(likelihood))
    if not isinstance(likelihood, ReadsKnown) or not likelihood.known:
        return
    places = data.design.roles.known_places()
    reads: Any = likelihood

    def possible(y: Array, X: Array) -> Any:
        known = {name: X[:, places[name]] for name in reads.known}
        return reads.allows(y, known)

    check_rows(data, possible, f"{likelihood!r}", likelihood.possible)
