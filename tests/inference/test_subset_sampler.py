"""Chains over models against the sum over all of them."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

import bayesml as bm
from bayesml.inference.subset_regression import subset_regression
from bayesml.model import Problem
from bayesml.samplers import SubsetDensity, sample_subsets
from bayesml.samplers.subsets import conditional_moments, state_of
from tests.parts.subset_evidence import log_evidences

Vector = np.ndarray[Any, Any]


def data(n: int, m: int = 150) -> bm.Data:
    """Correlated features, two of them nearly collinear."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, n)) + 0.5 * rng.normal(size=(m, 1))
    X[:, 1] = X[:, 0] + 0.3 * X[:, 1]
    return bm.Data(X, 2.0 + X[:, [0, 2, 3]] @ [0.3, 0.25, 0.2] + rng.normal(size=m))


def density_of(problem: Problem) -> tuple[Any, SubsetDensity]:
    regression = subset_regression(problem, problem.prior)  # type: ignore[arg-type]
    T, odds = regression.with_slab, problem.prior.log_inclusion(regression.n)  # type: ignore[attr-defined]
    return regression, SubsetDensity(T.T @ T, regression.shape, odds)


@pytest.mark.parametrize("inclusion", [bm.BetaBinomial(2.0, 3.0), (0.2, 0.9, 0.5, 0.4, 0.3, 0.1)])
def test_ratios_are_those_of_the_evidence(inclusion: Any) -> None:
    """One sweep holds the ratios to all neighbours; against a factor of its own for each."""
    problem = bm.Model(prior=bm.SpikeAndSlab(inclusion)).resolve(data(6))
    regression, density = density_of(problem)
    models = (np.arange(64)[:, None] >> np.arange(6)) & 1 == 1
    odds = density.prior
    log_p = log_evidences(regression, models) + odds.by_size[models.sum(axis=1)]
    log_p += np.where(models, odds.within, odds.without).sum(axis=1)
    means, roots, rates = regression.solutions(models)
    for k in (0, 5, 42, 63):
        state = state_of(density, models[k])
        expected = [log_p[k ^ (1 << j)] - log_p[k] for j in range(6)]
        np.testing.assert_allclose(density.log_ratios(state), expected, rtol=1e-8, atol=1e-9)
        apart = log_p[k] - regression.log_constant
        assert density.log_density(state) == pytest.approx(apart, rel=1e-10)
        mean, covariance = conditional_moments(density, state)
        np.testing.assert_allclose(mean * regression.scale, means[k], rtol=1e-9, atol=1e-12)
        s2 = rates[k] / (regression.shape - 1.0)
        covariance *= np.outer(regression.scale, regression.scale)
        np.testing.assert_allclose(covariance, s2 * roots[k] @ roots[k].T, rtol=1e-7, atol=1e-12)
        for j in range(6):  # there and back
            again = state.flipped(j).flipped(j)
            np.testing.assert_allclose(again.swept, state.swept, rtol=1e-8, atol=1e-9)


def test_many_chains_agree_with_the_sum_over_all_models() -> None:
    """Within 4.5 standard errors of sixteen chains, t with fifteen degrees: one in 3,000 each."""
    prior = bm.SpikeAndSlab((1.0, *[0.4] * 7))
    problem = bm.Model(prior=prior).resolve(data(8, 60))
    _, density = density_of(problem)
    truth = bm.fit(bm.Model(prior=prior), data(8, 60)).learned.posterior.inclusion_probabilities
    run = [sample_subsets(density, 600, 100, r) for r in np.random.default_rng(1).spawn(16)]
    for each in (
        np.array([expit(c.log_odds[:, 1:]).mean(axis=0) for c in run]),
        np.array([c.models[:, 1:].mean(axis=0) for c in run]),
    ):
        error = each.std(axis=0, ddof=1) / 4.0
        np.testing.assert_array_less(np.abs(each.mean(axis=0) - truth[1:]), 4.5 * error)
    assert all(c.models[:, 0].all() for c in run)


def test_fifteen_features_sampled_and_added_up() -> None:
    model, rows = bm.Model(prior=bm.SpikeAndSlab()), data(15)
    exact = bm.fit(model, rows)
    sampled = bm.fit(model, rows, bm.SubsetSampler(draws=1500, tune=300), rng=3)
    assert sampled.kind == "sampled"
    assert sampled.check().passed
    ours, truth = sampled.learned.posterior, exact.learned.posterior
    # 6,000 draws whose effective number is a thousand or more
    error = np.sqrt(truth.inclusion_probabilities * (1 - truth.inclusion_probabilities) / 1000)
    distance = np.abs(ours.inclusion_probabilities - truth.inclusion_probabilities)
    np.testing.assert_array_less(distance, 4 * error)
    sd = np.sqrt(np.diag(truth.covariance))
    np.testing.assert_array_less(np.abs(ours.mean - truth.mean), 4 * sd / np.sqrt(1000))
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)) / sd, 1.0, atol=0.25)
    p, q = sampled.predict(rows.X[:10]), exact.predict(rows.X[:10])
    np.testing.assert_array_less(np.abs(p.mean - q.mean), 0.1 * q.sd)
    np.testing.assert_allclose(p.sd, q.sd, rtol=0.02)
    with pytest.raises(bm.ImproperPosteriorError, match="SubsetSampler does not compute it"):
        _ = sampled.log_evidence
    assert bm.model_table(sampled, 2)["features"][0] == bm.model_table(exact, 2)["features"][0]


def test_auto_samples_where_models_are_too_many() -> None:
    rows = data(30).summarised()
    fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab()), rows, rng=1)
    assert fit.explanation.startswith("Auto chose SubsetSampler(), since 30 features have 2^30")
    assert fit.learned.posterior.compared is not None
    assert fit.idata["posterior"]["inclusion"].sizes["feature"] == 30


def test_a_feature_that_always_is_in_is_not_compared() -> None:
    prior = bm.SpikeAndSlab((0.4, 0.4, 0.4, 0.4, 1.0))
    fit = bm.fit(bm.Model(prior=prior), data(5), bm.SubsetSampler(draws=3000, tune=200), rng=2)
    assert fit.check().passed
    assert fit.learned.posterior.inclusion_probabilities[4] == 1.0
    assert fit.learned.posterior.compared.values["log_odds"].shape == (4, 3000, 5)
    assert np.all(fit.draws()["weights"][..., 4] != 0.0)


def test_one_model_that_is_all_there_is() -> None:
    """Chains that never leave it agree, and nothing about them is a number that is none."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 3))
    rows = bm.Data(X, X @ [5.0, 5.0, 5.0] + 0.1 * rng.normal(size=400))
    fit = bm.fit(bm.Model(prior=bm.SpikeAndSlab()), rows, bm.SubsetSampler(200, 100), rng=1)
    np.testing.assert_allclose(fit.learned.posterior.inclusion_probabilities, 1.0)
    assert np.all(np.isfinite(fit.summary()))


@pytest.mark.parametrize("name", ["draws", "tune", "chains"])
def test_settings_are_counts(name: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=name):
        bm.SubsetSampler(**{name: 0})
