"""What a linear Gaussian model with effects of groups needs of its rows.

Derived in docs/theory/group_effects.md, (G25), (G60) and (G63).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesml.data.messages import quoted
from bayesml.data.reference import Reference
from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import DataError
from bayesml.linalg.arrow import Arrow, Placed
from bayesml.typing import Array

GONE = 1e-12
"""The share of the weight of a level that is rounding, when rows were taken out."""

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GroupedStatistics:
    """The products of [Z | X | y] over rows, in coordinates of their own (G25).

    They form a monoid: ``a + b`` are the statistics of both data sets together, ``a - b`` takes
    rows out again. Levels are told apart by name: those that only one side has are added, and
    those of which all rows are gone leave.

    Attributes
    ----------
    statistics : SufficientStatistics
        Of [X y], numbers of levels counted as zero.
    reference : Reference
    arrow : Arrow
    factors : tuple of str
        Of the groups, in the order of the arrow: that of most levels first.
    levels : tuple of tuple of str
        Of every group.
    weights : tuple of ndarray
        Sums of the observation weights of the rows of every level.

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.0, 3.0], "g": ["a", "a", "b", "c"]}
    >>> north, south = ({k: v[rows] for k, v in frame.items()} for rows in (slice(2), slice(2, 4)))
    >>> one, other = (bm.Data.from_formula("y ~ 1 + (1 | g)", part) for part in (north, south))
    >>> both = one.grouped_statistics + other.grouped_statistics
    >>> both.levels, (both - other.grouped_statistics).levels
    ((('a', 'b', 'c'),), (('a',),))
    """

    statistics: SufficientStatistics
    reference: Reference
    arrow: Arrow
    factors: tuple[str, ...]
    levels: tuple[Names, ...]
    weights: tuple[Array, ...]

    def of(self, reference: Reference) -> "GroupedStatistics":
        """Return the same in other coordinates (G60)."""
        arrow = self.arrow.turned_columns(self.reference.towards(reference))
        return replace(self, reference=reference, arrow=arrow)

    def __add__(self, other: "GroupedStatistics") -> "GroupedStatistics":
        """Merge the statistics of two data sets with the same columns (G63).

        Raises
        ------
        DataError
            If the columns or the factors are others.
        """
        self._require_same_columns(other)
        statistics = self.statistics + other.statistics
        union = {
            factor: tuple(dict.fromkeys((*own, *other.levels[other.factors.index(factor)])))
            for factor, own in zip(self.factors, self.levels, strict=True)
        }
        one, two = (self._of(statistics)._over(union), other._of(statistics)._over(union))
        weights = tuple(a + b for a, b in zip(one.weights, two.weights, strict=True))
        return replace(one, statistics=statistics, arrow=one.arrow + two.arrow, weights=weights)

    def __sub__(self, other: "GroupedStatistics") -> "GroupedStatistics":
        """Take rows out again, where the digits allow it; levels without rows leave (G63).

        Raises
        ------
        DataError
            If `other` is not part of these rows, or holds so much of what they say that the rest
            would keep fewer than six digits.
        """
        self._require_same_columns(other)
        own = dict(zip(self.factors, self.levels, strict=True))
        for factor, levels in zip(other.factors, other.levels, strict=True):
            if never := [name for name in levels if name not in set(own[factor])]:
                raise DataError(
                    f"the rows to take out have the levels {quoted(never)} of {factor}, which "
                    "these rows never had: they were never in"
                )
        statistics = self.statistics - other.statistics
        two = other.of(self.reference)._over(own)
        weights = tuple(a - b for a, b in zip(self.weights, two.weights, strict=True))
        kept = {}
        for factor, levels, before, after in zip(
            self.factors, self.levels, self.weights, weights, strict=True
        ):
            if np.any(after < -GONE * before):
                lost = levels[int(np.argmin(after))]
                raise DataError(
                    f"the rows to take out have more of level {lost!r} of {factor} than there is: "
                    "they were never in"
                )
            there = np.flatnonzero(after > GONE * before)
            kept[factor] = tuple(levels[k] for k in there)
        found = replace(self, arrow=self.arrow - two.arrow, weights=weights)
        return replace(found._over(kept)._of(statistics), statistics=statistics)

    def in_order(self, factors: Sequence[str], levels: Sequence[Names]) -> "GroupedStatistics":
        """Return the same with groups and their levels in another order, and levels without rows.

        Levels that are not among the stated ones are left out with their rows' products.
        """
        levels = tuple(levels)
        if tuple(factors) == self.factors and levels == self.levels:
            return self
        moves, weights = [], []
        for factor, names in zip(factors, levels, strict=True):
            old = self.factors.index(factor)
            place = {name: k for k, name in enumerate(names)}
            at = np.array([place.get(name, -1) for name in self.levels[old]], dtype=np.intp)
            own = np.zeros(len(names))
            own[at[at >= 0]] = self.weights[old][at >= 0]
            moves.append(Placed(old, at, len(names)))
            weights.append(own)
        arrow = self.arrow.placed(moves) if moves else self.arrow
        return replace(
            self, arrow=arrow, factors=tuple(factors), levels=levels, weights=tuple(weights)
        )

    def _over(self, levels: dict[str, Names]) -> "GroupedStatistics":
        """Return the same over other levels, the group of most first."""
        order = sorted(levels, key=lambda factor: -len(levels[factor]))
        return self.in_order(order, [levels[factor] for factor in order])

    def _of(self, statistics: SufficientStatistics) -> "GroupedStatistics":
        """Return the same in the coordinates of all rows."""
        return self.of(Reference.of(statistics, len(self.reference.centre)))

    def _require_same_columns(self, other: "GroupedStatistics") -> None:
        one, two = (sorted(zip(each.factors, each.terms, strict=True)) for each in (self, other))
        names, others = self.statistics.names, other.statistics.names
        same = one == two and self.arrow.widths == other.arrow.widths
        if not same or (names is not None and others is not None and names != others):
            raise DataError(
                f"statistics of {quoted(names or ())} and of {quoted(others or ())}, with effects "
                f"of {quoted(self.factors)} and of {quoted(other.factors)}, are not of the same "
                "columns, terms and curves: both data sets need one formula"
            )

    @property
    def terms(self) -> tuple[int, ...]:
        """Number of terms of every group."""
        return tuple(terms for _, terms in self.arrow.shapes[: len(self.factors)])
