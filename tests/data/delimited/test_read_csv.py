"""Delimited text is read as it stands: what is certain is read right, the rest refused by name."""

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayesml as bm


def read(folder: Path, text: str, formula: str = "y ~ x", encoding: str = "utf-8", **said: Any):
    path = folder / "a.csv"
    path.write_bytes(text.encode(encoding))
    return bm.Data.from_formula(formula, bm.read_csv(path, **said))


READ: list[tuple[str, dict[str, Any], list[float], str]] = [
    ("y,x\n1,2\n3,4\n", {}, [2, 4], ""),
    ("y,x\r\n1,2\r\n3,4\r\n", {}, [2, 4], ""),
    ("y,x\n1,2\n\n3,4\n\n", {}, [2, 4], ""),
    ("y , x\n1, 2\n3 ,4\n", {}, [2, 4], ""),
    ('y,x,note\n1,2,"a, b\nc"\n3,4,\n', {}, [2, 4], ""),
    ("y,x\n1,2,\n3,4,\n", {}, [2, 4], "1 separator too many"),
    ("y,x,\n1,2,\n3,4,\n", {}, [2, 4], "column 3 of a.csv has neither a name nor a value"),
    (",y,x\n7,1,2\n8,3,4\n", {}, [2, 4], "the first column of a.csv has no name"),
    ("y;x\n1,5;2,25\n3;4\n", {}, [2.25, 4], "separated by ';'"),
    ("y\tx\n1\t2\n3\t4\n", {}, [2, 4], "separated by '\\t'"),
    ('y,x\n1,"12,345.5"\n2,"22,345"\n', {}, [12345.5, 22345], "'12,345.5' is read as 12345.5"),
    ('y,x\n1,"12,345"\n2,"22,345"\n', {"decimal": "."}, [12345, 22345], "is read as 12345"),
    ('y,x\n1,"12,345"\n2,"22,345"\n', {"decimal": ","}, [12.345, 22.345], "is read as 12.345"),
    ("y;x\n1;1.234.567,5\n2;7\n", {}, [1234567.5, 7], "is read as 1234567.5"),
    ("y,x\n1,TRUE\n2,FALSE\n", {}, [1, 0], ""),
    ("y,x\n1,0.1\n2,1e-3\n", {}, [0.1, 1e-3], ""),
]


@pytest.mark.parametrize(("text", "said", "x", "note"), READ)
def test_what_is_certain_is_read_and_said(
    text: str, said: dict[str, Any], x: list[float], note: str, tmp_path: Path
) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        data = read(tmp_path, text, **said)
    assert data.feature_names in (("x",), ("x[T.True]",))
    np.testing.assert_array_equal(data.X[:, 0], x)
    notes = [str(w.message) for w in found]
    assert any(note in one for one in notes) if note else not notes


REFUSED: dict[str, str] = {
    "": "is empty",
    "y,x\n": "a header, 'y', 'x', but no rows",
    "1.5,2.5\n1,2\n": "which are numbers: the first line",
    "y,x\n1,2,\n3,4\n": "line 2 of a.csv has 3 cells, but the header 2 names",
    "y,x\n1,2\n3,4,5\n": "line 3 of a.csv has 3 cells",
    "y,x\n1,2\n\n3\n": "line 4 of a.csv has 1 cell",
    'y,x\n1,"a\n"\n2,b\n3\n': "line 5 of a.csv has 1 cell",
    "y,x,x\n1,2,3\n": "calls its columns 2 and 3 alike, 'x'",
    "y,,x\n1,2,3\n": "column 2 of a.csv has no name; it holds '2'",
    'y,x\n1,"2\n': "unexpected end of data",
    "y,x\n1,2\x00\n": "NUL bytes",
    'y,x\n1,"12,345"\n2,"22,345"\n': "'x' of a.csv holds '12,345' in row 0, whose mark may be",
    "y;x\n1,5;2.250\n3;4.000\n": "'x' of a.csv holds '2.250' in row 0, whose mark may be",
    "y,x\n1,3\n2,12 %\n3,13%\n4,14%\n": "'12 %' in row 1, a number with marks",
    "y,x\n1,$3\n2,$4.50\n": r"'\$3' in row 0, a number with marks",
    "y,x\n1,€ 3\n2,4 €\n": "'€ 3' in row 0, a number with marks",
    "y,x\n1,5.5 kg\n2,6 kg\n4,7.5 kg\n": "'5.5 kg' in row 0, a number with 'kg'; write the number",
    "y,x\n1,USD -5.5\n2,USD 6\n4,?\n": "'USD -5.5' in row 0, a number with 'USD'",
    "y,x\n1,2007\n2,2OO8\n3,2009\n": "holds '2OO8' in row 1, but numbers elsewhere.* na='2OO8'",
    "y,x\n1,2007-01-31\n2,2008-01-31\n": "'2007-01-31' in row 0, a date",
    "y,x\n1,2\n3,NA\n": r"missing values in row 1 \(missing by column: x: 1\)",
    "y,x,z\n1,NA,3\n2,b,NA\n": "'NA' in row 0, which is a missing number in another column",
}


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataWarning")
@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_certain_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(bm.DataError, match=REFUSED[text]):
        read(tmp_path, text)


def test_units_of_whole_numbers_are_levels(tmp_path: Path) -> None:
    text = "y,x\n1,week 1\n2,week 2\n4,week 1\n"
    assert read(tmp_path, text).feature_names == ("x[T.week 2]",)


def test_codes_keep_their_zeros(tmp_path: Path) -> None:
    text = "y,zip\n1,007\n2,07\n4,007\n"
    assert read(tmp_path, text, "y ~ C(zip)").feature_names == ("C(zip)[T.07]",)
    assert read(tmp_path, text, "y ~ (1 | zip)").m == 3
    with pytest.warns(
        bm.DataWarning, match=r"'007' is read as 7; write C\(zip\) if these are codes"
    ):
        read(tmp_path, text, "y ~ zip")


@pytest.mark.filterwarnings("ignore::bayesml.errors.DataWarning")
@pytest.mark.parametrize("cell", ["-999", "-999.0", "-9.99e2", "-999,0"])
def test_a_number_means_missing_however_it_is_written(cell: str, tmp_path: Path) -> None:
    text = f"y;x;z\n1;2;0\n3;{cell};1\n5;4;-999x\n"
    decimal = "," if "," in cell else "."
    with pytest.raises(bm.DataError, match=r"missing values in row 1 \(missing by column: x: 1\)"):
        read(tmp_path, text, sep=";", decimal=decimal, na=["-999", "n"])


def test_accents_are_one_text_however_they_are_stored(tmp_path: Path) -> None:
    text = "y,gro\u0308\u00dfe\n1,2\n2,4\n4,5\n"
    assert read(tmp_path, text, "y ~ gr\u00f6\u00dfe").feature_names == ("gr\u00f6\u00dfe",)


def test_the_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    fit = bm.fit(bm.Model(), read(tmp_path, "y,x\n1,1\n2,2\n4,3\n"), bm.MLE())
    (tmp_path / "new.csv").write_text("x\n1\na\n", encoding="utf-8")
    with pytest.raises(bm.DataError, match="holds text \\('a' in row 1\\)"):
        fit.predict(bm.read_csv(tmp_path / "new.csv"))


def test_the_code_of_namibia_is_a_level(tmp_path: Path) -> None:
    text = "y,g,z\n1,NA,1\n2,ZA,2\n3,BW,\n4,NA,4\n"
    with pytest.warns(bm.DataWarning, match="'NA' in row 0 is taken for text; say na='NA'"):
        assert read(tmp_path, text, "y ~ g").feature_names == ("g[T.NA]", "g[T.ZA]")
    with pytest.raises(bm.DataError, match="missing values in row 0, row 3"):
        read(tmp_path, text, "y ~ g", na="NA")
    assert read(tmp_path, text, "y ~ g", na="").feature_names == ("g[T.NA]", "g[T.ZA]")


def test_levels_are_said_by_c(tmp_path: Path) -> None:
    text = "y,x\n1,2007\n2,2OO8\n3,2009\n"
    assert read(tmp_path, text, "y ~ C(x)").feature_names == ("C(x)[T.2009]", "C(x)[T.2OO8]")
    assert read(tmp_path, "y,x\n1,1\n2,2\n3,\n4,2\n"[:-8], "y ~ C(x)").feature_names == (
        "C(x)[T.2]",
    )


def test_types_are_those_of_the_rows_learned_from(tmp_path: Path) -> None:
    fit = bm.fit(bm.Model(), read(tmp_path, "y,g\n1,1\n2,2\n3,x\n2,x\n", "y ~ g"), bm.MLE())
    (tmp_path / "new.csv").write_text("g\n2\n1\n", encoding="utf-8")
    assert fit.predict(bm.read_csv(tmp_path / "new.csv")).mean == pytest.approx([2.0, 1.0])
    fit = bm.fit(bm.Model(), read(tmp_path, "y,x\n1,1\n2,2\n4,3\n"), bm.MLE())
    (tmp_path / "new.csv").write_text("x\na\n1\n", encoding="utf-8")
    with pytest.raises(bm.DataError, match=r"new.csv holds 'a' in row 0, but|'a' in row 0"):
        fit.predict(bm.read_csv(tmp_path / "new.csv"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_a_file_says(encoding: str, tmp_path: Path) -> None:
    assert read(tmp_path, "y,x\n1,ä\n2,b\n", encoding=encoding).feature_names == ("x[T.ä]",)


def test_encodings_that_have_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("y,x\n1,ä\n2,b\n".encode("cp1252"))
    with pytest.raises(bm.DataError, match="not text in utf-8: the byte E4"):
        bm.read_csv(tmp_path / "a.csv")
    table = bm.read_csv(tmp_path / "a.csv", encoding="cp1252")
    assert bm.Data.from_formula("y ~ x", table).feature_names == ("x[T.ä]",)
    for said, complaint in (
        ({"encoding": "klingon"}, "no encoding 'klingon'"),
        ({"sep": ";;"}, "a separator is one character"),
        ({"decimal": "'"}, r"it is '\.' or ','"),
    ):
        with pytest.raises(bm.DataError, match=complaint):
            bm.read_csv(tmp_path / "a.csv", **said)


def test_packed_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"y,x\n1,2\n3,4\n"))
    assert bm.Data.from_formula("y ~ x", bm.read_csv(tmp_path / "a.csv.gz")).m == 2


def test_numbers_are_rounded_correctly_in_every_chunk(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    x = rng.normal(size=40_000) * 10.0 ** rng.integers(-300, 300, 40_000)
    for quote in ("", '"'):
        lines = [f"{k},{quote}{value!r}{quote}" for k, value in enumerate(x.tolist())]
        data = read(tmp_path, "\n".join(["y,x", *lines]))
        np.testing.assert_array_equal(data.X[:, 0], x)


WRONG_SAID: list[tuple[dict[str, Any], str]] = [
    ({"sep": 3}, "sep is 3; a separator is one character"),
    ({"encoding": 3}, "there is no encoding 3"),
    ({"encoding": "base64"}, "there is no encoding 'base64'"),
    ({"encoding": "rot13"}, "there is no encoding 'rot13'"),
    ({"encoding": "utf-16"}, "is not text in utf-16"),
    ({"na": 3}, "na is 3; it is text"),
    ({"na": [3]}, r"na is \[3\]; it is text"),
]


@pytest.mark.parametrize(("said", "message"), WRONG_SAID)
def test_what_is_said_of_a_file_is_of_its_kind(
    said: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"y,x\n1,2\n3,4\n")
    with pytest.raises(bm.DataError, match=message):
        bm.read_csv(tmp_path / "a.csv", **said)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_what_is_not_packed_as_its_name_says_is_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(b"y,x\n1,2\n3,4\n")
    with pytest.raises(bm.DataError, match="cannot be unpacked"):
        bm.read_csv(path)


def test_a_packed_file_with_a_changed_byte_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"y,x\n" + b"1,2\n3,4\n" * 500))
    packed[len(packed) // 2] ^= 255
    (tmp_path / "a.csv.gz").write_bytes(bytes(packed))
    with pytest.raises(bm.DataError, match="cannot be unpacked"):
        bm.read_csv(tmp_path / "a.csv.gz")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("12:05", "9:15:30.5", "11:00 pm"), "a date or time"),
        (("2 Jan 2024", "13 Feb 2024", "5 March 2024"), "a date or time"),
        (("Jan 2, 2024", "Feb 13, 2024", "May 5, 2024"), "a date or time"),
        (("2024-01", "2024-02", "2024-03"), "a date or time"),
        (("01/02/2024 10:15", "02/02/2024 10:15", "03/02/2024 10:15"), "a date or time"),
        (("−1.5", "−2.5", "−3.5"), "a number with marks"),
        (("1.5d+01", "2.5D-01", "3d0"), "a number with marks"),
        (("0x1f", "0x2a", "-0x01"), "a number with marks"),
        (('="1.5"', '="2.5"', '="3.5"'), "a number with marks"),
        (("'15", "'25", "'35"), "a number with marks"),
    ],
)
def test_numbers_and_times_in_other_dress_are_no_levels(
    cells: tuple[str, ...], kind: str, tmp_path: Path
) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    text = "y,x\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(quoted))
    with pytest.raises(bm.DataError, match=f"in row 0, {kind}"):
        read(tmp_path, text)
    assert read(tmp_path, text, "y ~ C(x)").n == 2
