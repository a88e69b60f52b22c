"""The posterior over models: conjugate given each, averaged over all.

Derived in docs/theory/all_subsets.md, whose labels are cited.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import fdtrc, logsumexp

from bayesml.data import Block
from bayesml.likelihoods import StudentT
from bayesml.posteriors.averaged import Averaged, AveragedScale, Indicator, SpikedMarginal
from bayesml.posteriors.base import Compared, Kind, Marginal
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.leave_one_out import LeaveOneOut, Part, Rows, in_closed_form, leave_one_out
from bayesml.posteriors.mixture import Components, Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.typing import Array, Bools, Integers

LEVEL = 0.003
"""Probability below which chance does not make weights so large."""

ATOM = 1e-12
"""Scale, in units of σ, of what no model that has it leaves uncertain: too narrow to be seen."""


@dataclass(frozen=True, eq=False)
class ModelAverage:
    r"""The mixture of normal-inverse-gamma posteriors over models γ (Y9).

    .. math:: p(\beta, \sigma \mid y)
              = \sum_\gamma p(\gamma \mid y)\, p(\beta, \sigma \mid y, \gamma)

    Attributes
    ----------
    regression : SubsetRegression
    models : ndarray of bool, shape (K, n)
        Those that predictions mix, the most probable first.
    model_probabilities : ndarray, shape (K,)
        p(γ | y).
    weights : ndarray, shape (K,)
        In the mixture; larger than its probability where a model stands for others (Y8).
    inclusion_probabilities : ndarray, shape (n,)
        P(γⱼ = 1 | y), over all models.
    mean, covariance : ndarray, shape (n,), (n, n)
        Of the weights over all models.
    coordinates : LinearCoordinates
    kind : {"exact", "sampled"}
        Whether all models were added up.
    compared : Compared or None
        What must agree between chains, where models were sampled.
    """

    regression: SubsetRegression
    models: Bools
    model_probabilities: Array
    weights: Array
    inclusion_probabilities: Array
    mean: Array
    covariance: Array
    coordinates: LinearCoordinates
    kind: Kind = "exact"
    compared: Compared | None = None

    @property
    def constants(self) -> dict[str, Array]:
        """None: every parameter has a distribution."""
        return {}

    @property
    def slab_misfit(self) -> float:
        """The part of 2b that the slab's misfit has beyond what chance makes of it (Y15)."""
        (mean, _, rate), shape = self._solutions, self.regression.shape
        squares = np.sum(np.square(mean / self.regression.scale), axis=1)
        size = np.maximum(self.models.sum(axis=1), 1)
        excess = 0.5 * squares / rate - 0.5 * size / shape
        rare = fdtrc(size, 2.0 * shape, squares * shape / (rate * size)) < LEVEL
        return float(self.weights @ np.where(rare, excess, 0.0))

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the marginal distribution of every parameter, and of inclusion."""
        out: dict[str, Marginal] = {}
        rows = self.coordinates.parameters()
        if "intercept" in rows:
            out["intercept"] = self._intercept(rows["intercept"])
        sd, slabs = np.sqrt(np.diag(self.covariance)), [self._slab(A) for A in rows["weights"]]
        out["weights"] = SpikedMarginal(self.mean, sd, self.inclusion_probabilities, slabs)
        out["sigma"] = AveragedScale(self.regression.shape, self._solutions[2], self.weights)
        return out | {"inclusion": Indicator(self.inclusion_probabilities)}

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently: a model, σ, then its coefficients; others are exactly zero."""
        beta, sigma, which = self._sample(chains * draws, rng)
        inclusion = self.models[which].astype(np.float64)
        out = self.coordinates.split(beta) | {"sigma": sigma, "inclusion": inclusion}
        return {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in out.items()}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate b + Xθ at draws, shape (..., m)."""
        return self.coordinates.eta(parameters, X)

    def leave_one_out(self, blocks: Iterable[Block]) -> LeaveOneOut:
        """Predict a copy of every row from the others, and average again (Y10)."""

        def predict(part: Part) -> Rows:
            eta, spread = self.at(self.coordinates.rows(part.X), 0.0)
            shape, rate = self.regression.shape, self._solutions[2][:, None]
            each = in_closed_form(part, eta.T, spread["sigma"].T, shape, rate)
            density, mean, leverage = each  # (K, rows)
            log_weights = np.log(self.weights)[:, None] - density
            log_density = -logsumexp(log_weights, axis=0)
            without = np.exp(log_weights + log_density)
            return log_density, np.sum(without * mean, axis=0), self.weights @ leverage

        return leave_one_out(blocks, len(self.weights), predict)

    def predict(self, X: Array) -> Prediction:
        """Return the mixture of Student-t predictive distributions at the rows of X (Y9)."""
        rows, shape = X.shape[0], self.regression.shape

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return np.asarray(self._sample(size, rng)[0] @ self.coordinates.rows(X).T)

        def sample(size: int, rng: np.random.Generator) -> Array:
            beta, sigma, _ = self._sample(size, rng)
            eta: Array = beta @ self.coordinates.rows(X).T
            eta += sigma[:, None] * rng.standard_normal(eta.shape)
            return eta

        rate = float(self.weights @ self._solutions[2])
        expected_variance = rate / (shape - 1.0) if shape > 1.0 else np.inf
        return Prediction(
            self._mixture(rows, lambda b: self.at(self.coordinates.rows(X[b]), 1.0)),
            self._mixture(rows, lambda b: self.at(self.coordinates.rows(X[b]), 0.0)),
            np.full(rows, expected_variance),
            sample,
            sample_mean,
        )

    def at(self, A: Array, noise: float) -> tuple[Array, dict[str, Array]]:
        """Return locations and scales of Aβ plus `noise` times σ² of variance, (rows, K)."""
        regression, (mean, root, rate) = self.regression, self._solutions
        n = regression.n
        theta, first = A[:, A.shape[1] - n :], A[:, 0] if self.coordinates.intercept else 0.0
        eta = theta @ mean.T + np.reshape(first * regression.intercept, (-1, 1))
        h = np.matmul(theta, root)  # (K, rows, k)
        spread = np.sum(h * h, axis=2).T + noise
        spread += np.reshape(np.square(first) * regression.intercept_variance, (-1, 1))
        scale = np.sqrt(rate / regression.shape * np.maximum(spread, ATOM**2))
        return eta, {"df": np.full_like(eta, 2.0 * regression.shape), "sigma": scale}

    @cached_property
    def _solutions(self) -> tuple[Array, Array, Array]:
        return self.regression.solutions(self.models)

    def _mixture(self, rows: int, components: Components) -> Mixture:
        return Mixture(rows, self.weights, StudentT(), components)

    def _intercept(self, row: Array) -> Averaged:
        """Return the intercept at X = 0: that at the mean, less what the weights add there."""
        regression, away = self.regression, row[0, 1:]
        rate = float(self.weights @ self._solutions[2])
        mean, variance = regression.intercept + away @ self.mean, np.array(np.inf)
        if regression.shape > 1.0:
            level = rate / (regression.shape - 1.0) * regression.intercept_variance
            variance = np.asarray(level + away @ self.covariance @ away)
        mixture = self._mixture(1, lambda b: self.at(row[b], 0.0))
        return Averaged(np.array([mean]), np.sqrt(np.atleast_1d(variance)), mixture)

    def _slab(self, row: Array) -> Mixture | None:
        """Return the mixture of one weight over the models that have it."""
        j = int(np.argmax(row[-self.regression.n :]))
        inside = np.flatnonzero(self.models[:, j])
        if not len(inside):
            return None
        weights = self.weights[inside] / self.weights[inside].sum()
        mean, root, rate = (part[inside] for part in self._solutions)
        shape = self.regression.shape
        scale = np.sqrt(rate / shape * np.sum(root[:, j] ** 2, axis=1))
        given = {"df": np.full((1, len(inside)), 2.0 * shape), "sigma": scale[None]}
        return Mixture(1, weights, StudentT(), lambda b: (mean[:, j][None], given))

    def _sample(self, size: int, rng: np.random.Generator) -> tuple[Array, Array, Integers]:
        """Draw β, σ and the number of the model."""
        regression, (mean, root, rate) = self.regression, self._solutions
        which = rng.choice(len(self.weights), size, p=self.weights)
        sigma = np.sqrt(rate[which] / rng.gamma(regression.shape, 1.0, size))
        noise, theta = rng.standard_normal((size, root.shape[2])), np.empty((size, regression.n))
        for k in np.unique(which):
            drawn = which == k
            theta[drawn] = mean[k] + sigma[drawn, None] * (noise[drawn] @ root[k].T)
        if not self.coordinates.intercept:
            return theta, sigma, which
        spread = sigma * np.sqrt(regression.intercept_variance)
        level = regression.intercept + spread * rng.standard_normal(size)
        return np.column_stack([level, theta]), sigma, which
