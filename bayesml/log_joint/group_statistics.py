"""Sufficient statistics of a linear Gaussian model with effects of groups: those of [Z | X | y].

Derived in docs/theory/group_effects.md, (G25).
"""

from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.reference import Reference, nearly_made
from bayesml.errors import IncompatibleModelError
from bayesml.model import Problem
from bayesml.predictors import Grouped


def grouped_statistics(problem: Problem, predictor: Grouped) -> GroupedStatistics:
    """Return those of the rows, and of rows that the prior has seen, in the predictor's order."""
    part, found = predictor.part, problem.grouped_statistics
    n = len(part.features)
    made = nearly_made(found.statistics, n, intercept=part.intercept)
    if made is not None:
        raise IncompatibleModelError(
            f"Column {part.features[made]!r} is nearly a combination of the "
            "others, so that the statistics of groups cannot tell them apart. Leave it out of the "
            "formula, or centre the columns."
        )
    groups = list(predictor.by_levels())
    found = found.in_order([g.factor for g in groups], [g.levels for g in groups])
    if part.intercept:
        return found
    return found.of(Reference.of(found.statistics, n, intercept=False))
