"""Least squares, its optimisers, ridge and their limits are one model learned by many methods."""

import numpy as np
import pytest
import scipy.linalg
import statsmodels.api as sm
from sklearn.linear_model import Ridge

import bayesml as bm
from bayesml.optimizers import Optimizer
from tests.agreement.problems import CASES, estimates, with_ones

each = pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
OPTIMIZERS = [
    bm.GradientDescent(),
    bm.Momentum(),
    bm.Adam(),
    bm.LBFGS(),
    bm.Newton(),
    bm.NormalEquation(),
]


@each
def test_mle_is_least_squares(data: bm.Data) -> None:
    solution, rss, _, _ = scipy.linalg.lstsq(with_ones(data), data.y)
    fit = bm.fit(bm.Model(), data, bm.MLE())
    np.testing.assert_allclose(estimates(fit), solution, rtol=1e-10)
    sigma = fit.summary().loc["sigma", "mean"]
    assert sigma == pytest.approx(np.sqrt(rss / data.m), rel=1e-12)


@each
def test_standard_errors_and_limits_are_the_classical_ones(data: bm.Data) -> None:
    theirs = sm.OLS(data.y, with_ones(data)).fit()
    table = bm.fit(bm.Model(), data, bm.MLE()).summary(0.95).iloc[: data.n + 1]
    np.testing.assert_allclose(table["std_error"], theirs.bse, rtol=1e-9)
    np.testing.assert_allclose(table[["2.5%", "97.5%"]], theirs.conf_int(), rtol=1e-8)


@each
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
def test_every_optimiser_reaches_least_squares(data: bm.Data, optimizer: Optimizer) -> None:
    closed = bm.fit(bm.Model(), data, bm.MLE())
    fit = bm.fit(bm.Model(), data, bm.MLE(optimizer), rng=0)
    error = (estimates(fit) - estimates(closed)) / closed.summary()["std_error"].iloc[: data.n + 1]
    np.testing.assert_array_less(np.abs(error), 1e-6)
    assert fit.loss_curve[-1] == pytest.approx(np.mean((data.y - fit.predict(data.X).mean) ** 2))


@each
def test_stochastic_gradient_descent_reaches_least_squares(data: bm.Data) -> None:
    """The average of its iterates has the Monte Carlo error of the minibatches, not zero."""
    closed = bm.fit(bm.Model(), data, bm.MLE())
    fit = bm.fit(bm.Model(), data, bm.MLE(bm.SGD()), rng=0)
    error = (estimates(fit) - estimates(closed)) / closed.summary()["std_error"].iloc[: data.n + 1]
    np.testing.assert_array_less(np.abs(error), 0.05)


@each
def test_student_t_with_many_degrees_of_freedom_is_gaussian(data: bm.Data) -> None:
    gaussian = bm.fit(bm.Model(), data, bm.MLE()).summary()
    robust = bm.fit(bm.Model(bm.Linear(), bm.StudentT(df=1e9)), data, bm.MLE()).summary()
    np.testing.assert_allclose(robust["mean"], gaussian["mean"], rtol=1e-6)


@each
@pytest.mark.filterwarnings("ignore::bayesml.errors.PriorConflictWarning")  # ridge shrinks
@pytest.mark.parametrize("tau", [0.01, 1.0, 100.0])
def test_map_under_normal_priors_is_ridge(data: bm.Data, tau: float) -> None:
    """(XᵀX + mλI)⁻¹Xᵀy on centred data, and scikit-learn's Ridge(alpha=mλ)."""
    sigma = 3.0
    prior = bm.Independent(weights=bm.Normal(0, tau), intercept=bm.Flat())
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma), prior), data, bm.MAP())
    alpha = data.m * bm.ridge_penalty(sigma, tau, data.m)
    X, y = data.X - data.X.mean(axis=0), data.y - data.y.mean()
    solution = np.linalg.solve(X.T @ X + alpha * np.eye(data.n), X.T @ y)
    np.testing.assert_allclose(estimates(fit)[1:], solution, rtol=1e-7)
    theirs = Ridge(alpha=alpha, solver="svd").fit(data.X, data.y)
    np.testing.assert_allclose(estimates(fit), [theirs.intercept_, *theirs.coef_], rtol=1e-7)


@each
def test_map_becomes_mle_as_priors_widen(data: bm.Data) -> None:
    mle = bm.fit(bm.Model(), data, bm.MLE())
    sd = mle.summary()["std_error"].to_numpy()[: data.n + 1]
    distances = []
    for tau in (1e2, 1e4, 1e8):
        prior = bm.Independent(weights=bm.Normal(0, tau * sd[1:]), intercept=bm.Flat())
        ridge = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), prior), data, bm.MAP())
        distances.append(np.max(np.abs(estimates(ridge) - estimates(mle)) / sd))
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-9


@each
@pytest.mark.parametrize("optimizer", [bm.LBFGS(), bm.Newton(), bm.GradientDescent()])
def test_map_by_optimiser_is_the_closed_form(data: bm.Data, optimizer: Optimizer) -> None:
    closed = bm.fit(bm.Model(), data, bm.MAP()).summary()
    iterated = bm.fit(bm.Model(), data, bm.MAP(optimizer)).summary()
    distance = np.abs(iterated["mean"] - closed["mean"]) / closed["std_error"]
    np.testing.assert_array_less(distance, 1e-5)
    np.testing.assert_allclose(iterated["std_error"], closed["std_error"], rtol=1e-5)


def test_penalty_and_prior_are_inverse() -> None:
    assert bm.ridge_prior_sd(2.0, bm.ridge_penalty(2.0, 0.7, 50), 50) == pytest.approx(0.7)


@each
def test_gaussian_loss_is_mean_squared_error(data: bm.Data) -> None:
    """−log p(y) = m J/(2σ²) + (m/2) log 2πσ² at any η."""
    eta, sigma = np.linspace(0, 1, data.m), 1.3
    nll = -np.sum(bm.Gaussian().log_density(data.y, eta, {"sigma": sigma}))
    loss = np.mean((data.y - eta) ** 2)
    constant = 0.5 * data.m * np.log(2 * np.pi * sigma**2)
    assert nll == pytest.approx(data.m * loss / (2 * sigma**2) + constant, rel=1e-12)
