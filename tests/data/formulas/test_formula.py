"""What a formula means, what it may say, and which rows it takes."""

import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayesml.data import Data, design_from_config
from bayesml.data.formulas.parsing import expand_dot
from bayesml.errors import DataError, DataWarning

M = 30


@pytest.fixture
def frame(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": rng.normal(size=M),
            "x": rng.uniform(1, 3, M),
            "zero": np.where(np.arange(M) == 3, 0.0, 1.0),
            "g": rng.permutation(np.repeat(["b", "a", "c"], M // 3)),
            "k": rng.permutation(np.repeat([3, 1, 2], M // 3)),
            "one": "only",
            "date": pd.Timestamp("2020-01-01"),
            "my col": rng.normal(size=M),
            "max": rng.normal(size=M),
            "scale": rng.normal(size=M),
            "class": rng.normal(size=M),
            "big": np.full(M, 2**40),
            "byte": np.full(M, 100, dtype=np.int8),
            "mixed": [1, "a"] * (M // 2),
            "complex": np.ones(M) + 1j,
        }
    )


def columns(formula: str, frame: Any) -> dict[str, Any]:
    data = Data.from_formula(formula, frame)
    return dict(zip(data.feature_names, np.asarray(data.X).T, strict=True))


# What a formula means


def test_numbers_text_and_their_interaction(frame: pd.DataFrame) -> None:
    made = columns("y ~ x * g", frame)
    is_b, is_c = frame["g"] == "b", frame["g"] == "c"
    expected = {
        "x": frame["x"],
        "g[T.b]": is_b,
        "g[T.c]": is_c,
        "x:g[T.b]": frame["x"] * is_b,
        "x:g[T.c]": frame["x"] * is_c,
    }
    assert set(made) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(made[name], values)


WITH_DOT = ("x", "zero", "max", "scale", "big", "byte")


@pytest.mark.parametrize(
    ("formula", "names", "has_intercept"),
    [
        ("y ~ 1", (), True),
        ("y ~ x", ("x",), True),
        ("y~x", ("x",), True),
        ("y ~ 0 + x", ("x",), False),
        ("y ~ x - 1", ("x",), False),
        ("y ~ g", ("g[T.b]", "g[T.c]"), True),
        ("y ~ 0 + g", ("g[a]", "g[b]", "g[c]"), False),
        ("y ~ C(k)", ("C(k)[T.2]", "C(k)[T.3]"), True),
        ("y ~ k + C(k)", ("k", "C(k)[T.2.0]", "C(k)[T.3.0]"), True),
        ("y ~ C(k) + k", ("C(k)[T.2.0]", "C(k)[T.3.0]", "k"), True),
        ("y ~ C(k, Sum)", ("C(k, Sum)[S.1]", "C(k, Sum)[S.2]"), True),
        ("y ~ x:g", ("x:g[a]", "x:g[b]", "x:g[c]"), True),
        ("y ~ (x + max)^2", ("x", "max", "x:max"), True),
        ("y ~ poly(x, 2)", ("poly(x, 2)[1]", "poly(x, 2)[2]"), True),
        ("y ~ 0 + one", ("one[only]",), False),
        ("y ~ . - g - one - date - mixed - complex - k - class - `my col`", WITH_DOT, True),
        ("y ~ max + scale + class", ("max", "scale", "class"), True),
        ("y ~ {max**2} + scale(x)", ("max ** 2", "scale(x)"), True),
        ("y ~ `my col` + log(zero + 1)", ("my col", "log(zero + 1)"), True),
    ],
)
def test_columns_and_intercept(
    formula: str, names: tuple[str, ...], has_intercept: bool, frame: pd.DataFrame
) -> None:
    data = Data.from_formula(formula, frame)
    assert data.feature_names == names
    assert data.design.has_intercept is has_intercept
    assert np.asarray(data.X).shape == (M, len(names))


@pytest.mark.parametrize(
    "formula",
    ["y ~ g*C(k)", "y ~ 0 + g*C(k)", "y ~ g:C(k)", "y ~ x*g - x", "y ~ 0 + x:g + C(k)", "y ~ g/x"],
)
def test_factors_are_coded_to_full_rank(formula: str, frame: pd.DataFrame) -> None:
    data = Data.from_formula(formula, frame)
    full = np.column_stack([data.X, *([np.ones(M)] if data.design.has_intercept else [])])
    assert np.linalg.matrix_rank(full) == full.shape[1]


def test_arithmetic_is_that_of_float64(frame: pd.DataFrame) -> None:
    made = columns("y ~ {big**2} + {byte * 2} + {k / 2} + I(x**2)", frame)
    assert set(made["big ** 2"]) == {2.0**80}
    assert set(made["byte * 2"]) == {200.0}
    np.testing.assert_array_equal(made["k / 2"], frame["k"] / 2)
    np.testing.assert_array_equal(made["I(x ** 2)"], frame["x"] ** 2)


def test_the_target_may_be_transformed(frame: pd.DataFrame) -> None:
    data = Data.from_formula("np.log(x) ~ max", frame)
    assert data.target_name == "np.log(x)"
    np.testing.assert_allclose(data.y, np.log(frame["x"]), rtol=1e-15)
    np.testing.assert_array_equal(Data.from_formula("`my col` ~ x", frame).y, frame["my col"])


def test_levels_keep_the_order_of_a_category_and_drop_what_is_unused(frame: pd.DataFrame) -> None:
    order = pd.Categorical(frame["g"], ["c", "unused", "b", "a"], ordered=True)
    assert list(columns("y ~ g", frame.assign(g=order))) == ["g[T.b]", "g[T.a]"]
    enum = pl.DataFrame({"y": [1.0, 2, 3], "g": ["a", "b", "c"]})
    enum = enum.with_columns(pl.col("g").cast(pl.Enum(["c", "unused", "b", "a"])))
    assert list(columns("y ~ g", enum)) == ["g[T.b]", "g[T.a]"]


def test_booleans_are_numbers_and_c_makes_them_levels(frame: pd.DataFrame) -> None:
    flagged = frame.assign(flag=frame["x"] > 2)
    made = columns("y ~ flag", flagged) | columns("y ~ C(flag)", flagged)
    np.testing.assert_array_equal(made["flag"], flagged["flag"])
    np.testing.assert_array_equal(made["C(flag)[T.True]"], flagged["flag"])


def test_a_dot_is_written_out() -> None:
    names = ["y", "a", "b c", "d.e"]
    assert expand_dot("y ~ .", names) == "y ~ (a + `b c` + `d.e`)"
    assert expand_dot("log(y) ~ .:a + d.e", names) == "log(y) ~ (a + `b c` + `d.e`):a + d.e"
    assert expand_dot("y ~ {0.5 * a}", names) == "y ~ {0.5 * a}"


def test_a_dot_leaves_the_weights_out(frame: pd.DataFrame) -> None:
    data = Data.from_formula("y ~ .", frame[["y", "x", "k"]], observation_weights="k")
    assert data.feature_names == ("x",)


# What a formula may say


REFUSED = {
    "x": "has no target; write 'y ~",
    "~ x": "has no target",
    "": "has no target",
    "y ~": "nothing right of '~'",
    "y ~ 0": "nothing right of '~'",
    "y + x ~ k": r"one target column.*\{a \+ b\} ~",
    "1 ~ x": "one target column",
    "y:x ~ k": "one target column",
    "y ~ x | k": r"parts divided by '\|'",
    "y ~ x ~ k": "stands where a column or a term is needed",
    "y ~ x +": "stands where a column or a term is needed",
    "y ~ (x": "is not closed by",
    "y ~ {x": "is not closed by",
    "y ~ {x;k}": "cannot be read: invalid syntax",
    "y ~ class(x)": "cannot be read: invalid syntax",
    "y ~ x/1000": r"write arithmetic in braces: \{x / 1000\}",
    "y ~ ns(x, df=4)": r"no function 'ns'; write cr\(x, df=4\), a natural cubic spline",
    "y ~ 'x'": "cannot be read: String literals",
    "y ~ y": "'y' is on both sides",
    "y ~ np.log(y)": "'y' is on both sides",
    "poly(y, 2) ~ x": r"makes 2 columns, 'poly\(y, 2\)\[1\]'",
    "y ~ x2": r"'x2' is not a column \(did you mean 'x'\?\)",
    "y ~ nothing": r"'nothing' is not a column \(there are: 'y', 'x', ",
    "y ~ {nothing + 1}": "'nothing' is not a column",
    "y ~ Q('nothing')": "'nothing' is not a column",
    "y ~ sqrt(x)": r"no function 'sqrt' \(did you mean 'np.sqrt'\?\)",
    "y ~ centre(x)": r"no function 'centre' \(did you mean 'center'\?\)",
    "y ~ max(x)": "no function 'max'",
    "y ~ np.mean(x)": "'np.mean' is not an elementwise function.*own row only",
    "y ~ {x - x.mean()}": "'x.mean' is not an elementwise function",
    "y ~ np.add.reduce(x)": "'np.add.reduce' is not an elementwise function",
    "y ~ {x @ x}": "'x @ x' is not a transformation",
    "y ~ x[0]": r"'x\[0\]' is not a transformation",
    "y ~ {[a for a in x]}": "is not a transformation",
    "y ~ np.abs({x - 3})": r"\{x - 3\} stands in an expression; inside brackets leave braces",
    "y ~ lag(x)": r"lag\(\) reads other rows",
    "y ~ x**2": r"interaction of x with itself, which is just x; .*\{x\*\*2\}",
    "y ~ k + x^3": "interaction of x with itself",
    "y ~ 2:x": r"scales a term by a number.*\{2 \* x\}",
    "y ~ {3}": "cannot be evaluated",
    "y ~ date": "'date' has dtype datetime.*days since",
    "y ~ C(date)": "'date' holds Timestamp; levels are text or numbers",
    "y ~ mixed": r"'mixed' holds text \('a' at \[1\]\)",
    "y ~ C(mixed)": "'mixed' holds int and str; levels",
    "y ~ complex": "'complex' holds complex numbers",
    "y ~ np.log(g)": r"cannot be evaluated: .*np.log\(g\)",
    "y ~ one": "'one' has a single level",
    "y ~ x*one": "'one' has a single level",
    "y ~ C(g, levels=['a', 'b'])": r"outside of the nominated levels .*\{'c'\}$",
    "y ~ C(g, contr.treatment('q'))": "'q'",
    "y ~ bs(x, df=2)": "`df` must be greater than 3",
    "y ~ log(zero)": r"X has 1 value .* -inf in row 3 of 'log\(zero\)'; a transformation",
    "y ~ {x / zero}": "inf in row 3 of 'x / zero'",
    "log(zero) ~ x": r"y has 1 value .* -inf in row 3 of 'log\(zero\)'",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_a_formula_is_refused_by_what_is_wrong_with_it(formula: str, frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=REFUSED[formula]):
        Data.from_formula(formula, frame)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ {__import__('pathlib').Path('FILE').touch()}",
        "y ~ __import__('pathlib').Path('FILE').touch()(x)",
        "__import__('pathlib').Path('FILE').touch()(y) ~ x",
        "y ~ {().__class__.__base__.__subclasses__()}",
        "y ~ {(lambda: open('FILE', 'w'))()}",
        "y ~ {open('FILE', 'w')}",
        "y ~ C(x, open('FILE', 'w'))",
        "y ~ np.save('FILE', x)",
        "y ~ np.lib.format.open_memmap('FILE', 'w+', shape=3)",
        "y ~ contr.__class__('FILE')",
    ],
)
def test_a_formula_runs_nothing_but_arithmetic(
    formula: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    formula = formula.replace("FILE", str(tmp_path / "trace"))
    with pytest.raises(DataError, match="in the formula"):
        Data.from_formula(formula, frame)
    config = Data.from_formula("y ~ x", frame).design.to_config()
    with pytest.raises(DataError, match="in the formula"):  # before any row is built
        design_from_config({**config, "formula": formula})
    assert not list(tmp_path.iterdir())


NAMES = (
    "1",
    "",
    "class",
    "C",
    "np",
    "log",
    "a b",
    "a_b",
    "µ",
    "a.b",
    "a`b",
    "True",
    "x:y",
    "g[T.a]",
)


def test_a_column_may_be_called_anything(rng: np.random.Generator) -> None:
    X = rng.uniform(1, 2, (M, len(NAMES))).round(1)
    named = pd.DataFrame(X, columns=NAMES).assign(y=rng.normal(size=M))
    data = Data.from_formula("y ~ .", named)
    assert data.feature_names == NAMES
    np.testing.assert_array_equal(data.X, X)
    plain = named.rename(
        columns=dict(zip(NAMES, (f"v{k}" for k in range(len(NAMES))), strict=True))
    )
    for k, name in enumerate(NAMES):
        quoted = f"`{name.replace('`', '``')}`"
        terms = "y ~ {} + log({}) + C({}) + poly({}, 2) + I({} ** 2) + center({}):`a b`"
        data = Data.from_formula(terms.replace("{}", quoted), named)
        other = Data.from_formula(terms.replace("{}", f"v{k}").replace("`a b`", "v6"), plain)
        np.testing.assert_array_equal(data.X, other.X)
        assert data.feature_names[0] == name
        saved = design_from_config(data.design.to_config())
        np.testing.assert_array_equal(saved.matrix(named), data.X)


def test_words_are_columns_where_they_are_no_calls(rng: np.random.Generator) -> None:
    values = pd.DataFrame(rng.uniform(1, 2, (M, 5)), columns=["y", "log", "np", "a.b", "µ"])
    made = columns("y ~ log(log) + np.exp(np) + log(a.b) + {log + 1} + log(\u03bc)", values)
    np.testing.assert_array_equal(made["log(log)"], np.log(values["log"]))
    np.testing.assert_array_equal(made["np.exp(np)"], np.exp(values["np"]))
    np.testing.assert_array_equal(made["log(`a.b`)"], np.log(values["a.b"]))
    np.testing.assert_array_equal(made["log + 1"], values["log"] + 1)
    np.testing.assert_array_equal(made["log(µ)"], np.log(values["µ"]))


def test_every_column_that_is_named_enters_a_term(frame: pd.DataFrame) -> None:
    assert columns("y ~ x + max - max", frame).keys() == {"x"}
    assert columns("y ~ (x + max + k)^2 - x:max - k", frame).keys() == {"x", "max", "x:k", "max:k"}


def test_a_spline_says_where_its_knots_end(frame: pd.DataFrame) -> None:
    design = Data.from_formula("y ~ bs(x, df=5)", frame).design
    with pytest.raises(DataError, match=r"'x' is 9 in row 1: write bs\(x, …, extrapolation='ext"):
        design.matrix({"x": [2.0, 9.0]})


@pytest.mark.parametrize("frame_", [np.eye(3), None, "y ~ x", pd.Series([1.0]), [{"y": 1}]])
def test_a_formula_needs_a_frame(frame_: Any) -> None:
    with pytest.raises(DataError, match="a formula needs a frame"):
        Data.from_formula("y ~ x", frame_)


def test_a_formula_is_text(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="a formula is text such as 'y ~ x', not int"):
        Data.from_formula(3, frame)


def test_frames_that_cannot_be_read_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no rows"):
        Data.from_formula("y ~ x", frame.iloc[:0])
    with pytest.raises(DataError, match="more than once: 'x'"):
        Data.from_formula("y ~ x", pd.concat([frame, frame[["x"]]], axis=1))
    with pytest.raises(DataError, match="inf in row 4"):
        Data.from_formula("y ~ x", frame.assign(x=frame["x"].where(frame.index != 4, np.inf)))
    with pytest.raises(DataError, match="one length"):
        Data.from_formula("y ~ x", {"y": [1, 2], "x": [1]})
    with pytest.raises(DataError, match="'x' is not one-dimensional"):
        Data.from_formula("y ~ x", {"y": [1, 2], "x": np.eye(2)})


# Which rows it takes


@pytest.fixture
def holes(frame: pd.DataFrame) -> pd.DataFrame:
    frame["w"] = np.arange(M) % 3 + 1.0
    frame.loc[[2, 5], "x"] = np.nan
    frame.loc[5, "g"] = None
    frame.loc[7, "w"] = np.nan
    frame.loc[9, "max"] = np.nan
    return frame


def test_missing_values_are_refused_by_row_and_column(holes: pd.DataFrame) -> None:
    message = r"missing values in row 2, row 5 \(missing by column: x: 2, g: 1\).*missing='drop'"
    for frame in (holes, pl.from_pandas(holes[["x", "g", "y"]])):
        with pytest.raises(DataError, match=message):
            Data.from_formula("y ~ x * g", frame)


def test_rows_are_dropped_aloud(holes: pd.DataFrame) -> None:
    with pytest.warns(DataWarning, match="dropped 2 of 30 rows .*: row 2, row 5") as record:
        data = Data.from_formula("y ~ x * g", holes, missing="drop")
    assert record[0].filename == __file__
    kept = np.delete(np.arange(M), [2, 5])
    assert data.row_labels is not None
    assert data.row_labels.tolist() == kept.tolist()
    np.testing.assert_array_equal(data.y, holes["y"][kept])
    np.testing.assert_array_equal(data.X, Data.from_formula("y ~ x * g", holes.loc[kept]).X)


def test_labels_and_weights_follow_the_rows_that_are_kept(holes: pd.DataFrame) -> None:
    named = holes.set_index(np.array([f"r{i}" for i in range(M)]))
    kept = np.delete(np.arange(M), [2, 5])
    for weights in (np.arange(1.0, M + 1), pd.Series(np.arange(1.0, M + 1), index=named.index)):
        with pytest.warns(DataWarning, match=r"row r2 \(position 2\), row r5 \(position 5\)"):
            data = Data.from_formula(
                "y ~ x * g", named, missing="drop", observation_weights=weights
            )
        assert data.row_labels is not None
        assert data.observation_weights is not None
        assert data.row_labels.tolist() == [f"r{i}" for i in kept]
        assert data.observation_weights.tolist() == (kept + 1.0).tolist()


def test_a_column_of_weights(holes: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"row 2, row 5, row 7 .* w: 1\)"):
        Data.from_formula("y ~ x", holes, observation_weights="w")
    with pytest.warns(DataWarning, match="dropped 3 of 30"):
        data = Data.from_formula("y ~ x", holes, missing="drop", observation_weights="w")
    assert data.observation_weights is not None
    np.testing.assert_array_equal(data.observation_weights, holes["w"].drop([2, 5, 7]))
    whole = holes.dropna(subset="w")
    data = Data.from_formula("y ~ w", whole, observation_weights="w")
    np.testing.assert_array_equal(data.observation_weights, np.asarray(data.X)[:, 0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("v", "needs the column 'v'"),
        ("g", "'g' has dtype str"),
        ([1.0], "observation_weights has 1 value"),
        (-np.ones(M), "observation_weights is negative in row 0, row 1"),
        (np.zeros(M), "zero everywhere"),
        (pd.Series(np.ones(M), index=range(1, M + 1)), "different pandas indexes"),
    ],
)
def test_bad_weights_are_refused(weights: Any, message: str, frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=message):
        Data.from_formula("y ~ x", frame, observation_weights=weights)


def test_a_level_that_only_dropped_rows_had_is_gone(frame: pd.DataFrame) -> None:
    frame.loc[frame["g"] == "a", "x"] = np.nan
    with pytest.warns(DataWarning, match="dropped 10"):
        data = Data.from_formula("y ~ x + g", frame, missing="drop")
    assert data.feature_names == ("x", "g[T.c]")


def test_rows_that_are_all_missing_or_unasked_are_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="every row has missing values"):
        Data.from_formula("y ~ x", frame.assign(x=np.nan), missing="drop")
    with pytest.raises(DataError, match="missing is 'ignore'; it is 'raise' or 'drop'"):
        Data.from_formula("y ~ x", frame, missing="ignore")


def test_nothing_is_dropped_or_warned_of_when_nothing_is_missing(frame: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Data.from_formula("y ~ x * g", frame, missing="drop").row_labels is None


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "double[pyarrow]", object])
def test_every_kind_of_missing_number(dtype: Any, frame: pd.DataFrame) -> None:
    some = frame["k"].astype(dtype).where(frame["k"] > 1, None)
    with pytest.raises(DataError, match=rf"missing by column: k: {M // 3}"):
        Data.from_formula("y ~ k", frame.assign(k=some))
    with pytest.raises(DataError, match=rf"missing by column: k: {M // 3}"):
        Data.from_formula("y ~ C(k)", frame.assign(k=some))


def test_the_penguins(penguins: pd.DataFrame) -> None:
    with pytest.warns(DataWarning, match="dropped 11 of 344 rows"):
        data = Data.from_formula(
            "body_mass_g ~ flipper_length_mm * species + sex", penguins, missing="drop"
        )
    assert repr(data) == (
        "Data(333 rows, 6 features: flipper_length_mm, species[T.Chinstrap], species[T.Gentoo], "
        "sex[T.male], flipper_length_mm:species[T.Chinstrap] and 1 more; target body_mass_g)"
    )
    assert np.linalg.matrix_rank(np.column_stack([np.ones(333), data.X])) == 7


def test_formulaic_is_loaded_by_the_first_formula() -> None:
    code = (
        "import sys, bayesml.data as d; before = 'formulaic' in sys.modules;"
        "d.Data.from_formula('y ~ x', {'y': [1, 2], 'x': [0, 1]});"
        "print(before, 'formulaic' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


def test_types_of_other_libraries_are_what_they_mean() -> None:
    y, integers = [1.0, 2.0, 3.0, 4.0], [1, 2, 1, 2]
    words = pa.table({"g": pa.array(list("abab")).dictionary_encode()})
    arrow = words.to_pandas(types_mapper=pd.ArrowDtype)["g"]
    decimals = [Decimal("1.5"), Decimal("2.5")] * 2
    for values, as_it_is, as_levels in (
        (arrow, "g[T.b]", "C(g)[T.b]"),
        (pd.Series(decimals), "g", "C(g)[T.2.5]"),
        (pd.Series(decimals, dtype=pd.ArrowDtype(pa.decimal128(5, 2))), "g", "C(g)[T.2.5]"),
        (pd.Series(pd.Categorical(integers)), "g[T.2]", "C(g)[T.2]"),
        (pl.Series(integers, dtype=pl.Int128), "g", "C(g)[T.2]"),
        (pl.Series(decimals, dtype=pl.Decimal(5, 2)), "g", "C(g)[T.2.5]"),
    ):
        for formula, name in (("y ~ g", as_it_is), ("y ~ C(g)", as_levels)):
            data = Data.from_formula(formula, {"y": y, "g": values})
            assert data.feature_names == (name,)


def test_whole_numbers_are_levels_of_categories_and_of_text() -> None:
    y = [1.0, 2.0, 3.0, 4.0]
    for levels in (pd.Categorical([1, 2, 1, 2]), ["1", "2", "1", "2"]):
        design = Data.from_formula("y ~ g", pd.DataFrame({"y": y, "g": levels})).design
        np.testing.assert_array_equal(design.matrix({"g": [2, 1]})[:, 0], [1.0, 0.0])
        with pytest.raises(DataError, match="in row 0, which the training rows never had"):
            design.matrix({"g": [7, 1]})
