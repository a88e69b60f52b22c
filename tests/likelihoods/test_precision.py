"""Precision weights (S7): least squares of statsmodels, densities written apart, repeated rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesml as bm
from bayesml.likelihoods import PrecisionWeighted

FORMULA = "y | precision(w) ~ x + z"
PRIOR = bm.Independent(bm.Normal(0.0, 5.0), bm.Normal(0.0, 10.0), "original")


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    x, z, w = rng.normal(size=60), rng.normal(size=60), rng.uniform(0.2, 9.0, 60)
    y = 1.0 + 2.0 * x - z + 0.7 * rng.normal(size=60) / np.sqrt(w)
    return pd.DataFrame({"x": x, "z": z, "w": w, "y": y})


def test_least_squares_is_that_of_statsmodels(frame: pd.DataFrame) -> None:
    """σ̂² = Σ wᵢ rᵢ²/m; standard errors with m for m − p, as those of other likelihoods."""
    sm = pytest.importorskip("statsmodels.api")
    theirs = sm.WLS(frame["y"], sm.add_constant(frame[["x", "z"]]), weights=frame["w"]).fit()
    table = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MLE()).summary()
    names = ["intercept", "weights[x]", "weights[z]"]
    np.testing.assert_allclose(table.loc[names, "mean"], theirs.params, rtol=1e-10)
    sigma = np.sqrt(theirs.ssr / 60)
    assert table.loc["sigma", "mean"] == pytest.approx(sigma, rel=1e-10)
    errors = theirs.bse * np.sqrt(57 / 60)
    np.testing.assert_allclose(table.loc[names, "std_error"], errors, rtol=1e-6)
    named = {"known": {"precision": frame["w"]}}
    again = bm.fit(bm.Model(), bm.Data(frame[["x", "z"]], frame["y"], **named), bm.MLE())
    np.testing.assert_allclose(again.summary()["mean"], table["mean"], rtol=1e-10)


@pytest.mark.parametrize(
    ("likelihood", "law"),
    [
        (bm.Gaussian(), lambda s: stats.norm(0.0, s)),
        (bm.StudentT(df=4.0), lambda s: stats.t(4.0, 0.0, s)),
    ],
    ids=["Gaussian", "StudentT"],
)
def test_the_mode_is_that_of_a_density_written_apart(
    frame: pd.DataFrame, likelihood: Any, law: Any
) -> None:
    fit = bm.fit(
        bm.Model(bm.Linear(), likelihood, PRIOR), bm.Data.from_formula(FORMULA, frame), bm.MAP()
    )
    at = fit.summary()["mean"].to_numpy()
    A = np.column_stack([np.ones(60), frame[["x", "z"]]])

    def log_joint(v: Any) -> float:
        r = frame["y"] - A @ v[:3]
        value = law(v[3] / np.sqrt(frame["w"].to_numpy())).logpdf(r).sum()
        value += stats.norm(0, [10.0, 5.0, 5.0]).logpdf(v[:3]).sum()
        return float(value + stats.expon(scale=frame["y"].std()).logpdf(v[3]))

    for k, h in enumerate(1e-4 * np.eye(4)):
        slope = (log_joint(at + h) - log_joint(at - h)) / 2e-4
        bend = (log_joint(at + h) + log_joint(at - h) - 2 * log_joint(at)) / 1e-8
        assert abs(slope / bend) < 1e-6, k


def test_a_whole_precision_is_the_mean_of_so_many_measurements(rng: np.random.Generator) -> None:
    """At a known σ: the posterior of the means is that of the measurements themselves."""
    n = rng.integers(1, 6, 25)
    each = pd.DataFrame({"k": np.repeat(np.arange(25), n)})
    each["x"] = rng.normal(size=25)[each["k"]]
    each["y"] = 1.0 + each["x"] + rng.normal(size=len(each))
    means = each.groupby("k").mean().assign(n=n)
    model = bm.Model(bm.Linear(), bm.Gaussian(1.0), PRIOR)
    apart = bm.fit(model, bm.Data.from_formula("y ~ x", each), bm.Exact()).summary()
    data = bm.Data.from_formula("y | precision(n) ~ x", means)
    together = bm.fit(model, data, bm.Laplace(), rng=1).summary()
    for column in ("mean", "sd"):
        np.testing.assert_allclose(together[column], apart[column], rtol=1e-6)


def test_predictions_state_their_precision(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula(FORMULA, frame)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(), PRIOR), data, bm.Laplace(), rng=1)
    new = pd.DataFrame({"x": [0.3] * 3, "z": [-1.0] * 3, "w": [1.0, 4.0, 1e8]})
    p = fit.predict(new)
    sigma = p.aleatoric_sd[0]
    np.testing.assert_allclose(p.aleatoric_sd, [sigma, sigma / 2, 1e-4 * sigma], rtol=1e-8)
    np.testing.assert_allclose(p.sd[2], p.epistemic_sd[2], rtol=1e-5)
    draws = p.sample(4000, rng=1)
    np.testing.assert_allclose(draws.std(axis=0), p.sd, rtol=0.06)
    with pytest.raises(bm.DataError, match="'w'"):
        fit.predict(new[["x", "z"]])


def test_sampling_agrees_with_the_approximation(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula(FORMULA, frame)
    model = bm.Model(bm.Linear(), bm.Gaussian(), PRIOR)
    sampled = bm.fit(model, data, bm.NUTS(draws=500, chains=2, progress=False), rng=1).summary()
    near = bm.fit(model, data, bm.Laplace(), rng=1).summary()
    error = (np.abs(sampled["mean"] - near["mean"]) / near["sd"]).drop("sigma")  # which is skewed
    assert np.all(error < 5 / np.sqrt(sampled["ess_bulk"].drop("sigma")) + 0.05)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda data: bm.fit(bm.Model(likelihood=bm.LaplaceResponse()), data),
            r"LaplaceResponse\(.*does not read.*Gaussian\(\) and StudentT\(\) read it",
        ),
        (lambda data: bm.fit(bm.Model(), data, bm.Exact()), "precision weights.*Use NUTS"),
        (lambda data: PrecisionWeighted(bm.Poisson()), "no noise of a scale"),
        (lambda data: PrecisionWeighted(bm.LaplaceResponse()), "no noise of a scale"),
    ],
)
def test_what_has_no_meaning_is_refused(frame: pd.DataFrame, make: Any, complaint: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=complaint):
        make(bm.Data.from_formula(FORMULA, frame))


def test_a_precision_is_positive(frame: pd.DataFrame) -> None:
    frame.loc[7, "w"] = 0.0
    with pytest.raises(bm.DataError, match=r"row 7.*positive precision"):
        bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MLE())


def test_a_fit_is_saved(frame: pd.DataFrame, tmp_path: Any) -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MAP())
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc").predict(frame)
    np.testing.assert_array_equal(again.sd, fit.predict(frame).sd)
