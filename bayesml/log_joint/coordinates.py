"""Unbounded coordinates of everything that is inferred. Derived in docs/theory/log_joint.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from bayesml.distributions import ContinuousSupport, Distribution, support_of
from bayesml.model import Problem
from bayesml.predictors import Frame
from bayesml.priors import NonCentred, Spread
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Free:
    """A parameter beside β that is inferred: φ = T(reference + u), entry by entry (J4).

    Attributes
    ----------
    name : str
    prior : Distribution
        Of every entry.
    support : ContinuousSupport
        With its bijection T.
    reference : float
        Where u = 0 lies, unbounded.
    shape : tuple of int
    """

    name: str
    prior: Distribution
    support: ContinuousSupport
    reference: float
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, name: str, prior: Distribution, support: ContinuousSupport, start: float) -> "Free":
        """Return a parameter of the likelihood, u = 0 at its start where its prior allows that."""
        within = support_of(prior, support)
        reference = float(within.unconstrain(start)) if within.contains(start) else 0.0
        return cls(name, prior, within, reference)

    @property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Coordinates:
    """x = (z, u₁, u₂, …): β in its frame, and what else is inferred, unbounded.

    Coefficients whose scale s is inferred are in units of a power of it, β = μ + s(u)ʷ ⊙ z (Z3):
    what the data do not tell of them is independent of the scale with w = 1, what they do with 0.

    Attributes
    ----------
    frame : Frame
    free : tuple of Free
    known : mapping of name to float or ndarray
        Parameters that are given.
    spread : Spread or None
        Locations and scales of coefficients whose scales are inferred.
    power : ndarray, shape (p,), or float
        w.
    """

    frame: Frame
    free: tuple[Free, ...]
    known: Mapping[str, Any]
    spread: Spread | None = None
    power: Array | float = 1.0

    @property
    def p(self) -> int:
        """Number of coefficients, which come first."""
        return self.frame.p

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.p + sum(block.size for block in self.free)

    def blocks(self) -> Iterator[tuple[Free, Any]]:
        """Yield what is free with where it lies: an index, or a slice where it has entries."""
        start = self.p
        for block in self.free:
            yield block, slice(start, start + block.size) if block.shape else start
            start += block.size

    def beta(self, x: Array) -> Array:
        """Return β, shape (..., p)."""
        z = x[..., : self.p]
        if self.spread is None:
            return self.frame.beta(z)
        return np.asarray(self._origin(self.spread) + self.unit(self.values(x)) * z)

    def unit(self, values: Mapping[str, Any]) -> Array:
        """Return ∂β/∂z, the unit of every coefficient, shape (..., p)."""
        if self.spread is None:
            return self.frame.scale
        return np.where(
            self.spread.scaled, self.spread.scale(values) ** self.power, self.frame.scale
        )

    def _origin(self, spread: Spread) -> Array:
        return np.where(spread.scaled, spread.location, self.frame.start)

    def jacobian(self, x: Array) -> Array:
        """Return ∂β/∂x at one x, shape (p, size)."""
        values = self.values(x)
        out = np.zeros((self.p, self.size))
        out[:, : self.p] = np.diag(self.unit(values))
        if self.spread is not None:
            moved = self.power * self.unit(values) * x[: self.p] * self.spread.scaled
            slopes = self.spread.pull(values, np.diag(moved))
            for block, at in self.blocks():
                if block.name in slopes:
                    slope = block.support.slope(block.reference + x[at])
                    out[:, at] = slopes[block.name] * slope
        return out

    def values(self, x: Array) -> dict[str, Any]:
        """Return every parameter beside β by name, each of shape (..., *shape)."""
        free = {
            block.name: block.support.constrain(block.reference + x[..., at])
            for block, at in self.blocks()
        }
        return {**self.known, **free}

    def errors(self, x: Array, sd: Array) -> dict[str, Any]:
        """Return standard deviations of the values beside β from those of x (delta method)."""
        return {
            block.name: block.support.slope(block.reference + x[at]) * sd[at]
            for block, at in self.blocks()
        }

    def x(self, beta: Array, values: Mapping[str, Any]) -> Array:
        """Return the coordinates of β and of the values of what is free."""
        spread = self.spread
        parts = [
            self.frame.z(beta)
            if spread is None
            else (beta - self._origin(spread)) / self.unit(values)
        ]
        for block, _ in self.blocks():
            u = block.support.unconstrain(values[block.name]) - block.reference
            parts.append(u if block.shape else u[..., None])
        return np.concatenate(parts, axis=-1)

    def named(self, x: Array) -> dict[str, Array]:
        """Return everything that is inferred by the user's names, in the user's units."""
        values = self.values(x)
        found = self.frame.named(self.beta(x)) | {b.name: values[b.name] for b in self.free}
        # Copies, not views: sums over draws then run in one order, before and after they are saved.
        return {name: np.array(value, order="C") for name, value in found.items()}

    def given(self, values: Mapping[str, Any]) -> "Coordinates":
        """Return the coordinates of β alone, with all else known."""
        return replace(self, free=(), known={**self.known, **values})


def coordinates_of(problem: Problem) -> Coordinates:
    """Return the coordinates of a problem: β, the likelihood's parameters, the prior's scales."""
    likelihood, statistics = problem.model.likelihood, problem.statistics
    start = likelihood.start(statistics.mean_y, statistics.sd_noise or 1.0)
    supports = likelihood.parameter_supports
    free = [
        Free.of(name, prior, supports[name], start[name])
        for name, prior in problem.inferred.items()
    ]
    for name, unknown in problem.hyperparameters.items():
        if name not in problem.inferred:
            free.append(Free(name, unknown.prior, unknown.support, 0.0, unknown.shape))
    stated = problem.prior
    spread = stated.spread(problem) if isinstance(stated, NonCentred) else None
    if spread is not None and not spread.scaled.any():
        spread = None
    return Coordinates(problem.frame, tuple(free), problem.known, spread)
