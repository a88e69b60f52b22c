"""What is said against a Gaussian at a mode, and against an ensemble."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.inference.audit import (
    _log_weights,
    _smoothed,
    audit,
    decrement,
    importance,
    off_centre,
)
from bayesml.inference.ensemble import agreement
from bayesml.inference.networks.mode import Mode, Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.likelihoods import Likelihood
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
    assert found["importance_ess"] == 1000
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
    assert _smoothed(log_weights)[0] == pytest.approx(k, abs=0.1)
    assert _smoothed(-log_weights)[0] < 0.0


def test_a_gaussian_for_heavy_tails_is_found_out() -> None:
    """Of a Gaussian of sd σ by one of s < σ, log w is χ²₁ by ½(1 − s²/σ²): k = 1 − s²/σ²."""
    mode, factor, rng = np.zeros(1), np.eye(1), np.random.default_rng(0)
    heavy = importance(lambda x: stats.t(3).logpdf(x[:, 0]), mode, factor, 10, rng)
    assert heavy["pareto_k"] > 0.5
    narrow = importance(lambda x: stats.norm(0, 3).logpdf(x[:, 0]), mode, factor, 10, rng)
    assert narrow["pareto_k"] == pytest.approx(8 / 9, abs=0.2)
    wide = importance(lambda x: stats.norm(0, 0.5).logpdf(x[:, 0]), mode, factor, 10, rng)
    assert wide["pareto_k"] < 0.2


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
    assert started == ["gradient", "Pareto", "effective", "distance", "correlation"]
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
