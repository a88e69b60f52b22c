"""What is said against a Gaussian at a mode, and against an ensemble."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.inference.audit import (
    _log_weights,
    audit,
    decrement,
    heavy_tailed,
    importance,
    off_centre,
)
from bayesml.inference.mixture import agreement
from bayesml.inference.networks.mode import Mode, Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.likelihoods import Likelihood
from bayesml.posteriors.audited import AuditedDraws, audited_draws, pareto_smoothed
from bayesml.posteriors.ensemble import EnsemblePosterior

FLAT = bm.MLP(hidden=())


def mode_of(likelihood: Likelihood, m: int = 12) -> Mode:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(m, 2))
    data = bm.Data(X, X @ [1.0, 2.0] + 0.5 * rng.standard_t(2.0, size=m))
    model = bm.Model(FLAT, likelihood, bm.Layered(sd=1.0))
    return find_mode(model.resolve(data), rng, Recipe())


def test_a_gaussian_posterior_is_found_gaussian() -> None:
    mode = mode_of(bm.Gaussian(sigma=0.5))
    found = audit(mode, np.random.default_rng(0))
    assert found["pareto_k"] == -np.inf
    assert found["importance_ess"] == pytest.approx(1000)
    assert off_centre(mode) < 1e-6
    assert decrement(mode) < 1e-6


def test_weights_are_ratios_of_the_densities_themselves() -> None:
    """By scipy's densities, and a covariance matrix written out."""
    df, sigma = 3.0, 0.5
    mode = mode_of(bm.StudentT(df=df, sigma=sigma))
    data, rows = mode.setting.rows, mode.point.here.rows
    covariance = np.linalg.inv((rows.J.T * rows.weights) @ rows.J + np.eye(3))
    noise = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, size=300)
    shift = np.array([0.2, 0.0, -0.1])
    theta = mode.x + shift + noise
    eta = mode.point.here.eta + (theta - mode.x) @ rows.J.T
    fit = stats.t(df, scale=sigma).logpdf(data.y - eta).sum(axis=1)
    prior = stats.norm.logpdf(theta).sum(axis=1)
    approximation = stats.multivariate_normal(mode.x + shift, covariance).logpdf(theta)
    difference = _log_weights(mode, shift, noise) - (fit + prior - approximation)
    np.testing.assert_allclose(difference, difference[0], atol=1e-8)
    found = audit(mode, np.random.default_rng(0))
    assert 100 < found["importance_ess"] < 995
    assert 0.0 < found["pareto_k"] < 1.0


@pytest.mark.parametrize("k", [0.2, 0.5, 0.9, 1.3])
def test_the_tail_index_is_of_the_large_weights(k: float) -> None:
    """Weights whose tail is exactly Pareto's, and their inverses, which are bounded."""
    log_weights = k * np.random.default_rng(0).exponential(size=20_000)
    assert pareto_smoothed(log_weights).pareto_k == pytest.approx(k, abs=0.1)
    assert pareto_smoothed(-log_weights).pareto_k < 0.0


def test_a_gaussian_for_heavy_tails_is_found_out() -> None:
    """Of a Gaussian of sd σ by one of s < σ, log w is χ²₁ by ½(1 − s²/σ²): k = 1 − s²/σ²."""
    heavy = audited_by(stats.t(3))
    assert heavy["pareto_k"] > 0.5
    narrow = audited_by(stats.norm(0, 3))
    assert narrow["pareto_k"] == pytest.approx(8 / 9, abs=0.2)
    assert heavy_tailed(narrow)
    wide = audited_by(stats.norm(0, 0.5))
    assert wide["pareto_k"] < 0.2
    assert not heavy_tailed(wide)


def drawn_of(truth: Any, size: int = 1000, seed: int = 0) -> AuditedDraws:
    """Draw from a standard normal as an approximation of a distribution."""
    rng = np.random.default_rng(seed)
    return audited_draws(lambda x: truth.logpdf(x[:, 0]), np.zeros(1), np.eye(1), size, rng)


def audited_by(truth: Any) -> dict[str, float]:
    return importance(drawn_of(truth), np.zeros(1), np.eye(1))


def test_densities_are_normalised_as_they_say() -> None:
    """Scipy's for q, and the mean ratio of densities of integral one is one."""
    mode, factor = np.array([1.0, -2.0]), np.array([[2.0, 0.0], [0.5, 0.3]])
    truth = stats.multivariate_normal(mode, 0.9 * factor @ factor.T)
    draws = audited_draws(truth.logpdf, mode, factor, 4000, np.random.default_rng(1))
    q = stats.multivariate_normal(mode, factor @ factor.T)
    np.testing.assert_allclose(draws.log_q, q.logpdf(draws.x), rtol=1e-12)
    np.testing.assert_array_equal(draws.log_p, truth.logpdf(draws.x))
    ratio = np.exp(draws.log_p - draws.log_q)
    assert abs(ratio.mean() - 1.0) < 4.0 * ratio.std() / np.sqrt(len(ratio))


@pytest.mark.parametrize("k", [0.3, 0.6, 0.8])
def test_the_excess_is_that_of_the_tail_and_of_what_no_draw_shows(k: float) -> None:
    """Pareto weights w = u^(−k) have E(w − c)₊ = P(w > c) c k/(1 − k) (U6), here to scale."""
    size, excess = 20_000, []
    for seed in range(10):
        log_weights = k * np.random.default_rng(seed).exponential(size=size)
        excess.append(pareto_smoothed(log_weights).tail_excess)
    tail = np.floor(3.0 * np.sqrt(size)) / size
    truth = tail * tail**-k * k / (1.0 - k) * (1.0 - k)  # the last factor: in units of E w
    assert np.mean(excess) == pytest.approx(truth, rel=0.25)


def test_events_are_understated_no_more_than_the_excess_says() -> None:
    """The hockey-stick divergence: P(A) ≤ u Q(A) + ρ, for the event where it is sharpest (U6)."""
    truth, q = stats.norm(0.0, 1.1), stats.norm()
    draws = drawn_of(truth, 4000)
    weights = np.sort(draws.weights)
    u = weights[-int(3.0 * np.sqrt(len(weights))) - 1] * len(weights)
    at = np.sqrt(2.0 * (np.log(u) + np.log(1.1)) / (1.0 - 1.1**-2))  # where p = u q
    sharpest = 2.0 * (truth.sf(at) - u * q.sf(at))
    assert draws.smoothed.tail_excess == pytest.approx(sharpest, rel=0.35)


def test_a_heavy_tail_of_hardly_any_weight_is_no_failure() -> None:
    """An audit of two hundred draws whose k̂ is 0.8 by chance, and a tail that is worse than it."""
    found = {"audited_draws": 200.0, "pareto_k": 0.81, "tail_excess": 0.03}
    assert not heavy_tailed(found)
    assert heavy_tailed(found | {"tail_excess": 0.06})
    assert heavy_tailed(found | {"tail_excess": np.inf, "pareto_k": 1.2})
    assert heavy_tailed(found | {"tail_excess": np.nan, "pareto_k": np.nan})
    assert heavy_tailed(found | {"tail_excess": 0.06, "pareto_k": 0.6})  # of few draws
    assert not heavy_tailed({"audited_draws": 4000.0, "pareto_k": 0.6, "tail_excess": 0.06})


def test_a_mode_off_its_centre_is_found() -> None:
    mode = mode_of(bm.Gaussian(sigma=0.5))
    step = np.array([0.1, 0.0, 0.2])
    found = off_centre(replace(mode, x=mode.x + step))
    J = mode.point.here.rows.J
    variance = np.diag(J @ np.linalg.inv(J.T @ J / 0.25 + np.eye(3)) @ J.T)
    assert found == pytest.approx(np.sqrt(np.sum((J @ step) ** 2) / variance.sum()), rel=1e-6)
    sizes = step @ (J.T @ J / 0.25 + np.eye(3)) @ step  # of a quadratic, the distance squared
    found = decrement(replace(mode, x=mode.x + step))
    assert found == pytest.approx(np.sqrt(sizes / 3), rel=1e-6)


def test_checks_of_a_laplace_approximation_and_of_an_ensemble_are_not_empty() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 2, (60, 1))
    data = bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=60))
    model = bm.Model(bm.MLP((5,)), bm.Gaussian())
    laplace = bm.fit(model, data, bm.Laplace(), rng=1).check()
    started = [f.name.split(" ")[0] for f in laplace.findings if not f.doubts]
    assert started == ["gradient", "effective", "distance", "correlation", "Pareto"]
    assert laplace.passed
    for other in (bm.MAP(), bm.Laplace(curvature=bm.LastLayer())):
        report = bm.fit(model, data, other, rng=1).check()
        gradient, distance, _ = (f for f in report.findings if not f.doubts)
        assert gradient.name.startswith("gradient at the mode in units of the curvature")
        assert distance.name.startswith("distance")
    ensemble = bm.fit(model, data, bm.Ensemble(3, bm.Laplace()), rng=1).check()
    assert any("agree" in f.name for f in ensemble.findings)
    assert not any("Pareto" in f.name for f in ensemble.findings)


def test_members_that_tell_different_stories_do_not_agree() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 1))
    data = bm.Data(X, X[:, 0] + 0.1 * rng.normal(size=40))
    model = bm.Model(bm.MLP((3,)), bm.Gaussian(sigma=0.1))
    member = bm.fit(model, data, bm.MAP(), rng=1).learned.posterior
    turned = {name: -v if name.endswith("_2") else v for name, v in member.values.items()}
    other = replace(member, values=turned)
    problem = model.resolve(data)
    same = EnsemblePosterior(problem.model.predictor, (member, member))
    apart = EnsemblePosterior(problem.model.predictor, (member, other))
    assert agreement(problem, same)["agreement"] == pytest.approx(1.0)
    # f and about −f: the variance between them is twice that of y, and 1 − 2 = −1
    assert agreement(problem, apart)["agreement"] == pytest.approx(-1.0, abs=0.2)
