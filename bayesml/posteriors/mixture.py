"""Distributions of rows as mixtures of a likelihood, evaluated block by block.

A block holds at most `BLOCK` numbers, so that a million rows never meet all components at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.special import logsumexp

from bayesml.arguments import check_probability
from bayesml.likelihoods import Likelihood
from bayesml.posteriors.crps import crps_by_quadrature
from bayesml.posteriors.inversion import quantile
from bayesml.posteriors.kernels import Kernels
from bayesml.posteriors.rows import per_row, row_blocks
from bayesml.posteriors.shortest import Inverse, shortest_interval
from bayesml.typing import Array, ArrayLike, Integers

NODES = 801
FAR = 1e-12
"""Nodes reach from this level to its complement."""

Components = Callable[[slice], tuple[Array, Mapping[str, Any]]]


class Far(Protocol):
    """What knows the rows again for whose y the components are too few."""

    def rows(self, y: Array, eta: Array, parameters: Any, weights: Array) -> Integers:
        """Return which of b rows these are."""

    def log_density(self, rows: Integers, y: Array) -> Array:
        """Evaluate log p(y) of these rows."""

    def cdf(self, rows: Integers, y: Array) -> Array:
        """Evaluate P(Y ≤ y) of these rows."""

    def survival(self, rows: Integers, y: Array) -> Array:
        """Evaluate P(Y > y) of these rows, to their last digits."""


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""For every row, :math:`p(y) = \sum_k \pi_k\, p(y \mid \eta_k, \phi_k)` (P1).

    Attributes
    ----------
    rows : int
    weights : ndarray, shape (K,)
        :math:`\pi`, the same for every row.
    likelihood : Likelihood
        The kernel.
    components : callable
        Maps a slice of b rows to η of shape (b, K), or (k, b, K) for likelihoods that read k
        outputs, and parameters that broadcast against (b, K).
    tail_index : float
        Moments of this order and higher do not exist, though finitely many components have them.
    far : Far or None
        Evaluates at y far out, where the components stand for an integral; None where they are
        the mixture itself.
    """

    rows: int
    weights: Array
    likelihood: Likelihood
    components: Components
    tail_index: float = np.inf
    far: Far | None = None

    @property
    def discrete(self) -> bool:
        """False: it has a density; `LatticeMixture` is for whole numbers."""
        return False

    @cached_property
    def _log_weights(self) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(self.weights)

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        mean, variance = np.empty(self.rows), np.empty(self.rows)
        for block in self._blocks():
            eta, parameters = self.components(block)
            centres = self.likelihood.mean(eta, parameters)
            within = self.likelihood.sd(eta, parameters) ** 2
            mean[block] = centres @ self.weights
            between = (centres - mean[block][:, None]) ** 2
            variance[block] = (within + between) @ self.weights
        if self.tail_index <= 2.0 * (1 + 1e-6):
            variance[:] = np.inf
        if self.tail_index <= 1.0 + 1e-6:
            mean[:] = np.nan
        return mean, variance

    @property
    def mean(self) -> Array:
        """Means, shape (rows,)."""
        return self._moments[0]

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        return np.sqrt(self._moments[1])

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y) per row, for one y or one per row."""

        def near(y: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
            return self.likelihood.cdf(y, eta, parameters) @ self.weights

        return self._evaluate(y, near, None if self.far is None else self.far.cdf)

    def survival(self, y: ArrayLike) -> Array:
        """Evaluate P(Y > y) per row; small ones keep their digits."""

        def near(y: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
            return self.likelihood.survival(y, eta, parameters) @ self.weights

        return self._evaluate(y, near, None if self.far is None else self.far.survival)

    def log_density(self, y: ArrayLike) -> Array:
        """Evaluate log p(y) per row, for one y or one per row."""

        def near(y: Array, eta: Array, parameters: Mapping[str, Any]) -> Array:
            terms = self.likelihood.log_density(y, eta, parameters)
            return np.asarray(logsumexp(terms + self._log_weights, axis=1))

        return self._evaluate(y, near, None if self.far is None else self.far.log_density)

    def _evaluate(
        self,
        y: ArrayLike,
        near: Callable[[Array, Array, Mapping[str, Any]], Array],
        far_out: Callable[[Integers, Array], Array] | None,
    ) -> Array:
        """Evaluate a function of y per row over the components, and again where y is far out."""
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in self._blocks():
            eta, parameters = self.components(block)
            out[block] = near(y[block, None], eta, parameters)
            if self.far is not None and far_out is not None:
                rows = self.far.rows(y[block], eta, parameters, self.weights) + block.start
                out[rows] = far_out(rows, y[rows])
        return out

    def quantile(self, q: ArrayLike) -> Array:
        """Return y with P(Y ≤ y) = q, for one q or one per row (P50)."""
        level = per_row(check_probability(q), self.rows, "q")
        out = np.empty(self.rows)
        for block in self._blocks():
            moments = self.mean[block], self.sd[block]
            out[block] = quantile(self.kernels(block), level[block], *moments)
        return out

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Return the shortest interval of the given probability per row."""
        lower, upper = np.empty(self.rows), np.empty(self.rows)
        for block in self._blocks():
            rows = block.stop - block.start
            ends = shortest_interval(self._inverse(block), rows, probability)
            lower[block], upper[block] = ends
        return lower, upper

    def crps(self, y: Array) -> Array:
        """Score one observation a row, by quadrature (P51)."""
        out = np.empty(self.rows)
        for block in self._blocks():
            moments = self.mean[block], self.sd[block]
            out[block] = crps_by_quadrature(self.kernels(block), y[block], *moments)
        return out

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        r"""Yield blocks of rows with nodes y and weights w, (b, N): Σ w f(y) ≈ E[f(Y)].

        The trapezoidal rule in t, :math:`y = c + s \sinh t`, whose error vanishes faster than any
        power of the step for smooth f, and with its square for f with kinks.
        """
        ends = np.stack([self.quantile(level) for level in (FAR, 0.25, 0.5, 0.75, 1.0 - FAR)])
        centre, scale = ends[2], 0.5 * (ends[3] - ends[1])
        low, high = (np.arcsinh((ends[k] - centre) / scale) for k in (0, -1))
        for block in row_blocks(self.rows, NODES * len(self.weights)):
            t = np.linspace(low[block], high[block], NODES, axis=1)
            y = centre[block, None] + scale[block, None] * np.sinh(t)
            eta, wide = self.wide(block)
            terms = self.likelihood.log_density(
                y[:, :, None], eta[..., None, :], {k: v[:, None, :] for k, v in wide.items()}
            )
            density = np.exp(logsumexp(terms + self._log_weights, axis=-1)) * np.cosh(t)
            yield block, y, density / density.sum(axis=1, keepdims=True)

    def wide(self, block: slice) -> tuple[Array, dict[str, Array]]:
        """Return η of a block of rows, and parameters of the shape (b, K), by row."""
        eta, parameters = self.components(block)
        return eta, {k: np.broadcast_to(v, eta.shape[-2:]) for k, v in parameters.items()}

    def kernels(self, block: slice) -> Kernels:
        """Return the components of a block of rows."""
        return Kernels(self.likelihood, self.weights, *self.components(block))

    def _inverse(self, block: slice) -> Inverse:
        """Return the quantile function of the rows of a block."""
        kernels, mean, sd = self.kernels(block), self.mean[block], self.sd[block]

        def inverse(level: Array, row: Integers) -> Array:
            return quantile(kernels.take(row), level, mean[row], sd[row])

        return inverse

    def _blocks(self) -> Iterator[slice]:
        return row_blocks(self.rows, len(self.weights))
