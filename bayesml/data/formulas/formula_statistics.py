"""What a formula needs to know of a part of a table: levels, sums and counts, which add up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bayesml.data.formulas.transforms import TransformStatistics
from bayesml.data.missing import Missing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FactorLevels:
    """Levels of a factor, and their order where a categorical column declares one."""

    used: frozenset[Any]
    declared: tuple[Any, ...] = ()

    def __add__(self, other: "FactorLevels") -> "FactorLevels":
        """Bring the levels of two parts together."""
        declared = tuple(dict.fromkeys((*self.declared, *other.declared)))
        return FactorLevels(self.used | other.used, declared)

    def ordered(self) -> tuple[Any, ...]:
        """Order them as declared, otherwise by alphabet or size."""
        if self.declared:
            return tuple(level for level in self.declared if level in self.used)
        return tuple(sorted(self.used))


@dataclass(frozen=True)
class SideStatistics:
    """What one side of a formula needs to know of one part."""

    levels: Mapping[str, FactorLevels] = field(default_factory=dict)
    transforms: Mapping[str, TransformStatistics] = field(default_factory=dict)

    def __add__(self, other: "SideStatistics") -> "SideStatistics":
        """Bring two parts together."""
        return SideStatistics(
            _added(self.levels, other.levels), _added(self.transforms, other.transforms)
        )


def _added[T](one: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
    added: dict[str, Any] = dict(one)
    for key, value in other.items():
        added[key] = added[key] + value if key in added else value
    return added


@dataclass(frozen=True, eq=False)
class FormulaStatistics:
    """What a formula needs to know of one part; those of several parts add up.

    Attributes
    ----------
    rows : int
        Number of complete rows.
    missing : Missing
        The rows with missing values.
    weight : bool
        Whether any row has weight.
    sample : pandas.DataFrame
        A few complete rows, which show what columns the formula makes.
    left, right : SideStatistics
    """

    rows: int
    missing: Missing
    weight: bool
    sample: "pd.DataFrame"
    left: SideStatistics
    right: SideStatistics

    def __add__(self, other: "FormulaStatistics") -> "FormulaStatistics":
        """Bring two parts together."""
        return FormulaStatistics(
            self.rows + other.rows,
            self.missing + other.missing,
            self.weight or other.weight,
            self.sample if len(self.sample) else other.sample,
            self.left + other.left,
            self.right + other.right,
        )
