"""Maximum a posteriori: ridge under Normal priors. Derived in docs/theory/point_estimates.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import brentq

from bayesml.distributions import Distribution
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.exact import geometry_of, numerics, obstacle
from bayesml.inference.group_estimates import mode_of_groups
from bayesml.inference.group_point import group_map
from bayesml.inference.groups import not_gaussian_groups
from bayesml.inference.limits import inside_or_at_an_end
from bayesml.inference.networks.mode import Mode, Recipe
from bayesml.inference.networks.point import estimate_at, network_point
from bayesml.inference.networks.settings import Training, check_training
from bayesml.inference.networks.watch import Watch
from bayesml.inference.optimality import mode_curvature, mode_gradient
from bayesml.inference.piecewise_linear import by_programme, kinked_point
from bayesml.inference.point import NO_EVIDENCE, optimise, point_estimate, refuse_undetermined
from bayesml.inference.scale_mode import scale_mode
from bayesml.inference.sparse import sparse_mode
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.posteriors.log_scale import maximise_log_scale
from bayesml.predictors import Network
from bayesml.priors import HasKinks
from bayesml.typing import Array


@dataclass(frozen=True)
class MAP:
    r"""Maximum a posteriori: :math:`\arg\max \log p(y \mid \theta, \phi) + \log p(\theta, \phi)`.

    The mode is of the density of the parameters as the user states them, σ itself and not its
    logarithm. With weights ~ Normal(0, τ) it is ridge regression with
    :math:`\lambda = \sigma^2/(m\tau^2)` in J(θ) + λ‖θ‖² (E7); see `ridge_penalty`. Standard
    errors are from the curvature of the log posterior at the mode.

    Under a prior whose scales are inferred the joint density has no mode: it is infinite where a
    scale and its weights are zero. There the mode is of σ and the scales, with the coefficients
    integrated out, and then of the coefficients given them (Z6); exactly in a linear Gaussian
    model, by Laplace's approximation in others. With effects of groups it is of the scales, with
    coefficients and effects integrated out (G36), (G73).

    Parameters
    ----------
    optimizer : Optimizer or None
        How to minimise the negative log posterior, whose values are the loss curve. None solves
        linear Gaussian models with Normal or Flat priors in closed form given σ, with a search
        in σ alone, solves those with a piecewise linear likelihood by quadratic programmes (W6),
        takes proximal Newton steps under Laplace and ElasticNet priors, whose modes have exact
        zeros, and L-BFGS and Newton's method for others. Networks are trained by
        `LevenbergMarquardt`, which also learns the prior scales by evidence where they are not
        known; other optimizers leave them at one.
    training : Training
        Restarts, early stopping and the progress bar of networks.

    Raises
    ------
    RankDeficientError
        If neither data nor proper priors determine the coefficients.
    ConvergenceError
        If the optimizer diverges.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, eq. 3.41-3.44;
    Murphy (2012), Machine Learning: A Probabilistic Perspective, eq. 7.30-7.33.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[-1.0], [0.0], [1.0]], [-2.0, 0.0, 2.0])
    >>> prior = bm.Independent(weights=bm.Normal(0, 1))
    >>> ridge = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma=1.0), prior), data, bm.MAP())
    >>> float(ridge.summary().loc["weights[x0]", "mean"].round(3))  # 4 / (2 + 1)
    1.333
    """

    optimizer: Optimizer | None = None
    training: Training = Training()

    def __post_init__(self) -> None:
        check_training(self)

    def recipe(self, problem: Problem) -> Recipe:
        """Return how the mode of a network is found."""
        self._refuse_decay()
        return Recipe(self.optimizer, self.training, tune=bool(problem.hyperparameters))

    @property
    def at_once(self) -> int:
        """One at a time."""
        return 1

    def around(
        self,
        problem: Problem,
        modes: Sequence[Mode],
        streams: Sequence[np.random.Generator],
        watch: Watch,
    ) -> list[Learned]:
        """Return the modes of a network as point estimates."""
        return [estimate_at(problem, replace(mode), "posterior mode") for mode in modes]

    def _refuse_decay(self) -> None:
        if self.optimizer is not None and self.optimizer.traits.decays:
            raise IncompatibleModelError(
                f"MAP({self.optimizer!r}): decoupled weight decay is no prior, and comes to rest "
                "away from the posterior mode. State the decay as the prior, Layered(sd=...), and "
                "use MAP(Adam()); or use MLE(AdamW()), which claims no mode."
            )

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Maximise the posterior density."""
        self._refuse_decay()
        if problem.grouped is not None:
            exact = not_gaussian_groups(problem) is None
            return group_map(problem) if exact else mode_of_groups(problem)
        if isinstance(problem.model.predictor, Network):
            return network_point(problem, rng, self.recipe(problem), "posterior mode")
        closed = obstacle(problem) is None and not problem.hyperparameters
        if self.optimizer is None and closed:
            return _closed_form(problem)
        if self.optimizer is None and by_programme(problem):
            return kinked_point(problem, "posterior mode")
        refuse_undetermined(problem)
        prior = problem.prior
        kinked = prior.kinks(problem) if isinstance(prior, HasKinks) else None
        if set(problem.hyperparameters) - set(problem.inferred):
            return scale_mode(problem, self.optimizer, rng, "posterior mode")
        search = partial(optimise, problem, self.optimizer, rng, "posterior mode")
        if self.optimizer is None and kinked is not None:
            search = partial(sparse_mode, problem, kinked, rng)
        return inside_or_at_an_end(
            problem,
            search,
            lambda left: self.learn(left, rng),
        )


def _closed_form(problem: Problem) -> Learned:
    geometry = geometry_of(problem)
    known = problem.known.get("sigma")
    if known is None:
        u = _scale_mode(geometry, problem.inferred["sigma"])
        for _ in range(3):
            if abs(u) < 1.0:
                break
            geometry = geometry_of(problem, geometry.sigma_0 * float(np.exp(u)))
            u = _scale_mode(geometry, problem.inferred["sigma"])
        sigma = geometry.sigma_0 * float(np.exp(u))
        how = "ridge given σ, σ by a search in one number"
    else:
        u, sigma, how = float(np.log(known / geometry.sigma_0)), known, "ridge, σ known"
    beta = geometry.mean(np.array(u))
    curvature = mode_curvature(problem, geometry, beta, u)
    rest = curvature.rest
    errors = {} if rest is None else {"sigma": sigma / float(np.sqrt(rest))}
    optimality = {
        "gradient_norm": mode_gradient(problem, beta, sigma),
        "definiteness": curvature.smallest,
    }
    return Learned(
        point_estimate(problem, beta, curvature.covariance, {"sigma": sigma}, errors, np.inf),
        problem.model,
        f"posterior mode: {how}",
        NO_EVIDENCE,
        numerics(geometry) | optimality,
    )


def _scale_mode(geometry: LinearGaussian, prior: Distribution) -> float:
    """Maximise log p(y, β̂(σ) | σ) + log p(σ) over u = log(σ/σ₀)."""

    def log_density(u: Array) -> Array:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            sigma = geometry.sigma_0 * np.exp(u)
            value = geometry.log_profile(u) + prior.log_density(sigma)
        return np.where(np.isnan(value), -np.inf, value)

    u, top = maximise_log_scale(log_density)
    if not np.isfinite(top) or abs(u) > 59.0:
        raise ImproperPosteriorError(
            "The posterior density has no mode: it grows without bound as σ goes to "
            f"{'zero' if u < 0 else 'infinity'}. The model can fit every row exactly; state "
            "sigma, give it a prior that excludes zero such as InverseGamma(2, scale), or use "
            "Exact(), which integrates over σ."
        )
    return _polish(geometry, prior, u)


def _polish(geometry: LinearGaussian, prior: Distribution, u: float) -> float:
    """Solve for a vanishing slope: a maximum by values alone keeps half the digits."""

    def slope(v: float) -> float:
        sigma = geometry.sigma_0 * float(np.exp(v))
        return geometry.log_profile_slope(v) + sigma * float(prior.score(sigma))

    low, high = u - 1e-6, u + 1e-6
    return float(brentq(slope, low, high, xtol=1e-15)) if slope(low) > 0 > slope(high) else u
