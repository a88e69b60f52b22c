"""Hyperparameters by maximising the evidence. Derived in docs/theory/empirical_bayes.md."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.arguments import check_instance
from bayesml.errors import IncompatibleModelError
from bayesml.inference.auto import Auto
from bayesml.inference.base import Learned, Method, Resumable
from bayesml.inference.gaussian_evidence import of_single_coefficients
from bayesml.inference.groups import not_gaussian_groups
from bayesml.inference.hyperparameters import Maximised, by_laplace, by_size, by_statistics
from bayesml.inference.point import refuse_undetermined
from bayesml.log_joint import not_linear_gaussian
from bayesml.model import Problem
from bayesml.predictors import Network
from bayesml.priors import (
    HasKinks,
    HasSeenRows,
    InfersScales,
    LeavesSize,
    StandsForScale,
    StatesParameters,
)

AUTO = Auto()

GIVEN = ", and their uncertainty is not in the answer. Given these: "


@dataclass(frozen=True)
class EmpiricalBayes:
    r"""Scales and noise that maximise the evidence, and then any method given these numbers.

    .. math:: (\hat\phi, \hat\tau) = \arg\max\ p(y \mid \phi, \tau)
              = \arg\max \int p(y \mid \beta, \phi)\,p(\beta \mid \tau)\,d\beta \qquad (Y16)

    What the model infers beside the coefficients is learned so: σ and other parameters of the
    likelihood, and scales of the prior, ``Normal(0, sd=Flat())``. Priors of these are not used,
    as `MLE` uses none; `MAP` does, and otherwise does the same. The default prior becomes
    ``Ridge(Flat())``, one scale of the standardised weights. A scale a weight is automatic
    relevance determination: ``Independent({name: Normal(0, Flat()) for name in ...})``. The g of
    ``ZellnerG(Flat())`` is found with σ integrated out.

    Evidence is exact in a linear Gaussian model under Normal priors, from the sufficient
    statistics, and by Laplace's approximation (Z5) in others. A scale that is zero at the maximum
    is stated as one at which the weight is zero to rounding (Y24).

    The answer knows nothing of how uncertain the numbers found are, so that intervals are too
    narrow where few weights share a scale; `NUTS` without `EmpiricalBayes` integrates over them.
    The maximised evidence is no evidence of the model: it is in the diagnostics,
    ``fit.diagnostics["maximised_log_evidence"]``, and ``fit.log_evidence`` refuses.

    Parameters
    ----------
    method : Method
        What learns the coefficients given the numbers, which ``fit.resolved`` states.

    Raises
    ------
    IncompatibleModelError
        If `method` is none, or uses no priors; at fit, if nothing is inferred beside the
        coefficients, if the prior's hyperparameters are not scales, and of a network.
    RankDeficientError
        If neither the data nor a proper prior tell two coefficients apart.
    ConvergenceError
        If the evidence is largest without noise, since the columns reproduce the target.

    References
    ----------
    MacKay (1992), Bayesian interpolation, §4; Tipping (2001), Sparse Bayesian learning and the
    relevance vector machine, §2; Bishop (2006), Pattern Recognition and Machine Learning, §3.5.

    Examples
    --------
    >>> import bayesml as bm
    >>> X = np.sin(np.outer(np.arange(20), [1.0, 2.0, 3.0]))
    >>> data = bm.Data(X, X[:, 0] + 0.1 * np.cos(9.0 * np.arange(20)))
    >>> fit = bm.fit(bm.Model(), data, bm.EmpiricalBayes())
    >>> round(fit.resolved.likelihood.sigma, 3), fit.kind
    (0.078, 'exact')
    >>> prior = bm.Independent({name: bm.Normal(0, bm.Flat()) for name in data.feature_names})
    >>> relevance = bm.fit(bm.Model(prior=prior), data, bm.EmpiricalBayes())
    >>> relevance.summary()["mean"].round(2).tolist()
    [-0.0, 1.0, 0.0, 0.0]
    """

    method: Method = AUTO

    def __post_init__(self) -> None:
        check_instance(self, "method", Method, "EmpiricalBayes(Exact())")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Maximise the evidence, and learn the coefficients given what was found."""
        if problem.data.design.roles.groups or problem.data.design.roles.smooths:
            exact = not_gaussian_groups(problem) is None
            raise IncompatibleModelError(
                "EmpiricalBayes() finds no scales of groups and curves. Use "
                + (
                    "MLE(restricted=True), which maximises their evidence under flat priors, or "
                    "Exact(), which integrates."
                    if exact
                    else "NUTS(), which integrates."
                )
            )
        found = self._maximised(problem, rng)
        learned = self.method.learn(found.given, rng)
        if learned.resolved.prior != found.given.model.prior:
            raise IncompatibleModelError(
                f"EmpiricalBayes: {self.method!r} does not use the prior whose scales were found. "
                "Use Exact(), MAP(), Laplace() or NUTS(), or MLE() alone."
            )
        return replace(
            learned,
            explanation=f"{found.said}{GIVEN}{learned.explanation}",
            log_evidence=f"{found.log_evidence:.10g} is its maximum over "
            f"{len(found.values)} hyperparameter(s), which is not comparable with an evidence that "
            'integrates over them. It is fit.diagnostics["maximised_log_evidence"]; use NUTS() or '
            "Exact() under proper priors, and leave_one_out() to compare.",
            diagnostics={**learned.diagnostics, **found.diagnostics},
            notes=(*found.notes, *learned.notes),
        )

    def resume(self, problem: Problem, earlier: Learned, draws: int, seed: int) -> Learned:
        """Go on sampling given the numbers that were found."""
        if not isinstance(self.method, Resumable):
            raise IncompatibleModelError(
                f"resume: {self.method!r} does not sample, so there is nothing to go on with. Fit "
                "with EmpiricalBayes(NUTS())."
            )
        said = earlier.explanation.partition(GIVEN)[0]
        learned = self.method.resume(problem, earlier, draws, seed)
        return replace(learned, explanation=f"{said}{GIVEN}{learned.explanation}")

    def _maximised(self, problem: Problem, rng: np.random.Generator) -> Maximised:
        prior = problem.declared.prior
        if isinstance(prior, LeavesSize) and prior.leaves_size:
            return by_size(problem, prior, rng)
        inferring = with_scale_inferred(problem)
        refuse_other_priors(inferring)
        refuse_undetermined(inferring)
        exact = not_linear_gaussian(inferring) is None
        if exact and of_single_coefficients(inferring.prior.normal_rows(inferring)):
            return by_statistics(inferring)
        return by_laplace(inferring, rng, exact=exact)


def with_scale_inferred(problem: Problem) -> Problem:
    """Return the problem with one scale in the place of one that nobody stated (Y17)."""
    prior = problem.declared.prior
    if isinstance(problem.model.predictor, Network):
        raise IncompatibleModelError(
            "EmpiricalBayes() is of models that have one mode, and a network's scales are learned "
            "by evidence as it trains: use Laplace()."
        )
    if not isinstance(prior, StandsForScale):
        return problem
    return replace(problem, declared=replace(problem.declared, prior=prior.with_scale_inferred()))


def refuse_other_priors(problem: Problem) -> None:
    """Refuse hyperparameters that are not scales, and a model that has none, by name."""
    stated, prior = problem.declared.prior, problem.prior
    own = [name for name in problem.hyperparameters if name not in problem.inferred]
    if isinstance(stated, HasSeenRows):
        raise IncompatibleModelError(
            f"EmpiricalBayes() needs all rows at once: {stated.statistics.rows} were learned from "
            "already, under numbers found from them alone. Fit the data together, or keep the "
            "numbers and learn the new rows by Exact() under fit.as_prior()."
        )
    if isinstance(stated, StatesParameters) or (own and not isinstance(prior, InfersScales)):
        raise IncompatibleModelError(
            f"EmpiricalBayes() learns scales of coefficients, such as Normal(0, sd=Flat()) in "
            f"Independent, ByTerm or Ridge, and the prior is {type(stated).__name__}(). Use "
            "Auto(), which integrates over what it infers."
        )
    if not own and not problem.inferred:
        raise IncompatibleModelError(
            f"EmpiricalBayes() found no hyperparameter to learn: every number of {stated!r} and "
            f"{problem.model.likelihood!r} is known. Infer one, for instance "
            f"Ridge(sd=Flat()), or use Auto() alone."
        )
    if isinstance(prior, HasKinks) and prior.kinks(problem) is not None:
        raise IncompatibleModelError(
            "EmpiricalBayes() integrates coefficients out by the curvature at their mode, and a "
            "Laplace prior has a kink there. Use NUTS(), or Normal priors."
        )
