"""What is asked of a fit: predictions, comparisons, slopes.

Derived in docs/theory/effects.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bayesml.errors import DataError
from bayesml.results.answer import Answer
from bayesml.results.columns import Columns, features_read, matrix
from bayesml.results.effects.contrast import Contrast, Difference, contrasted, require_contrast
from bayesml.results.effects.effects import Effects
from bayesml.results.effects.grid import Cell, Question, question
from bayesml.results.effects.moves import Scenarios, moves_of, numeric_of, variables_of
from bayesml.results.effects.quantity import Quantity, WeightedRows, quantity_of, sums
from bayesml.results.jumps import jump_of
from bayesml.results.slopes import row_slopes


def predictions(
    answer: Answer,
    *,
    at: Any = None,
    by: str | Sequence[str] | None = None,
    grid: Any = None,
    link: bool = False,
    new_groups: bool = False,
    population: bool = False,
) -> Effects:
    r"""Return average expectations: over all rows, in cells, at values that columns are moved to.

    .. math:: \bar\mu_c = \sum_{i \in c} w_i\, E[y \mid x_i, \theta] \Big/ \sum_{i \in c} w_i

    Of more than two classes it is the probability of each, of successes their share of the
    trials, of quantile regression the quantile (P17).

    Parameters
    ----------
    at : mapping of column to value or values, or names of columns
        What every row is moved to, one cell for each combination: ``{"age": (20, 60)}``. Names
        alone stand for all levels of these columns.
    by : str or sequence of str, optional
        Columns whose levels part the rows into cells.
    grid : None, Grid or data frame
        The rows to average over: those that were learned from, by their weights; or
        `effects.Typical()`, `effects.Balanced()`, or a frame. A frame may have further columns
        to part it by.
    link : bool
        Whether to average η, on the scale of the link, in the place of E[y].
    new_groups : bool
        Whether rows are of groups that were never seen: E[y] is averaged over their effects too,
        through the link (P42). By default rows keep their groups.
    population : bool
        Whether effects of groups are left out: rows of a group in the middle.

    Returns
    -------
    Effects
        A row a cell, known jointly: exact where the posterior is.

    Raises
    ------
    DataError
        For columns and levels that are not there, columns of many numbers in `by`, and data that
        did not keep the columns of a formula, which need ``grid=frame``.

    References
    ----------
    Arel-Bundock, Greifer & Heiss (2024), How to interpret statistical models using
    marginaleffects for R and Python, *Journal of Statistical Software* 111(9), §3.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.0, 6.0], "x": [0.0, 1.0, 0.0, 1.0], "g": list("aabb")}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + g", frame))
    >>> fit.predictions(by="g").mean.round(1)
    array([1.6, 4.9])
    >>> fit.predictions(at={"x": (0, 2)}, by="g").names
    ('0, a', '0, b', '2, a', '2, b')
    """
    asked = question(answer, "predictions", at, by, grid)
    quantity = quantity_of(answer, link=link, new_groups=new_groups, population=population)
    law = sums(answer, quantity, [_rows(asked, cell, cell.columns) for cell in asked.cells])
    labels = _labels([cell.labels for cell in asked.cells], quantity)
    return Effects(f"average {quantity.words}, {asked.words}", labels, law)


def comparisons(
    answer: Answer,
    variables: Any = None,
    contrast: Contrast = Difference(),
    *,
    at: Any = None,
    by: str | Sequence[str] | None = None,
    grid: Any = None,
    link: bool = False,
    new_groups: bool = False,
    population: bool = False,
) -> Effects:
    r"""Return how much average expectations change when columns are moved, row by row.

    .. math:: \Delta_c = f(\bar\mu_c^{\text{low}}, \bar\mu_c^{\text{high}})

    The same rows are averaged on both sides, as they are but for the columns that move (P17).

    Parameters
    ----------
    variables : str, sequence of str, mapping or Scenarios, optional
        What moves; by default every column in turn. Levels are compared with the first one, the
        larger of two numbers with the smaller, other numbers with themselves plus one.
        ``{"x": 5}`` is a step of five, ``{"x": (1, 3)}`` goes from 1 to 3, ``{"g": ("a", "c")}``
        from one level to another, and several columns of a mapping move together.
        `effects.Scenarios(before, after)` compares two frames.
    contrast : Contrast
        `effects.Difference()`, `effects.Ratio()`, `effects.OddsRatio()`, or one's own: of the
        averages.
    at, by, grid, link, new_groups, population
        As of `predictions`.

    Returns
    -------
    Effects
        Exact differences where the posterior is exact; ratios are by draws.

    References
    ----------
    Gelman & Pardoe (2007), Average predictive comparisons for models with nonlinearity,
    interactions, and variance components, eq. 1.

    Examples
    --------
    >>> import bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1]))
    >>> fit.comparisons({"x0": (1, 3)}).mean.round(1)
    array([4.1])
    """
    require_contrast(contrast)
    quantity = quantity_of(answer, link=link, new_groups=new_groups, population=population)
    if not isinstance(variables, Scenarios):
        asked = question(answer, "comparisons", at, by, grid)
        sides = _moved(asked, variables, contrast)
        words = f"{contrast.name}s of average {quantity.words}, {asked.words}"
    elif (at, by, grid) == (None, None, None):
        sides = _between(answer, variables, contrast)
        words = f"{contrast.name} of average {quantity.words} between two scenarios"
    else:
        raise DataError("comparisons: two scenarios are the grid; leave at=, by= and grid= out.")
    law = sums(answer, quantity, sides.rows)
    outputs = len(quantity.outputs) or 1
    place = np.arange(law.size).reshape(-1, 2, outputs)
    compared = contrasted(law, place[:, 0].ravel(), place[:, 1].ravel(), contrast)
    return Effects(words, _labels(sides.labels, quantity), compared, contrast.null)


def slopes(
    answer: Answer,
    variables: str | Sequence[str] | None = None,
    *,
    at: Any = None,
    by: str | Sequence[str] | None = None,
    grid: Any = None,
    link: bool = False,
    new_groups: bool = False,
    population: bool = False,
) -> Effects:
    r"""Return average slopes of expectations in columns of numbers.

    .. math:: \sum_{i \in c} w_i\, \frac{\partial E[y \mid x_i, \theta]}{\partial x}
              \Big/ \sum_{i \in c} w_i

    Through every term that the column enters, by differences within its range, to a relative
    accuracy of 1e-7 (P14, P16).

    Parameters
    ----------
    variables : str or sequence of str, optional
        Columns; by default all that hold numbers.
    at, by, grid, link, new_groups, population
        As of `predictions`.

    Returns
    -------
    Effects

    Raises
    ------
    DataError
        If there is no such column, it holds levels, it does not vary, it has no finite slope at
        some row, or a feature jumps as it moves: ``floor(x)`` has slope zero, and `comparisons`
        says what a step of one does.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [0.1, 1.2, 3.9, 9.1, 16.2], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}
    >>> fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + I(x**2)", frame))
    >>> fit.slopes("x").mean.round(0)  # the mean of 2x
    array([4.])
    >>> fit.slopes("x", at={"x": 1}).mean.round(0)
    array([2.])
    """
    asked, quantity = (
        question(answer, "slopes", at, by, grid),
        quantity_of(answer, link=link, new_groups=new_groups, population=population),
    )
    terms = numeric_of(variables, asked.seen, features_read(asked.design, asked.seen))
    rows, each = [], []
    for term in terms:
        _refuse_jumps(asked, term)
        for cell in asked.cells:
            rows.append(_slope(answer, asked, cell, term))
            each.append({"slope": term, **cell.labels})
    law = sums(answer, quantity, rows)
    words = f"average slopes of {quantity.words}, {asked.words}"
    return Effects(words, _labels(each, quantity), law, 0.0)


class _Sides(NamedTuple):
    """Rows of every comparison, low before high, and what tells comparisons apart."""

    rows: list[WeightedRows]
    labels: list[dict[str, Any]]


def _moved(asked: Question, variables: Any, contrast: Contrast) -> _Sides:
    """Return the rows of every cell before and after every move."""
    read = features_read(asked.design, asked.seen)
    found = [
        (move, cell)
        for moved in variables_of(variables, asked.seen, read)
        for cell in asked.cells
        for move in moves_of(asked, cell, moved, contrast)
    ]
    return _Sides(
        [_rows(asked, cell, side) for m, cell in found for side in (m.low, m.high)],
        [{"term": m.term, "contrast": m.contrast, **cell.labels} for m, cell in found],
    )


def _between(answer: Answer, scenarios: Scenarios, contrast: Contrast) -> _Sides:
    """Return the rows of both scenarios."""
    given = {"before": scenarios.before, "after": scenarios.after}
    rows = [_scenario(answer, frame, name) for name, frame in given.items()]
    return _Sides(rows, [{"contrast": contrast.label(*given)}])


def _rows(asked: Question, cell: Cell, columns: Columns) -> WeightedRows:
    if not columns:  # a model that reads none
        return WeightedRows(np.zeros((len(cell.weights), 0)), cell.weights)
    return WeightedRows(matrix(asked.design, columns), cell.weights)


def _scenario(answer: Answer, frame: Any, name: str) -> WeightedRows:
    try:
        X = np.asarray(answer.data.design.matrix(frame), dtype=np.float64)
    except DataError as error:
        raise DataError(f"comparisons: {name}: {error}") from error
    if not len(X):
        raise DataError(f"comparisons: the scenario {name!r} has no rows; give at least one.")
    return WeightedRows(X, np.full(len(X), 1.0 / len(X)))


def _labels(each: Sequence[Mapping[str, Any]], quantity: Quantity) -> dict[str, tuple[Any, ...]]:
    """Return labels of rows by heading, every cell once for each output."""
    outputs = quantity.outputs or ("",)
    names = list(each[0])
    labels = {name: tuple(one[name] for one in each for _ in outputs) for name in names}
    if not quantity.outputs:
        return labels
    return {"class": tuple(quantity.outputs) * len(each), **labels}


def _refuse_jumps(asked: Question, term: str) -> None:
    """Refuse a column along which a feature jumps: slopes beside jumps leave these out."""
    design = asked.design
    jump = None if tuple(asked.seen) == design.feature_names else jump_of(design, asked.seen, term)
    if jump is not None:
        raise DataError(
            f"slopes: {design.feature_names[jump.feature]!r} jumps by {jump.size:.4g} at {term} = "
            f"{jump.at:.6g}, and an average slope leaves jumps out. Ask for a difference: a step "
            f"of one, fit.comparisons({{{term!r}: 1}}), or between two values, "
            f"fit.comparisons({{{term!r}: (low, high)}})."
        )


def _slope(answer: Answer, asked: Question, cell: Cell, term: str) -> WeightedRows:
    """Return rows of X and the weights that make the average slope of them (P16)."""
    ends = row_slopes(answer.data, cell.columns, term, asked.seen[term], cell.names)
    if not len(ends.rows):
        return WeightedRows(_rows(asked, cell, cell.columns).X[:1], np.zeros(1))
    share = cell.weights[ends.rows] * ends.rise
    return WeightedRows(np.vstack([ends.up, ends.down]), np.concatenate([share, -share]))
