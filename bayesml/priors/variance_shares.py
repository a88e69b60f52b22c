"""Scales whose squares share out an explained variance: (Z19) of docs/theory/sparse_priors.md."""

from dataclasses import dataclass

import numpy as np

from bayesml.priors.normal_rows import Values
from bayesml.typing import Array, Bools


@dataclass(frozen=True, eq=False)
class VarianceShares:
    """Scales of weights of which each explains a share of the variance (Z19).

    Attributes
    ----------
    units : ndarray, shape (n,)
        1/sd(x).
    first : int
        Where the weights begin in β.
    noise : str or float
        ν in the unit of η: a parameter of the likelihood by its name, or a number.
    """

    units: Array
    first: int
    noise: str | float

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
        share = np.asarray(values["r_squared"], dtype=np.float64)
        noise = values[self.noise] if isinstance(self.noise, str) else self.noise
        whole = np.asarray(noise * np.sqrt(share / (1.0 - share)))[..., None]
        local = values["local_scale"]
        own = self.units * whole * local / np.linalg.norm(local, axis=-1, keepdims=True)
        s = np.ones((*own.shape[:-1], self.first + len(self.units)))
        s[..., self.first :] = own
        return s

    def pull(self, values: Values, slopes: Array) -> dict[str, Array]:
        """Return Σ_k slopes_k ∂ log s_k/∂(value): of shares, what one gains all others lose."""
        g = slopes[..., self.first :]
        total, share = g.sum(axis=-1), values["r_squared"]
        local = np.asarray(values["local_scale"])
        square = np.sum(local**2, axis=-1, keepdims=True)
        out = {
            "r_squared": np.asarray(0.5 * total / (share * (1.0 - share))),
            "local_scale": np.asarray(g / local - total[..., None] * local / square),
        }
        if isinstance(self.noise, str):
            out[self.noise] = np.asarray(total / values[self.noise])
        return out
