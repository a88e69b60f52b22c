"""Several fits side by side: with weights of one the numbers are ArviZ's."""

from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brute
from scipy.special import logsumexp
from scipy.stats import chi2, lognorm, multivariate_t

import bayesml as bm
from bayesml.results.importance import leave_one_out_by_draws
from bayesml.results.ranking import stacking
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
    theirs = az.loo(trees["nuts"], pointwise=True)
    assert table.loc["nuts", "elpd"] == pytest.approx(theirs.elpd, rel=1e-12)
    assert table.loc["nuts", "pareto_k"] == theirs.pareto_k.max()
    assert np.isnan(table.loc["exact", "pareto_k"])
    shown = repr(bm.compare(fits)).splitlines()
    line = next(line for line in shown if line.startswith("narrow"))
    assert line.split().count("exact") == 2  # of its kind, and in the place of k̂


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
    assert table.loc["exact", ["elpd_diff", "dse", "weight"]].tolist() == [0.0, 0.0, 1.0]


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


def test_fits_of_other_rows_are_refused(fits: dict[str, bm.Fit], data: bm.Data) -> None:
    exact = fits["exact"]
    X, y = np.asarray(data.X), np.asarray(data.y)
    turned = bm.fit(bm.Model(), bm.Data(X[::-1], y[::-1]))
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=np.full(80, 2.0)))
    moved = bm.fit(bm.Model(), bm.Data(X, y + 1.0))
    updated = bm.fit(bm.Model(), bm.Data(X[:60], y[:60])).update(bm.Data(X[60:], y[60:]))
    continued = bm.fit(bm.Model(), bm.Data(X + 1.0, y + 1.0)).update(data)
    for other, why in (
        (bm.fit(bm.Model(), made(m=79, n=2)), r"'exact' has 80 rows.*'other' 79.*missing values"),
        (turned, "in another order"),
        (weighted, "other weights"),
        (moved, r"name the targets by formulas.*jacobian"),
        (updated, "'other' had learned 60 rows before the 20 that it holds"),
        (continued, "'other' had learned 80 rows before"),
        (bm.fit(bm.Model(), data.summarised()), "not in memory"),
    ):
        with pytest.raises(bm.DataError, match=f"(?s)'exact': 80 rows of y.*{why}"):
            bm.compare({"exact": exact, "other": other})
    with pytest.raises(bm.IncompatibleModelError, match="no fits"):
        bm.compare({})
    with pytest.raises(bm.IncompatibleModelError, match="jacobian is of 'b'"):
        bm.compare({"exact": exact}, jacobian={"b": np.zeros(80)})


def test_dropped_rows_are_refused_and_streams_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(50, 3)), columns=["y", "a", "b"])
    frame.to_parquet(tmp_path / "rows.parquet")

    def streamed(formula: str) -> bm.Fit:
        data = bm.Data.from_parquet(tmp_path / "rows.parquet", formula, progress=False)
        return bm.fit(bm.Model(), data)

    files = bm.compare({k: streamed(f"y ~ {k}") for k in ("a", "b")})
    memory = bm.compare(
        {k: bm.fit(bm.Model(), bm.Data.from_formula(f"y ~ {k}", frame)) for k in ("a", "b")}
    )
    columns = ["log_evidence", "elpd", "se", "elpd_diff", "dse"]
    pd.testing.assert_frame_equal(files.table[columns], memory.table[columns])
    frame.loc[[3, 9], "b"] = np.nan
    with pytest.warns(bm.DataWarning, match="dropped 2"):
        fewer = bm.Data.from_formula("y ~ b", frame, missing="drop")
    with pytest.raises(bm.DataError, match=r"'a' has 50 rows.*'b' 48.*drop them from the frame"):
        bm.compare({"a": memory.fits["a"], "b": bm.fit(bm.Model(), fewer)})


W = np.array([0.0, 1.0, 2.0, 3.0])


def weighted_and_repeated(method: bm.NUTS | None) -> tuple[bm.Comparison, bm.Comparison]:
    rng = np.random.default_rng(8)
    X, w = rng.normal(size=(40, 2)), W[rng.integers(4, size=40)]
    y, times = X[:, 0] + rng.normal(size=40), w.astype(int)
    weighted = bm.Data(X, y, observation_weights=w)
    repeated = bm.Data(np.repeat(X, times, axis=0), np.repeat(y, times))
    models = {"wide": bm.Model(), "narrow": bm.Model(prior=bm.Independent(bm.Normal(0, 0.3)))}
    found = [
        bm.compare({k: bm.fit(model, each, method, rng=5) for k, model in models.items()})
        for each in (weighted, repeated)
    ]
    return found[0], found[1]


def test_a_weight_is_the_row_repeated() -> None:
    weighted, repeated = (each.leave_one_out for each in weighted_and_repeated(None))
    for column in ("elpd", "se", "elpd_diff", "dse", "weight"):
        np.testing.assert_allclose(weighted[column], repeated[column], rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Estimated shape", "ignore::bayesml.ApproximationWarning")
def test_a_weight_is_the_row_repeated_in_draws() -> None:
    weighted, repeated = weighted_and_repeated(
        bm.NUTS(draws=500, tune=250, chains=2, progress=False)
    )
    one, other = weighted.leave_one_out, repeated.leave_one_out
    for label in ("wide", "narrow"):
        error = 4 * np.hypot(one.loc[label, "mcse"], other.loc[label, "mcse"])
        assert abs(one.loc[label, "elpd"] - other.loc[label, "elpd"]) < error < 1.0
        theirs = az.loo(repeated.fits[label].to_datatree(log_likelihood=True))
        assert other.loc[label, "elpd"] == pytest.approx(theirs.elpd, rel=1e-12)
        assert one.loc[label, "se"] == pytest.approx(theirs.se, rel=0.02)
    tree = weighted.fits["wide"].to_datatree(log_likelihood=True, posterior_predictive=True)
    there = np.flatnonzero(weighted.fits["wide"].data.row_weights)
    for group in ("log_likelihood", "observed_data", "posterior_predictive", "constant_data"):
        np.testing.assert_array_equal(tree[group]["observation"], there)
    assert np.isfinite(az.loo(tree).elpd)
    assert az.loo_pit(tree)["y"].size == len(there)


@pytest.mark.filterwarnings("ignore::bayesml.ApproximationWarning")
@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_one_copy_is_left_out_or_all_there_is(weight: float) -> None:
    """A refit with the row's weight less by one copy, c = min(w, 1), predicts it."""
    data = made(m=25, n=1)
    X, y, w = np.asarray(data.X), np.asarray(data.y), np.ones(25)
    w[4] = weight
    model = bm.Model(
        bm.Linear(), bm.Gaussian(sigma=bm.HalfNormal(2.0)), bm.Independent(bm.Normal(0, 3))
    )
    fit = bm.fit(
        model,
        bm.Data(X, y, observation_weights=w),
        bm.NUTS(draws=1000, tune=250, chains=2, progress=False),
        rng=1,
    )
    left = w.copy()
    left[4] -= min(weight, 1.0)
    fixed = bm.Model(bm.Linear(), model.likelihood, fit.resolved.prior)
    refit = bm.fit(fixed, bm.Data(X, y, observation_weights=left))
    found = leave_one_out_by_draws(fit)
    expected = refit.predict(X[4:5]).log_prob(y[4:5])[0]
    assert found.log_density[4] == pytest.approx(expected, abs=0.02)


@pytest.mark.filterwarnings("ignore::bayesml.ApproximationWarning")
@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # few draws
def test_draws_of_one_posterior_tie_with_it() -> None:
    """And their error is what other seeds make of it."""
    data = made(m=60, n=2)
    exact = bm.fit(bm.Model(), data)
    found, errors = [], []
    away = []
    how = bm.NUTS(draws=400, tune=200, chains=2, progress=False)
    for seed in range(7):
        nuts = bm.fit(bm.Model(), data, how, rng=seed)
        table = bm.compare({"nuts": nuts, "exact": exact}).table
        difference = table["elpd_diff"].min()
        other = table.index[1]
        assert table["verdict"].loc[other].startswith("tied")
        away.append(difference / table.loc["nuts", "mcse"])
        found.append(table.loc["nuts", "elpd"])
        errors.append(table.loc["nuts", "mcse"])
    assert np.std(found, ddof=1) == pytest.approx(np.mean(errors), rel=0.6)
    assert np.mean(found) == pytest.approx(exact.leave_one_out().elpd, abs=np.mean(errors))
    assert np.sum(np.square(away)) < chi2(len(away)).ppf(0.999), away


def test_a_worse_model_is_worse(data: bm.Data) -> None:
    fits = {"right": bm.fit(bm.Model(), data), "wrong": bm.fit(conjugate(0.01), data)}
    assert bm.compare(fits).table.loc["wrong", "verdict"] == "worse"


def test_rows_that_decide_the_posterior_are_named() -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 1)), rng.normal(size=30)
    X[7], y[7] = 12.0, -9.0
    fit = bm.fit(bm.Model(), bm.Data(X, y), bm.NUTS(draws=500, progress=False), rng=1)
    result = bm.compare({"nuts": fit})
    with pytest.warns(bm.ApproximationWarning, match=r"'nuts'.*for 1 of 30 rows.*row 7 \(") as told:
        table = result.table
    assert told[0].filename == __file__
    assert table.loc["nuts", "pareto_k"] > 0.7


def test_stacking_is_the_best_mixture(rng: np.random.Generator) -> None:
    log_densities = rng.normal(size=(60, 2)) - 800.0
    weights = rng.integers(1, 4, size=60).astype(float)
    shares = stacking(log_densities, weights)

    def loss(share: np.ndarray) -> float:
        mixture = np.log([share[0], 1.0 - share[0]])
        return -float(weights @ logsumexp(log_densities + mixture, axis=1))

    assert shares[0] == pytest.approx(brute(loss, [(1e-6, 1 - 1e-6)], Ns=200)[0], abs=1e-4)
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(stacking(log_densities[:, [0, 0]], weights), 0.5)


TRANSFORMED = {
    "np.log(y)": lambda y: 1 / y,
    "np.log1p(y)": lambda y: 1 / (1 + y),
    "log2(y)": lambda y: 1 / (y * np.log(2)),
    "np.log10(y)": lambda y: 1 / (y * np.log(10)),
    "np.sqrt(y)": lambda y: 0.5 / np.sqrt(y),
    "np.cbrt(y)": lambda y: y ** (-2 / 3) / 3,
    "exp(y)": np.exp,
    "np.expm1(y)": np.exp,
}


def positive(m: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(6)
    x = rng.normal(size=m)
    y = np.exp(0.5 * x + 0.4 * rng.normal(size=m))
    return pd.DataFrame({"x": x, "y": y, "w": rng.integers(0, 3, size=m).astype(float)})


@pytest.mark.parametrize("target", TRANSFORMED)
def test_densities_of_a_transformation_become_those_of_y(target: str) -> None:
    frame = positive()
    w, y = frame["w"].to_numpy(), frame["y"].to_numpy()
    fits = {
        name: bm.fit(
            bm.Model(),
            bm.Data.from_formula(f"{name} ~ x", frame[["x", "y"]], observation_weights=w),
        )
        for name in ("y", target)
    }
    result = bm.compare(fits)
    added = float(w @ np.log(TRANSFORMED[target](y)))
    table = result.table
    assert table.loc[target, "log_jacobian"] == pytest.approx(added, rel=1e-9)
    assert table.loc["y", "log_jacobian"] == 0.0
    for name, extra in (("y", 0.0), (target, added)):
        loo = fits[name].leave_one_out()
        assert table.loc[name, "elpd"] == pytest.approx(loo.elpd + extra, rel=1e-9)
        assert table.loc[name, "log_evidence"] == pytest.approx(fits[name].log_evidence + extra)
    factors = result.log_bayes_factors()
    expected = fits["y"].log_evidence - fits[target].log_evidence - added
    assert factors.loc["y", target] == pytest.approx(expected, rel=1e-9)
    assert "are of y; log_jacobian" in repr(result)
    stated = bm.compare(
        {"y": fits["y"], "z": fits[target]}, jacobian={"z": np.log(TRANSFORMED[target](y))}
    )
    np.testing.assert_allclose(stated.table["elpd"], table["elpd"])


def test_the_density_of_y_is_lognormal() -> None:
    """σ known and β all but: the model of log(y) is lognormal in y, row by row."""
    frame = positive()
    sharp = bm.Independent(bm.Normal(0.5, 1e-6), bm.Normal(0.0, 1e-6), intercept_origin="original")
    model = bm.Model(bm.Linear(), bm.Gaussian(sigma=0.4), sharp)
    fits = {
        name: bm.fit(model, bm.Data.from_formula(f"{name} ~ x", frame)) for name in ("y", "log(y)")
    }
    table = bm.compare(fits).table
    analytic = lognorm(s=0.4, scale=np.exp(0.5 * frame["x"])).logpdf(frame["y"])
    assert table.loc["log(y)", "elpd"] == pytest.approx(analytic.sum(), abs=1e-4)
    assert table.loc["log(y)", "log_evidence"] == pytest.approx(analytic.sum(), abs=1e-4)
    assert table.loc["log(y)", "se"] == pytest.approx(np.sqrt(40) * analytic.std(), rel=1e-6)


def test_fits_of_one_transformation_are_compared_as_they_are() -> None:
    frame = positive().assign(z=positive()["y"] + 1.0)
    logs = {f: bm.fit(bm.Model(), bm.Data.from_formula(f, frame)) for f in ("log(y)~x", "log(y)~1")}
    assert "log_jacobian" not in bm.compare(logs).table
    both = {"log": logs["log(y)~x"]} | {
        name: bm.fit(bm.Model(), bm.Data.from_formula(f"{name} ~ x", frame))
        for name in ("np.sqrt(y)", "z", "I(y / 2)")
    }
    roots = bm.compare({k: both[k] for k in ("log", "np.sqrt(y)")}).table
    assert (roots["log_jacobian"] != 0).all()
    for other in ("z", "I(y / 2)"):
        with pytest.raises(bm.DataError, match="other targets than 'log'"):
            bm.compare({"log": both["log"], "other": both[other]})
    with pytest.raises(bm.DataError, match=r"jacobian of 'z' has shape \(3,\)"):
        bm.compare({"z": both["z"]}, jacobian={"z": np.zeros(3)})
    frame.loc[5, "y"] = 0.0
    fits = {
        name: bm.fit(bm.Model(), bm.Data.from_formula(f"{name} ~ x", frame))
        for name in ("y", "np.sqrt(y)")
    }
    with pytest.raises(bm.DataError, match=r"derivative of np.sqrt\(y\) is not finite in row 5"):
        bm.compare(fits)


def test_fits_of_summaries_have_evidence_only(data: bm.Data) -> None:
    summary = data.summarised()
    fits = {name: bm.fit(conjugate(s), summary) for name, s in (("wide", 3.0), ("tight", 0.01))}
    result = bm.compare(fits)
    assert result.table["elpd"].isna().all()
    assert result.log_bayes_factors().loc["wide", "tight"] == pytest.approx(
        closed_form(data, 3.0) - closed_form(data, 0.01), abs=1e-8
    )
