"""Sampling models where there are too many to add up. Derived in docs/theory/all_subsets.md."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from bayesml.arguments import check_count, require_memory, shown
from bayesml.errors import IncompatibleModelError
from bayesml.inference.base import Learned
from bayesml.inference.elsewhere import instead
from bayesml.inference.exact import linear_coordinates
from bayesml.inference.kept_models import MOST_MODELS, Kept, Representation, represented
from bayesml.inference.model_average import refuse_other_than_linear_gaussian, scaled_covariance
from bayesml.inference.subset_regression import subset_regression
from bayesml.model import Problem
from bayesml.posteriors import Compared, ModelAverage
from bayesml.posteriors.subset_regression import SubsetRegression
from bayesml.priors import SelectsFeatures
from bayesml.samplers import SubsetChain, SubsetDensity, sample_subsets
from bayesml.typing import Array, Bools

NUMBERS = 40_000_000
"""Of the posteriors of the models that predictions mix, at most."""

DIGITS = 6
"""Of log odds, which sweeps keep: a chain that stays at one model shows no rounding."""


@dataclass(frozen=True)
class SubsetSampler:
    r"""Markov chains over the models of `SpikeAndSlab`, by their sufficient statistics.

    Every draw flips a feature, proposed the more often the more probable the model becomes, (Y13),
    and lets another feature take the place of one, (Y14), so that collinear features change
    places. Weights and σ are integrated out. Inclusion probabilities are averages of conditional
    probabilities, :math:`P(\gamma_j = 1 \mid \gamma_{-j}, y)`, not of zeros and ones.

    It costs :math:`O(n^2)` a draw, however many rows there are. The fit's draws of parameters are
    independent ones from the mixture over the models that were visited; the chains are compared
    by log odds of every feature and log densities of models.

    Parameters
    ----------
    draws, tune, chains : int
        Draws kept per chain, draws before them, and number of chains.

    Raises
    ------
    IncompatibleModelError
        At fit, if the prior is not over models, or the model not linear and Gaussian.

    References
    ----------
    Zanella (2020), Informed proposals for local MCMC in discrete spaces, §2, for the flips;
    Madigan & York (1995), Bayesian graphical models for discrete data, for chains over models;
    Ghosh & Clyde (2011), Rao-Blackwellization for Bayesian variable selection, for the averages.

    Examples
    --------
    >>> import bayesml as bm
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 30))
    >>> data = bm.Data(X, X[:, 0] + 0.5 * X[:, 1] + rng.normal(size=100))
    >>> fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab()), data, SubsetSampler(draws=1000), rng=1)
    >>> fit.learned.posterior.inclusion_probabilities[:2].round(2)
    array([1., 1.])
    """

    draws: int = 2000
    tune: int = 1000
    chains: int = 4

    def __post_init__(self) -> None:
        check_count(self, "draws", "tune", "chains")

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        """Sample models."""
        prior = problem.prior
        if not isinstance(prior, SelectsFeatures):
            raise IncompatibleModelError(
                f"SubsetSampler() samples models of SpikeAndSlab(), and the prior is "
                f"{shown(prior)}. {instead(problem, 'Use Auto(), or Model(prior=SpikeAndSlab()).')}"
            )
        refuse_other_than_linear_gaussian(problem, "SubsetSampler()")
        require_memory(
            4.0 * self.chains * self.draws * problem.data.n,
            f"{self.chains:,} chains of {self.draws:,} models of {problem.data.n:,} features",
            "take fewer draws, a few thousand do for most quantities",
        )
        regression, odds = subset_regression(problem, prior), prior.log_inclusion(problem.data.n)
        T = regression.with_slab
        density = SubsetDensity(T.T @ T, regression.shape, odds)
        generators = rng.spawn(self.chains)
        run = [sample_subsets(density, self.draws, self.tune, each) for each in generators]
        every = np.concatenate([chain.models for chain in run])
        models, counts = np.unique(every, axis=0, return_counts=True)
        chosen = _mixed(models, np.log(counts), rng)
        posterior = ModelAverage(
            regression,
            models[chosen.numbers],
            chosen.probabilities,
            chosen.weights,
            np.mean([expit(chain.log_odds).mean(axis=0) for chain in run], axis=0),
            *_moments(run, regression),
            linear_coordinates(problem),
            "sampled",
            _compared(run),
        )
        return Learned(
            posterior,
            problem.model,
            f"{self.chains} chains of {self.draws} models after {self.tune} for tuning, "
            f"{len(models):,} different ones, predictions by {chosen.words}",
            "SubsetSampler does not compute it. Use Exact() up to 25 features.",
            chosen.diagnostics | {"models": float(len(models))},
        )


def _mixed(models: Bools, log_counts: Array, rng: np.random.Generator) -> Representation:
    """Choose as many of the visited models as their posteriors have room (Y8)."""
    numbers = models.shape[1] * int(models.sum(axis=1).max())
    most = max(1, min(MOST_MODELS, NUMBERS // max(1, numbers)))
    keys = log_counts + rng.standard_exponential(len(models))
    kept = Kept(keys, log_counts, np.arange(len(models))).largest(most + 1)
    return represented(kept, float(logsumexp(log_counts)), most)


def _moments(run: list[SubsetChain], regression: SubsetRegression) -> tuple[Array, Array]:
    """Return mean and covariance of the weights, within models and between them."""
    means = np.concatenate([chain.means for chain in run])
    centre = means.mean(axis=0)
    between = (means - centre).T @ (means - centre) / len(means)
    within = np.mean([chain.covariance for chain in run], axis=0)
    return regression.scale * centre, scaled_covariance(regression, within + between)


def _compared(run: list[SubsetChain]) -> Compared | None:
    """Return what must agree between chains; what never varied in any of them does.

    A feature that is always in has infinite odds, and chains may all stay at one model.
    """
    columns = [np.column_stack([chain.log_odds, chain.log_density]) for chain in run]
    values = np.round(np.stack(columns), DIGITS)
    varied = (values != values[0, 0]).any(axis=(0, 1))
    if not varied.any():
        return None
    return Compared({"log_odds": values[..., varied]}, "log odds", False)
