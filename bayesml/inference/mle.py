"""Maximum likelihood: least squares for the Gaussian likelihood.

Derived in docs/theory/point_estimates.md.
"""

from dataclasses import dataclass

import numpy as np

from bayesml.inference.base import Learned
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.point import network_point
from bayesml.inference.networks.settings import Training
from bayesml.inference.objectives import MeanSquaredError, negative_log_density
from bayesml.inference.point import (
    NO_EVIDENCE,
    convergence_notes,
    optimise,
    point_estimate,
    refuse_dependent,
)
from bayesml.inference.terms import standardise
from bayesml.likelihoods import Gaussian
from bayesml.linalg import solve_upper
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
from bayesml.posteriors.linear_gaussian import LeastSquares, least_squares
from bayesml.predictors import MLP
from bayesml.typing import Array

EXACT_FIT = (
    "The model fits every row exactly, so the likelihood grows without bound as σ → 0 and the "
    "standard errors of zero mean nothing. Use fewer columns than rows, state sigma, or give it "
    "a prior that excludes zero and use Exact()."
)


@dataclass(frozen=True)
class MLE:
    r"""Maximum likelihood: :math:`\hat\theta = \arg\max_\theta \sum_i w_i \log p(y_i \mid \eta_i)`.

    Priors are not used. For `Linear` with a `Gaussian` likelihood it is least squares, the
    normal equation's solution by orthogonal factors (E2); otherwise L-BFGS and Newton's method.

    Standard errors of a linear Gaussian model are the classical ones,
    :math:`s\sqrt{[(X^\top X)^{-1}]_{jj}}` with :math:`s^2 = \mathrm{RSS}/(W - p)`, and limits are
    Student-t (E4); the estimate of σ itself is the maximum of the likelihood,
    :math:`\sqrt{\mathrm{RSS}/W}`, and ``residual_sd`` in the diagnostics is s. Otherwise
    they are the inverse observed information's (E5).

    Parameters
    ----------
    optimizer : Optimizer or None
        How to minimise the objective, J(θ), the mean squared error, if the likelihood is
        Gaussian; its values are kept as the loss curve. None takes the most accurate way, which
        for networks is `LevenbergMarquardt`.
    training : Training
        Restarts, early stopping and the progress bar of networks.

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

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Maximise the likelihood."""
        problem = problem.without_priors()
        if isinstance(problem.model.predictor, MLP):
            recipe = Recipe(self.optimizer, self.training, tune=False)
            return network_point(problem, rng, recipe, "maximum likelihood")
        data = least_squares(problem.statistics, intercept=problem.has_intercept)
        refuse_dependent(problem, data)
        if not isinstance(problem.model.likelihood, Gaussian):
            objective = negative_log_density(problem, with_prior=False)
            return optimise(problem, objective, self.optimizer, rng, "maximum likelihood")
        if self.optimizer is None:
            how = "least squares by QR of the centred data"
            return _least_squares_fit(problem, data, data.solution, how)
        objective_j = MeanSquaredError(problem, data, standardise(problem))
        start = np.zeros(len(data.solution))
        optimum = self.optimizer.minimize(objective_j, start, rng=rng)
        how = f"least squares by {self.optimizer!r}, {optimum.iterations} iterations"
        return _least_squares_fit(
            problem,
            data,
            objective_j.frame.beta(optimum.x),
            f"{how}: {optimum.reason}",
            {"gradient_norm": optimum.gradient_norm, "iterations": float(optimum.iterations)},
            convergence_notes(optimum, definite=True),
            optimum.loss_curve * objective_j.unit,
        )


def _least_squares_fit(
    problem: Problem,
    data: LeastSquares,
    beta: Array,
    explanation: str,
    diagnostics: dict[str, float] | None = None,
    notes: tuple[str, ...] = (),
    loss_curve: Array | None = None,
) -> Learned:
    W, p = data.weight, len(beta)
    rss = data.residual_sum_of_squares + float(np.sum((data.M @ (beta - data.solution)) ** 2))
    known = problem.known.get("sigma")
    if known is None and data.fits_exactly:
        notes = (*notes, EXACT_FIT)
    residual_sd = float(np.sqrt(rss / (W - p))) if p < W else np.inf
    inverse = solve_upper(data.M, np.eye(p))
    spread = known if known is not None else residual_sd
    sigma = known if known is not None else float(np.sqrt(rss / W))
    posterior = point_estimate(
        problem,
        beta,
        spread**2 * (inverse @ inverse.T),
        {"sigma": sigma},
        {} if known is not None else {"sigma": sigma / float(np.sqrt(2.0 * W))},
        W - p if known is None and p < W else np.inf,
    )
    evidence = {"condition": data.rank.condition, "rank": float(data.rank.rank)}
    return Learned(
        posterior,
        problem.model,
        explanation,
        NO_EVIDENCE,
        evidence | {"residual_sd": residual_sd} | (diagnostics or {}),
        notes,
        loss_curve,
    )
