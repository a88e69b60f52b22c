"""All members of an ensemble in one computation, for optimizers that treat coordinates alone."""

from dataclasses import dataclass

import numpy as np

from bayesml.inference.networks.examples import Examples
from bayesml.inference.networks.objective import JointObjective
from bayesml.predictors import flat
from bayesml.predictors.layers import backward, trace
from bayesml.typing import Array, Bools, Integers


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
        single, network, likelihood = self.single, examples.network, examples.likelihood
        table = x.reshape(self.members, -1)
        p = len(single.precision)
        theta = np.ascontiguousarray(table[:, :p])
        noise = {
            name: single.reference[name] * np.exp(table[:, p + k : p + k + 1])
            for k, name in enumerate(single.priors)
        }
        everything = {**single.known, **noise}
        layers = network.layers(flat.split(theta, examples.shapes))
        seen = trace(layers, network.activation, examples.A)
        eta = network.link(seen.output)
        score = examples.w * likelihood.score(examples.y, eta, everything)
        gradient = network.named(backward(layers, seen, network.delta(score)))
        log_density = likelihood.log_density(examples.y, eta, everything)
        prior = single.precision * theta
        out = np.empty_like(table)
        out[:, :p] = inflation * flat.join(gradient, examples.shapes) - prior
        value = inflation * float(np.sum(log_density @ examples.w)) - 0.5 * np.sum(prior * theta)
        by_noise = likelihood.parameter_scores(examples.y, eta, everything)
        for k, (name, density) in enumerate(single.priors.items()):
            sigma = noise[name][:, 0]
            value += float(np.sum(density.log_density(sigma)))
            slope = inflation * (by_noise[name] @ examples.w) + density.score(sigma)
            out[:, p + k] = slope * sigma
        weight = single.examples.weight
        return -float(value) / weight, -out.ravel() / weight
