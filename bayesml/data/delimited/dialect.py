"""How a delimited file is written: its encoding and its separator, seen where they are certain."""

import bz2
import codecs
import csv
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO

from bayesml.arguments import shown
from bayesml.data.messages import quoted
from bayesml.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
"""What a name promises."""

CANDIDATES = (",", ";", "\t", "|")
SAMPLE = 200
"""Records that are looked at for the separator."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What a file may begin with, and the encoding it says; UTF-32 first, which begins like UTF-16."""

PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
UNPACKED_ELSEWHERE = (".zst",)
DAMAGED = (EOFError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, RuntimeError)
"""What a damaged file is said to be; the last of a locked one, and of a way to pack not known."""


class Dialect(NamedTuple):
    """How a file is written: its separator and its encoding."""

    separator: str
    encoding: str

    def records(self, lines: Iterable[str]) -> Any:
        """Cut lines into records, which may be longer than a line."""
        return csv.reader(lines, delimiter=self.separator, strict=True, skipinitialspace=True)


def dialect_of(path: Path, separator: Any, encoding: Any) -> Dialect:
    """See how a file is written, where that was not said.

    The encoding is UTF-8 unless the file begins with the mark of another. The separator is the one
    that the name promises, unless that fails and exactly one other cuts the first records alike.

    Raises
    ------
    DataError
        For an unknown encoding, or a separator that is not one character.
    """
    encoding = _marked(path) if encoding is None else _known(encoding)
    if separator is not None:
        if not isinstance(separator, str) or len(separator) != 1 or separator in "\r\n\"'":
            raise DataError(f"sep is {shown(separator)}; a separator is one character, such as ';'")
        return Dialect(separator, encoding)
    promised = promised_separator(path)
    if _fits(path, Dialect(promised, encoding)):
        return Dialect(promised, encoding)
    fitting = [mark for mark in CANDIDATES if _fits(path, Dialect(mark, encoding))]
    return Dialect(fitting[0] if len(fitting) == 1 else promised, encoding)


def promised_separator(path: Path) -> str:
    """Give the separator that the name of a file promises."""
    return next((SEPARATORS[s.lower()] for s in path.suffixes if s.lower() in SEPARATORS), ",")


def _fits(path: Path, dialect: Dialect) -> bool:
    """Say whether a separator cuts the header into several names and all records alike."""
    with text_of(path, dialect) as text:
        try:
            header, *widths = [len(row) for row in islice(dialect.records(text), SAMPLE) if row]
        except (csv.Error, ValueError):
            return False
    return header > 1 and (not widths or (len(set(widths)) == 1 and widths[0] >= header))


@contextmanager
def text_of(path: Path, dialect: Dialect) -> Iterator[TextIO]:
    """Open the text of a file.

    Raises
    ------
    DataError
        For what is not text in the encoding, or not a table.
    """
    try:
        with (
            _bytes_of(path) as raw,
            TextIOWrapper(raw, encoding=dialect.encoding, newline="") as text,
        ):
            yield text
    except UnicodeDecodeError as error:
        found = error.object[error.start : error.start + 1].hex().upper()
        before = error.object[max(0, error.start - 20) : error.start].decode(
            dialect.encoding, "replace"
        )
        raise DataError(
            f"{str(path)!r} is not text in {dialect.encoding}: the byte {found} after {before!r}; "
            "give its encoding, for instance encoding='cp1252', or save it as UTF-8"
        ) from error
    except UnicodeError as error:  # no mark where there has to be one
        raise DataError(f"{str(path)!r} is not text in {dialect.encoding}: {error}") from error
    except csv.Error as error:
        raise DataError(f"{str(path)!r} cannot be read as a table: {error}") from error


@contextmanager
def _bytes_of(path: Path) -> Iterator[IO[bytes]]:
    """Open what a file holds, unpacked."""
    try:
        with _opened(path) as file:
            yield file
    except (*DAMAGED, OSError) as error:
        packed = path.suffix.lower() in (*PACKED, ".zip")
        what = f"be unpacked: {error}" if packed else f"be read: {error}"
        raise DataError(f"{str(path)!r} cannot {what}") from error


def _opened(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix in UNPACKED_ELSEWHERE:
        raise DataError(f"{str(path)!r} is packed in a way that is not read; unpack it first")
    if suffix == ".zip":
        packed = zipfile.ZipFile(path)
        if len(packed.namelist()) != 1:
            raise DataError(f"{str(path)!r} holds {quoted(packed.namelist())}; one file is needed")
        return packed.open(packed.namelist()[0])
    return PACKED.get(suffix, open)(path, "rb")  # type: ignore[no-any-return]


def _marked(path: Path) -> str:
    with _bytes_of(path) as file:
        start = file.read(4)
    return next((encoding for mark, encoding in MARKS if start.startswith(mark)), "utf-8")


def _known(encoding: Any) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)  # there are codecs that are not of text
    except (LookupError, TypeError, ValueError):
        raise DataError(
            f"there is no encoding {shown(encoding)}; it is 'utf-8', 'cp1252', 'latin-1', "
            "'utf-16', …"
        ) from None
    return "utf-8-sig" if name == "utf-8" else name
