"""Rows with missing values: refused, or dropped aloud; reported alike in memory and streamed."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import shown
from bayesml.data.messages import SHOWN, Labels, listed, plural, row_name
from bayesml.errors import DataError, DataWarning


@dataclass(frozen=True)
class Missing:
    """Which rows have missing values; reports of several parts add up.

    Attributes
    ----------
    rows : int
        How many.
    names : tuple of str
        The first few.
    by_column : mapping
        Missing values in each column that has any.
    """

    rows: int = 0
    names: tuple[str, ...] = ()
    by_column: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, absent: NDArray[np.bool], columns: Sequence[str], labels: Labels) -> "Missing":
        """Report the rows of a table with an absent value, given where values are absent."""
        if not absent.any():
            return cls()
        rows = np.flatnonzero(absent.any(axis=1))
        counts = zip(columns, absent.sum(axis=0).tolist(), strict=True)
        names = tuple(row_name(int(i), labels) for i in rows[:SHOWN])
        return cls(len(rows), names, {name: count for name, count in counts if count})

    def __add__(self, other: "Missing") -> "Missing":
        """Report the rows of both parts, this one first."""
        counts = Counter(self.by_column)
        counts.update(other.by_column)
        return Missing(self.rows + other.rows, (*self.names, *other.names)[:SHOWN], dict(counts))

    def __str__(self) -> str:
        """Say which rows, and how many values in each column."""
        columns = listed([f"{name}: {count}" for name, count in self.by_column.items()])
        return f"{listed(self.names, self.rows)} (missing by column: {columns})"

    def refuse(self) -> NoReturn:
        """Refuse these rows when a model is fitted."""
        raise DataError(f"missing values in {self}; fill them, or drop rows with missing='drop'")

    def drop_aloud(self, total: int, stacklevel: int) -> None:
        """Warn that these rows of `total` were dropped; refuse if that is all of them."""
        if not self.rows:
            return
        if self.rows == total:
            raise DataError(f"every row has missing values: {self}; fill them or leave columns out")
        warnings.warn(
            f"dropped {self.rows} of {plural(total, 'row')} with missing values: {self}",
            DataWarning,
            stacklevel=stacklevel + 1,
        )


def drops(missing: Any) -> bool:
    """Read the option `missing`: whether rows with missing values are dropped."""
    if missing not in ("raise", "drop"):
        raise DataError(f"missing is {shown(missing)}; it is 'raise' or 'drop'")
    return bool(missing == "drop")


def keeps(missing: Any) -> bool:
    """Read the option `missing` of predictions: whether incomplete rows are kept, as NaN."""
    if missing not in ("raise", "keep"):
        raise DataError(f"missing is {shown(missing)}; it is 'raise' or 'keep'")
    return bool(missing == "keep")
