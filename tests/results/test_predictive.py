"""Data expected before and after: against the moments that the priors and posteriors have."""

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from tests.agreement.problems import made

INFERRED = bm.Gaussian(sigma=bm.HalfNormal(2.0))


def z_scores(sample: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """How many of its Monte Carlo errors a mean of independent rows is off."""
    return np.asarray((sample.mean(axis=0) - mean) / (sd / np.sqrt(len(sample))))


@pytest.mark.parametrize("origin", ["centred", "original"])
def test_prior_draws_have_the_priors_moments(origin: str) -> None:
    data = made(m=20, n=2)
    prior = bm.Independent(bm.Normal(1.0, 2.0), bm.Normal(5.0, 3.0), origin)
    tree = bm.prior_predictive(bm.Model(bm.Linear(), INFERRED, prior), data, draws=40_000, rng=1)
    weights = tree["prior"]["weights"].values[0]
    assert np.all(np.abs(z_scores(weights, 1.0, 2.0)) < 4)
    X = np.asarray(data.X)
    offset = X - X.mean(axis=0) if origin == "centred" else X
    mean = 5.0 + offset.sum(axis=1)
    variance = 9.0 + 4.0 * np.sum(offset**2, axis=1) + 4.0
    y = tree["prior_predictive"]["y"].values[0]
    assert np.all(np.abs(z_scores(y, mean, np.sqrt(variance))) < 4.5)
    np.testing.assert_allclose(y.var(axis=0), variance, rtol=0.05)
    np.testing.assert_array_equal(tree["observed_data"]["y"], data.y)


def test_conjugate_prior_scales_with_its_noise() -> None:
    prior = bm.NormalInverseGamma(mean=1.0, scale=2.0, shape=5.0, rate=8.0, intercept_scale=3.0)
    data = made(m=20, n=2)
    tree = bm.prior_predictive(bm.Model(prior=prior), data, draws=40_000, rng=2)
    sigma, weights = (tree["prior"][name].values[0] for name in ("sigma", "weights"))
    np.testing.assert_allclose(np.mean(sigma**2), 8.0 / 4.0, rtol=0.03)
    np.testing.assert_allclose(weights.var(axis=0), 4.0 * 2.0, rtol=0.05)
    np.testing.assert_allclose(((weights - 1.0) / sigma[:, None]).std(axis=0), 2.0, rtol=0.03)


def test_flat_priors_are_named() -> None:
    with pytest.raises(bm.ImproperPosteriorError, match=r"\['intercept', 'x0', 'x1'\] is flat"):
        bm.prior_predictive(bm.Model(prior=bm.Flat()), made(m=20, n=2))
    with pytest.raises(bm.ImproperPosteriorError, match=r"\['sigma'\]"):
        bm.prior_predictive(bm.Model(bm.Linear(), bm.Gaussian(bm.Flat())), made(m=20, n=2))


def test_same_seed_gives_the_same_draws() -> None:
    one, two, other = (
        bm.prior_predictive(bm.Model(), made(m=20), draws=5, rng=seed) for seed in (3, 3, 4)
    )
    assert one["prior_predictive"].equals(two["prior_predictive"])
    assert not one["prior_predictive"].equals(other["prior_predictive"])


def test_posterior_predictive_has_the_predictions_moments() -> None:
    fit = bm.fit(bm.Model(), made(m=30, n=2), rng=1)
    tree = fit.posterior_predictive(draws=5000)
    y = tree["posterior_predictive"]["y"].values.reshape(-1, 30)
    p = fit.predict(fit.data.X)
    assert np.all(np.abs(z_scores(y, p.mean, p.sd)) < 4.5)
    np.testing.assert_allclose(y.std(axis=0), p.sd, rtol=0.05)


def test_draws_of_chains_are_thinned_evenly() -> None:
    nuts = bm.NUTS(draws=600, tune=500, chains=2, progress=False)
    fit = bm.fit(bm.Model(), made(m=30, n=2), nuts, rng=1)
    tree = fit.posterior_predictive(draws=150)
    assert tree["posterior_predictive"]["y"].shape == (2, 150, 30)
    np.testing.assert_array_equal(tree["posterior"]["weights"], fit.draws()["weights"][:, ::4])


def test_prior_group_on_request() -> None:
    tree = bm.fit(bm.Model(), made(m=30, n=2), rng=1).to_datatree(prior=True, draws=100)
    assert tree["prior"]["weights"].dims == ("chain", "draw", "feature")
    assert set(tree["prior"]) == set(tree["posterior"])


def test_joint_log_prior_is_scipys() -> None:
    prior = bm.NormalInverseGamma(mean=1.0, scale=2.0, shape=5.0, rate=8.0, intercept_scale=3.0)
    data = made(m=20, n=2)
    tree = bm.fit(bm.Model(prior=prior), data, rng=1).to_datatree(log_prior=True, draws=5)
    draws, logs = tree["posterior"], tree["log_prior"]
    sigma, weights = draws["sigma"].values, draws["weights"].values
    centred = draws["intercept"].values + weights @ np.mean(data.X, axis=0)
    expected = {
        "sigma": stats.invgamma.logpdf(sigma**2, 5.0, scale=8.0) + np.log(2 * sigma),
        "weights": stats.norm.logpdf(weights, 1.0, 2.0 * sigma[..., None]),
        "intercept": stats.norm.logpdf(centred, 0.0, 3.0 * sigma),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(logs[name], values, rtol=1e-9)
