"""Objectives for the optimizers: least squares, and the negative log posterior density.

Derived in docs/theory/point_estimates.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.distributions import Distribution, Flat, grouped
from bayesml.inference.terms import DataTerm, RowsTerm, Standardisation, StatisticsTerm, standardise
from bayesml.likelihoods import Gaussian
from bayesml.model import Problem
from bayesml.optimizers import by_index
from bayesml.posteriors.least_squares import LeastSquares, least_squares
from bayesml.typing import Array, Integers


@dataclass(frozen=True, eq=False)
class MeanSquaredError:
    r"""The mean squared error in standardised coordinates, in units of the target's variance.

    .. math:: J(\theta)/s_y^2 = \frac{1}{W s_y^2} \sum_i w_i (y_i - \eta_i)^2 \qquad (E1)

    Values and gradients come from the triangular factor, minibatches from the rows.
    """

    problem: Problem
    data: LeastSquares
    frame: Standardisation

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return self.problem.data.m

    def value(self, x: Array) -> float:
        """Evaluate J/s_y²."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate J/s_y² and its gradient 2 M̃ᵀM̃(z − ẑ)."""
        residual = self._M @ x - self._d
        value = float(residual @ residual) + self._floor
        return value, 2.0 * (residual @ self._M)

    def hessian(self, x: Array) -> Array:
        """Evaluate 2 M̃ᵀM̃, the normal matrix."""
        return np.asarray(2.0 * self._M.T @ self._M)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Array], Array]]:
        """Yield gradients from a few rows at a time."""
        return by_index(self.rows, size, rng, self._gradient_of)

    def _gradient_of(self, x: Array, rows: Integers) -> Array:
        A, y, w = self._rows
        scale = len(y) / (len(rows) * self.data.weight)
        return np.asarray(2.0 * ((scale * w[rows] * (A[rows] @ x - y[rows])) @ A[rows]))

    @property
    def unit(self) -> float:
        """s_y², by which to multiply values to get J in squared units of y."""
        return self.frame.sd_y**2

    @cached_property
    def _M(self) -> Array:
        unit = self.frame.sd_y * np.sqrt(self.data.weight)
        return np.asarray(self.data.M * (self.frame.scale / unit))

    @cached_property
    def _d(self) -> Array:
        unit = self.frame.sd_y * np.sqrt(self.data.weight)
        return np.asarray((self.data.d - self.data.M @ self.frame.start) / unit)

    @property
    def _floor(self) -> float:
        return self.data.floor / (self.data.weight * self.frame.sd_y**2)

    @cached_property
    def _rows(self) -> tuple[Array, Array, Array]:
        term = RowsTerm.of(self.problem, self.frame)
        return term.A, (term.y - self.frame.centre) / self.frame.sd_y, term.w


@dataclass(frozen=True, eq=False)
class NegativeLogDensity:
    r"""The negative log likelihood, plus the negative log prior, per unit of weight.

    Coordinates are :math:`(z, \log\phi)`; the density is the one of the user's parameters
    :math:`(\beta, \phi)`, without a Jacobian, so that its minimum is the MAP on the user's scale.

    Attributes
    ----------
    term : DataTerm
    frame : Standardisation
    priors : tuple of (ndarray of int, Distribution)
        Proper priors by family, with the rows of `rows_of_prior` they are on; empty for
        maximum likelihood.
    rows_of_prior : ndarray, shape (p, p)
        The functionals of β that have priors.
    noise_priors : mapping of name to Distribution
        Noise parameters that are estimated, with their priors (`Flat` for maximum likelihood).
    known : mapping of name to float
    reference : mapping of name to float
        φ at log-coordinate zero.
    weight : float
        W.
    """

    term: DataTerm
    frame: Standardisation
    priors: tuple[tuple[Integers, Distribution], ...]
    rows_of_prior: Array
    noise_priors: dict[str, Distribution]
    known: dict[str, float]
    reference: dict[str, float]
    weight: float

    @property
    def p(self) -> int:
        """Number of coefficients; the logs of the estimated noise parameters follow them."""
        return len(self.frame.start)

    @property
    def start(self) -> Array:
        """The origin: β at the mean of the target, noise at its reference."""
        return np.zeros(self.p + len(self.noise_priors))

    def noise(self, x: Array) -> dict[str, float]:
        """Return every noise parameter at x."""
        estimated = {
            name: self.reference[name] * float(np.exp(x[self.p + k]))
            for k, name in enumerate(self.noise_priors)
        }
        return {**self.known, **estimated}

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient."""
        return self._evaluate(self.term, x)

    def _evaluate(self, term: DataTerm, x: Array) -> tuple[float, Array]:
        noise = self.noise(x)
        value, by_z, by_noise = term.value_and_gradient(x[: self.p], noise)
        gradient = np.empty(len(x))
        gradient[: self.p] = by_z
        if self.priors:
            functionals = self.rows_of_prior @ self.frame.beta(x[: self.p])
            scores = np.zeros(self.p)
            for where, prior in self.priors:
                value += float(np.sum(prior.log_density(functionals[where])))
                scores[where] = prior.score(functionals[where])
            gradient[: self.p] += self.frame.scale * (scores @ self.rows_of_prior)
        for k, (name, prior) in enumerate(self.noise_priors.items()):
            value += float(prior.log_density(noise[name]))
            slope = by_noise[name] + float(prior.score(noise[name]))
            gradient[self.p + k] = slope * noise[name]
        return -value / self.weight, -gradient / self.weight

    def hessian(self, x: Array) -> Array:
        """Difference the gradient centrally; relative error about 1e-10 in these coordinates."""
        return differenced_hessian(self.value_and_gradient, x)


@dataclass(frozen=True, eq=False)
class Unconstrained:
    r"""The negative log density of :math:`(z, \log\phi)` itself, with its Jacobian.

    .. math:: -\log p(z, \log\phi \mid y) = -\log p(\beta, \phi \mid y) - \sum_k \log \phi_k

    per unit of weight and up to a constant: what is sampled, and what Laplace expands.

    Attributes
    ----------
    target : NegativeLogDensity
        The density of the user's parameters.
    """

    target: NegativeLogDensity

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient."""
        value, gradient = self.target.value_and_gradient(x)
        p, weight = self.target.p, self.target.weight
        gradient[p:] -= 1.0 / weight
        return value - float(x[p:].sum()) / weight, gradient

    def hessian(self, x: Array) -> Array:
        """Difference the gradient centrally."""
        return differenced_hessian(self.value_and_gradient, x)


def differenced_hessian(function: Callable[[Array], tuple[float, Array]], x: Array) -> Array:
    """Difference a gradient centrally; the step balances rounding and truncation."""
    h = float(np.finfo(np.float64).eps) ** (1 / 3)
    columns = []
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = h * max(1.0, abs(x[k]))
        up, down = function(x + step)[1], function(x - step)[1]
        columns.append((up - down) / (2.0 * step[k]))
    H = np.column_stack(columns)
    return np.asarray(0.5 * (H + H.T))


@dataclass(frozen=True, eq=False)
class StochasticLogDensity:
    """The negative log density with minibatches: what SGD draws its rows from."""

    full: NegativeLogDensity
    by_row: RowsTerm

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return len(self.by_row.y)

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.full.value(x)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient."""
        return self.full.value_and_gradient(x)

    def hessian(self, x: Array) -> Array:
        """Evaluate second derivatives."""
        return self.full.hessian(x)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Array], Array]]:
        """Yield gradients from a few rows at a time and the whole prior."""
        return by_index(self.rows, size, rng, self._gradient_of)

    def _gradient_of(self, x: Array, rows: Integers) -> Array:
        return self.full._evaluate(self.by_row.of_rows(rows), x)[1]


def negative_log_density(problem: Problem, *, with_prior: bool) -> NegativeLogDensity:
    """Build the objective of MAP, or of maximum likelihood."""
    frame, statistics = standardise(problem), problem.statistics
    likelihood = problem.model.likelihood
    term: DataTerm = (
        StatisticsTerm(least_squares(statistics, intercept=problem.has_intercept), frame)
        if isinstance(likelihood, Gaussian)
        else RowsTerm.of(problem, frame)
    )
    noise = problem.inferred
    priors = grouped(problem.coefficient_priors()) if with_prior else ()
    return NegativeLogDensity(
        term,
        frame,
        tuple(group for group in priors if group[1].proper),
        problem.prior_rows(),
        noise if with_prior else dict.fromkeys(noise, Flat()),
        problem.known,
        dict(likelihood.start(statistics.mean_y, frame.sd_y)),
        statistics.weight,
    )
