"""Laplace's approximation. Derived in docs/theory/laplace.md, for networks in network.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesml.arguments import check_instance
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.group_laplace import laplace_groups
from bayesml.inference.networks.curvature import Curvature, FullCurvature, by_memory
from bayesml.inference.networks.mode import Mode, Recipe, in_batches
from bayesml.inference.networks.search import find_mode
from bayesml.inference.networks.settings import Training, check_training
from bayesml.inference.networks.watch import Watch
from bayesml.inference.peak import at_peak, find_peak
from bayesml.likelihoods import limits_eta
from bayesml.model import Problem
from bayesml.optimizers import Optimizer
from bayesml.predictors import Network


@dataclass(frozen=True)
class Laplace:
    r"""A Gaussian at the mode, for any predictor and any likelihood, and its audit.

    .. math:: x \mid y \approx \mathrm{Normal}(\hat x, H^{-1}), \qquad
              H = \mathsf J^\top \Lambda \mathsf J + P \qquad (U1)

    in unbounded coordinates x of coefficients and parameters, with their Jacobian. Predictions
    average the likelihood over the Gaussian, without Monte Carlo error (U3); draws of it are
    weighted by the density itself, and `fit.check()` judges the tail of the weights (U4, U6). They
    are kept, with both log densities, as the draws of the DataTree, and ``fit.reweighted()`` is
    the answer that they make by their weights (U7). Rows may be in files or partitions: a few
    dozen passes are made.

    Of effects of groups those of the factor of most levels are integrated by adaptive Gauss-Hermite
    quadrature, up to three terms a level, and all else given the scales is Gaussian; the answer is
    draws of this that are weighted by the density itself (G40 to G48).

    Of a network the Gaussian is that of the predictor linearised at :math:`\hat\theta` (M7, M13).
    Prior scales and noise that are not known maximise the Laplace evidence there (M10 to M12), and
    the step of training at which it was largest is kept.

    Parameters
    ----------
    optimizer : Optimizer or None
        How the mode is found; None is L-BFGS and then Newton's method, of networks
        `LevenbergMarquardt`, whose steps are found by conjugate gradients where the full matrix is
        not formed.
    curvature : FullCurvature, KroneckerFactored, LastLayer or None
        What of a network's H is kept: all of it, a Kronecker product for every layer, or the last
        layer, which is Bayesian linear regression on the learned features. None takes the first of
        them that needs no more than 500 MB and some seconds a step; the result says which, and why.
    training : Training
        Restarts, chosen by evidence, and the progress bar.

    Raises
    ------
    IncompatibleModelError
        If the curvature is none; at fit, if the predictor has no Jacobian, or a network no prior,
        or if the link of the likelihood needs a positive η, which no Gaussian is.
    RankDeficientError
        If neither the data nor a proper prior tell two coefficients apart.
    ImproperPosteriorError
        If the posterior is known not to exist.
    ConvergenceError
        If training diverges, or the curvature at the mode is not positive definite.

    References
    ----------
    Tierney & Kadane (1986), Accurate approximations for posterior moments and marginal densities;
    MacKay (1992), A practical Bayesian framework for backpropagation networks;
    Immer, Korzepa & Bauer (2021), Improving predictions of Bayesian neural nets via local
    linearization; Immer et al. (2021), Scalable marginal likelihood estimation.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.linspace(-2, 2, 40)[:, None]
    >>> counts = bm.Data(X, np.round(np.exp(1.0 + X[:, 0])))
    >>> fit = bm.fit(bm.Model(likelihood=bm.Poisson()), counts, bm.Laplace(), rng=1)
    >>> fit.summary()["mean"].round(1).tolist()
    [1.0, 1.0]
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
        check_training(self)
        if self.curvature is not None:
            check_instance(
                self,
                "curvature",
                Curvature,
                "FullCurvature(), KroneckerFactored() or LastLayer(), or None for the most that "
                "memory allows",
            )

    def recipe(self, problem: Problem) -> Recipe:
        """Return how the mode of a network is found, or refuse a network that has none."""
        refuse_flat_network(problem, "Laplace()")
        if not problem.data.in_memory and in_batches(self.optimizer):
            raise IncompatibleModelError(
                f"{self!r} needs the curvature of all rows, and {self.optimizer!r} reads a "
                f"few at a time of those {problem.data.source.whereabouts}. Use Laplace(), which "
                "holds them in memory, or MAP() with this optimizer, which needs no curvature."
            )
        return Recipe(self.optimizer, self.training, near=self._kept(problem)[0].near(problem))

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
        """Return the Gaussian at every mode of a network."""
        curvature, why = self._kept(problem)
        # Of copies, so that what is large at a mode is gone when its Gaussian is made.
        each = [
            curvature.at(problem, replace(mode), rng)
            for mode, rng in zip(modes, streams, strict=True)
        ]
        return [replace(one, explanation=f"{one.explanation}{why}") for one in each]

    def _kept(self, problem: Problem) -> tuple[Curvature, str]:
        """Return what of the curvature is kept, and why it is not more."""
        return by_memory(problem) if self.curvature is None else (self.curvature, "")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Find the mode, and the curvature there."""
        if problem.grouped is not None:
            if self != Laplace():
                raise IncompatibleModelError(
                    f"{self!r}: effects of groups are learned without these arguments. Use "
                    "Laplace()."
                )
            return laplace_groups(problem, rng)
        if not isinstance(problem.model.predictor, Network):
            if self.curvature not in (None, FullCurvature()):
                raise IncompatibleModelError(
                    f"Laplace: {self.curvature!r} is of a network's layers, got "
                    f"{problem.model.predictor!r}. Use Laplace()."
                )
            if limits_eta(problem.model.likelihood):
                raise IncompatibleModelError(
                    f"Laplace() has a Gaussian η, and {problem.model.likelihood!r} no mean where η "
                    "is not positive. Use NUTS(), whose draws keep to it, MAP() or MLE(), or the "
                    "link Log()."
                )
            return at_peak(problem, find_peak(problem, rng, self.optimizer), rng)
        recipe = self.recipe(problem)
        mode = find_mode(problem, rng, recipe)
        learned = self.around(problem, [mode], [rng], recipe.watch)[0]
        shape = self._kept(problem)[0].audited(mode, rng)
        return replace(learned, diagnostics={**learned.diagnostics, **shape})


def refuse_flat_network(problem: Problem, method: str) -> None:
    """Refuse a network without a prior: its modes lie at infinity."""
    rows = problem.prior.normal_rows(problem)
    if rows is not None and len(rows.mean) == 0:
        raise IncompatibleModelError(
            f"{method} needs a proper prior, got Flat(). Use Layered(), or MLE() without a prior."
        )
