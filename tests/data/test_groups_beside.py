"""Groups beside arrays and frames are those of a formula."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import bayesml as bm
from bayesml.data import design_from_config
from bayesml.errors import DataError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    g, h = rng.integers(0, 6, 80), rng.choice(list("abc"), 80)
    x = rng.normal(size=80)
    y = 1.0 + 0.5 * x + rng.normal(size=6)[g] + rng.normal(scale=0.5, size=80)
    return pd.DataFrame({"x": x, "y": y, "g": g, "h": h})


@pytest.fixture(scope="module")
def formula(frame: pd.DataFrame) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + (1 | g) + (1 | h)", frame))


@pytest.mark.parametrize("kind", ["arrays", "frame", "polars"])
def test_groups_beside_are_those_of_a_formula(
    kind: str, frame: pd.DataFrame, formula: bm.Fit
) -> None:
    X, groups = frame[["x"]], frame[["g", "h"]]
    given: dict[str, tuple[Any, Any]] = {
        "arrays": (X.to_numpy(), {"g": groups.g.to_numpy(), "h": list(groups.h)}),
        "frame": (X, groups),
        "polars": (pl.from_pandas(X), pl.from_pandas(groups)),
    }
    X_given, own = given[kind]
    names = ["x"] if kind == "arrays" else None
    data = bm.Data(X_given, frame.y.to_numpy(), groups=own, feature_names=names)
    assert repr(data).startswith("Data(80 rows, 1 feature: x; effects of g: intercept; effects of")
    fit = bm.fit(bm.Model(), data)
    np.testing.assert_allclose(fit.summary(), formula.summary(), rtol=1e-8)
    new = fit.predict(X_given[:3], groups=groups[:3])
    np.testing.assert_allclose(new.mean, formula.predict(frame[:3]).mean, rtol=1e-8)
    columns = frame[["g", "x", "h"]]
    np.testing.assert_allclose(fit.predict(columns).mean, formula.predict(frame).mean, rtol=1e-8)


def test_new_groups_and_the_population(frame: pd.DataFrame, tmp_path: Any) -> None:
    data = bm.Data(frame[["x"]], frame.y, groups=frame.g)
    fit = bm.fit(bm.Model(), data)
    X = frame[["x"]][:2]
    new = fit.predict(X, groups={"g": [0, 99]}, new_groups=True)
    population = fit.predict(X, population=True)
    assert new.mean[1] == pytest.approx(population.mean[1], rel=1e-9)
    assert new.epistemic_sd[1] > population.epistemic_sd[1]
    gaps = fit.predict(X.assign(x=[1.0, np.nan]), groups={"g": [0, 1]}, missing="keep")
    assert np.isfinite(gaps.mean[0])
    assert np.isnan(gaps.mean[1])
    fit.save(tmp_path / "g.nc")
    again = bm.load(tmp_path / "g.nc")
    groups = {"g": frame.g}
    X = frame[["x"]]
    np.testing.assert_array_equal(
        again.predict(X, groups=groups).mean, fit.predict(X, groups=groups).mean
    )
    assert design_from_config(data.design.to_config()) == data.design
    assert len(fit.predictions(by="g")) == 6
    updated = fit.update(data.like(frame[["x", "y", "g"]].assign(x=frame.x + 1.0)))
    assert updated.statistics.rows == 160


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        ({"g": [1, 2]}, "X has 80 rows but groups\\['g'\\] has 2"),
        (np.zeros(80), "without a name; write groups="),
        ({}, "groups is empty"),
        ({"x": np.zeros(80)}, "'x'"),
        ({"y": np.zeros(80)}, "'y'"),
        ({"g": [None] * 79 + ["a"]}, "missing values"),
        ({"g": pd.Series(range(80), index=range(1, 81))}, "different pandas indexes"),
    ],
)
def test_groups_that_do_not_fit(groups: Any, match: str, frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=match):
        bm.Data(frame[["x"]], frame.y, groups=groups)


def test_new_rows_that_lack_their_groups(frame: pd.DataFrame, formula: bm.Fit) -> None:
    fit = bm.fit(bm.Model(), bm.Data(frame[["x"]], frame.y, groups={"g": frame.g}))
    X = frame[["x"]][:2]
    for groups, match in (
        (None, r"predict\(X, groups=\{'g': labels\}\)"),
        ({"g": [1]}, r"X has 2 rows but groups\['g'\] has 1"),
        ({"g": [1, 99]}, "g is '99' in row 1"),
        ({"k": [1, 2]}, "groups has 'k', but those of the data are 'g'"),
    ):
        with pytest.raises(DataError, match=match):
            fit.predict(X, groups=groups)
    with pytest.raises(DataError, match="groups is for data that had groups beside X"):
        formula.predict(frame, groups={"g": frame.g})
