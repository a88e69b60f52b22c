"""The joint log posterior of a network's weights, noise and prior scales, in double precision.

Coordinates are (θ, log φ, log α), unbounded. Used in docs/theory/network.md.
"""

from dataclasses import dataclass

import numpy as np

from bayesml.inference.networks.mode import Mode, joint_objective
from bayesml.inference.networks.objective import JointObjective
from bayesml.inference.networks.scales import Hyperprior
from bayesml.predictors import flat
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class Hierarchical:
    r"""log p(θ, log φ, log α, y): every weight given the precision of its group, which is free.

    Attributes
    ----------
    likelihood : JointObjective
        Without a prior on the weights.
    hyperprior : Hyperprior
    """

    likelihood: JointObjective
    hyperprior: Hyperprior

    @property
    def split(self) -> int:
        """Where log α begins."""
        return len(self.likelihood.precision) + len(self.likelihood.priors)

    def start(self, mode: Mode) -> Array:
        """Return the coordinates of a mode."""
        references = self.likelihood.reference
        noise = [np.log(mode.scales.noise[n] / references[n]) for n in self.likelihood.priors]
        learned = self.hyperprior.prior.learned
        return np.concatenate([mode.x, noise, np.log(mode.scales.precision) if learned else []])

    def log_density(self, x: Array) -> tuple[float, Array]:
        """Evaluate the log density and its gradient."""
        with np.errstate(all="ignore"):  # what is not finite is a divergence, and is counted
            return self._evaluate(x)

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        weight, prior, groups = self._weight, self.hyperprior.prior, self.hyperprior.groups
        value, gradient = self.likelihood.value_and_gradient(x[: self.split])
        p, noise = len(self.likelihood.precision), x[len(self.likelihood.precision) : self.split]
        total, theta = -weight * value + float(np.sum(noise)), x[:p]
        out = np.empty_like(x)
        out[: self.split] = -weight * gradient
        out[p : self.split] += 1.0
        log_alpha = x[self.split :] if prior.learned else np.log(prior.precision(groups))
        alpha = np.exp(log_alpha)
        squares = groups.total(theta**2)
        out[:p] -= alpha[groups.members] * theta
        total += float(0.5 * groups.sizes @ log_alpha - 0.5 * alpha @ squares)
        if prior.learned:
            total += float(np.sum(prior.shape * log_alpha - prior.rate * alpha))
            shape = prior.shape + 0.5 * groups.sizes
            out[self.split :] = shape - alpha * (prior.rate + 0.5 * squares)
        return total, out

    def parameters(self, x: Array) -> dict[str, Array]:
        """Return parameters by name from coordinates of shape (..., size)."""
        p = len(self.likelihood.precision)
        out: dict[str, Array] = dict(flat.split(x[..., :p], self.likelihood.examples.shapes))
        for k, name in enumerate(self.likelihood.priors, start=p):
            out[name] = self.likelihood.reference[name] * np.exp(x[..., k])
        if self.hyperprior.prior.learned:
            out["prior_sd"] = np.exp(-0.5 * x[..., self.split :])
        return out

    @property
    def _weight(self) -> float:
        return self.likelihood.examples.weight


def hierarchical(mode: Mode) -> Hierarchical:
    """Return the joint density of the network whose mode is given."""
    setting = mode.setting
    single = joint_objective(setting, setting.examples)
    flat_prior = JointObjective(
        single.examples,
        np.zeros_like(single.precision),
        single.priors,
        single.known,
        single.reference,
    )
    return Hierarchical(flat_prior, setting.hyperprior)
