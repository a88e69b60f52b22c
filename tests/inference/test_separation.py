"""Likelihoods without a maximum are named before their estimates are believed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesml as bm


def frame(m: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=m), "g": list("abc") * (m // 3)})
    rows["z"] = rng.normal(size=m)
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_complete_separation_names_the_column(seed: int) -> None:
    rows = frame()
    rows["y"] = (rows["x"] > np.quantile(rows["x"], 0.3 + 0.1 * seed)).astype(float)
    data = bm.Data.from_formula("y ~ x + z", rows)
    with pytest.raises(bm.SeparationError, match=r"y: 'x' tells 5\d rows apart"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MAP())
    assert fit.learned.notes == ()


def test_a_level_of_zeros_is_named_alone() -> None:
    rows = frame()
    rng = np.random.default_rng(1)
    rows["y"] = np.where(rows["g"] == "b", 0.0, rng.integers(0, 2, 60))
    data = bm.Data.from_formula("y ~ x + g", rows)
    with pytest.raises(bm.SeparationError, match=r"y: 'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    rows["counts"] = np.where(rows["g"] == "c", 0.0, rng.poisson(2.0, 60))
    data = bm.Data.from_formula("counts ~ x + g", rows)
    for likelihood in (bm.Poisson(), bm.NegativeBinomial(concentration=2.0)):
        with pytest.raises(bm.SeparationError, match=r"'g\[T.c\]' tells 20 rows apart"):
            bm.fit(bm.Model(likelihood=likelihood), data, bm.MLE())


def test_trials_and_ordered_classes() -> None:
    rows = frame().assign(n=5.0)
    rng = np.random.default_rng(2)
    rows["y"] = np.where(rows["g"] == "b", 5.0, rng.binomial(5, 0.4, 60))
    data = bm.Data.from_formula("y | trials(n) ~ g", rows)
    with pytest.raises(bm.SeparationError, match=r"'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MLE())
    rows["k"] = np.where(rows["g"] == "b", 2.0, rng.integers(0, 3, 60))
    data = bm.Data.from_formula("C(k) ~ g", rows)
    with pytest.raises(bm.SeparationError, match=r"'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Ordinal()), data, bm.MLE())


def test_rows_without_a_trial_say_nothing() -> None:
    rows = pd.DataFrame({"x": [-2.0, -1.0, 1.0, 2.0, 5.0], "y": [0.0, 0.0, 3.0, 3.0, 0.0]})
    rows["n"] = [3.0, 3.0, 3.0, 3.0, 0.0]
    data = bm.Data.from_formula("y | trials(n) ~ x", rows)
    with pytest.raises(bm.SeparationError, match=r"'x' tells [34] rows apart"):
        bm.fit(bm.Model(likelihood=bm.Binomial()), data, bm.MLE())


def test_nearly_separated_rows_have_an_estimate() -> None:
    x = np.linspace(-3, 3, 41)
    y = (x > 0.1).astype(float)
    y[20] = 1.0
    y[22] = 0.0
    data = bm.Data(x[:, None], y)
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    assert fit.learned.notes == ()
    assert np.max(np.abs(fit.draws(1, 1)["weights"])) > 5


@pytest.mark.parametrize("method", [bm.MAP(), bm.Laplace(), bm.NUTS(progress=False)], ids=repr)
def test_a_flat_prior_under_separation_has_no_posterior(method: object) -> None:
    rows = frame()
    rows["y"] = (rows["x"] > 0).astype(float)
    model = bm.Model(likelihood=bm.Bernoulli(), prior=bm.Flat())
    with pytest.raises(bm.SeparationError):
        bm.fit(model, bm.Data.from_formula("y ~ x", rows), method)


@pytest.mark.parametrize("K", [2, 3])
def test_classes_that_a_column_tells_apart(K: int) -> None:
    """One class stands alone above x = 0.4, whatever the others are there."""
    rows, rng = frame(), np.random.default_rng(4)
    rows["k"] = rng.integers(0, K - 1, 60)
    rows.loc[rows["x"] > 0.4, "k"] = K - 1
    data = bm.Data.from_formula("C(k) ~ x + z", rows)
    with pytest.raises(bm.SeparationError, match=r"'x' tells (5\d|60) rows apart"):
        bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MLE())
    rows.loc[[0, 1, 2], "k"] = [0, K - 1, 0]
    rows.loc[[0, 1, 2], "x"] = [2.0, -2.0, 3.0]
    data = bm.Data.from_formula("C(k) ~ x + z", rows)
    assert bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MLE()).check().computed


def test_a_level_without_one_of_the_classes_is_named() -> None:
    rows, rng = frame(), np.random.default_rng(5)
    rows["k"] = rng.integers(0, 3, 60)
    rows.loc[rows["g"] == "b", "k"] = rng.integers(0, 2, 20)
    data = bm.Data.from_formula("C(k) ~ x + g", rows)
    with pytest.raises(bm.SeparationError, match=r"'g\[T.b\]' tells 20 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Categorical()), data, bm.MLE())


def test_the_cone_is_that_of_the_density() -> None:
    """Along a direction in it the density of its class never falls, and else it does somewhere."""
    three, rng = bm.Categorical(("a", "b", "c")), np.random.default_rng(6)
    y, steps = np.repeat([0.0, 1.0, 2.0], 40), np.geomspace(0.1, 30.0, 40)
    direction, eta = rng.normal(size=(2, 120)), rng.normal(size=(2, 120))
    inside = np.all(np.einsum("rkm,km->rm", three.recession_cone(y), direction) >= 0, axis=0)
    along = np.array([three.log_density(y, eta + t * direction, {}) for t in steps])
    np.testing.assert_array_equal(inside, np.all(np.diff(along, axis=0) >= -1e-14, axis=0))
    assert 20 < inside.sum() < 100


@pytest.mark.parametrize("separated", [True, False])
def test_rows_in_files_are_tried_block_by_block(separated: bool, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(7)
    rows = pd.DataFrame(rng.normal(size=(4000, 3)), columns=["x", "z", "v"])
    steep = 30.0 * (rows["x"] - 0.2 * rows["z"] - 0.1)
    rows["y"] = (steep + (0.0 if separated else 1.0) * rng.logistic(size=4000) > 0).astype(float)
    for k, part in enumerate(np.array_split(np.arange(4000), 8)):
        pq.write_table(pa.Table.from_pandas(rows.iloc[part]), tmp_path / f"part_{k}.parquet")
    data = bm.Data.from_parquet(tmp_path, "y ~ x + z + v", progress=False)
    model = bm.Model(likelihood=bm.Bernoulli())
    if not separated:
        assert bm.fit(model, data, bm.MLE()).check().computed
        return
    with pytest.raises(bm.SeparationError, match=r"'x', 'z' tell (399\d|4000) rows"):
        bm.fit(model, data, bm.MLE())
