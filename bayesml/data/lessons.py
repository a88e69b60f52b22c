"""What a part of a table teaches a formula: levels, sums and counts, which add up over parts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bayesml.data.missing import Missing
from bayesml.data.summaries import Summary

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Levels:
    """Levels of a factor, and their order where a categorical column declares one."""

    used: frozenset[Any]
    declared: tuple[Any, ...] = ()

    def __add__(self, other: "Levels") -> "Levels":
        """Bring the levels of two parts together."""
        declared = tuple(dict.fromkeys((*self.declared, *other.declared)))
        return Levels(self.used | other.used, declared)

    def ordered(self) -> tuple[Any, ...]:
        """Order them as declared, otherwise by alphabet or size."""
        if self.declared:
            return tuple(level for level in self.declared if level in self.used)
        return tuple(sorted(self.used))


@dataclass(frozen=True)
class Side:
    """What one part teaches one side of a formula."""

    levels: Mapping[str, Levels] = field(default_factory=dict)
    summaries: Mapping[str, Summary] = field(default_factory=dict)

    def __add__(self, other: "Side") -> "Side":
        """Bring two parts together."""
        return Side(_added(self.levels, other.levels), _added(self.summaries, other.summaries))


def _added[T](one: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
    added: dict[str, Any] = dict(one)
    for key, value in other.items():
        added[key] = added[key] + value if key in added else value
    return added


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one part teaches: its complete rows, a few of them, and what the formula learns."""

    rows: int
    missing: Missing
    weight: bool
    sample: "pd.DataFrame"
    left: Side
    right: Side

    def __add__(self, other: "Lesson") -> "Lesson":
        """Bring two parts together."""
        return Lesson(
            self.rows + other.rows,
            self.missing + other.missing,
            self.weight or other.weight,
            self.sample if len(self.sample) else other.sample,
            self.left + other.left,
            self.right + other.right,
        )
