"""Rows are known again wherever they are stored, and not confused with rows that are alike."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import bayesml as bm
from bayesml.data import fingerprint
from bayesml.data.fingerprint import SeenRows, row_numbers, same_shares

RNG = np.random.default_rng(3)
X = RNG.normal(size=(300, 3))
Y = RNG.normal(size=300)
W = RNG.integers(1, 4, size=300).astype(float)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=Y)


def split_mix(numbers: list[float], y: float) -> int:
    """The number of a row in Python's own integers (F1)."""
    largest = (1 << 64) - 1
    first, second = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
    h = len(numbers)
    for value in (*numbers, y):
        bits = int.from_bytes(np.float64(value).tobytes(), "little")
        h = ((h ^ bits) * first) & largest
        h ^= h >> 32
    h = ((h ^ (h >> 30)) * first) & largest
    h = ((h ^ (h >> 27)) * second) & largest
    return h ^ (h >> 31)


def test_numbers_are_those_of_whole_arithmetic() -> None:
    found = row_numbers(X[:5], Y[:5])
    assert found.tolist() == [split_mix(X[i].tolist(), float(Y[i])) for i in range(5)]
    assert row_numbers(np.array([[-0.0]]), np.zeros(1))[0] == split_mix([0.0], 0.0)


def test_small_whole_numbers_do_not_collide() -> None:
    rows = np.stack(np.meshgrid(*[np.arange(9.0)] * 6), axis=-1).reshape(-1, 6)
    assert len(np.unique(row_numbers(rows[:, :-1], rows[:, -1]))) == len(rows)


def test_storage_order_and_blocks_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bm.Data(X, Y).fingerprint
    FRAME.to_parquet(tmp_path / "rows.parquet", row_group_size=70)
    dd = pytest.importorskip("dask.dataframe")
    partitions = dd.from_pandas(FRAME, npartitions=3)
    order = RNG.permutation(300)
    same = {
        "columns": bm.Data(np.asfortranarray(X), Y),
        "order": bm.Data(X[order], Y[order]),
        "pandas": bm.Data(FRAME[["a", "b", "c"]], FRAME["y"]),
        "polars": bm.Data.from_formula("y ~ a + b + c", pl.from_pandas(FRAME)),
        "parquet": bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ .", progress=False),
        "dask": bm.Data.from_formula("y ~ .", partitions),
        "weights of one": bm.Data(X, Y, observation_weights=np.ones(300)),
        "weight zero": bm.Data(
            np.vstack([X, X]), np.append(Y, Y), observation_weights=np.repeat([1.0, 0.0], 300)
        ),
    }
    assert {name: data.fingerprint for name, data in same.items()} == dict.fromkeys(same, expected)
    monkeypatch.setattr("bayesml.data.sources.memory.rows_per_block", lambda n: 7)
    monkeypatch.setattr(fingerprint, "PART", 3)
    assert bm.Data(X, Y).fingerprint == expected


def test_every_number_matters() -> None:
    found = {bm.Data(X, Y).fingerprint, bm.Data(X, Y, observation_weights=W).fingerprint}
    for column in range(3):
        other = X.copy()
        other[17, column] = np.nextafter(other[17, column], 9.0)
        found.add(bm.Data(other, Y).fingerprint)
    found.add(bm.Data(X, np.where(np.arange(300) == 4, 2.0, Y)).fingerprint)
    found.add(bm.Data(X[:299], Y[:299]).fingerprint)
    swapped = Y.copy()
    swapped[[0, 1]] = Y[[1, 0]]
    found.add(bm.Data(X, swapped).fingerprint)
    assert len(found) == 8


def test_summaries_have_none() -> None:
    summary = bm.Data(X, Y).summarised()
    with pytest.raises(bm.DataError, match="which are not here"):
        print(summary.fingerprint)


def test_an_overlap_is_counted() -> None:
    seen = SeenRows.of(bm.Data(X[:100], Y[:100])) + SeenRows.of(bm.Data(X[100:200], Y[100:200]))
    found = seen.overlap(bm.Data(X[190:250], Y[190:250]))
    assert (found.count, found.rows, found.certain) == (10, 60, True)
    np.testing.assert_array_equal(found.positions, np.arange(10))
    assert seen.overlap(bm.Data(X[200:], Y[200:])).count == 0


def test_of_many_rows_a_sample_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "SAMPLE", 64)
    parts = [bm.Data(X[k : k + 60], Y[k : k + 60]) for k in range(0, 240, 60)]
    seen = sum((SeenRows.of(part) for part in parts[1:]), SeenRows.of(parts[0]))
    numbers = np.sort(row_numbers(X[:240], Y[:240]))
    np.testing.assert_array_equal(seen.sample, numbers[:64])
    found = seen.overlap(bm.Data(X[150:], Y[150:]))
    assert found.certain
    assert found.count == pytest.approx(90, abs=40)
    assert seen.overlap(parts[2]).count == 60
    assert seen.overlap(bm.Data(X[240:], Y[240:])).count == 0


def test_the_chance_of_the_same_shares_is_multinomial() -> None:
    counts = np.array([3, 1, 4])
    expected = stats.multinomial(8, counts / 8).pmf(counts)
    assert same_shares(counts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("values", [2, 5, 30])
def test_rows_of_few_values_raise_no_false_alarms(values: int) -> None:
    rng = np.random.default_rng(values)
    alarms = 0
    for _ in range(200):
        x = rng.integers(values, size=(400, 1)).astype(float)
        y = rng.poisson(2.0, size=400).astype(float)
        seen = SeenRows.of(bm.Data(x[:200], y[:200])) + SeenRows.of(bm.Data(x[200:300], y[200:300]))
        alarms += seen.overlap(bm.Data(x[300:], y[300:])).certain
    assert alarms <= 2


def fit_of(rows: slice) -> bm.Fit:
    return bm.fit(bm.Model(), bm.Data(X[rows], Y[rows]))


def test_rows_learned_again_are_told(tmp_path: Path) -> None:
    fit = fit_of(slice(0, 50)).update(bm.Data(X[50:100], Y[50:100]))
    fit.update(bm.Data(X[100:120], Y[100:120])).save(tmp_path / "fit.nc")
    later = bm.load(tmp_path / "fit.nc")
    for rows in (slice(0, 20), slice(60, 80), slice(100, 120)):
        with pytest.warns(bm.RepeatedRowsWarning, match="20 of the 20 new rows") as raised:
            later.update(bm.Data(X[rows], Y[rows]))
        assert raised[0].filename == __file__
    with pytest.warns(bm.RepeatedRowsWarning, match="5 of the 25 new rows.*row 0, row 1"):
        later.update(bm.Data(X[115:140], Y[115:140]))
    model = bm.Model(bm.Linear(), later.resolved.likelihood, later.as_prior())
    with pytest.warns(bm.RepeatedRowsWarning):
        bm.fit(model, bm.Data(X[:20], Y[:20]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        later.update(bm.Data(X[120:140], Y[120:140]))


def test_a_file_of_few_values_read_twice_is_told() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(3, size=(200, 1)).astype(float)
    data = bm.Data(x, rng.poisson(2.0, size=200).astype(float))
    with pytest.warns(bm.RepeatedRowsWarning, match="200 of the 200"):
        bm.fit(bm.Model(), data).update(data)


def test_rows_of_weight_zero_keep_the_names_right() -> None:
    w = np.ones(20)
    w[:3] = 0.0
    with pytest.warns(bm.RepeatedRowsWarning, match="17 of the 17 new rows.*row 3, row 4"):
        fit_of(slice(0, 50)).update(bm.Data(X[:20], Y[:20], observation_weights=w))


def test_fitting_computes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(fingerprint, "_numbered", refuse)
    fit = fit_of(slice(0, 50))
    fit.predict(X[:3])
    with pytest.raises(AssertionError):
        fit.as_prior()


def test_a_calibration_says_whose_rows_it_is_of() -> None:
    fit = fit_of(slice(0, 50)).update(bm.Data(X[50:100], Y[50:100]))
    flattering = "learned from, which flatters the fit"
    assert bm.calibration(fit, fit.data).rows == flattering
    assert bm.calibration(fit, bm.Data(X[10:60], Y[10:60])).rows == flattering
    assert bm.calibration(fit, bm.Data(X[90:150], Y[90:150])).rows == f"10 of them {flattering}"
    assert bm.calibration(fit, bm.Data(X[150:], Y[150:])).rows == "new to the fit"
    assert bm.risk(fit, bm.Data(X[150:], Y[150:])).how == "150 rows, new to the fit"
    framed = bm.fit(bm.Model(), bm.Data.from_formula("y ~ a + b", FRAME[:100]))
    assert bm.calibration(framed, FRAME[:20]).rows == flattering
    assert bm.calibration(framed, FRAME[100:]).rows == "new to the fit"


def test_rows_that_were_not_in_memory_are_not_compared(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "rows.parquet")
    data = bm.Data.from_parquet(tmp_path / "rows.parquet", "y ~ .", progress=False)
    fit = bm.fit(bm.Model(), data)
    assert "not compared with 300 rows" in bm.calibration(fit, FRAME[:50]).rows
    summary = bm.fit(bm.Model(), bm.Data(X, Y).summarised())
    assert "not compared with 300 rows" in bm.calibration(summary, bm.Data(X, Y)).rows
