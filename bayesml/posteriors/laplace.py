"""The Gaussian at a mode, in unbounded coordinates. Derived in docs/theory/laplace.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from bayesml.arguments import one_probability
from bayesml.distributions import ContinuousSupport
from bayesml.likelihoods import Average, Likelihood
from bayesml.log_joint import Coordinates
from bayesml.log_joint.rows import jacobian_of
from bayesml.posteriors.audited import AuditedDraws
from bayesml.posteriors.base import Compared, Kind, Marginal
from bayesml.posteriors.linearised import averaged, mean_function, normals
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.reweighted import ReweightedPosterior
from bayesml.posteriors.rows import side_by_side
from bayesml.predictors import Predictor, flat
from bayesml.typing import Array, ArrayLike

NODES = (0, 9, 5, 5)
"""Quadrature nodes over each of one, two or three parameters of the likelihood.

They reach 4.5 standard deviations for one and 2.9 for more, so that degrees of freedom below one,
where no mean exists, are met only where the posterior itself has a share of them.
"""


@dataclass(frozen=True, eq=False)
class TransformedNormal:
    """Entries φ = T(u) with u normal: a bounded parameter whose unbounded form is Gaussian.

    Attributes
    ----------
    support : ContinuousSupport
        With its bijection T.
    centre, spread : ndarray, shape (rows,)
        Mean and standard deviation of u.
    """

    support: ContinuousSupport
    centre: Array
    spread: Array

    @cached_property
    def _atoms(self) -> tuple[Array, Array]:
        z, weights = np.polynomial.hermite_e.hermegauss(64)
        return self.support.constrain(self.centre[:, None] + self.spread[:, None] * z), (
            weights / weights.sum()
        )

    @property
    def mean(self) -> Array:
        """Means, by quadrature."""
        values, weights = self._atoms
        return np.asarray(values @ weights)

    @property
    def sd(self) -> Array:
        """Standard deviations, by quadrature."""
        values, weights = self._atoms
        return np.asarray(np.sqrt((values - self.mean[:, None]) ** 2 @ weights))

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(φ ≤ y): that of T⁻¹(y)."""
        u = self.support.unconstrain(np.asarray(y, dtype=np.float64))
        return np.asarray(ndtr((u - self.centre) / self.spread))

    def quantile(self, q: float) -> Array:
        """Return T of the normal quantile: T is increasing."""
        z = ndtri(one_probability(q))
        return self.support.constrain(self.centre + self.spread * z)


@dataclass(frozen=True, eq=False)
class LaplacePosterior:
    r"""Normal(x̂, H⁻¹) in the coordinates of the log joint, η linearised at x̂ (U1).

    .. math:: x = \hat x + F\zeta, \quad \zeta \sim \mathrm{Normal}(0, I), \quad FF^\top = H^{-1}

    Predictions average the likelihood over the Gaussian η given φ, and over φ by quadrature
    (U3): they have no Monte Carlo error.

    Attributes
    ----------
    predictor : Predictor
    likelihood : Likelihood
    coordinates : Coordinates
    mode : ndarray, shape (d,)
    factor : ndarray, shape (d, d)
        F.
    audited : AuditedDraws
        Draws of it, with the density that it stands for (U4).
    """

    predictor: Predictor
    likelihood: Likelihood
    coordinates: Coordinates
    mode: Array
    factor: Array
    audited: AuditedDraws

    @property
    def kind(self) -> Kind:
        """An approximation."""
        return "approximate"

    @property
    def constants(self) -> Mapping[str, Array]:
        """None: everything has a distribution."""
        return {}

    @property
    def compared(self) -> Compared | None:
        """None: draws are independent."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return normal marginals of the coefficients, and transformed ones of what is bounded."""
        at, beta = self.coordinates, self.coordinates.beta(self.mode)
        F = at.jacobian(self.mode) @ self.factor
        means = {name: np.ravel(v) for name, v in at.frame.named(beta).items()}
        out: dict[str, Marginal] = {
            name: normals(means[name], np.linalg.norm(A @ F, axis=1))
            for name, A in at.frame.matrices().items()
        }
        sd = np.linalg.norm(self.factor, axis=1)
        for block, where in at.blocks():
            centre = np.atleast_1d(block.reference + self.mode[where])
            out[block.name] = TransformedNormal(block.support, centre, np.atleast_1d(sd[where]))
        return out

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently, in the user's units."""
        zeta = rng.standard_normal((chains, draws, len(self.mode)))
        return self.coordinates.named(self.mode + zeta @ self.factor.T)

    def audited_parameters(self) -> dict[str, Array]:
        """Return the draws of the audit by name, in the user's units."""
        return self.coordinates.named(self.audited.x)

    def reweighted(self) -> ReweightedPosterior:
        """Return the draws of the audit with their smoothed weights (U7)."""
        return ReweightedPosterior(
            self.predictor,
            self.likelihood,
            self.audited_parameters(),
            self.audited.weights,
            self.coordinates.known,
        )

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the linearised predictor at draws, shape (..., m) or (k, ..., m)."""
        at = self.coordinates
        away = at.frame.unnamed(parameters) - at.beta(self.mode)
        eta, J = self._at_mode(X)
        moved = np.einsum("kmp,...p->k...m", J, away, optimize=True)
        wide = eta.reshape(len(eta), *[1] * (away.ndim - 1), -1) + moved
        return np.asarray(wide if len(wide) > 1 else wide[0])

    def predict(self, X: Array) -> Prediction:
        """Return the likelihood averaged over η and φ, at the rows of X (U3)."""
        eta, G = self._linearise(X)
        average = self._average(eta, G)
        centre = self._values(self.mode)
        covariance = np.einsum("kmd,lmd->mkl", G, G)
        mean = mean_function(self.likelihood, eta, covariance, centre)

        def picked(size: int, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
            zeta = rng.standard_normal((size, len(self.mode)))
            drawn = eta[:, None, :] + np.einsum("kmd,sd->ksm", G, zeta)
            values = self._values(self.mode + zeta @ self.factor.T)
            wide = {name: v[:, None] if np.ndim(v) else v for name, v in values.items()}
            return drawn if len(drawn) > 1 else drawn[0], wide

        def sample(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.sample(*picked(size, rng), rng)

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.mean(*picked(size, rng))

        return averaged(self.likelihood, average, len(X), mean, sample, sample_mean)

    def _values(self, x: Array) -> dict[str, Any]:
        values = self.coordinates.values(x)
        return {name: values[name] for name in self.likelihood.parameters}

    def _linearise(self, X: Array) -> tuple[Array, Array]:
        """Return η at the mode, (k, m), and its derivative in ζ, (k, m, d)."""
        eta, J = self._at_mode(X)
        return eta, J @ (self.coordinates.jacobian(self.mode) @ self.factor)

    def _at_mode(self, X: Array) -> tuple[Array, Array]:
        """Return η at the mode, (k, m), and its Jacobian in β, (k, m, p)."""
        frame, beta = self.coordinates.frame, self.coordinates.beta(self.mode)
        parameters, predictor, A = flat.split(beta, frame.shapes), frame.predictor, frame.prepare(X)
        eta, J = predictor.eta(parameters, A), jacobian_of(frame, parameters, A)
        return np.atleast_2d(eta), J[None] if J.ndim == 2 else J

    def _average(self, eta: Array, G: Array) -> Average:
        """Average over φ at quadrature nodes, and over η given each of them."""
        known = self.likelihood.parameters
        where = [int(at) for block, at in self.coordinates.blocks() if block.name in known]
        if not where:
            covariance = np.einsum("kmd,lmd->mkl", G, G)
            return self.likelihood.average(eta, covariance, self._values(self.mode))
        Q, R = np.linalg.qr(self.factor[where].T)  # u − û = Rᵀt with t = Qᵀζ standard normal
        shift, rest = G @ Q, G - (G @ Q) @ Q.T
        covariance = np.einsum("kmd,lmd->mkl", rest, rest)
        z, w = np.polynomial.hermite_e.hermegauss(NODES[min(len(where), 3)])
        parts, weights = [], []
        for index in product(range(len(z)), repeat=len(where)):
            t = z[list(index)]
            x = self.mode.copy()
            x[where] += t @ R
            at_node = self.likelihood.average(eta + shift @ t, covariance, self._values(x))
            parts.append(at_node)
            weights.append(float(np.prod(w[list(index)] / w.sum())) * at_node.weights)
        return _joined(parts, np.concatenate(weights))


def _joined(parts: list[Average], weights: Array) -> Average:
    """Return averages at several nodes as one mixture, components side by side."""
    widths = [len(part.weights) for part in parts]
    parameters = {
        name: side_by_side([part.parameters[name] for part in parts], widths)
        for name in parts[0].parameters
    }
    return Average(weights, np.concatenate([p.eta for p in parts], axis=-1), parameters)
