"""Distributions of rows: mixtures of likelihoods, and atoms. Evaluated block by block.

A block holds at most `BLOCK` numbers, so that a million rows never meet all components at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise
from scipy.special import logsumexp, ndtri

from bayesml.errors import ConvergenceError, DataError
from bayesml.likelihoods import Likelihood
from bayesml.typing import Array, ArrayLike, Integers

BLOCK = 200_000
EPS = float(np.finfo(np.float64).eps)

Components = Callable[[slice], tuple[Array, Mapping[str, Any]]]
Values = Callable[[slice], Array]


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
    """

    rows: int
    weights: Array
    likelihood: Likelihood
    components: Components
    tail_index: float = np.inf

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
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in self._blocks():
            eta, parameters = self.components(block)
            out[block] = self.likelihood.cdf(y[block, None], eta, parameters) @ self.weights
        return out

    def log_density(self, y: ArrayLike) -> Array:
        """Evaluate log p(y) per row, for one y or one per row."""
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in self._blocks():
            eta, parameters = self.components(block)
            terms = self.likelihood.log_density(y[block, None], eta, parameters)
            out[block] = logsumexp(terms, axis=1, b=self.weights)
        return out

    def quantile(self, q: float) -> Array:
        """Return y with P(Y ≤ y) = q per row, by bracketing and Chandrupatla's method."""
        level = float(check_probability(q))
        out = np.empty(self.rows)
        for block in self._blocks():
            eta, parameters = self.components(block)
            wide = {k: np.broadcast_to(v, eta.shape[-2:]) for k, v in parameters.items()}
            out[block] = self._invert(level, eta, wide, self.mean[block], self.sd[block])
        return out

    def _invert(
        self, q: float, eta: Array, parameters: Mapping[str, Array], mean: Array, sd: Array
    ) -> Array:
        def excess(y: Array, row: Integers) -> Array:
            local = {name: value[row] for name, value in parameters.items()}
            below = self.likelihood.cdf(y[:, None], eta[..., row, :], local) @ self.weights
            return np.asarray(below - q)

        centre = np.where(np.isfinite(mean), mean, np.median(_first(eta), axis=1))
        spread = np.where(np.isfinite(sd), sd, 1.0 + np.abs(centre))
        out, settled = self._newton(q, eta, parameters, centre, spread)
        rows = np.flatnonzero(~settled & (spread > 4 * EPS * np.abs(centre)))
        if len(rows) == 0:
            return out
        low, high = (centre - spread)[rows], (centre + spread)[rows]
        bracket = elementwise.bracket_root(excess, low, high, args=(rows,), maxiter=2000)
        found = elementwise.find_root(excess, bracket.bracket, args=(rows,))
        if not np.all(found.success):
            raise ConvergenceError(
                f"The {q} quantile of {int(np.sum(~found.success))} row(s) was not found. Their "
                "predictive distribution may be degenerate: check the scales of the priors."
            )
        out[rows] = found.x
        return out

    def _newton(
        self, q: float, eta: Array, parameters: Mapping[str, Array], centre: Array, spread: Array
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Take a few Newton steps from the normal quantile; say which rows they settled.

        Steps that do not shrink leave their row to bracketing.
        """
        y, last = centre + spread * ndtri(q), np.full(len(centre), np.inf)
        settled = spread <= 4 * EPS * np.abs(centre)
        y[settled] = centre[settled]
        for _ in range(8):
            column = y[:, None]
            with np.errstate(all="ignore"):
                density = np.exp(self.likelihood.log_density(column, eta, parameters))
                excess = self.likelihood.cdf(column, eta, parameters) @ self.weights - q
                step = excess / (density @ self.weights)
            moving = ~settled & (np.abs(step) < 0.5 * last)
            y[moving] -= step[moving]
            last = np.where(moving, np.abs(step), -1.0)
            settled |= moving & (np.abs(step) <= 1e-9 * spread)
            if not np.any(moving & ~settled):
                break
        return y, settled

    def _blocks(self) -> Iterator[slice]:
        return row_blocks(self.rows, len(self.weights))


@dataclass(frozen=True, eq=False)
class Atoms:
    """For every row, weighted atoms: the distribution of a function of parameter draws.

    Attributes
    ----------
    rows : int
    weights : ndarray, shape (K,)
        Probabilities of the atoms, the same for every row.
    values : callable
        Maps a slice of b rows to atoms of shape (b, K).
    """

    rows: int
    weights: Array
    values: Values

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        mean, variance = np.empty(self.rows), np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            values = self.values(block)
            mean[block] = values @ self.weights
            variance[block] = (values - mean[block][:, None]) ** 2 @ self.weights
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
        """Evaluate P(Y ≤ y) per row."""
        y = per_row(y, self.rows, "y")
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            out[block] = (self.values(block) <= y[block, None]) @ self.weights
        return out

    def log_density(self, y: ArrayLike) -> Array:
        """Refuse: atoms have no density."""
        raise DataError(
            "The distribution of the mean is known by draws, which have no density. "
            "Ask the prediction itself for log_prob, or the mean for quantiles."
        )

    def quantile(self, q: float) -> Array:
        """Return quantiles per row, interpolated between atoms."""
        level = float(check_probability(q))
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.weights)):
            values = self.values(block)
            order = np.argsort(values, axis=1)
            midpoints = np.cumsum(self.weights[order], axis=1) - 0.5 * self.weights[order]
            ranked = np.take_along_axis(values, order, axis=1)
            out[block] = [
                np.interp(level, grid, row) for grid, row in zip(midpoints, ranked, strict=True)
            ]
        return out


def _first(eta: Array) -> Array:
    """Return the first output of η, shape (b, K)."""
    return eta if eta.ndim == 2 else np.asarray(eta[0])


def row_blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield slices of rows such that rows × width stays below `BLOCK`."""
    size = max(1, BLOCK // max(width, 1))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))


def per_row(value: ArrayLike, rows: int, name: str) -> Array:
    """Return one value per row, from one number or one per row."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or (array.ndim == 1 and array.shape[0] != rows):
        raise DataError(
            f"{name} has shape {array.shape}, but the prediction has {rows} rows: "
            "give one number, or one per row."
        )
    return np.broadcast_to(array, rows)


def check_probability(q: Any) -> Array:
    """Return probabilities strictly between 0 and 1, or say what was got."""
    array = np.asarray(q, dtype=np.float64)
    if not np.all((array > 0) & (array < 1)):
        raise DataError(f"A probability must lie strictly between 0 and 1, got {q!r}.")
    return array


def whole_number(value: Any, name: str) -> int:
    """Return a positive whole number, or say what was got."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"{name} must be a positive whole number, got {value!r}.")
    return int(value)
