"""Coordinates of the covariances of group effects that pass through scales of zero.

Derived in docs/theory/group_effects.md, (G35).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bayesml.log_joint.group_scales import GroupScales
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of every Λ, of either sign, each in the size of its column.

    Attributes
    ----------
    scales : GroupScales
    unit : float
        In which a scale is counted, of a column of size one.
    """

    scales: GroupScales
    unit: float

    @cached_property
    def places(self) -> tuple[tuple[int, int, int], ...]:
        """Which factor, row and column of its Λ an entry is."""
        parts = self.scales.parts
        return tuple((n, i, j) for n, part in enumerate(parts) for i, j in part.entries)

    @cached_property
    def units(self) -> Array:
        """What an entry of one stands for."""
        sizes = [self.scales.parts[n].sizes[i] for n, i, _ in self.places]
        return np.asarray(self.unit / np.array(sizes))

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.places)

    @property
    def start(self) -> Array:
        """Where a search begins: scales of half of their units, uncorrelated."""
        return np.array([0.5 * (i == j) for _, i, j in self.places])

    def factors(self, x: Array) -> list[Array]:
        """Return Λ of every factor, shape (..., d, d), at x of shape (..., size)."""
        parts = self.scales.parts
        out = [np.zeros((*x.shape[:-1], part.terms, part.terms)) for part in parts]
        for at, (n, i, j) in enumerate(self.places):
            out[n][..., i, j] = x[..., at] * self.units[at]
        return out

    def theta(self, x: Array) -> Array:
        """Return θ (G23); the log of a scale of zero is −∞."""
        pairs = zip(self.scales.parts, self.factors(x), strict=True)
        return np.concatenate([part.coordinates(factor) for part, factor in pairs], axis=-1)

    def slopes(self, of_factors: Sequence[Array]) -> Array:
        """Return derivatives by the entries from those by every Λ."""
        return np.array([of_factors[n][i, j] for n, i, j in self.places]) * self.units

    def names(self) -> Iterator[str]:
        """Yield what every scale is called, in the order of `rows`."""
        for part in self.scales.parts:
            yield from (part.group.scale_name(term) for term in part.group.terms)

    def rows(self) -> Iterator[NDArray[np.bool]]:
        """Yield which entries are of every scale, those of a row."""
        for row in dict.fromkeys((n, i) for n, i, _ in self.places):
            yield np.array([(n, i) == row for n, i, _ in self.places])
