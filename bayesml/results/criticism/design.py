"""What the shape of the data says: too few rows, too many levels, a target of another kind."""

from collections.abc import Iterable
from math import prod

import numpy as np

from bayesml.distributions import Binary, Real
from bayesml.errors import DesignWarning, LikelihoodWarning
from bayesml.predictors import Network
from bayesml.results.answer import Answer
from bayesml.results.findings import Finding
from bayesml.typing import Array

A_ROW = 2.0 / 3.0
"""Levels a row, above which a column names its rows."""

FEW = 8
"""Rows below which nothing is said of the kind of the target."""


def findings(answer: Answer) -> Iterable[Finding]:
    """Judge the numbers of rows, coefficients and levels, and the kind of the target."""
    if not isinstance(answer.problem.model.predictor, Network):
        yield _rows(answer)
    yield from _levels(answer)
    yield from _target(answer)


def _rows(answer: Answer) -> Finding:
    p, rows = answer.problem.frame.p, answer.statistics.weight
    grouped = answer.problem.grouped
    if grouped is not None:  # effects vary about zero by a scale that is inferred
        p -= sum(prod(part.shape) for part in grouped.blocks)
    return Finding(
        f"rows for {p} coefficient{'' if p == 1 else 's'}",
        rows > p,
        rows,
        f"> {p}",
        "The model can fit any data whatever: what is learned beyond them is the prior.",
        "Use fewer columns or levels, or state priors that you would defend.",
        DesignWarning,
    )


def _levels(answer: Answer) -> Iterable[Finding]:
    """Count levels a row: names, dates and numbers with a slip become a column each."""
    m = answer.statistics.rows
    for factor, levels in answer.data.design.levels.items():
        most = max(A_ROW * m, 2.0)
        numbers = sum(map(_is_number, levels)) >= 0.5 * len(levels)
        yield Finding(
            f"levels of {factor!r}",
            len(levels) <= most,
            float(len(levels)),
            f"≤ {most:.4g}, two thirds of the rows",
            f"About one level a row ({', '.join(map(repr, levels[:3]))}, …): the column names its "
            "rows, and learns nothing for new ones.",
            "Its values look like numbers written as text: convert them."
            if numbers
            else "Leave out an identifier; make a date a number.",
            DesignWarning,
        )


def _is_number(level: object) -> bool:
    try:
        float(str(level).replace(",", "").replace(" ", ""))
    except ValueError:
        return False
    return isinstance(level, str)


def _target(answer: Answer) -> Iterable[Finding]:
    """Say which likelihood is made for a target of zeros and ones, or of small counts."""
    data, support = answer.data, answer.problem.model.likelihood.support
    if support == Binary():
        yield _classes(answer)
    if support != Real() or not data.in_memory:
        return
    y, w = np.asarray(data.y), data.observation_weights
    y = y if w is None else y[w > 0]
    binary = len(y) >= FEW and _all(y, _is_binary)
    if binary:
        yield _kind("zeros and ones among the target", "no", "0 or 1", "Bernoulli()", len(y))
    elif len(y) >= FEW and _all(y, _is_count) and _is_small(y):
        yield _kind("counts among the target", "small", "a small count", "Poisson()", len(y))


def _classes(answer: Answer) -> Finding:
    """Count which of zero and one occur."""
    only = answer.statistics.sd_y == 0.0
    return Finding(
        "classes among the target",
        not only,
        1.0 if only else 2.0,
        "2, zeros and ones",
        f"Every row is {answer.statistics.mean_y:g}: nothing says what makes the other value, and "
        "the prior alone keeps the coefficients finite.",
        "Check the target column, or give rows of the other value.",
        LikelihoodWarning,
    )


def _all(y: Array, test: object) -> bool:
    """Say whether all rows are of a kind; the first few say no at once."""
    return bool(test(y[:100]) and test(y))  # type: ignore[operator]


def _is_binary(y: Array) -> bool:
    return bool(np.all((y == 0) | (y == 1)))


def _is_count(y: Array) -> bool:
    return bool(np.all((y >= 0) & (y == np.floor(y))))


def _is_small(y: Array) -> bool:
    """Say whether zeros occur, and a bell of this mean and spread would reach well below them."""
    return bool(not y.all() and y.mean() < 2.0 * y.std())


def _kind(name: str, few: str, one: str, likelihood: str, rows: int) -> Finding:
    return Finding(
        name,
        False,
        float(rows),
        f"a likelihood for them, or {few} such",
        f"Every value of the target is {one}, and this likelihood expects any number on the line.",
        f"Use Model(likelihood={likelihood}).",
        LikelihoodWarning,
    )
