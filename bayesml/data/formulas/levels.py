"""The levels of a grouping factor as numbers: one column of X, however many levels there are."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.blocks import Block
from bayesml.data.formulas.tables import Column, complete_rows, table, with_weights
from bayesml.data.frames import Part
from bayesml.data.messages import Labels, quoted, row_names
from bayesml.data.missing import Missing
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

NO_LEVEL = -1.0
"""The number of a row to which no level's effect is added: it stands for the population."""

Level = Any
"""A level of one column, or a tuple of one of each of several."""


@dataclass(frozen=True)
class LevelsDesign:
    """How the columns of a factor become the numbers of its levels.

    Attributes
    ----------
    factor : str
    columns : tuple of Column
        All columns of the formula that are read.
    own : tuple of str
        Those whose levels together are the levels.
    levels : tuple
        In the order of their numbers.
    weights_column : str or None
    """

    factor: str
    columns: tuple[Column, ...]
    own: tuple[str, ...]
    levels: tuple[Level, ...]
    weights_column: str | None = None

    @property
    def used(self) -> set[str]:
        """The columns that it is made of."""
        return set(self.own)

    def without(self, columns: Set[str]) -> "LevelsDesign":
        """Return itself, which looks at no columns of others."""
        return self

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Return the numbers of the levels of new rows, (k, 1); refuse one that was never seen."""
        numbers, rows, labels = self._numbers(new)
        unseen = np.flatnonzero(numbers < 0)
        if len(unseen):
            found = dict.fromkeys(level_of(rows, self.own, int(row)) for row in unseen[:5])
            raise DataError(
                f"{self.factor} is {quoted(found)} in {row_names(unseen, labels)}, which the "
                f"training rows never had. For groups that are new, use predict(X, "
                "new_groups=True), or like(frame, new_groups=True) to learn from them; for the "
                "population, predict(X, population=True)."
            )
        return numbers[:, None]

    def matrix_with_new(self, new: Any) -> NDArray[np.float64]:
        """Return the numbers of levels of new rows; those never seen go on after the others."""
        numbers, rows, _ = self._numbers(new)
        unseen = np.flatnonzero(numbers < 0)
        if len(unseen):
            found = group_codes(rows.iloc[unseen], self.own)[0]
            numbers[unseen] = len(self.levels) + found
        return numbers[:, None]

    def grown(self, new: Any) -> "LevelsDesign":
        """Return the same with the levels of new rows that were never seen, after the others."""
        numbers, rows, _ = self._numbers(new)
        unseen = np.flatnonzero(numbers < 0)
        if not len(unseen):
            return self
        return replace(self, levels=(*self.levels, *group_codes(rows.iloc[unseen], self.own)[1]))

    def joined(self, other: "LevelsDesign") -> "LevelsDesign":
        """Return the same with the levels of other rows after its own."""
        return replace(self, levels=tuple(dict.fromkeys((*self.levels, *other.levels))))

    def kept(self, names: Sequence[str]) -> "LevelsDesign":
        """Return the same with the levels of these names only."""
        there = set(names)
        return replace(self, levels=tuple(v for v in self.levels if level_name(v) in there))

    def _numbers(self, new: Any) -> tuple[NDArray[np.float64], "pd.DataFrame", Labels]:
        own = [column for column in self.columns if column.name in self.own]
        rows, labels = table(new, own), frames.row_labels(new)
        missing = Missing.of(rows.isna().to_numpy(), list(rows.columns), labels)
        if missing.rows:
            raise DataError(f"missing values in {missing}; drop these rows or fill them")
        return self.numbers(rows), rows, labels

    def numbers(self, rows: "pd.DataFrame") -> NDArray[np.float64]:
        """Return the numbers of the levels of rows that were read; −1 where one is not known."""
        if not len(rows):
            return np.empty(0)
        codes, used = group_codes(rows, self.own)
        return np.asarray(self._index.get_indexer(_as_index(used, len(self.own))))[codes].astype(
            np.float64
        )

    @cached_property
    def _index(self) -> "pd.Index[Any]":
        return _as_index(self.levels, len(self.own))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the levels are called: those of several columns are joined by a colon."""
        return tuple(map(level_name, self.levels))

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "factor": self.factor,
            "columns": [list(column) for column in self.columns],
            "own": list(self.own),
            "levels": list(self.levels),
            "weights_column": self.weights_column,
        }


def levels_design_from_config(config: Mapping[str, Any]) -> LevelsDesign:
    """Make the design that `LevelsDesign.to_config` described."""
    several = len(config["own"]) > 1
    levels = (tuple(level) if several else level for level in config["levels"])
    columns = tuple(Column(*column) for column in config["columns"])
    return LevelsDesign(
        config["factor"], columns, tuple(config["own"]), tuple(levels), config["weights_column"]
    )


@dataclass(frozen=True)
class LevelsReader:
    """Number the levels of the rows of a part."""

    design: LevelsDesign
    drop: bool

    def block(self, part: Part) -> Block:
        """Return the numbers of the levels of the complete rows of a part."""
        read = table(part, with_weights(self.design.columns, self.design.weights_column))
        rows, _, _ = complete_rows(read, part.place, drop=self.drop)
        return Block(self.design.numbers(rows)[:, None], np.zeros(len(rows)), None)


def level_name(level: Level) -> str:
    """Say a level in words.

    >>> level_name("a"), level_name(("a", 3))
    ('a', 'a:3')
    """
    return ":".join(map(str, level)) if isinstance(level, tuple) else str(level)


def group_codes(
    rows: "pd.DataFrame", own: Sequence[str]
) -> tuple[NDArray[np.intp], tuple[Level, ...]]:
    """Return the level of every row by its number among those used here, and these, in order."""
    import pandas as pd

    codes: NDArray[np.intp] = np.zeros(len(rows), dtype=np.intp)
    used: list[tuple[Any, ...]] = [()]
    for name in own:
        factor = pd.Categorical(rows[name])
        joint = codes * len(factor.categories) + factor.codes
        there, codes = np.unique(joint, return_inverse=True)
        before, here = np.divmod(there, len(factor.categories))
        plain = factor.categories.tolist()
        used = [(*used[b], plain[h]) for b, h in zip(before, here, strict=True)]
    return codes, tuple(level[0] if len(own) == 1 else level for level in used)


def level_of(rows: "pd.DataFrame", own: Sequence[str], row: int) -> str:
    """Say the level of one row."""
    return ":".join(str(rows[name].iloc[row]) for name in own)


def _as_index(levels: Sequence[Level], columns: int) -> "pd.Index[Any]":
    import pandas as pd

    if columns == 1:
        return pd.Index(levels)
    return pd.MultiIndex.from_tuples(levels)
