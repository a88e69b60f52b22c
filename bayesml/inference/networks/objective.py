"""The negative log posterior of a network under given scales, and its Gauss-Newton model.

Derived in docs/theory/network.md, whose labels are cited.
"""

from dataclasses import dataclass

from bayesml.inference.networks.local import (
    Local,
    Near,
    around,
    information_of,
    score_of,
)
from bayesml.linalg.regression import Regression
from bayesml.log_joint import Folded, Rows
from bayesml.log_joint.sums import Values
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Point:
    """A Gauss-Newton model of the objective at a point, and what it was made of.

    Attributes
    ----------
    here : Local
    value : float
        F(θ)/W.
    gradient : ndarray, shape (p,)
    precision : ndarray, shape (p,)
        The diagonal of A.
    weight : float
        W.
    """

    here: Local
    value: float
    gradient: Array
    precision: Array
    weight: float

    @property
    def x(self) -> Array:
        """The parameters θ, flat."""
        return self.here.x

    def regression(self, damping: float = 0.0) -> Regression:
        """Return the regression whose mean is the damped Gauss-Newton step (M7)."""
        return self.here.regression(self.precision + damping * self.weight)

    def step(self, damping: float) -> Array:
        """Return −(H + μI)⁻¹∇F."""
        precision = self.precision + damping * self.weight
        return -self.weight * self.here.solve(self.gradient, precision)


@dataclass(frozen=True, eq=False)
class GivenScales:
    r"""F(θ)/W: the negative log likelihood and the Normal prior, noise and precisions given.

    Attributes
    ----------
    rows : Rows or Folded
    near : callable
        What is kept of the network near a point: its Jacobian, or factors of its curvature.
    precision : ndarray, shape (p,)
        The diagonal of A; zero without a prior.
    values : mapping of name to float
        φ.
    """

    rows: Rows | Folded
    near: Near
    precision: Array
    values: Values

    @property
    def weight(self) -> float:
        """W."""
        return self.rows.weight

    def value(self, x: Array) -> float:
        """Evaluate F/W."""
        rows = self.rows.at_hand()
        return self._value(x, float(rows.log_likelihood(rows.eta(x), self.values)))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate F/W and its gradient by backpropagation."""
        data = self.rows.sums(x, self.values)
        gradient = (self.precision * x - data.gradient) / self.weight
        return self._value(x, float(data.value)), gradient

    def parabola(self, x: Array) -> Point:
        """Return the Gauss-Newton model at x."""
        return self._point(around(self.rows.at_hand(), self.near, x, self.values))

    def again(self, point: Point) -> Point:
        """Return the model at the same point under these values and these precisions."""
        here = point.here
        information = information_of(self.rows.at_hand(), here.eta, self.values)
        return self._point(here.reweighted(information))

    def _value(self, x: Array, log_likelihood: float) -> float:
        return (0.5 * float(self.precision @ (x * x)) - log_likelihood) / self.weight

    def _point(self, here: Local) -> Point:
        rows = self.rows.at_hand()
        score = score_of(rows, here.eta, self.values)
        gradient = (self.precision * here.x - here.pulled(score)) / self.weight
        value = self._value(here.x, float(rows.log_likelihood(here.eta, self.values)))
        return Point(here, value, gradient, self.precision, self.weight)
