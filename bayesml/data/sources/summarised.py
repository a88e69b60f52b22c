"""Rows that are gone, of which the sufficient statistics were kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Never

from bayesml.data.blocks import Block
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
    """

    statistics: SufficientStatistics
    weighted: bool
    were: str

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
