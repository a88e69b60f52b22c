"""The log posterior of a network at many chains at once, in whitened coordinates.

Coordinates are (θ, log φ) = centre + P z, one centre and one P a chain. The network is evaluated in
single precision, everything per row in double. Used in docs/theory/network.md, (M15) to (M17).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.inference.networks.examples import Examples, Linearised
from bayesml.inference.networks.mode import Mode
from bayesml.inference.networks.scales import Hyperprior
from bayesml.predictors import flat
from bayesml.predictors.activations import Floats
from bayesml.predictors.layers import backward, trace
from bayesml.typing import Array

DENSE = 2500
"""The most parameters for which a full matrix P a chain is kept."""

DAMPING = 100.0
"""What is added to the curvature before P = (H + μI)^-½: flat directions are not stretched."""


@dataclass(frozen=True, eq=False)
class Density:
    """The log posterior given the prior precisions, its data part apart from its prior part.

    Attributes
    ----------
    examples : Examples
        With features in single precision.
    hyperprior : Hyperprior
    centre : ndarray, shape (C, d)
        (θ, log φ) at z = 0.
    P : ndarray, shape (C, p, p) or (C, p), single precision
        Of the weights; a vector is a diagonal.
    unit : float
        The scale of log φ.
    """

    examples: Examples
    hyperprior: Hyperprior
    centre: Array
    P: Floats
    unit: float

    @property
    def p(self) -> int:
        """Number of weights."""
        return int(self.P.shape[1])

    def position(self, z: Array) -> Array:
        """Return (θ, log φ), shape (C, d)."""
        p, step = self.p, np.array(z)
        weights = z[:, :p].astype(np.float32)
        if self.P.ndim == 2:
            step[:, :p] = self.P * weights
        else:
            step[:, :p] = (self.P @ weights[..., None])[..., 0]
        step[:, p:] *= self.unit
        return self.centre + step

    def noise(self, position: Array) -> dict[str, Array]:
        """Return φ of every chain, shape (C, 1)."""
        out = {name: np.full((len(position), 1), v) for name, v in self.hyperprior.known.items()}
        for k, name in enumerate(self.hyperprior.noise_priors, start=self.p):
            out[name] = np.exp(position[:, k : k + 1])
        return out

    def data_part(self, position: Array) -> tuple[Array, Array]:
        """Return Σ wᵢ log p(yᵢ) + log p(log φ), shape (C,), and its gradient in the position."""
        examples = self.examples
        likelihood, network = examples.likelihood, examples.network
        y, w, noise = examples.y, examples.w, self.noise(position)
        theta = position[:, : self.p].astype(np.float32)
        layers = network.layers(flat.split(theta, examples.shapes))
        seen = trace(layers, network.activation, examples.A)
        eta = network.link(seen.output.astype(np.float64))
        value = likelihood.log_density(y, eta, noise) @ w
        delta = network.delta(w * likelihood.score(y, eta, noise)).astype(np.float32)
        gradients = network.named(backward(layers, seen, delta))
        out = np.empty_like(position)
        out[:, : self.p] = flat.join(gradients, examples.shapes)
        by_noise = likelihood.parameter_scores(y, eta, noise)
        for k, (name, prior) in enumerate(self.hyperprior.noise_priors.items(), start=self.p):
            phi = noise[name][:, 0]
            value = value + prior.log_density(phi) + position[:, k]
            out[:, k] = (by_noise[name] @ w + prior.score(phi)) * phi + 1.0
        return value, out

    def with_prior(
        self, position: Array, data: tuple[Array, Array], precision: Array
    ) -> tuple[Array, Array]:
        """Return the log posterior and its gradient in z, for precisions of shape (C, G)."""
        p, theta = self.p, position[:, : self.p]
        pull = precision[:, self.hyperprior.groups.members] * theta
        value = data[0] - 0.5 * np.sum(pull * theta, axis=1)
        gradient = data[1].copy()
        by_weights = (gradient[:, :p] - pull).astype(np.float32)
        gradient[:, :p] = (
            self.P * by_weights if self.P.ndim == 2 else (by_weights[:, None] @ self.P)[:, 0]
        )
        gradient[:, p:] *= self.unit
        return value, gradient

    def draw_precision(self, position: Array, precision: Array, rng: np.random.Generator) -> Array:
        """Draw the precisions given the weights (M17); known ones stay."""
        prior, groups = self.hyperprior.prior, self.hyperprior.groups
        if not prior.learned:
            return precision
        squares = groups.total(position[:, : self.p] ** 2)
        shape = prior.shape + 0.5 * groups.sizes
        return rng.gamma(np.broadcast_to(shape, squares.shape)) / (prior.rate + 0.5 * squares)


def density_of(modes: Sequence[Mode]) -> Density:
    """Return the density around the modes from which chains start."""
    setting = modes[0].setting
    examples = setting.examples
    names = list(setting.hyperprior.noise_priors)
    centre = np.array(
        [[*mode.x, *(np.log(mode.scales.noise[name]) for name in names)] for mode in modes]
    )
    single = Examples(
        examples.network,
        examples.likelihood,
        np.ascontiguousarray(examples.A, dtype=np.float32),
        examples.y,
        examples.w,
    )
    P = np.array([_whitening(mode) for mode in modes], dtype=np.float32)
    return Density(single, setting.hyperprior, centre, P, float((2.0 * examples.weight) ** -0.5))


def _whitening(mode: Mode) -> Array:
    """Return (H + μI)^-½ of a mode: L⁻ᵀ, or the prior's scales where that is too large."""
    precision, here = mode.point.precision, mode.point.here
    gram = here.rows.gram if isinstance(here, Linearised) else None
    if len(precision) > DENSE or gram is None:
        return np.asarray((here.diagonal() + precision + DAMPING) ** -0.5)
    H = np.tril(gram) + np.tril(gram, -1).T
    H[np.diag_indices_from(H)] += precision + DAMPING
    L = np.linalg.cholesky(H)
    return np.asarray(solve_triangular(L, np.eye(len(L)), lower=True, check_finite=False).T)
