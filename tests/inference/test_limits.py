"""Degrees of freedom that the likelihood sends to infinity: the Gaussian estimate, in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import bayesml as bm
from bayesml.likelihoods import HeteroscedasticStudentT

FLAT_T = bm.Model(bm.Linear(), bm.StudentT(df=bm.Flat()))


def light(m: int = 120, seed: int = 4) -> bm.Data:
    """Uniform noise, whose kurtosis is 1.8."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, 2)) * [1.0, 20.0] + [0.0, 300.0]
    w = np.linspace(0.5, 2.0, m)
    return bm.Data(X, 1.0 + X @ [1.0, 0.1] + rng.uniform(-1, 1, m), observation_weights=w)


def kurtosis(data: bm.Data) -> float:
    """Fourth moment of the residuals of least squares over the squared second."""
    A = np.column_stack([np.ones(data.m), data.X])
    r = data.y - A @ np.linalg.lstsq(A, data.y)[0]
    return float(np.mean(r**4) / np.mean(r**2) ** 2)


@pytest.mark.parametrize(
    ("method", "model"),
    [
        (bm.MLE(), bm.Model(bm.Linear(), bm.StudentT())),
        (bm.MLE(), bm.Model(bm.Linear(), bm.StudentT(sigma=0.5))),
        (bm.MAP(), FLAT_T),
        (bm.MAP(), bm.Model(bm.Linear(), bm.StudentT(bm.Flat(), bm.Flat()), bm.Flat())),
    ],
)
def test_light_tails_give_the_gaussian_estimate(method: Any, model: Any, tmp_path: Path) -> None:
    data = light()
    fit = bm.fit(model, data, method)
    simpler = bm.Model(model.predictor, bm.Gaussian(model.likelihood.sigma), model.prior)
    gaussian = bm.fit(simpler, data, method)
    table = fit.summary()
    np.testing.assert_array_equal(table.drop("df"), gaussian.summary())
    assert table.loc["df"].tolist() == [np.inf, np.inf, 0.0, np.inf]
    assert fit.check().computed
    assert "df = ∞, since the density increases in df without end" in fit.explanation
    assert "use Gaussian(), or MAP() with the default prior of df" in fit.explanation
    assert isinstance(fit.resolved.likelihood, bm.StudentT)
    fit.save(tmp_path / "fit.nc")
    np.testing.assert_array_equal(bm.load(tmp_path / "fit.nc").summary(), table)


def test_its_predictions_are_gaussian() -> None:
    data = light()
    ours, theirs = (
        bm.fit(bm.Model(bm.Linear(), likelihood), data, bm.MLE(), rng=1)
        for likelihood in (bm.StudentT(), bm.Gaussian())
    )
    X, y = np.asarray(data.X[:7]), np.asarray(data.y[:7])
    p, q = ours.predict(X), theirs.predict(X)
    np.testing.assert_array_equal(p.mean, q.mean)
    np.testing.assert_array_equal(p.sd, q.sd)
    for level in (1e-9, 0.1, 0.5, 0.97):
        np.testing.assert_allclose(p.quantile(level), q.quantile(level), rtol=1e-12)
    np.testing.assert_allclose(p.log_prob(y), q.log_prob(y), rtol=1e-14)
    drawn = p.sample(4000, rng=2)
    assert stats.kstest((drawn - p.mean).ravel() / p.sd[0], "norm").pvalue > 1e-3
    assert ours.idata.posterior["df"].item() == np.inf


@pytest.mark.parametrize("seed", range(12))
def test_gaussian_data_divide_at_a_kurtosis_of_three(seed: int) -> None:
    """(T6): the likelihood increases towards infinity where the residuals' kurtosis is below 3."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(150, 1))
    data = bm.Data(X, 2.0 * X[:, 0] + rng.normal(size=150))
    df = bm.fit(bm.Model(bm.Linear(), bm.StudentT()), data, bm.MLE()).summary().loc["df", "mean"]
    assert np.isinf(df) == (kurtosis(data) < 3.0)


@pytest.mark.parametrize("noise", [0.5, 1.0])
@pytest.mark.parametrize(("share", "df"), [(0.22, 0.9), (0.3, 0.8)])
def test_a_higher_maximum_inside_is_kept(share: float, noise: float, df: float) -> None:
    """Outliers on one side have a kurtosis below 3 if there are many; the t follows the others."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(200, 1))
    y = X[:, 0] + noise * rng.normal(size=200) + 10.0 * (np.arange(200) < 200 * share)
    data = bm.Data(X, y)
    assert kurtosis(data) < 3.0
    table = bm.fit(bm.Model(bm.Linear(), bm.StudentT()), data, bm.MLE()).summary()["mean"]

    def objective(x: Any) -> float:
        return -float(np.sum(stats.t(np.exp(x[2]), x[0] + x[1] * X[:, 0], np.exp(x[3])).logpdf(y)))

    start = [0.0, 1.0, np.log(df), np.log(noise)]
    options = {"maxiter": 4000, "xatol": 1e-9, "fatol": 1e-12}
    best = optimize.minimize(objective, start, method="Nelder-Mead", options=options)
    expected = [*best.x[:2], *np.exp(best.x[2:])]
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=1e-6)
    gaussian = bm.fit(bm.Model(), data, bm.MLE()).summary()["mean"]["sigma"]
    assert best.fun < 200 * (np.log(gaussian) + 0.5 * np.log(2 * np.pi) + 0.5)


def test_a_fit_of_every_row_is_said_to_be_one() -> None:
    data = bm.Data(np.arange(5.0)[:, None], 2.0 * np.arange(5.0))
    with pytest.warns(bm.ConvergenceWarning, match="fits every row exactly"):
        fit = bm.fit(bm.Model(bm.Linear(), bm.StudentT()), data, bm.MLE())
    assert not fit.check().passed


@pytest.mark.parametrize("df", [1.0, 3.7, 39.9, 40.1, 1e3, 1e8, 1e15, 1e16, 1e100, 1e300])
@pytest.mark.parametrize("z", [0.0, 1e-9, 0.7, 5.0, 300.0])
def test_the_density_keeps_its_digits(df: float, z: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(700):
        nu = mpmath.mpf(df)
        truth = (
            mpmath.loggamma((nu + 1) / 2)
            - mpmath.loggamma(nu / 2)
            - mpmath.log(nu * mpmath.pi) / 2
            - (nu + 1) / 2 * mpmath.log1p(mpmath.mpf(z) ** 2 / nu)
        )
    found = bm.StudentT().log_density(z, 0.0, {"df": df, "sigma": 1.0})
    assert float(found) == pytest.approx(float(truth), rel=2e-15, abs=2e-14)


@pytest.mark.parametrize("df", [1e16, 1e160, 1e300, np.inf])
def test_everything_is_gaussian_at_infinity(df: float) -> None:
    y, eta, sigma = np.array([-50.0, -1.0, 0.0, 2.0]), 0.3, {"sigma": 1.7}
    t, gaussian, at = bm.StudentT(), bm.Gaussian(), {"df": df, "sigma": 1.7}
    for name in ("log_density", "score", "cdf", "survival"):
        ours, theirs = getattr(t, name)(y, eta, at), getattr(gaussian, name)(y, eta, sigma)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for name in ("information", "mean", "sd"):
        ours, theirs = getattr(t, name)(eta, at), getattr(gaussian, name)(eta, sigma)
        np.testing.assert_allclose(ours, theirs, rtol=1e-15)
    scores = t.parameter_scores(y, eta, at)
    theirs = gaussian.parameter_scores(y, eta, sigma)["sigma"]
    np.testing.assert_allclose(scores["sigma"], theirs, rtol=1e-12)
    np.testing.assert_allclose(scores["df"], 0.0, atol=1e-25)
    both = np.array([[0.3] * 4, [0.5] * 4])
    heavy = HeteroscedasticStudentT()
    assert np.all(np.isfinite(heavy.score(y, both, {"excess_df": df})))
    np.testing.assert_allclose(heavy.information(both, {"excess_df": df})[1], 2.0)


def test_the_density_approaches_the_gaussian_as_derived() -> None:
    """(T6), at a million degrees of freedom."""
    t = np.linspace(-4, 4, 9)
    at = {"df": 1e6, "sigma": 1.0}
    away = bm.StudentT().log_density(t, 0.0, at) - stats.norm.logpdf(t)
    np.testing.assert_allclose(1e6 * away, (t**4 - 2 * t**2 - 1) / 4, atol=2e-3)
