"""What the numbers that methods report of their answers must satisfy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bayesml.errors import ConvergenceWarning, ModelWarning


@dataclass(frozen=True)
class Limit:
    """A number that a method reports about its answer, and what it must satisfy.

    Attributes
    ----------
    name, requirement, meaning, remedy : str
        As in `Finding`.
    holds : callable
        False for NaN.
    category : type of Warning
        As in `Finding`.
    """

    name: str
    requirement: str
    holds: Callable[[float], bool]
    meaning: str
    remedy: str
    category: type[Warning] = ConvergenceWarning


LIMITS: Mapping[str, Limit] = {
    "condition": Limit(
        "condition number of the scaled design",
        "≤ 1e10",
        lambda value: value <= 1e10,
        "Columns are so nearly collinear that the coefficients keep few correct digits.",
        "Leave out or combine columns, centre polynomials, or give proper priors.",
    ),
    "quadrature_error": Limit(
        "quadrature error",
        "≤ 1e-8",
        lambda value: value <= 1e-8,
        "The integral over σ did not settle when its nodes were doubled.",
        "Check the prior of σ: its scale may be absurd for these data.",
    ),
    "scale_error": Limit(
        "error of the integral over scales of groups by half of its nodes, relative",
        "≤ 0.05",
        lambda value: value <= 0.05,
        "Half of the nodes give another integral: moments of scales may be off by a percent.",
        "State priors of the scales that are less vague, Hierarchical(groups=...), or use NUTS().",
    ),
    "scale_effective": Limit(
        "effective number of Sobol points of the scales of groups",
        "≥ 400",
        lambda value: value >= 400,
        "Few points carry all of the integral over the scales.",
        "State priors of the scales, Hierarchical(groups=...), or use NUTS().",
    ),
    "quadrature_nats": Limit(
        "change of the log density by more nodes for effects of groups, in nats",
        "≤ 0.05",
        lambda value: value <= 0.05,
        "The integral over the effects of a level is not settled at the most nodes.",
        "Use NUTS().",
    ),
    "effective_draws": Limit(
        "effective number of weighted draws",
        "≥ 100",
        lambda value: value >= 100,
        "Few draws carry all of the weight, so that means and intervals are rough.",
        "Use NUTS().",
    ),
    "gradient_norm": Limit(
        "gradient norm at the answer, standardised",
        "≤ 1e-3",
        lambda value: value <= 1e-3,
        "The optimizer stopped away from an optimum.",
        "Allow more iterations, or use the default optimizer.",
    ),
    "duality_gap": Limit(
        "duality gap at the answer, relative to the loss",
        "≤ 1e-8",
        lambda value: value <= 1e-8,
        "The programme stopped away from an optimum.",
        "Scale the columns alike, or leave out nearly collinear ones.",
    ),
    "energy_variance": Limit(
        "variance of the energy error per dimension, worst chain",
        "≤ 0.1",
        lambda value: value <= 0.1,
        "Steps are too long for the posterior's curvature, and without an accept step biased.",
        "Lower Langevin(energy=...).",
    ),
    "ess_within": Limit(
        "effective sample size of function values within chains, median row",
        "≥ 50",
        lambda value: value >= 50,
        "Chains have explored little of the surroundings of their modes, so that their spread is "
        "too small and random.",
        "Take more steps, or more chains: Langevin(steps=...), Ensemble(members=...).",
    ),
    "curvature": Limit(
        "smallest curvature at the answer, of a Hessian with unit diagonal",
        "> 1e-10",
        lambda value: value > 1e-10,
        "The curvature at the answer is not positive definite, so it is not an isolated optimum "
        "and has no standard errors: some parameters are not determined by the data.",
        "State proper priors and use MAP(), or fix the parameter at a known number.",
    ),
    "definiteness": Limit(
        "smallest curvature at the answer, of a Hessian with unit diagonal, by orthogonal factors",
        "> 1e-20, a condition number of 1e10",
        lambda value: value > 1e-20,
        "The curvature at the answer is not positive definite but for rounding, so it is not an "
        "isolated optimum and its standard errors mean nothing.",
        "Leave out or combine columns, give proper priors, or state sigma.",
    ),
    "decrement": Limit(
        "gradient at the mode in units of the curvature, root mean square over parameters",
        "≤ 1",
        lambda value: value <= 1,
        "Parameters are as far from the optimum as draws of the posterior are: training stopped "
        "too early.",
        "Allow more iterations, LevenbergMarquardt(max_iterations=...), or more restarts.",
    ),
    "importance_ess": Limit(
        "effective sample size of a thousand draws of the approximation, weighted",
        "≥ 100",
        lambda value: value >= 100,
        "Few draws of the approximation are typical of the posterior.",
        "Use NUTS(), or Langevin() for a network, or trust the means only.",
    ),
    "importance_shift": Limit(
        "distance of the posterior's mean from the approximation's, worst parameter, in its sds",
        "≤ 0.5",
        lambda value: value <= 0.5,
        "The posterior is skewed, so that estimates and intervals are off to one side.",
        "Use fit.reweighted(), if k̂ and the effective sample size pass, or NUTS().",
    ),
    "off_centre": Limit(
        "distance of the mode from the centre of its approximation, in sds of the function",
        "≤ 1",
        lambda value: value <= 1,
        "Training stopped where the posterior is still some way off, so that intervals of the "
        "mean are off to one side.",
        "State the prior scales, Layered(sd=...), or use Langevin() or an Ensemble().",
    ),
    "evidence_gradient": Limit(
        "gradient norm of the evidence at the hyperparameters, per row",
        "≤ 1e-5",
        lambda value: value <= 1e-5,
        "The search stopped away from a maximum of the evidence.",
        "State one of the scales, or let more features share one.",
    ),
    "shared_scales_at_zero": Limit(
        "scales of several weights that are zero at the maximum of the evidence",
        "none",
        lambda value: value == 0,
        "The answer says that these weights are zero without any doubt, which few data can know.",
        "Use NUTS() under a proper prior of the scale, which integrates over it.",
        ModelWarning,
    ),
    "unlearned": Limit(
        "correlation of residuals of neighbouring rows, beyond three standard errors",
        "≤ 0.2",
        lambda value: value <= 0.2,
        "Rows that lie close together are missed alike: the target has structure that the network "
        "did not learn.",
        "Leave Training(start=...) to be chosen, take more units, or another seed.",
    ),
    "gain_over_linear": Limit(
        "density of rows held out over that of a linear model, in standard errors",
        "≥ -2",
        lambda value: value >= -2,
        "A linear model predicts rows that neither has seen better than the network does.",
        "Use Linear(), fewer units, or more data.",
        ModelWarning,
    ),
    "astray": Limit(
        "share of members that lie a nat a row behind the median of members, and were left out",
        "≤ 1/3",
        lambda value: value <= 1 / 3,
        "Many members have not learned the function that the others have.",
        "Train longer, or take another seed.",
    ),
    "agreement": Limit(
        "share of the target's variance on which members of the ensemble agree",
        "≥ 0.5",
        lambda value: value >= 0.5,
        "Members of the ensemble tell different stories even on the training rows.",
        "Train longer, give more data or stronger priors, or use more members.",
    ),
}
"""What the diagnostics of `Learned` must satisfy, by name; others are not judged."""
