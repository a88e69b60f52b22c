"""Rows that a fit is judged by, and whether it has seen them."""

from typing import Any

from bayesml.data import Data
from bayesml.data.messages import plural
from bayesml.distributions import FiniteSupport
from bayesml.errors import DataError
from bayesml.results.answer import Answer
from bayesml.results.sequential import seen_rows

LEARNED_FROM = "learned from, which flatters the fit"


def rows_of(answer: Answer, observed: Any) -> Data:
    """Return rows with their target, as the answer reads them."""
    if not isinstance(observed, Data):
        return answer.data.like(observed)
    if observed.feature_names != answer.data.feature_names:
        raise DataError(
            f"the data have the features {list(observed.feature_names)}, the fit has "
            f"{list(answer.data.feature_names)}; give a frame, whose columns are matched by name"
        )
    return observed


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
