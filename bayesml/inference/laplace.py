"""Laplace's approximation of a network's posterior. Derived in docs/theory/network.md."""

from dataclasses import dataclass

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.audit import audit
from bayesml.inference.base import Learned
from bayesml.inference.networks.last_layer import last_layer
from bayesml.inference.networks.mode import Mode, Recipe, find_mode, notes_of
from bayesml.inference.networks.point import diagnostics_of, how
from bayesml.inference.networks.settings import Training
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
from bayesml.posteriors import LinearisedPosterior
from bayesml.predictors import MLP
from bayesml.priors import Layered


@dataclass(frozen=True)
class Laplace:
    r"""A Gaussian at the mode, whose curvature is the generalised Gauss-Newton matrix.

    .. math:: \theta \mid y \approx \mathrm{Normal}(\hat\theta, H^{-1}), \qquad
              H = \mathsf J^\top \Lambda \mathsf J + A \qquad (M7)

    for the predictor linearised at :math:`\hat\theta`, which is also what predicts (M13). Prior
    scales and noise that are not known maximise the Laplace evidence (M10 to M12), and the step of
    training at which it was largest is kept.

    Parameters
    ----------
    optimizer : Optimizer or None
        How the mode is found; None is `LevenbergMarquardt`.
    last_layer : bool or None
        Whether the posterior is of the last layer alone, given the hidden ones: Bayesian linear
        regression on the learned features. None takes it where the full matrix needs more
        memory than 2 GB; the result says which it was.
    training : Training
        Restarts, chosen by evidence, and the progress bar.

    Raises
    ------
    IncompatibleModelError
        At fit, if the predictor is not a network or the prior is improper.
    ConvergenceError
        If training diverges.

    References
    ----------
    MacKay (1992), A practical Bayesian framework for backpropagation networks;
    Immer, Korzepa & Bauer (2021), Improving predictions of Bayesian neural nets via local
    linearization; Immer et al. (2021), Scalable marginal likelihood estimation.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.linspace(-2, 2, 40)[:, None]
    >>> data = bm.Data(X, np.sin(2 * X[:, 0]))
    >>> model = bm.Model(bm.MLP(hidden=(8,)), bm.Gaussian(sigma=0.1))
    >>> p = bm.fit(model, data, bm.Laplace(), rng=1).predict([[0.5], [8.0]])
    >>> bool(p.epistemic_sd[1] > 5 * p.epistemic_sd[0])
    True
    """

    optimizer: Optimizer | None = None
    last_layer: bool | None = None
    training: Training = Training()

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Find the mode, and the curvature there."""
        refuse_unsuited(problem, "Laplace()")
        mode = find_mode(problem, rng, Recipe(self.optimizer, self.training))
        if self.last_layer or (self.last_layer is None and not mode.affordable):
            return _of_last_layer(problem, mode)
        kept = f"full generalised Gauss-Newton matrix of {len(mode.x)} parameters"
        return Learned(
            linearised(problem, mode),
            problem.model,
            f"Laplace approximation, {kept}, {how(mode)}",
            mode.log_evidence,
            diagnostics_of(mode) | audit(mode, rng),
            notes_of([mode]),
            mode.losses,
        )


def _of_last_layer(problem: Problem, mode: Mode) -> Learned:
    """Return the posterior of the last layer given the hidden ones."""
    posterior, log_evidence = last_layer(problem, mode)
    size, total = len(posterior.head.regression.inverse_diagonal()), len(mode.x)
    why = "" if mode.affordable else ", for the full matrix would need more than 2 GB"
    return Learned(
        posterior,
        problem.model,
        f"Bayesian linear regression on the last layer, {size} of {total} parameters{why}, "
        f"{how(mode)}",
        log_evidence,
        diagnostics_of(mode),
        notes_of([mode]),
        mode.losses,
    )


def linearised(problem: Problem, mode: Mode) -> LinearisedPosterior:
    """Return the posterior of the linearised network."""
    model = problem.model
    return LinearisedPosterior(
        model.predictor,
        model.likelihood,
        mode.parameters,
        mode.point.regression(),
        dict(mode.scales.noise),
        tuple(problem.inferred),
        problem.data.n,
    )


def refuse_unsuited(problem: Problem, method: str) -> None:
    """Refuse predictors that are not networks, and improper priors."""
    prior = problem.model.prior
    if not isinstance(problem.model.predictor, MLP):
        raise IncompatibleModelError(
            f"{method} is for networks, got {problem.model.predictor!r}. Use Exact() or "
            "NUTS(), or MLP(hidden=()), which is linear."
        )
    if isinstance(prior, Layered) and prior.sd == np.inf:
        raise IncompatibleModelError(
            f"{method} needs a proper prior, got Flat(). Use Layered(), or MLE() without a prior."
        )
