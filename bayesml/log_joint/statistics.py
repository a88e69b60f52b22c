"""The sum over rows of a linear Gaussian model, from its sufficient statistics: O(n²) for any m.

Derived in docs/theory/log_joint.md, (J8).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayesml.data.statistics import SufficientStatistics
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Gaussian, Likelihood, PrecisionWeighted
from bayesml.log_joint.least_squares import LeastSquares, least_squares
from bayesml.log_joint.sums import RowSum, Sums, Values
from bayesml.model import Problem
from bayesml.predictors import Linear, LinearPredictors, Predictor, flat
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Statistics:
    r"""The Gaussian sum from the triangular factor (J8).

    .. math:: -\tfrac12 \|d - M\beta\|^2/\sigma^2 - \tfrac12 \rho^2/\sigma^2
              - W \log \sigma - \tfrac{W}{2} \log 2\pi + \tfrac12 \sum_i w_i \log p_i

    with precisions p where they are known (S8).

    Attributes
    ----------
    data : LeastSquares
    m : int
        Number of rows that they stand for.
    """

    data: LeastSquares
    m: int

    @property
    def weight(self) -> float:
        """W."""
        return self.data.weight

    def value(self, beta: Array, values: Values) -> Array:
        """Return the sum alone."""
        return np.asarray(self.sums(beta, values).value)

    def sums(self, beta: Array, values: Values) -> Sums:
        """Return the sum, its gradient in β and its derivative in σ."""
        sigma = np.asarray(values["sigma"], dtype=np.float64)
        rest = self.data.d - beta @ self.data.M.T
        squares = np.sum(rest * rest, axis=-1) + self.data.floor
        squares = squares * (squares > self.data.rounding)
        scaled = squares / (sigma * sigma)
        value = -0.5 * scaled - self.weight * np.log(sigma) + self.data.log_constant
        gradient = (rest @ self.data.M) / (sigma * sigma)[..., None]
        return Sums(value, gradient, {"sigma": (scaled - self.weight) / sigma})

    def information(self, beta: Array, values: Values) -> Array:
        """Return MᵀM/σ²."""
        return np.asarray(self.data.M.T @ self.data.M) / float(values["sigma"]) ** 2

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator[RowSum]:
        """Refuse: the rows are not among the statistics."""
        raise IncompatibleModelError(
            "Minibatches are drawn from rows, and there are only their sufficient statistics. Use "
            "an optimizer that takes all rows at once, such as LBFGS()."
        )


def statistics_of(problem: Problem) -> Statistics:
    """Return the sum of a linear Gaussian problem."""
    return Statistics(data_term(problem), problem.data.m)


def data_term(problem: Problem) -> LeastSquares:
    """Return the least-squares problem of the first linear predictor (L2), (S8)."""
    return linear_terms(problem)[0].least_squares(problem.statistics)


class LinearTerms(NamedTuple):
    """Some coefficients that columns of X alone tell apart.

    Attributes
    ----------
    columns : slice
    intercept : bool
    names : tuple of str
        Of the coefficients.
    at : list of int
        Where these stand in β.
    """

    columns: slice
    intercept: bool
    names: tuple[str, ...]
    at: list[int]

    def of(self, statistics: SufficientStatistics) -> SufficientStatistics:
        """Return the statistics of these columns alone."""
        if self.columns == slice(0, statistics.n):
            return statistics
        return statistics.of_columns(self.columns)

    def least_squares(self, statistics: SufficientStatistics) -> LeastSquares:
        """Return the least-squares problem of these columns alone (L2)."""
        return least_squares(self.of(statistics), intercept=self.intercept)


def linear_terms(problem: Problem) -> list[LinearTerms]:
    """Return the coefficients of every linear predictor; of classes, of the first alone."""
    predictor, shapes = problem.model.predictor, problem.shapes
    places = flat.split(np.arange(flat.size(shapes)), shapes)
    if is_linear(problem):
        own = ("intercept",) if problem.has_intercept else ()
        at = list(range(flat.size(shapes)))
        everything = slice(0, problem.data.n)
        return [LinearTerms(everything, bool(own), (*own, *problem.feature_names), at)]
    if not isinstance(predictor, LinearPredictors):
        return []
    out = []
    for part in predictor.parts:
        weights = np.atleast_2d(places[part.weights_name])[0]
        start = np.ravel(places[part.intercept_name])[:1] if part.intercept else weights[:0]
        own = (part.intercept_name,) if part.intercept else ()
        at = [*start.tolist(), *weights.tolist()]
        out.append(LinearTerms(part.where, part.intercept, (*own, *part.features), at))
    return out


def has_linear_eta(predictor: Predictor) -> bool:
    """Say whether every output is linear in the coefficients."""
    return type(predictor) in (Linear, LinearPredictors)


def is_linear(problem: Problem) -> bool:
    """Say whether η = b + Xθ, so that the columns of X alone tell the coefficients apart."""
    return type(problem.model.predictor) is Linear


def is_gaussian(likelihood: Likelihood) -> bool:
    """Say whether noise is Gaussian of one σ, divided by the root of a known precision or not."""
    if type(likelihood) is PrecisionWeighted:
        likelihood = likelihood.likelihood
    return type(likelihood) is Gaussian


def not_linear_gaussian(problem: Problem) -> str | None:
    """Say why sufficient statistics do not stand for the rows, or None where they do.

    Here alone it is asked which predictor and likelihood these are: a stranger's part, whatever it
    computes, is never taken for one of them.
    """
    model, likelihood = problem.model, problem.model.likelihood
    if isinstance(model.predictor, LinearPredictors):
        weighted = type(likelihood) is PrecisionWeighted
        if not is_gaussian(likelihood):
            return f"the likelihood is {likelihood!r}, not Gaussian()."
        if model.predictor.known.offset is not None or not weighted:
            return "the rows have an offset. Subtract it from the target for an exact answer."
        return None
    if not is_linear(problem):
        return f"the predictor is {model.predictor!r}, not Linear()."
    if type(likelihood) is not Gaussian:
        return f"the likelihood is {type(likelihood).__name__}, not Gaussian."
    return None
