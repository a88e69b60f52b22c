"""Several fits side by side: the numbers are ArviZ's."""

import arviz as az
import numpy as np
import pytest

import bayesml as bm
from tests.agreement.problems import made


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
    assert table["checks"].all()
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


def test_fits_of_other_rows_are_refused(fits: dict[str, bm.Fit]) -> None:
    other = bm.fit(bm.Model(), made(m=79, n=2))
    with pytest.raises(bm.DataError, match="'other' learned from other rows than 'exact'"):
        bm.compare({"exact": fits["exact"], "other": other})
    with pytest.raises(bm.IncompatibleModelError, match="no fits"):
        bm.compare({})
