"""The posterior under priors that are Gaussian given scales, by Gibbs' sampler on the statistics.

Derived in docs/theory/sparse_priors.md, (Z16) to (Z18) and (Z21) to (Z23).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from bayesml.arguments import check_count, require_memory
from bayesml.distributions import Distribution
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.propriety import propriety
from bayesml.inference.single_scales import Pool, Weights, log_mixed, pooled
from bayesml.log_joint import data_term, not_linear_gaussian
from bayesml.log_joint.least_squares import LeastSquares
from bayesml.model import Problem
from bayesml.posteriors import SampledPosterior
from bayesml.priors import GaussianGivenScales, NormalRows, SelectsFeatures, Spread
from bayesml.samplers.slice import slice_step
from bayesml.typing import Array

Values = dict[str, Any]
Density = Callable[[Values], Array]

WIDTH = 2.0
"""By which slices of a scale of all are stepped out, on its log."""


@dataclass(frozen=True)
class Gibbs:
    r"""Gibbs' sampler of a linear Gaussian model whose prior is Gaussian given its scales.

    Coefficients are drawn jointly given all scales, by one Cholesky decomposition; scales of single
    weights with their weight integrated out, from candidates; scales of all and σ by slices, those
    of all summed over these candidates and with the weights that the data leave free moving along.
    A sweep costs O(n³) on the sufficient statistics, whatever the number of rows.

    Parameters
    ----------
    draws, tune : int
        Sweeps kept and sweeps left out, per chain.
    chains : int
        At least two, or their agreement cannot be checked.

    Raises
    ------
    IncompatibleModelError
        If a setting is out of range; at fit, if the model is not linear and Gaussian, or the prior
        has no scales that are inferred.

    References
    ----------
    Carvalho, Polson & Scott (2010), The horseshoe estimator for sparse signals, for the model;
    Neal (2003), Slice sampling; Tjelmeland (2004), Using all Metropolis-Hastings proposals to
    estimate mean values, for candidates; Liu & Sabatti (2000), Generalised Gibbs sampler and
    multigrid Monte Carlo for Bayesian computation, for moves along curves.

    Examples
    --------
    >>> import bayesml as bm
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(200, 10))
    >>> data = bm.Data(X, 3.0 * X[:, 0] + rng.normal(size=200))
    >>> fit = bm.fit(bm.Model(prior=bm.Horseshoe(relevant=2)), data, Gibbs(), rng=1)
    >>> bool(abs(fit.summary().loc["weights[x0]", "mean"] - 3.0) < 0.3)
    True
    """

    draws: int = 1200
    tune: int = 200
    chains: int = 4

    def __post_init__(self) -> None:
        check_count(self, "draws", "tune", "chains")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Sample the posterior."""
        if reason := not_gibbs(problem):
            subsets = isinstance(problem.prior, SelectsFeatures)  # which have no density to follow
            instead = "Exact() or SubsetSampler()" if subsets else "NUTS(), or Auto() to choose"
            raise IncompatibleModelError(f"Gibbs() does not apply: {reason} Use {instead}.")
        require_memory(
            4.0 * self.chains * self.draws * problem.size,
            f"{self.chains:,} chains of {self.draws:,} draws of {problem.size:,} parameters",
            "take fewer draws, a few thousand do for most quantities",
        )
        notes = propriety(problem)
        sampler = _Sampler.of(problem)
        state = sampler.start(self.chains, rng)
        for _ in range(self.tune):
            state = sampler.sweep(*state, rng)
        kept: list[tuple[Array, Values]] = []
        for _ in range(self.draws):
            state = sampler.sweep(*state, rng)
            kept.append(state)
        beta = np.stack([b for b, _ in kept], axis=1)
        names = [*problem.inferred, *problem.hyperparameters]
        values = {n: np.stack([v[n] for _, v in kept], axis=1) for n in names}
        chains = problem.frame.named(beta) | values
        model = problem.model
        return Learned(
            SampledPosterior(model.predictor, model.likelihood, chains, problem.known, None),
            model,
            f"{self.chains} chains of {self.draws} draws after {self.tune} for tuning, by Gibbs' "
            "sampler on the sufficient statistics",
            "Gibbs does not compute it. Use Exact() where it applies.",
            notes=notes,
            sample_stats={"diverging": np.zeros((self.chains, self.draws), dtype=bool)},
        )


def not_gibbs(problem: Problem) -> str | None:
    """Say why Gibbs' sampler does not apply, or None where it does."""
    why = not_linear_gaussian(problem)
    if why is not None:
        return why
    if not isinstance(problem.prior, GaussianGivenScales):
        return f"the prior is {problem.declared.prior!r}, whose scales are not those of weights."
    return None


@dataclass(frozen=True, eq=False)
class _Sampler:
    """What the sweeps read: the statistics, and the prior as it is asked."""

    problem: Problem
    prior: GaussianGivenScales
    data: LeastSquares
    spread: Spread
    gram: Array
    pull: Array
    weights: Weights

    @classmethod
    def of(cls, problem: Problem) -> "_Sampler":
        prior: Any = problem.prior
        data = data_term(problem)
        gram, pull = data.M.T @ data.M, data.M.T @ data.d
        spread = prior.spread(problem)
        weights = Weights(np.flatnonzero(spread.scaled), spread.location, gram, pull)
        return cls(problem, prior, data, spread, gram, pull, weights)

    def start(self, chains: int, rng: np.random.Generator) -> tuple[Array, Values]:
        """Scales an e-fold around where they are one, σ around that of least squares."""
        values: Values = {name: np.full(chains, v) for name, v in self.problem.known.items()}
        for name, unknown in self.problem.hyperparameters.items():
            values[name] = np.exp(rng.uniform(-1.0, 1.0, (chains, *unknown.shape)))
        if "sigma" in self.problem.inferred:
            # a few of its sds apart: a slice steps no further at a time
            left = max(self.data.weight - len(self.pull), 1.0)
            sd = np.sqrt(self.data.floor / left) or self.problem.statistics.sd_y or 1.0
            apart = 4.0 / np.sqrt(2.0 * self.data.weight)
            values["sigma"] = sd * np.exp(rng.uniform(-apart, apart, chains))
        return self._coefficients(values, rng), values

    def sweep(self, beta: Array, values: Values, rng: np.random.Generator) -> tuple[Array, Values]:
        """Take every block in turn."""
        stated = self.problem.hyperparameters
        local = {name: unknown for name, unknown in stated.items() if unknown.shape}
        pool = pooled(local, values, (len(beta), len(self.weights.where)), rng)
        for name, (prior, shape) in stated.items():
            if not shape:
                beta, values = self._in_units(name, prior, pool, beta, values, rng)
        s2 = self._pooled_scales(pool, values) ** 2
        beta, chosen = self.weights.drawn(beta, values["sigma"], s2, pool.log_prior, rng)
        values = values | pool.chosen(chosen)
        beta = self._coefficients(values, rng)
        if "sigma" in self.problem.inferred:
            squares = self._squares(beta)

            def of_rows(trial: Values) -> Array:
                sigma = trial["sigma"]
                return np.asarray(-self.data.weight * np.log(sigma) - 0.5 * squares / sigma**2)

            prior = self.problem.inferred["sigma"]
            width = 4.0 / float(np.sqrt(2.0 * self.data.weight))  # log σ has sd 1/√(2W)
            values = values | {"sigma": self._slice("sigma", prior, values, rng, of_rows, width)}
        return beta, values

    def _coefficients(self, values: Values, rng: np.random.Generator) -> Array:
        """Draw β given all else, a chain at a time (Z16)."""
        out = np.empty((len(values["sigma"]), len(self.pull)))
        every = np.arange(len(self.pull))
        for k in range(len(out)):
            own = {name: value[k] for name, value in values.items()}
            rows: NormalRows = self.prior.rows_given(self.problem, own)
            at = every if rows.rows is None else np.argmax(rows.rows != 0, axis=1)
            A = self.gram / own["sigma"] ** 2
            A[at, at] += rows.sd**-2.0
            b = self.pull / own["sigma"] ** 2
            b[at] += rows.mean / rows.sd**2
            L = cholesky(A, lower=True, check_finite=False)
            half = solve_triangular(L, b, lower=True, check_finite=False)
            half += rng.standard_normal(len(half))
            out[k] = solve_triangular(L, half, lower=True, trans="T", check_finite=False)
        return out

    def _slice(
        self,
        name: str,
        prior: Distribution,
        values: Values,
        rng: np.random.Generator,
        rest: Density,
        width: float,
    ) -> Array:
        """Move a positive parameter by a slice of its logarithm, given what else depends on it."""

        def log_density(u: Array) -> Array:
            v = np.exp(u)
            with np.errstate(all="ignore"):
                found = prior.log_density(v) + u + rest(values | {name: v})
            return np.where(np.isnan(found), -np.inf, found)

        return np.exp(slice_step(log_density, np.log(values[name]), rng, width))

    def _pooled_scales(self, pool: Pool, values: Values) -> Array:
        """Return s of every candidate, shape (K, chains, n)."""
        s = self.spread.scale(values | dict(pool.scales))
        own = np.take(s, self.weights.where, axis=-1)  # whose memory is in order
        return np.broadcast_to(own, pool.log_prior.shape)

    def _in_units(
        self,
        name: str,
        prior: Distribution,
        pool: Pool,
        beta: Array,
        values: Values,
        rng: np.random.Generator,
    ) -> tuple[Array, Values]:
        """Move a scale of all, single ones summed over their pools, and weights along (Z18)."""
        where, usual = self.weights.where, values | dict(pool.centre)
        start = np.log(self.spread.scale(usual)[:, where])

        def moved(trial: Values) -> tuple[Array, Array]:
            now = np.log(self.spread.scale(usual | {name: trial[name]})[:, where])
            return self.weights.carried(beta, values["sigma"], now - start)

        def rest(trial: Values) -> Array:
            b, volume = moved(trial)
            away = (b - self.spread.location)[:, where]
            own = log_mixed(pool.log_prior, self._pooled_scales(pool, trial), away)
            return np.asarray(own + volume - 0.5 * self._squares(b) / trial["sigma"] ** 2)

        values = values | {name: self._slice(name, prior, values, rng, rest, WIDTH)}
        return moved(values)[0], values

    def _squares(self, beta: Array) -> Array:
        rest = self.data.d - beta @ self.data.M.T
        return np.asarray(np.sum(rest * rest, axis=-1) + self.data.floor)
