"""Scales that the priors of several predictors infer, together. (Z3) of sparse_priors.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayesml.priors.base import Spread
from bayesml.priors.normal_rows import Values
from bayesml.typing import Array, Bools


class SpreadPart(NamedTuple):
    """The scales of one predictor, where its coefficients are, and what its values are called.

    Attributes
    ----------
    spread : Spread
    at : list of int
    names : mapping of own name to that among all
    """

    spread: Spread
    at: list[int]
    names: Mapping[str, str]

    def own(self, values: Values) -> Values:
        """Return the values, its own by the names of this predictor's prior."""
        return {**values, **{name: values[outer] for name, outer in self.names.items()}}


@dataclass(frozen=True, eq=False)
class JointSpread:
    """Locations and scales of the coefficients of several predictors (Z3).

    Attributes
    ----------
    parts : tuple of SpreadPart
        Of those whose scales are inferred.
    p : int
        Number of coefficients.
    """

    parts: tuple[SpreadPart, ...]
    p: int

    @property
    def location(self) -> Array:
        """Evaluate μ, zero where no scale is inferred."""
        out = np.zeros(self.p)
        for part in self.parts:
            out[part.at] = part.spread.location
        return out

    @property
    def scaled(self) -> Bools:
        """Which coefficients have a scale that is inferred."""
        out = np.zeros(self.p, dtype=np.bool)
        for part in self.parts:
            out[part.at] = part.spread.scaled
        return out

    def scale(self, values: Values) -> Array:
        """Return s, shape (..., p)."""
        found = [part.spread.scale(part.own(values)) for part in self.parts]
        batch = np.broadcast_shapes(*(s.shape[:-1] for s in found))
        out = np.ones((*batch, self.p))
        for part, s in zip(self.parts, found, strict=True):
            out[..., part.at] = s
        return out

    def pull(self, values: Values, slopes: Array) -> dict[str, Array]:
        """Return Σ_k slopes_k ∂ log s_k/∂τ, part by part."""
        out: dict[str, Array] = {}
        for part in self.parts:
            pulled = part.spread.pull(part.own(values), slopes[..., part.at])
            out |= {part.names.get(name, name): slope for name, slope in pulled.items()}
        return out
