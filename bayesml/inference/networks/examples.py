"""The data term of a network, Σᵢ wᵢ log p(yᵢ | η_i), and what calculus knows of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple, Protocol

import numpy as np

from bayesml.data import Block
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import Likelihood
from bayesml.linalg.regression import Regression, Rows, rows
from bayesml.model import Problem
from bayesml.predictors import MLP, flat
from bayesml.predictors.layers import backward, forward, trace
from bayesml.typing import Array, Integers

Noise = Mapping[str, float]

BLOCK = 1024
"""Rows that are taken through the layers at a time."""


class Local(Protocol):
    """A network near one point, and the curvature of its data term there."""

    @property
    def x(self) -> Array:
        """The parameters, flat."""

    @property
    def eta(self) -> Array:
        """η there, shape (m,) or (k, m)."""

    def pulled(self, score: Array) -> Array:
        """Return Jᵀ·score, for a score at every output of every row."""

    def reweighted(self, information: Array) -> "Local":
        """Return the same with another Fisher information."""

    def regression(self, precision: Array) -> Regression:
        """Return the Gaussian with precision JᵀΛJ + diag(precision), or what stands for it."""

    def solve(self, g: Array, precision: Array) -> Array:
        """Return (JᵀΛJ + diag(precision))⁻¹g, for steps."""

    def diagonal(self) -> Array:
        """Return the diagonal of JᵀΛJ, or of what stands for it."""


@dataclass(frozen=True, eq=False)
class Linearised:
    """A network near one point, with its whole Jacobian.

    Attributes
    ----------
    x : ndarray, shape (p,)
        The parameters, flat.
    eta : ndarray, shape (m,) or (k, m)
    rows : Rows
        The Jacobian, (k m, p), with weights wᵢ Λ.
    """

    x: Array
    eta: Array
    rows: Rows

    def pulled(self, score: Array) -> Array:
        """Return Jᵀ·score."""
        return np.asarray(score @ self.rows.J)

    def reweighted(self, information: Array) -> "Linearised":
        """Return the same with another Fisher information."""
        return replace(self, rows=self.rows.reweighted(information))

    def regression(self, precision: Array) -> Regression:
        """Return the regression on the Jacobian's columns (M7)."""
        return self.rows.with_prior(precision)

    def solve(self, g: Array, precision: Array) -> Array:
        """Return (JᵀΛJ + diag(precision))⁻¹g."""
        return self.regression(precision).solve(g)

    def diagonal(self) -> Array:
        """Return the diagonal of JᵀΛJ."""
        J = self.rows.J
        return np.asarray(np.einsum("ij,i,ij->j", J, np.ravel(self.rows.weights), J))


def linearised(examples: "Examples", x: Array, eta: Array, information: Array) -> Linearised:
    """Form the Jacobian at x."""
    network = examples.network
    J = network.jacobian(flat.split(x, examples.shapes), examples.A).reshape(-1, x.size)
    return Linearised(x, eta, rows(J, information))


class Sums(NamedTuple):
    """Σᵢ wᵢ log p(yᵢ | ηᵢ, φ) over rows, and its derivatives; batches on leading axes.

    Attributes
    ----------
    value : float or ndarray, shape (...)
    gradient : ndarray, shape (..., p)
        By backpropagation.
    by_noise : mapping of name to float or ndarray, shape (...)
        ∂/∂φ.
    """

    value: Any
    gradient: Array
    by_noise: Mapping[str, Any]

    def plus(self, other: "Sums") -> "Sums":
        """Bring the sums over two sets of rows together."""
        by_noise = {name: value + other.by_noise[name] for name, value in self.by_noise.items()}
        return Sums(self.value + other.value, self.gradient + other.gradient, by_noise)


Near = Callable[["Examples", Array, Array, Array], Local]
"""What is kept of a network near x, given η and the information there."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of the data in the coordinates of a network.

    Attributes
    ----------
    network : MLP
        On standardised features.
    likelihood : Likelihood
    A : ndarray, shape (m, n)
        Features, standardised.
    y, w : ndarray, shape (m,)
        Target, and weights of the rows.
    near : callable
        What is kept of the network near a point: its Jacobian, or factors of its curvature.
    """

    network: MLP
    likelihood: Likelihood
    A: Array
    y: Array
    w: Array
    near: Near = linearised

    @classmethod
    def of(cls, problem: Problem) -> "Examples":
        """Standardise the rows of a problem, and refuse a predictor that is not a network."""
        none, network = cls.none_of(problem), network_of(problem)
        parts = [none.read(block, network) for block in problem.data.blocks()]
        A, y, w = (np.concatenate([getattr(part, k) for part in parts]) for k in ("A", "y", "w"))
        return replace(none, A=A, y=y, w=w)

    @classmethod
    def none_of(cls, problem: Problem) -> "Examples":
        """Return no rows: the network alone, for rows that are read as they are needed."""
        network = network_of(problem)
        A, nothing = np.empty((0, problem.data.n)), np.empty(0)
        return cls(network.inner(), problem.model.likelihood, A, nothing, nothing)

    def read(self, block: Block, network: MLP) -> "Examples":
        """Return the rows of a block in place of these, standardised by the declared network."""
        return replace(self, A=network.standardise(block.X), y=block.y, w=block.row_weights)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters."""
        return self.network.shapes(self.A.shape[1])

    @property
    def weight(self) -> float:
        """W, the sum of the weights."""
        return float(self.w.sum())

    def of_rows(self, rows: Integers) -> "Examples":
        """Return some of the rows."""
        return replace(self, A=self.A[rows], y=self.y[rows], w=self.w[rows])

    def parts(self, size: int) -> Iterator["Examples"]:
        """Hand out the rows `size` at a time, so that all layers of them stay in the cache."""
        for start in range(0, len(self.y), size):
            rows = slice(start, start + size)
            yield replace(self, A=self.A[rows], y=self.y[rows], w=self.w[rows])

    def eta(self, x: Array) -> Array:
        """Evaluate η."""
        return self.network.eta(flat.split(x, self.shapes), self.A)

    def log_likelihood(self, eta: Array, noise: Noise) -> float:
        """Evaluate Σ wᵢ log p(yᵢ | ηᵢ, φ)."""
        return float(self.w @ self.likelihood.log_density(self.y, eta, noise))

    def sums(self, x: Array, noise: Mapping[str, Any], size: int = BLOCK) -> Sums:
        """Return the log likelihood and its derivatives at x, rows taken `size` at a time.

        Leading axes of x, and of the noise, are batches: the members of an ensemble.
        """
        return reduce(Sums.plus, (part._sums(x, noise) for part in self.parts(size)))

    def _sums(self, x: Array, noise: Mapping[str, Any]) -> Sums:
        network, shapes = self.network, self.shapes
        layers = network.layers(flat.split(x, shapes))
        seen = trace(layers, network.activation, self.A)
        eta = network.link(seen.output)
        score = self.w * self.likelihood.score(self.y, eta, noise)
        gradient = network.named(backward(layers, seen, network.delta(score)))
        log_density = self.likelihood.log_density(self.y, eta, noise)
        by_noise = self.likelihood.parameter_scores(self.y, eta, noise)
        return Sums(
            log_density @ self.w,
            flat.join(gradient, shapes),
            {name: slopes @ self.w for name, slopes in by_noise.items()},
        )

    def around(self, x: Array, noise: Noise) -> Local:
        """Return η and the curvature at x."""
        network = self.network
        layers = network.layers(flat.split(x, self.shapes))
        eta = network.link(forward(layers, network.activation, self.A))
        return self.near(self, x, eta, self.information(eta, noise))

    def information(self, eta: Array, noise: Noise) -> Array:
        """Return wᵢ Λ of every row of the Jacobian."""
        return np.ravel(self.w * self.likelihood.information(eta, noise))

    def score(self, eta: Array, noise: Noise) -> Array:
        """Return wᵢ ∂ log p/∂η of every row of the Jacobian."""
        return np.ravel(self.w * self.likelihood.score(self.y, eta, noise))


def network_of(problem: Problem) -> MLP:
    """Return the network of a problem, and refuse a predictor that is none."""
    network = problem.model.predictor
    if not isinstance(network, MLP):
        raise IncompatibleModelError(f"This method learns an MLP, got {network!r}.")
    return network
