"""What NUTS runs on: the package's own log density, or the exported PyMC model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from bayesml.errors import IncompatibleModelError
from bayesml.inference.exact import coordinates_of
from bayesml.inference.networks.hierarchical import hierarchical
from bayesml.inference.networks.mode import Recipe, find_mode
from bayesml.inference.objectives import Unconstrained, negative_log_density
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, minimize
from bayesml.priors import Layered, NormalInverseGamma
from bayesml.samplers import Adaptation, sample
from bayesml.typing import Array


class Settings(Protocol):
    """How long and how carefully to sample."""

    @property
    def draws(self) -> int:
        """Draws kept per chain."""

    @property
    def tune(self) -> int:
        """Draws for adaptation per chain."""

    @property
    def chains(self) -> int:
        """Number of chains."""

    @property
    def target_accept(self) -> float:
        """Mean acceptance probability."""

    @property
    def max_depth(self) -> int:
        """Most doublings of a trajectory."""

    @property
    def progress(self) -> bool:
        """Whether to show progress."""


def _stated(settings: Settings) -> dict[str, Any]:
    """Return the settings by the names that both samplers give them."""
    return {
        "draws": settings.draws,
        "tune": settings.tune,
        "chains": settings.chains,
        "target_accept": settings.target_accept,
        "max_depth": settings.max_depth,
        "progress": settings.progress,
    }


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws by parameter and sampler statistics in ArviZ's names, shape (chain, draw, ...)."""

    chains: Mapping[str, Array]
    statistics: Mapping[str, Array]
    how: str
    state: Adaptation | None = None


class Engine(Protocol):
    """Draws from the posterior of a problem."""

    def sample(self, problem: Problem, settings: Settings, seed: int) -> Drawn:
        """Sample."""


@dataclass(frozen=True)
class Direct:
    """The package's log density and gradient in numpy, called by nutpie; nothing is compiled.

    For a Gaussian likelihood they come from the sufficient statistics: a gradient costs O(n²)
    however many rows were read. Coordinates are standardised, noise parameters are logarithms
    with their Jacobian.
    """

    def sample(
        self, problem: Problem, settings: Settings, seed: int, state: Adaptation | None = None
    ) -> Drawn:
        """Sample in whitened coordinates, from starts around the mode, or where a run stopped."""
        if isinstance(problem.prior, NormalInverseGamma):
            raise IncompatibleModelError(
                "NUTS() takes separate priors on coefficients and noise, got NormalInverseGamma, "
                "whose posterior is closed form. Use Exact(), or NUTS(engine=PyMC())."
            )
        if isinstance(problem.prior, Layered):
            return sample_network(problem, settings, seed)
        target = negative_log_density(problem, with_prior=True)
        frame = whitening(Unconstrained(target))
        size = len(frame.mode)
        start = np.random.default_rng(seed).uniform(-2.0, 2.0, (settings.chains, size))
        at = start if state is None else state.position
        drawn = sample(frame.log_density, at, **_stated(settings), seed=seed, adaptation=state)
        x = frame.position(drawn.positions)
        chains = coordinates_of(problem).split(target.frame.beta(x[..., : target.p]))
        for k, name in enumerate(target.noise_priors):
            chains[name] = target.reference[name] * np.exp(x[..., target.p + k])
        return Drawn(
            chains, drawn.sample_stats, "by the package's own log density", drawn.adaptation
        )


def sample_network(problem: Problem, settings: Settings, seed: int) -> Drawn:
    """Sample a network's weights, noise and prior scales, every chain from a mode of its own."""
    rng = np.random.default_rng(seed)
    modes = [find_mode(problem, own, Recipe()) for own in rng.spawn(settings.chains)]
    density = hierarchical(modes[0])
    starts = np.array([density.start(mode) for mode in modes])
    drawn = sample(density.log_density, starts, **_stated(settings), seed=seed)
    how = "from modes, by the package's own log density"
    return Drawn(density.parameters(drawn.positions), drawn.sample_stats, how)


@dataclass(frozen=True)
class PyMC:
    """The model that `bayesml.pymc.to_pymc` exports, compiled and sampled by ``pm.sample``.

    The reference for `Direct`. The first compilation in a fresh cache takes about a minute.
    """

    def sample(self, problem: Problem, settings: Settings, seed: int) -> Drawn:
        """Sample the PyMC model."""
        from bayesml.pymc import build
        from bayesml.pymc import sample as sample_pymc

        drawn, statistics = sample_pymc(build(problem), **_stated(settings), seed=seed)
        if isinstance(problem.prior, Layered):
            names = [*problem.model.predictor.shapes(problem.data.n), *problem.inferred]
            scales = {"prior_sd": drawn["precision"] ** -0.5} if "precision" in drawn else {}
            return Drawn({n: drawn[n] for n in names} | scales, statistics, "by pm.sample")
        names = ["intercept"] if problem.has_intercept else []
        joint = isinstance(problem.prior, NormalInverseGamma)
        noise = ["sigma"] if joint else list(problem.inferred)
        shape = next(iter(statistics.values())).shape
        weights = drawn["weights"] if problem.data.n else np.zeros((*shape, 0))
        chains = {name: drawn[name] for name in names} | {"weights": weights}
        return Drawn(chains | {n: drawn[n] for n in noise}, statistics, "by pm.sample")


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates v in which the posterior is about standard normal: x = mode + C v (H2).

    Only the sampler's effort depends on the mode and the factor, never its answer.
    """

    objective: Unconstrained
    mode: Array
    factor: Array

    def position(self, v: Array) -> Array:
        """Return x at v, shape (..., size)."""
        return np.asarray(self.mode + v @ self.factor.T)

    def log_density(self, v: Array) -> tuple[float, Array]:
        """Evaluate the log density and its gradient in v."""
        weight = self.objective.target.weight
        with np.errstate(all="ignore"):  # what is not finite is a divergence, and is counted
            value, gradient = self.objective.value_and_gradient(self.position(v))
        return -weight * value, -weight * (gradient @ self.factor)


def whitening(objective: Unconstrained) -> Whitening:
    """Find the mode and the curvature; without a positive curvature the scale stays as it is."""
    start = objective.target.start
    with np.errstate(all="ignore"):  # what is not finite is a wall to the line search
        rough = minimize(LBFGS(max_iterations=200, tolerance=1e-6), objective, start)
    H = objective.target.weight * objective.hessian(rough.x)
    try:
        inverse = solve_triangular(cholesky(H, lower=True), np.eye(len(H)), lower=True)
    except LinAlgError:
        return Whitening(objective, rough.x, np.eye(len(H)))
    return Whitening(objective, rough.x, inverse.T)
