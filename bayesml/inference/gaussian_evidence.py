"""The evidence of a linear Gaussian model as a function of σ and the prior's scales.

Derived in docs/theory/empirical_bayes.md, whose labels are cited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np

from bayesml.inference.exact import gaussian_rows
from bayesml.linalg import triangular_factor
from bayesml.log_joint import data_term
from bayesml.model import Problem
from bayesml.priors import NormalRows
from bayesml.stirling import HALF_LOG_2PI
from bayesml.typing import Array, Bools, Integers

NO_NOISE = 1e-12
"""Of the size of the target: residuals that are taken for its rounding where there are none."""

MOST_LOG = 300.0
"""Of σ and scales: beyond it squares overflow, and a search turns back."""


@dataclass(frozen=True, eq=False)
class Conditional:
    """The coefficients in units of their prior, v, given the hyperparameters (Y18).

    Attributes
    ----------
    sigma : float
    s : ndarray, shape (k,)
        Prior standard deviation of every coefficient; zero where its scale is.
    T : ndarray, shape (k, k)
        Upper triangular, TᵀT = I + AᵀA.
    v : ndarray, shape (k,)
        The mean of the posterior.
    rest : ndarray, shape (k,)
        (d − Rβ̂)/σ.
    floor : float
        What no coefficients explain, in units of σ².
    """

    sigma: float
    s: Array
    T: Array
    v: Array
    rest: Array
    floor: float

    @property
    def squares(self) -> float:
        """The sum of squared residuals, in units of σ²."""
        return float(self.rest @ self.rest) + self.floor

    @cached_property
    def C(self) -> Array:
        """(I + AᵀA)⁻¹, the covariance of v."""
        inverse = np.linalg.inv(self.T)
        return np.asarray(inverse @ inverse.T)

    @property
    def determined(self) -> Array:
        """γ, how much of every coefficient the data determine rather than the prior (Y19)."""
        return np.asarray(1.0 - np.diag(self.C))


@dataclass(frozen=True, eq=False)
class GaussianEvidence:
    r"""−log p(y | σ, τ)/W as a function of u = (log σ, log τ₁, …), its gradient and curvature.

    Attributes
    ----------
    names : tuple of str
        Of σ, if it is inferred, and of the scales.
    R : ndarray, shape (k, k)
        The data's factor of the coefficients that have a prior, flat ones integrated out.
    d : ndarray, shape (k,)
        The target less the prior means, in the same coordinates.
    unit : ndarray, shape (k,)
        Prior standard deviations at τ = 1.
    group : ndarray of int, shape (k,)
        Which scale, or −1 where it is known.
    floor : float
        ρ², in squared units of y.
    weight : float
        W.
    flat : int
        How many coefficients have no prior.
    log_det : float
        log |det| of the factor of these, less Σ wᵢ log pᵢ/2 of known precisions (S8).
    known : float or None
        σ, where it is not inferred.
    on : ndarray of bool
        Which scales are not zero.
    """

    names: tuple[str, ...]
    R: Array
    d: Array
    unit: Array
    group: Integers
    floor: float
    weight: float
    flat: int
    log_det: float
    known: float | None
    on: Bools

    @property
    def noise(self) -> int:
        """How many coordinates are of σ: one, or none."""
        return int(self.known is None)

    def conditional(self, u: Array) -> Conditional:
        """Return the coefficients given the hyperparameters, by orthogonal factors (Y18)."""
        sigma = float(np.exp(u[0])) if self.known is None else self.known
        tau = np.zeros(len(self.on) + 1)
        tau[:-1][self.on], tau[-1] = np.exp(u[self.noise :]), 1.0
        s, k = self.unit * tau[self.group], len(self.d)
        A, r = self.R * (s / sigma), self.d / sigma
        both = np.zeros((2 * k, k + 1))
        both[:k, :k], both[:k, k], both[k:, :k] = A, r, np.eye(k)
        T = triangular_factor(both)
        v = np.linalg.solve(T[:k, :k], T[:k, k])
        return Conditional(sigma, s, T[:k, :k], v, r - A @ v, self.floor / sigma**2)

    def log_evidence(self, u: Array) -> float:
        """Evaluate log p(y | σ, τ)."""
        return self._log_evidence(self.conditional(u))

    def _log_evidence(self, at: Conditional) -> float:
        """Evaluate it given the coefficients (Y18)."""
        free = self.weight - self.flat
        log_det = self.log_det + float(np.sum(np.log(np.abs(np.diag(at.T)))))
        misfit = at.squares + float(at.v @ at.v)
        return -free * HALF_LOG_2PI - free * log(at.sigma) - log_det - 0.5 * misfit

    @property
    def noiseless(self) -> float:
        """The logarithm of a σ that is rounding of the target, or nearly so."""
        return 0.5 * log((float(self.d @ self.d) + self.floor) / self.weight) + log(10 * NO_NOISE)

    def value(self, u: Array) -> float:
        """Evaluate the objective."""
        return -self.log_evidence(u) / self.weight

    def value_and_gradient(self, u: Array) -> tuple[float, Array]:
        """Evaluate it and its gradient (Y19)."""
        if np.any(u > MOST_LOG):
            return np.inf, np.zeros(len(u))
        at = self.conditional(u)
        by_scale = self._by_scale(at.v**2 - at.determined)
        by_noise = at.squares + float(at.determined.sum()) - (self.weight - self.flat)
        slope = np.append(by_noise, by_scale) if self.noise else by_scale
        return -self._log_evidence(at) / self.weight, -slope / self.weight

    def hessian(self, u: Array) -> Array:
        """Return the curvature (Y21)."""
        at = self.conditional(u)
        v, C = at.v, at.C
        diagonal, pulled, squared = np.diag(C), C @ v, np.sum(C * C, axis=0)
        of_s = 4.0 * np.outer(v, v) * C + 2.0 * C * C - 2.0 * np.diag(v * v + diagonal)
        H = self._by_scale(self._by_scale(of_s).T)
        if self.noise:
            cross = self._by_scale(2.0 * (diagonal - squared) - 4.0 * v * pulled)
            corner = 2.0 * float(np.sum(squared - diagonal)) - 2.0 * at.squares
            H = np.block(
                [[np.array([[corner + 4.0 * float(v @ pulled)]]), cross[None]], [cross[:, None], H]]
            )
        return -H / self.weight

    def slope_at_zero(self, u: Array) -> tuple[Array, Array]:
        """Return Σ (q_j² − S_j) and Σ S_j² of every scale, for those that are zero (Y23)."""
        at = self.conditional(u)
        columns = self.R * (self.unit / at.sigma)
        seen = np.linalg.solve(at.T.T, (self.R * (at.s / at.sigma)).T @ columns)
        S = np.sum(columns**2, axis=0) - np.sum(seen**2, axis=0)
        q = at.rest @ columns
        every = [np.flatnonzero(self.group == g) for g in range(len(self.on))]
        slopes = np.array([float(np.sum(q[j] ** 2 - S[j])) for j in every])
        return slopes, np.array([float(np.sum(S[j] ** 2)) for j in every])

    def values(self, u: Array) -> dict[str, float]:
        """Return the hyperparameters by name; a scale that is zero is so to rounding (Y24)."""
        at = self.conditional(u)
        norms = np.linalg.norm(self.R, axis=0) * self.unit
        tau = np.empty(len(self.on))
        tau[self.on] = np.exp(u[self.noise :])
        for g in np.flatnonzero(~self.on):
            tau[g] = ZERO * at.sigma / (float(np.max(norms[self.group == g])) or 1.0)
        every = np.append(at.sigma, tau) if self.noise else tau
        return dict(zip(self.names, every.tolist(), strict=True))

    def _by_scale(self, numbers: Array) -> Array:
        """Sum over the coefficients of every scale that is not zero, along the first axis."""
        each = np.zeros((len(self.on), *numbers.shape[1:]))
        np.add.at(each, self.group[self.group >= 0], numbers[self.group >= 0])
        return np.asarray(each[self.on])


ZERO = 1e-8
"""Of what a column explains, in units of the noise: at its square nothing is left but rounding."""


def gaussian_evidence(problem: Problem) -> GaussianEvidence:
    """Return the evidence of a linear Gaussian problem whose prior is of single coefficients."""
    rows = gaussian_rows(problem)
    data = data_term(problem)
    p, k = data.M.shape[1], len(rows.mean)
    at = np.arange(p) if rows.rows is None else np.argmax(rows.rows != 0.0, axis=1)
    flat = np.setdiff1d(np.arange(p), at)
    R = triangular_factor(np.column_stack([data.M[:, flat], data.M[:, at], data.d]))
    f = len(flat)
    inner, target = R[f:p, f:p], R[f:p, p] - R[f:p, f:p] @ rows.mean
    names = rows.scale_names
    group = np.full(k, -1, dtype=np.intp) if rows.group is None else np.asarray(rows.group)
    known = problem.known.get("sigma")
    rounding = NO_NOISE**2 * float(data.d @ data.d)
    return GaussianEvidence(
        ((() if known is not None else ("sigma",)) + names),
        inner,
        target,
        rows.sd,
        group,
        data.floor or rounding,
        data.weight,
        f,
        float(np.sum(np.log(np.abs(np.diag(R)[:f])))) - 0.5 * data.log_precisions,
        known,
        np.ones(len(names), dtype=bool),
    )


def of_single_coefficients(rows: NormalRows | None) -> bool:
    """Say whether a prior is Normal, of one coefficient a row, and scaled by its own scales."""
    if rows is None or isinstance(rows.scale, str):
        return False
    return rows.rows is None or bool(
        np.all(np.sort(rows.rows, axis=1)[:, :-1] == 0.0)
        and np.all(np.max(rows.rows, axis=1) == 1.0)
    )


def named(values: Mapping[str, float]) -> str:
    """Say hyperparameters in words, the first of many.

    Examples
    --------
    >>> named({"sigma": 0.51234, "prior_scale[weights]": 2.0})
    'sigma = 0.5123, prior_scale[weights] = 2'
    """
    said = [f"{name} = {value:.4g}" for name, value in list(values.items())[:4]]
    more = [f"and {len(values) - 4} more"] if len(values) > 4 else []
    return ", ".join([*said, *more])
