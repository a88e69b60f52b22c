"""The exact posterior of the linear Gaussian model. Derived in docs/theory/linear_gaussian.md."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bayesml.data import Block, Data
from bayesml.data.roles import PRECISION
from bayesml.distributions import Distribution
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import IMPROPER_PRIORS, Learned
from bayesml.inference.elsewhere import instead
from bayesml.inference.groups import exact_groups, not_gaussian_groups
from bayesml.inference.model_average import average_all
from bayesml.log_joint import data_term, linear_terms, not_linear_gaussian
from bayesml.log_joint.least_squares import RowResiduals
from bayesml.model import Problem
from bayesml.posteriors import ConjugatePosterior, ExactPosterior, Posterior
from bayesml.posteriors.conjugate import conjugate_update
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.posteriors.exact import KnownScale
from bayesml.posteriors.linear_gaussian import LinearGaussian, linear_gaussian
from bayesml.posteriors.log_scale import (
    LogScalePosterior,
    integrate_log_scale,
    maximise_log_scale,
)
from bayesml.posteriors.tilted import ScaleDensity
from bayesml.priors import Conjugate, HasSeenRows, NormalRows, SelectsFeatures

REFINED_FROM = ((5_000, 0.0), (1_000_000, 10.0), (np.inf, 1e5))
"""Up to how many numbers in the design refinement is made from which condition number on (A6)."""


@dataclass(frozen=True)
class Exact:
    r"""The exact posterior: Gaussian given :math:`\sigma`, one-dimensional quadrature over σ.

    .. math:: p(\beta, \sigma \mid y) = p(\sigma \mid y)\,
              \mathrm{Normal}(\beta \mid \mu(\sigma), \Sigma(\sigma)) \qquad (L11)

    Applies to `Linear` with a `Gaussian` likelihood, `Flat` or `Normal` priors on the coefficients,
    and any prior on σ, or σ known; and to `NormalInverseGamma`, in closed form. Rows may have a
    known precision (S7).
    Under `SpikeAndSlab` it adds up all models of up to 25 features, (Y4).
    Moments, intervals and predictions are computed from the quadrature; the draws of the
    DataTree are independent and made when asked for.

    Raises
    ------
    IncompatibleModelError
        At fit, where the mathematics does not allow it; it says what does.
    RankDeficientError
        If neither the data nor a proper prior tell two coefficients apart.
    ImproperPosteriorError
        If the posterior of σ does not exist.

    References
    ----------
    Bishop (2006), Pattern Recognition and Machine Learning, §3.3;
    Gelman et al. (2013), Bayesian Data Analysis, §14.2 and §14.8.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
    >>> fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma=0.5), bm.Flat()), data, bm.Exact())
    >>> fit.summary()["mean"].round(3).to_dict()
    {'intercept': 0.917, 'weights[x0]': 2.25}
    """

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Compute the posterior from the sufficient statistics."""
        prior = problem.prior
        if isinstance(prior, SelectsFeatures):
            average = average_all(problem, prior, linear_coordinates(problem), rng)
            return _given_earlier_rows(problem, average)
        reason = obstacle(problem)
        if reason is not None:
            advice = "Use NUTS() to sample it, or Auto() to choose."
            if problem.grouped is None:
                advice = "Use NUTS() to sample it, MAP() for its mode, or Auto() to choose."
                advice = instead(problem, advice)
            raise IncompatibleModelError(f"Exact() does not apply: {reason} {advice}")
        if problem.grouped is not None:
            return _given_earlier_rows(problem, exact_groups(problem, rng))
        if isinstance(prior, Conjugate):
            return _given_earlier_rows(problem, _conjugate(problem, prior))
        return _given_earlier_rows(problem, _quadrature(problem))


def obstacle(problem: Problem) -> str | None:
    """Say why a problem has no exact posterior, or None if it has one."""
    if problem.grouped is not None:
        return not_gaussian_groups(problem)
    why = not_linear_gaussian(problem)
    if why is not None:
        return why
    rows = problem.prior.normal_rows(problem)
    if rows is None:
        stated = problem.prior.describe().replace("\n", "; ")
        return f"not every coefficient has a Normal or Flat prior ({stated})."
    if rows.scale is not None and not isinstance(problem.prior, Conjugate):
        return f"the scale {', '.join(rows.scale_names)} of the prior is inferred."
    return None


def coefficient_names(problem: Problem) -> tuple[str, ...]:
    """Return the names of β: the intercept, if there is one, and the features."""
    return linear_terms(problem)[0].names


def gaussian_rows(problem: Problem) -> NormalRows:
    """Return the Gaussian rows of a prior that is known to be Gaussian."""
    rows = problem.prior.normal_rows(problem)
    if rows is None:
        raise IncompatibleModelError(f"Exact() does not apply: {obstacle(problem)}")
    return rows


def geometry_of(problem: Problem, sigma_0: float | None = None) -> LinearGaussian:
    """Return the linear Gaussian model of a problem with Flat or Normal priors, for every σ."""
    return joined(problem, gaussian_rows(problem), problem.known.get("sigma", sigma_0))


def joined(problem: Problem, priors: NormalRows, sigma_0: float | None = None) -> LinearGaussian:
    """Join data and priors; refine with the rows where that is cheap or needed (A6)."""
    data, coordinates = data_term(problem), linear_coordinates(problem)
    size = problem.data.m * data.M.shape[0]
    needed = data.rank.condition > next(least for most, least in REFINED_FROM if size <= most)
    rows = RowResiduals(
        partial(_weighted_blocks, problem.data, coordinates),
        coordinates.origin,
        coordinates.origin_error,
        coordinates.intercept,
        data,
    )
    refined = problem.complete and needed
    names = coefficient_names(problem)
    return linear_gaussian(data, priors, names, rows if refined else None, sigma_0)


def numerics(geometry: LinearGaussian) -> dict[str, float]:
    """Return what is known of the accuracy of the decomposition."""
    rank = geometry.data.rank
    return {
        "condition": rank.condition,
        "rank": float(rank.rank),
        "refinements": float(geometry.refinements),
    }


def linear_coordinates(problem: Problem) -> LinearCoordinates:
    """Return the coordinates in which β is counted."""
    means, terms = problem.statistics, linear_terms(problem)[0]
    precision = problem.data.design.roles.known_places().get(PRECISION)
    origin, low = means.mean_X[terms.columns], means.mean_error[:-1][terms.columns]
    return LinearCoordinates(origin, low, terms.intercept, precision)


def _weighted_blocks(data: Data, coordinates: LinearCoordinates) -> Iterator[Block]:
    """Read the rows with wᵢpᵢ for wᵢ where they have a precision p (S8)."""
    for block in data.blocks():
        if coordinates.precision is None:
            yield block
        else:
            weights = block.row_weights * block.X[:, coordinates.precision]
            X = block.X[:, : len(coordinates.origin)]
            yield Block(X, block.y, weights, block.place)


def _quadrature(problem: Problem) -> Learned:
    coordinates, diagnostics = linear_coordinates(problem), {}
    sigma = problem.known.get("sigma")
    proper = len(gaussian_rows(problem).mean) == coordinates.p
    if sigma is not None:
        geometry = geometry_of(problem)
        known = KnownScale(geometry.sigma_0, sigma)
        log_evidence = geometry.log_constant + float(geometry.log_marginal(known.nodes)[0])
        posterior: Posterior = ExactPosterior(geometry, known, coordinates, None)
        how = f"exact Gaussian posterior, σ = {sigma:g} known"
    else:
        geometry, scale = scale_posterior(problem)
        prior = problem.inferred["sigma"]
        log_evidence = geometry.log_constant + scale.log_normaliser
        posterior = ExactPosterior(geometry, scale, coordinates, prior)
        proper = proper and prior.proper
        diagnostics["quadrature_error"] = scale.error
        how = f"exact posterior, σ integrated by quadrature on {len(scale.nodes)} nodes"
    return Learned(
        posterior,
        problem.model,
        how,
        log_evidence if proper else IMPROPER_PRIORS,
        numerics(geometry) | diagnostics,
    )


def scale_posterior(problem: Problem) -> tuple[LinearGaussian, LogScalePosterior]:
    """Integrate over σ, and return the geometry at a reference scale near its mass.

    Raises
    ------
    ImproperPosteriorError
        If the density of log σ does not fall off on both sides: there is no posterior (Q3).
    """
    geometry, prior = geometry_of(problem), problem.inferred["sigma"]
    geometry, peak = _around_the_mode(problem, geometry, prior)
    scale = integrate_log_scale(
        ScaleDensity(geometry, prior),
        peak,
        geometry.sigma_0,
        f"There are {geometry.data.weight:g} rows for {geometry.p} coefficients, and the prior of "
        f"σ is {prior!r}.",
    )
    return geometry, scale


def _given_earlier_rows(problem: Problem, learned: Learned) -> Learned:
    """Take the evidence of earlier rows out: log p(new | old) = log p(all) − log p(old)."""
    earlier = problem.declared.prior
    if not isinstance(earlier, HasSeenRows) or isinstance(learned.log_evidence, str):
        return learned
    before = earlier.log_evidence
    given = before if isinstance(before, str) else learned.log_evidence - before
    return replace(learned, log_evidence=given)


def _around_the_mode(
    problem: Problem, geometry: LinearGaussian, prior: Distribution
) -> tuple[LinearGaussian, tuple[float, float]]:
    """Move σ₀ to where the mass of σ is, if it is far: digits are best there (L4)."""
    peak = maximise_log_scale(ScaleDensity(geometry, prior))
    for _ in range(3):
        if not 1.0 < abs(peak[0]) < 59.0:
            break
        geometry = geometry_of(problem, geometry.sigma_0 * float(np.exp(peak[0])))
        peak = maximise_log_scale(ScaleDensity(geometry, prior))
    return geometry, peak


def _conjugate(problem: Problem, prior: Conjugate) -> Learned:
    geometry = joined(problem, gaussian_rows(problem), sigma_0=1.0)
    a, b, log_evidence = conjugate_update(geometry, prior.shape, prior.rate)
    return Learned(
        ConjugatePosterior(geometry, a, b, linear_coordinates(problem)),
        problem.model,
        "exact posterior in closed form (normal-inverse-gamma)",
        log_evidence,
        numerics(geometry),
    )
