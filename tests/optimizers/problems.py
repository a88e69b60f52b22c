"""Functions whose minimum is known exactly, by construction or by a decomposition."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import brentq, rosen, rosen_der, rosen_hess
from scipy.special import expit

from bayesml.optimizers import by_index


class Valued:
    """What every objective has once it has a value and gradient."""

    def value(self, x):
        return self.value_and_gradient(x)[0]


class ByIndex(Valued):
    """What a mean over `rows` in memory has once it is estimated from any of them."""

    def value_and_gradient(self, x):
        return self.estimate(x, np.arange(self.rows))

    def minibatches(self, size, rng):
        return by_index(self.rows, size, rng, lambda x, few: self.estimate(x, few)[1])


@dataclass(frozen=True)
class Quadratic(Valued):
    """½ (x − x*)ᵀ H (x − x*) + offset, eigenvalues of H spread evenly in their logarithm."""

    condition: float
    size: int = 8
    offset: float = 1.0
    seed: int = 1
    dtype: type = np.float64

    @cached_property
    def H(self):
        rng = np.random.default_rng(self.seed)
        Q = np.linalg.qr(rng.normal(size=(self.size, self.size)))[0]
        H = Q * np.geomspace(1 / self.condition, 1, self.size) @ Q.T
        return ((H + H.T) / 2).astype(self.dtype)

    @cached_property
    def minimum(self):
        return np.random.default_rng(self.seed + 1).normal(size=self.size).astype(self.dtype)

    @property
    def start(self):
        return np.zeros(self.size, dtype=self.dtype)

    def value_and_gradient(self, x):
        gradient = self.H @ (x - self.minimum)
        return 0.5 * float((x - self.minimum) @ gradient) + self.offset, gradient

    def hessian(self, x):
        return self.H


@dataclass(frozen=True)
class Rosenbrock:
    """100 (x₁ − x₀²)² + (1 − x₀)²: a curved valley, not convex."""

    minimum: np.ndarray = field(default_factory=lambda: np.ones(2))
    start: np.ndarray = field(default_factory=lambda: np.array([-1.2, 1.0]))

    def value(self, x):
        return float(rosen(x))

    def value_and_gradient(self, x):
        return float(rosen(x)), rosen_der(x)

    def hessian(self, x):
        return rosen_hess(x)


@dataclass(frozen=True)
class Logistic(ByIndex):
    """Cross entropy with targets expit(X x*) and a ridge about x*: least at x*, exactly."""

    rows: int = 200
    size: int = 4
    penalty: float = 0.01

    @cached_property
    def X(self):
        return np.random.default_rng(3).normal(size=(self.rows, self.size))

    @cached_property
    def minimum(self):
        return np.random.default_rng(4).normal(size=self.size)

    @property
    def start(self):
        return np.zeros(self.size)

    def estimate(self, x, rows):
        X, ridge = self.X[rows], self.penalty * (x - self.minimum)
        y, eta = expit(X @ self.minimum), X @ x
        value = np.mean(np.logaddexp(0, eta) - y * eta) + 0.5 * (x - self.minimum) @ ridge
        return float(value), X.T @ (expit(eta) - y) / len(X) + ridge

    def hessian(self, x):
        p = expit(self.X @ x)
        return (self.X.T * (p * (1 - p))) @ self.X / self.rows + self.penalty * np.eye(self.size)


@dataclass(frozen=True)
class StudentT(Valued):
    """Student-t regression in (β, log σ): residuals in pairs ±r about 0, r scaled to σ* = 1."""

    df: float = 4.0
    size: int = 3

    @cached_property
    def data(self):
        rng = np.random.default_rng(5)
        X, r = rng.normal(size=(60, self.size)), rng.standard_t(self.df, size=60)

        def score(log_sigma):
            u2 = (r * np.exp(-log_sigma)) ** 2
            return 1 - np.mean((self.df + 1) * u2 / (self.df + u2))

        r = r * np.exp(-brentq(score, -5, 5, xtol=1e-15, rtol=1e-15))
        return np.vstack([X, X]), np.concatenate([r, -r])

    @property
    def minimum(self):
        return np.zeros(self.size + 1)

    @property
    def start(self):
        return np.array([1.0, -1.0, 0.5, 1.0])

    def _residuals(self, x):
        X, y = self.data
        return X, (y - X @ x[:-1]) * np.exp(-x[-1])

    def value_and_gradient(self, x):
        X, u = self._residuals(x)
        psi = (self.df + 1) * u / (self.df + u**2)
        value = x[-1] + (self.df + 1) / 2 * np.mean(np.log1p(u**2 / self.df))
        slopes = -np.exp(-x[-1]) * X.T @ psi / len(u)
        return float(value), np.append(slopes, 1 - np.mean(psi * u))

    def hessian(self, x):
        X, u = self._residuals(x)
        psi = (self.df + 1) * u / (self.df + u**2)
        bend = (self.df + 1) * (self.df - u**2) / (self.df + u**2) ** 2
        H = np.empty((len(x), len(x)))
        H[:-1, :-1] = np.exp(-2 * x[-1]) * (X.T * bend) @ X / len(u)
        H[:-1, -1] = H[-1, :-1] = np.exp(-x[-1]) * X.T @ (bend * u + psi) / len(u)
        H[-1, -1] = np.mean(bend * u**2 + psi * u)
        return H


@dataclass(frozen=True)
class LeastSquares(ByIndex):
    """Mean of ½ (xᵢᵀ θ − yᵢ)² over standardised rows, and the sampling errors of its minimum."""

    rows: int = 400
    size: int = 5
    correlation: float = 0.0
    noise: float = 0.5

    @cached_property
    def data(self):
        rng = np.random.default_rng(6)
        common = rng.normal(size=(self.rows, 1)) * np.sqrt(self.correlation)
        X = common + rng.normal(size=(self.rows, self.size)) * np.sqrt(1 - self.correlation)
        X = (X - X.mean(0)) / X.std(0)
        y = X @ rng.normal(size=self.size) + self.noise * rng.normal(size=self.rows)
        return X, (y - y.mean()) / y.std()

    @cached_property
    def minimum(self):
        return np.linalg.lstsq(*self.data)[0]

    @property
    def start(self):
        return np.zeros(self.size)

    def standard_errors(self, x):
        """Return the root mean square distance of x from the minimum in standard errors."""
        X, y = self.data
        moved = X @ (x - self.minimum)
        variance = np.sum((y - X @ self.minimum) ** 2) / (self.rows - self.size)
        return float(np.sqrt(moved @ moved / variance / self.size))

    def estimate(self, x, rows):
        X, y = self.data[0][rows], self.data[1][rows]
        residual = X @ x - y
        return 0.5 * float(residual @ residual) / len(y), X.T @ residual / len(y)

    def hessian(self, x):
        return self.data[0].T @ self.data[0] / self.rows


@dataclass(frozen=True)
class Function:
    """Any function of a vector, from its value and gradient."""

    f: object
    g: object

    def value(self, x):
        return float(self.f(x))

    def value_and_gradient(self, x):
        return float(self.f(x)), self.g(x)
