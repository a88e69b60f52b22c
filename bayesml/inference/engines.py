"""What NUTS runs on: the package's own log density, or the exported PyMC model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from bayesml.arguments import check_flag
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.race import raced
from bayesml.inference.networks.search import find_mode
from bayesml.inference.point import starting_point
from bayesml.inference.scale_mode import suited_units
from bayesml.log_joint import LogJoint, NegativeLogJoint, log_joint
from bayesml.model import Problem
from bayesml.optimizers import LBFGS, minimize
from bayesml.predictors import Network
from bayesml.samplers import Adaptation, sample
from bayesml.typing import Array

HALVINGS = 30
"""Of the way from a start to the mode, where there is a density."""


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

    @property
    def engine(self) -> "Engine":
        """What evaluates the log density."""


def stated(settings: Settings) -> dict[str, Any]:
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


@runtime_checkable
class Engine(Protocol):
    """Draws from the posterior of a problem."""

    def sample(self, problem: Problem, settings: Settings, seed: int) -> Drawn:
        """Sample."""


@dataclass(frozen=True)
class Direct:
    """The package's log density and gradient in numpy, called by nutpie; nothing is compiled.

    For a linear Gaussian model they come from the sufficient statistics: a gradient costs O(n²)
    however many rows were read. Coordinates are unbounded, with their Jacobian (J5).

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.NUTS(engine=bm.Direct()) == bm.NUTS()
    True
    """

    def sample(
        self, problem: Problem, settings: Settings, seed: int, state: Adaptation | None = None
    ) -> Drawn:
        """Sample in whitened coordinates, from starts around the mode, or where a run stopped."""
        if isinstance(problem.model.predictor, Network):
            return sample_network(problem, settings, seed)
        rng = np.random.default_rng(seed)
        joint = suited_units(log_joint(problem)).unconstrained()
        frame = whitening(joint, starting_point(problem, joint, rng))
        start = np.stack(
            [_possible(frame, v) for v in rng.uniform(-2.0, 2.0, (settings.chains, joint.size))]
        )
        at = start if state is None else state.position
        drawn = sample(frame.log_density, at, **stated(settings), seed=seed, adaptation=state)
        chains = joint.coordinates.named(frame.position(drawn.positions))
        how = "by the package's own log density"
        return Drawn(chains, drawn.sample_stats, how, drawn.adaptation)


def sample_network(problem: Problem, settings: Settings, seed: int) -> Drawn:
    """Sample a network's weights, noise and prior scales, every chain from a mode of its own."""
    rng = np.random.default_rng(seed)
    recipe = raced(problem, rng, Recipe())
    streams = enumerate(rng.spawn(settings.chains))
    modes = [find_mode(problem, own, recipe.turn(k)) for k, own in streams]
    joint = log_joint(problem).unconstrained()
    starts = [
        joint.coordinates.x(m.x, {"prior_sd": m.scales.precision**-0.5, **m.scales.values})
        for m in modes
    ]
    drawn = sample(quietly(joint), np.array(starts), **stated(settings), seed=seed)
    how = "from modes, by the package's own log density"
    return Drawn(joint.coordinates.named(drawn.positions), drawn.sample_stats, how)


@dataclass(frozen=True)
class PyMC:
    """The model as a PyMC model, sampled by ``pm.sample``.

    Its priors are PyMC's own expressions, its likelihood is one operation, and nothing is
    compiled: sampling starts in seconds.

    Parameters
    ----------
    compiled : bool
        Whether to sample the model that `bayesml.pymc.to_pymc` exports instead, every part by its
        own expression, compiled for nutpie: the reference for `Direct`. The first compilation in a
        fresh cache takes about a minute, and chains then run several times faster.

    Examples
    --------
    >>> PyMC()
    PyMC(compiled=False)
    """

    compiled: bool = False

    def __post_init__(self) -> None:
        check_flag(self, "compiled")

    def sample(self, problem: Problem, settings: Settings, seed: int) -> Drawn:
        """Sample the PyMC model."""
        from bayesml.graphs.model import build
        from bayesml.graphs.row_sum import build_of_row_sum
        from bayesml.graphs.sampling import sample_compiled, sample_uncompiled

        model = build(problem) if self.compiled else build_of_row_sum(problem)
        sampler = sample_compiled if self.compiled else sample_uncompiled
        drawn, statistics = sampler(model, **stated(settings), seed=seed)
        chains = {name: drawn[name] for name in problem.shapes_inferred if name in drawn}
        if problem.data.n == 0 and "weights" in problem.shapes:
            chains["weights"] = np.zeros((*next(iter(statistics.values())).shape, 0))
        return Drawn(chains, statistics, "by pm.sample")


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates v in which the posterior is about standard normal: x = mode + C v (H2).

    Only the sampler's effort depends on the mode and the factor, never its answer.
    """

    joint: LogJoint
    mode: Array
    factor: Array

    def position(self, v: Array) -> Array:
        """Return x at v, shape (..., size)."""
        return np.asarray(self.mode + v @ self.factor.T)

    def log_density(self, v: Array) -> tuple[float, Array]:
        """Evaluate the log density and its gradient in v."""
        value, gradient = quietly(self.joint)(self.position(v))
        with np.errstate(invalid="ignore"):  # an infinite slope by a factor of zero
            return value, gradient @ self.factor


def _possible(frame: Whitening, v: Array) -> Array:
    """Return a start halved towards the mode until there is a density."""
    for _ in range(HALVINGS):
        if np.isfinite(frame.log_density(v)[0]):
            return v
        v = 0.5 * v
    return v


def quietly(joint: LogJoint) -> Callable[[Array], tuple[float, Array]]:
    """Return the density without warnings: what is not finite is a divergence, and is counted."""

    def log_density(x: Array) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            value, gradient = joint.log_density_and_gradient(x)
        return float(value), gradient

    return log_density


def whitening(joint: LogJoint, start: Array) -> Whitening:
    """Find the mode and the curvature; without a positive curvature the scale stays as it is."""
    with np.errstate(all="ignore"):  # what is not finite is a wall to the line search
        search = LBFGS(max_iterations=200, tolerance=1e-6)
        mode = np.asarray(minimize(search, NegativeLogJoint(joint), start).x, dtype=np.float64)
    H = joint.precision(mode)
    try:
        inverse = solve_triangular(cholesky(H, lower=True), np.eye(len(H)), lower=True)
    except (LinAlgError, ValueError):  # indefinite, or not finite
        return Whitening(joint, mode, np.eye(len(H)))
    return Whitening(joint, mode, inverse.T)
