"""What the command line writes: tables by the ending of their name, never over what was read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bayesml.data.delimited.dialect import SEPARATORS
from bayesml.data.optional import optional
from bayesml.data.sources.parquet_files import SUFFIXES
from bayesml.errors import StorageError

if TYPE_CHECKING:
    import pandas as pd


def require_other_file(path: Path, *read: Path) -> None:
    """Refuse to write over a file that is read."""
    if any(path.exists() and other.exists() and path.samefile(other) for other in read):
        raise StorageError(f"--out: {str(path)!r} is what is read; write to another file")


def require_table_name(path: Path) -> None:
    """Refuse a name whose ending says no kind of table, or that is a folder's."""
    if path.is_dir():
        raise StorageError(f"--out {path}: is a folder; give the name of a file in it")
    known = (*SEPARATORS, *SUFFIXES)
    if path.suffix.lower() not in known:
        raise StorageError(f"--out {path}: its name ends in none of {', '.join(known)}")


def make_folder(path: Path) -> None:
    """Make a folder, and those that it lies in."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(f"--out {path}: a file is in the way; give a folder") from error


def write_tables(tables: Iterable["pd.DataFrame"], path: Path) -> int:
    """Write tables one below the other into a file of the kind that its name says; count rows."""
    with _finished(path) as unfinished:
        if path.suffix.lower() in SUFFIXES:
            return _write_parquet(tables, unfinished)
        rows, separator = 0, SEPARATORS[path.suffix.lower()]
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            for table in tables:
                table.to_csv(file, index=False, header=not rows, sep=separator)
                rows += len(table)
        return rows


def _write_parquet(tables: Iterable["pd.DataFrame"], path: Path) -> int:
    parquet = optional("pyarrow.parquet", "parquet", "writing Parquet files")
    from pyarrow import Table

    writer, rows = None, 0
    try:
        for table in tables:
            arrow = Table.from_pandas(table, preserve_index=False)
            writer = writer or parquet.ParquetWriter(path, arrow.schema)
            writer.write_table(arrow)
            rows += len(table)
    finally:
        if writer is not None:
            writer.close()
    return rows


@contextmanager
def _finished(path: Path) -> Iterator[Path]:
    """Give a name beside, whose file takes the place of the old one when it is complete."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
