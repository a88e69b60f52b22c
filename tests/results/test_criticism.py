"""What statistics and draws say against a model, and what is done with it: warnings, reports."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.outliers_influence import variance_inflation_factor

import bayesml as bm
from bayesml.results.criticism import told_apart
from bayesml.results.findings import CheckReport, Finding

SHORT = bm.NUTS(draws=600, tune=500, chains=2, progress=False)
METHODS = (bm.Exact(), bm.MAP(), SHORT)


def quiet(*arguments: Any, **named: Any) -> bm.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ModelWarning)
        return bm.fit(*arguments, rng=1, **named)


def found(fit: bm.Fit, word: str) -> list[Finding]:
    return [f for f in fit.check().findings if word in f.name]


def line(slope: float = 5.0, m: int = 40, seed: int = 3) -> bm.Data:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(m, 1))
    return bm.Data(X, slope * X[:, 0] + 3.0 * rng.normal(size=m))


def stated(mean: float, sd: float) -> bm.Model:
    return bm.Model(prior=bm.Independent(bm.Normal(mean, sd), bm.Normal(0.0, 50.0)))


@pytest.mark.parametrize("method", METHODS)
def test_a_prior_that_the_data_contradict(method: Any) -> None:
    with pytest.warns(bm.PriorConflictWarning, match=r"weights\[x0\] = .*they disagree"):
        fit = bm.fit(stated(0.0, 0.1), line(), method, rng=1)
    (finding,) = found(fit, "how far the prior moved")
    theirs = sm.OLS(line().y, sm.add_constant(line().X)).fit()
    estimate, error = theirs.params[1], theirs.bse[1]
    weight = 0.1**-2 / (0.1**-2 + error**-2)  # the prior of the intercept says next to nothing
    assert finding.value == pytest.approx(weight * estimate / error, rel=1e-3)
    assert fit.check().computed
    assert not fit.check().passed


@pytest.mark.parametrize(("mean", "sd"), [(5.0, 0.1), (0.0, 20.0), (4.0, 2.0)])
def test_priors_that_agree_or_give_way_are_no_conflict(mean: float, sd: float) -> None:
    fit = bm.fit(stated(mean, sd), line(), rng=1)
    assert all(f.passed for f in found(fit, "how far the prior moved"))


def test_a_wrong_prior_that_many_rows_outvote_is_no_conflict() -> None:
    (finding,) = found(bm.fit(stated(0.0, 1.0), line(m=4000), rng=1), "how far the prior moved")
    assert finding.passed
    assert 0.1 < finding.value < 1.0


def test_the_conjugate_prior_is_in_units_of_the_noise() -> None:
    prior = bm.NormalInverseGamma(mean=0.0, scale=0.02, shape=2.0, rate=9.0)
    with pytest.warns(bm.PriorConflictWarning):
        bm.fit(bm.Model(bm.Linear(), bm.Gaussian(), prior), line(), rng=1)
    prior = bm.NormalInverseGamma(mean=5.0, scale=0.02, shape=2.0, rate=9.0)
    bm.fit(bm.Model(bm.Linear(), bm.Gaussian(), prior), line(), rng=1)


def test_the_prior_of_a_functional_by_brute_force() -> None:
    rng = np.random.default_rng(2)
    P, q, G = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(2, 3))
    V = np.linalg.inv(P.T @ P)
    mean, sd = told_apart.prior_of(P, q, G)
    np.testing.assert_allclose(mean, G @ np.linalg.solve(P, q), rtol=1e-9)
    np.testing.assert_allclose(sd, np.sqrt(np.diag(G @ V @ G.T)), rtol=1e-9)
    P[:, 0] = 0.0  # the first coefficient is flat
    flat = told_apart.prior_of(P[1:], q[1:], np.eye(3))[1]
    assert np.isinf(flat).tolist() == [True, False, False]


def test_conflict_is_judged_by_student_s_distribution() -> None:
    estimate, error = np.array([4.0]), np.array([1.0])
    prior = (np.zeros(1), np.array([0.5]))
    t = 4.0 / np.hypot(1.0, 0.5)
    for freedom in (2.0, 5.0, 50.0):
        expected = 2 * stats.t.sf(t, freedom) < told_apart.LEVEL
        assert told_apart.disagree((estimate, error), prior, freedom)[0] == expected
    assert not told_apart.disagree((estimate, error), prior, 2.0)[0]
    assert told_apart.disagree((estimate, error), prior, 50.0)[0]


@pytest.mark.slow
@pytest.mark.parametrize(("mean", "sd", "agrees"), [(-1.0, 0.2, False), (1.0, 0.05, True)])
def test_draws_of_other_likelihoods_are_asked_as_well(mean: float, sd: float, agrees: bool) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(60, 1))
    prior = bm.Independent(bm.Normal(mean, sd), bm.Flat())
    for likelihood, y in (
        (bm.Poisson(), rng.poisson(np.exp(1.0 + X[:, 0])).astype(float)),
        (bm.StudentT(df=4.0), X[:, 0] + rng.standard_t(4, size=60)),
    ):
        fit = bm.fit(bm.Model(bm.Linear(), likelihood, prior), bm.Data(X, y), SHORT, rng=1)
        (finding,) = found(fit, "to the power of the priors")
        assert finding.passed == agrees
        assert finding.value > 0.05  # power scaling alone would doubt both


def test_inflation_is_statsmodels_and_longley_is_doubted() -> None:
    longley = sm.datasets.longley.load_pandas()
    X, y = longley.exog, longley.endog.to_numpy()
    fit = quiet(bm.Model(), bm.Data(X, y))
    A = sm.add_constant(X.to_numpy())
    inflation, exact = told_apart.variance_inflation(fit.statistics, fit.data.feature_names)
    expected = [variance_inflation_factor(A, j) for j in range(1, 7)]
    np.testing.assert_allclose(inflation, expected, rtol=1e-6)
    assert exact == []
    (finding,) = found(fit, "variance inflation")
    assert not finding.passed
    assert finding.category is bm.CollinearityWarning
    assert (
        "weights[GNPDEFL] (136), weights[GNP] (1.79e+03), weights[POP] (399): " in finding.meaning
    )


def test_collinearity_that_hides_nothing_is_none() -> None:
    """x and x² inflate each other thirty times, and both are clear."""
    x = np.linspace(1.0, 3.0, 60)
    y = 2.0 * x - 1.5 * x**2 + 0.05 * np.random.default_rng(1).normal(size=60)
    fit = bm.fit(bm.Model(), bm.Data(np.column_stack([x, x**2]), y), rng=1)
    (finding,) = found(fit, "variance inflation")
    assert finding.passed
    assert finding.value > 30.0


def test_columns_that_are_exactly_collinear_are_named() -> None:
    X = np.random.default_rng(1).normal(size=(30, 2))
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    data = bm.Data(X, X[:, 0] + np.random.default_rng(2).normal(size=30))
    named = r"exactly collinear: weights\[x0\], weights\[x1\], weights\[x2\]"
    with pytest.warns(bm.CollinearityWarning, match=named):
        fit = bm.fit(bm.Model(), data, rng=1)
    assert "inf" not in str(fit.check()).replace("informs", "").replace("information", "")


def test_one_level_a_row() -> None:
    rng = np.random.default_rng(1)
    frame: dict[str, Any] = {"id": [f"p{k}" for k in range(20)], "y": rng.normal(size=20)}
    with pytest.warns(bm.DesignWarning) as caught:
        bm.fit(bm.Model(), bm.Data.from_formula("y ~ id", frame), rng=1)
    said = " ".join(str(w.message) for w in caught)
    assert "levels of 'id': 20" in said
    assert "Leave out an identifier" in said
    frame["x"] = [f"1,{k:03d}" for k in range(19)] + ["n. a."]
    levels = quiet(bm.Model(), bm.Data.from_formula("y ~ x", frame))
    assert "numbers written as text" in str(levels.check())
    frame["g"] = list("abcd") * 5
    fair = bm.fit(bm.Model(), bm.Data.from_formula("y ~ g", frame), rng=1)
    assert all(f.passed for f in found(fair, "levels of"))


def test_no_more_rows_than_coefficients() -> None:
    X = np.random.default_rng(1).normal(size=(4, 5))
    with pytest.warns(bm.DesignWarning, match="rows for 6 coefficients"):
        fit = bm.fit(bm.Model(), bm.Data(X, [1.0, 2.0, 4.0, 3.0]), rng=1)
    assert any("no more rows than coefficients" in why for why in fit.check().not_judged)


@pytest.mark.parametrize(
    ("y", "likelihood"),
    [
        (np.arange(40) % 3 == 0, "Bernoulli()"),
        (np.random.default_rng(1).poisson(1.5, 40), "Poisson()"),
        (sm.datasets.nile.load_pandas().data["volume"].to_numpy()[:40], None),
        (np.linspace(0.0, 1.0, 40), None),
    ],
)
def test_kinds_of_target(y: Any, likelihood: str | None) -> None:
    data = bm.Data(np.random.default_rng(2).normal(size=(40, 1)), np.asarray(y, dtype=float))
    (said,) = [f.remedy for f in found(quiet(bm.Model(), data), "among the target")] or [None]
    assert said == (likelihood and f"Use Model(likelihood={likelihood}).")


def test_doubts_are_filtered_by_their_class() -> None:
    X = np.random.default_rng(1).normal(size=(30, 1))
    data = bm.Data(np.column_stack([X, X]), np.arange(30) % 2 * 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=bm.CollinearityWarning)
        fit = bm.fit(bm.Model(), data, rng=1)
    assert {w.category for w in caught} == {bm.LikelihoodWarning}
    assert caught[0].filename == __file__
    fit.predict(data.X)  # a doubt of the model is no failure of the computation
    report = fit.check().without(bm.CollinearityWarning)
    assert not any(issubclass(f.category, bm.CollinearityWarning) for f in report.findings)
    assert not report.passed
    assert fit.check().without(bm.ModelWarning).passed
    _, doubts = repr(fit).split("DOUBT the model, see fit.check():\n")
    assert any(line.startswith("  exactly collinear") for line in doubts.splitlines())


def test_a_failed_computation_and_a_doubt_are_told_apart() -> None:
    good = Finding("a", True, 1.0, "≤ 2", "m", "r")
    doubt = Finding("b", False, 3.0, "≤ 2", "m", "r", bm.ResidualWarning)
    failed = Finding("c", False, 3.0, "≤ 2", "m", "r")
    doubtful, broken = CheckReport("exact", (good, doubt)), CheckReport("exact", (failed, doubt))
    assert (doubtful.computed, doubtful.passed) == (True, False)
    assert (broken.computed, broken.passed) == (False, False)
    assert CheckReport("exact", (good,)).passed
    assert "DOUBTFUL" in str(doubtful)
    assert "FAILED" in str(broken)


def test_what_is_not_judged_says_why(tmp_path: Any) -> None:
    data = line(m=30)
    network = quiet(bm.Model(bm.MLP(hidden=(3,))), data, method=bm.MAP())
    updated = bm.fit(bm.Model(), data, rng=1).update(line(seed=9))
    frame = pd.DataFrame({"x": data.X[:, 0], "y": data.y})
    frame.to_parquet(tmp_path / "rows.parquet")
    streamed = bm.fit(bm.Model(), bm.Data.from_parquet(tmp_path / "rows.parquet", target="y"))
    for fit, why in (
        (network, "a network has no coefficients"),
        (updated, "the fit has seen earlier rows"),
        (streamed, "data.collect()"),
    ):
        reason, *_ = fit.check().not_judged
        assert why in reason
        assert f"--    {reason}" in str(fit.check())
