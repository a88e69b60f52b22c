"""What optimizers minimise: the negative log joint density per unit of weight."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from bayesml.errors import ConvergenceError
from bayesml.log_joint.joint import LogJoint
from bayesml.log_joint.rows import with_jacobian
from bayesml.log_joint.sums import RowSum
from bayesml.typing import Array, Bools

Estimate = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class NegativeLogJoint:
    r"""−log p(x)/W, with what each optimizer asks beside it (J9).

    Minibatches estimate the sum over rows without bias, and the priors count in full.

    Attributes
    ----------
    joint : LogJoint
    sampled : RowSum or None
        Where minibatches are drawn from; None takes the rows of the density itself.
    """

    joint: LogJoint
    sampled: RowSum | None = None

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return self.joint.rows.m

    @property
    def weight(self) -> float:
        """W."""
        return self.joint.weight

    def over(self, rows: RowSum) -> "NegativeLogJoint":
        """Return the objective of other rows."""
        return NegativeLogJoint(replace(self.joint, rows=rows))

    @property
    def decays(self) -> Bools:
        """The coefficients, but nothing else (O26)."""
        return np.arange(self.joint.size) < self.joint.coordinates.p

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient; of batches the sum."""
        value, gradient = self.joint.log_density_and_gradient(x)
        return -float(np.sum(value)) / self.weight, -gradient / self.weight

    def hessian(self, x: Array) -> Array:
        """Return the curvature by the expected information (J7)."""
        return self.joint.precision(x) / self.weight

    def parabola(self, x: Array) -> "DenseParabola":
        """Return the Gauss-Newton model at x; refuse a predictor without a Jacobian by name."""
        with_jacobian(
            self.joint.coordinates.frame.predictor,
            "A Gauss-Newton step, as LevenbergMarquardt() takes,",
        )
        value, gradient = self.value_and_gradient(x)
        return DenseParabola(x, value, gradient, self.hessian(x))

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator[Estimate]:
        """Read all rows once, and yield gradients from a few at a time."""
        source = self.joint.rows if self.sampled is None else self.sampled
        for few in source.minibatches(size, rng):
            yield partial(self._estimate, few)

    def _estimate(self, few: RowSum, x: Array) -> Array:
        at = self.joint.coordinates
        beta, values = at.beta(x), at.values(x)
        data = few.sums(beta, values).times(self.rows / few.m)
        return -self.joint.joined(x, data, beta, values)[1] / self.weight


@dataclass(frozen=True, eq=False)
class DenseParabola:
    """The Gauss-Newton model of an objective at a point, its curvature dense.

    Attributes
    ----------
    x : ndarray, shape (d,)
    value : float
    gradient : ndarray, shape (d,)
    H : ndarray, shape (d, d)
    """

    x: Array
    value: float
    gradient: Array
    H: Array

    def step(self, damping: float) -> Array:
        """Return −(H + μI)⁻¹∇J."""
        try:
            factor = cho_factor(self.H + damping * np.eye(len(self.x)))
        except LinAlgError as error:
            raise ConvergenceError(
                "The curvature is not positive definite: some parameters are determined neither "
                "by the data nor by the prior. State a proper prior."
            ) from error
        return np.asarray(-cho_solve(factor, self.gradient))


@dataclass(frozen=True, eq=False)
class Members:
    r"""The sum :math:`\sum_k J(x_k)` of one objective at M points, laid end to end.

    Its gradient is the gradients of the members laid end to end, so that a step which treats
    coordinates alone (SGD's, Adam's) is a step of every member.

    Attributes
    ----------
    single : NegativeLogJoint
    members : int
        M.
    """

    single: NegativeLogJoint
    members: int

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return self.single.rows

    @property
    def decays(self) -> Bools:
        """The coefficients of all members, but nothing else (O26)."""
        return np.tile(self.single.decays, self.members)

    def value(self, x: Array) -> float:
        """Evaluate the sum."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the sum and its gradient."""
        value, gradient = self.single.value_and_gradient(self._table(x))
        return value, gradient.ravel()

    def minibatches(self, size: int, rng: np.random.Generator) -> Iterator[Estimate]:
        """Yield gradients from a few rows, the same for all members."""
        for estimate in self.single.minibatches(size, rng):
            yield partial(self._estimate, estimate)

    def _estimate(self, estimate: Estimate, x: Array) -> Array:
        return estimate(self._table(x)).ravel()

    def _table(self, x: Array) -> Array:
        return np.ascontiguousarray(x.reshape(self.members, -1))
