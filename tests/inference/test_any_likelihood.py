"""Likelihoods, priors and sources that used to fall between the methods."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import bayesml as bm


def counts(mean: float, m: int = 300) -> bm.Data:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(m, 2)) * [1.0, 30.0] + [0.0, 400.0]
    eta = np.log(mean) + 0.3 * X[:, 0] + 0.005 * (X[:, 1] - 400.0)
    return bm.Data(X, rng.poisson(np.exp(eta)).astype(float))


@pytest.fixture(scope="module")
def heavy() -> bm.Data:
    rng = np.random.default_rng(8)
    X = rng.normal([5.0, 0.0, -2.0], size=(400, 3))
    return bm.Data(X, 1.0 + X @ [0.5, -1.0, 2.0] + rng.standard_t(4, size=400))


@pytest.mark.parametrize("mean", [0.4, 2222.0])
def test_poisson_by_mle_is_the_generalised_linear_model(mean: float) -> None:
    """Default starts on the scale of the link: at a mean of 2,222 the search began at infinity."""
    sm = pytest.importorskip("statsmodels.api")
    data = counts(mean)
    theirs = sm.GLM(data.y, sm.add_constant(data.X), family=sm.families.Poisson()).fit(tol=1e-14)
    table = bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.MLE()).summary()
    np.testing.assert_allclose(table["mean"], theirs.params, rtol=1e-8)
    errors = table.iloc[:, 1]
    np.testing.assert_allclose(errors, theirs.bse, rtol=1e-5)


def test_default_priors_of_counts_are_on_the_scale_of_the_link() -> None:
    data = counts(2222.0)
    prior: Any = bm.Model(likelihood=bm.Poisson()).resolve(data).model.prior
    np.testing.assert_allclose(prior.mean, [np.log(data.y.mean()), 0.0, 0.0], rtol=1e-12)
    covariance = np.zeros((3, 3))
    covariance[0, 0], covariance[1:, 1:] = 2.5**2, 2.5**2 * np.linalg.inv(np.cov(data.X.T))
    np.testing.assert_allclose(prior.covariance, covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", [bm.MAP(), bm.Laplace()])
def test_counts_of_any_size_are_learned(method: Any) -> None:
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), counts(2222.0), method, rng=1)
    assert fit.check().passed
    assert fit.summary()["mean"].iloc[1] == pytest.approx(0.3, abs=0.01)


def test_logistic_regression_is_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 2))
    y = (rng.random(300) < 1 / (1 + np.exp(-0.5 - X @ [1.0, -2.0]))).astype(float)
    theirs = sm.Logit(y, sm.add_constant(X)).fit(disp=0, tol=1e-14)
    table = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(X, y), bm.MLE()).summary()
    np.testing.assert_allclose(table["mean"], theirs.params, rtol=1e-7)
    np.testing.assert_allclose(table.iloc[:, 1], theirs.bse, rtol=1e-5)


def test_lasso_from_statistics_alone_is_the_lasso_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 3))
    data = bm.Data(X, X @ [2.0, 0.0, -1.0] + rng.normal(size=80))
    prior = bm.Independent(bm.distributions.Laplace(0, 0.5), bm.Normal(0, 10))
    model = bm.Model(bm.Linear(), bm.Gaussian(1.0), prior)

    def objective(beta: np.ndarray) -> float:
        residual = data.y - beta[0] - np.asarray(data.X) @ beta[1:]
        centre = beta[0] + data.statistics.mean_X @ beta[1:]
        penalty = np.abs(beta[1:]).sum() / 0.5 + 0.5 * centre**2 / 100
        return float(0.5 * residual @ residual + penalty)

    for method in (bm.MAP(), bm.MAP(bm.LBFGS())):
        with warnings.catch_warnings():  # a kink has no curvature to report
            warnings.simplefilter("ignore", bm.ConvergenceWarning)
            rows, gone = (bm.fit(model, d, method) for d in (data, data.summarised()))
        a, b = (fit.summary()["mean"].to_numpy() for fit in (rows, gone))
        np.testing.assert_array_equal(a, b)
        best = optimize.minimize(objective, a, method="Nelder-Mead", options={"xatol": 1e-9})
        assert objective(a) <= best.fun + 1e-6


@pytest.mark.parametrize("likelihood", [bm.StudentT(), bm.StudentT(df=4.0)], ids=repr)
@pytest.mark.parametrize("method", [bm.MLE(), bm.MAP(), bm.Laplace()], ids=repr)
def test_any_likelihood_is_learned_from_files(
    heavy: bm.Data, likelihood: Any, method: Any, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    X = np.asarray(heavy.X)
    table = pa.table({**{f"x{j}": X[:, j] for j in range(3)}, "y": heavy.y})
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=64)
    streamed = bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ x0 + x1 + x2")
    model = bm.Model(bm.Linear(), likelihood)
    a, b = (bm.fit(model, d, method, rng=1).summary() for d in (heavy, streamed))
    np.testing.assert_allclose(a.iloc[:, :2], b.iloc[:, :2], rtol=1e-6)


def test_auto_takes_laplace_where_rows_stay_in_files(heavy: bm.Data, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"x": heavy.X[:, 0], "y": heavy.y}), tmp_path / "rows.parquet")
    streamed = bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ x")
    model = bm.Model(likelihood=bm.StudentT(df=4.0))
    fit, asked = bm.fit(model, streamed, rng=1), bm.fit(model, streamed, bm.Laplace(), rng=1)
    assert fit.explanation.startswith(
        "Auto chose Laplace(), since the likelihood is StudentT, not Gaussian, and "
    )
    np.testing.assert_array_equal(fit.summary(), asked.summary())
    assert "pareto_k" in fit.diagnostics


def test_nuts_of_rows_beyond_memory_is_refused_with_the_figure(
    heavy: bm.Data, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"x": heavy.X[:, 0], "y": heavy.y}), tmp_path / "rows.parquet")
    streamed = bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ x")
    with pytest.raises(bm.IncompatibleModelError, match="GB"):
        bm.fit(bm.Model(likelihood=bm.StudentT()), streamed, bm.NUTS(progress=False))


def test_laplace_is_exact_where_everything_is_gaussian(heavy: bm.Data) -> None:
    model = bm.Model(bm.Linear(), bm.Gaussian(1.5))
    exact, laplace = (bm.fit(model, heavy, m, rng=1) for m in (bm.Exact(), bm.Laplace()))
    a, b = exact.summary(), laplace.summary()
    np.testing.assert_allclose(a, b[a.columns], rtol=1e-8)
    assert laplace.log_evidence == pytest.approx(exact.log_evidence, abs=1e-8)
    assert laplace.diagnostics["importance_ess"] == pytest.approx(1000)
    p, q = exact.predict(heavy.X[:5]), laplace.predict(heavy.X[:5])
    np.testing.assert_allclose(p.sd, q.sd, rtol=1e-10)
    np.testing.assert_allclose(p.quantile(0.1), q.quantile(0.1), rtol=1e-8)


def test_laplace_of_the_noise_is_that_of_its_logarithm(heavy: bm.Data) -> None:
    """σ's mode is that of log σ with its Jacobian, which PyMC's Laplace leaves out."""
    exact, laplace = (bm.fit(bm.Model(), heavy, m, rng=1) for m in (bm.Exact(), bm.Laplace()))
    a, b = exact.summary(), laplace.summary()
    distance = np.abs(a["mean"] - b["mean"]) / a["sd"]
    # σ̂ at the joint mode lacks the p degrees of freedom of β: p/2m of σ, which has sd σ/√2m
    shift = 1.5 * len(a) / np.sqrt(2 * heavy.m)
    np.testing.assert_array_less(distance, [0.001, 0.001, 0.001, 0.001, shift])
    np.testing.assert_allclose(a["sd"], b["sd"], rtol=0.02)
    assert laplace.log_evidence == pytest.approx(exact.log_evidence, abs=0.05)


def test_the_conjugate_prior_is_one_density_for_every_method() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 2))
    y = 1.0 + X @ [1.0, -1.0] + 0.5 * rng.normal(size=200)
    data, prior = bm.Data(X, y), bm.NormalInverseGamma(0.0, 2.0, 3.0, 1.5)
    model = bm.Model(bm.Linear(), bm.Gaussian(), prior)
    exact, laplace = (bm.fit(model, data, m, rng=1) for m in (bm.Exact(), bm.Laplace()))
    assert laplace.log_evidence == pytest.approx(exact.log_evidence, abs=0.1)
    mode = bm.fit(model, data, bm.MAP()).summary()["mean"]

    def negative(x: np.ndarray) -> float:
        b, theta, sigma = x[0], x[1:3], np.exp(x[3])
        centred = b + X.mean(axis=0) @ theta
        value = stats.norm(b + X @ theta, sigma).logpdf(y).sum()
        value += stats.norm(0, 2 * sigma).logpdf(theta).sum()
        value += stats.norm(0, 10 * sigma).logpdf(centred)
        return -float(value + stats.invgamma(3, scale=1.5).logpdf(sigma**2) + np.log(2 * sigma))

    start = [*mode[:3], np.log(mode["sigma"])]
    found = optimize.minimize(negative, start, tol=1e-12)
    np.testing.assert_allclose(mode[:3], found.x[:3], atol=1e-5)
    assert mode["sigma"] == pytest.approx(np.exp(found.x[3]), rel=1e-5)
