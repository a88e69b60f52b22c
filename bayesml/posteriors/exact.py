"""The exact posterior of the linear Gaussian model, with σ known or integrated by quadrature.

Derived in docs/theory/linear_gaussian.md.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from bayesml.arguments import one_probability
from bayesml.data import Block
from bayesml.distributions import Distribution
from bayesml.likelihoods import Gaussian
from bayesml.posteriors.base import Kind, Marginal
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.leave_one_out import LeaveOneOut, Part, Rows, from_units_of, leave_one_out
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.posteriors.log_scale import LogScalePosterior
from bayesml.posteriors.mixture import Mixture
from bayesml.posteriors.prediction import Prediction
from bayesml.posteriors.reweighting import by_nodes, given_scale
from bayesml.posteriors.tilted import FarOut, ScaleDensity
from bayesml.typing import Array, ArrayLike, Integers


@dataclass(frozen=True, eq=False)
class KnownScale:
    """A noise scale that is known: one node with all the mass."""

    sigma_0: float
    value: float

    @property
    def nodes(self) -> Array:
        """log(σ/σ₀)."""
        return np.array([log(self.value / self.sigma_0)])

    @property
    def weights(self) -> Array:
        """One."""
        return np.ones(1)

    @property
    def rule(self) -> tuple[Array, Array]:
        """The one node and its weight."""
        return self.nodes, self.weights

    @property
    def tail_index(self) -> float:
        """A number has all moments."""
        return np.inf

    def moment(self, order: int) -> float:
        """Return σ^order."""
        return self.value**order

    @property
    def sigma(self) -> Array:
        """σ, in the unit of y."""
        return np.array([self.value])

    def sample(self, rng: np.random.Generator, size: int) -> Array:
        """Repeat the node."""
        return np.repeat(self.nodes, size)


@dataclass(frozen=True, eq=False)
class ScaleMarginal:
    """The marginal distribution of σ, as the entries of a parameter."""

    posterior: LogScalePosterior

    @property
    def mean(self) -> Array:
        """E[σ | y]."""
        return np.array([self.posterior.mean])

    @property
    def sd(self) -> Array:
        """Standard deviation of σ given y."""
        return np.array([self.posterior.sd])

    def cdf(self, y: ArrayLike) -> Array:
        """Evaluate P(σ ≤ y) given the data."""
        return np.atleast_1d(self.posterior.cdf(y))

    def quantile(self, q: float) -> Array:
        """Quantiles of σ given y."""
        return np.atleast_1d(self.posterior.quantile(one_probability(q)))


@dataclass(frozen=True, eq=False)
class ExactPosterior:
    r"""Gaussian in the coefficients given σ, σ on quadrature nodes: nothing is sampled.

    .. math:: p(\beta \mid y) = \sum_k \pi_k\,\mathrm{Normal}(\beta \mid \beta_0 + L\gamma_k,\
              L D_k L^\top) \qquad (L11)

    Attributes
    ----------
    geometry : LinearGaussian
    scale : LogScalePosterior or KnownScale
    coordinates : LinearCoordinates
    sigma_prior : Distribution or None
        p(σ), which gives the density of σ beyond the nodes; None where σ is known.
    """

    geometry: LinearGaussian
    scale: LogScalePosterior | KnownScale
    coordinates: LinearCoordinates
    sigma_prior: Distribution | None

    @property
    def kind(self) -> Kind:
        """An exact posterior."""
        return "exact"

    @property
    def constants(self) -> dict[str, Array]:
        """None: every parameter has a distribution."""
        return {}

    @property
    def compared(self) -> None:
        """Nothing: draws are independent."""
        return None

    def closed_form(self, count: int) -> bool:
        """Say that functionals are evaluated in closed form, however many."""
        return True

    def functional(self, A: Array, at_reference: Array | None = None) -> Mixture:
        """Return the distribution of Aβ, row by row, for A of shape (rows, p) (L12).

        Its value Aβ₀ at the reference can be given, where more of its digits are known (A7).
        """
        pi, tail = self.scale.rule[1], self._tail_index(A)
        centre = A @ self.geometry.reference if at_reference is None else at_reference

        def at(rows: Integers, u: Array) -> tuple[Array, dict[str, Array]]:
            return self._around(A[rows], centre[rows], 0.0, u)

        return Mixture(
            A.shape[0],
            pi,
            Gaussian(),
            lambda b: self._around(A[b], centre[b]),
            tail,
            self._far_out(at),
        )

    def sample_functional(self, A: Array, size: int, rng: np.random.Generator) -> Array:
        """Draw Aβ jointly, shape (size, rows)."""
        return self._sample(size, rng)[0] @ A.T

    def _far_out(
        self, at: Callable[[Integers, Array], tuple[Array, dict[str, Array]]]
    ) -> FarOut | None:
        """Return what evaluates far from the mean, where σ has to be integrated elsewhere."""
        if self.sigma_prior is None or isinstance(self.scale, KnownScale):
            return None
        return FarOut(self.scale, ScaleDensity(self.geometry, self.sigma_prior), at)

    def _tail_index(self, A: Array) -> float:
        """Return the tail index of Aβ: that of σ if A sees a direction without a prior."""
        joint = self.geometry.joint
        h = np.abs(A @ joint.basis)
        flat = h[:, joint.s == 0].sum() > 1e-12 * h.sum()
        return self.scale.tail_index if flat else np.inf

    def marginals(self) -> Mapping[str, Marginal]:
        """Return the marginal distribution of every parameter, by quadrature."""
        g, rows = self.geometry, self.coordinates.parameters()
        at_reference = self.coordinates.split_exactly(g.reference, g.reference_error)
        out: dict[str, Marginal] = {
            name: self.functional(A, np.atleast_1d(at_reference[name])) for name, A in rows.items()
        }
        if isinstance(self.scale, LogScalePosterior):
            out["sigma"] = ScaleMarginal(self.scale)
        return out

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draw independently: σ first, then the coefficients given σ."""
        beta, sigma = self._sample(chains * draws, rng)
        out = self.coordinates.split(beta)
        if isinstance(self.scale, LogScalePosterior):
            out["sigma"] = sigma
        return {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in out.items()}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate b + Xθ at draws, shape (..., m)."""
        return self.coordinates.eta(parameters, X)

    def leave_one_out(self, blocks: Iterable[Block]) -> LeaveOneOut:
        """Predict a copy of every row from the others, by taking it out of p(σ | y) (V3)."""
        scale, prior = self.scale, self.sigma_prior

        def predict(part: Part) -> Rows:
            noise = self.coordinates.noise(part.X)
            A = self.coordinates.rows(part.X) / noise[:, None]
            part = part.in_units_of(noise)

            def at(some: Integers, u: Array) -> tuple[Array, Array]:
                eta, spread = self.at(A[some], u=u)
                return eta, spread["sigma"]

            if prior is None or isinstance(scale, KnownScale):
                found = given_scale(part, at, scale.sigma_0, scale.nodes)
            else:
                found = by_nodes(part, at, scale, ScaleDensity(self.geometry, prior))
            return from_units_of(noise, found)

        return leave_one_out(blocks, len(scale.nodes), predict)

    def predict(self, X: Array) -> Prediction:
        """Return the predictive distribution at the rows of X, by quadrature (P3)."""
        rows, (u, pi) = X.shape[0], self.scale.rule
        sigma_0, few = self.geometry.sigma_0, u

        def total(block: slice | Integers, u: Array = few) -> tuple[Array, dict[str, Array]]:
            sigma = sigma_0 * np.exp(u) * self.coordinates.noise(X[block])[:, None]
            return self.at(self.coordinates.rows(X[block]), sigma**2, u)

        def mean(block: slice | Integers, u: Array = few) -> tuple[Array, dict[str, Array]]:
            return self.at(self.coordinates.rows(X[block]), u=u)

        flat = self._tail_index(np.ones((1, self.coordinates.p)))
        of_sum, of_mean = self._far_out(total), self._far_out(mean)
        return Prediction(
            Mixture(rows, pi, Gaussian(), total, self.scale.tail_index, of_sum),
            Mixture(rows, pi, Gaussian(), mean, flat, of_mean),
            self.scale.moment(2) * self.coordinates.noise(X) ** 2,
            *self.coordinates.samplers(self._sample, X),
        )

    def at(
        self, A: Array, noise_variance: Array | float = 0.0, u: Array | None = None
    ) -> tuple[Array, dict[str, Array]]:
        """Return means and standard deviations of Aβ (+ noise) at nodes of u, (rows, K)."""
        return self._around(A, A @ self.geometry.reference, noise_variance, u)

    def _around(
        self,
        A: Array,
        at_reference: Array,
        noise_variance: Array | float = 0.0,
        u: Array | None = None,
    ) -> tuple[Array, dict[str, Array]]:
        g = self.geometry
        u = self.scale.rule[0] if u is None else u
        h = A @ g.joint.basis
        eta = at_reference[:, None] + h @ g.shift(u).T
        return eta, {"sigma": np.sqrt(h**2 @ g.relative_variance(u).T + noise_variance)}

    def _sample(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        u, g = self.scale.sample(rng, size), self.geometry
        noise = rng.standard_normal((size, g.p))
        deviation = g.shift(u) + np.sqrt(g.relative_variance(u)) * noise
        return g.reference + deviation @ g.joint.basis.T, g.sigma_0 * np.exp(u)
