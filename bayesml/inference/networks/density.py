"""The log posterior of a network at many chains at once, in whitened coordinates.

Coordinates are (θ, log φ) = centre + P z, one centre and one P a chain. The network is evaluated in
single precision, everything per row in double. Used in docs/theory/network.md, (M15) to (M17).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.inference.networks.mode import Mode, joint_objective
from bayesml.inference.networks.scales import Hyperprior, NetworkScales
from bayesml.log_joint import LogJoint
from bayesml.predictors.activations import Floats
from bayesml.typing import Array, Integers

DENSE = 2500
"""The most parameters for which a full matrix P a chain is kept."""

DAMPING = 100.0
"""What is added to the curvature before P = (H + μI)^-½: flat directions are not stretched."""


@dataclass(frozen=True, eq=False)
class Density:
    """The log posterior given the prior precisions, its data part apart from its prior part.

    Attributes
    ----------
    joint : LogJoint
        Of (θ, log φ) without the prior of the weights where its scales are learned; a network's
        rows are in single precision.
    scales : Hyperprior or None
        Whose precisions are drawn given the weights; None where the prior is part of `joint`.
    centre : ndarray, shape (C, d)
        (θ, log φ) at z = 0.
    P : ndarray, shape (T, p, p) or (T, p)
        Of the weights, upper triangles in the precision of their steps; a vector is a diagonal.
    of : ndarray, shape (C,)
        Which of them is a chain's: chains from one mode share it.
    unit : float
        The scale of log φ.
    """

    joint: LogJoint
    scales: Hyperprior | None
    centre: Array
    P: Floats
    of: Integers
    unit: float

    @property
    def p(self) -> int:
        """Number of weights."""
        return int(self.P.shape[1])

    def position(self, z: Array) -> Array:
        """Return (θ, log φ), shape (C, d)."""
        from bayesml.linalg.triangular_products import upper_products

        p, step = self.p, np.array(z)
        weights = z[:, :p].astype(self.P.dtype)
        if self.P.ndim == 2:
            step[:, :p] = self.P[self.of] * weights
        else:
            step[:, :p] = upper_products(self.P, self.of, weights)
        step[:, p:] *= self.unit
        return self.centre + step

    def data_part(self, position: Array) -> tuple[Array, Array]:
        """Return Σ wᵢ log p(yᵢ) + log p(log φ), shape (C,), and its gradient in the position."""
        return self.joint.log_density_and_gradient(position)

    def with_prior(
        self, position: Array, data: tuple[Array, Array], precision: Array
    ) -> tuple[Array, Array]:
        """Return the log posterior and its gradient in z, for precisions of shape (C, G)."""
        from bayesml.linalg.triangular_products import transposed_products

        p, (value, gradient) = self.p, (data[0], data[1].copy())
        if self.scales is not None:
            theta = position[:, :p]
            pull = precision[:, self.scales.groups.members] * theta
            value = value - 0.5 * np.sum(pull * theta, axis=1)
            gradient[:, :p] -= pull
        by_weights = gradient[:, :p].astype(self.P.dtype)
        gradient[:, :p] = (
            self.P[self.of] * by_weights
            if self.P.ndim == 2
            else transposed_products(self.P, self.of, by_weights)
        )
        gradient[:, p:] *= self.unit
        return value, gradient

    def draw_precision(self, position: Array, precision: Array, rng: np.random.Generator) -> Array:
        """Draw the precisions given the weights (M17); known ones stay."""
        if self.scales is None or not self.scales.prior.learned:
            return precision
        prior, groups = self.scales.prior, self.scales.groups
        squares = groups.total(position[:, : self.p] ** 2)
        shape = prior.shape + 0.5 * groups.sizes
        return rng.gamma(np.broadcast_to(shape, squares.shape)) / (prior.rate + 0.5 * squares)


def density_of(modes: Sequence[Mode]) -> Density:
    """Return the density around the modes from which chains start."""
    setting, rows = modes[0].setting, modes[0].setting.rows.at_hand()
    without_prior = replace(
        setting,
        scales=NetworkScales(
            np.zeros_like(setting.scales.precision),
            dict.fromkeys(setting.hyperprior.parameter_priors, 1.0),
        ),
    )
    single = replace(rows, A=np.ascontiguousarray(rows.A, dtype=np.float32))
    joint = joint_objective(without_prior, single).joint.unconstrained()
    centre = np.array([joint.coordinates.x(m.x, m.scales.values) for m in modes])
    apart = list({id(mode): mode for mode in modes}.values())
    P = np.array([_whitening(replace(mode)) for mode in apart], dtype=np.float32)  # of copies
    of = np.array([[each is mode for each in apart].index(True) for mode in modes])
    return Density(joint, setting.hyperprior, centre, P, of, float((2.0 * rows.weight) ** -0.5))


def _whitening(mode: Mode) -> Array:
    """Return (H + μI)^-½ of a mode: L⁻ᵀ, or the prior's scales where that is too large."""
    precision, here = mode.point.precision, mode.point.here
    gram = here.gram
    if len(precision) > DENSE or gram is None:
        return np.asarray((here.diagonal() + precision + DAMPING) ** -0.5)
    H = np.tril(gram) + np.tril(gram, -1).T
    H[np.diag_indices_from(H)] += precision + DAMPING
    L = np.linalg.cholesky(H)
    return np.asarray(solve_triangular(L, np.eye(len(L)), lower=True, check_finite=False).T)
