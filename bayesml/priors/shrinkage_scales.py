"""A global scale times local ones, under a slab: (Z15) of docs/theory/sparse_priors.md."""

from dataclasses import dataclass

import numpy as np

from bayesml.priors.normal_rows import Values
from bayesml.typing import Array, Bools

FARTHEST = 1e150
"""Of a scale in slabs, whose square is still a number; `hypot` takes five times as long."""


@dataclass(frozen=True, eq=False)
class ShrinkageScales:
    """Scales of weights that are a global one times local ones, under a slab (Z15).

    Attributes
    ----------
    units : ndarray, shape (n,)
        1/sd(x).
    first : int
        Where the weights begin in β.
    slab : bool
    """

    units: Array
    first: int
    slab: bool

    @property
    def location(self) -> Array:
        """Zero."""
        return np.zeros(self.first + len(self.units))

    @property
    def scaled(self) -> Bools:
        """All but the intercept."""
        return np.arange(self.first + len(self.units)) >= self.first

    def scale(self, values: Values) -> Array:
        """Return s, shape (..., p)."""
        product = self._product(values)
        if self.slab:
            over = np.minimum(product / values["slab"][..., None], FARTHEST)
            product = product / np.sqrt(1.0 + over * over)
        s = np.ones((*product.shape[:-1], self.first + len(self.units)))
        s[..., self.first :] = self.units * product
        return s

    def pull(self, values: Values, slopes: Array) -> dict[str, Array]:
        """Return Σ_k slopes_k ∂ log s_k/∂(value): the slab takes its share q of each."""
        g, share = slopes[..., self.first :], 1.0
        out: dict[str, Array] = {}
        if self.slab:
            product, c = self._product(values), values["slab"][..., None]
            q = (product / np.hypot(product, c)) ** 2
            share = 1.0 - q
            out["slab"] = np.asarray((g * q).sum(axis=-1) / values["slab"])
        out["global_scale"] = np.asarray((g * share).sum(axis=-1) / values["global_scale"])
        out["local_scale"] = np.asarray(g * share / values["local_scale"])
        return out

    def _product(self, values: Values) -> Array:
        tau = np.asarray(values["global_scale"], dtype=np.float64)[..., None]
        return np.asarray(tau * values["local_scale"])
