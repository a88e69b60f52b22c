"""Statistics of [Z | X | y] merge and part as rows do, levels told apart by name."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.errors import DataError

FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ 0 + x + (1 | g) + (0 + x | h)",
    "y ~ z + s(x, k=6) + (1 | g)",
    "y | precision(p) ~ x + (1 | g) + (1 | h)",
]


@pytest.fixture(scope="module")
def sites() -> list[pd.DataFrame]:
    """Three sites: each has levels that no other has, and h has most levels in the end."""
    rng = np.random.default_rng(5)
    effects, of_h, parts = rng.normal(size=(30, 2)) * [2.0, 0.5], rng.normal(size=60), []
    for k in range(3):
        g, h = rng.integers(6 * k, 6 * k + 10, 80), rng.integers(3 * k, 5 + 10 * k, 80)
        x, z = rng.normal(3.0 + 30.0 * k, 2.0, 80), rng.normal(size=80)
        y = 1.0 + x - z + effects[g, 0] + effects[g, 1] * x + of_h[h] + rng.normal(size=80)
        names = {"g": [f"g{v}" for v in g], "w": rng.integers(1, 4, 80)}
        names["p"] = 0.2 + np.arange(80) % (3 + k)
        parts.append(pd.DataFrame({"y": y, "x": x, "z": z, "h": h, **names}))
    return parts


def read(formula: str, sites: list[pd.DataFrame]) -> tuple[bm.Data, list[bm.Data]]:
    """Return the data of all sites, and of each; curves have the knots of all."""
    whole = bm.Data.from_formula(formula, pd.concat(sites), observation_weights="w")
    if "s(" in formula:
        return whole, [whole.like(site, observation_weights="w") for site in sites]
    each = [bm.Data.from_formula(formula, site, observation_weights="w") for site in sites]
    return whole, each


def same(found: bm.Fit, right: bm.Fit) -> None:
    """Require the moments and quantiles of everything, effects by name, to 1e-10 of an sd."""
    a, b = found.summary(), right.summary()
    away = (a - b.loc[a.index]).abs().div(b.loc[a.index, "sd"], axis=0)
    assert away.to_numpy().max() < 1e-10
    for part in right.problem.model.predictor.groups:  # type: ignore[attr-defined]
        of_b, of_a = right.effects(part.factor), found.effects(part.factor)
        assert set(of_a.index) <= set(of_b.index)  # others have no rows
        away = (of_a - of_b.loc[of_a.index]).abs().div(of_a["sd"], axis=0)
        assert away.to_numpy().max() < 1e-10


@pytest.mark.parametrize("formula", FORMULAS)
def test_sites_merge_and_part_as_their_rows_do(formula: str, sites: list[pd.DataFrame]) -> None:
    whole, (a, b, c) = read(formula, sites)
    right = bm.fit(bm.Model(), whole, bm.Exact())
    model = right.resolved
    kept = a.summarised().merged(b.summarised().merged(c.summarised()))
    found = bm.fit(model, kept, bm.Exact())
    same(found, right)
    assert found.log_evidence == pytest.approx(right.log_evidence, rel=1e-10)
    fewer = kept.without(b)
    two = bm.fit(model, a.merged(c), bm.Exact())
    same(bm.fit(model, fewer, bm.Exact()), two)
    rows = sites[0][:3]
    both = bm.fit(model, fewer, bm.Exact()).predict(rows), two.predict(rows)
    np.testing.assert_allclose(both[0].mean, both[1].mean, rtol=1e-10)


def test_a_level_whose_rows_are_gone_leaves(sites: list[pd.DataFrame]) -> None:
    _, (a, b, _) = read("y ~ x + (1 | g)", sites)
    left = a.merged(b).without(b)
    assert left.grouped_statistics.levels == a.grouped_statistics.levels
    assert left.design.to_config() == a.design.to_config()
    fit = bm.fit(bm.Model(), left)
    with pytest.raises(DataError, match="never had"):
        fit.predict(sites[1][-1:].assign(g="g15"))


def test_new_groups_are_learned_from(sites: list[pd.DataFrame]) -> None:
    whole, _ = read("y ~ x + (x | g)", sites)
    right = bm.fit(bm.Model(), whole, bm.Exact())
    first = bm.fit(right.resolved, read("y ~ x + (x | g)", sites[:1])[0], bm.Exact())
    fit, evidence = first, first.log_evidence
    for site in sites[1:]:
        with pytest.raises(DataError, match="new_groups=True"):
            fit.data.like(site)
        fit = fit.update(fit.data.like(site, new_groups=True))
        evidence += fit.log_evidence
    same(fit, right)
    assert evidence == pytest.approx(right.log_evidence, rel=1e-10)
    with pytest.raises(DataError, match="not numbered as those"):
        first.update(bm.Data.from_formula("y ~ x + (x | g)", sites[1]))


def test_new_groups_beside_a_frame(sites: list[pd.DataFrame]) -> None:
    columns = [site[["x", "y", "g"]] for site in sites]
    first, whole = (
        bm.Data(part[["x"]], part["y"], groups=part[["g"]])
        for part in (columns[0], pd.concat(columns))
    )
    right = bm.fit(bm.Model(), whole, bm.Exact())
    fit = bm.fit(right.resolved, first, bm.Exact())
    for part in columns[1:]:
        fit = fit.update(fit.data.like(part, new_groups=True))
    same(fit, right)


def test_summarised_data_are_saved_and_stand_for_the_rows(
    tmp_path: Any, sites: list[pd.DataFrame]
) -> None:
    whole, _ = read("y ~ x + (1 | g)", sites)
    bm.fit(bm.Model(), whole.summarised(), bm.Exact()).save(tmp_path / "fit.nc")
    loaded = bm.load(tmp_path / "fit.nc")
    for method in (bm.Exact(), bm.MLE(restricted=True), bm.MAP()):
        right = bm.fit(bm.Model(), whole, method).summary()
        found = bm.fit(bm.Model(), loaded.data, method).summary()
        np.testing.assert_allclose(found, right, rtol=1e-5)
    more, fit = whole.like(sites[2].assign(y=0.5)), bm.fit(bm.Model(), whole, bm.Exact())
    np.testing.assert_allclose(loaded.update(more).summary(), fit.update(more).summary(), rtol=1e-9)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("y ~ x + (1 | g)", "y ~ x + (1 | h)", "same columns"),
        ("y ~ x + (1 | g)", "y ~ x + (x | g)", "same columns"),
        ("y ~ x + (1 | g)", "y ~ z + (1 | g)", "same columns"),
        ("y ~ s(x, k=6)", "y ~ s(x, k=6)", "other knots"),
        ("y ~ center(x) + (1 | g)", "y ~ center(x) + (1 | g)", "other centres"),
    ],
)
def test_other_columns_do_not_merge(
    one: str, other: str, why: str, sites: list[pd.DataFrame]
) -> None:
    a, b = bm.Data.from_formula(one, sites[0]), bm.Data.from_formula(other, sites[1])
    with pytest.raises(DataError, match=why):
        a.merged(b)
    with pytest.raises(DataError, match=why):
        a.without(b)


def test_rows_that_were_never_in_are_not_taken_out(sites: list[pd.DataFrame]) -> None:
    a, b = (bm.Data.from_formula("y ~ x + (1 | g)", site) for site in sites[:2])
    with pytest.raises(DataError, match="never had"):
        a.without(b)
    some = bm.Data.from_formula("y ~ x + (1 | g)", sites[0][sites[0].g == "g1"])
    rest = a.without(some)
    with pytest.raises(DataError, match="never"):
        rest.without(some)
    with pytest.raises(DataError, match="more of level"):
        a.without(some.merged(some))


def test_plain_columns_merge_and_part_too() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=90), "c": 2.0, "y": rng.normal(size=90)})
    frame["twice"] = 2.0 * frame["x"] + 1.0  # others make it, before as after
    names = ["x", "c", "twice"]
    a, b = (bm.Data(part[names], part["y"]) for part in (frame[:50], frame[50:]))
    both = a.merged(b)
    assert repr(both.without(b)).startswith("Data(50 rows as sufficient statistics, 3 features")
    R, right = both.without(b).statistics.R, a.statistics.R
    np.testing.assert_allclose(R.T @ R, right.T @ right, atol=1e-12)
    far = bm.Data(frame[50:][names].assign(twice=0.0), frame[50:]["y"])
    with pytest.raises(DataError, match="never in"):
        both.without(far)
    with pytest.raises(DataError, match="must be a Data"):
        a.merged(frame)  # type: ignore[arg-type]


@pytest.mark.parametrize("formula", ["y ~ x + (x | g)", "y ~ z + s(x, k=6) + (1 | h)"])
def test_files_and_partitions_are_summed_as_rows_in_memory(
    formula: str, tmp_path: Any, sites: list[pd.DataFrame]
) -> None:
    import dask.dataframe as dd

    for k, site in enumerate(sites):
        site.to_parquet(tmp_path / f"{k}.parquet")
    whole = pd.concat(sites)
    right = bm.fit(bm.Model(), bm.Data.from_formula(formula, whole), bm.Exact())
    streamed = bm.Data.from_parquet(tmp_path, formula, progress=False)
    divided = bm.Data.from_formula(formula, dd.from_pandas(whole, npartitions=3, sort=False))
    for data in (streamed, divided):
        same(bm.fit(right.resolved, data, bm.Exact()), right)
        assert data.statistics is data.grouped_statistics.statistics  # read once for both
