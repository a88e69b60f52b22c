"""The default method: exact where that exists, else approximate if audited, else sampled."""

from dataclasses import dataclass, replace
from time import process_time

import numpy as np

from bayesml.arguments import check_instance, check_optional
from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.inference.audit import heavy_tailed
from bayesml.inference.base import InTime, Learned, Method
from bayesml.inference.default_network import network_method
from bayesml.inference.elsewhere import unread
from bayesml.inference.exact import Exact, obstacle
from bayesml.inference.gibbs import Gibbs, not_gibbs
from bayesml.inference.group_laplace import doubts_of, not_nested
from bayesml.inference.laplace import Laplace
from bayesml.inference.model_average import MOST_FEATURES
from bayesml.inference.nuts import NUTS
from bayesml.inference.point import starting_point
from bayesml.inference.subset_sampler import SubsetSampler
from bayesml.likelihoods import limits_eta
from bayesml.log_joint import log_joint
from bayesml.model import Problem
from bayesml.predictors import HasJacobian, Network
from bayesml.priors import SelectsFeatures

LARGEST_SHIFT = 0.1
"""Standard deviations by which a Gaussian that stands for the posterior may be off in a mean."""

STEPS = 7
"""Gradients that a draw of NUTS takes in whitened coordinates, about."""


@dataclass(frozen=True)
class Auto:
    """The exact posterior where it exists, otherwise the cheapest answer that passes its audit.

    Where mathematics allows no exact answer, `Laplace` is tried, which takes milliseconds. Its
    audit draws from the Gaussian and weighs the draws by the posterior itself (U4, U5): where the
    tail of the weights is light and no mean moves by a tenth of its standard deviation, the
    Gaussian is the answer. Otherwise `NUTS` samples, started at its mode and scaled by its
    curvature. Rows that stay in files or partitions, which NUTS would read some ten thousand
    times, and a budget that is too small leave the Gaussian, and the audit that it failed warns.

    Of effects of groups `Laplace` integrates over those of the factor of most levels by quadrature,
    and weighs draws of all else: where these have a light tail, two hundred of them are effective
    and nodes are enough, the weighted draws are the answer (G47).

    `SpikeAndSlab` over more features than `Exact` adds up is learned by `SubsetSampler`.

    Sparse priors such as `Horseshoe` in a linear Gaussian model are sampled by `Gibbs`.

    NUTS takes minutes for a network and mixes badly between its modes, so that networks are
    learned by chains around several modes; see `default_network`.

    Parameters
    ----------
    otherwise : NUTS
        How to sample.
    network : Method or None
        How to learn a network; None is `network_method`, by how many rows there are.
    seconds : float or None
        CPU time that sampling may take, as foreseen from one gradient; of a network the time by
        the clock in which members are learned. None is as long as it does.

    Raises
    ------
    IncompatibleModelError
        If the budget is not positive; at fit, if it is of a network's method that keeps none.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> bm.fit(bm.Model(), data, bm.Auto()).explanation.split(",")[0]
    'Auto chose Exact(): exact posterior'
    """

    otherwise: NUTS = NUTS()
    network: Method | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_instance(self, "otherwise", Method, "NUTS()")
        if self.network is not None:
            check_instance(self, "network", Method, "Laplace()")
        check_optional(self, "seconds", "no limit")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Choose, learn, and say why."""
        if isinstance(problem.model.predictor, Network):
            network = self._of_network(problem)
            return _said(network, "", network.learn(problem, rng))
        if isinstance(problem.prior, SelectsFeatures):
            return _over_models(problem, rng)
        why_not = obstacle(problem)
        if why_not is None:
            return _said(Exact(), "", Exact().learn(problem, rng))
        if not_gibbs(problem) is None:
            return _said(Gibbs(), _given([why_not]), Gibbs().learn(problem, rng))
        if problem.grouped is not None:
            return self._groups(problem, rng, why_not)
        return self._approximated(problem, rng, why_not)

    def _approximated(self, problem: Problem, rng: np.random.Generator, why_not: str) -> Learned:
        """Take the Gaussian at the mode where its audit passes, and sample otherwise."""
        if no_gaussian := _no_gaussian(problem):
            return self._sampled(problem, rng, [why_not, no_gaussian])
        try:
            gaussian = Laplace().learn(problem, rng)
        except ConvergenceError as error:
            return self._sampled(problem, rng, [why_not, f"a Gaussian does not fit ({error})"])
        if not (doubts := _doubts(gaussian)):
            return _said(Laplace(), _given([why_not, _passed(gaussian)]), gaussian)
        if where := unread(problem):
            return _said(Laplace(), _given([why_not, where, *doubts]), _doubted(gaussian))
        foreseen = self._foreseen(problem, rng)
        if self.seconds is not None and foreseen > self.seconds:
            budget = f"NUTS would take about {foreseen:.2g} of the {self.seconds:g} CPU seconds"
            return _said(Laplace(), _given([why_not, budget, *doubts]), _doubted(gaussian))
        return self._sampled(problem, rng, [why_not, *doubts])

    def _groups(self, problem: Problem, rng: np.random.Generator, why_not: str) -> Learned:
        """Integrate over effects by quadrature, and sample where that is not certified (G47)."""
        if (beyond := not_nested(problem)) is not None:
            return self._sampled(problem, rng, [why_not, beyond])
        try:
            found = Laplace().learn(problem, rng)
        except ConvergenceError as error:
            return self._sampled(problem, rng, [why_not, f"Laplace() does not fit ({error})"])
        if doubts := doubts_of(found):
            return self._sampled(problem, rng, [why_not, *doubts])
        passed = f"its draws passed: Pareto k̂ {found.diagnostics['pareto_k']:.2f}"
        return _said(Laplace(), _given([why_not, passed]), found)

    def resume(self, problem: Problem, earlier: Learned, draws: int, seed: int) -> Learned:
        """Go on sampling, where sampling was the choice."""
        return self.otherwise.resume(problem, earlier, draws, seed)

    def _sampled(self, problem: Problem, rng: np.random.Generator, reasons: list[str]) -> Learned:
        return _said(self.otherwise, _given(reasons), self.otherwise.learn(problem, rng))

    def _of_network(self, problem: Problem) -> Method:
        """Return how a network is learned, within the time that there is."""
        network = network_method(problem.data.m) if self.network is None else self.network
        if self.seconds is None:
            return network
        if not isinstance(network, InTime):
            raise IncompatibleModelError(
                f"Auto: seconds limits an Ensemble(), and network is {network!r}. Use "
                f"Ensemble(1, {network!r}), or leave seconds out."
            )
        return network.within(self.seconds)

    def _foreseen(self, problem: Problem, rng: np.random.Generator) -> float:
        """Return CPU seconds that sampling would take, from one gradient."""
        joint = log_joint(problem).unconstrained()
        x = starting_point(problem, joint, rng)
        start = process_time()
        joint.log_density_and_gradient(x)
        nuts = self.otherwise
        return (process_time() - start) * nuts.chains * (nuts.draws + nuts.tune) * STEPS


def _no_gaussian(problem: Problem) -> str | None:
    """Say why no Gaussian at the mode can stand for a posterior, or None."""
    if not isinstance(problem.model.predictor, HasJacobian):
        return "the predictor has no Jacobian for a Gaussian at the mode"
    if limits_eta(problem.model.likelihood):
        return "its link needs a positive η, and a Gaussian has others"
    return None


def _over_models(problem: Problem, rng: np.random.Generator) -> Learned:
    """Add up all models, or sample them where there are too many."""
    n = problem.data.n
    if n <= MOST_FEATURES:
        return _said(Exact(), "", Exact().learn(problem, rng))
    sampler = SubsetSampler()
    why = f", since {n} features have 2^{n} models"
    return _said(sampler, why, sampler.learn(problem, rng))


def _doubts(gaussian: Learned) -> list[str]:
    """Say what the audit has against a Gaussian."""
    found, out = gaussian.diagnostics, list(gaussian.notes)
    if heavy_tailed(found):
        out.append(f"the audit of Laplace() failed with a Pareto k̂ of {found['pareto_k']:.2f}")
    if not found["importance_shift"] <= LARGEST_SHIFT:
        shift = found["importance_shift"]
        out.append(f"Laplace() would be off by {shift:.2g} standard deviations in a mean")
    return out


def _doubted(gaussian: Learned) -> Learned:
    """Return a Gaussian that is taken all the same, with a note where its means are off."""
    shift = gaussian.diagnostics["importance_shift"]
    if shift <= LARGEST_SHIFT:
        return gaussian
    note = (
        f"The posterior is skewed: the Gaussian is off by about {shift:.2g} standard deviations in "
        "a mean. Use NUTS()."
    )
    return replace(gaussian, notes=(*gaussian.notes, note))


def _passed(gaussian: Learned) -> str:
    found = gaussian.diagnostics
    return (
        f"its audit passed: Pareto k̂ {found['pareto_k']:.2f}, no mean off by more than "
        f"{found['importance_shift']:.2g} standard deviations"
    )


def _given(reasons: list[str]) -> str:
    return ", since " + ", and ".join(reason.rstrip(".") for reason in reasons)


def _said(method: Method, why: str, learned: Learned) -> Learned:
    name = type(method).__name__
    return replace(learned, explanation=f"Auto chose {name}(){why}: {learned.explanation}")
