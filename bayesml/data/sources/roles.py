"""Roles that some sources have beside that of a source: arrays at hand, or what is left of rows."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesml.data.blocks import Source
from bayesml.data.formulas.raw_columns import RawColumns
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.statistics import SufficientStatistics


@runtime_checkable
class HoldsArrays(Source, Protocol):
    """Rows that are in memory."""

    @property
    def X(self) -> NDArray[np.float64] | NDArray[np.float32]:
        """Features, shape (m, n)."""

    @property
    def y(self) -> NDArray[np.float64]:
        """Target, shape (m,)."""

    @property
    def observation_weights(self) -> NDArray[np.float64] | None:
        """How many times each row counts; None where every row counts once."""

    @property
    def columns(self) -> RawColumns | None:
        """What a formula made X of, by name; None where X is what was given."""


@runtime_checkable
class StandsForRows(Source, Protocol):
    """Sufficient statistics in the place of rows that are gone."""

    @property
    def statistics(self) -> SufficientStatistics:
        """Of a linear Gaussian model."""

    @property
    def grouped(self) -> GroupedStatistics | None:
        """Of one with effects of groups or curves, where the data have these."""
