"""Student-t regression with one row that is wrong by 10 to a million standard deviations (T4)."""

import numpy as np
import pytest
from scipy import optimize, stats

import bayesml as bm
from bayesml.typing import Array

OUT = [10.0, 1e2, 1e3, 1e4, 1e6]
MODEL = bm.Model(bm.Linear(), bm.StudentT())
GAMMA = bm.StudentT(bm.Gamma(2.0, 0.1))
NEW = np.array([[0.5], [-2.0]])


def made(m: int, out: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(m, 1))
    y = 1.0 + 2.0 * X[:, 0] + rng.normal(size=m)
    y[0] += out
    return X, y


@pytest.mark.parametrize("m", [20, 100])
@pytest.mark.parametrize("out", OUT)
def test_the_mode_has_a_mean_near_that_without_the_row(m: int, out: float) -> None:
    X, y = made(m, out)
    fit = bm.fit(MODEL, bm.Data(X, y), bm.MAP())
    df = fit.summary().loc["df", "mean"]
    assert df > 1.0
    p = fit.predict(NEW)
    np.testing.assert_array_equal(p.mean, p.quantile(0.5))
    rest = bm.fit(MODEL, bm.Data(X[1:], y[1:]), bm.MLE(), rng=0).predict(NEW)
    away = np.abs(p.mean - rest.quantile(0.5))
    assert np.all(away < 2.0 * 3.0 / np.sqrt(m))  # two standard errors at the further row


@pytest.mark.parametrize("out", OUT)
def test_no_point_nearby_is_more_probable(out: float) -> None:
    """Against the densities of scipy, from the mode and from where the other rows would have it."""
    X, y = made(20, out)
    prior = bm.Independent(bm.Normal(0.0, 10.0), bm.Normal(0.0, 10.0), "original")
    fit = bm.fit(bm.Model(bm.Linear(), bm.StudentT(), prior), bm.Data(X, y), bm.MAP())

    def negative(at: Array) -> float:
        b, w, log_excess, log_sigma = at
        df, sigma = 1.0 + np.exp(log_excess), np.exp(log_sigma)
        value = stats.t.logpdf(y, df, b + w * X[:, 0], sigma).sum()
        value += stats.gamma.logpdf(df - 1.0, 2.0, scale=10.0)
        value += stats.expon.logpdf(sigma, scale=np.std(y, ddof=1))
        return -float(value + stats.norm.logpdf([b, w], 0.0, 10.0).sum())

    means = fit.summary()["mean"]
    own = np.array([means["intercept"], means["weights[x0]"], means["df"] - 1.0, means["sigma"]])
    own[2:] = np.log(own[2:])
    exact = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000, "maxfev": 4000}
    for start in (own, np.array([1.0, 1.6, 0.5, 0.0])):
        better = optimize.minimize(negative, start, method="Nelder-Mead", options=exact)
        assert better.fun > negative(own) - 1e-8
        np.testing.assert_allclose(better.x, own, atol=1e-4)


def test_where_there_is_no_mean_it_is_said_and_quantiles_are_exact() -> None:
    X, y = made(20, 1e6)
    for model, method in ((MODEL, bm.MLE()), (bm.Model(bm.Linear(), GAMMA), bm.MAP())):
        fit = bm.fit(model, bm.Data(X, y), method)
        at, p = fit.summary()["mean"], fit.predict(NEW)
        assert at["df"] < 1.0
        with pytest.warns(bm.LikelihoodWarning, match="y has no mean.*df ≤ 1.*quantile"):
            assert np.isnan(p.mean).all()
        eta = at["intercept"] + at["weights[x0]"] * NEW[:, 0]
        for q in (0.05, 0.5, 0.975):
            true = stats.t.ppf(q, at["df"], eta, at["sigma"])
            np.testing.assert_allclose(p.quantile(q), true, rtol=1e-10)


def test_limits_of_the_degrees_of_freedom_stay_above_one() -> None:
    fit = bm.fit(MODEL, bm.Data(*made(20, 1e6)), bm.MAP())
    limits = fit.learned.posterior.estimates()["df"]
    low, high = limits.confidence_limit(0.001), limits.confidence_limit(0.999)
    assert 1.0 < low < fit.summary().loc["df", "mean"] < high
