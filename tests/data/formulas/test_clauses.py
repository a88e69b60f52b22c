"""Formulas of several clauses: offsets, what is known of rows, other predictors, classes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.data import design_from_config

FORMULA = "y | trials(n) + weights(w) ~ x + g + offset(log(t)), sigma ~ center(z) + C(k)"


def frame(m: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "y": np.arange(m) % 4.0,
            "n": 4.0 + np.arange(m) % 3,
            "w": 1.0 + np.arange(m) % 2,
            "x": rng.normal(size=m),
            "g": list("abc") * (m // 3),
            "t": rng.uniform(1, 3, m),
            "z": rng.normal(size=m),
            "k": np.arange(m) % 2,
        }
    )


def test_clauses_stand_side_by_side() -> None:
    rows = frame()
    data = bm.Data.from_formula(FORMULA, rows)
    assert data.feature_names == (
        *("x", "g[T.b]", "g[T.c]", "sigma[center(z)]", "sigma[C(k)[T.1]]"),
        *("offset(log(t))", "trials(n)"),
    )
    np.testing.assert_allclose(data.X[:, 3], rows["z"] - rows["z"].mean())
    np.testing.assert_allclose(data.X[:, 5], np.log(rows["t"]))
    np.testing.assert_array_equal(data.X[:, 6], rows["n"])
    np.testing.assert_array_equal(data.row_weights, rows["w"])
    roles = data.design.roles
    assert roles.known == ("offset", "trials")
    assert [part.predictor for part in roles.predictors] == ["", "sigma"]
    assert roles.places() == {"": slice(0, 3), "sigma": slice(3, 5)}


def test_new_rows_and_stored_designs_make_the_same_columns() -> None:
    rows = frame()
    data = bm.Data.from_formula(FORMULA, rows)
    stored = design_from_config(json.loads(json.dumps(data.design.to_config())))
    np.testing.assert_array_equal(stored.matrix(rows), data.X)
    np.testing.assert_array_equal(data.like(rows[:5]).X, data.X[:5])
    assert stored.roles == data.design.roles


def test_streams_make_the_same_columns(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = frame()
    rows.loc[2, "t"] = np.nan
    rows.to_parquet(tmp_path / "rows.parquet")
    with pytest.warns(bm.DataWarning, match="1 of 12 rows"):
        memory = bm.Data.from_formula(FORMULA, rows, missing="drop")
    with pytest.warns(bm.DataWarning, match="1 of 12 rows"):
        stream = bm.Data.from_parquet(tmp_path / "rows.parquet", FORMULA, missing="drop")
    assert stream.m == memory.m == 11
    np.testing.assert_allclose(stream.collect().X, memory.X, rtol=1e-13)
    np.testing.assert_array_equal(stream.collect().row_weights, memory.row_weights)


def test_an_exposure_is_the_offset_of_its_log() -> None:
    rows = frame()
    by_exposure = bm.Data.from_formula("y ~ x + exposure(t) + offset(z)", rows)
    np.testing.assert_allclose(by_exposure.X[:, 1], np.log(rows["t"]) + rows["z"])
    assert by_exposure.design.roles.known == ("offset",)


def test_an_offset_stands_before_or_after_what_takes_the_intercept_away() -> None:
    rows = frame()
    for formula in ("y ~ x + offset(z) - 1", "y ~ x - 1 + offset(z)", "y ~ offset(z) + x - 1"):
        data = bm.Data.from_formula(formula, rows)
        assert data.feature_names == ("x", "offset(z)")
        assert data.design.has_intercept is False


def test_the_column_of_weights_may_have_brackets_in_its_name() -> None:
    rows = frame().rename(columns={"w": "w (kg)"})
    data = bm.Data.from_formula("y | weights(`w (kg)`) ~ x", rows)
    np.testing.assert_array_equal(data.row_weights, rows["w (kg)"])


def test_a_target_of_text_is_numbered_by_its_classes(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = frame()
    data = bm.Data.from_formula("g ~ x", rows)
    assert data.design.classes == ("a", "b", "c")
    np.testing.assert_array_equal(data.y[:4], [0, 1, 2, 0])
    np.testing.assert_array_equal(data.like(rows[1:3]).y, [1, 2])
    with pytest.raises(bm.DataError, match=r"'q' in row 0.* training rows never had"):
        data.like(rows[:1].assign(g="q"))
    rows.to_parquet(tmp_path / "rows.parquet")
    stream = bm.Data.from_parquet(tmp_path / "rows.parquet", "g ~ x")
    np.testing.assert_array_equal(stream.collect().y, data.y)
    assert stream.design.classes == ("a", "b", "c")
    ordered = rows.assign(g=pd.Categorical(rows["g"], ["c", "a", "b"], ordered=True))
    assert bm.Data.from_formula("g ~ x", ordered).design.classes == ("c", "a", "b")
    assert bm.Data.from_formula("C(n) ~ x", rows).design.classes == (4, 5, 6)


def test_arrays_take_the_same() -> None:
    rows = frame()
    data = bm.Data(
        rows[["x"]],
        rows["g"],
        offset=rows["t"],
        trials=rows["n"],
        predictors={"sigma": rows[["z"]]},
    )
    assert data.feature_names == ("x", "sigma[z]", "offset", "trials")
    assert data.design.classes == ("a", "b", "c")
    again = design_from_config(json.loads(json.dumps(data.design.to_config())))
    new = pd.DataFrame({"x": [1.0], "sigma[z]": [2.0], "offset": [0.5], "trials": [3.0]})
    np.testing.assert_array_equal(again.matrix(new), [[1.0, 2.0, 0.5, 3.0]])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y | trials ~ x", r"cannot be read at 'trials': between '\|' and '~'"),
        ("y ~ x, z", "cannot be read at 'z': after a comma"),
        ("y ~ x, sigma ~ offset(z)", "offsets, groups and smooths are of the first clause only"),
        ("y | weights(w*2) ~ x", r"w\*2"),
        ("y ~ x + offset(q)", "'q' is not a column"),
        ("y ~ x + offset(z):log(t)", r"cannot be read at '\+ offset\(z\):log\(t\)': offset"),
        ("y ~ x - offset(z)", r"cannot be read at '- offset\(z\)': offset"),
        ("y ~ x + exposure()", r"cannot be read at '\+ exposure\(\)': exposure"),
        ("y | trials(t)*log(t) ~ x", r"cannot be read at 'trials\(t\)\*log\(t\)'"),
        ("y | weights() ~ x", r"cannot be read at 'weights\(\)'"),
        ("y | weights(log(w)) ~ x", r"weights\(…\) takes the name of one column"),
        ("y ~ x, sigma ~ z, sigma ~ x", "says 'sigma' twice"),
        ("y | trials(n) | weights(w) ~ x", "cannot be read"),
        ("y ~ x + offset(y)", "'y' is on both sides"),
        ("y ~ x + exposure(t - 5)", "a transformation made it from a number outside its domain"),
    ],
)
def test_what_cannot_be_read_is_refused(formula: str, message: str) -> None:
    with pytest.raises(bm.DataError, match=message):
        bm.Data.from_formula(formula, frame())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offset": [1.0, 2.0]}, "X has 12 rows but offset has 2"),
        ({"known": [1.0]}, "known is a list; a mapping"),
        ({"known": {"a b": np.ones(12)}}, "'a b' is no name"),
        ({"predictors": {"sigma": np.ones((3, 1))}}, r"predictors\['sigma'\] has 3"),
        ({"trials": np.ones(12), "known": {"trials": np.ones(12)}}, "'trials' is given twice"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(options: dict[str, Any], message: str) -> None:
    rows = frame()
    with pytest.raises(bm.DataError, match=message):
        bm.Data(rows[["x"]].to_numpy(), rows["y"].to_numpy(), **options)


def test_weights_are_given_once() -> None:
    rows = frame()
    for weights in ("w", rows["w"].to_numpy()):
        with pytest.raises(bm.DataError, match="give one of them"):
            bm.Data.from_formula("y | weights(w) ~ x", rows, observation_weights=weights)


@pytest.mark.parametrize(
    ("formula", "options"),
    [
        ("y | weights(w) ~ x", {}),
        ("y | weights(w) ~ x + offset(z), sigma ~ z", {}),
        ("y ~ x", {"observation_weights": "w"}),
    ],
)
def test_new_rows_are_weighted_by_the_same_column(formula: str, options: dict[str, Any]) -> None:
    rows = frame()
    data = bm.Data.from_formula(formula, rows, **options)
    np.testing.assert_array_equal(data.like(rows[1:4]).row_weights, rows["w"][1:4])
    stored = design_from_config(json.loads(json.dumps(data.design.to_config())))
    assert stored.weights_column == "w"
    given = data.like(rows.drop(columns="w"), observation_weights=np.full(12, 3.0))
    np.testing.assert_array_equal(given.row_weights, np.full(12, 3.0))
    np.testing.assert_array_equal(data.design.matrix(rows.drop(columns="w")), data.X)
    with pytest.raises(bm.DataError, match=r"no column 'w' of observation weights.*weight per row"):
        data.like(rows.drop(columns="w"))


def test_streams_remember_the_column_of_weights(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    rows = frame()
    rows.to_parquet(tmp_path / "rows.parquet")
    stream = bm.Data.from_parquet(tmp_path / "rows.parquet", "y | weights(w) ~ x")
    np.testing.assert_array_equal(stream.like(rows).row_weights, rows["w"])


def test_new_rows_are_judged_by_the_weights_of_the_formula() -> None:
    rows = frame()
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y | weights(w) ~ x", rows), bm.MLE())
    np.testing.assert_array_equal(bm.calibration(fit, rows).weights, rows["w"])
    assert len(fit.predict(rows[["x"]])) == 12
