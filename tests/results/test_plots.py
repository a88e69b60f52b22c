"""The pictures show the numbers of the fit, belong to nobody else, and can be read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import bayesml as bm
from bayesml.results.plots.predictive_check import _replicated
from tests.pictures import assert_legible, words

# an interaction that is not centred, and zeros and ones: doubtful models can be drawn too
pytestmark = pytest.mark.filterwarnings("ignore::bayesml.ModelWarning")

# slopes and levels of a product that is not centred are unclear one by one
pytestmark = pytest.mark.filterwarnings("ignore::bayesml.errors.CollinearityWarning")

FORMULA = "body_mass_g ~ flipper_length_mm * species + sex + C(year)"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Some of the penguins: enough for every level."""
    path = Path(__file__).resolve().parents[2] / "examples" / "data" / "penguins.csv"
    return pd.read_csv(path).dropna().iloc[::3].reset_index(drop=True)


@pytest.fixture(scope="module")
def data(frame: pd.DataFrame) -> bm.Data:
    return bm.Data.from_formula(FORMULA, frame)


@pytest.fixture(scope="module")
def exact(data: bm.Data) -> bm.Fit:
    return bm.fit(bm.Model(), data, bm.Exact(), rng=1)


@pytest.fixture(scope="module")
def ols(data: bm.Data) -> bm.Fit:
    return bm.fit(bm.Model(), data, bm.MLE(bm.GradientDescent()), rng=1)


@pytest.fixture(scope="module")
def line() -> bm.Fit:
    """One feature, from arrays."""
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 10, 40)
    names = {"feature_names": ["dose"], "target_name": "response"}
    data = bm.Data(x[:, None], 1 + 2 * x + rng.normal(size=40), **names)
    return bm.fit(bm.Model(), data, rng=1)


PICTURES: dict[str, Callable[[bm.Fit, bm.Fit, pd.DataFrame], Figure]] = {
    "posterior": lambda exact, ols, frame: bm.plots.posterior(exact),
    "predictive check": lambda exact, ols, frame: bm.plots.predictive_check(exact),
    "predictive check of a point": lambda exact, ols, frame: bm.plots.predictive_check(ols),
    "effect": lambda exact, ols, frame: bm.plots.effect(exact, frame=frame),
    "effect by level": lambda exact, ols, frame: bm.plots.effect(exact, frame=frame, by="species"),
    "effect of a level": lambda exact, ols, frame: bm.plots.effect(exact, "year", frame=frame),
    "effect of a level by another": lambda exact, ols, frame: bm.plots.effect(
        exact, "species", frame=frame, by="sex"
    ),
    "effect of a point": lambda exact, ols, frame: bm.plots.effect(ols, frame=frame),
    "predictions": lambda exact, ols, frame: bm.plots.predictions(exact),
    "residuals": lambda exact, ols, frame: bm.plots.residuals(exact),
    "residuals of a point": lambda exact, ols, frame: bm.plots.residuals(ols),
    "coefficients": lambda exact, ols, frame: bm.plots.coefficients(
        {"least squares": ols, "exact": exact}
    ),
    "coefficients of one": lambda exact, ols, frame: bm.plots.coefficients(ols),
    "loss": lambda exact, ols, frame: bm.plots.loss(ols),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_legible_and_leaves_nothing_behind(
    name: str, exact: bm.Fit, ols: bm.Fit, frame: pd.DataFrame, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    figure = PICTURES[name](exact, ols, frame)
    assert isinstance(figure, Figure)
    assert_legible(figure)
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_legibility_is_judged() -> None:
    """The judge of the test above can find fault."""
    figure = Figure(figsize=(2, 2))
    axes = figure.add_subplot()
    axes.set_xticks([0.50, 0.51], ["overlapping", "labels"])
    with pytest.raises(AssertionError, match="tick labels overlap"):
        assert_legible(figure)
    axes.set_xticks([])
    axes.set_title("much too long for this little paper")
    with pytest.raises(AssertionError, match="leaves the paper"):
        assert_legible(figure)


def test_posterior_shows_the_summary(exact: bm.Fit) -> None:
    figure = bm.plots.posterior(exact, probability=0.8)
    table = exact.summary(0.8)
    assert len(figure.axes) == len(table)
    assert "80 %" in words(figure)
    for axes, row in zip(figure.axes, table.to_numpy(), strict=True):
        density, interval = (line.get_xdata() for line in axes.lines[:2])
        assert interval == pytest.approx(row[2:4])
        dot = axes.collections[-1].get_offsets()[0][0]
        assert dot == pytest.approx(row[0])
        assert min(density) < row[2]
        assert row[3] < max(density)


def test_posterior_of_a_point_estimate_is_refused(ols: bm.Fit) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"plots\.coefficients"):
        bm.plots.posterior(ols)


def test_many_parameters_are_not_squeezed_in() -> None:
    rng = np.random.default_rng(0)
    fit = bm.fit(bm.Model(), bm.Data(rng.normal(size=(60, 30)), rng.normal(size=60)), rng=1)
    for figure in (bm.plots.posterior(fit), bm.plots.coefficients({"one": fit})):
        assert len(figure.axes) == 24
        assert "8 more parameters are not shown" in words(figure)
        assert_legible(figure)


def test_predictive_check_compares_the_data_with_replications(line: bm.Fit) -> None:
    figure = bm.plots.predictive_check(line, samples=20)
    axes = figure.axes[0]
    assert len(axes.lines) == 21
    observed = next(drawn for drawn in axes.lines if drawn.get_color() == "black")
    x, density = (np.asarray(v) for v in observed.get_data())
    mean = np.sum(x * density) / np.sum(density)
    assert mean == pytest.approx(np.mean(line.data.y), rel=0.02)
    assert axes.get_xlabel() == "response"
    assert "20 data sets" in words(figure)


def bands(axes: Any) -> list[np.ndarray]:
    """The ends of every band, (2, points), in the order drawn."""
    out = []
    for band in axes.collections:
        vertices = band.get_paths()[0].vertices
        x = np.unique(vertices[:, 0])
        ys = [vertices[vertices[:, 0] == value, 1] for value in x]
        out.append(np.array([[y.min() for y in ys], [y.max() for y in ys]]))
    return out


def test_effect_of_the_only_column_shows_the_data_and_both_bands(line: bm.Fit) -> None:
    figure = bm.plots.effect(line, probability=0.8)
    axes = figure.axes[0]
    points, curve = axes.lines
    assert np.sort(points.get_ydata()) == pytest.approx(np.sort(line.data.y))
    x = curve.get_xdata()
    prediction = line.predict(np.asarray(x)[:, None])
    assert curve.get_ydata() == pytest.approx(prediction.mean)
    wide, narrow = bands(axes)
    assert wide == pytest.approx(np.array(prediction.interval(0.8)))
    assert narrow == pytest.approx(np.array(prediction.expectation.interval(0.8)))
    assert "80 % band of the mean (epistemic)" in words(figure)
    assert "80 % band of a new observation" in words(figure)
    assert "Points are the data" in words(figure)


def test_effect_holds_the_other_columns_and_shows_partial_residuals(
    exact: bm.Fit, frame: pd.DataFrame
) -> None:
    figure = bm.plots.effect(exact, "flipper_length_mm", frame=frame)
    points, curve = figure.axes[0].lines
    held = {name: frame[name].mode()[0] for name in ("species", "sex", "year")}
    text = f"species = {held['species']}, sex = {held['sex']}, year = {held['year']}"
    assert text in words(figure)
    x = np.asarray(curve.get_xdata())
    assert curve.get_ydata() == pytest.approx(
        exact.predict(pd.DataFrame({"flipper_length_mm": x, **held})).mean
    )
    at_rows = exact.predict(frame.assign(**held)).mean
    residuals = frame["body_mass_g"] - exact.predict(frame).mean
    assert np.sort(points.get_ydata()) == pytest.approx(np.sort(at_rows + residuals))
    assert "Points are partial residuals" in words(figure)


def test_effect_by_a_column_draws_a_curve_for_each_over_its_range(
    exact: bm.Fit, frame: pd.DataFrame
) -> None:
    figure = bm.plots.effect(exact, frame=frame, by="species")
    curves = figure.axes[0].lines[1::2]
    for curve, (species, group) in zip(curves, frame.groupby("species"), strict=True):
        x = curve.get_xdata()
        ends = group["flipper_length_mm"].min(), group["flipper_length_mm"].max()
        assert (min(x), max(x)) == pytest.approx(ends)
        assert species in words(figure)


def test_effect_at_numbers_draws_a_curve_for_each(frame: pd.DataFrame) -> None:
    """Rows go to the nearest value, over whose range the curve is; one value is held."""
    data = bm.Data.from_formula("body_mass_g ~ flipper_length_mm * bill_length_mm + sex", frame)
    fit = bm.fit(bm.Model(), data, rng=1)
    figure = bm.plots.effect(
        fit, "flipper_length_mm", at={"bill_length_mm": (38, 50), "sex": "male"}
    )
    curves = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    near = frame[(frame["bill_length_mm"] - 38).abs() <= (frame["bill_length_mm"] - 50).abs()]
    x, y = curves[0].get_xydata().T
    assert x[0] == near["flipper_length_mm"].min()
    assert x[-1] == near["flipper_length_mm"].max()
    row = pd.DataFrame({"flipper_length_mm": x, "bill_length_mm": 38.0, "sex": "male"})
    np.testing.assert_allclose(y, fit.predict(row).mean, rtol=1e-12)
    said = words(figure)
    assert "Held: sex = male." in said
    assert "with the nearest bill_length_mm" in said
    assert_legible(figure)
    for at, complaint in [
        ({"bill_length_mm": (38, 50), "sex": ("male", "female")}, "by one column"),
        ({"bill_length_mm": range(30, 40)}, "10 values; at most 6"),
        ({"flipper_length_mm": 200}, "is the column on the axis"),
        ({"sex": "mal"}, "did you mean 'male'"),
    ]:
        with pytest.raises(bm.DataError, match=complaint):
            bm.plots.effect(fit, "flipper_length_mm", at=at)


def test_levels_are_in_the_order_of_the_data(frame: pd.DataFrame) -> None:
    order = ["Gentoo", "Adelie", "Chinstrap"]
    own = frame.assign(species=pd.Categorical(frame["species"], categories=order))
    data = bm.Data.from_formula("body_mass_g ~ bill_length_mm + species", own)
    fit = bm.fit(bm.Model(), data, rng=1)
    ticks = bm.plots.effect(fit, "species").axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks] == order
    found = fit.comparisons("species")
    assert found.labels["contrast"] == ("Adelie − Gentoo", "Chinstrap − Gentoo")
    figure = bm.plots.effects(found, probability=0.8)
    assert figure.axes[0].get_xlabel() == "mean and 80 % interval"
    lower = figure.axes[0].collections[0].get_segments()[0][0]
    np.testing.assert_allclose(lower, [found.interval(0.8).lower[0], 0])
    assert "Differences of average body_mass_g" in words(figure)
    assert_legible(figure)


def test_effect_of_levels_has_a_place_for_each(exact: bm.Fit, frame: pd.DataFrame) -> None:
    axes = bm.plots.effect(exact, "year", frame=frame).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2007", "2008", "2009"]
    flipper = frame["flipper_length_mm"].mean()
    species, sex = frame["species"].mode()[0], frame["sex"].mode()[0]
    rows = {
        "flipper_length_mm": flipper,
        "species": species,
        "sex": sex,
        "year": [2007, 2008, 2009],
    }
    expected = exact.predict(pd.DataFrame(rows)).mean
    assert axes.lines[-1].get_ydata() == pytest.approx(expected)


def test_point_estimate_has_no_epistemic_band(ols: bm.Fit, frame: pd.DataFrame) -> None:
    figure = bm.plots.effect(ols, frame=frame)
    assert len(figure.axes[0].collections) == 1
    assert "epistemic" not in words(figure)


def test_effect_finds_the_rows_that_were_kept(penguins: pd.DataFrame) -> None:
    with pytest.warns(bm.DataWarning):
        data = bm.Data.from_formula("body_mass_g ~ sex + bill_length_mm", penguins, missing="drop")
    fit = bm.fit(bm.Model(), data, rng=1)
    whole = bm.plots.effect(fit, "bill_length_mm", frame=penguins).axes[0].lines[0]
    used = penguins.dropna()
    only = bm.plots.effect(fit, "bill_length_mm", frame=used).axes[0].lines[0]
    labelled = penguins.set_index(penguins.index + 1000)
    with pytest.warns(bm.DataWarning):
        again = bm.Data.from_formula("body_mass_g ~ sex + bill_length_mm", labelled, missing="drop")
    third = bm.fit(bm.Model(), again, rng=1)
    same = bm.plots.effect(third, "bill_length_mm", frame=labelled).axes[0].lines[0]
    for other in (only, same):
        assert np.array_equal(whole.get_xydata(), other.get_xydata())


def test_effect_of_a_loaded_fit(exact: bm.Fit, frame: pd.DataFrame, tmp_path: Path) -> None:
    exact.save(tmp_path / "fit.nc")
    before, after = (
        bm.plots.effect(fit, frame=frame).axes[0].lines[1].get_ydata()
        for fit in (exact, bm.load(tmp_path / "fit.nc"))
    )
    assert np.array_equal(before, after)


def test_effect_from_polars(exact: bm.Fit, frame: pd.DataFrame) -> None:
    polars = pytest.importorskip("polars")
    one = bm.plots.effect(exact, frame=frame).axes[0].lines[1].get_xydata()
    other = bm.plots.effect(exact, frame=polars.from_pandas(frame)).axes[0].lines[1].get_xydata()
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"term": "flipper_length"}, "did you mean 'flipper_length_mm'"),
        ({"by": "island"}, "the model reads no column 'island'"),
        ({"by": "flipper_length_mm"}, "is the column on the axis"),
        ({"term": "sex", "by": "flipper_length_mm"}, "at most 6 can be told apart"),
    ],
)
def test_effect_refuses(
    exact: bm.Fit, frame: pd.DataFrame, arguments: dict[str, str], complaint: str
) -> None:
    with pytest.raises(bm.DataError, match=complaint):
        bm.plots.effect(exact, frame=frame, **arguments)


@pytest.mark.parametrize("path", ["", "fit.nc", "fit.zarr"])
@pytest.mark.parametrize("formula", ["y ~ np.log(x) * g", "y ~ poly(x, 2) + C(k)", "y ~ x + g"])
def test_effect_needs_no_frame(formula: str, path: str, tmp_path: Path) -> None:
    """The same picture and effects as with it, saved and loaded too."""
    fit, frame = by_formula(formula)
    if path:
        fit.save(tmp_path / path)
        fit = bm.load(tmp_path / path)
    for column in fit.design.columns:
        one = bm.plots.effect(fit, column, frame=frame).axes[0].lines
        other = bm.plots.effect(fit, column).axes[0].lines
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a.get_xydata(), b.get_xydata())
        one = fit.comparisons(column, grid=frame.dropna(), by=column if column == "k" else None)
        other = fit.comparisons(column, by=column if column == "k" else None)
        assert one.labels == other.labels
        np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12)


def by_formula(formula: str) -> tuple[bm.Fit, pd.DataFrame]:
    rng = np.random.default_rng(4)
    x, g, k = rng.uniform(1, 3, 40), rng.choice(["u", "v"], 40), rng.integers(3, 6, 40)
    frame = pd.DataFrame({"x": x, "g": g, "k": k, "y": x + k + rng.normal(size=40)})
    frame.loc[7, "x"] = np.nan
    with pytest.warns(bm.DataWarning):
        data = bm.Data.from_formula(formula, frame, missing="drop")
    return bm.fit(bm.Model(), data, rng=1), frame


def test_new_rows_of_a_formula_keep_their_columns() -> None:
    fit, frame = by_formula("y ~ np.log(x) + g")
    later = frame.iloc[10:30].reset_index(drop=True)
    later["y"] += 0.1
    again = fit.update(fit.data.like(later))
    one, other = again.slopes("x", grid=later), again.slopes("x")
    np.testing.assert_array_equal(one.mean, other.mean)


def test_a_part_of_the_rows_asks_for_the_frame() -> None:
    fit, _ = by_formula("y ~ np.log(x) + g")
    (fold, *_) = bm.cross_validate(fit.model, fit.data, folds=3, rng=1).folds
    with pytest.raises(bm.DataError, match="give the frame that the fit learned from"):
        fold.fit.slopes("x")


def test_effect_refuses_another_frame(exact: bm.Fit, frame: pd.DataFrame) -> None:
    other = frame.assign(flipper_length_mm=frame["flipper_length_mm"].to_numpy()[::-1])
    with pytest.raises(bm.DataError, match="not the one that the fit learned from"):
        bm.plots.effect(exact, frame=other)
    with pytest.raises(bm.DataError):
        bm.plots.effect(exact, frame=frame.iloc[:50])


def test_effect_of_nothing_is_refused() -> None:
    data = bm.Data.from_formula("y ~ 1", {"y": [1.0, 2.0, 4.0]})
    fit = bm.fit(bm.Model(), data, rng=1)
    with pytest.raises(bm.DataError, match="reads no columns"):
        bm.plots.effect(fit, frame={"y": [1.0, 2.0, 4.0]})


def test_predictions_counts_what_the_intervals_hold(exact: bm.Fit, frame: pd.DataFrame) -> None:
    lower, upper = exact.predict(frame).interval(0.8)
    y = frame["body_mass_g"]
    held = int(((lower <= y) & (y <= upper)).sum())
    figure = bm.plots.predictions(exact, probability=0.8)
    assert f"{held} of {len(frame)} observations" in words(figure)
    assert "80 % interval" in words(figure)
    few = bm.plots.predictions(exact, frame.iloc[:7])
    assert sum(len(dots.get_xdata()) for dots in few.axes[0].lines[:2]) == 7
    assert "of 7 rows: learned from, which flatters" in words(few)
    moved = frame.assign(body_mass_g=frame["body_mass_g"] + 0.5)
    assert "new to the fit" in words(bm.plots.predictions(exact, moved))
    some = words(bm.plots.predictions(exact, pd.concat([frame.iloc[:7], moved.iloc[7:]])))
    assert "7 of them learned from" in some.replace("\n", " ")


def test_predictions_needs_a_target(exact: bm.Fit, frame: pd.DataFrame) -> None:
    with pytest.raises(bm.DataError, match="no target 'body_mass_g'"):
        bm.plots.predictions(exact, frame.drop(columns="body_mass_g"))


def test_coefficients_shows_the_tables_and_tells_points_from_means(
    exact: bm.Fit, ols: bm.Fit
) -> None:
    figure = bm.plots.coefficients({"ols": ols, "exact": exact}, probability=0.5)
    name = "weights[sex[T.male]]"
    axes = next(axes for axes in figure.axes if axes.get_title() == "sex[T.male]")
    for k, (fit, open_dot) in enumerate(((ols, True), (exact, False))):
        interval, dot = axes.lines[2 * k], axes.lines[2 * k + 1]
        row = fit.summary(0.5).loc[name]
        assert interval.get_xdata() == pytest.approx(row.iloc[2:4].to_numpy())
        assert dot.get_xdata() == pytest.approx([row["mean"]])
        assert (dot.get_markerfacecolor() == "white") is open_dot
    assert "Open dots" in words(figure)


def test_coefficients_of_one_fit_are_a_forest_with_a_line_at_zero(
    exact: bm.Fit, ols: bm.Fit
) -> None:
    for fit, open_dot in ((ols, True), (exact, False)):
        (axes,) = bm.plots.coefficients(fit, probability=0.5).axes
        table = fit.summary(0.5)
        weights = table[table.index.str.startswith("weights[")]
        zero, *lines = axes.lines
        assert list(zero.get_xdata()) == [0, 0]
        assert len(lines) == 2 * len(weights)
        for k, (name, row) in enumerate(weights.iterrows()):
            interval, dot = lines[2 * k], lines[2 * k + 1]
            assert interval.get_xdata() == pytest.approx(row.iloc[2:4].to_numpy())
            assert dot.get_xdata() == pytest.approx([row.iloc[0]])
            assert (dot.get_markerfacecolor() == "white") is open_dot
            written = axes.get_yticklabels()[k].get_text().replace(" ×\n", ":")
            assert written == str(name)[8:-1]
        assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_loss_ends_at_the_optimum(ols: bm.Fit) -> None:
    figure = bm.plots.loss({"descent": ols})
    curve = np.asarray(figure.axes[0].lines[0].get_ydata())
    assert len(curve) == len(ols.loss_curve)
    smallest = ols.loss_curve.min()
    assert curve[0] == pytest.approx(ols.loss_curve[0] - smallest)
    assert figure.axes[0].get_yscale() == "log"
    assert "descent" in words(figure)


def test_loss_needs_an_optimizer(exact: bm.Fit) -> None:
    with pytest.raises(bm.IncompatibleModelError, match="There is no loss curve"):
        bm.plots.loss(exact)


def test_names_are_written_as_they_are() -> None:
    rng = np.random.default_rng(1)
    names = {"feature_names": ["price in $", "$x$"], "target_name": "$y_1$"}
    data = bm.Data(rng.normal(size=(30, 2)), rng.normal(size=30), **names)
    fit = bm.fit(bm.Model(), data, rng=1)
    point = bm.fit(bm.Model(), data, bm.MLE(bm.LBFGS()))
    for figure in (
        bm.plots.effect(fit, "$x$"),
        bm.plots.posterior(fit),
        bm.plots.predictive_check(fit),
        bm.plots.predictions(fit),
        bm.plots.residuals(fit),
        bm.plots.coefficients({"$a$": fit}),
        bm.plots.loss({"$b$": point}),
    ):
        FigureCanvasAgg(figure).draw()
        for text in figure.findobj(mpl.text.Text):
            shown = text.get_text()
            assert "mathdefault" in shown or not mpl.cbook.is_math_text(shown), shown


@pytest.mark.filterwarnings("ignore::bayesml.errors.LikelihoodWarning")  # two values
def test_two_values_are_no_reason_to_warn() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 1))
    fit = bm.fit(bm.Model(), bm.Data(x, x[:, 0] > 0), rng=1)
    assert_legible(bm.plots.predictive_check(fit))


@pytest.mark.parametrize("function", [bm.plots.loss, bm.plots.coefficients])
def test_no_fits_are_refused(function: Callable[[dict[str, bm.Fit]], Figure]) -> None:
    with pytest.raises(bm.IncompatibleModelError, match="at least one"):
        function({})


def test_missing_matplotlib_says_how_to_install_it() -> None:
    program = """
import sys
from importlib.abc import MetaPathFinder

class Uninstalled(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Uninstalled())
import bayesml as bm
from bayesml.results.plots.predictive_check import _replicated
data = bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])
fit = bm.fit(bm.Model(), data, rng=1)
learned = bm.fit(bm.Model(), data, bm.MLE(bm.GradientDescent()))
classes = bm.Data([[0.0], [1.0], [2.0]], ["no", "yes", "no"])
frame = {"y": [1.0, 2.0, 4.5, 3.5, 7.0, 8.0], "g": list("aabbcc")}
of = {
    "groups": bm.fit(bm.Model(), bm.Data.from_formula("y ~ 1 + (1 | g)", frame)),
    "loss": learned,
    "effects": fit.slopes(),
    "calibration": bm.calibration(fit, data),
    "reliability": bm.fit(bm.Model(likelihood=bm.Bernoulli()), classes, bm.MAP()),
}
for name in bm.plots.__all__:
    try:
        getattr(bm.plots, name)(of.get(name, fit))
    except bm.MissingDependencyError as error:
        print(name, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    said = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert [name for name, _ in said] == bm.plots.__all__
    assert all("pip install matplotlib" in words for _, words in said)


@pytest.mark.parametrize("high", [0.4, 1.6])
def test_rows_of_weights_that_are_not_whole_are_drawn_by_weight(high: float) -> None:
    """None is left out for weighing less than a half."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 1))
    y = np.repeat([0.0, 10.0], 30) + rng.normal(size=60)
    data = bm.Data(x, y, observation_weights=np.repeat([0.4, high], 30))
    y_drawn, replicas = _replicated(bm.fit(bm.Model(), data, rng=1), 5)
    assert replicas.shape == (5, len(y_drawn)) == (5, 60)
    assert np.mean(y_drawn > 5.0) == pytest.approx(high / (0.4 + high), abs=0.15)
    assert np.any(y_drawn < 5.0)


def test_a_predictive_check_of_light_rows_says_how_many_there_are() -> None:
    x = np.linspace(0, 1, 60)
    data = bm.Data(x[:, None], np.sin(9 * x), observation_weights=np.full(60, 0.4))
    assert "of 60 rows" in words(bm.plots.predictive_check(bm.fit(bm.Model(), data, rng=1)))
