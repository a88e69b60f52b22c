"""Predictions of a logarithm, back on the scale of y: against scipy's lognormal and draws."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesml as bm
from bayesml.errors import DataError


@pytest.fixture
def data(rng: np.random.Generator) -> bm.Data:
    x = rng.normal(size=60)
    y = np.exp(1 + 0.5 * x + 0.7 * rng.normal(size=60))
    return bm.Data.from_formula("log(y) ~ x", {"x": x, "y": y})


def test_a_point_estimate_is_lognormal(data: bm.Data) -> None:
    p = bm.fit(bm.Model(), data, bm.MLE()).predict({"x": [0.0, 1.0, -2.0]})
    found, right = p.transformed(np.exp), stats.lognorm(s=p.sd, scale=np.exp(p.mean))
    np.testing.assert_allclose(found.mean, right.mean(), rtol=1e-9)
    np.testing.assert_allclose(found.sd, right.std(), rtol=1e-8)
    np.testing.assert_allclose(found.quantile([0.1, 0.9])[1], right.ppf(0.9), rtol=1e-10)
    np.testing.assert_allclose(found.interval(0.8).lower, right.ppf(0.1), rtol=1e-10)
    np.testing.assert_allclose(found.cdf(2.0), right.cdf(2.0), rtol=1e-10)
    np.testing.assert_allclose(found.exceedance(2.0), right.sf(2.0), rtol=1e-10)
    np.testing.assert_allclose(found.log_prob([1.0, 2.0, 3.0]), right.logpdf([1, 2, 3]), rtol=1e-9)


def test_wide_noise_and_other_functions(data: bm.Data) -> None:
    p = bm.fit(bm.Model(likelihood=bm.Gaussian(sigma=4.0)), data, bm.MLE()).predict({"x": [0.5]})
    right = np.exp(p.mean + 8.0)
    np.testing.assert_allclose(p.transformed(np.exp).mean, right, rtol=1e-8)
    tens = p.transformed(lambda y: 10**y, inverse=np.log10)
    np.testing.assert_allclose(tens.quantile(0.5), 10**p.mean, rtol=1e-12)


def test_an_exact_posterior_agrees_with_its_draws(data: bm.Data) -> None:
    p = bm.fit(bm.Model(), data).predict({"x": [0.0, 1.0]})
    found = p.transformed(np.exp)
    draws = found.sample(200_000, rng=1)
    error = found.sd / np.sqrt(len(draws))
    assert np.all(np.abs(draws.mean(axis=0) - found.mean) < 5 * error)


def test_a_mean_that_does_not_exist_is_infinite(data: bm.Data) -> None:
    student = bm.StudentT(df=3.0, sigma=0.5)
    p = bm.fit(bm.Model(likelihood=student), data, bm.MAP()).predict({"x": [0.0]})
    assert np.isinf(p.transformed(np.exp).mean).all()
    np.testing.assert_array_equal(p.transformed(np.exp).quantile(0.9), np.exp(p.quantile(0.9)))


def test_what_cannot_be_transformed_is_refused(data: bm.Data) -> None:
    p = bm.fit(bm.Model(), data, bm.MLE()).predict({"x": [0.0]})
    for function, inverse, complaint in (
        (lambda y: 10**y, None, "give both"),
        (lambda y: -y, lambda v: -v, "falls"),
        (np.exp, np.log2, "does not undo"),
    ):
        with pytest.raises(DataError, match=complaint):
            p.transformed(function, inverse)
    with pytest.raises(DataError, match="is no value of the transformed target"):
        p.transformed(np.exp).cdf(-1.0)
    counts = bm.Data([[0.0], [1.0], [2.0]], [1.0, 2.0, 5.0])
    of_counts = bm.fit(bm.Model(likelihood=bm.Poisson()), counts, bm.MAP()).predict([[1.0]])
    with pytest.raises(DataError, match="keep their scale"):
        of_counts.transformed(np.exp)


def test_levels_are_one_number_or_a_row_of_them(data: bm.Data) -> None:
    fit = bm.fit(bm.Model(), data, bm.MLE())
    p = fit.predict({"x": [0.0]})
    for each in (p, p.transformed(np.exp), fit.predictions()):
        with pytest.raises(DataError, match=r"q must be one number or a sequence of them"):
            each.quantile([[0.1, 0.9]])


def test_rows_with_missing_values_stay_missing_and_no_row_costs_a_search() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=30)}).assign(y=lambda t: np.exp(0.1 * t["x"]))
    frame["y"] *= np.exp(0.3 * rng.normal(size=30))
    fit = bm.fit(bm.Model(), bm.Data.from_formula("log(y) ~ x", frame))
    new = pd.DataFrame({"x": [0.0, np.nan, 1.0]})
    p = fit.predict(new, missing="keep").transformed(np.exp)
    alone = fit.predict(new.dropna()).transformed(np.exp)
    for whole, part in (
        (p.mean, alone.mean),
        (p.sd, alone.sd),
        (p.quantile(0.9), alone.quantile(0.9)),
    ):
        np.testing.assert_array_equal(whole[[0, 2]], part)
        assert np.isnan(whole[1])
    asked: list[float] = []
    evaluate = type(alone.of).log_density

    def counted(self: Any, y: Any) -> Any:
        asked.extend(np.ravel(y))
        return evaluate(self, y)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(alone.of), "log_density", counted)
        again = fit.predict(new.dropna()).transformed(np.exp)
        assert np.isfinite(again.mean).all()
    low, high = (again.of.quantile(q) for q in (1e-12, 1 - 1e-12))
    outside = sum(not low.min() - 1e-9 <= y <= high.max() + 1e-9 for y in asked)
    assert outside <= 2 * 2  # the ends of both rows: densities far out are dear
