"""Joint laws of a few quantities: averages of expectations, and what is made of them.

Derived in docs/theory/effects.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from bayesml.arguments import one_probability
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.rows import per_row
from bayesml.typing import Array, ArrayLike, Bools, Integers

CHAINS, DRAWS = 4, 2500
"""Independent draws of what has no law in closed form, where the posterior has none of its own."""

Transform = Callable[[Array], Array]


class Coefficients(Protocol):
    """What linear functions are of: coefficients β, and effects where a model has them."""

    @property
    def p(self) -> int:
        """How many there are."""

    def total(self, X: Array, weights: Array) -> tuple[Array, float]:
        """Return Σ wᵢηᵢ over rows as Aβ + c: A of shape (p,), and c."""

    def entries(self, name: str, which: Integers) -> Array | None:
        """Return the functionals that give entries of a parameter, (entries, p), or None."""


@runtime_checkable
class LinearPosterior(Protocol):
    """A posterior that knows the distribution of any linear function of its coefficients."""

    @property
    def coordinates(self) -> Coefficients:
        """From rows to coefficients."""

    def closed_form(self, count: int) -> bool:
        """Say whether so many functionals are evaluated in closed form, or are too dear."""

    def functional(self, A: Array) -> Mixture:
        """Return the distribution of Aβ, row by row."""

    def sample_functional(self, A: Array, size: int, rng: np.random.Generator) -> Array:
        """Draw Aβ jointly, shape (size, rows)."""


class JointLaw(Protocol):
    """The joint posterior distribution of k quantities."""

    @property
    def size(self) -> int:
        """How many quantities there are."""

    @property
    def mean(self) -> Array:
        """Means, shape (k,)."""

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (k,)."""

    @property
    def covariance(self) -> Array:
        """Covariances, shape (k, k)."""

    @property
    def mcse(self) -> Array | None:
        """Monte Carlo standard errors of the means, shape (k,); None where nothing was drawn."""

    @property
    def certain(self) -> bool:
        """Whether there is one atom, a point estimate, so that no uncertainty is known."""

    @property
    def how(self) -> str:
        """How it is known, in words."""

    def quantile(self, q: float) -> Array:
        """Quantiles, shape (k,)."""

    def exceedance(self, threshold: ArrayLike) -> Array:
        """P(· > threshold), for one threshold or one per quantity."""

    def below(self, threshold: ArrayLike) -> Array:
        """P(· < threshold), for one threshold or one per quantity."""

    def combine(self, C: Array, constant: Array | float = 0.0) -> "JointLaw":
        """Return the joint law of Cq + constant."""

    def map(self, function: Transform) -> "DrawnLaw":
        """Return the law of a function of (k, chains, draws), by draws."""

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw jointly, shape (size, k)."""


@dataclass(frozen=True, eq=False)
class LinearLaw:
    r"""The law of :math:`A\beta + c`, which the posterior of a linear model knows (P7).

    Attributes
    ----------
    posterior : LinearPosterior
    A : ndarray, shape (k, p)
    constant : ndarray, shape (k,)
    seed : sequence of int
        From which draws are made, where a function of it asks for them.
    """

    posterior: LinearPosterior
    A: Array
    constant: Array
    seed: Sequence[int]

    @property
    def size(self) -> int:
        """How many quantities there are."""
        return len(self.A)

    @property
    def mean(self) -> Array:
        """Means."""
        return self._moved(self._known.mean) + self.constant

    @property
    def sd(self) -> Array:
        """Standard deviations."""
        return self._moved(self._known.sd)

    @cached_property
    def covariance(self) -> Array:
        """Covariances, from the variances of sums and differences of standardised pairs (P18)."""
        sd = np.where(self.sd > 0, self.sd, 1.0)
        i, j = np.triu_indices(self.size, 1)
        unit = self.A / sd[:, None]
        pairs = np.vstack([unit[i] + unit[j], unit[i] - unit[j]])
        variance = LinearLaw(self.posterior, pairs, np.zeros(len(pairs)), self.seed).sd ** 2
        out = np.diag((self.sd / sd) ** 2)
        out[i, j] = out[j, i] = 0.25 * (variance[: len(i)] - variance[len(i) :])
        return np.asarray(out * np.outer(sd, sd))

    @property
    def mcse(self) -> None:
        """Nothing was drawn."""
        return None

    @property
    def certain(self) -> bool:
        """No: it has a distribution."""
        return False

    @property
    def how(self) -> str:
        """In closed form."""
        return "exact"

    def quantile(self, q: float) -> Array:
        """Quantiles."""
        return self._moved(self._known.quantile(q)) + self.constant

    def exceedance(self, threshold: ArrayLike) -> Array:
        """P(· > threshold); small ones keep their digits."""
        away = per_row(threshold, self.size, "threshold") - self.constant
        out = (away < 0).astype(np.float64)
        out[self._moving] = self._known.survival(away[self._moving])
        return out

    def below(self, threshold: ArrayLike) -> Array:
        """P(· < threshold)."""
        away = per_row(threshold, self.size, "threshold") - self.constant
        out = (away > 0).astype(np.float64)
        out[self._moving] = self._known.cdf(away[self._moving])
        return out

    def combine(self, C: Array, constant: Array | float = 0.0) -> "LinearLaw":
        """Return the law of Cq + constant: a linear function as well."""
        return LinearLaw(self.posterior, C @ self.A, C @ self.constant + constant, self.seed)

    def map(self, function: Transform) -> "DrawnLaw":
        """Return the law of a function, by independent draws."""
        drawn = self.sample(CHAINS * DRAWS, np.random.default_rng(self.seed)).T
        return DrawnLaw(function(drawn.reshape(self.size, CHAINS, DRAWS)), True)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw jointly, shape (size, k)."""
        return self.posterior.sample_functional(self.A, size, rng) + self.constant

    @cached_property
    def _known(self) -> Mixture:
        return self.posterior.functional(self.A[self._moving])

    @cached_property
    def _moving(self) -> Bools:
        """Which quantities depend on a coefficient; others are their constant."""
        return np.asarray(np.any(self.A != 0.0, axis=1))

    def _moved(self, values: Array) -> Array:
        """Put values of what moves between zeros of what does not."""
        out = np.zeros(self.size)
        out[self._moving] = values
        return out


@dataclass(frozen=True, eq=False)
class DrawnLaw:
    """The law of quantities that are known by joint draws.

    Attributes
    ----------
    values : ndarray, shape (k, chains, draws)
    independent : bool
        Whether draws are, within chains; otherwise their autocorrelation counts.
    """

    values: Array
    independent: bool

    @property
    def size(self) -> int:
        """How many quantities there are."""
        return len(self.values)

    @property
    def mean(self) -> Array:
        """Means."""
        return np.asarray(self._flat.mean(axis=1))

    @property
    def sd(self) -> Array:
        """Standard deviations."""
        return np.asarray(self._flat.std(axis=1))

    @property
    def covariance(self) -> Array:
        """Covariances."""
        return np.atleast_2d(np.cov(self._flat, ddof=0))

    @cached_property
    def mcse(self) -> Array | None:
        """Monte Carlo standard errors of the means (P20); None of atoms, which are no draws."""
        chains, draws = self.values.shape[1:]
        if draws == 1:
            return None
        if self.independent:
            return np.asarray(self.sd / np.sqrt(chains * draws))
        from arviz_stats.base import array_stats

        vary = np.ptp(self._flat, axis=1) > 0
        out = np.zeros(self.size)
        out[vary] = [float(array_stats.mcse(v, method="mean")) for v in self.values[vary]]
        return out

    @property
    def certain(self) -> bool:
        """Whether there is one draw: a point estimate."""
        return bool(self._flat.shape[1] == 1)

    @property
    def how(self) -> str:
        """By so many draws."""
        chains, draws = self.values.shape[1:]
        if draws == 1:
            return "a point estimate" if chains == 1 else f"{chains} members"
        return f"{chains * draws:,} draws"

    def quantile(self, q: float) -> Array:
        """Quantiles, interpolated between draws."""
        level = one_probability(q)
        return np.asarray(np.quantile(self._flat, level, axis=1, method="hazen"))

    def exceedance(self, threshold: ArrayLike) -> Array:
        """P(· > threshold)."""
        at = per_row(threshold, self.size, "threshold")
        return np.asarray(np.mean(self._flat > at[:, None], axis=1))

    def below(self, threshold: ArrayLike) -> Array:
        """P(· < threshold)."""
        at = per_row(threshold, self.size, "threshold")
        return np.asarray(np.mean(self._flat < at[:, None], axis=1))

    def combine(self, C: Array, constant: Array | float = 0.0) -> "DrawnLaw":
        """Return the law of Cq + constant, draw by draw."""
        shift = np.broadcast_to(constant, len(C))[:, None, None]
        return DrawnLaw(np.tensordot(C, self.values, axes=1) + shift, self.independent)

    def map(self, function: Transform) -> "DrawnLaw":
        """Return the law of a function, draw by draw."""
        return DrawnLaw(function(self.values), self.independent)

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        """Draw jointly from the draws, shape (size, k)."""
        return self._flat[:, rng.integers(self._flat.shape[1], size=size)].T

    @property
    def _flat(self) -> Array:
        """Draws of all chains in a row, shape (k, K)."""
        return self.values.reshape(self.size, -1)
