"""Generalised linear models against R's glm and against moments by importance sampling."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.stats import chi2

import bayesml as bm
from tests.reference.refdata import cases, load

LIKELIHOODS = {"poisson_log": bm.Poisson(), "bernoulli_logit": bm.Bernoulli()}
NAMES = [case for family in LIKELIHOODS for case in cases("posteriordb", family=family)]


def problem(posterior: dict[str, Any]) -> tuple[bm.Model, bm.Data]:
    likelihood = LIKELIHOODS[posterior["family"]]
    model = bm.Model(bm.Linear(intercept=False), likelihood, bm.Flat())
    return model, bm.Data(posterior["X"], posterior["y"])


@pytest.mark.parametrize("name", NAMES)
def test_maximum_likelihood_is_that_of_r(name: str) -> None:
    posterior = load("posteriordb", name)
    fit = bm.fit(*problem(posterior), bm.MLE())
    table, theirs = fit.summary(), posterior["r_glm"]
    error = np.abs(table["mean"] - theirs["mle"]) / theirs["se"]
    np.testing.assert_array_less(error, 1e-8)
    # R stops where the deviance changes by 1e-8, and its errors are of the step before
    np.testing.assert_allclose(table["std_error"], theirs["se"], rtol=1e-7)
    errors = posterior["is_reference"]["laplace_sd"]
    np.testing.assert_allclose(table["std_error"], errors, rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_laplace_has_the_moments_of_the_posterior(name: str) -> None:
    """Its means are off by what its audit says, and its standard deviations by hardly more."""
    posterior = load("posteriordb", name)
    fit, truth = bm.fit(*problem(posterior), bm.Laplace(), rng=1), posterior["is_reference"]
    table = fit.summary()
    shift = np.abs(table["mean"] - truth["mean"]) / truth["sd"]
    assert np.max(shift) < 0.05
    assert np.max(shift) < fit.diagnostics["importance_shift"] + 0.02  # of few hundred draws
    np.testing.assert_allclose(table["sd"], truth["sd"], rtol=0.01)
    assert fit.check().computed


@cache
def drawn(name: str) -> bm.Fit:
    nuts = bm.NUTS(draws=600, tune=300, chains=2, progress=False)
    return bm.fit(*problem(load("posteriordb", name)), nuts, rng=1)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_means_of_the_posterior(name: str) -> None:
    truth, table = load("posteriordb", name)["is_reference"], drawn(name).summary()
    within = 4.5 * np.sqrt(1.0 / table["ess_bulk"] + 1.0 / truth["ess"])
    np.testing.assert_array_less(np.abs(table["mean"] - truth["mean"]) / truth["sd"], within)


@pytest.mark.parametrize(
    "names", [pytest.param([case.values[0] for case in NAMES], marks=NAMES[0].marks, id="all")]
)
def test_draws_have_the_standard_deviations_of_the_posteriors(names: list[Any]) -> None:
    """All together: a likelihood that counts 15 % too much is 2.4 standard errors in each."""
    away: list[float] = []
    for name in names:
        truth, fit = load("posteriordb", name)["is_reference"], drawn(name)
        draws = np.moveaxis(fit.draws()["weights"], -1, 0)
        size = np.array([array_stats.ess(each, method="sd") for each in draws])
        ratio = np.log(fit.summary()["sd"] / truth["sd"])
        away += list(ratio / np.sqrt(0.5 / size + 0.5 / np.asarray(truth["ess"])))
    assert np.sum(np.square(away)) < chi2(len(away)).ppf(0.9999)
