"""From the coordinates of the linear Gaussian model to parameters by name, and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from bayesml.linalg.doubled import exact_dot
from bayesml.posteriors.prediction import Sampler
from bayesml.posteriors.rows import row_blocks
from bayesml.predictors import Linear
from bayesml.typing import Array, Integers

Draw = Callable[[int, np.random.Generator], tuple[Array, Array]]
"""Draws β and σ, so many and jointly: shapes (size, p) and (size,)."""


@dataclass(frozen=True, eq=False)
class LinearCoordinates:
    r"""β = (b at the origin, θ), with :math:`\eta = b + (x - \mathrm{origin})^\top\theta`.

    Attributes
    ----------
    origin, origin_error : ndarray, shape (n,)
        Where the intercept is counted from: the mean of the features, rounded, and what the
        rounding left out.
    intercept : bool
        Without an intercept β = θ and the origin is not used.
    precision : int or None
        The column of X by which the variance of the noise is divided (S7). The features are the
        columns before it.
    """

    origin: Array
    origin_error: Array
    intercept: bool
    precision: int | None = None

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return len(self.origin) + self.intercept

    def rows(self, X: Array) -> Array:
        """Return A with η = Aβ at the rows of X, shape (m, p)."""
        X = self.features(X)
        if not self.intercept:
            return X
        A = np.empty((X.shape[0], self.p))
        A[:, 0] = 1.0
        np.subtract(X, self.origin, out=A[:, 1:])
        A[:, 1:] -= self.origin_error
        return A

    def total(self, X: Array, weights: Array) -> tuple[Array, float]:
        """Return Σ wᵢηᵢ over rows as Aβ + c: A of shape (p,), and c, which is zero."""
        out: Array = np.zeros(self.p)
        for block in row_blocks(len(X), self.p):
            out = out + weights[block] @ self.rows(X[block])
        return out, 0.0

    def entries(self, name: str, which: Integers) -> Array | None:
        """Return the functionals that give entries of a parameter, or None if it is no β."""
        found = self.parameters().get(name)
        return None if found is None else found[which]

    def features(self, X: Array) -> Array:
        """Return the columns of X that have weights."""
        return X if self.precision is None else X[:, : len(self.origin)]

    def noise(self, X: Array) -> Array:
        """Return the standard deviation of every row's noise in units of σ: 1/√p (S7), (m,)."""
        return np.ones(len(X)) if self.precision is None else X[:, self.precision] ** -0.5

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate b + Xθ at parameters by name, shape (..., m), and behind it the precisions."""
        eta = Linear(self.intercept).eta(parameters, self.features(X))
        if self.precision is None:
            return eta
        return np.stack([eta, np.broadcast_to(X[:, self.precision], eta.shape)])

    def eta_of(self, beta: Array, X: Array) -> Array:
        """Evaluate Aβ at draws of β, shape (draws, m), a block of rows at a time."""
        eta = np.empty((beta.shape[0], X.shape[0]))
        for block in row_blocks(X.shape[0], self.p):
            eta[:, block] = beta @ self.rows(X[block]).T
        return eta

    def samplers(self, draw: Draw, X: Array) -> tuple[Sampler, Sampler]:
        """Return what draws y at the rows of X, and what draws E[y], from draws of β and σ."""

        def sample(size: int, rng: np.random.Generator) -> Array:
            beta, sigma = draw(size, rng)
            eta = self.eta_of(beta, X)
            noise = rng.standard_normal(eta.shape)
            noise *= sigma[:, None]
            noise *= self.noise(X)
            return eta + noise

        def sample_mean(size: int, rng: np.random.Generator) -> Array:
            return self.eta_of(draw(size, rng)[0], X)

        return sample, sample_mean

    def parameters(self) -> dict[str, Array]:
        """Return, by parameter name, the functionals of β that give its entries."""
        p = self.p
        weights = np.eye(p)[int(self.intercept) :]
        if not self.intercept:
            return {"weights": weights}
        return {"intercept": np.concatenate([[1.0], -self.origin])[None, :], "weights": weights}

    def split_exactly(self, beta: Array, error: Array) -> dict[str, Array]:
        """Return parameters by name from one β, with what its rounding left out (A7).

        Far from the origin the intercept is a small difference of large numbers.
        """
        parameters = self.split(beta + error)
        if self.intercept:
            row = np.append(1.0, -self.origin)
            high, low = exact_dot(row, beta)
            rest = float(row @ error - self.origin_error @ beta[1:])
            parameters["intercept"] = np.asarray(high + (low + rest))
        return parameters

    def split(self, beta: Array) -> dict[str, Array]:
        """Return parameters by name from β of shape (..., p); the intercept at X = 0."""
        if not self.intercept:
            return {"weights": beta}
        theta = beta[..., 1:]
        return {
            "intercept": beta[..., 0] - theta @ (self.origin + self.origin_error),
            "weights": theta,
        }
