"""A network near one point: its Jacobian, its curvature, and what can be solved with them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from bayesml.arguments import shown
from bayesml.errors import IncompatibleModelError
from bayesml.likelihoods import diagonal_information
from bayesml.linalg import regression as linear
from bayesml.linalg.regression import Regression
from bayesml.log_joint import Rows
from bayesml.log_joint.rows import jacobian_of
from bayesml.log_joint.sums import Values
from bayesml.model import Problem
from bayesml.predictors import Network
from bayesml.typing import Array


class Local(Protocol):
    """A network near one point, and the curvature of its data term there."""

    @property
    def x(self) -> Array:
        """The parameters, flat."""

    @property
    def eta(self) -> Array:
        """η there, shape (m,) or (k, m)."""

    @property
    def gram(self) -> Array | None:
        """The lower half of JᵀΛJ, where it is formed."""

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
    rows: linear.WeightedRows

    @property
    def gram(self) -> Array | None:
        """The lower half of JᵀΛJ; None where there are fewer rows than parameters."""
        return self.rows.gram

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


def linearised(rows: Rows, x: Array, eta: Array, information: Array) -> Linearised:
    """Form the Jacobian at x."""
    J = jacobian_of(rows.frame, rows.parameters(x), rows.A).reshape(-1, x.size)
    return Linearised(x, eta, linear.rows(J[: len(information)], information))


Near = Callable[[Rows, Array, Array, Array], Local]
"""What is kept of a network near x, given its rows, η and the information there."""


def around(rows: Rows, near: Near, x: Array, values: Values) -> Local:
    """Return η and the curvature at x."""
    eta = rows.eta(x)
    return near(rows, x, eta, information_of(rows, eta, values))


def information_of(rows: Rows, eta: Array, values: Values) -> Array:
    """Return wᵢ Λ of every row of the Jacobian; of classes its diagonal (M7)."""
    outputs = 1 if eta.ndim == 1 else len(eta)
    information = diagonal_information(rows.likelihood.information(eta, values), outputs)
    return np.ravel(_moving(rows, rows.w * information))


def score_of(rows: Rows, eta: Array, values: Values) -> Array:
    """Return wᵢ ∂ log p/∂η of every row of the Jacobian."""
    return np.ravel(_moving(rows, rows.w * rows.likelihood.score(rows.y, eta, values)))


def _moving(rows: Rows, by_output: Array) -> Array:
    """Leave out what is known of every row: the last outputs, which no parameter moves."""
    network: Any = rows.frame.predictor
    return by_output if by_output.ndim == 1 else by_output[: len(network.outputs)]


def network_of(problem: Problem) -> Network:
    """Return the network of a problem, and refuse a predictor that is none."""
    network = problem.model.predictor
    if not isinstance(network, Network):
        raise IncompatibleModelError(f"This method learns an MLP, got {shown(network)}.")
    return network
