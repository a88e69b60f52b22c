"""Bad inputs of groups, line by line: the right number, or a message that says what to do."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import halfnorm, multivariate_normal

import bayesml as bm
from bayesml.data.effect_columns import GroupPart
from bayesml.data.grouped_rows import EffectColumns
from bayesml.data.roles import Group
from bayesml.errors import (
    DataError,
    ImproperPosteriorError,
    IncompatibleModelError,
    RankDeficientError,
    TooLargeError,
)

M = 48
ML, REML = bm.MLE(), bm.MLE(restricted=True)
NUTS = bm.NUTS(draws=60, tune=100, chains=2, progress=False)
POSTERIORS = [bm.Exact(), bm.Auto(), bm.Laplace(), NUTS]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    k, x = np.arange(M) % 6, rng.normal(3.0, 1.0, M)
    y = 1.0 + 0.5 * x + rng.normal(size=6)[k] + 0.5 * rng.normal(size=M)
    names = {"g": [f"g{v}" for v in k], "h": [f"h{v}" for v in (np.arange(M) // 6) % 4]}
    same = {"k": [f"k{v}" for v in k], "row": [f"r{v}" for v in range(M)], "one": "a"}
    return pd.DataFrame({"y": y, "x": x, "w": 2.0 * x, "t": 1.0 * k, **names, **same})


def fit(formula: str, frame: pd.DataFrame, method: Any, model: bm.Model | None = None) -> bm.Fit:
    data = bm.Data.from_formula(formula, frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)  # of few draws
        return bm.fit(model or bm.Model(), data, method, rng=1)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | one)", "y ~ x + (1 | row)"])
def test_what_rows_do_not_tell_the_prior_does(formula: str, frame: pd.DataFrame) -> None:
    """One level, and every row a level of its own: the posterior of dense matrices."""
    factor = formula[-4:-1]
    prior = bm.Hierarchical(
        bm.Independent(bm.Normal(0, 1), bm.Normal(0, 5), "original"),
        groups={factor: bm.GroupEffects(bm.HalfNormal(2.0))},
    )
    model = bm.Model(likelihood=bm.Gaussian(bm.HalfNormal(1.0)), prior=prior)
    A = np.column_stack([np.ones(M), frame["x"]]) @ np.diag([5.0, 1.0])
    Z = np.ones((M, M)) if factor == "one" else np.eye(M)
    at = np.linspace(-4.0, 2.0, 31)
    density = np.add.outer(
        halfnorm(0, 1).logpdf(np.exp(at)) + at, halfnorm(0, 2).logpdf(np.exp(at)) + at
    )
    for i, log_sigma in enumerate(at):
        for j, log_sd in enumerate(at):
            noise = np.exp(2 * log_sigma) * np.eye(M) + np.exp(2 * log_sd) * Z
            density[i, j] += multivariate_normal(np.zeros(M), noise + A @ A.T).logpdf(frame["y"])
    weights = np.exp(density - density.max()) / np.exp(density - density.max()).sum()
    mean = np.array([np.sum(weights.T * np.exp(at)), np.sum(weights * np.exp(at))])
    methods = POSTERIORS if factor == "one" else [bm.Exact(), bm.Auto(), NUTS]
    for method in methods:  # Laplace() is off by a fifth of a standard deviation in the latter
        table = (
            fit(formula, frame, method, model).summary().loc[["sigma", f"sd[{factor}, intercept]"]]
        )
        allowed = 0.03 if method in (bm.Exact(), bm.Auto()) else 0.15
        error = allowed * table["sd"] + 4.5 * table.get("mcse_mean", 0.0)
        assert np.all(np.abs(table["mean"] - mean) < error)


@pytest.mark.parametrize(
    ("formula", "method", "match"),
    [
        ("y ~ x + (1 | row)", ML, r"whatever sd\[row, intercept\] is"),
        ("y ~ x + (1 | one)", REML, r"whatever sd\[one, intercept\] is: the factor has one level"),
        ("y ~ x + (x | one)", REML, r"whatever sd\[one, intercept\] is"),
        ("y ~ x + C(g) + (1 | g)", REML, "columns of the formula tell its levels apart"),
        ("y ~ x + (1 | g) + (1 | k)", ML, "whether effects are of g or of k"),
        ("y ~ x + (1 | g) + (1 | k)", REML, "whether effects are of g or of k"),
        ("y ~ x + (1 | g) + (x | k)", ML, "whether effects are of g or of k"),
        ("y ~ x + (x + w | g)", ML, r"'g\[x\]', 'g\[w\]'\] are linearly dependent"),
    ],
)
def test_scales_that_a_likelihood_does_not_tell_are_named(
    formula: str, method: Any, match: str, frame: pd.DataFrame
) -> None:
    with pytest.raises(RankDeficientError, match=match):
        fit(formula, frame, method)


def test_maximum_likelihood_is_zero_where_columns_or_one_level_leave_nothing(
    frame: pd.DataFrame,
) -> None:
    plain = fit("y ~ x", frame, ML).summary()["mean"]
    one = fit("y ~ x + (1 | one)", frame, ML).summary()["mean"]
    assert one["sd[one, intercept]"] == 0.0
    np.testing.assert_allclose(one[plain.index], plain, rtol=1e-8)
    columns = fit("y ~ x + C(g)", frame, ML).summary()["mean"]
    both = fit("y ~ x + C(g) + (1 | g)", frame, ML).summary()["mean"]
    assert both["sd[g, intercept]"] == 0.0
    np.testing.assert_allclose(both[columns.index], columns, rtol=1e-6)


@pytest.mark.parametrize("method", [bm.Exact(), bm.MAP()], ids=lambda m: type(m).__name__)
def test_two_names_of_one_partition_share_its_variance(method: Any, frame: pd.DataFrame) -> None:
    """Under priors; effects add up to those of the factor alone."""
    table = fit("y ~ x + (1 | g) + (1 | k)", frame, method).summary()["mean"]
    assert table["sd[g, intercept]"] == pytest.approx(table["sd[k, intercept]"], rel=1e-3)


@pytest.mark.parametrize("likelihood", [bm.Bernoulli(), bm.Poisson()], ids=str)
def test_other_likelihoods_name_what_they_do_not_tell(likelihood: Any, frame: pd.DataFrame) -> None:
    counted = frame.assign(y=(frame.y > frame.y.median()) * 1.0)
    model = bm.Model(likelihood=likelihood)
    with pytest.raises(RankDeficientError, match="linearly dependent"):
        fit("y ~ (x + w | g)", counted, ML, model)
    if isinstance(likelihood, bm.Bernoulli):
        with pytest.raises(RankDeficientError, match="of g or of k"):
            fit("y ~ x + (1 | g) + (1 | k)", counted, ML, model)


@pytest.mark.parametrize(
    "method", [bm.Exact(), ML, REML, bm.MAP(), NUTS, bm.Auto()], ids=lambda m: repr(m)[:20]
)
def test_effects_that_explain_every_row_leave_no_posterior(
    method: Any, frame: pd.DataFrame
) -> None:
    exact = frame.assign(y=0.5 * frame.x + frame.t)
    with pytest.raises(ImproperPosteriorError, match=r"explain every row.*σ"):
        fit("y ~ x + (1 | g)", exact, method)


def test_columns_that_explain_every_row(frame: pd.DataFrame) -> None:
    constant = frame.assign(y=2.0)
    with pytest.raises(DataError, match="The target is constant"):
        fit("y ~ x + (1 | g)", constant, bm.Exact())
    for method in (ML, REML):
        with pytest.raises(ImproperPosteriorError, match="highest at σ = 0"):
            fit("y ~ x + (1 | g)", constant, method)
    line = frame.assign(y=1.0 + 0.5 * frame.x)
    with pytest.raises(ImproperPosteriorError, match=r"σ is improper: .* towards zero, since col"):
        fit("y ~ x + (1 | g)", line, bm.Exact())


def test_more_columns_than_rows_are_those_of_dense_matrices() -> None:
    rng = np.random.default_rng(1)
    X, g = rng.normal(size=(10, 14)), np.arange(10) % 3
    rows = pd.DataFrame(X, columns=[f"x{j}" for j in range(14)]).assign(g=g)
    rows["y"] = X[:, 0] + rng.normal(size=10)
    prior = bm.Hierarchical(
        bm.Independent(bm.Normal(0, 1), bm.Normal(0, 5), "original"),
        groups={"g": bm.GroupEffects(bm.HalfNormal(2.0))},
    )
    model = bm.Model(likelihood=bm.Gaussian(bm.HalfNormal(1.0)), prior=prior)
    formula = f"y ~ {' + '.join(rows.columns[:14])} + (1 | g)"
    found = fit(formula, rows, bm.Exact(), model)
    A = np.column_stack([np.ones(10), X])
    at, prior_sd = np.linspace(-6.0, 2.5, 43), np.array([25.0, *np.ones(14)])
    density, means = np.empty((43, 43)), np.empty((43, 43, 15))
    for i, log_sigma in enumerate(at):
        for j, log_sd in enumerate(at):
            V = np.exp(2 * log_sigma) * np.eye(10) + np.exp(2 * log_sd) * (g[:, None] == g)
            V = V + (A * prior_sd) @ A.T
            density[i, j] = multivariate_normal(np.zeros(10), V).logpdf(rows["y"])
            density[i, j] += log_sigma + log_sd
            means[i, j] = prior_sd * (A.T @ np.linalg.solve(V, rows["y"]))
    density += halfnorm(0, 1).logpdf(np.exp(at))[:, None] + halfnorm(0, 2).logpdf(np.exp(at))
    weights = np.exp(density - density.max())
    log_evidence = density.max() + np.log(weights.sum() * (at[1] - at[0]) ** 2)
    mean = np.einsum("ij,ijk->k", weights / weights.sum(), means)
    assert found.log_evidence == pytest.approx(log_evidence, abs=0.02)
    table = found.summary()
    assert np.all(np.abs(table["mean"].iloc[:15] - mean) < 0.01 * table["sd"].iloc[:15])
    with pytest.raises(ImproperPosteriorError, match="no mode"):
        fit(formula, rows, bm.MAP(), model)


@pytest.mark.parametrize(
    ("formula", "changed", "match"),
    [
        ("y ~ x + (1 | g)", {"g": None}, r"missing values in row 4 \(missing by column: g: 1\)"),
        ("y ~ (x | g)", {"x": np.nan}, r"missing values in row 4 \(missing by column: x: 1\)"),
        ("y ~ (x | g)", {"x": np.inf}, r"'x' has 1 value that is not finite: inf in row 4"),
        ("y ~ x + (1 | y)", {}, "'y' is on both sides"),
        ("y ~ x + (x | g) + (x | g)", {}, "effects of 'g' have 'intercept', 'x' more than once"),
        ("y ~ x + (1 | g) + (x | g)", {}, r"beside \(1 \| g\), \(0 \+ x \| g\) has none"),
        ("y ~ x + (1 | x)", {}, r"'x' is a column of the formula and a group: .*\| level_of_x\)"),
    ],
)
def test_columns_and_terms_that_are_wrong_are_named(
    formula: str, changed: dict[str, Any], match: str, frame: pd.DataFrame
) -> None:
    wrong = frame.astype({"g": object})
    for name, value in changed.items():
        wrong.loc[4, name] = value
    with pytest.raises(DataError, match=match):
        bm.Data.from_formula(formula, wrong)


def test_a_slope_that_is_constant_in_every_level_scales_its_effect(frame: pd.DataFrame) -> None:
    """(0 + t | g) at t of the level: effects of sd · t, as by dense matrices."""
    data = bm.Data.from_formula("y ~ x + (0 + t | g)", frame)
    found = bm.fit(bm.Model(), data, ML)
    table = found.summary()["mean"]
    g, t = frame["g"].to_numpy(), frame["t"].to_numpy()
    A = np.column_stack([np.ones(M), frame["x"]]) @ table.iloc[:2].to_numpy()
    V = table["sd[g, t]"] ** 2 * np.outer(t, t) * (g[:, None] == g)
    V = V + table["sigma"] ** 2 * np.eye(M)
    right = multivariate_normal(A, V).logpdf(frame["y"])
    assert found.diagnostics["log_likelihood"] == pytest.approx(right, abs=1e-6)


def test_levels_of_one_row_empty_cells_long_names_and_numbers(frame: pd.DataFrame) -> None:
    lonely = frame.assign(g=np.where(np.arange(M) == 4, "lonely", frame["g"]))
    assert len(fit("y ~ x + (x | g)", lonely, bm.Exact()).effects("g")) == 14
    cells = frame[~((frame.g == "g1") & (frame.h == "h2"))]
    nested = fit("y ~ x + (1 | g/h)", cells, bm.Exact())
    crossed = fit("y ~ x + (1 | g) + (1 | g:h)", cells, bm.Exact())
    np.testing.assert_allclose(nested.summary(), crossed.summary(), rtol=1e-10)
    assert len(nested.effects("g:h")) == len(cells[["g", "h"]].drop_duplicates())
    plain = fit("y ~ x + (1 | g)", frame, bm.Exact()).summary()
    for other in (frame["g"] * 300, frame["t"], frame["t"].astype(int), frame["t"] + 0.5):
        again = fit("y ~ x + (1 | g)", frame.assign(g=other), bm.Exact())
        np.testing.assert_allclose(again.summary(), plain, rtol=1e-8)


@pytest.mark.parametrize("method", [bm.Exact(), ML], ids=lambda m: type(m).__name__)
def test_levels_of_other_types_at_prediction(method: Any, frame: pd.DataFrame) -> None:
    numbered = frame.assign(g=frame["t"].astype(int))
    found, rows = fit("y ~ x + (1 | g)", numbered, method), numbered.iloc[:3]
    right = found.predict(rows).mean
    for g in (rows.g.astype("int8"), rows.g.astype(float), rows.g.astype(object)):
        np.testing.assert_array_equal(found.predict(rows.assign(g=g)).mean, right)
    categories = rows.assign(g=rows.g.astype("category"))
    np.testing.assert_array_equal(found.predict(categories).mean, right)
    for g, match in (
        (rows.g.astype(str), r"'g' holds text, .* are numbers; turn it into numbers"),
        (rows.g.where([True, False, True]), r"missing values in row 1 \(missing by column: g: 1"),
        (rows.g + 0.5, r"g is '0.5', '1.5', '2.5' in row 0, row 1, row 2, which the training rows"),
    ):
        with pytest.raises(DataError, match=match):
            found.predict(rows.assign(g=g))
    with pytest.raises(DataError, match="missing values in row 1"):
        found.predict(rows.assign(g=rows.g.where([True, False, True])), new_groups=True)


@pytest.mark.parametrize("likelihood", [bm.Gaussian(), bm.Poisson()], ids=str)
def test_new_groups_of_an_estimate_vary_as_estimated(likelihood: Any, frame: pd.DataFrame) -> None:
    model, counts = bm.Model(likelihood=likelihood), frame.assign(y=frame.t + frame.y.round())
    found, rows = fit("y ~ x + (x || g)", counts, ML, model), frame.iloc[:2].assign(g="new")
    new = found.predict(rows, new_groups=True)
    values, x = found.summary()["mean"], rows["x"].to_numpy()
    variance = values["sd[g, intercept]"] ** 2 + values["sd[g, x]"] ** 2 * x**2
    eta = values["intercept"] + values["weights[x]"] * x
    if isinstance(likelihood, bm.Gaussian):
        np.testing.assert_allclose(new.mean, eta, atol=0.15 * np.sqrt(variance).max())
        np.testing.assert_allclose(new.sd**2, variance + values["sigma"] ** 2, rtol=0.15)
    else:
        np.testing.assert_allclose(new.mean, np.exp(eta + 0.5 * variance), rtol=0.15)
    known = found.predict(frame.iloc[:2])
    both = found.predict(pd.concat([frame.iloc[:1], rows]), new_groups=True)
    assert both.mean[0] == pytest.approx(known.mean[0], rel=1e-9)


def test_more_than_fits_in_memory_is_refused_with_the_figure(
    frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = ("intercept", *(f"x{j}" for j in range(20)))
    part = GroupPart(Group("id", terms, (21,)), 3, tuple(map(str, range(10**6))))
    effects = EffectColumns((0, 2), None, None, (23,), (part,), ())
    with pytest.raises(TooLargeError, match=r"1,000,000 levels of id with 21 terms .* 4.2 GB"):
        effects.require_room()
    assert EffectColumns((0, 2), None, None, (23,), (), ()).fit_in_memory
    monkeypatch.setattr("bayesml.arguments.memory", lambda: 1e3)
    for method in (NUTS, bm.Laplace()):
        model = bm.Model(likelihood=bm.Poisson())
        counts = frame.assign(y=frame.t)
        with pytest.raises(TooLargeError, match=r"draws of \d+ parameters take .* GB"):
            fit("y ~ x + (1 | g)", counts, method, model)


def test_rows_of_no_group_are_asked_for_as_such(frame: pd.DataFrame) -> None:
    found = fit("y ~ x + (1 | g)", frame, bm.Exact())
    with pytest.raises(DataError, match="needs the column 'g'"):
        found.predict(frame[["x"]].iloc[:2])
    with pytest.raises(IncompatibleModelError, match="contradict each other"):
        found.predict(frame.iloc[:2], new_groups=True, population=True)
