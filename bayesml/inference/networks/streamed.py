"""The objective of a network whose rows are read from files or partitions, block by block."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from bayesml.inference.networks.examples import Examples, Sums, network_of
from bayesml.inference.networks.objective import JointObjective
from bayesml.model import Problem
from bayesml.optimizers import by_index
from bayesml.typing import Array, Bools, Integers


@dataclass(frozen=True, eq=False)
class StreamedObjective:
    """`JointObjective` over rows that are never in memory together.

    A value takes one pass over the rows. Minibatches are of the rows of one block, shuffled:
    rows that were written in an order should be shuffled before, for blocks keep theirs.

    Attributes
    ----------
    single : JointObjective
        Of no rows: the network, the prior and the noise.
    problem : Problem
    """

    single: JointObjective
    problem: Problem

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return self.problem.data.m

    @property
    def weight(self) -> float:
        """W."""
        return self.problem.statistics.weight

    @property
    def priors(self) -> object:
        """Of the noise parameters that are estimated, by name."""
        return self.single.priors

    @property
    def decays(self) -> Bools:
        """The parameters of the network, but not the noise (O26)."""
        return self.single.decays

    def noise(self, x: Array) -> dict[str, float]:
        """Return every noise parameter at x."""
        return self.single.noise(x)

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient, in one pass over the rows."""
        theta, noise = x[: len(self.single.precision)], self.noise(x)
        data = reduce(Sums.plus, (part.sums(theta, noise) for part in self._parts()))
        return self.single.with_prior(x, data, 1.0, self.weight)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Array], Array]]:
        """Read all rows once, and yield gradients from a few of a block at a time."""
        for part in self._parts():
            yield from by_index(len(part.y), size, rng, partial(self._gradient_of, part))

    def _gradient_of(self, part: Examples, x: Array, rows: Integers) -> Array:
        data = part.of_rows(rows).sums(x[: len(self.single.precision)], self.noise(x))
        return self.single.with_prior(x, data, self.rows / len(rows), self.weight)[1]

    def _parts(self) -> Iterator[Examples]:
        network = network_of(self.problem)
        for block in self.problem.data.blocks():
            yield self.single.examples.read(block, network)
