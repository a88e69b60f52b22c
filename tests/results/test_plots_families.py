"""Pictures of counts, classes, shares and quantiles: what they show, and that they can be read."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesml as bm
from bayesml.results.class_draws import class_probability_draws
from bayesml.results.columns import training_columns, typical
from bayesml.results.plots.frequencies import Rootogram
from tests.pictures import assert_legible, words

CLASSES = ("setosa", "versicolor", "virginica")


@pytest.fixture(scope="module")
def flowers() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=(2, 150))
    y = np.digitize(1.5 * x + rng.logistic(size=150), [-1.0, 1.0])
    place = rng.choice(["hill", "valley"], size=150)
    return pd.DataFrame({"x": x, "z": z, "place": place, "species": np.array(CLASSES)[y]})


@pytest.fixture(scope="module")
def nominal(flowers: pd.DataFrame) -> bm.Fit:
    data = bm.Data.from_formula("species ~ x + z + place", flowers)
    return bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.Laplace(), rng=1)


@pytest.fixture(scope="module")
def ordered(flowers: pd.DataFrame) -> bm.Fit:
    data = bm.Data.from_formula("species ~ x + place", flowers)
    return bm.fit(bm.Model(likelihood=bm.Ordinal()), data, bm.MAP(), rng=1)


@pytest.fixture(scope="module")
def counts() -> bm.Fit:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=200), "t": rng.uniform(1, 9, 200)})
    frame["events"] = rng.poisson(frame["t"] * np.exp(-0.5 + 0.6 * frame["x"]))
    data = bm.Data.from_formula("events ~ x + offset(log(t))", frame)
    return bm.fit(bm.Model(likelihood=bm.Poisson()), data, bm.Laplace(), rng=1)


@pytest.fixture(scope="module")
def zero_one() -> bm.Fit:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=120), "g": rng.choice(["u", "v"], 120)})
    frame["sick"] = np.where(rng.logistic(size=120) < frame["x"], "yes", "no")
    data = bm.Data.from_formula("sick ~ x + g", frame)
    return bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.Laplace(), rng=1)


def trials(*, equal: bool) -> bm.Fit:
    rng = np.random.default_rng(6)
    n = np.full(40, 12) if equal else rng.integers(2, 40, 40)
    frame = pd.DataFrame({"n": n, "x": rng.normal(size=40), "g": rng.choice(["u", "v"], 40)})
    frame["hits"] = rng.binomial(n, 1 / (1 + np.exp(-frame["x"])))
    data = bm.Data.from_formula("hits | trials(n) ~ x + g", frame)
    return bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.Laplace(), rng=1)


@pytest.fixture(scope="module")
def shares() -> bm.Fit:
    return trials(equal=False)


FAMILIES = ["nominal", "ordered", "counts", "zero_one", "shares"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "picture", ["predictive_check", "effect", "predictions", "residuals", "coefficients"]
)
def test_pictures_of_every_family_are_legible(
    family: str, picture: str, request: pytest.FixtureRequest
) -> None:
    figure = getattr(bm.plots, picture)(request.getfixturevalue(family))
    assert_legible(figure)


@pytest.mark.parametrize("family", ["nominal", "ordered", "zero_one"])
def test_reliability_is_legible(family: str, request: pytest.FixtureRequest) -> None:
    fit = request.getfixturevalue(family)
    figure = bm.plots.reliability(fit)
    assert_legible(figure)
    assert len(figure.axes) == (1 if family == "zero_one" else 3)
    said = words(figure).replace("\n", " ")
    assert "learned from, which flatters the fit" in said
    table = bm.calibration(fit, fit.data).reliability()
    assert f"Brier score {table['brier'].sum():.3g}" in said


def test_reliability_draws_the_curve(zero_one: bm.Fit) -> None:
    axes = bm.plots.reliability(zero_one).axes[0]
    curve = axes.lines[-1]
    assert np.all(np.diff(curve.get_ydata()) >= 0)
    p = zero_one.learned.posterior.predict(zero_one.data.X).probabilities[:, 1]
    assert curve.get_xdata() == pytest.approx(np.unique(p))
    assert axes.get_title() == "sick = yes"
    new = pd.DataFrame({"x": [0.1, 0.2, -0.3], "g": ["u", "v", "u"], "sick": ["no", "yes", "no"]})
    assert "3 rows, new to the fit" in words(bm.plots.reliability(zero_one, new))


def test_reliability_of_rows_learned_from_says_what_a_prior_does() -> None:
    rng = np.random.default_rng(2)
    own = bm.Independent(weights=bm.distributions.Normal(0.0, 0.3))
    X = rng.normal(size=(200, 60))
    y = (rng.logistic(size=200) < X @ (0.3 * rng.normal(size=60))).astype(float)
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli(), prior=own), bm.Data(X, y), bm.MAP())
    figure = bm.plots.reliability(fit)
    assert_legible(figure)
    assert "not extreme enough. On rows learned from" in words(figure).replace("\n", " ")


def test_a_rootogram_counts_and_hangs(rng: np.random.Generator) -> None:
    y, replicas = rng.poisson(3.0, 500), rng.poisson(3.0, (4000, 500))
    found = Rootogram.of(y, replicas)
    assert found.observed.sum() == 500
    middle = found.edges[:-1] + 0.5
    expected = 500 * stats.poisson.pmf(middle, 3.0)
    np.testing.assert_allclose(found.expected, expected, atol=4 * np.sqrt(expected.max() / 4000))
    np.testing.assert_allclose(found.hangs, np.sqrt(found.expected) - np.sqrt(found.observed))
    assert found.outside.sum() <= 2
    shifted = Rootogram.of(rng.poisson(4.0, 500), replicas)
    assert shifted.outside.sum() > 3


def test_many_numbers_are_taken_together_but_zero_is_not(rng: np.random.Generator) -> None:
    y = rng.negative_binomial(1, 0.02, 400)
    found = Rootogram.of(y, rng.negative_binomial(1, 0.02, (50, 400)))
    assert found.edges[0] == -0.5
    assert found.edges[1] == 0.5
    widths = np.diff(found.edges)[1:]
    assert len(set(widths)) == 1
    assert widths[0] > 1
    assert found.observed[0] == np.sum(y == 0)
    assert found.edges[-1] > y.max()
    far = Rootogram.of(y + 1000, rng.negative_binomial(1, 0.02, (50, 400)) + 1000)
    assert far.edges[0] > 990


def test_predictive_check_of_classes_shows_shares_and_names(nominal: bm.Fit) -> None:
    axes = bm.plots.predictive_check(nominal).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(CLASSES)
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == pytest.approx(np.bincount(nominal.data.y.astype(int)) / 150)
    assert_legible(axes.figure)


def test_long_names_of_classes_stand_upright() -> None:
    rng = np.random.default_rng(1)
    names = np.array([f"a class of a rather long name, number {k}" for k in range(6)])
    data = bm.Data(rng.normal(size=(90, 1)), names[rng.integers(0, 6, 90)])
    fit = bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MAP())
    assert_legible(bm.plots.predictive_check(fit))
    assert_legible(bm.plots.predictions(fit))


def test_rows_of_some_weight_are_as_many_rows(flowers: pd.DataFrame) -> None:
    w = np.arange(150) % 4
    data = bm.Data.from_formula("species ~ x", flowers, observation_weights=w.astype(float))
    fit = bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MAP())
    figure = bm.plots.predictive_check(fit)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == pytest.approx(np.bincount(data.y.astype(int), w) / w.sum())
    assert f"in {w.sum()} rows" in words(figure)


def test_effect_of_classes_draws_their_probabilities(
    nominal: bm.Fit, flowers: pd.DataFrame
) -> None:
    figure = bm.plots.effect(nominal, "x", probability=0.8)
    axes = figure.axes[0]
    x = np.asarray(axes.lines[0].get_xdata())
    held = {"z": flowers["z"].mean(), "place": flowers["place"].mode()[0]}
    new = pd.DataFrame({"x": x, **held})
    p = nominal.predict(new).probabilities
    for k, line in enumerate(axes.lines):
        assert line.get_ydata() == pytest.approx(p[:, k])
    each = class_probability_draws(nominal, nominal.design.matrix(new))
    low, high = np.quantile(each, (0.1, 0.9), axis=0)
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(low[1].min())
    assert band[:, 1].max() == pytest.approx(high[1].max())
    assert all(name in words(figure) for name in CLASSES)
    assert f"place = {held['place']}" in words(figure)


@pytest.mark.parametrize("term", ["x", "place"])
def test_effect_of_classes_by_a_column_has_a_panel_for_each(nominal: bm.Fit, term: str) -> None:
    by = "place" if term == "x" else None
    figure = bm.plots.effect(nominal, term, by=by)
    assert_legible(figure)
    assert len(figure.axes) == (2 if by else 1)


def test_a_point_estimate_of_classes_has_no_bands(ordered: bm.Fit) -> None:
    figure = bm.plots.effect(ordered, "x")
    assert "Bands" not in words(figure)
    sums = sum(np.asarray(line.get_ydata()) for line in figure.axes[0].lines)
    assert sums == pytest.approx(1.0)


def test_draws_of_probabilities_have_their_mean(nominal: bm.Fit) -> None:
    X = np.asarray(nominal.data.X[:5])
    each = class_probability_draws(nominal, X)
    exact = nominal.learned.posterior.predict(X).probabilities
    np.testing.assert_allclose(each.mean(axis=0).T, exact, atol=0.01)
    np.testing.assert_allclose(each.sum(axis=1), 1.0, rtol=1e-12)


def test_effect_of_zero_and_one_is_a_probability(zero_one: bm.Fit) -> None:
    figure = bm.plots.effect(zero_one, "x")
    axes = figure.axes[0]
    assert axes.get_ylabel() == "probability of sick = yes"
    assert "new observation" not in words(figure)
    points = np.asarray(axes.lines[0].get_ydata())
    assert np.array_equal(np.sort(points > 0.5), np.sort(zero_one.data.y == 1))
    assert np.all((points >= 0) & (points <= 1))


def test_effect_of_counts_multiplies(counts: bm.Fit) -> None:
    """Points of a row without events are at zero, and none below; the offset is held."""
    figure = bm.plots.effect(counts)
    axes = figure.axes[0]
    assert axes.get_xlabel() == "x"
    points = np.asarray(axes.lines[0].get_ydata())
    assert points.min() == 0.0
    assert np.sum(points == 0.0) == np.sum(counts.data.y == 0)
    assert "Held: t = " in words(figure)
    assert "as ratios" in words(figure)


def test_effect_of_successes_is_their_share_where_trials_differ(shares: bm.Fit) -> None:
    figure = bm.plots.effect(shares)
    axes = figure.axes[0]
    points, curve = (np.asarray(line.get_ydata()) for line in axes.lines)
    assert np.all((points >= 0) & (points <= 1))
    assert "trials differ" in words(figure)
    assert "n = " not in words(figure)
    x = np.asarray(axes.lines[1].get_xdata())
    held = typical(training_columns(shares.data))["g"]
    one = shares.predict(pd.DataFrame({"x": x, "g": held, "n": 1}))
    assert curve == pytest.approx(one.mean)
    equal = bm.plots.effect(trials(equal=True))
    assert equal.axes[0].get_ylabel() == "hits"
    assert max(equal.axes[0].lines[0].get_ydata()) <= 12
    assert "n = 12" in words(equal)


def test_effect_of_a_quantile_is_the_quantile() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 4, 400)
    data = bm.Data(x[:, None], 1 + x * (1 + rng.exponential(size=400)), target_name="spent")
    fit = bm.fit(bm.Model(likelihood=bm.AsymmetricLaplace(0.9)), data, bm.MLE())
    figure = bm.plots.effect(fit)
    axes = figure.axes[0]
    points, curve = axes.lines
    assert axes.get_ylabel() == "90 % quantile of spent"
    b, weights = fit.summary()["mean"][["intercept", "weights[x0]"]]
    assert curve.get_ydata() == pytest.approx(b + weights * np.asarray(curve.get_xdata()))
    below = np.mean(points.get_ydata() <= b + weights * np.asarray(points.get_xdata()) + 1e-9)
    assert below == pytest.approx(0.9, abs=0.01)


def test_positive_numbers_have_no_density_below_zero(rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, 1))
    y = rng.gamma(0.5, np.exp(x[:, 0]))
    fit = bm.fit(bm.Model(likelihood=bm.GammaResponse()), bm.Data(x, y), bm.MLE())
    assert bm.plots.predictive_check(fit).axes[0].get_xlim()[0] == 0.0
