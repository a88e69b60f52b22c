"""The negative log posterior of a network, per unit of weight: what optimizers minimise.

Derived in docs/theory/network.md, whose labels are cited.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesml.distributions import Distribution
from bayesml.inference.networks.examples import Examples, Local, Noise, Sums
from bayesml.linalg.regression import Regression
from bayesml.optimizers import by_index
from bayesml.typing import Array, Bools, Integers


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
class NetworkObjective:
    r"""F(θ)/W: the negative log likelihood and the Normal prior, noise and precisions given.

    Attributes
    ----------
    examples : Examples
    precision : ndarray, shape (p,)
        The diagonal of A; zero without a prior.
    noise : mapping of name to float
        φ.
    """

    examples: Examples
    precision: Array
    noise: Noise

    @property
    def weight(self) -> float:
        """W."""
        return self.examples.weight

    def value(self, x: Array) -> float:
        """Evaluate F/W."""
        return self._value(x, self.examples.eta(x))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate F/W and its gradient by backpropagation."""
        data, prior = self.examples.sums(x, self.noise), self.precision * x
        total = 0.5 * float(prior @ x) - float(data.value)
        return total / self.weight, (prior - data.gradient) / self.weight

    def parabola(self, x: Array) -> Point:
        """Return the Gauss-Newton model at x."""
        return self._point(self.examples.around(x, self.noise))

    def again(self, point: Point) -> Point:
        """Return the model at the same point under this noise and these precisions."""
        here = point.here
        information = self.examples.information(here.eta, self.noise)
        return self._point(here.reweighted(information))

    def _value(self, x: Array, eta: Array) -> float:
        prior = 0.5 * float(self.precision @ (x * x))
        return (prior - self.examples.log_likelihood(eta, self.noise)) / self.weight

    def _point(self, here: Local) -> Point:
        score = self.examples.score(here.eta, self.noise)
        gradient = (self.precision * here.x - here.pulled(score)) / self.weight
        return Point(here, self._value(here.x, here.eta), gradient, self.precision, self.weight)


@dataclass(frozen=True, eq=False)
class JointObjective:
    r"""The same with the noise estimated too: coordinates (θ, log φ), density in φ itself.

    Minibatches estimate the sum over rows without bias; the prior counts in full.

    Attributes
    ----------
    examples : Examples
    precision : ndarray, shape (p,)
    priors : mapping of name to Distribution
        Of the noise parameters that are estimated; `Flat` for maximum likelihood.
    known : mapping of name to float
    reference : mapping of name to float
        φ at log-coordinate zero.
    """

    examples: Examples
    precision: Array
    priors: Mapping[str, Distribution]
    known: Noise = field(default_factory=dict)
    reference: Noise = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows m."""
        return len(self.examples.y)

    @property
    def weight(self) -> float:
        """W."""
        return self.examples.weight

    @property
    def decays(self) -> Bools:
        """The parameters of the network, but not the noise (O26)."""
        return np.arange(len(self.precision) + len(self.priors)) < len(self.precision)

    def noise(self, x: Array) -> dict[str, Any]:
        """Return every noise parameter at x, of shape (..., p + noise), each of shape (...)."""
        p = len(self.precision)
        estimated = {
            name: self.reference[name] * np.exp(x[..., p + k]) for k, name in enumerate(self.priors)
        }
        return {**self.known, **estimated}

    def value(self, x: Array) -> float:
        """Evaluate the objective."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Evaluate the objective and its gradient."""
        return self._evaluate(x, self.examples, 1.0)

    def minibatches(
        self, size: int, rng: np.random.Generator
    ) -> Iterator[Callable[[Array], Array]]:
        """Yield gradients from a few rows at a time."""
        return by_index(self.rows, size, rng, self._gradient_of)

    def _gradient_of(self, x: Array, rows: Integers) -> Array:
        return self._evaluate(x, self.examples.of_rows(rows), self.rows / len(rows))[1]

    def _evaluate(self, x: Array, examples: Examples, inflation: float) -> tuple[float, Array]:
        data = examples.sums(x[: len(self.precision)], self.noise(x))
        return self.with_prior(x, data, inflation, self.weight)

    def with_prior(
        self, x: Array, data: Sums, inflation: float, weight: float
    ) -> tuple[float, Array]:
        """Join the data's part, `inflation` times over, with the prior's, per unit of weight.

        Of batches the value is the sum.
        """
        p, noise = len(self.precision), self.noise(x)
        prior = self.precision * x[..., :p]
        total = inflation * np.sum(data.value) - 0.5 * np.sum(prior * x[..., :p])
        out = np.empty_like(x)
        out[..., :p] = inflation * data.gradient - prior
        for k, (name, density) in enumerate(self.priors.items()):
            total += np.sum(density.log_density(noise[name]))
            slope = inflation * data.by_noise[name] + density.score(noise[name])
            out[..., p + k] = slope * noise[name]
        return -float(total) / weight, -out / weight
