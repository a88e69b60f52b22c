"""Lines become columns: every record as long as the header, or refused by its line."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, TextIO

from bayesml.data.delimited.dialect import Dialect
from bayesml.data.delimited.meaning import NUL
from bayesml.data.messages import plural, quoted
from bayesml.errors import DataError, DataWarning

ROWS = 2**14
"""Records that are cut at a time."""


@dataclass(frozen=True)
class Cut:
    """How the records of a file are cut.

    Attributes
    ----------
    dialect : Dialect
    header : tuple of str
    where : str
        The file.
    """

    dialect: Dialect
    header: tuple[str, ...]
    where: str

    def columns(self, text: TextIO, line: int) -> Iterator[list[str]]:
        """Cut what follows the header, which ends at `line`, into columns, some rows at a time."""
        start = line
        while lines := list(islice(text, ROWS)):
            columns = self._plain(lines)
            if columns is None:
                rest = self.dialect.records(chain(lines, text))
                yield from self._checked(rest, line, first=start + 1)
                return
            line += len(lines)
            yield columns

    def _plain(self, lines: list[str]) -> list[str] | None:
        """Cut lines without quotes that are alike, fast; None if they are not."""
        width, separator = len(self.header), self.dialect.separator
        joined = "".join(lines).replace("\r\n", "\n")
        if any(c in joined for c in ('"', "\r", NUL)) or (width == 1 and "\n\n" in joined):
            return None
        if any(line.count(separator) != width - 1 for line in lines):
            return None
        cells = joined.removesuffix("\n").replace("\n", separator).split(separator)
        return [NUL.join(cells[j::width]) for j in range(width)]

    def _checked(self, records: Any, line: int, first: int) -> Iterator[list[str]]:
        """Cut records of any kind; a separator too many is left out if all records have it."""
        width, surplus, begins = len(self.header), None, line
        while chunk := list(islice(records, ROWS)):
            if surplus or set(map(len, chunk)) != {width}:
                chunk, surplus = self._alike(chunk, surplus, begins, first)
            else:
                surplus = 0
            begins = line + records.line_num
            columns = list(map(NUL.join, zip(*chunk, strict=True)))
            if any(column.count(NUL) != len(chunk) - 1 for column in columns):
                raise DataError(f"{self.where} holds NUL bytes, so that it is no text as encoded")
            if chunk:
                yield columns[:width]
        if surplus:
            warnings.warn(
                f"{self.where}: every row ends with {plural(surplus, 'separator')} too many, "
                "left out",
                DataWarning,
                stacklevel=2,
            )

    def _alike(
        self, chunk: list[list[str]], surplus: int | None, line: int, first: int
    ) -> tuple[list[list[str]], int]:
        """Leave out empty lines, and refuse records of another length."""
        width, kept = len(self.header), []
        for record in chunk:
            line += 1 + sum(cell.count("\n") for cell in record)
            if not record:
                continue
            extra = len(record) - width
            if surplus is None:
                surplus = extra if extra > 0 and line == first and not any(record[width:]) else 0
            if extra == 0 < surplus:  # of the two, the first record is the odd one
                self._refuse(first, width + surplus)
            if extra != surplus or any(record[width:]):
                self._refuse(line, len(record))
            kept.append(record)
        return kept, surplus or 0

    def _refuse(self, line: int, cells: int) -> None:
        raise DataError(
            f"line {line} of {self.where} has {plural(cells, 'cell')}, but the header "
            f"{plural(len(self.header), 'name')}: {quoted(self.header)}; correct the file, or give "
            "its sep"
        )
