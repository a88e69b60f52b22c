"""Rows that are gone, of which the sufficient statistics were kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Never

from bayesml.data.blocks import Block
from bayesml.data.designs import Design
from bayesml.data.formulas.joined import difference
from bayesml.data.formulas.level_sets import with_levels, with_levels_of
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError


@dataclass(frozen=True, eq=False)
class SummarisedSource:
    """Sufficient statistics in the place of rows.

    Attributes
    ----------
    statistics : SufficientStatistics
    weighted : bool
        Whether the rows had observation weights.
    were : str
        Where the rows were, in words; empty for memory.
    grouped : GroupedStatistics, optional
        Where the data have effects of groups or curves.
    """

    statistics: SufficientStatistics
    weighted: bool
    were: str
    grouped: GroupedStatistics | None = None

    @property
    def m(self) -> int:
        """Number of rows."""
        return self.statistics.rows

    @property
    def n(self) -> int:
        """Number of features."""
        return self.statistics.n

    @property
    def first_pass(self) -> str:
        """Nothing was read before."""
        return ""

    @property
    def whereabouts(self) -> str:
        """What is left of them."""
        return f"{self.were}, as sufficient statistics".removeprefix(", ")

    def blocks(self) -> Iterator[Block]:
        """Refuse: there are no rows."""
        self._refuse()

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Refuse: there are no rows."""
        self._refuse()

    def _refuse(self) -> Never:
        raise DataError(
            f"these data are the sufficient statistics of {self.m} rows, which are not here: they "
            "serve every method of a linear Gaussian model, and nothing that looks at "
            "single rows; make the Data from the rows again"
        )


def merged(
    one: SummarisedSource, design: Design, other: SummarisedSource, of_other: Design
) -> tuple[SummarisedSource, Design]:
    """Bring statistics of the rows of two sites together, and the levels of their groups."""
    _require_alike(design, of_other)
    statistics = one.statistics + other.statistics
    weighted = one.weighted or other.weighted
    if one.grouped is None or other.grouped is None:
        return SummarisedSource(statistics, weighted, one.were), design
    grouped = one.grouped + other.grouped
    source = SummarisedSource(grouped.statistics, weighted, one.were, grouped)
    return source, with_levels_of(design, of_other)


def without(
    one: SummarisedSource, design: Design, other: SummarisedSource, of_other: Design
) -> tuple[SummarisedSource, Design]:
    """Take the rows of a site out again, and the levels that only it had."""
    _require_alike(design, of_other)
    if one.grouped is None or other.grouped is None:
        statistics = one.statistics - other.statistics
        return SummarisedSource(statistics, one.weighted, one.were), design
    grouped = one.grouped - other.grouped
    source = SummarisedSource(grouped.statistics, one.weighted, one.were, grouped)
    left = dict(zip(grouped.factors, grouped.levels, strict=True))
    return source, with_levels(design, left)


def _require_alike(one: Design, other: Design) -> None:
    if what := difference(one, other):
        raise DataError(
            f"the columns of both sites are not the same: {what}. Read the rows of one as those "
            "of the other, data.like(frame, new_groups=True)"
        )
