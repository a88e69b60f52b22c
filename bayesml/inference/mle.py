"""Maximum likelihood: least squares for the Gaussian likelihood.

Derived in docs/theory/point_estimates.md.
"""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.arguments import check_flag, whole_number
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.exact import geometry_of, numerics
from bayesml.inference.group_estimates import likelihood_of_groups
from bayesml.inference.group_point import group_mle
from bayesml.inference.groups import not_gaussian_groups
from bayesml.inference.limits import inside_or_at_an_end
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.point import network_point
from bayesml.inference.networks.settings import Training, check_training
from bayesml.inference.optimality import MeanSquaredError, least_squares_optimality
from bayesml.inference.piecewise_linear import by_programme, kinked_point
from bayesml.inference.point import (
    NO_EVIDENCE,
    convergence_notes,
    optimise,
    point_estimate,
    refuse_undetermined,
)
from bayesml.log_joint import not_linear_gaussian, single_rows
from bayesml.model import Problem
from bayesml.optimizers import Optimizer, minimize
from bayesml.posteriors.linear_gaussian import LinearGaussian
from bayesml.predictors import Network
from bayesml.typing import Array

CERTAIN = 1e-6
"""What the log-likelihood of whole numbers falls short of zero, below which all are certain."""

EXACT_FIT = (
    "The model fits every row exactly, so the likelihood grows without bound as σ → 0 and the "
    "standard errors of zero mean nothing. Use fewer columns than rows, state sigma, or give it "
    "a prior that excludes zero and use Exact()."
)


@dataclass(frozen=True)
class MLE:
    r"""Maximum likelihood: :math:`\hat\theta = \arg\max_\theta \sum_i w_i \log p(y_i \mid \eta_i)`.

    Priors are not used. For `Linear` with a `Gaussian` likelihood it is least squares, the
    normal equation's solution by orthogonal factors (E2), with `LaplaceResponse` or
    `AsymmetricLaplace` a linear programme (W6); otherwise L-BFGS and Newton's method.

    Standard errors of a linear Gaussian model are the classical ones,
    :math:`s\sqrt{[(X^\top X)^{-1}]_{jj}}` with :math:`s^2 = \mathrm{RSS}/(W - p)`, and limits are
    Student-t (E4); the estimate of σ itself is the maximum of the likelihood,
    :math:`\sqrt{\mathrm{RSS}/W}`, and ``residual_sd`` in the diagnostics is s. Otherwise
    they are the inverse observed information's (E5), or the expected one's where the density has
    kinks (W12). Degrees of freedom towards which a likelihood
    grows without end are reported as infinite, with the Gaussian estimate of all else (T7).

    With effects of groups or curves the likelihood is that with effects integrated out: exactly of
    Gaussian noise (G35), otherwise by Laplace's approximation or by quadrature (G70), as lme4's
    lmer and glmer report it, with its AIC and BIC in the diagnostics.

    Parameters
    ----------
    optimizer : Optimizer or None
        How to minimise the objective, J(θ), the mean squared error, if the likelihood is
        Gaussian; its values are kept as the loss curve. None takes the most accurate way, which
        for networks is `LevenbergMarquardt`.
    training : Training
        Restarts, early stopping and the progress bar of networks.
    restricted : bool
        Of models with effects of groups: whether to integrate the coefficients out too (REML),
        so that scales are not too small by what coefficients cost (G35).
    nodes : int
        Of models with effects of groups whose likelihood is not Gaussian: nodes of adaptive
        Gauss-Hermite quadrature for every term of the only factor (G41), as lme4's nAGQ. One is
        Laplace's approximation of the integral over all effects (G70), of any number of factors.

    Raises
    ------
    RankDeficientError
        If columns are collinear.
    ConvergenceError
        If the optimizer diverges.

    References
    ----------
    Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, eq. 3.6-3.8.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> bm.fit(bm.Model(), data, bm.MLE()).summary()["mean"].round(3).to_dict()
    {'intercept': 0.917, 'weights[x0]': 2.25, 'sigma': 0.118}
    """

    optimizer: Optimizer | None = None
    training: Training = Training()
    restricted: bool = False
    nodes: int = 1

    def __post_init__(self) -> None:
        check_training(self)
        check_flag(self, "restricted")
        object.__setattr__(self, "nodes", whole_number(self.nodes, "nodes"))

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Maximise the likelihood."""
        problem = problem.without_priors()
        if problem.grouped is not None:
            return self._of_groups(problem)
        self._refuse_arguments_of_groups()
        if isinstance(problem.model.predictor, Network):
            recipe = Recipe(self.optimizer, self.training, tune=False)
            return network_point(problem, rng, recipe, "maximum likelihood")
        if self.optimizer is not None and self.optimizer.traits.decays:
            raise IncompatibleModelError(
                f"MLE({self.optimizer!r}): the weights that decay are a network's. For a linear "
                "model shrink by a prior: MAP() with Normal weights is ridge regression."
            )
        if not_linear_gaussian(problem) is not None:
            if self.optimizer is None and by_programme(problem):
                return kinked_point(problem, "maximum likelihood")
            refuse_undetermined(problem)
            found = inside_or_at_an_end(
                problem,
                lambda away: optimise(problem, self.optimizer, rng, "maximum likelihood", away),
                lambda left: self.learn(left, rng),
            )
            return replace(found, notes=(*found.notes, *_without_maximum(problem, found)))
        geometry = geometry_of(problem)
        if self.optimizer is None:
            how = "least squares by orthogonal factors of the centred data"
            return _classical(problem, geometry, geometry.reference, how)
        return _iterated(problem, geometry, self.optimizer, rng)

    def _refuse_arguments_of_groups(self) -> None:
        if self.restricted:
            raise IncompatibleModelError(
                "MLE(restricted=True) is of models with effects of groups, and the data have none. "
                "Use MLE(): its diagnostics have the unbiased residual_sd."
            )
        if self.nodes != 1:
            raise IncompatibleModelError(
                f"MLE(nodes={self.nodes}) is of models with effects of groups, and the data have "
                "none. Use MLE()."
            )

    def _of_groups(self, problem: Problem) -> Learned:
        """Maximise the likelihood with effects integrated out."""
        if not_gaussian_groups(problem) is None:
            return group_mle(problem, restricted=self.restricted)
        if self.restricted:
            raise IncompatibleModelError(
                f"MLE(restricted=True) is of Gaussian noise, and the likelihood is "
                f"{problem.model.likelihood!r}. Use MLE(), or MAP(), which integrates the "
                "coefficients out too."
            )
        return inside_or_at_an_end(
            problem,
            lambda away: likelihood_of_groups(problem, self.nodes, away),
            lambda left: self.learn(left, np.random.default_rng(0)),
            lambda _, found: found.diagnostics["log_likelihood"],
        )


def _without_maximum(problem: Problem, found: Learned) -> tuple[str, ...]:
    """Say that every row is certain: a probability of one is reached at infinity only (I24)."""
    curve, discrete = found.loss_curve, problem.model.likelihood.support.discrete
    if not discrete or curve is None or curve[-1] > CERTAIN or found.notes:
        return ()
    constant = problem.statistics.sd_y == 0.0
    why = f"{problem.data.target_name} is {problem.statistics.mean_y:g} in every row"
    return (
        f"The likelihood has no maximum: every row has probability one in the limit of infinite "
        f"coefficients, since {why if constant else 'the columns tell the values apart'}. Use "
        "MAP(), Laplace() or NUTS(), whose priors keep the coefficients finite.",
    )


def _iterated(
    problem: Problem, geometry: LinearGaussian, optimizer: Optimizer, rng: np.random.Generator
) -> Learned:
    """Minimise the mean squared error step by step."""
    few = optimizer.traits.minibatches
    sampled = single_rows(problem, "an optimizer draws minibatches.") if few else None
    objective = MeanSquaredError.of(problem, sampled)
    optimum = minimize(optimizer, objective.scaled, np.zeros(geometry.p), rng=rng)
    learned = _classical(
        problem,
        geometry,
        problem.frame.beta(np.asarray(optimum.x, dtype=np.float64)),
        f"least squares by {optimizer!r}, {optimum.iterations} iterations: {optimum.reason}",
    )
    iterated = {
        "gradient_norm": optimum.gradient_norm,
        "iterations": float(optimum.iterations),
    }
    return replace(
        learned,
        diagnostics={**learned.diagnostics, **iterated},
        notes=(*learned.notes, *convergence_notes(optimum)),
        loss_curve=objective.of_values(optimum.loss_curve),
    )


def _classical(problem: Problem, geometry: LinearGaussian, beta: Array, how: str) -> Learned:
    """State σ and the classical standard errors at an estimate of β (E3, E4)."""
    W, p, L = geometry.data.weight, geometry.p, geometry.joint.basis
    away = geometry.data.M @ (beta - geometry.reference)
    squares = geometry.squares + float(away @ away)
    known = problem.known.get("sigma")
    residual_sd = float(np.sqrt(squares / (W - p))) if p < W else np.inf
    spread = residual_sd if known is None else known
    sigma = float(np.sqrt(squares / W)) if known is None else known
    free = known is None and p < W
    covariance = (spread / geometry.sigma_0) ** 2 * (L @ L.T) if np.isfinite(spread) else None
    posterior = point_estimate(
        problem,
        beta,
        np.diag(np.full(p, np.inf)) if covariance is None else covariance,
        {"sigma": sigma},
        {} if known is not None else {"sigma": sigma / float(np.sqrt(2.0 * W))},
        W - p if free else np.inf,
        geometry.reference_error if beta is geometry.reference else None,
    )
    return Learned(
        posterior,
        problem.model,
        how,
        NO_EVIDENCE,
        numerics(geometry)
        | least_squares_optimality(problem, geometry, beta)
        | {"residual_sd": residual_sd},
        (EXACT_FIT,) if known is None and (squares == 0.0 or p >= W) else (),
    )
