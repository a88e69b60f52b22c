"""From some rows of a table to a block: the same checks as in memory, part by part.

A reader is plain data, so that it can be sent to the workers of a cluster.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.array_designs import FrameDesign
from bayesml.data.blocks import Block
from bayesml.data.checks import require_finite, require_not_negative
from bayesml.data.designs import Design
from bayesml.data.frames import Part
from bayesml.data.messages import Labels, Place
from bayesml.data.missing import Missing


class Reader(Protocol):
    """How a part of a table becomes a block."""

    @property
    def design(self) -> Design:
        """How new input becomes X."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""


@dataclass(frozen=True)
class ColumnsReader:
    """Read columns as they are."""

    design: FrameDesign
    drop: bool

    @property
    def weights(self) -> str | None:
        """The column of observation weights."""
        return self.design.weights_name

    @property
    def columns(self) -> tuple[str, ...]:
        """The features, the target and the weights."""
        others = (self.design.target_name, self.weights)
        return (*self.design.feature_names, *(name for name in others if name is not None))

    def block(self, part: Part) -> Block:
        """Read the complete rows of a part; a DataError names those that cannot be used."""
        X = frames.matrix(part, self.design.feature_names, "X")
        y = number_column(part, self.design.target_name, "y")
        w = weights_of(part, self.weights)
        place = part.place
        if self.drop:
            kept = np.flatnonzero(~self.absent(part).any(axis=1))
            if len(kept) < len(y):
                X, y, w = X[kept], y[kept], None if w is None else w[kept]
                place = Place(place.where, place.start, kept)
        require_finite(X, "X", self.design.feature_names, place)
        require_finite(y, "y", labels=place)
        return Block(X, y, checked_weights(w, place), place)

    def absent(self, part: Part) -> NDArray[np.bool]:
        """Find the missing values of a part."""
        return np.isnan(frames.matrix(part, self.columns, "the data"))

    def missing(self, part: Part) -> Missing:
        """Report the rows of a part with missing values."""
        return Missing.of(self.absent(part), self.columns, part.place)


def number_column(part: Part, name: str, what: str) -> NDArray[np.float64]:
    """Read one column of a part as float64 numbers."""
    column = frames.select(part, [name], what)[name]
    return np.asarray(frames.numbers(column, f"column {name!r}"), dtype=np.float64)


def weights_of(part: Part, column: str | None) -> NDArray[np.float64] | None:
    """Read the observation weights of a part, where a column has them."""
    return None if column is None else number_column(part, column, "observation_weights")


def checked_weights(w: NDArray[np.float64] | None, place: Labels) -> NDArray[np.float64] | None:
    """Refuse weights of a part that are not finite or negative."""
    if w is not None:
        require_finite(w, "observation_weights", labels=place)
        require_not_negative(w, place)
    return w
