"""Delimited text as a table: every record as long as the header, every column with a name."""

import os
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.arguments import path_of, shown
from bayesml.data.delimited.cells import Cells, Habits, habits_of
from bayesml.data.delimited.cutting import Cut
from bayesml.data.delimited.dialect import dialect_of, promised_separator, text_of
from bayesml.data.delimited.meaning import NUL, Rules, cells_of
from bayesml.data.delimited.numerals import PLAIN
from bayesml.data.messages import plural, quoted
from bayesml.errors import DataError, DataWarning


@dataclass(frozen=True, eq=False)
class Table(Mapping[str, Cells]):
    """The columns of a delimited file, by name; typed when they are used.

    It is taken wherever a frame is: `Data.from_formula`, `Fit.predict` and the others.
    """

    where: str
    m: int
    texts: Mapping[str, tuple[str, ...]]
    rules: Rules

    @cached_property
    def _columns(self) -> dict[str, Cells]:
        return {
            name: Cells(name, self.where, chunks, self.rules, lambda: self._habits)
            for name, chunks in self.texts.items()
        }

    @cached_property
    def _habits(self) -> Habits:
        return habits_of(list(self._columns.values()))

    def __getitem__(self, name: str) -> Cells:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self.texts)

    def take(self, rows: NDArray[np.intp]) -> "Table":
        """Take rows by their positions."""
        texts = {}
        for name, chunks in self.texts.items():
            cells = cells_of(chunks)
            texts[name] = (NUL.join([cells[row] for row in rows.tolist()]),)
        return replace(self, m=len(rows), texts=texts)

    def __repr__(self) -> str:
        return f"Table({self.where}: {plural(self.m, 'row')} of {quoted(self.texts)})"


def read_csv(
    path: str | os.PathLike[str],
    *,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    na: str | Sequence[str] | None = None,
) -> Table:
    r"""Read delimited text as it stands: what is not certain is refused by name, never guessed.

    Every record is as long as the header and every column has its own name. A column is numbers if
    all its cells are, rounded correctly; otherwise text. A column that is nearly numbers, with
    thousands marks, signs of currency or a stray word, is refused when it is used, by its first
    such cell. What is seen in the file and taken for granted is said by a `DataWarning`.

    Parameters
    ----------
    path : path
        Also packed by gzip, bzip2, xz or zip.
    sep : str, optional
        Between cells. That of the name, `.csv` or `.tsv`, unless only another one cuts all records
        alike.
    decimal : {".", ","}, optional
        Before decimals, the other one marking thousands. Seen a column at a time where one of both
        is possible alone: `1,5` and `1,234.5` leave no doubt, `12,345` does.
    encoding : str, optional
        UTF-8, or what the file begins with a mark of.
    na : str or sequence of str, optional
        What means a missing value beside the empty cell. If nothing is said, NA and its like among
        numbers, while in text they are words like others, such as the code of a country.

    Returns
    -------
    Table
        A mapping of names to columns, taken wherever a frame is.

    Raises
    ------
    DataError
        For what is not a table, naming the line.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import bayesml as bm
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "trees.csv")
    ...     _ = path.write_text("height,girth,kind\n8.1,1.5,NA\n9.3,1.8,oak\n", encoding="utf-8")
    ...     table = bm.read_csv(path, na="")
    >>> table
    Table(trees.csv: 2 rows of 'height', 'girth', 'kind')
    >>> bm.Data.from_formula("height ~ girth + kind", table)
    Data(2 rows, 2 features: girth, kind[T.oak]; target height)
    """
    path = path_of(path, "read_csv")
    if decimal not in (None, ".", ","):
        raise DataError(f"decimal is {shown(decimal)}; it is '.' or ','")
    if not path.is_file():
        raise DataError(f"there is no file {str(path)!r}")
    dialect = dialect_of(path, sep, encoding)
    words = _words(na)
    with text_of(path, dialect) as text:
        rows = dialect.records(text)
        header = _header(rows, path)
        cut = Cut(dialect, tuple(header), path.name)
        chunks = list(cut.columns(text, rows.line_num))
    if not chunks:
        raise DataError(f"{path.name} has a header, {quoted(header)}, but no rows")
    if sep is None and dialect.separator != promised_separator(path):
        _say(f"{path.name} is read as separated by {dialect.separator!r}")
    columns = [tuple(chunk) for chunk in zip(*chunks, strict=True)]
    m = sum(chunk.count(NUL) + 1 for chunk in columns[0])
    texts = _named(header, columns, path.name)
    return Table(path.name, m, texts, Rules(decimal, words))


def _words(na: Any) -> tuple[str, ...] | None:
    """Return what means a missing value, if anything is said of it."""
    if na is None or isinstance(na, str):
        return None if na is None else (na,)
    if not isinstance(na, Sequence) or not all(isinstance(word, str) for word in na):
        raise DataError(f"na is {shown(na)}; it is text as it stands in the file, or several")
    return tuple(na)


def _header(rows: Any, path: Path) -> list[str]:
    header = next((row for row in rows if row), None)
    if header is None:
        raise DataError(f"{str(path)!r} is empty: a table begins with the names of its columns")
    names = [unicodedata.normalize("NFC", name.strip()) for name in header]
    if any(map(str.strip, names)) and all(PLAIN.fullmatch(x) and not x.isdigit() for x in names):
        raise DataError(
            f"{path.name} begins with {quoted(names)}, which are numbers: the first line of a "
            "table holds the names of its columns"
        )
    if repeated := [name for name, count in Counter(names).items() if count > 1 and name]:
        places = [str(i) for i, name in enumerate(names, 1) if name == repeated[0]]
        raise DataError(
            f"{path.name} calls its columns {' and '.join(places)} alike, {repeated[0]!r}; "
            "rename all but one of them"
        )
    return names


def _named(
    header: Sequence[str], columns: Sequence[tuple[str, ...]], where: str
) -> dict[str, tuple[str, ...]]:
    """Give every column its name; one without is empty throughout, or the first, of row names."""
    named = {}
    for place, (name, chunks) in enumerate(zip(header, columns, strict=True), 1):
        if name:
            named[name] = chunks
        elif not any(chunk.strip(NUL + " ") for chunk in chunks):
            _say(f"column {place} of {where} has neither a name nor a value; left out")
        elif place == 1:
            _say(f"the first column of {where} has no name; taken for names of rows, and left out")
        else:
            first = next(c for chunk in chunks for c in chunk.split(NUL) if c)
            raise DataError(f"column {place} of {where} has no name; it holds {first!r}")
    return named


def _say(text: str) -> None:
    warnings.warn(text, DataWarning, stacklevel=3)
