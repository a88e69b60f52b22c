"""What a formula has learned so far from rows that are read a part at a time, and reads next.

In memory formulaic learns levels and transformations by itself. Here one pass finds the levels and
the sums behind center, scale and the bounds of splines; a transformation of a transformation, and
each degree of poly, takes one more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data.formulas.binding import BoundFormula, build_sides, design_of
from bayesml.data.formulas.encoding import to_json
from bayesml.data.formulas.formula_statistics import FactorLevels, FormulaStatistics, SideStatistics
from bayesml.data.formulas.levels import LevelsDesign, LevelsReader, group_codes
from bayesml.data.formulas.model_matrix import LearnedSide
from bayesml.data.formulas.names import original, private, shown
from bayesml.data.formulas.reader import FormulaReader
from bayesml.data.formulas.tables import (
    Column,
    complete_rows,
    plain_level,
    require_finite_numbers,
    table,
    with_weights,
)
from bayesml.data.formulas.transforms import STATISTICS, State, accumulating_transforms
from bayesml.data.frames import Part

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import SimpleFormula

SAMPLE = 5
"""Rows that are kept to see which columns a formula makes."""

States = Mapping[str, State]
Declared = Mapping[Any, tuple[Any, ...]]


@dataclass(frozen=True)
class FormulaState:
    """What a formula has learned from the passes before, and how it summarises a part in the next.

    Attributes
    ----------
    bound : BoundFormula
    weights : str or None
        The column of observation weights.
    drop : bool
        Whether rows with missing values are left out.
    left, right : mapping
        State of the transformations of each side, by expression.
    """

    bound: BoundFormula
    weights: str | None
    drop: bool
    left: States = field(default_factory=dict)
    right: States = field(default_factory=dict)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are read."""
        return with_weights((*self.bound.left, *self.bound.right), self.weights)

    def statistics_of(self, part: Part) -> FormulaStatistics:
        """Summarise one part; the statistics of all parts add up."""
        read = table(part, self.columns)
        rows, kept, missing = complete_rows(read, part.place, drop=self.drop)
        place = part.place if kept is None else replace(part.place, kept=kept)
        require_finite_numbers(rows, place)
        declared = _declared(part, self.columns)
        sides = self.bound.sides
        return FormulaStatistics(
            rows=len(rows),
            missing=missing,
            weight=self.weights is None or bool(rows[self.weights].any()),
            sample=rows[:SAMPLE],
            left=_side_statistics(sides.left, rows, self.left, declared),
            right=self._right(rows, declared),
        )

    def _right(self, rows: "pd.DataFrame", declared: Declared) -> SideStatistics:
        """Summarise the right side; of a factor that groups rows, its levels are all."""
        factor = self.bound.factor
        if not factor:
            return _side_statistics(self.bound.sides.right, rows, self.right, declared)
        used = group_codes(rows, factor)[1] if len(rows) else ()
        order = declared.get(factor[0], ()) if len(factor) == 1 else ()
        return SideStatistics({":".join(factor): FactorLevels(frozenset(used), order)})

    def reader(self, statistics: FormulaStatistics) -> FormulaReader | LevelsReader:
        """Build a few rows with what was learned, which fixes the columns."""
        if self.bound.factor:
            ((label, found),) = statistics.right.levels.items()
            columns, own = (*self.bound.left, *self.bound.right), self.bound.factor
            design = LevelsDesign(label, columns, own, found.ordered(), self.weights)
            return LevelsReader(design, self.drop)
        left, right = (
            LearnedSide(
                columns,
                to_json(dict(states)),
                {name: levels.ordered() for name, levels in side.levels.items()},
            )
            for columns, states, side in (
                (self.bound.left, self.left, statistics.left),
                (self.bound.right, self.right, statistics.right),
            )
        )
        target, features = build_sides(self.bound, left, right, statistics.sample, None)
        return FormulaReader(design_of(self.bound, target, features, self.weights), self.drop)

    def is_incomplete(self, rows: "pd.DataFrame") -> bool:
        """Say whether a transformation of these rows still has something to learn."""
        sides = self.bound.sides
        return bool(
            _side_statistics(sides.left, rows, self.left, {}).transforms
            or self._right(rows, {}).transforms
        )

    def updated(self, statistics: FormulaStatistics) -> "FormulaState":
        """Take in the statistics of all parts, which a pass has found."""
        return replace(
            self,
            left=_updated(self.left, statistics.left),
            right=_updated(self.right, statistics.right),
        )


def _declared(part: Part, columns: Iterable[Column]) -> Declared:
    """Give all categories of the categorical columns, used in this part or not."""
    import pandas as pd

    dtypes = {c.name: getattr(part[c.name], "dtype", None) for c in columns if c.kind == "text"}
    return {
        name: tuple(plain_level(level) for level in dtype.categories)
        for name, dtype in dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype)
    }


def _side_statistics(
    terms: "SimpleFormula", rows: "pd.DataFrame", known: States, declared: Declared
) -> SideStatistics:
    """Evaluate every factor of one side, collecting levels and statistics."""
    from formulaic.materializers import PandasMaterializer
    from formulaic.utils.stateful_transforms import stateful_eval

    if not len(rows):
        return SideStatistics()
    rows = rows.rename(columns=private)
    state: dict[str, State] = {key: dict(value) for key, value in known.items()}
    context = PandasMaterializer(rows, context=accumulating_transforms()).layered_context
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
        if (found := _levels(value, declared)) is not None:
            levels[shown(expression)] = found
    transforms = {key: value.pop(STATISTICS) for key, value in state.items() if STATISTICS in value}
    return SideStatistics(levels, transforms)


def _levels(value: Any, declared: Declared) -> FactorLevels | None:
    """Collect the levels of a factor; None for numbers."""
    import pandas as pd
    from formulaic.parser.types import Factor

    metadata = getattr(value, "__formulaic_metadata__", None)
    is_factor = metadata is not None and metadata.kind is Factor.Kind.CATEGORICAL
    series = getattr(value, "__wrapped__", value)
    categorical = isinstance(getattr(series, "dtype", None), pd.CategoricalDtype)
    if not (is_factor or categorical):
        return None
    series = pd.Series(series)
    used = frozenset(series.dropna().unique().tolist())
    return FactorLevels(used, declared.get(original(str(series.name)), ()))


def _updated(known: States, side: SideStatistics) -> States:
    learned = {key: s.state_after(dict(known.get(key, {}))) for key, s in side.transforms.items()}
    return {**known, **learned}
