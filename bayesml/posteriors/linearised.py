"""The Gaussian posterior of a linearised predictor. Derived in docs/theory/network.md, (M13)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesml.likelihoods import Average, Gaussian, Likelihood, beside_nodes, normal_nodes
from bayesml.linalg.regression import Regression
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Kind, Marginal
from bayesml.posteriors.lattice import row_mixture
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction, Sampler
from bayesml.posteriors.row_distribution import RowDistribution
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import HasJacobian, Predictor, flat
from bayesml.typing import Array


@dataclass(frozen=True, eq=False)
class LinearisedPosterior:
    r"""Normal(θ̂, H⁻¹) on the parameters of a predictor linearised at θ̂.

    .. math:: \eta(x) = h_{\hat\theta}(x) + \mathsf J(x)(\theta - \hat\theta)

    Predictions are those of the linearised predictor, for which H is the curvature: draws of the
    parameters put through the network itself would not follow the posterior.

    Attributes
    ----------
    predictor : Predictor
    likelihood : Likelihood
    mode : mapping of name to ndarray
        θ̂.
    regression : Regression
        H, factorised.
    values : mapping of name to float
        φ, known or tuned.
    inferred : tuple of str
        Which of them were tuned.
    features : int
        n.
    """

    predictor: Predictor
    likelihood: Likelihood
    mode: Mapping[str, Array]
    regression: Regression
    values: Mapping[str, float]
    inferred: tuple[str, ...]
    features: int

    @property
    def kind(self) -> Kind:
        """An approximation."""
        return "approximate"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters."""
        return self.predictor.shapes(self.features)

    @property
    def constants(self) -> dict[str, Array]:
        """The tuned noise: numbers that maximise the evidence, without a distribution."""
        return {name: np.asarray(self.values[name]) for name in self.inferred}

    @property
    def compared(self) -> None:
        """Nothing: draws are independent."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the normal marginals of the parameters, and the tuned noise as atoms."""
        x = flat.join(self.mode, self.shapes)
        sd = np.sqrt(np.maximum(self.regression.inverse_diagonal(), 0.0))
        entries = flat.split(np.arange(len(x)), self.shapes)
        out: dict[str, Marginal] = {
            name: normals(x[index.ravel()], sd[index.ravel()]) for name, index in entries.items()
        }
        for name in self.inferred:
            value = np.array([[self.values[name]]])
            out[name] = Atoms(1, np.ones(1), value.__getitem__)
        return out

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently, for use with `eta`; the tuned noise is constant."""
        x = flat.join(self.mode, self.shapes) + self.regression.sample(chains * draws, rng)
        out = flat.split(x.reshape(chains, draws, -1), self.shapes)
        constant = {name: np.full((chains, draws), self.values[name]) for name in self.inferred}
        return out | constant

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the linearised predictor at draws, shape (..., m) or (k, ..., m)."""
        x = flat.join(parameters, self.shapes) - flat.join(self.mode, self.shapes)
        parts = []
        for block in row_blocks(len(X), x.shape[-1]):
            eta, J = self._linearise(X[block])
            moved = np.einsum("kmp,...p->k...m", J, x, optimize=True)
            parts.append(eta.reshape(len(eta), *[1] * (x.ndim - 1), -1) + moved)
        wide = np.concatenate(parts, axis=-1)
        return np.asarray(wide if len(wide) > 1 else wide[0])

    def predict(self, X: Array) -> Prediction:
        """Return the likelihood averaged over the linearised predictor, at the rows of X (M13)."""
        eta, covariance = self.moments(X)
        average = self.likelihood.average(eta, covariance, self.values)
        mean = mean_function(self.likelihood, eta, covariance, self.values)

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.mean(self._draw(X, size, rng), self.values)

        def sample(size: int, rng: np.random.Generator) -> Array:
            return self.likelihood.sample(self._draw(X, size, rng), self.values, rng)

        return averaged(self.likelihood, average, len(X), mean, sample, sample_mean)

    def moments(self, X: Array) -> tuple[Array, Array]:
        """Return η at the mode, (k, m), and its covariance, (m, k, k), block by block."""
        k = 1 if (first := self.predictor.eta(self.mode, X[:1])).ndim == 1 else len(first)
        eta, covariance = np.empty((k, len(X))), np.empty((len(X), k, k))
        p = sum(np.prod(shape, dtype=int) for shape in self.shapes.values())
        for block in row_blocks(len(X), k * int(p)):
            eta[:, block], J = self._linearise(X[block])
            covariance[block] = self.regression.covariance(J)
        return eta, covariance

    def _linearise(self, X: Array) -> tuple[Array, Array]:
        """Return η, (k, m), and its Jacobian, (k, m, p)."""
        if not isinstance(self.predictor, HasJacobian):
            raise TypeError(f"{self.predictor!r} has no Jacobian.")
        eta, J = self.predictor.eta(self.mode, X), self.predictor.jacobian(self.mode, X)
        return (eta[None], J[None]) if eta.ndim == 1 else (eta, J)

    def _draw(self, X: Array, size: int, rng: np.random.Generator) -> Array:
        x = flat.join(self.mode, self.shapes) + self.regression.sample(size, rng)
        return self.eta(flat.split(x, self.shapes), X)


def averaged(
    likelihood: Likelihood,
    average: Average,
    rows: int,
    mean: RowDistribution,
    sample: Sampler,
    sample_mean: Sampler,
) -> Prediction:
    """Return the prediction that a likelihood averaged over η makes (P2)."""
    centres = likelihood.mean(average.eta, average.parameters)
    within = likelihood.sd(average.eta, average.parameters) ** 2 @ average.weights
    total = within + (centres - (centres @ average.weights)[:, None]) ** 2 @ average.weights

    def components(block: slice) -> tuple[Array, Mapping[str, Array]]:
        return average.eta[..., block, :], _rows(average.parameters, block, rows)

    return Prediction(
        row_mixture(rows, average.weights, likelihood, components),
        mean,
        np.maximum(total - mean.sd**2, 0.0),
        sample,
        sample_mean,
    )


def mean_function(
    likelihood: Likelihood, eta: Array, covariance: Array, values: Mapping[str, Any]
) -> Mixture | Atoms:
    """Return the distribution of E[y | x]: normal where it is the first output itself."""
    native = eta if len(eta) > 1 else eta[0]
    if np.array_equal(likelihood.mean(native, values), eta[0]):
        return normals(eta[0], np.sqrt(np.maximum(covariance[:, 0, 0], 0.0)))
    free = max(1, int(np.sum(np.any(covariance, axis=(0, 2)))))  # the rest is known
    if free == 1:
        z, mass = np.polynomial.hermite_e.hermegauss(64)
        weights: Array = mass / mass.sum()
        nodes = (eta[0][:, None] + np.sqrt(covariance[:, 0, 0])[:, None] * z)[None]
    else:
        weights, nodes = normal_nodes(eta[:free], covariance[:, :free, :free])
    rest = np.broadcast_to(eta[free:, :, None], (len(eta) - free, *nodes.shape[1:]))
    at = np.concatenate([nodes, rest])
    atoms = likelihood.mean(at if len(at) > 1 else at[0], beside_nodes(values))
    return Atoms(len(atoms), weights, atoms.__getitem__)


def normals(mean: Array, sd: Array) -> Mixture:
    """Return normal distributions, one a row."""

    def at(block: slice) -> tuple[Array, Mapping[str, Array]]:
        return mean[block, None], {"sigma": sd[block, None]}

    return Mixture(len(mean), np.ones(1), Gaussian(), at)


def _rows(parameters: Mapping[str, Array], block: slice, rows: int) -> dict[str, Array]:
    """Return the parameters of some rows; those that are the same for all are left as they are."""
    arrays = {name: np.asarray(value) for name, value in parameters.items()}
    return {
        name: value[block] if value.ndim == 2 and len(value) == rows else value
        for name, value in arrays.items()
    }
