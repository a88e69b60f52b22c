"""All members of an ensemble in one computation, for optimizers that treat coordinates alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.inference.networks.examples import BLOCK, Examples
from bayesml.inference.networks.objective import JointObjective
from bayesml.predictors import flat
from bayesml.predictors.layers import backward, trace
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

    def value_and_gradient_of(self, x: Array, rows: Integers) -> tuple[float, Array]:
        """Estimate both from a few rows, the same for all members."""
        return self._evaluate(x, self.single.examples.of_rows(rows), self.rows / len(rows))

    def _evaluate(self, x: Array, examples: Examples, inflation: float) -> tuple[float, Array]:
        single = self.single
        table = x.reshape(self.members, -1)
        p = len(single.precision)
        theta = np.ascontiguousarray(table[:, :p])
        noise = {
            name: single.reference[name] * np.exp(table[:, p + k : p + k + 1])
            for k, name in enumerate(single.priors)
        }
        everything = {**single.known, **noise}
        value, gradient = 0.0, np.zeros_like(theta)
        by_noise = {name: np.zeros(self.members) for name in noise}
        for rows in examples.parts(max(LEAST, BLOCK // self.members)):
            part = _sums(rows, theta, everything)
            value, gradient = value + part[0], gradient + part[1]
            by_noise = {name: total + part[2][name] for name, total in by_noise.items()}
        prior = single.precision * theta
        out = np.empty_like(table)
        out[:, :p] = inflation * gradient - prior
        value = inflation * value - 0.5 * float(np.sum(prior * theta))
        for k, (name, density) in enumerate(single.priors.items()):
            sigma = noise[name][:, 0]
            value += float(np.sum(density.log_density(sigma)))
            slope = inflation * by_noise[name] + density.score(sigma)
            out[:, p + k] = slope * sigma
        weight = single.examples.weight
        return -value / weight, -out.ravel() / weight


def _sums(
    examples: Examples, theta: Array, noise: dict[str, Any]
) -> tuple[float, Array, dict[str, Array]]:
    """Return Σ log p over rows and members, and its derivatives in every member's θ and φ."""
    network, likelihood = examples.network, examples.likelihood
    layers = network.layers(flat.split(theta, examples.shapes))
    seen = trace(layers, network.activation, examples.A)
    eta = network.link(seen.output)
    score = examples.w * likelihood.score(examples.y, eta, noise)
    gradient = network.named(backward(layers, seen, network.delta(score)))
    log_density = likelihood.log_density(examples.y, eta, noise)
    by_noise = likelihood.parameter_scores(examples.y, eta, noise)
    return (
        float(np.sum(log_density @ examples.w)),
        flat.join(gradient, examples.shapes),
        {name: slopes @ examples.w for name, slopes in by_noise.items()},
    )
