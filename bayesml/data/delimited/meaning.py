"""What the cells of one column mean: numbers if all of them are, otherwise levels, or neither.

Nothing is decided by a few cells. A column that is nearly numbers is refused by the first cell that
is none, since taken for text it would become one level a value.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data.delimited.numerals import BOOLEANS, MISSING_WORDS, PLAIN, kind_of, number

if TYPE_CHECKING:
    import pandas as pd

NUL = "\0"
"""Between the cells of a chunk: text holds none."""

NOT_PLAIN = re.compile(r"[^0-9+\-.eE\0]")
CODE = re.compile(r"(?:^|\0)\s*(0\d+)\s*(?=\0|$)")
"""A whole number behind zeros, as codes have them."""
WITH_A_UNIT = re.compile(r"(?P<before>[^\d+-]*)[+-]?(?P<number>\d+(?:[.,]\d+)?)(?P<after>\D*)")
ONE_IN_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}(\0[+-]?[1-9]\d{0,2}\.\d{3})*")


class Rules(NamedTuple):
    """What the reader was told.

    Attributes
    ----------
    decimal : str or None
        The mark before decimals; None if it is to be seen.
    missing : tuple of str or None
        What means a missing value beside the empty cell; None if that was not said.
    """

    decimal: str | None
    missing: tuple[str, ...] | None

    @property
    def words(self) -> frozenset[str]:
        """What is missing in every column."""
        return frozenset(("", *(self.missing or ())))

    @property
    def numbers(self) -> list[float]:
        """Which numbers are missing ones, however they are written: -999 is -999.0."""
        return [float(word) for word in self.missing or () if PLAIN.fullmatch(word)]


class Meaning(NamedTuple):
    """What a column was read as.

    Attributes
    ----------
    values : Series or None
        Numbers; None for text.
    problem : str
        Why text would not be what was meant; empty where it is.
    said : str
        What was taken for granted.
    words : frozenset of str
        What stood for a missing number.
    comma : bool
        Whether decimals follow a comma.
    code : str
        The first whole number behind zeros.
    """

    values: "pd.Series[Any] | None"
    problem: str = ""
    said: str = ""
    words: frozenset[str] = frozenset()
    comma: bool = False
    code: str = ""


def meaning_of(chunks: Sequence[str], rules: Rules) -> Meaning:
    """Read the cells of a column as numbers, or say what they are instead."""
    plain = None if rules.decimal == "," else plain_numbers(chunks)
    found = _by_values(chunks, rules) if plain is None else Meaning(plain)
    if found.values is None or found.values.dtype.kind == "b":
        return found
    code = next((match[1] for chunk in chunks if (match := CODE.search(chunk))), "")
    return found._replace(values=_without(found.values, rules.numbers), code=code)


def _without(values: "pd.Series[Any]", missing: list[float]) -> "pd.Series[Any]":
    """Leave out the numbers that mean a missing one."""
    absent = values.isin(missing)
    if not absent.any():
        return values
    return (
        _whole(values.astype(np.float64).mask(absent)) if _is_whole(values) else values.mask(absent)
    )


def _is_whole(values: "pd.Series[Any]") -> bool:
    import pandas as pd

    return bool(pd.api.types.is_integer_dtype(values.dtype))


def cells_of(chunks: Sequence[str]) -> list[str]:
    """Cut chunks into cells, without the spaces around them."""
    return [cell.strip() for chunk in chunks for cell in chunk.split(NUL)]


def plain_numbers(chunks: Sequence[str]) -> "pd.Series[Any] | None":
    """Read plain numbers and empty cells, rounded correctly; None if there is anything else."""
    import pandas as pd

    if any(NOT_PLAIN.search(chunk) for chunk in chunks):
        return None
    try:
        parts = [_floats(chunk.split(NUL)) for chunk in chunks]
    except ValueError:
        return None
    series = pd.Series(np.concatenate(parts))
    whole = not any(c in chunk for chunk in chunks for c in ".eE")
    return _whole(series) if whole else series


def _floats(cells: list[str]) -> NDArray[np.float64]:
    if "" in cells:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    return np.fromiter(map(float, cells), np.float64, len(cells))


def _whole(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Make integers of numbers that float64 holds exactly, so that levels are called by them."""
    if series.isna().all() or series.abs().max() > 2**53:
        return series
    return series.astype("Int64" if series.isna().any() else np.int64)


def _by_values(chunks: Sequence[str], rules: Rules) -> Meaning:
    """Decide by the different values of a column."""
    import pandas as pd

    cells = pd.Series(cells_of(chunks), dtype=object)
    counts = cells.value_counts(sort=False)
    there = [cell for cell in counts.index if cell not in rules.words]
    words = frozenset(there).intersection(MISSING_WORDS if rules.missing is None else ())
    rest = [cell for cell in there if cell not in words]
    if rest and all(cell in BOOLEANS for cell in rest):
        flags = cells.map({cell: BOOLEANS[cell] for cell in rest}).astype("boolean")
        known = flags if flags.isna().any() else flags.astype(bool)
        return Meaning(known, words=words)
    marks = _decimal_marks(rest, rules)
    if len(marks) == 1:
        return _numbers(cells, rest, words, marks[0])
    return Meaning(None, _problem(cells, counts, words, rules, ambiguous=len(marks) == 2))


def _decimal_marks(cells: Collection[str], rules: Rules) -> list[str]:
    """Find the marks of decimals under which all cells are numbers."""
    marks = "." if rules.decimal is None and all(map(PLAIN.fullmatch, cells)) else ".,"
    return [mark for mark in marks if rules.decimal in (None, mark) and _all_read(cells, mark)]


def _numbers(
    cells: "pd.Series[Any]", there: Collection[str], words: frozenset[str], mark: str
) -> Meaning:
    """Read all cells, of which these are numbers, with this mark of decimals."""
    read = {cell: number(cell, mark) for cell in there}
    example = next((cell for cell in there if not PLAIN.fullmatch(cell)), None)
    said = "" if example is None else f"{example!r} is read as {read[example]:.15g}"
    values = cells.map(read).astype(np.float64)
    decimals = any(c in cell for cell in there for c in (*"eE", mark))
    return Meaning(
        values if decimals else _whole(values),
        said=said,
        words=words,
        comma=mark == "," and example is not None,
    )


def _all_read(cells: Collection[str], mark: str) -> bool:
    return bool(cells) and all(number(cell, mark) is not None for cell in cells)


def _problem(
    cells: "pd.Series[Any]",
    counts: "pd.Series[Any]",
    words: Collection[str],
    rules: Rules,
    *,
    ambiguous: bool,
) -> str:
    """Say why a column is not simply text: most of its cells are numbers, or dates."""
    kinds = {cell: kind_of(cell) for cell in counts.index if cell not in rules.words}
    total = sum(int(counts[cell]) for cell in kinds if cell not in words)
    close = sum(int(counts[cell]) for cell, kind in kinds.items() if kind != "text")
    if not total or close <= total / 2 or not set(kinds.values()) - {"text", "boolean"}:
        return _problem_of_units({cell: counts[cell] for cell in kinds if cell not in words}, cells)
    odd = ("grouped",) if ambiguous else ("grouped", "decorated", "date", "boolean", "text")
    first = next(i for i, cell in enumerate(cells) if kinds.get(cell) in odd and cell not in words)
    found = f"holds {cells.iloc[first]!r} in row {first}, "
    match kinds[cells.iloc[first]]:
        case "grouped" if ambiguous:
            return f"{found}whose mark may be of thousands or of decimals: say decimal='.' or ','"
        case "grouped":
            return f"{found}which is no number with the decimals of the others; write all alike"
        case "decorated":
            return f"{found}a number with marks; write the number alone"
        case "date":
            return f"{found}a date or time; compute a number from it, such as days since the first"
        case _:
            return (
                f"{found}but numbers elsewhere; correct it, or say "
                f"na={cells.iloc[first]!r} if that means missing"
            )


def _problem_of_units(counts: Mapping[str, int], cells: "pd.Series[Any]") -> str:
    """Say that text is numbers of one unit, if most cells are and some have decimals."""
    with_unit: dict[str, list[str]] = {}
    for cell in counts:
        if found := WITH_A_UNIT.fullmatch(cell):
            with_unit.setdefault((found["before"] + found["after"]).strip(), []).append(cell)
    for unit, alike in with_unit.items():
        most = sum(counts[cell] for cell in alike) > sum(counts.values()) / 2
        if unit and most and any(re.search(r"\d[.,]\d", cell) for cell in alike):
            row = next(row for row, cell in enumerate(cells) if cell in alike)
            holds = f"holds {cells.iloc[row]!r} in row {row}, a number with {unit!r}"
            return f"{holds}; write the number alone"
    return ""
