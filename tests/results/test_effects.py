"""Effects against matrix algebra, Student-t laws, statsmodels' delta method, and draws by hand."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from arviz_stats.base import array_stats
from scipy import stats

import bayesml as bm
from bayesml.posteriors.combination import DrawnLaw
from bayesml.results.effects.expression import read

FX = bm.effects
FLAT = bm.Independent(bm.Flat(), bm.Flat())


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Unbalanced cells, levels in an order of their own."""
    rng = np.random.default_rng(7)
    g = pd.Categorical(rng.choice(["low", "mid", "high"], 90, p=[0.2, 0.5, 0.3]))
    frame = pd.DataFrame(
        {
            "x": rng.normal(2.0, 1.5, 90),
            "g": g.set_categories(["low", "mid", "high"], ordered=True),
            "h": rng.choice(["p", "q"], 90, p=[0.7, 0.3]),
        }
    )
    frame["y"] = 1.0 + frame["x"] * (1 + (frame["g"] == "high")) + 2.0 * (frame["h"] == "q")
    frame["y"] += rng.normal(size=90)
    return frame


@pytest.fixture(scope="module")
def fit(frame: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(prior=FLAT), bm.Data.from_formula("y ~ x * g + h", frame), rng=1)


@pytest.fixture(scope="module")
def binary() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x, g = rng.normal(size=1500), rng.choice(["a", "b", "c"], 1500)
    p = 1 / (1 + np.exp(-(0.3 + 0.8 * x - 0.7 * (g == "b"))))
    return pd.DataFrame({"x": x, "g": g, "y": (rng.random(1500) < p).astype(float)})


@pytest.fixture(scope="module")
def logistic(binary: pd.DataFrame) -> bm.Fit:
    data = bm.Data.from_formula("y ~ x + g", binary)
    return bm.fit(bm.Model(likelihood=bm.Bernoulli(), prior=FLAT), data, bm.Laplace(), rng=1)


def dense(fit: bm.Fit, frame: pd.DataFrame) -> np.ndarray:
    X = fit.design.matrix(frame)
    return np.column_stack([np.ones(len(X)), X])


def covariance_of(fit: bm.Fit) -> np.ndarray:
    """Under flat priors E[σ²] (A'A)⁻¹, the intercept first."""
    A = np.column_stack([np.ones(fit.data.m), fit.data.X])
    noise = fit.predict(fit.data.columns and _own(fit)).aleatoric_sd[0] ** 2
    return noise * np.linalg.inv(A.T @ A)


def _own(fit: bm.Fit) -> dict[str, Any]:
    from bayesml.results.columns import training_columns

    return {n: v.tolist() for n, v in training_columns(fit.data).items()}


def test_marginal_means_are_those_of_a_balanced_grid(fit: bm.Fit, frame: pd.DataFrame) -> None:
    """As R's emmeans: L b with L the mean of the reference grid's rows, joint covariance L V L'."""
    grid = pd.DataFrame(
        [(g, h) for g in ["low", "mid", "high"] for h in ["p", "q"]], columns=["g", "h"]
    ).assign(x=frame["x"].mean())
    A = dense(fit, grid)
    L = np.array([A[grid["g"] == g].mean(axis=0) for g in ["low", "mid", "high"]])
    own = dense(fit, frame)
    b = np.linalg.lstsq(own, frame["y"], rcond=None)[0]
    found = fit.predictions(by="g", grid=FX.Balanced())
    assert found.labels == {"g": ("low", "mid", "high")}
    np.testing.assert_allclose(found.mean, L @ b, rtol=1e-10)
    V = L @ covariance_of(fit) @ L.T
    np.testing.assert_allclose(found.covariance, V, rtol=1e-7)
    pairs = found.pairwise()
    D = np.array([[-1, 1, 0], [-1, 0, 1], [0, -1, 1]])
    assert pairs.labels["contrast"] == ("mid − low", "high − low", "high − mid")
    np.testing.assert_allclose(pairs.mean, D @ L @ b, rtol=1e-9)
    np.testing.assert_allclose(pairs.covariance, D @ V @ D.T, rtol=1e-6)


def test_averages_and_comparisons_of_rows_are_linear(fit: bm.Fit, frame: pd.DataFrame) -> None:
    b = np.linalg.lstsq(dense(fit, frame), frame["y"], rcond=None)[0]
    cells = fit.predictions(by=["g", "h"])
    assert cells.names[:2] == ("low, p", "low, q")
    inside = (frame["g"] == "mid") & (frame["h"] == "q")
    truth = dense(fit, frame[inside]).mean(axis=0) @ b
    assert cells.mean[cells.names.index("mid, q")] == pytest.approx(truth, rel=1e-10)
    moved = fit.predictions(at={"x": (0, 5.5), "g": "high"}, by="h")
    row = frame[frame["h"] == "q"].assign(x=5.5, g="high")
    assert moved.names[3] == "5.5, high, q"
    assert moved.mean[3] == pytest.approx(dense(fit, row).mean(axis=0) @ b, rel=1e-10)
    both = fit.comparisons({"x": (1, 3), "h": ("p", "q")})
    assert both.labels["contrast"] == ("3 − 1, q − p",)
    low, high = frame.assign(x=1.0, h="p"), frame.assign(x=3.0, h="q")
    a = dense(fit, high).mean(axis=0) - dense(fit, low).mean(axis=0)
    assert both.mean[0] == pytest.approx(a @ b, rel=1e-10)
    assert both.sd[0] == pytest.approx(np.sqrt(a @ covariance_of(fit) @ a), rel=1e-8)
    step, slope = fit.comparisons({"x": -2.0}, by="g"), fit.slopes("x", by="g")
    assert step.labels["contrast"] == ("−2",) * 3
    np.testing.assert_allclose(step.mean, -2.0 * slope.mean, rtol=1e-8)
    assert list(fit.comparisons().labels["term"]) == ["x", "g", "g", "h"]


def test_combinations_of_coefficients_have_their_student_t_law() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20, 2)) + 50.0
    y = X @ [1.0, 0.7] + rng.normal(size=20)
    prior = bm.NormalInverseGamma(0.0, 3.0, shape=2.0, rate=1.5, intercept_scale=100.0)
    fit = bm.fit(bm.Model(prior=prior), bm.Data(X, y, feature_names=["x", "z"]), rng=1)
    table, draws = fit.summary(), fit.draws(4, 5000)["weights"].reshape(-1, 2)
    df = 2.0 * fit.learned.posterior.shape
    one = fit.hypothesis("x = z")
    assert one.law.how == "exact"
    mean = table.loc["weights[x]", "mean"] - table.loc["weights[z]", "mean"]
    assert one.mean[0] == pytest.approx(mean, rel=1e-10)
    law = stats.t(df, mean, one.sd[0] * np.sqrt((df - 2) / df))
    assert one.exceedance(0.1)[0] == pytest.approx(law.sf(0.1), rel=1e-9)
    assert one.quantile(0.07)[0] == pytest.approx(law.ppf(0.07), rel=1e-8)
    assert one.direction()[0] == pytest.approx(max(law.sf(0), law.cdf(0)), rel=1e-9)
    assert one.inside(-0.1, 0.2)[0] == pytest.approx(law.cdf(0.2) - law.cdf(-0.1), rel=1e-8)
    difference = draws[:, 0] - draws[:, 1]
    assert one.sd[0] == pytest.approx(difference.std(), rel=0.03)
    sampled = one.sample(20_000, rng=2)[:, 0]
    assert stats.kstest(sampled, law.cdf).pvalue > 0.001


def test_statements_with_sigma_and_powers_are_by_draws(fit: bm.Fit) -> None:
    several = fit.hypothesis(["x = 1", "x / sigma > 1"])
    assert "draws" in several.law.how
    exact = fit.hypothesis("x = 1")
    assert abs(several.mean[0] - exact.mean[0]) < 5 * several.mcse[0]
    assert several.sd[0] == pytest.approx(exact.sd[0], rel=0.05)
    assert fit.hypothesis("sigma = 2").mean[0] == pytest.approx(
        fit.summary().loc["sigma", "mean"] - 2.0, rel=0.02
    )


@pytest.mark.parametrize(
    "text",
    ["a = b", "2 * a - b / 4 = 1 - c", "-(a + b) * 2", "a * 3 > sqrt(4) * b", "`b` - 2 ** 3 = a"],
)
def test_linear_statements_are_read_as_such(text: str) -> None:
    known = {"a": 0, "b": 1, "c": 2}
    one = read(text, known, 3)
    assert one.linear is not None
    values = np.random.default_rng(1).normal(size=(3, 7))
    left, right = (*text.replace("`", "").replace(">", "=").split("="), "0")[:2]
    names = {"sqrt": np.sqrt, **dict(zip("abc", values, strict=True))}
    by_python = eval(left, names) - eval(right, names)
    np.testing.assert_allclose(one.evaluate(values), by_python, rtol=1e-13)
    np.testing.assert_allclose(one.linear[0] @ values + one.linear[1], by_python, rtol=1e-13)


@pytest.mark.parametrize("text", ["a * b", "a / b = 1", "1 / a", "exp(a)", "a ** 2", "2 ** a"])
def test_other_statements_are_functions_of_draws(text: str) -> None:
    one = read(text, {"a": 0, "b": 1}, 2)
    assert one.linear is None
    a, b = values = np.random.default_rng(1).uniform(1.0, 2.0, (2, 5))
    by_python = eval(text.replace("= 1", "- 1"), {"a": a, "b": b, "exp": np.exp})
    np.testing.assert_allclose(one.finite(values), by_python, rtol=1e-13)


def test_slopes_and_errors_are_those_of_the_delta_method(
    logistic: bm.Fit, binary: pd.DataFrame
) -> None:
    """At 1,500 rows the posterior is normal, and its sd statsmodels' delta-method error."""
    A = dense(logistic, binary)
    theirs = sm.Logit(binary["y"], A).fit(disp=0)
    margins = theirs.get_margeff(at="overall", method="dydx")
    found = logistic.slopes("x")
    error = margins.margeff_se[-1]  # x is the last column of the formula's design
    names = list(logistic.data.feature_names)
    k = names.index("x")
    error = margins.margeff_se[k]
    assert found.mean[0] == pytest.approx(margins.margeff[k], abs=0.1 * error)
    assert found.sd[0] == pytest.approx(error, rel=0.06)
    low, high = (dense(logistic, binary.assign(g=g)) for g in "ab")
    p0, p1 = theirs.predict(low), theirs.predict(high)
    gradient = (p1 * (1 - p1)) @ high / len(high) - (p0 * (1 - p0)) @ low / len(low)
    delta = logistic.comparisons({"g": ("a", "b")})
    expected = np.sqrt(gradient @ theirs.cov_params() @ gradient)
    assert delta.mean[0] == pytest.approx(np.mean(p1 - p0), abs=0.1 * expected)
    assert delta.sd[0] == pytest.approx(expected, rel=0.06)


def test_the_odds_ratio_at_a_row_is_the_exponential_of_the_coefficient(logistic: bm.Fit) -> None:
    for at in ({"x": -1.0, "g": "c"}, {"x": 0.5, "g": "a"}):
        odds = logistic.comparisons("x", FX.OddsRatio(), at={"g": at["g"]}, grid=FX.Typical())
        coefficient = logistic.hypothesis("exp(x) = 0")
        np.testing.assert_allclose(odds.law.values, coefficient.law.values, rtol=1e-9)
    logs = logistic.comparisons("x", link=True)
    np.testing.assert_allclose(np.exp(logs.law.values), odds.law.values, rtol=1e-9)
    assert odds.null == 1.0
    assert odds.direction()[0] > 0.999
    averaged = logistic.comparisons("x", FX.OddsRatio())
    assert 1.0 < averaged.mean[0] < odds.mean[0]


def test_a_point_estimate_states_no_uncertainty(binary: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ x + g", binary)
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    odds = fit.comparisons("x", FX.OddsRatio(), grid=FX.Typical())
    b = fit.summary().loc["weights[x]", "mean"]
    assert odds.mean[0] == pytest.approx(np.exp(b), rel=1e-9)
    assert list(odds.summary().columns) == ["term", "contrast", "mean"]
    assert "no uncertainty" in repr(odds)
    ratio = fit.comparisons({"g": ("a", "b")}, FX.Ratio())
    p = fit.predictions(at="g").mean
    assert ratio.mean[0] == pytest.approx(p[1] / p[0], rel=1e-12)


def test_every_class_has_a_row(binary: pd.DataFrame) -> None:
    rows = binary[:300].assign(k=np.random.default_rng(2).choice(["u", "v", "w"], 300))
    data = bm.Data.from_formula("k ~ x", rows)
    fit = bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.Laplace(), rng=1)
    p = fit.predictions()
    assert p.labels == {"class": ("u", "v", "w")}
    assert p.mean.sum() == pytest.approx(1.0, rel=1e-12)
    shares = rows["k"].value_counts(normalize=True).sort_index()
    assert np.all(abs(p.mean - shares.to_numpy()) < 0.02)
    slope = fit.slopes("x")
    assert slope.labels == {"class": ("u", "v", "w"), "slope": ("x",) * 3}
    assert slope.mean.sum() == pytest.approx(0.0, abs=1e-8)
    assert fit.comparisons(link=True).labels["class"] == ("v", "w")


def test_successes_are_shares_and_quantiles_are_quantiles() -> None:
    rng = np.random.default_rng(4)
    n, x = rng.integers(1, 30, 200), rng.normal(size=200)
    y = rng.binomial(n, 1 / (1 + np.exp(-x)))
    rows = pd.DataFrame({"y": y, "n": n, "x": x})
    data = bm.Data.from_formula("y | trials(n) ~ x", rows)
    fit = bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MAP())
    b = fit.summary()["mean"].to_numpy()
    p = 1 / (1 + np.exp(-(b[0] + b[1] * x)))
    assert fit.predictions().mean[0] == pytest.approx(p.mean(), rel=1e-10)
    assert fit.comparisons().labels["term"] == ("x",)  # n is known of every row, and no feature
    assert fit.slopes("x").mean[0] == pytest.approx(b[1] * np.mean(p * (1 - p)), rel=1e-6)
    upper = bm.fit(
        bm.Model(likelihood=bm.AsymmetricLaplace(0.9)),
        bm.Data(x[:, None], 2 * x + rng.exponential(size=200)),
        bm.MLE(),
    )
    assert upper.predictions(at={"x0": 0}).mean[0] == pytest.approx(
        upper.summary()["mean"].iloc[0], rel=1e-10
    )


def test_a_heavy_tail_has_a_centre_where_it_has_no_mean(frame: pd.DataFrame) -> None:
    """Some draws have no mean: E[y] is η where it exists, and so it is there too."""
    rows = frame.assign(y=frame["x"] + np.random.default_rng(6).standard_cauchy(90))
    data = bm.Data.from_formula("y ~ x", rows)
    fit = bm.fit(bm.Model(likelihood=bm.StudentT(df=bm.Gamma(2.0, 0.1))), data, bm.Laplace(), rng=1)
    assert np.mean(fit.draws()["df"] < 1) > 0.05
    np.testing.assert_array_equal(fit.predictions().mean, fit.predictions(link=True).mean)
    slope = fit.slopes("x")
    assert slope.mean[0] == pytest.approx(fit.hypothesis("x = 0").mean[0], rel=1e-7)


def test_rows_that_are_gone_are_given_again(frame: pd.DataFrame) -> None:
    data = bm.Data.from_formula("y ~ x", frame)
    fit, gone = bm.fit(bm.Model(), data), bm.fit(bm.Model(), data.summarised())
    with pytest.raises(bm.DataError, match=r"statistics, not in memory: .*grid=frame"):
        gone.predictions()
    one, other = gone.comparisons("x", grid=frame), fit.comparisons("x")
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12)


def test_rows_count_by_their_weights(frame: pd.DataFrame) -> None:
    w = np.arange(90) % 3 * 1.0
    data = bm.Data.from_formula("y ~ x + h", frame, observation_weights=w)
    found = bm.fit(bm.Model(), data, bm.MLE()).predictions(by="h")
    inside = (frame["h"] == "p").to_numpy()
    mean = np.average(frame["y"][inside], weights=w[inside])  # of least squares with h
    assert found.mean[0] == pytest.approx(mean, rel=1e-9)


def test_a_frame_of_ones_own_may_be_parted_by_columns_of_its_own(fit: bm.Fit) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "g": ["low", "mid", "low"], "h": ["p", "p", "q"]})
    rows["town"] = ["Ulm", "Bonn", "Ulm"]
    for grid in (rows, pl.DataFrame(rows), rows.to_dict("list")):
        found = fit.predictions(by="town", grid=grid)
        assert found.labels == {"town": ("Bonn", "Ulm")}
        mu = fit.predict(rows).mean
        np.testing.assert_allclose(found.mean, [mu[1], (mu[0] + mu[2]) / 2], rtol=1e-10)


def test_a_column_without_effect_differs_by_exactly_nothing(frame: pd.DataFrame) -> None:
    prior = bm.Independent(bm.Normal(0, 5), bm.Normal(0, 5))
    data = bm.Data.from_formula("y ~ x + I(0 * z)", frame.assign(z=frame["x"] ** 2))
    fit = bm.fit(bm.Model(prior=prior), data)
    none = fit.comparisons("z")
    assert none.mean[0] == none.sd[0] == none.exceedance(0.0)[0] == 0.0
    assert none.inside(0.0, 0.0)[0] == 1.0
    assert fit.slopes("z").mean[0] == 0.0
    assert none.interval() == (0.0, 0.0)


def test_monte_carlo_errors_know_that_draws_are_dependent() -> None:
    rng = np.random.default_rng(8)
    noise = rng.normal(size=(1, 4, 2000))
    chains = np.zeros_like(noise)
    for k in range(1, 2000):
        chains[..., k] = 0.9 * chains[..., k - 1] + noise[..., k]
    law = DrawnLaw(chains, False)
    assert law.mcse is not None
    assert law.mcse[0] == pytest.approx(array_stats.mcse(chains[0], method="mean"))
    assert law.mcse[0] > 3 * DrawnLaw(chains, True).mcse[0]
    twice = law.combine(np.array([[2.0]]), 1.0)
    assert twice.mcse[0] == pytest.approx(2 * law.mcse[0])
    assert twice.mean[0] == pytest.approx(2 * law.mean[0] + 1.0)


def test_pairs_share_what_they_are_within(fit: bm.Fit) -> None:
    pairs = fit.predictions(at=["g"], by="h").pairwise(within="h")
    assert set(pairs.labels["h"]) == {"p", "q"}
    assert len(pairs) == 6
    ratio = fit.predictions(at="h").pairwise(FX.Ratio())
    assert ratio.labels["contrast"] == ("q / p",)
    p, q = fit.predictions(at="h").mean
    assert ratio.mean[0] == pytest.approx(q / p, rel=0.02)
    linked = fit.predictions(at="g").hypothesis(["b3 - b2 = b2 - b1", "high > mid"])
    low, mid, high = fit.predictions(at="g").mean
    np.testing.assert_allclose(linked.mean, [high - 2 * mid + low, high - mid], rtol=1e-9)


def test_tables_are_read_in_every_form(fit: bm.Fit) -> None:
    found = fit.comparisons("g")
    frame = found.summary(0.9, rope=(-0.5, 0.5))
    assert list(frame) == [
        "term",
        "contrast",
        "mean",
        "sd",
        "5%",
        "95%",
        "P(> 0)",
        "P(in [-0.5, 0.5])",
    ]
    np.testing.assert_allclose(frame["5%"], found.interval(0.9).lower)
    lines = found.to_markdown().splitlines()
    assert lines[0].split("|")[1:3] == [" term ", " contrast   "]
    assert lines[1].startswith("|------|---")
    assert lines[1].endswith(":|")
    assert len({len(line) for line in lines}) == 1
    assert r"high $-$ low" in found.to_latex()
    assert r"5\%" in found.to_latex()
    assert "<td>high − low</td>" in found._repr_html_()
    assert "P(&gt; 0)" in found._repr_html_()
    assert repr(found).splitlines()[-1] == "exact"


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda f: f.predictions(by="gg"), "predictions: by: .* no column 'gg' .*did you mean 'g'"),
        (lambda f: f.predictions(by="x"), "'x' holds 90 different numbers, too many .*at="),
        (lambda f: f.predictions(at={"g": "hihg"}), "no level 'hihg' .did you mean 'high'"),
        (lambda f: f.predictions(at={"x": "low"}), "'x' holds numbers, and .'low'. are none"),
        (lambda f: f.predictions(at={"x": np.inf}), "finite numbers"),
        (lambda f: f.predictions(at={"x": []}), "no values"),
        (lambda f: f.predictions(grid="typical"), "is no grid"),
        (lambda f: f.predictions(grid={"x": [], "g": [], "h": []}), "the grid has no rows"),
        (lambda f: f.predictions(at=5), "at takes names of columns, got 5"),
        (lambda f: f.predictions(by=[3]), "by takes names of columns"),
        (lambda f: f.predictions(at={"g": None}), "no level None"),
        (lambda f: f.slopes(3), "variables takes names of columns"),
        (lambda f: f.comparisons("g", "ratio"), "contrast must be .*Ratio.., .*got 'ratio'"),
        (lambda f: f.predictions(at="g").pairwise(max), "contrast must be"),
        (lambda f: f.hypothesis(3), "a statement is a text"),
        (lambda f: f.comparisons({}), "moves nothing"),
        (lambda f: f.comparisons("z"), "no column 'z'"),
        (lambda f: f.comparisons({"g": "high"}), "from one value to another"),
        (lambda f: f.comparisons({"g": ("low", "hi")}), "no level 'hi'"),
        (lambda f: f.comparisons("g", FX.OddsRatio()), "OddsRatio.. is of probabilities"),
        (lambda f: f.comparisons("x", FX.Ratio(), at={"x": -9}), "positive at every draw"),
        (lambda f: f.comparisons(FX.Scenarios({}, {}), by="g"), "two scenarios are the grid"),
        (lambda f: f.slopes("g"), "holds levels, which have no slope; use comparisons"),
        (lambda f: f.slopes("xx"), "no column 'xx'"),
        (lambda f: f.hypothesis("y = 0"), "there is no 'y'"),
        (lambda f: f.hypothesis("weights[z] = 0"), "there is no 'weights.z.' .did you mean"),
        (lambda f: f.hypothesis("x = 1 = 2"), "2 signs"),
        (lambda f: f.hypothesis("x +* 1"), "cannot be read"),
        (lambda f: f.hypothesis("log(x - 100) = 0"), "not finite at some draws"),
        (lambda f: f.hypothesis([]), "at least one statement"),
        (lambda f: f.predictions(at="g").pairwise(within="x"), "no label 'x'"),
        (lambda f: f.predictions().pairwise(), "no two rows"),
        (lambda f: f.predictions().direction(), "give null"),
        (lambda f: f.slopes("x").inside(1, 0), "must not exceed"),
    ],
)
def test_what_cannot_be_asked_is_named(fit: bm.Fit, ask: Any, complaint: str) -> None:
    with pytest.raises(bm.DataError, match=complaint):
        ask(fit)
