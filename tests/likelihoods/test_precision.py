"""Precision weights (S7): least squares of statsmodels, densities written apart, repeated rows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesml as bm
from bayesml.likelihoods import PrecisionWeighted

FORMULA = "y | precision(w) ~ x + z"
NAMES = ["intercept", "weights[x]", "weights[z]"]
PRIOR = bm.Independent(bm.Normal(0.0, 5.0), bm.Normal(0.0, 10.0), "original")


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    x, z, w = rng.normal(size=60), rng.normal(size=60), rng.uniform(0.2, 9.0, 60)
    y = 1.0 + 2.0 * x - z + 0.7 * rng.normal(size=60) / np.sqrt(w)
    return pd.DataFrame({"x": x, "z": z, "w": w, "y": y})


def test_least_squares_is_that_of_statsmodels(frame: pd.DataFrame) -> None:
    """σ̂² = Σ wᵢ rᵢ²/m; standard errors have m − p, as those of observations of one precision."""
    sm = pytest.importorskip("statsmodels.api")
    theirs = sm.WLS(frame["y"], sm.add_constant(frame[["x", "z"]]), weights=frame["w"]).fit()
    table = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MLE()).summary()
    np.testing.assert_allclose(table.loc[NAMES, "mean"], theirs.params, rtol=1e-12)
    sigma = np.sqrt(theirs.ssr / 60)
    assert table.loc["sigma", "mean"] == pytest.approx(sigma, rel=1e-12)
    np.testing.assert_allclose(table.loc[NAMES, "std_error"], theirs.bse, rtol=1e-12)
    again = bm.fit(bm.Model(), arrays(frame), bm.MLE())
    np.testing.assert_allclose(again.summary()["mean"], table["mean"], rtol=1e-12)


def arrays(frame: pd.DataFrame) -> bm.Data:
    return bm.Data(frame[["x", "z"]], frame["y"], precision=frame["w"])


def test_under_flat_priors_the_posterior_is_that_of_statsmodels(frame: pd.DataFrame) -> None:
    """Student-t around least squares, with m − p − 1 for a flat prior of σ itself."""
    sm = pytest.importorskip("statsmodels.api")
    theirs = sm.WLS(frame["y"], sm.add_constant(frame[["x", "z"]]), weights=frame["w"]).fit()
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat())
    fit = bm.fit(model, bm.Data.from_formula(FORMULA, frame), bm.Exact())
    table, freedom = fit.summary(), 60 - 3 - 1
    np.testing.assert_allclose(table.loc[NAMES, "mean"], theirs.params, rtol=1e-10)
    scale = theirs.bse * np.sqrt(57 / freedom)
    sd = scale * np.sqrt(freedom / (freedom - 2))
    np.testing.assert_allclose(table.loc[NAMES, "sd"], sd, rtol=1e-10)


@pytest.mark.parametrize("weights", [None, "k"])
def test_the_evidence_and_leaving_out_are_those_of_the_normal_of_all_rows(
    frame: pd.DataFrame, weights: str | None
) -> None:
    """At a known σ the rows are jointly normal; a weight is so many rows."""
    frame["k"] = np.arange(60) % 3 + 1.0
    data = bm.Data.from_formula(FORMULA, frame, observation_weights=weights)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(0.7), PRIOR), data, bm.Exact())
    rows = frame.loc[frame.index.repeat(frame["k"].astype(int))] if weights else frame
    y, A = rows["y"].to_numpy(), np.column_stack([np.ones(len(rows)), rows[["x", "z"]]])
    covariance = A @ np.diag([100.0, 25.0, 25.0]) @ A.T + np.diag(0.49 / rows["w"])

    def density(at: Any) -> float:
        law = stats.multivariate_normal(np.zeros(int(at.sum())), covariance[np.ix_(at, at)])
        return float(law.logpdf(y[at]))

    every = np.ones(len(y), dtype=bool)
    assert fit.log_evidence == pytest.approx(density(every), rel=1e-10)
    left = fit.leave_one_out()
    for row in (0, 17):
        others = every.copy()
        others[np.flatnonzero(rows.index == row)[0]] = False
        expected = density(every) - density(others)
        assert left.log_density[row] == pytest.approx(expected, rel=1e-8)


def test_an_inferred_sigma_integrates_the_density_of_all_rows(frame: pd.DataFrame) -> None:
    likelihood = bm.Gaussian(bm.HalfNormal(2.0))
    fit = bm.fit(bm.Model(bm.Linear(), likelihood, PRIOR), arrays(frame), bm.Exact())
    A = np.column_stack([np.ones(60), frame[["x", "z"]]])

    def given(sigma: float) -> float:
        covariance = A @ np.diag([100.0, 25.0, 25.0]) @ A.T + np.diag(sigma**2 / frame["w"])
        return float(stats.multivariate_normal(np.zeros(60), covariance).logpdf(frame["y"]))

    sigmas = np.linspace(0.4, 1.6, 1201)
    log_density = np.array([given(s) for s in sigmas]) + stats.halfnorm(0, 2).logpdf(sigmas)
    top = log_density.max()
    evidence = top + np.log(np.exp(log_density - top).sum() * (sigmas[1] - sigmas[0]))
    assert fit.log_evidence == pytest.approx(evidence, rel=1e-9)
    weights = np.exp(log_density - top)
    assert fit.summary().loc["sigma", "mean"] == pytest.approx(
        (weights @ sigmas) / weights.sum(), rel=1e-8
    )


def test_ill_conditioned_columns_are_refined_by_the_weighted_rows(rng: np.random.Generator) -> None:
    """As wide rows scaled by √w in long double would give them."""
    t, w = np.linspace(100.0, 101.0, 40), rng.uniform(0.2, 9.0, 40)
    y = t**3 + rng.normal(size=40)
    X = np.column_stack([t, t**2, t**3])
    weighted = bm.Data(X, y, precision=w)
    counted = bm.Data(X, y, observation_weights=w)
    flat = bm.Model(bm.Linear(), bm.Gaussian(2.0), bm.Flat())
    one, two = (bm.fit(flat, data, bm.Exact()).summary()["mean"] for data in (weighted, counted))
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_statistics_stand_for_the_rows_and_merge(frame: pd.DataFrame) -> None:
    data, model = arrays(frame), bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(2.0)), PRIOR)
    whole = bm.fit(model, data, bm.Exact())
    alone = bm.fit(model, data.summarised(), bm.Exact())
    first = bm.fit(model, arrays(frame[:25]), bm.Exact())
    updated = first.update(arrays(frame[25:]))
    for other in (alone, updated):
        np.testing.assert_allclose(other.summary(), whole.summary(), rtol=1e-9)
    assert first.log_evidence + updated.log_evidence == pytest.approx(whole.log_evidence, rel=1e-10)
    both = arrays(frame[:25]).statistics + arrays(frame[25:]).statistics
    left = both - arrays(frame[:25]).statistics
    assert left.precisions is not None
    assert left.precisions.total == pytest.approx(frame["w"][25:].sum(), rel=1e-12)
    np.testing.assert_allclose(left.mean, arrays(frame[25:]).statistics.mean, rtol=1e-12)
    plain = bm.Data(frame[["x", "z"]].assign(precision=1.0), frame["y"]).statistics
    with pytest.raises(bm.DataError, match="with precisions and of rows without"):
        _ = both + plain
    with pytest.raises(bm.DataError, match="summarised"):
        bm.Data.from_statistics(both)


def test_the_unit_of_the_precisions_is_that_of_sigma(frame: pd.DataFrame) -> None:
    """Precisions in other units change nothing but σ: default priors follow them."""
    table = bm.fit(bm.Model(), arrays(frame), bm.Exact()).summary()
    scaled = frame.assign(w=1e6 * frame["w"])
    other = bm.fit(bm.Model(), arrays(scaled), bm.Exact()).summary()
    np.testing.assert_allclose(other.loc[NAMES], table.loc[NAMES], rtol=1e-9)
    np.testing.assert_allclose(other.loc["sigma"], 1e3 * table.loc["sigma"], rtol=1e-9)


def test_files_and_partitions_hold_precisions_too(frame: pd.DataFrame, tmp_path: Any) -> None:
    table = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.Exact()).summary()
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=7)
    streamed = bm.fit(
        bm.Model(), bm.Data.from_parquet(tmp_path / "rows.parquet", FORMULA), bm.Exact()
    )
    np.testing.assert_allclose(streamed.summary(), table, rtol=1e-9)
    dask = pytest.importorskip("dask.dataframe")
    parted = bm.Data.from_formula(FORMULA, dask.from_pandas(frame, npartitions=3))
    np.testing.assert_allclose(bm.fit(bm.Model(), parted).summary(), table, rtol=1e-9)
    frame[["x", "z"]].to_parquet(tmp_path / "new.parquet")
    rows = streamed.predict_parquet(tmp_path / "new.parquet", tmp_path / "out.parquet")
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert rows == 60
    np.testing.assert_allclose(found["sd"], streamed.predict(frame.assign(w=1.0)).sd, rtol=1e-12)


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
    away = frame["y"] - np.average(frame["y"], weights=frame["w"])
    spread = np.sqrt(frame["w"] @ away**2 / 59)  # of a row of precision one

    def log_joint(v: Any) -> float:
        r = frame["y"] - A @ v[:3]
        value = law(v[3] / np.sqrt(frame["w"].to_numpy())).logpdf(r).sum()
        value += stats.norm(0, [10.0, 5.0, 5.0]).logpdf(v[:3]).sum()
        return float(value + stats.expon(scale=spread).logpdf(v[3]))

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
    together = bm.fit(model, data, bm.Exact()).summary()
    for column in ("mean", "sd"):
        np.testing.assert_allclose(together[column], apart[column], rtol=1e-10)


@pytest.mark.parametrize("method", [bm.Exact(), bm.Laplace(), bm.MAP()], ids=str)
def test_predictions_state_their_precision(frame: pd.DataFrame, method: Any) -> None:
    data = bm.Data.from_formula(FORMULA, frame)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(), PRIOR), data, method, rng=1)
    new = pd.DataFrame({"x": [0.3] * 3, "z": [-1.0] * 3, "w": [1.0, 4.0, 1e8]})
    p = fit.predict(new)
    sigma = p.aleatoric_sd[0]
    np.testing.assert_allclose(p.aleatoric_sd, [sigma, sigma / 2, 1e-4 * sigma], rtol=1e-8)
    np.testing.assert_allclose(p.sd[2] ** 2, p.epistemic_sd[2] ** 2 + 1e-8 * sigma**2, rtol=1e-5)
    draws = p.sample(4000, rng=1)
    np.testing.assert_allclose(draws.std(axis=0), p.sd, rtol=0.06)


def test_a_new_row_has_a_precision_of_one_unless_it_says(frame: pd.DataFrame) -> None:
    new = frame[["x", "z"]]
    halved = bm.Data.from_formula("y | precision(w / 2) ~ x + z", frame)
    for data in (halved, arrays(frame), bm.Data(new.to_numpy(), frame["y"], precision=frame["w"])):
        fit = bm.fit(bm.Model(), data)
        rows: Any = new if data.feature_names[0] == "x" else new.to_numpy()
        ones: Any = np.column_stack([new, np.ones(60)])
        if rows is new:
            ones = new.assign(w=2.0) if data is halved else new.assign(precision=1.0)
        np.testing.assert_array_equal(fit.predict(rows).sd, fit.predict(ones).sd)
        assert fit.leverage(rows).shape == (60,)
    with pytest.raises(bm.DataError, match="'z'"):
        bm.fit(bm.Model(), halved).predict(frame[["x"]])
    with pytest.raises(bm.DataError, match=r"'w'.*to learn from"):
        halved.like(frame[["x", "z", "y"]])


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
        (
            lambda data: bm.fit(bm.Model(prior=bm.NormalInverseGamma()), data),
            "states sigma too.*Use Independent",
        ),
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
    with pytest.raises(bm.DataError, match="precision of row 7 is 0"):
        _ = arrays(frame).statistics


def test_a_fit_is_saved(frame: pd.DataFrame, tmp_path: Any) -> None:
    fit = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MAP())
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc").predict(frame)
    np.testing.assert_array_equal(again.sd, fit.predict(frame).sd)
