"""A formula meets rows that are read a part at a time: what each part teaches, added up.

In memory formulaic learns levels and transformations by itself. Here one pass finds the levels and
the sums behind center, scale and the bounds of splines; a transformation of a transformation, and
each degree of poly, takes one more.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bayesml.data.building import Learned
from bayesml.data.checks import require_some_weight
from bayesml.data.encoding import encode
from bayesml.data.frames import Part
from bayesml.data.lessons import Lesson, Levels, Side
from bayesml.data.messages import Place
from bayesml.data.readers import FormulaReader
from bayesml.data.summaries import State, learners
from bayesml.data.tables import (
    Column,
    complete_rows,
    require_finite_numbers,
    table,
    with_weights,
)
from bayesml.data.training import Question, build_sides, design_of
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import SimpleFormula

SAMPLE = 5
"""Rows that are kept to see which columns a formula makes."""

States = Mapping[str, State]


@dataclass(frozen=True)
class Student:
    """What is known before a pass; reads parts of it."""

    asked: Question
    weights: str | None
    drop: bool
    left: States = field(default_factory=dict)
    right: States = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are read."""
        return with_weights((*self.asked.left, *self.asked.right), self.weights)

    def study(self, part: Part) -> Lesson:
        """Learn from one part."""
        read = table(part, self.columns)
        rows, kept, missing = complete_rows(read, part.place, drop=self.drop)
        place = part.place if kept is None else replace(part.place, kept=kept)
        require_finite_numbers(rows, place)
        for name, declared in _declared(part, self.columns).items():
            rows[name] = rows[name].cat.set_categories(declared)
        sides = self.asked.sides
        return Lesson(
            rows=len(rows),
            missing=missing,
            weight=self.weights is None or bool(rows[self.weights].any()),
            sample=rows[:SAMPLE],
            left=_study_side(sides.left, rows, self.left),
            right=_study_side(sides.right, rows, self.right),
        )

    def reader(self, lesson: Lesson) -> FormulaReader:
        """Build a few rows with what was learned, which fixes the columns."""
        left, right = (
            Learned(
                columns,
                encode(dict(states)),
                {name: levels.ordered() for name, levels in side.levels.items()},
            )
            for columns, states, side in (
                (self.asked.left, self.left, lesson.left),
                (self.asked.right, self.right, lesson.right),
            )
        )
        target, features = build_sides(self.asked, left, right, lesson.sample, None)
        return FormulaReader(design_of(self.asked, target, features), self.weights, self.drop)

    def waits(self, rows: "pd.DataFrame") -> bool:
        """Say whether a transformation of these rows has not been learned yet."""
        sides = self.asked.sides
        return bool(
            _study_side(sides.left, rows, self.left).summaries
            or _study_side(sides.right, rows, self.right).summaries
        )

    def after(self, lesson: Lesson) -> "Student":
        """Remember what a pass has taught."""
        return replace(
            self, left=_after(self.left, lesson.left), right=_after(self.right, lesson.right)
        )


def _declared(part: Part, columns: Iterable[Column]) -> dict[str, list[Any]]:
    """Give all categories of the categorical columns, used in this part or not."""
    import pandas as pd

    dtypes = {c.name: getattr(part[c.name], "dtype", None) for c in columns if c.kind == "text"}
    return {
        name: list(dtype.categories)
        for name, dtype in dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
    }


def _study_side(terms: "SimpleFormula", rows: "pd.DataFrame", known: States) -> Side:
    """Evaluate every factor of one side, collecting levels and summaries."""
    from formulaic.materializers import PandasMaterializer
    from formulaic.utils.stateful_transforms import stateful_eval

    if not len(rows):
        return Side()
    state: dict[str, State] = {key: dict(value) for key, value in known.items()}
    context = PandasMaterializer(rows, context=learners()).layered_context
    levels = {}
    factors = {factor.expr: factor.eval_method.value for term in terms for factor in term.factors}
    for expression, how in factors.items():
        if how == "literal":
            continue
        with np.errstate(all="ignore"):
            value = (
                rows[expression]
                if how == "lookup"
                else stateful_eval(expression, context, {}, state, None)
            )
        if (found := _levels(value)) is not None:
            levels[expression] = found
    summaries = {key: value.pop("summary") for key, value in state.items() if "summary" in value}
    return Side(levels, summaries)


def _levels(value: Any) -> Levels | None:
    """Collect the levels of a factor; None for numbers."""
    import pandas as pd
    from formulaic.parser.types import Factor

    metadata = getattr(value, "__formulaic_metadata__", None)
    is_factor = metadata is not None and metadata.kind is Factor.Kind.CATEGORICAL
    series = getattr(value, "__wrapped__", value)
    categorical = isinstance(getattr(series, "dtype", None), pd.CategoricalDtype)
    if not (is_factor or categorical):
        return None
    used = frozenset(pd.Series(series).dropna().unique().tolist())
    return Levels(used, tuple(series.dtype.categories.tolist()) if categorical else ())


def _after(known: States, side: Side) -> States:
    learned = {key: s.learned(dict(known.get(key, {}))) for key, s in side.summaries.items()}
    return {**known, **learned}


class Survey(Protocol):
    """One pass over all parts: `function` of every part, brought together by `+`."""

    def __call__(
        self, function: Callable[[Part], Lesson], columns: tuple[str, ...], task: str
    ) -> Lesson:
        """Make the pass."""


@dataclass(frozen=True)
class Learnt:
    """How a formula reads parts, how many complete rows there are, and what it took to learn."""

    reader: FormulaReader
    rows: int | None
    first_pass: str


def learn(student: Student, survey: Survey, *, count: bool) -> Learnt:
    """Learn what a formula needs, in as many passes as that takes: none for numbers alone.

    Parameters
    ----------
    student : Student
        Who knows nothing yet.
    survey : Survey
        Makes a pass.
    count : bool
        Whether rows have to be counted, too.
    """
    imagined = student.study(_imagined(student.columns))
    needs = _needs(imagined, student.drop)
    if not needs and not count:
        return Learnt(student.reader(imagined), None, "")
    columns = tuple(column.name for column in student.columns)
    task, passes = ", ".join(needs) or "counting rows", 0
    while True:
        lesson = survey(student.study, columns, task)
        passes += 1
        if passes == 1:
            _require_rows(lesson)
        student = student.after(lesson)
        if not student.waits(lesson.sample):
            break
    times = "once" if passes == 1 else f"{passes} times"
    return Learnt(student.reader(lesson), lesson.rows, f"read {times} before, for {task}")


def _imagined(columns: Iterable[Column]) -> Part:
    """Make up two rows, to see what a formula would have to learn."""
    import pandas as pd

    made: dict[str, Any] = {
        c.name: pd.Categorical(["a", "b"]) if c.kind == "text" else np.array([1.0, 2.0])
        for c in columns
    }
    return Part(made, Place(""))


def _needs(lesson: Lesson, drop: bool) -> list[str]:
    """Say what only a pass over the rows can tell."""
    sides = (lesson.left, lesson.right)
    return [
        *(f"levels of {name}" for side in sides for name in side.levels),
        *(name for side in sides for name in side.summaries),
        *(["rows with missing values"] if drop else []),
    ]


def _require_rows(lesson: Lesson) -> None:
    total = lesson.rows + lesson.missing.rows
    if not total:
        raise DataError("the frame has no rows; there is nothing to learn from")
    lesson.missing.drop_aloud(total, stacklevel=5)
    require_some_weight(lesson.weight)
