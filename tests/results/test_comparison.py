"""Several fits side by side: the numbers are ArviZ's."""

import arviz as az
import numpy as np
import pytest
from scipy.stats import multivariate_t

import bayesml as bm
from tests.agreement.problems import made

# the narrow prior is meant to be worse
pytestmark = pytest.mark.filterwarnings("ignore::bayesml.errors.PriorConflictWarning")


@pytest.fixture(scope="module")
def data() -> bm.Data:
    return made(m=80, n=2)


@pytest.fixture(scope="module")
def fits(data: bm.Data) -> dict[str, bm.Fit]:
    narrow = bm.Model(prior=bm.Independent(bm.Normal(0, 0.5)))
    return {
        "ols": bm.fit(bm.Model(), data, bm.MLE()),
        "exact": bm.fit(bm.Model(), data, rng=1),
        "narrow": bm.fit(narrow, data, rng=2),
        "nuts": bm.fit(bm.Model(), data, bm.NUTS(progress=False), rng=3),
    }


def test_leave_one_out_and_weights_are_arvizs(fits: dict[str, bm.Fit]) -> None:
    table = bm.compare(fits).table
    trees = {
        label: fit.to_datatree(log_likelihood=True)
        for label, fit in fits.items()
        if fit.kind != "point"
    }
    theirs = az.compare(trees, round_to="none")
    for label in trees:
        assert table.loc[label, "elpd"] == pytest.approx(theirs.loc[label, "elpd"], abs=0.1)
        assert table.loc[label, "se"] == pytest.approx(theirs.loc[label, "se"], rel=0.02)
    assert table.loc["narrow", "elpd_diff"] == pytest.approx(
        theirs.loc["narrow", "elpd_diff"], abs=0.2
    )
    assert table.loc["narrow", "weight"] == pytest.approx(theirs.loc["narrow", "weight"], abs=0.05)
    assert table.loc["narrow", "dse"] == pytest.approx(theirs.loc["narrow", "dse"], rel=0.05)
    exact = fits["exact"].leave_one_out()
    assert table.loc["exact", "elpd"] == pytest.approx(exact.elpd, rel=1e-12)
    assert table.loc["nuts", "elpd"] == az.loo(trees["nuts"]).elpd


def test_what_a_fit_does_not_have_is_missing(fits: dict[str, bm.Fit]) -> None:
    table = bm.compare(fits).table
    assert table.loc["ols", ["log_evidence", "elpd", "weight"]].isna().all()
    assert table.loc["exact", "log_evidence"] == fits["exact"].log_evidence
    assert np.isnan(table.loc["nuts", "log_evidence"])
    assert table.index[~table["checks"]].tolist() == ["narrow"]  # prior and data disagree
    assert table["weight"].sum() == pytest.approx(1.0)
    assert table.index[-1] == "ols"


def test_estimates_are_the_summaries(fits: dict[str, bm.Fit]) -> None:
    result = bm.compare(fits)
    estimates = result.estimates(0.8)
    for label, fit in fits.items():
        summary = fit.summary(0.8)
        np.testing.assert_array_equal(estimates[label], summary[estimates[label].columns])
    assert "weights[x0]" in repr(result)
    assert len(result.plot().axes) == 4


def test_one_posterior_alone_is_shown(fits: dict[str, bm.Fit]) -> None:
    table = bm.compare({k: fits[k] for k in ("ols", "exact")}).table
    assert table.loc["exact", "elpd"] == pytest.approx(fits["exact"].leave_one_out().elpd)
    assert table["elpd_diff"].isna().all()


def conjugate(scale: float) -> bm.Model:
    prior = bm.NormalInverseGamma(
        mean=0.0, scale=scale, shape=2.0, rate=3.0, intercept_mean=1.0, intercept_scale=5.0
    )
    return bm.Model(bm.Linear(), bm.Gaussian(), prior)


def closed_form(data: bm.Data, scale: float) -> float:
    """Student-t evidence: y ~ t(2a, A m, b/a (I + A S Aᵀ)), the intercept at the means."""
    A = np.column_stack([np.ones(data.m), data.X - data.X.mean(axis=0)])
    S = np.diag([5.0**2, scale**2, scale**2])
    shape = 3.0 / 2.0 * (np.eye(data.m) + A @ S @ A.T)
    return float(multivariate_t(np.full(data.m, 1.0), shape, df=4.0).logpdf(data.y))


def test_bayes_factors_are_those_of_the_closed_form(data: bm.Data, fits: dict[str, bm.Fit]) -> None:
    scales = {"wide": 10.0, "middle": 1.0, "tight": 0.01}
    known = {label: closed_form(data, scale) for label, scale in scales.items()}
    found = {label: bm.fit(conjugate(scale), data) for label, scale in scales.items()}
    result = bm.compare({"ols": fits["ols"], **found, "nuts": fits["nuts"]})
    factors = result.log_bayes_factors()
    assert list(factors.index) == list(factors.columns) == list(scales)
    for row in scales:
        for column in scales:
            expected = known[row] - known[column]
            assert factors.loc[row, column] == pytest.approx(expected, abs=1e-9)
    assert set(result.without_evidence) == {"ols", "nuts"}


def test_without_two_evidences_each_fit_says_why(fits: dict[str, bm.Fit]) -> None:
    result = bm.compare({label: fits[label] for label in ("ols", "exact", "nuts")})
    with pytest.raises(bm.ImproperPosteriorError, match="1 of 3") as raised:
        result.log_bayes_factors()
    assert f"'ols': {fits['ols'].learned.log_evidence}" in str(raised.value)
    assert f"'nuts': {fits['nuts'].learned.log_evidence}" in str(raised.value)
    assert "'exact'" not in str(raised.value)


def test_fits_of_other_rows_are_refused(fits: dict[str, bm.Fit]) -> None:
    other = bm.fit(bm.Model(), made(m=79, n=2))
    with pytest.raises(bm.DataError, match="'other' learned from other rows than 'exact'"):
        bm.compare({"exact": fits["exact"], "other": other})
    with pytest.raises(bm.IncompatibleModelError, match="no fits"):
        bm.compare({})
