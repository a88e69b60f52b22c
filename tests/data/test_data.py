"""What passes the door of Data(X, y), what does not and what it is told, and how rows are read."""

import copy
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from operator import add
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from bayesml.data import Block, Data
from bayesml.data import blocks as blocks_module
from bayesml.errors import DataError

X = np.arange(12.0).reshape(6, 2)
Y = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
FRAME = pd.DataFrame(X, columns=["a", "b"], index=list("uvwxyz"))


def with_nan() -> Any:
    holes = X.copy()
    holes[1, 0], holes[3, 1] = np.nan, np.inf
    return holes


REFUSED: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "one dimension": (Y, Y, {}, r"X\[:, None\] for one feature"),
    "three dimensions": (X[None], Y, {}, r"shape \(1, 6, 2\).*rows × columns"),
    "a number": (3.0, Y, {}, r"shape \(\)"),
    "fewer targets": (X, Y[:4], {}, "X has 6 rows but y has 4 values"),
    "NaN and inf": (with_nan(), Y, {}, "2 values .* nan in row 1 of 'x0', inf in row 3 of 'x1'"),
    "NaN in y": (X, np.where(Y > 4, np.nan, Y), {}, "y has 2 values.*nan in row 4, nan in row 5"),
    "text": ([["a", 1], ["b", 2]], [1, 2], {}, r"text \('a' at \[0, 0\]\).*from_formula.*C\("),
    "None": ([[1, 2], [3, None]], [1, 2], {}, r"None at \[1, 1\].*drop or fill"),
    "objects": (np.array([[1, object]]), [1], {}, r"type objects"),
    "complex": (X + 0j, Y, {}, "complex numbers"),
    "dates": (np.full((6, 1), "2020-01-01", "M8[D]"), Y, {}, "dates.*days since"),
    "ragged": ([[1], [1, 2]], [1, 2], {}, "ragged"),
    "no rows": (np.empty((0, 3)), [], {}, "X has no rows"),
    "sparse matrix": (scipy.sparse.csr_matrix(X), Y, {}, r"sparse.*X\.toarray\(\)"),
    "sparse array": (scipy.sparse.coo_array(X), Y, {}, r"sparse.*X\.toarray\(\)"),
    "masked": (np.ma.array(X, mask=X == 4), Y, {}, "masked values in row 2"),
    "nothing": (None, Y, {}, "X is a NoneType"),
    "a generator": ((row for row in X), Y, {}, "X is a generator"),
    "overflow": (np.full((2, 1), np.longdouble("1e400")), [1, 2], {}, "inf in row 0"),
    "y as a column": (X, Y[:, None], {}, r"y has shape \(6, 1\).*y\[:, 0\]"),
    "y as a matrix": (X, X, {}, r"y has shape \(6, 2\), but one number a row"),
    "y complex": (X, Y + 1j, {}, "y holds complex"),
    "names twice": (X, Y, {"feature_names": ["a", "a"]}, "more than once: 'a'"),
    "too few names": (X, Y, {"feature_names": ["a"]}, "2 columns but .* 1 feature_names"),
    "a string of names": (X, Y, {"feature_names": "ab"}, "one non-empty string a column"),
    "an empty name": (X, Y, {"feature_names": ["a", ""]}, "one non-empty string a column"),
    "y among the names": (X, Y, {"feature_names": ["a", "y"]}, "'y' is also a column of X"),
    "negative weight": (X, Y, {"observation_weights": [1, 1, -1, 1, 1, 1]}, "negative in row 2"),
    "zero weights": (X, Y, {"observation_weights": np.zeros(6)}, "zero everywhere"),
    "NaN weight": (X, Y, {"observation_weights": [1, np.nan, 1, 1, 1, 1]}, "nan in row 1"),
    "infinite weight": (X, Y, {"observation_weights": [1, np.inf, 1, 1, 1, 1]}, "inf in row 1"),
    "fewer weights": (X, Y, {"observation_weights": [1, 1]}, "observation_weights has 2 values"),
    "pandas NaN": (FRAME.where(FRAME != 4), Y, {}, r"nan in row w \(position 2\) of 'a'"),
    "pandas text": (FRAME.assign(c="q"), Y, {}, "'c' has dtype str.*from_formula"),
    "pandas category": (FRAME.assign(c=pd.Categorical([1] * 6)), Y, {}, "category.*from_formula"),
    "pandas date": (FRAME.assign(c=pd.Timestamp("2020")), Y, {}, "datetime.*days since"),
    "pandas period": (FRAME.assign(c=pd.Period("2020")), Y, {}, "period.*days since"),
    "pandas object": (FRAME.assign(c=[1, 2, 3, 4, 5, "q"]), Y, {}, r"text \('q' at \[5\]\)"),
    "pandas complex": (FRAME.astype(complex), Y, {}, "complex"),
    "pandas Int64": (FRAME.assign(c=pd.array([1, None] * 3, "Int64")), Y, {}, "3 values.*row v"),
    "pandas twice": (FRAME.set_axis(["a", "a"], axis=1), Y, {}, "more than once: 'a'"),
    "pandas order": (FRAME, pd.Series(Y), {}, r"different pandas indexes.*y\.loc\[X\.index\]"),
    "pandas names": (FRAME, Y, {"feature_names": ["p", "q"]}, "rename the columns"),
    "target in X": (FRAME, FRAME["a"], {}, "'a' is also a column of X"),
    "Polars null": (pl.DataFrame({"a": [1, None]}), [1, 2], {}, "nan in row 1 of 'a'"),
    "Polars only null": (pl.DataFrame({"a": [None, None]}), [1, 2], {}, "2 values"),
    "Polars text": (pl.DataFrame({"a": ["q", "r"]}), [1, 2], {}, "String.*from_formula"),
    "Polars date": (pl.DataFrame({"a": [date(2020, 1, 1)]}), [1], {}, "Date.*days since"),
    "Polars duration": (pl.DataFrame({"a": [timedelta(1)]}), [1], {}, "Duration.*days since"),
    "Polars list": (pl.DataFrame({"a": [[1], [2]]}), [1, 2], {}, "List"),
    "Polars lazy": (pl.LazyFrame({"a": [1]}), [1], {}, r"LazyFrame.*collect\(\)"),
    "dict of lengths": ({"a": [1, 2], "b": [1]}, [1, 2], {}, "one length.*'b' has shape"),
    "dict of numbers": ({"a": 1}, [1], {}, r"'a' has shape \(\)"),
    "dict of matrices": ({"a": X}, Y, {}, r"'a' has shape \(6, 2\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_by_name(case: str) -> None:
    features, target, options, message = REFUSED[case]
    with pytest.raises(DataError, match=message):
        Data(features, target, **options)


ACCEPTED: dict[str, Callable[[], Any]] = {
    "float64": lambda: X,
    "float32": lambda: X.astype(np.float32),
    "float16": lambda: X.astype(np.float16),
    "longdouble": lambda: X.astype(np.longdouble),
    "big-endian": lambda: X.astype(">f8"),
    "int8": lambda: X.astype(np.int8),
    "uint64": lambda: X.astype(np.uint64),
    "objects that are numbers": lambda: X.astype(object),
    "list of lists": X.tolist,
    "list of rows": lambda: list(X),
    "Fortran order": lambda: np.asfortranarray(X),
    "strided": lambda: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda: X[::-1, ::-1].copy()[::-1, ::-1],
    "not masked": lambda: np.ma.array(X, mask=False),
    "np.matrix": lambda: X.view(np.matrix),
    "read-only": lambda: np.broadcast_to(X, X.shape),
    "pandas": lambda: FRAME,
    "pandas of two types": lambda: FRAME.astype({"a": np.float32}),
    "pandas nullable": lambda: FRAME.astype({"a": "Int64", "b": "Float64"}),
    "pandas objects": lambda: FRAME.astype(object),
    "pandas arrow": lambda: FRAME.astype("float64[pyarrow]"),
    "Polars": lambda: pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}),
    "Polars integers": lambda: pl.DataFrame({"a": X[:, 0].astype(int), "b": X[:, 1]}),
    "Polars decimal": lambda: pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}).cast(pl.Decimal(10, 2)),
    "dict": lambda: {"a": X[:, 0].tolist(), "b": X[:, 1]},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_every_kind_of_numbers_gives_the_same_data(case: str) -> None:
    data = Data(ACCEPTED[case](), Y)
    np.testing.assert_array_equal(data.X, X)
    (block,) = data.blocks()
    assert block.X.dtype == np.float64
    np.testing.assert_array_equal(block.X, X)
    np.testing.assert_array_equal(data.design.matrix(ACCEPTED[case]()), X)


def test_booleans_are_zero_and_one() -> None:
    data = Data(X > 5, Y > 3)
    assert set(data.X.flat) == set(data.y) == {0.0, 1.0}
    data = Data(pl.DataFrame({"a": [True, False]}), pd.Series([True, False]))
    assert data.X[:, 0].tolist() == data.y.tolist() == [1.0, 0.0]


def test_no_columns_is_a_mean() -> None:
    data = Data(np.empty((6, 0)), Y)
    assert (data.m, data.n) == (6, 0)
    assert data.reduce(lambda block: block.y.sum(), add) == Y.sum()


def test_names() -> None:
    assert Data(X, Y).feature_names == ("x0", "x1")
    assert Data(X, Y).target_name == "y"
    assert Data(X, Y, feature_names=["p", "q"], target_name="r").feature_names == ("p", "q")
    named = pd.Series(Y, index=FRAME.index, name="weight")
    data = Data(FRAME, named)
    assert (data.feature_names, data.target_name) == (("a", "b"), "weight")
    assert Data(pl.DataFrame({"a": [1]}), pl.Series("t", [1])).target_name == "t"
    assert Data(FRAME.set_axis([0, 1], axis=1), Y).feature_names == ("0", "1")


def test_repr_is_one_line() -> None:
    assert repr(Data(X, Y)) == "Data(6 rows, 2 features: x0, x1; target y)"
    weighted = Data(np.eye(9), np.ones(9), observation_weights=np.ones(9))
    assert repr(weighted) == (
        "Data(9 rows, weighted, 9 features: x0, x1, x2, x3, x4 and 4 more; target y)"
    )
    assert repr(Data(np.empty((1, 0)), [1])) == "Data(1 row, 0 features; target y)"


def test_row_labels_are_the_pandas_index() -> None:
    assert Data(X, Y).row_labels is None
    assert Data(FRAME.reset_index(drop=True), Y).row_labels is None
    labels = Data(FRAME, Y).row_labels
    assert labels is not None
    assert labels.tolist() == list("uvwxyz")
    labels = Data(X, pd.Series(Y, index=FRAME.index)).row_labels
    assert labels is not None
    assert labels.tolist() == list("uvwxyz")
    pairs = pd.MultiIndex.from_product([["p", "q"], [1, 2, 3]])
    labels = Data(FRAME.set_index(pairs), Y).row_labels
    assert labels is not None
    assert labels[0] == "('p', 1)"


def test_weights() -> None:
    data = Data(X, Y, observation_weights=[2, 0, 1, 1, 1, 0.5])
    assert data.observation_weights is not None
    assert data.observation_weights.tolist() == [2, 0, 1, 1, 1, 0.5]
    assert Data(X, Y).observation_weights is None
    total = data.reduce(lambda b: (b.observation_weights * b.y).sum(), add)
    assert total == 2 * 3 + 4 + 1 + 5 + 4.5


def test_arrays_are_neither_copied_nor_writable() -> None:
    for own in (X, np.asfortranarray(X), X.astype(np.float32), FRAME):
        data = Data(own, Y)
        assert np.shares_memory(data.X, own.to_numpy() if own is FRAME else own)
        assert np.shares_memory(data.y, Y)
    for array in (data.X, data.y, Data(X, Y, observation_weights=Y).observation_weights):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    assert X.flags.writeable


def test_data_is_frozen_and_can_be_copied() -> None:
    data = Data(X, Y)
    with pytest.raises(AttributeError):
        data.design = None
    for other in (copy.copy(data), copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        np.testing.assert_array_equal(other.X, X)
        assert other.design == data.design


def test_data_from_checked_arrays_are_the_same_data() -> None:
    data = Data(FRAME, Y, observation_weights=Y)
    again = Data.from_checked_arrays(data.X, data.y, Y.copy(), data.design, data.row_labels)
    assert repr(again) == repr(data)
    assert again.design == data.design
    assert again.observation_weights is not None
    assert not again.observation_weights.flags.writeable


@pytest.mark.parametrize(
    "layout",
    [
        np.asarray,
        np.asfortranarray,
        lambda a: a.astype(np.float32),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: a[::-1],
    ],
    ids=["C", "F", "float32", "strided", "reversed"],
)
def test_blocks_are_bounded_and_give_back_the_rows(
    layout: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_VALUES", 3 * 300)
    rng = np.random.default_rng(0)
    features = layout(rng.integers(-9, 9, (1000, 3)).astype(float))
    target, weights = rng.normal(size=1000), rng.random(1000)
    data = Data(features, target, observation_weights=weights)
    blocks = list(data.blocks())
    assert [len(block.y) for block in blocks] == [300, 300, 300, 100]
    for block in blocks:
        assert block.X.dtype == np.float64
        assert block.X.itemsize in block.X.strides
        assert min(block.X.strides) > 0
    np.testing.assert_array_equal(np.concatenate([block.X for block in blocks]), features)
    np.testing.assert_array_equal(np.concatenate([block.y for block in blocks]), target)
    parts = [block.observation_weights for block in blocks if block.observation_weights is not None]
    np.testing.assert_array_equal(np.concatenate(parts), weights)
    assert data.reduce(lambda block: block.X.sum(), add) == features.sum()
    assert data.reduce(lambda block: [len(block.y)], add) == [300, 300, 300, 100]


def test_wide_rows_come_in_blocks_that_are_still_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_VALUES", 1)
    assert [len(block.y) for block in Data(np.ones((600, 5)), np.ones(600)).blocks()] == [
        256,
        256,
        88,
    ]


class Stream:
    """Rows that are made when they are read, and never all in memory."""

    m, n = 40, 2
    weighted = False
    whereabouts = "made up"

    def blocks(self) -> Iterator[Block]:
        for start in range(0, self.m, 7):
            y = np.arange(start, min(start + 7, self.m), dtype=float)
            yield Block(np.stack([y, y**2], axis=1), y, None)

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        parts = [function(block) for block in self.blocks()]
        while len(parts) > 1:  # as a cluster would: in pairs
            parts = [combine(*pair) if len(pair) == 2 else pair[0] for pair in zip_pairs(parts)]
        return parts[0]


def zip_pairs[T](items: list[T]) -> list[tuple[T, ...]]:
    return [tuple(items[i : i + 2]) for i in range(0, len(items), 2)]


def test_any_source_of_blocks_will_do() -> None:
    streamed = copy.copy(Data(np.empty((1, 2)), [0.0]))
    object.__setattr__(streamed, "source", Stream())
    rows = np.concatenate([block.X for block in streamed.blocks()])
    held = Data(rows, rows[:, 0])
    gram = streamed.reduce(lambda block: block.X.T @ block.X, add)
    np.testing.assert_array_equal(gram, held.reduce(lambda block: block.X.T @ block.X, add))
    assert (streamed.m, streamed.n) == (40, 2)
    with pytest.raises(DataError, match=r"not in memory.*blocks\(\)"):
        _ = streamed.X


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_hole_is_counted_wherever_it_is(order: Any, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        m, n = rng.integers(1, 3000), rng.integers(1, 1000)
        features = np.ones((m, n), dtype=dtype, order=order)
        holes = {(int(i), int(j)) for i, j in rng.integers(0, [m, n], (rng.integers(1, 20), 2))}
        for i, j in holes:
            features[i, j] = rng.choice([np.nan, np.inf, -np.inf])
        first = min(holes)
        count = "1 value that is" if len(holes) == 1 else f"{len(holes)} values that are"
        with pytest.raises(DataError, match=rf"{count} not .* row {first[0]} of 'x{first[1]}'"):
            Data(features, np.ones(m))


def test_large_finite_numbers_pass() -> None:
    Data(np.full((6, 2), 1e308), Y)
    Data(np.array([[1e308], [-1e308]]), [1, 2])


@pytest.mark.parametrize(
    "layout", [np.asarray, np.asfortranarray, np.flipud], ids=["C", "F", "reversed"]
)
def test_the_door_needs_no_memory(layout: Callable[[Any], Any]) -> None:
    features = layout(np.ones((50_000, 40)))
    tracemalloc.start()
    try:
        Data(features, features[:, 0])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < features.nbytes / 20


def test_import_and_arrays_load_no_frames() -> None:
    code = (
        "import sys, bayesml.data as d; data = d.Data([[1.0], [2.0]], [1, 2]);"
        "data.design.matrix([[3.0]]); repr(data);"
        "print([m for m in ('pandas', 'polars', 'formulaic') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_arrow_table_is_a_frame_by_its_names() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0, 3.0], "b": [0, 1, 1, 0], "g": list("uvuv")})
    table = pa.Table.from_pandas(frame)
    y = [1.0, 3.0, 2.0, 5.0]
    data = Data(table.select(["b", "a"]), y)
    assert data.feature_names == ("b", "a")
    np.testing.assert_array_equal(data.X, frame[["b", "a"]])
    named = Data.from_formula("a ~ b + g", table)
    np.testing.assert_array_equal(named.X, Data.from_formula("a ~ b + g", frame).X)
    np.testing.assert_array_equal(named.design.matrix(table), named.X)
