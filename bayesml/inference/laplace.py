"""Laplace's approximation of a network's posterior. Derived in docs/theory/network.md."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.networks.curvature import (
    Curvature,
    FullCurvature,
    KroneckerFactored,
    LastLayer,
    by_memory,
)
from bayesml.inference.networks.mode import Recipe, in_batches
from bayesml.inference.networks.settings import Training
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
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
        How the mode is found; None is `LevenbergMarquardt`, whose steps are found by conjugate
        gradients where the full matrix is not formed.
    curvature : FullCurvature, KroneckerFactored, LastLayer or None
        What of H is kept: all of it, a Kronecker product for every layer, or the last layer,
        which is Bayesian linear regression on the learned features. None takes the first of them
        that needs no more than 2 GB; the result says which, and why.
    training : Training
        Restarts, chosen by evidence, and the progress bar.

    Raises
    ------
    IncompatibleModelError
        If the curvature is none, or at fit if the predictor is not a network or the prior is
        improper.
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
    curvature: Curvature | None = None
    training: Training = Training()

    def __post_init__(self) -> None:
        got: Any = self.curvature
        if got is not None and not isinstance(got, FullCurvature | KroneckerFactored | LastLayer):
            raise IncompatibleModelError(
                "Laplace: curvature must be FullCurvature(), KroneckerFactored() or LastLayer(), "
                f"or None for the most that memory allows, got {got!r}."
            )

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Find the mode, and the curvature there."""
        refuse_unsuited(problem, "Laplace()")
        if not problem.data.in_memory and in_batches(self.optimizer):
            raise IncompatibleModelError(
                f"{self!r} needs the curvature of all rows, and {self.optimizer!r} reads those of "
                f"{problem.data.source.whereabouts} a few at a time. Use Laplace(), which holds "
                "them in memory, or MAP() with this optimizer, which needs no curvature."
            )
        chosen = by_memory(problem) if self.curvature is None else (self.curvature, "")
        curvature, why = chosen
        learned = curvature.learn(problem, rng, Recipe(self.optimizer, self.training))
        return replace(learned, explanation=f"{learned.explanation}{why}")


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
