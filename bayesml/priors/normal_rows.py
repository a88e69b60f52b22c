"""Normal priors on functionals of the coefficients: all that exactness asks of a prior.

Derived in docs/theory/linear_gaussian.md, (L3), and docs/theory/log_joint.md, (J6).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bayesml.linalg.doubled import residual
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Integers

ONE = np.ones(1)

Values = Mapping[str, Any]
"""Hyperparameters and the likelihood's parameters by name; leading axes are batches."""


class PriorTerms(NamedTuple):
    """A log prior density at β, of shape (..., p), and its derivatives.

    Attributes
    ----------
    value : ndarray, shape (...)
    score : ndarray, shape (..., p)
    by_value : mapping of name to ndarray
        Derivatives in the hyperparameters and the likelihood's parameters it depends on.
    """

    value: Any
    score: Array
    by_value: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class NormalRows:
    r"""Independent rows :math:`g_k^\top\beta \sim \mathrm{Normal}(\mu_k, \tau_{j(k)} s_k)`.

    Attributes
    ----------
    rows : ndarray, shape (k, p), or None
        Linearly independent; none for a coefficient with a flat prior. None is the identity.
    mean, sd : ndarray, shape (k,)
        In the unit of the functional.
    rows_error : ndarray, shape (k, p), or None
        What the rounding of `rows` left out.
    scale : str, tuple of str or None
        The hyperparameter τ, or the likelihood's parameter, that multiplies `sd`; several names
        are the entries of one τ.
    group : ndarray of int, shape (k,), or None
        Which entry of it, or −1 where the row is not scaled; None where it is one number.
    """

    rows: Array | None
    mean: Array
    sd: Array
    rows_error: Array | None = None
    scale: str | tuple[str, ...] | None = None
    group: Integers | None = None

    @property
    def P(self) -> Array:
        """The rows divided by their standard deviations, shape (k, p)."""
        return np.diag(1.0 / self.sd) if self.rows is None else self.rows / self.sd[:, None]

    @cached_property
    def log_normaliser(self) -> float:
        """Σ log(√(2π) s_k): of the rows as they are stated, τ apart."""
        return float(np.sum(np.log(self.sd) + HALF_LOG_2PI))

    def of(self, beta: Array) -> Array:
        """Evaluate the functionals at β of shape (..., p)."""
        return beta if self.rows is None else np.asarray(beta @ self.rows.T)

    def misfit(self, beta: Array) -> Array:
        """Evaluate (mean − rows·β)/sd, in doubled precision where rows cancel (A7)."""
        if self.rows is None or self.rows_error is None:
            return np.asarray((self.mean - self.of(beta)) / self.sd)
        away, low = residual(self.rows, self.mean, beta, (0.0, 0.0))
        return np.asarray((away + (low - self.rows_error @ beta)) / self.sd)

    def scales(self, values: Values) -> tuple[Array, Array]:
        """Return τ of every row, broadcastable against (..., k), and the standard deviations."""
        if self.scale is None:
            return ONE, self.sd
        tau = self._tau(values)
        if self.group is None:
            return tau[..., None], self.sd * tau[..., None]
        each = np.append(tau, np.ones((*tau.shape[:-1], 1)), axis=-1)[..., self.group]
        return each, self.sd * each

    def _tau(self, values: Values) -> Array:
        if isinstance(self.scale, tuple):
            return np.stack([np.asarray(values[name]) for name in self.scale], axis=-1)
        return np.asarray(values[self.scale or ""], dtype=np.float64)

    @property
    def scale_names(self) -> tuple[str, ...]:
        """The names of what multiplies the standard deviations."""
        if self.scale is None:
            return ()
        return self.scale if isinstance(self.scale, tuple) else (self.scale,)

    def precision(self, values: Values) -> Array:
        """Return PᵀP under the values: (p, p), or its diagonal (p,) for rows of the identity."""
        _, sd = self.scales(values)
        if self.rows is None:
            return np.asarray(sd**-2.0)
        scaled = self.rows / sd[:, None]
        return np.asarray(scaled.T @ scaled)

    def total(self, values: Array, at: Values) -> dict[str, Array]:
        """Sum numbers of every row, (..., k), over the entries of τ, by name."""
        if self.scale is None:
            return {}
        if self.group is None:
            return {self.scale_names[0]: np.asarray(values.sum(axis=-1))}
        size = self._tau(at).shape[-1]
        sums = by_group(values, self.group, size)
        if isinstance(self.scale, tuple):
            return {name: sums[..., k] for k, name in enumerate(self.scale)}
        return {self.scale: sums}


def normal_terms(rows: NormalRows, beta: Array, values: Values) -> PriorTerms:
    """Evaluate Σ_k log Normal(g_kᵀβ; μ_k, τ s_k) and its derivatives in β and in τ (J6)."""
    tau, sd = rows.scales(values)
    z = (rows.of(beta) - rows.mean) / sd
    value, pull = -0.5 * np.sum(z * z, axis=-1) - rows.log_normaliser, -z / sd
    score = pull if rows.rows is None else pull @ rows.rows
    if rows.scale is None:
        return PriorTerms(value, score, {})
    value = value - np.sum(np.broadcast_to(np.log(tau), z.shape), axis=-1)
    return PriorTerms(value, score, rows.total((z**2 - 1.0) / tau, values))


def by_group(values: Array, group: Integers, size: int) -> Array:
    """Sum numbers, (..., k), by the group of each: shape (..., size); group −1 is left out."""
    table = values.reshape(-1, values.shape[-1])
    sums = [np.bincount(group + 1, row, minlength=size + 1)[1:] for row in table]
    return np.array(sums).reshape(*values.shape[:-1], size)
