"""A model of the contract tests with its density, apart from the package: what an entry states."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

import bayesml as bm
from tests.contracts.table import columns

Vector = np.ndarray[Any, Any]
Rows = Callable[[Vector, list[Vector], list[Vector]], Vector]
"""log p(yᵢ | ηᵢ, φ), points by rows, of y, η of every output (points, rows) and φ (points, 1)."""


class Output(NamedTuple):
    """A predictor of one or more outputs of the same columns.

    Attributes
    ----------
    columns : tuple of str
        Of the table.
    around : callable
        Of y: where the default prior puts the intercept, and the scale of the output.
    copies : int
        Outputs: one for every class but the first.
    """

    columns: tuple[str, ...]
    around: Callable[[Vector], tuple[float, float]]
    copies: int = 1

    @property
    def X(self) -> Vector:
        return np.column_stack([columns()[name] for name in self.columns])

    @property
    def size(self) -> int:
        return self.copies * (1 + len(self.columns))


class Linear(NamedTuple):
    """Coefficients of one output at every point: intercepts, weights, what they multiply."""

    intercept: Vector
    weights: Vector
    output: Output
    y: Vector

    @property
    def eta(self) -> Vector:
        return np.asarray(self.intercept[:, None] + self.weights @ self.output.X.T)

    @property
    def centred(self) -> Vector:
        """The intercept at the mean of the columns."""
        return np.asarray(self.intercept + self.weights @ self.output.X.mean(axis=0))


Coefficients = Callable[[Linear, list[Vector]], Vector]
"""log p(b, θ | φ) of one output."""


def weakly_informative(at: Linear, phi: list[Vector]) -> Vector:
    """The default, as the theory page states it."""
    level, scale = at.output.around(at.y)
    precision = np.atleast_2d(np.cov(at.output.X.T)) / (2.5 * scale) ** 2
    squares = np.einsum("pi,ij,pj->p", at.weights, precision, at.weights)
    of_weights = 0.5 * np.linalg.slogdet(precision / (2.0 * np.pi))[1] - 0.5 * squares
    return np.asarray(stats.norm.logpdf(at.centred, level, 2.5 * scale) + of_weights)


@dataclass(frozen=True)
class Case:
    """A model, the formula of its data, and what the oracle knows of it.

    Attributes
    ----------
    model : Model
    formula : str
    rows : callable
    outputs : tuple of Output
    parameters : tuple of callable
        Of y, the prior of every positive parameter: a frozen distribution of scipy.
    coefficients : callable
        The prior of the coefficients.
    statistics : bool
        Whether sufficient statistics stand for the rows.
    exact : bool
    kinked : bool
        Whether its log density is made of straight lines, and its mode found by a programme.
    nearly_gaussian : bool
        Whether a Gaussian at the mode passes its audit on these rows.
    digits : float
        To what an answer is the same wherever the rows are: less where scores are differences.
    """

    model: bm.Model
    formula: str
    rows: Rows
    outputs: tuple[Output, ...]
    parameters: tuple[Callable[[Vector], Any], ...] = ()
    coefficients: Coefficients = weakly_informative
    statistics: bool = False
    exact: bool = False
    kinked: bool = False
    nearly_gaussian: bool = False
    digits: float = 1e-7

    @property
    def target(self) -> str:
        return self.formula.split()[0]

    @cached_property
    def stated(self) -> list[Any]:
        """The priors of the positive parameters."""
        return [prior(self.y) for prior in self.parameters]

    @cached_property
    def y(self) -> Vector:
        """The target, classes by their numbers."""
        found = columns()[self.target]
        return found if found.dtype == float else np.unique(found, return_inverse=True)[1]

    @property
    def over_models(self) -> bool:
        return isinstance(self.model.prior, bm.SpikeAndSlab)

    @property
    def network(self) -> bool:
        return isinstance(self.model.predictor, bm.MLP)

    @property
    def first(self) -> int:
        """How many coefficients stand before the parameters."""
        return sum(output.size for output in self.outputs)

    @property
    def size(self) -> int:
        return self.first + len(self.parameters)

    def log_likelihood(self, x: Vector) -> Vector:
        """Σ log p(yᵢ | x) at points (b, θ, log φ), shape (points, size)."""
        eta = [linear.eta for linear in self.linear(x)]
        return np.asarray(self.rows(self.y, eta, self.values(x)).sum(axis=1))

    def log_prior(self, x: Vector) -> Vector:
        """log p(b, θ) + log p(φ), the density of φ itself."""
        phi = self.values(x)
        total = sum(self.coefficients(linear, phi) for linear in self.linear(x))
        stated = zip(self.stated, phi, strict=True)
        return np.asarray(total + sum(prior.logpdf(v[:, 0]) for prior, v in stated))

    def values(self, x: Vector) -> list[Vector]:
        """Every positive parameter, shape (points, 1)."""
        return [np.exp(x[:, [k]]) for k in range(self.first, self.size)]

    def linear(self, x: Vector) -> list[Linear]:
        """The coefficients of every output."""
        found, start = [], 0
        for output in self.outputs:
            k, n = output.copies, len(output.columns)
            for c in range(k):
                weights = start + k + c * n
                W = x[:, weights : weights + n]
                found.append(Linear(x[:, start + c], W, output, self.y))
            start += output.size
        return found

    def in_units(self, x: Vector) -> Vector:
        """Return parameters themselves, as tables have them."""
        return np.concatenate([x[..., : self.first], np.exp(x[..., self.first :])], axis=-1)
