"""Criticism of families: known trials, classes, and several predictors."""

import numpy as np
import pytest
import statsmodels.api as sm

import bayesml as bm
from bayesml.results.criticism.influence import cooks_distance
from bayesml.results.criticism.linearised import Linearised, linearise
from bayesml.results.findings import Finding

DEAD = np.array([1.0, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16])
DOSE = np.tile(np.arange(6.0), 2)
MALE = np.repeat([1.0, 0.0], 6)


def findings(fit: bm.Fit) -> dict[str, Finding]:
    return {finding.name: finding for finding in fit.check().findings}


def one(fit: bm.Fit, start: str) -> Finding:
    return next(f for name, f in findings(fit).items() if name.startswith(start))


def test_leverage_and_distance_of_a_binomial_are_those_of_statsmodels() -> None:
    X = np.column_stack([DOSE, MALE])
    fit = bm.fit(
        bm.Model(likelihood=bm.Binomial()), bm.Data(X, DEAD, trials=20.0 + 0 * DEAD), bm.MLE()
    )
    rows = linearise(fit)
    assert isinstance(rows, Linearised)
    counts = np.column_stack([DEAD, 20 - DEAD])
    glm = sm.GLM(counts, sm.add_constant(X), sm.families.Binomial()).fit()
    influence = glm.get_influence()
    np.testing.assert_allclose(rows.leverage, influence.hat_matrix_diag, rtol=1e-6)
    dispersion = np.sum(glm.resid_pearson**2) / (12 - 3)
    np.testing.assert_allclose(
        cooks_distance(rows), influence.cooks_distance[0] / dispersion, rtol=1e-6
    )
    assert one(fit, "dispersion").value == pytest.approx(dispersion, rel=1e-6)
    assert fit.check().not_judged == ()


def test_successes_that_cluster_are_overdispersed(rng: np.random.Generator) -> None:
    x = rng.normal(size=200)
    chance = rng.beta(2.0, 2.0, size=200)
    y = rng.binomial(30, chance).astype(float)
    data = bm.Data(x[:, None], y, trials=np.full(200, 30.0))
    fit = bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MLE())
    found = one(fit, "dispersion")
    assert not found.passed
    assert "trials of one row" in found.remedy


def test_many_zeros_name_what_has_them(rng: np.random.Generator) -> None:
    y = rng.poisson(4.0, 300) * (rng.uniform(size=300) < 0.6)
    data = bm.Data(rng.normal(size=(300, 1)), y.astype(float))
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.MLE())
    zeros = one(fit, "posterior predictive p-value, share of zeros")
    assert not zeros.passed
    assert "Hurdle" in zeros.remedy


def test_counts_that_cluster_want_a_negative_binomial(rng: np.random.Generator) -> None:
    x = rng.normal(size=300)
    y = rng.poisson(rng.gamma(1.0, np.exp(1 + x))).astype(float)
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data(x[:, None], y), bm.MLE())
    assert "NegativeBinomial()" in one(fit, "dispersion").remedy
    again = bm.fit(bm.Model(likelihood=bm.NegativeBinomial()), fit.data, bm.MLE())
    assert one(again, "dispersion").passed


@pytest.mark.parametrize("likelihood", [bm.Categorical(), bm.Ordinal()])
def test_classes_are_judged_by_their_shares_and_their_reliability(
    likelihood: bm.Categorical | bm.Ordinal, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(300, 1))
    y = np.digitize(2 * x[:, 0] + rng.logistic(size=300), [-1.0, 1.0])
    data = bm.Data(x, np.array(["a", "b", "c"])[y])
    fit = bm.fit(bm.Model(likelihood=likelihood), data, bm.Laplace(), rng=1)
    assert one(fit, "p-value of the miscalibration").passed
    assert one(fit, "posterior predictive p-value, share of ").passed
    assert not any("largest value" in name or "standard dev" in name for name in findings(fit))


def test_a_bend_that_a_logistic_regression_lacks_is_miscalibration(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(size=(800, 1))
    y = (rng.logistic(size=800) < 2.5 * x[:, 0] ** 2 - 2).astype(float)
    straight = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(np.abs(x) ** 6, y), bm.MLE())
    curved = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(x**2, y), bm.MLE())
    assert not one(straight, "p-value of the miscalibration").passed
    assert one(curved, "p-value of the miscalibration").passed


@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")
def test_a_right_prior_is_no_miscalibration(rng: np.random.Generator) -> None:
    """The prediction of rows learned from is not extreme enough; a draw is."""
    own = bm.Independent(weights=bm.distributions.Normal(0.0, 0.3))
    model, found = bm.Model(likelihood=bm.Bernoulli(), prior=own), []
    for seed in range(8):
        X, b = rng.normal(size=(200, 60)), 0.3 * rng.normal(size=60)
        data = bm.Data(X, (rng.logistic(size=200) < X @ b).astype(float))
        fit = bm.fit(model, data, bm.Laplace(), rng=seed)
        assert not bm.calibration(fit, data).passed
        found.append(one(fit, "p-value of the miscalibration").value)
    assert min(found) > 0.05
    mode = bm.fit(model, data, bm.MAP())
    assert "a prior holds back" in " ".join(mode.check().not_judged)


def test_draws_see_a_bend_too(rng: np.random.Generator) -> None:
    x = rng.normal(size=(800, 1))
    y = (rng.logistic(size=800) < 2.5 * x[:, 0] ** 2 - 2).astype(float)
    data = bm.Data(np.abs(x) ** 6, y)
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.Laplace(), rng=1)
    assert not one(fit, "p-value of the miscalibration").passed


def test_a_share_that_a_prior_forbids_is_found(rng: np.random.Generator) -> None:
    x = rng.normal(size=(200, 1))
    y = (rng.uniform(size=200) < 0.9).astype(float)
    low = bm.Independent(
        intercept=bm.distributions.Normal(-2, 0.01), weights=bm.distributions.Normal(0, 0.1)
    )
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli(), prior=low), bm.Data(x, y), bm.MAP())
    share = one(fit, "posterior predictive p-value, share of ")
    assert not share.passed
    assert "share of" in share.meaning


def by_sigma(rng: np.random.Generator, *, bent: bool = False) -> dict[str, np.ndarray]:
    x = np.sort(rng.uniform(-2, 2, size=500))
    y = 3.0 * x + (2.0 * x**2 if bent else 0.0) + np.exp(0.5 * x) * rng.normal(size=500)
    return {"x": rng.permutation(500) + 0.0 * x, "u": x, "y": y}


def test_quantile_residuals_judge_a_predicted_noise(rng: np.random.Generator) -> None:
    right = bm.Data.from_formula("y ~ u, sigma ~ u", by_sigma(rng))
    bent = bm.Data.from_formula("y ~ u, sigma ~ u", by_sigma(rng, bent=True))
    one_noise = bm.Data.from_formula("y ~ u, sigma ~ x", by_sigma(rng))
    fits = [bm.fit(bm.Model(), data, bm.MLE()) for data in (right, bent, one_noise)]
    assert all("several outputs" in fit.check().not_judged[0] for fit in fits)
    for fit in fits[:1]:
        assert all(f.passed for name, f in findings(fit).items() if "quantile res" in name)
    assert not one(fits[1], "curvature of quantile residuals").passed
    assert not one(fits[1], "quantile residuals of neighbours").passed
    assert not one(fits[2], "spread of quantile residuals").passed


def test_quantile_residuals_see_tails_beyond_a_predicted_noise(rng: np.random.Generator) -> None:
    frame = by_sigma(rng)
    frame["y"] = frame["u"] + rng.standard_t(1.5, size=500)
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ u, sigma ~ u", frame), bm.MLE())
    assert not one(fit, "p-value of normal quantile residuals").passed


def test_positive_numbers_have_no_share_of_zeros(rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, 1))
    fit = bm.fit(
        bm.Model(likelihood=bm.GammaResponse()),
        bm.Data(x, rng.gamma(4.0, np.exp(x[:, 0]))),
        bm.MLE(),
    )
    assert not any("zeros" in name for name in findings(fit))
    assert any("smallest value" in name for name in findings(fit))
