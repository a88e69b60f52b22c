"""Distributions of rows on whole numbers. Derived in docs/theory/prediction.md, (P9)–(P11)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bayesml.arguments import check_probability
from bayesml.distributions import FiniteSupport
from bayesml.errors import ConvergenceError
from bayesml.likelihoods import Likelihood
from bayesml.posteriors.crps_of_atoms import crps_of_atoms
from bayesml.posteriors.mixture import FAR, Components, Mixture
from bayesml.posteriors.rows import per_row, row_blocks
from bayesml.posteriors.shortest import shortest_run
from bayesml.typing import Array, ArrayLike, Integers

CELLS = 1001
"""Most lattice points of a row that are visited one by one; more are taken together in cells."""

ROUNDING = 64 * float(np.finfo(np.float64).eps)
"""Of a distribution function that is a sum over components, relative."""

Reached = Callable[[Array, Array, Integers], NDArray[np.bool_]]
"""Says of levels, whole numbers and the rows that they belong to whether P(Y ≤ y) ≥ q."""


def row_mixture(
    rows: int,
    weights: Array,
    likelihood: Likelihood,
    components: Components,
    tail_index: float = np.inf,
) -> "Mixture | LatticeMixture":
    """Mix a likelihood for every row, on the line or on whole numbers as its support says.

    Parameters
    ----------
    rows, weights, likelihood, components, tail_index
        As in `Mixture`.
    """
    mixture = Mixture(rows, weights, likelihood, components, tail_index)
    return LatticeMixture(mixture) if likelihood.support.discrete else mixture


@dataclass(frozen=True, eq=False)
class LatticeMixture:
    r"""For every row, :math:`P(Y = y) = \sum_k \pi_k\, P(y \mid \eta_k, \phi_k)`, y whole.

    Moments and probabilities are those of the mixture. Quantiles and intervals are whole numbers,
    found by their definitions (P9), (P10): there is no density to divide by.

    Attributes
    ----------
    mixture : Mixture
        Of a likelihood whose support is discrete.

    Examples
    --------
    >>> from bayesml.likelihoods import Poisson
    >>> eta = np.log([[2.5, 3.5]])
    >>> two = row_mixture(1, np.array([0.5, 0.5]), Poisson(), lambda b: (eta[b], {}))
    >>> two.quantile(0.5), two.highest_density_interval(0.9)
    (array([3.]), (array([0.]), array([5.])))
    """

    mixture: Mixture

    @property
    def discrete(self) -> bool:
        """True."""
        return True

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.mixture.rows

    @property
    def mean(self) -> Array:
        """Means, shape (rows,), which need not be whole."""
        return self.mixture.mean

    @property
    def sd(self) -> Array:
        """Standard deviations, shape (rows,)."""
        return self.mixture.sd

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(Y ≤ y) per row, for one y or one per row."""
        return self.mixture.cdf(y)

    def survival(self, y: ArrayLike) -> Array:
        """Evaluate P(Y > y) per row; small ones keep their digits."""
        return self.mixture.survival(y)

    def log_density(self, y: ArrayLike) -> Array:
        """Evaluate log P(Y = y) per row, −∞ where y is not on the lattice."""
        return self.mixture.log_density(y)

    def class_probabilities(self) -> Array | None:
        """Evaluate P(Y = k) of every class k, shape (rows, K); None where y is a count."""
        support = self.mixture.likelihood.support
        if not isinstance(support, FiniteSupport) or support.size is None:
            return None
        each = [np.exp(self.log_density(float(k))) for k in range(support.size)]
        return np.stack(each, axis=1)

    def crps(self, y: Array) -> Array:
        """Score one observation a row (P13)."""
        return crps_of_atoms(self, y)

    def quantile(self, q: ArrayLike) -> Array:
        """Return the least whole y with P(Y ≤ y) ≥ q, for one q or one per row (P9)."""
        level = per_row(check_probability(q), self.rows, "q")
        out = np.empty(self.rows)
        for block in row_blocks(self.rows, len(self.mixture.weights)):
            out[block] = self._least(block, level[block])
        return out

    def highest_density_interval(self, probability: float) -> tuple[Array, Array]:
        """Return the fewest consecutive whole numbers of at least the probability, per row (P10).

        Of equally many, the most probable. Where a row is spread over more than `CELLS` numbers,
        the lower end is the best of so many, and the upper end the least that suffices.
        """
        lower, upper = np.empty(self.rows), np.empty(self.rows)
        wide = np.zeros(self.rows, dtype=np.bool)
        for block, start, step, mass in self._cells():
            ends = shortest_run(mass, probability)
            lower[block], upper[block] = (start[np.arange(len(start)), end] for end in ends)
            wide[block] = step > 1
        if np.any(wide):
            level = np.minimum(self.cdf(lower - 1.0) + probability, 1.0 - FAR)
            upper = np.where(wide, self.quantile(level), upper)
        return lower, upper

    def nodes(self) -> Iterator[tuple[slice, Array, Array]]:
        """Yield blocks of rows with whole numbers y and their probabilities w, (b, N).

        All of them but 1e-12 of the mass; of a row spread over more than `CELLS`, the middles of
        equal cells with the probability of the whole cell (P11).
        """
        for block, start, step, mass in self._cells():
            yield block, start + 0.5 * (step[:, None] - 1.0), mass

    def _cells(self) -> Iterator[tuple[slice, Array, Array, Array]]:
        """Yield blocks of rows with cells: first numbers (b, N), sizes (b,) and masses (b, N).

        Sizes are odd, so that a cell has a middle; masses add up to one. Rows with fewer cells
        than others repeat their last one without mass.
        """
        first, last = self.quantile(FAR), self.quantile(1.0 - FAR)
        step = 1.0 + 2.0 * np.ceil(0.5 * np.maximum((last - first + 1.0) / CELLS - 1.0, 0.0))
        number = np.ceil((last - first + 1.0) / step)
        widest = int(number.max(initial=1))
        for block in row_blocks(self.rows, widest * len(self.mixture.weights)):
            cells = np.arange(number[block].max())
            start = first[block, None] + step[block, None] * cells
            one_by_one = bool(np.all(step[block] == 1))
            masses = self._probabilities if one_by_one else self._cell_masses
            mass = np.where(cells < number[block, None], masses(block, start, step[block]), 0.0)
            end = first[block] + step[block] * (number[block] - 1.0)
            repeated = np.minimum(start, end[:, None])
            yield block, repeated, step[block], mass / mass.sum(axis=1, keepdims=True)

    def _probabilities(self, block: slice, y: Array, step: Array) -> Array:
        """Evaluate P(Y = y) at lattice points, (b, N)."""
        mixture = self.mixture
        eta, parameters = mixture.wide(block)
        terms = mixture.likelihood.log_density(
            y[:, :, None], eta[..., None, :], {k: v[:, None, :] for k, v in parameters.items()}
        )
        return np.asarray(np.exp(terms) @ mixture.weights)

    def _cell_masses(self, block: slice, start: Array, step: Array) -> Array:
        """Evaluate P(start ≤ Y < start + step), (b, N), from the nearer tail (P11)."""
        mixture = self.mixture
        eta, parameters = mixture.wide(block)
        edges = np.concatenate([start, start[:, -1:] + step[:, None]], axis=1) - 1.0
        below, above = np.empty(edges.shape), np.empty(edges.shape)
        right = edges > self.mean[block, None]
        for side, tail, one, other in (
            (~right, mixture.likelihood.cdf, below, above),
            (right, mixture.likelihood.survival, above, below),
        ):
            row = np.nonzero(side)[0]
            local = {name: value[row] for name, value in parameters.items()}
            one[side] = tail(edges[side][:, None], eta[..., row, :], local) @ mixture.weights
            other[side] = 1.0 - one[side]
        mass = np.where(right[:, :-1], -np.diff(above), np.diff(below))
        return np.maximum(mass, 0.0)

    def _least(self, block: slice, level: Array) -> Array:
        """Return the least whole y with P(Y ≤ y) ≥ level: bracketed by doubling, then halved."""
        reached = self._reached(block)
        mean, sd = self.mean[block], self.sd[block]
        rows = np.arange(len(level))
        with np.errstate(invalid="ignore"):
            guess = np.floor(mean + sd * ndtri(level))
        guess = np.where(np.isfinite(guess), guess, 0.0)
        reach = np.where(np.isfinite(sd), np.ceil(0.1 * sd), 0.0) + 1.0
        low, high = guess - reach, guess + reach
        while len(short := rows[~reached(level[rows], high[rows], rows)]) > 0:
            _check_reach(reach[short])
            low[short], reach[short] = high[short], 2.0 * reach[short]
            high[short], rows = high[short] + reach[short], short
        rows = np.arange(len(level))
        while len(past := rows[reached(level[rows], low[rows], rows)]) > 0:
            _check_reach(reach[past])
            high[past], reach[past] = low[past], 2.0 * reach[past]
            low[past], rows = low[past] - reach[past], past
        return _halved(reached, level, low, high)

    def _reached(self, block: slice) -> Reached:
        """Return the comparison of P(Y ≤ y) with a level, made in the nearer tail."""
        mixture = self.mixture
        eta, parameters = mixture.wide(block)

        def reached(level: Array, y: Array, row: Integers) -> NDArray[np.bool_]:
            at = y[:, None], eta[..., row, :], {k: v[row] for k, v in parameters.items()}
            upper = level > 0.5
            if np.all(upper):
                above = mixture.likelihood.survival(*at) @ mixture.weights
                return np.asarray(above <= (1.0 - level) * (1.0 + ROUNDING))
            below = mixture.likelihood.cdf(*at) @ mixture.weights >= level * (1.0 - ROUNDING)
            if not np.any(upper):
                return np.asarray(below)
            above = mixture.likelihood.survival(*at) @ mixture.weights
            return np.where(upper, above <= (1.0 - level) * (1.0 + ROUNDING), below)

        return reached


def _halved(reached: Reached, level: Array, low: Array, high: Array) -> Array:
    """Halve brackets of whole numbers, low not reached and high reached, down to one."""
    rows = np.arange(len(level))
    while True:
        middle = np.floor(0.5 * (low[rows] + high[rows]))
        inside = (middle > low[rows]) & (middle < high[rows])
        rows, middle = rows[inside], middle[inside]
        if len(rows) == 0:
            return high
        there = reached(level[rows], middle, rows)
        high[rows[there]], low[rows[~there]] = middle[there], middle[~there]


def _check_reach(reach: Array) -> None:
    """Refuse to look for a quantile beyond all numbers: it is not there."""
    if np.any(reach > 1e300):
        raise ConvergenceError(
            f"A quantile of {int(np.sum(reach > 1e300))} row(s) was not found. Their predictive "
            "distribution may be degenerate: check the scales of the priors."
        )
