"""Average slopes stay within the data, and settle or are refused; against derivatives by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm

Vector = np.ndarray[Any, Any]


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    x = rng.uniform(0.0, 6.0, 120)
    return pd.DataFrame({"x": x, "y": np.sin(x) + 0.1 * rng.normal(size=120)})


def learned(formula: str, frame: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data.from_formula(formula, frame))


def slope(formula: str, frame: pd.DataFrame) -> float:
    return float(learned(formula, frame).slopes("x").mean[0])


@pytest.mark.parametrize("spline", ["bs(x, df=5{})", "bs(x, df=4, degree=1{})"])
def test_a_spline_is_not_left(frame: pd.DataFrame, spline: str) -> None:
    """The same curve within the data, with and without a continuation beyond its knots."""
    beyond = slope(f"y ~ {spline.format(', extrapolation="extend"')}", frame)
    assert slope(f"y ~ {spline.format('')}", frame) == pytest.approx(beyond, abs=1e-9)


@pytest.mark.parametrize(
    ("term", "derivative"),
    [
        ("I(x**3)", lambda x: 3 * x**2),
        ("I(x**1.5)", lambda x: 1.5 * np.sqrt(x)),
        ("np.exp(x)", np.exp),
        ("np.log(x)", lambda x: 1 / x),
        ("np.sqrt(x)", lambda x: 0.5 / np.sqrt(x)),
        ("np.maximum(x, 3)", lambda x: x > 3),
    ],
)
@pytest.mark.parametrize("low", [1.0, 1e-3, 1e-9])
@pytest.mark.parametrize("m", [6, 120])
def test_slopes_are_derivatives(
    frame: pd.DataFrame, term: str, derivative: Callable[[Vector], Vector], low: float, m: int
) -> None:
    """To (P15)'s 1e-7, of few rows too, where the one-sided ends are a third of them."""
    frame = frame[:m].assign(x=np.maximum(frame["x"], 1.0))
    frame.loc[0, "x"] = low
    frame.loc[1, "x"] = 3.0 + 1e-8  # nearer to the kink than the first step
    fit = learned(f"y ~ {term}", frame)
    weight = fit.summary()["mean"].iloc[1]
    truth = weight * np.mean(derivative(frame["x"].to_numpy()))
    assert fit.slopes("x").mean[0] == pytest.approx(truth, rel=1e-7)


def test_rows_are_weighted(frame: pd.DataFrame) -> None:
    w = np.linspace(0.5, 2.0, len(frame))
    data = bm.Data.from_formula("y ~ x + I(x**2)", frame, observation_weights=w)
    fit = bm.fit(bm.Model(), data)
    _, first, second, _ = fit.summary()["mean"]
    truth = first + 2 * second * np.average(frame["x"], weights=w)
    assert fit.slopes("x").mean[0] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "complaint"),
    [
        (
            "y ~ np.sqrt(x)",
            r"the slope of 'np.sqrt\(x\)' is infinite .* at x = 0 in row 3: .* step",
        ),
    ],
)
def test_an_infinite_slope_is_named(frame: pd.DataFrame, formula: str, complaint: str) -> None:
    frame.loc[3, "x"], frame.loc[7, "x"] = 0.0, 2.5
    fit = learned(formula, frame)
    with pytest.raises(bm.DataError, match=complaint):
        fit.slopes("x")


@pytest.mark.parametrize(
    ("formula", "jump"),
    [
        ("y ~ np.floor(x)", r"'np.floor\(x\)' jumps by 1 at x = [1-5],"),
        ("y ~ x + np.round(x):z", r"'np.round\(x\):z' jumps by .* at x = [0-5].5,"),
        ("y ~ I(x > 3)", r"'I\(x > 3\)' jumps by 1 at x = 3,"),
        ("y ~ x + I(1e-3 * np.floor(x))", "jumps by 0.001 at x = "),
        ("y ~ np.exp(3 * x) + np.sign(x - 2):z", "jumps by .* at x = 2,"),
        ("y ~ np.floor(n / 3)", "jumps by 1 at n = [36],"),
    ],
)
def test_a_slope_through_jumps_is_refused_and_a_step_is_not(
    frame: pd.DataFrame, formula: str, jump: str, rng: np.random.Generator
) -> None:
    """Elsewhere than at the jumps the slope is finite, and says nothing of them (P41)."""
    frame["z"], frame["n"] = rng.uniform(1.0, 2.0, 120), np.arange(120) % 9
    fit, name = learned(formula, frame), "n" if "n /" in formula else "x"
    with pytest.raises(bm.DataError, match=f"{jump}.*fit.comparisons"):
        fit.slopes(name)
    low, high = frame.copy(), frame.copy()
    high[name] += 1
    difference = fit.predict(high).mean - fit.predict(low).mean
    step = fit.comparisons({name: 1}).mean[0]
    assert step == pytest.approx(np.mean(difference), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("term", ["I(1 / z)", "np.cbrt(z)", "np.abs(z)", "np.arctan(1e6 * z)"])
def test_what_is_steep_or_has_a_pole_does_not_jump(
    frame: pd.DataFrame, term: str, rng: np.random.Generator
) -> None:
    """Rows on both sides of zero, where these are steepest, bend or are not defined."""
    frame["z"] = np.linspace(-1.0, 1.3, 120)
    fit = learned(f"y ~ {term}", frame)
    weight, h = fit.summary()["mean"].iloc[1], 1e-7
    f = {
        "I(1 / z)": lambda z: 1 / z,
        "np.cbrt(z)": np.cbrt,
        "np.abs(z)": np.abs,
        "np.arctan(1e6 * z)": lambda z: np.arctan(1e6 * z),
    }[term]
    z = frame["z"].to_numpy()
    truth = weight * np.mean((f(z + h) - f(z - h)) / (2 * h))
    assert fit.slopes("z").mean[0] == pytest.approx(truth, rel=1e-3)


def test_a_formula_that_is_not_defined_between_its_rows_has_slopes(frame: pd.DataFrame) -> None:
    frame["z"] = np.where(np.arange(120) % 2, 1.0, -1.0) * np.linspace(1.0, 2.0, 120)
    fit = learned("y ~ np.sqrt(z**2 - 1)", frame.iloc[2:])
    weight, z = fit.summary()["mean"].iloc[1], frame["z"].to_numpy()[2:]
    truth = weight * np.mean(z / np.sqrt(z**2 - 1))
    assert fit.slopes("z").mean[0] == pytest.approx(truth, rel=1e-7)


def test_a_column_that_varies_by_rounding_alone_has_no_slope(frame: pd.DataFrame) -> None:
    frame["x"] = 1.0 + np.arange(len(frame)) % 2 * 2.2e-16
    data = bm.Data.from_formula("y ~ x + z", frame.assign(z=frame["y"] ** 2))
    with pytest.warns(bm.DataWarning, match="constant"):
        fit = bm.fit(bm.Model(), data)
    with pytest.raises(bm.DataError):
        fit.slopes("x")


def test_a_predictor_that_bends_is_followed(frame: pd.DataFrame) -> None:
    """Counts with a log link: the average of the slope is that of exp(η) η′."""
    frame["y"] = np.round(np.exp(np.sin(frame["x"])))
    data = bm.Data.from_formula("y ~ np.sqrt(x) + I(0 * x)", frame)
    wide = bm.Independent(bm.Normal(0, 5), bm.Normal(0, 5))
    fit = bm.fit(bm.Model(bm.Linear(), bm.Poisson(), wide), data, bm.MAP())
    b, weight, _ = fit.summary()["mean"]
    x = frame["x"].to_numpy()
    truth = np.mean(np.exp(b + weight * np.sqrt(x)) * weight * 0.5 / np.sqrt(x))
    assert fit.slopes("x").mean[0] == pytest.approx(truth, rel=1e-7)


def test_a_column_far_from_zero_keeps_its_digits(frame: pd.DataFrame) -> None:
    frame["x"] += 1e8
    fit = learned("y ~ x", frame)
    weight = fit.summary()["mean"].iloc[1]
    assert fit.slopes("x").mean[0] == pytest.approx(weight, rel=1e-9)
