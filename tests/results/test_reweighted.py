"""An approximation's own draws, weighted by the density that it stands for."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, polygamma

import bayesml as bm
from bayesml.posteriors.reweighted import resampled
from bayesml.results.importance import leave_one_out_by_draws

A = 9.0


@pytest.fixture(scope="module")
def skewed() -> bm.Fit:
    """Counts of one intercept under a flat prior: the mean is Gamma(Σy, m) exactly."""
    data = bm.Data(np.empty((3, 0)), [2.0, 3.0, A - 5.0])
    model = bm.Model(likelihood=bm.Poisson(), prior=bm.Flat())
    return bm.fit(model, data, bm.Laplace(), rng=1)


def test_moments_are_the_posteriors_and_not_the_gaussians(skewed: bm.Fit) -> None:
    """The logarithm of a gamma variable: mean ψ(a) − log m, variance ψ′(a)."""
    mean, sd = digamma(A) - np.log(3.0), np.sqrt(polygamma(1, A))
    before, after = (f.summary().loc["intercept"] for f in (skewed, skewed.reweighted()))
    assert abs(before["mean"] - mean) > 0.15 * sd
    effective = float(skewed.reweighted().explanation.split(" ")[0])
    assert 2000 < effective < 3950
    assert abs(after["mean"] - mean) < 4.0 * sd / np.sqrt(effective)
    assert after["sd"] == pytest.approx(sd, rel=4.0 / np.sqrt(2.0 * effective))


def test_predictions_mix_over_the_weighted_draws(skewed: bm.Fit) -> None:
    """A gamma mixture of Poisson counts is negative binomial: r = a, p = m/(m + 1)."""
    p = skewed.reweighted().predict(np.empty((1, 0)))
    truth = stats.nbinom(A, 3.0 / 4.0)
    y = np.arange(8.0)
    found = np.array([np.exp(p.log_prob([k])[0]) for k in y])
    np.testing.assert_allclose(found, truth.pmf(y), atol=4e-3)
    drawn = p.sample(4000, rng=1)
    assert abs(drawn.mean() - truth.mean()) < 4.0 * truth.std() / np.sqrt(4000)


def test_draws_are_resampled_and_the_table_is_theirs(skewed: bm.Fit) -> None:
    fit = skewed.reweighted()
    draws = fit.draws(4, 1000)["intercept"]
    assert draws.shape == (4, 1000)
    table = fit.summary().loc["intercept"]
    rounding = 4.0 * np.sqrt(0.25 / 4000)  # a draw is there ⌊Nw⌋ or ⌈Nw⌉ times
    assert draws.mean() == pytest.approx(table["mean"], abs=rounding * table["sd"])
    assert fit.idata["posterior"]["intercept"].shape == (4, 1000)
    assert fit.kind == "approximate"
    assert fit.check().passed


def test_the_datatree_holds_what_was_audited(skewed: bm.Fit) -> None:
    """With both densities beside every draw, the DataTree is enough to weigh them."""
    tree = skewed.idata
    assert "not reweighted" in tree["posterior"].attrs["drawn_from"]
    eta, found = tree["posterior"]["intercept"].values, tree["sample_stats"]
    log_p = stats.gamma(A, scale=1 / 3.0).logpdf(np.exp(eta)) + eta  # of the logarithm
    away = found["log_p"].values - log_p
    np.testing.assert_allclose(away, away[0, 0], atol=1e-10)
    assert found["log_q"].shape == found["log_weights"].shape == eta.shape == (4, 1000)
    spread = np.sqrt(1.0 / A)
    unit = found["log_q"].values - stats.norm(np.log(A / 3.0), spread).logpdf(eta)
    np.testing.assert_allclose(unit, unit[0, 0], atol=1e-10)
    assert np.exp(found["log_weights"].values).sum() == pytest.approx(1.0)
    asked = skewed.to_datatree(draws=50)
    assert asked["posterior"]["intercept"].shape == (4, 50)
    assert "log_p" not in asked["sample_stats"]


def test_leave_one_out_is_of_the_posterior_and_not_of_the_gaussian(skewed: bm.Fit) -> None:
    """Without a row the mean is Gamma(a − y, m − 1)."""
    truth = sum(stats.nbinom(A - y, 2.0 / 3.0).logpmf(y) for y in skewed.data.y)
    found = leave_one_out_by_draws(skewed)
    assert abs(float(found.log_density.sum()) - truth) < 4.0 * found.mcse
    assert found.pareto_k.max() < found.good_k


def test_a_fit_that_was_reweighted_is_stored(skewed: bm.Fit, tmp_path: Path) -> None:
    for fit in (skewed, skewed.reweighted()):
        fit.save(tmp_path / "fit.nc")
        loaded = bm.load(tmp_path / "fit.nc")
        np.testing.assert_array_equal(loaded.summary(), fit.summary())
    assert loaded.explanation == fit.explanation


def test_an_answer_without_an_audit_is_refused() -> None:
    fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]))
    with pytest.raises(bm.IncompatibleModelError, match="keeps no audit"):
        fit.reweighted()


def test_a_heavy_tail_fails_after_weighing_too() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 10))
    data = bm.Data(X, X.sum(axis=1) + rng.normal(size=200))
    prior = bm.Independent(weights=bm.Normal(0, sd=bm.HalfNormal(1.0)))
    model = bm.Model(prior=prior)
    with pytest.warns(bm.ConvergenceWarning):
        fit = bm.fit(model, data, bm.Laplace(), rng=1)
    with pytest.warns(bm.ConvergenceWarning):
        again = fit.reweighted()
    assert "importance_shift" not in again.diagnostics
    assert not again.check().passed


def test_resampling_is_as_the_weights_say_but_for_rounding() -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(50, 0.3))
    counts = np.bincount(resampled(weights, 1000, rng), minlength=50)
    assert np.all(np.abs(counts - 1000 * weights) < 1.0 + 1e-9)
    assert counts.sum() == 1000
