"""All members of an ensemble in one computation, for optimizers that treat coordinates alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bayesml.inference.networks.examples import BLOCK, Examples
from bayesml.inference.networks.objective import JointObjective
from bayesml.optimizers import by_index
from bayesml.typing import Array, Bools, Integers

LEAST = 64
"""Rows that go through all members at a time at least, so that products stay products."""


@dataclass(frozen=True, eq=False)
class BatchedObjective:
    r"""The sum :math:`\sum_k J(x_k)` of one objective at M points, laid end to end.

    Its gradient is the gradients of the members laid end to end, so that a step which treats
    coordinates alone (SGD's, Adam's) is a step of every member.

    Attributes
    ----------
    single : JointObjective
    members : int
        M.
    """

    single: JointObjective
    members: int

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return self.single.rows

    @property
    def decays(self) -> Bools:
        """The parameters of all members, but not their noise (O26)."""
        return np.tile(self.single.decays, self.members)

    def value(self, x: Array) -> float:
        """Evaluate the sum."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the sum and its gradient."""
        return self._evaluate(x, self.single.examples, 1.0)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Array], Array]]:
        """Yield gradients from a few rows at a time, the same for all members."""
        return by_index(self.rows, size, rng, self._gradient_of)

    def _gradient_of(self, x: Array, rows: Integers) -> Array:
        return self._evaluate(x, self.single.examples.of_rows(rows), self.rows / len(rows))[1]

    def _evaluate(self, x: Array, examples: Examples, inflation: float) -> tuple[float, Array]:
        single, table = self.single, x.reshape(self.members, -1)
        theta = np.ascontiguousarray(table[:, : len(single.precision)])
        noise = {name: np.reshape(v, (-1, 1)) for name, v in single.noise(table).items()}
        data = examples.sums(theta, noise, max(LEAST, BLOCK // self.members))
        value, gradient = single.with_prior(table, data, inflation, single.weight)
        return value, gradient.ravel()
