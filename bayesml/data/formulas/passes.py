"""A formula learns from rows that are read a part at a time, in as many passes as that takes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data.checks import require_some_weight
from bayesml.data.formulas.binding import BoundClauses
from bayesml.data.formulas.formula_state import FormulaState
from bayesml.data.formulas.formula_statistics import FormulaStatistics
from bayesml.data.formulas.levels import LevelsReader
from bayesml.data.formulas.names import shown
from bayesml.data.formulas.reader import FormulaReader, JoinedReader
from bayesml.data.formulas.smooth_design import learn_splines
from bayesml.data.formulas.tables import Column
from bayesml.data.frames import Part
from bayesml.data.messages import Place
from bayesml.data.splines import Spline
from bayesml.errors import DataError


class ReduceParts(Protocol):
    """One pass over all parts: `function` of every part, brought together by `+`."""

    def __call__[T](self, function: Callable[[Part], T], columns: tuple[str, ...], task: str) -> T:
        """Make the pass."""


@dataclass(frozen=True)
class LearnedFormula:
    """How a formula reads parts, how many complete rows there are, and what it took to learn."""

    reader: FormulaReader | JoinedReader
    rows: int | None
    first_pass: str


class _Learned(NamedTuple):
    reader: FormulaReader | LevelsReader
    rows: int | None
    passes: int
    task: str


def learn_clauses(
    bound: BoundClauses, drop: bool, reduce_parts: ReduceParts, *, count: bool
) -> LearnedFormula:
    """Learn what all clauses of a formula need, one after the other."""
    learned: list[_Learned] = []
    for part in bound.parts:
        state = FormulaState(part, bound.weights, drop)
        learned.append(_learn_from_parts(state, reduce_parts, count=count and not learned))
    designs = [each.reader.design for each in learned]
    design = bound.design(designs, _splines(bound, learned, reduce_parts))
    first: Any = learned[0].reader  # the first clause is never of levels
    others = tuple(each.reader for each in learned[1:])
    reader = JoinedReader(design, first, others) if others else first
    rows = next((each.rows for each in learned if each.rows is not None), None)
    passes = sum(each.passes for each in learned) + (2 if bound.smooths else 0)
    if not passes:
        return LearnedFormula(reader, None, "")
    times = "once" if passes == 1 else f"{passes} times"
    task = ", ".join(dict.fromkeys(each.task for each in learned if each.task))
    task = ", ".join([task] * bool(task) + ["knots"] * bool(bound.smooths))
    return LearnedFormula(reader, rows, f"read {times} before, for {task}")


def _splines(
    bound: BoundClauses, learned: Sequence[_Learned], reduce_parts: ReduceParts
) -> list[Spline]:
    """Learn the knots of all smooths, in two passes."""
    if not bound.smooths:
        return []
    readers: list[Any] = [learned[k].reader for k in bound.smooths]
    labels = [bound.clauses[k].role for k in bound.smooths]
    counts = [bound.clauses[k].splines for k in bound.smooths]

    def fold(function: Callable[[Sequence[NDArray[np.float64]]], Any], task: str) -> Any:
        return reduce_parts(partial(_of_columns, readers, function), readers[0].columns, task)

    return learn_splines(labels, counts, fold)


def _of_columns(readers: Sequence[FormulaReader], function: Callable[..., Any], part: Part) -> Any:
    """Return a function of the columns of all smooths in one part."""
    return function([reader.block(part).X[:, 0] for reader in readers])


def _learn_from_parts(state: FormulaState, reduce_parts: ReduceParts, *, count: bool) -> "_Learned":
    """Learn what a formula needs, in as many passes as that takes: none for numbers alone.

    Parameters
    ----------
    state : FormulaState
        That knows nothing yet.
    reduce_parts : ReduceParts
        Makes a pass.
    count : bool
        Whether rows have to be counted, too.
    """
    imagined = state.statistics_of(_imagined(state.columns))
    needs = _needs(imagined, state.drop)
    if not needs and not count:
        return _Learned(state.reader(imagined), None, 0, "")
    columns = tuple(column.name for column in state.columns)
    task, passes = ", ".join(needs) or "counting rows", 0
    while True:
        statistics = reduce_parts(state.statistics_of, columns, task)
        passes += 1
        if passes == 1:
            _require_complete_rows(statistics)
        state = state.updated(statistics)
        if not state.is_incomplete(statistics.sample):
            break
    return _Learned(state.reader(statistics), statistics.rows, passes, task)


def _imagined(columns: Iterable[Column]) -> Part:
    """Make up two rows, to see what a formula would have to learn."""
    import pandas as pd

    made: dict[str, Any] = {
        c.name: pd.Categorical(["a", "b"]) if c.kind == "text" else np.array([1.0, 2.0])
        for c in columns
    }
    return Part(made, Place(""))


def _needs(statistics: FormulaStatistics, drop: bool) -> list[str]:
    """Say what only a pass over the rows can tell."""
    sides = (statistics.left, statistics.right)
    return [
        *(f"levels of {name}" for side in sides for name in side.levels),
        *(shown(name) for side in sides for name in side.transforms),
        *(["rows with missing values"] if drop else []),
    ]


def _require_complete_rows(statistics: FormulaStatistics) -> None:
    total = statistics.rows + statistics.missing.rows
    if not total:
        raise DataError("the frame has no rows; there is nothing to learn from")
    statistics.missing.drop_aloud(total, stacklevel=6)
    require_some_weight(statistics.weight)
