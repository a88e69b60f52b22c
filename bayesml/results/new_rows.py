"""Rows that a fit is judged by, and whether it has seen them."""

from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.data.checks import require_finite
from bayesml.data.frames import numbers
from bayesml.data.messages import plural, quoted, row_names
from bayesml.distributions import FiniteSupport
from bayesml.errors import DataError
from bayesml.meeting import check_target
from bayesml.posteriors import Prediction
from bayesml.results.answer import Answer
from bayesml.results.scores import class_probabilities
from bayesml.results.sequential import seen_rows
from bayesml.typing import Array

LEARNED_FROM = "learned from, which flatters the fit"


def rows_of(answer: Answer, observed: Any) -> Data:
    """Return rows with their target, as the answer reads them."""
    rows = observed if isinstance(observed, Data) else answer.data.like(observed)
    if rows is observed:
        _require_same_columns(answer, rows)
    check_target(answer.learned.resolved.likelihood, rows)
    return rows


def _require_same_columns(answer: Answer, observed: Data) -> None:
    if observed.feature_names != answer.data.feature_names:
        raise DataError(
            f"the data have the features {list(observed.feature_names)}, the fit has "
            f"{list(answer.data.feature_names)}; give a frame, whose columns are matched by name"
        )
    own, theirs = answer.data.design.classes, observed.design.classes
    if theirs is not None and theirs != own:  # numbers of classes would be those of others
        known = "none, its target being numbers" if own is None else quoted(own)
        raise DataError(
            f"{observed.target_name} has the classes {quoted(theirs)}, the fit has {known}; give a "
            "frame, whose classes are matched by name"
        )


def observed_of(prediction: Prediction, observed: Any, caller: str) -> Array:
    """Return the observed y of the rows of a prediction, which knows no names of classes.

    Raises
    ------
    DataError
        If there is not one finite number a row, or it is none of the classes.
    """
    classes = len(class_probabilities(prediction))
    kind = f", which is the number of its class, 0 to {classes - 1}," if classes else ""
    needed = f"{caller}: a prediction of {plural(len(prediction), 'row')} needs the observed y of "
    needed += f"each{kind} and got"
    if observed is None:
        raise DataError(f"{needed} none.")
    texts = [value for value in np.asarray(observed).flat if isinstance(value, str)]
    if texts:
        raise DataError(
            f"{needed} text, {str(texts[0])!r}. Give numbers, or the fit and the rows themselves, "
            "whose target it reads."
        )
    y = np.asarray(numbers(observed, f"{caller}: y"), dtype=np.float64)
    if y.shape != (len(prediction),):
        raise DataError(f"{needed} an array of shape {y.shape}.")
    require_finite(y, f"{caller}: y", remedy="leave these rows out of the prediction too")
    if prediction.distribution.discrete and not classes:
        outside = np.flatnonzero((y < 0) | (y != np.floor(y)))
        if len(outside):
            raise DataError(f"{needed} {y[outside[0]]:g}, no count, in {row_names(outside, None)}.")
    if classes and len(wrong := np.flatnonzero(~np.isin(y, np.arange(classes)))):
        raise DataError(f"{needed} {y[wrong[0]]:g} in {row_names(wrong, None)}.")
    return y


def whose(answer: Answer, rows: Data) -> str:
    """Say of rows that they are new to an answer, or that it learned from all or some (F4, F5)."""
    if rows is answer.data:
        return LEARNED_FROM
    seen = seen_rows(answer)
    overlap = seen.overlap(rows)
    if overlap.certain:
        every = overlap.count == overlap.rows
        return LEARNED_FROM if every else f"{overlap.count} of them {LEARNED_FROM}"
    if (unknown := answer.statistics.rows - seen.rows) > 0:
        return f"not compared with {plural(unknown, 'row')} learned from that were not in memory"
    if overlap.count:
        return f"new to the fit, but for {overlap.count} alike to rows that it learned from"
    return "new to the fit"


def class_names(answer: Answer) -> tuple[str, ...]:
    """Return the names of the classes of the target, or their numbers; none where it has none."""
    support = answer.learned.resolved.likelihood.support
    if not isinstance(support, FiniteSupport) or support.size is None:
        return ()
    return tuple(map(str, answer.data.design.classes or range(support.size)))
