"""The columns that a formula read, kept beside the features that it made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.blocks import read_only
from bayesml.data.formulas.tables import Column
from bayesml.data.frames import objects

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CategoricalColumn:
    """A column of levels, each row by the place of its level.

    Attributes
    ----------
    codes : (m,) array of int
    levels : tuple of str, int or float
    """

    codes: NDArray[np.integer[Any]]
    levels: tuple[str | int | float, ...]

    def values(self) -> NDArray[np.object_]:
        """Return the level of every row."""
        return np.asarray(objects(self.levels)[self.codes])


RawColumns = Mapping[str, NDArray[np.float64] | CategoricalColumn]
"""Numbers, not copied where they were float64, and levels, by the name of the column."""


def values_of(columns: RawColumns) -> dict[str, NDArray[Any]]:
    """Return the number or the level of every row, by the name of the column."""
    return {
        name: v.values() if isinstance(v, CategoricalColumn) else v for name, v in columns.items()
    }


def raw_columns(
    rows: "pd.DataFrame", columns: Sequence[Column], features: Sequence[str]
) -> RawColumns | None:
    """Keep the columns of complete rows, or nothing where the features are these numbers."""
    numbers = all(column.kind == "number" for column in columns)  # of groups X has the codes
    if numbers and tuple(column.name for column in columns) == tuple(features):
        return None
    return {column.name: _raw_column(rows[column.name], column) for column in columns}


def _raw_column(
    values: "pd.Series[Any]", column: Column
) -> NDArray[np.float64] | CategoricalColumn:
    if column.kind == "number":
        return read_only(values.to_numpy())
    return CategoricalColumn(
        read_only(np.asarray(values.cat.codes)), tuple(values.cat.categories.tolist())
    )
