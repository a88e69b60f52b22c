"""The data term of the linear Gaussian model, and its residuals to the last digit.

Derived in docs/theory/linear_gaussian.md and docs/theory/accuracy.md, whose labels are cited.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import fsum, sqrt

import numpy as np

from bayesml.data import Block
from bayesml.data.statistics import SufficientStatistics
from bayesml.linalg import RankReport, rank_report, solve_upper, triangular_factor
from bayesml.linalg.doubled import CHUNK, exact_dot, inner_products, residual, two_product
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array

EPS = float(np.finfo(np.float64).eps)
Residuals = Callable[[Array], tuple[Array, float]]
"""Maps β to Σ wᵢ aᵢ (yᵢ − aᵢᵀβ), the data's pull, and to the sum of squares (A5)."""


@dataclass(frozen=True, eq=False)
class LeastSquares:
    r"""The data term: :math:`\sum_i w_i (y_i - a_i^\top\beta)^2 = \|d - M\beta\|^2 + \rho^2` (L2).

    Where precisions are known, :math:`w_i p_i` is in the place of :math:`w_i` (S8).

    Attributes
    ----------
    M : ndarray, shape (p, p)
        Upper triangular.
    d : ndarray, shape (p,)
    floor : float
        :math:`\rho^2`, in squared units of y; exactly zero at the rounding level of y.
    weight : float
        W.
    rank : RankReport
    rounding : float
        The sum of squares that the rounding of y alone can explain.
    log_precisions : float
        :math:`\sum_i w_i \log p_i`, zero where no precision is known.
    """

    M: Array
    d: Array
    floor: float
    weight: float
    rank: RankReport
    rounding: float
    log_precisions: float = 0.0

    @property
    def log_constant(self) -> float:
        """What the log likelihood has beside squares and σ: −W log(2π)/2 + Σ wᵢ log pᵢ/2 (S8)."""
        return -self.weight * HALF_LOG_2PI + 0.5 * self.log_precisions

    def residuals(self, beta: Array) -> tuple[Array, float]:
        """Return the data's pull Mᵀ(d − Mβ) and the sum of squares at β, from the factor."""
        rest = self.d - self.M @ beta
        return rest @ self.M, self.above_rounding(float(rest @ rest) + self.floor)

    def solution(self) -> Array:
        """Return a minimiser, the one of least norm in scaled columns if there are many."""
        if self.rank.null_space.shape[1] == 0:
            return solve_upper(self.M, self.d)
        return self.rank.solve(self.d)

    def above_rounding(self, squares: float) -> float:
        """Return a sum of squares, or zero if the rounding of y explains it."""
        return squares if squares > self.rounding else 0.0


def least_squares(statistics: SufficientStatistics, *, intercept: bool) -> LeastSquares:
    """Arrange the sufficient statistics as a least-squares problem (L2)."""
    n, R, mass = statistics.n, statistics.R, statistics.mass
    noise = statistics.noise[:n]
    if intercept:
        M: Array = np.zeros((n + 1, n + 1))
        M[0, 0], M[1:, 1:] = sqrt(mass), R[:n, :n]
        d = np.append(sqrt(mass) * statistics.mean_y, R[:n, n])
        floor, noise = R[n, n] ** 2, np.append(0.0, noise)
    else:
        means = sqrt(mass) * np.append(statistics.mean_X, statistics.mean_y)
        full = triangular_factor(np.vstack([means, R]))
        M, d, floor = full[:n, :n], full[:n, n], full[n, n] ** 2
    size = float(np.linalg.norm(R[:, n])) + abs(statistics.mean_y) * sqrt(mass)
    rounding = (8 * (n + 1) * EPS * size) ** 2
    above = float(floor) if floor > rounding else 0.0
    logarithms = 0.0 if statistics.precisions is None else statistics.precisions.logarithms
    rank = rank_report(M, noise)
    return LeastSquares(M, d, above, statistics.weight, rank, rounding, logarithms)


@dataclass(frozen=True, eq=False)
class RowResiduals:
    """The same pull from the rows themselves, in doubled precision (A5).

    Attributes
    ----------
    blocks : callable
        Returns the rows, block by block, each time it is called.
    origin, origin_error : ndarray, shape (n,)
        Mean of the features, where the intercept is counted from, rounded, and the rest.
    intercept : bool
    term : LeastSquares
    """

    blocks: Callable[[], Iterable[Block]]
    origin: Array
    origin_error: Array
    intercept: bool
    term: LeastSquares

    def __call__(self, beta: Array) -> tuple[Array, float]:
        """Return Σ wᵢ aᵢ rᵢ and Σ wᵢ rᵢ², rᵢ = yᵢ − aᵢᵀβ accumulated in doubled precision."""
        theta = beta[int(self.intercept) :]
        at_zero = (0.0, 0.0)
        if self.intercept:
            start, low = exact_dot(np.append(1.0, -self.origin), beta)
            at_zero = (start, low - float(self.origin_error @ theta))
        pulls: list[Array] = []
        totals: list[float] = []
        squares: list[float] = []
        for block in _chunks(self.blocks()):
            X, w = block.X, block.observation_weights
            r, rest = residual(X, block.y, theta, at_zero)
            weighted, rest = (r, rest) if w is None else _scaled(w, r, rest)
            above, below = inner_products(X, weighted)
            pulls += [above, below, rest @ X]
            totals += [*weighted.tolist(), *rest.tolist()]
            squares.append(float(weighted @ r))
        total = fsum(totals) if self.intercept else 0.0
        pull = [
            fsum([*column, -total * centre])
            for column, centre in zip(np.transpose(pulls), self.origin, strict=True)
        ]
        gradient = np.array([total, *pull] if self.intercept else pull)
        return gradient, self.term.above_rounding(fsum(squares))


def _scaled(w: Array, r: Array, rest: Array) -> tuple[Array, Array]:
    product, error = two_product(w, r)
    return product, error + w * rest


def _chunks(blocks: Iterable[Block]) -> Iterable[Block]:
    for block in blocks:
        w = block.observation_weights
        for start in range(0, len(block.y), CHUNK):
            rows = slice(start, start + CHUNK)
            yield Block(block.X[rows], block.y[rows], None if w is None else w[rows])
