"""Tables on disk: read by their extension, with errors that say what is wrong with the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bayesml.data.delimited.dialect import SEPARATORS
from bayesml.data.delimited.table import Table, read_csv
from bayesml.data.messages import quoted
from bayesml.data.sources.parquet_files import SUFFIXES, ParquetFiles
from bayesml.errors import DataError, MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PART = 2**16
"""Rows of a Parquet file that are predicted at a time."""

PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")


class Reading(NamedTuple):
    """What was said of how a text file is written; see `bayesml.read_csv`."""

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    na: tuple[str, ...] | None = None


def read_table(path: Path, said: Reading) -> "Table | pd.DataFrame":
    """Read a CSV, TSV or Parquet file.

    Raises
    ------
    DataError
        If there is no such file, or it does not hold a table.
    MissingDependencyError
        If reading Parquet needs a package that is not installed.
    """
    if not path.exists():
        raise DataError(f"there is no file {str(path)!r}{_neighbours(path)}")
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a folder; give a CSV, TSV or Parquet file")
    inner = [s.lower() for s in path.suffixes if s.lower() not in PACKED]
    suffix = inner[-1] if inner else ""
    if suffix in SUFFIXES:
        return _read_parquet(path)
    if suffix not in SEPARATORS and said.sep is None:
        known = ", ".join([*SEPARATORS, *SUFFIXES])
        raise DataError(
            f"{str(path)!r} is not read, since its name ends in none of {known}; say --sep if it "
            "is text"
        )
    return read_csv(path, **said._asdict())


def is_parquet(path: Path) -> bool:
    """Say whether a name is of a Parquet file."""
    return path.suffix.lower() in SUFFIXES


def parquet_sample(files: ParquetFiles, columns: tuple[str, ...], most: int) -> "pd.DataFrame":
    """Read rows at even distances, a few of the file in memory at a time."""
    import pandas as pd

    step = -(-files.rows // most)
    parts = [
        table.take(list(range(-start % step, table.num_rows, step))).to_pandas()
        for table, start in _with_starts(files, columns)
    ]
    sample: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return sample


def parquet_parts(
    files: ParquetFiles, columns: tuple[str, ...]
) -> "Iterator[tuple[pd.DataFrame, int]]":
    """Read some rows at a time, each with the number of the first."""
    for table, start in _with_starts(files, columns):
        yield table.to_pandas(ignore_metadata=True), start


def _with_starts(files: ParquetFiles, columns: tuple[str, ...]) -> "Iterator[tuple[pa.Table, int]]":
    start = 0
    for table, _ in files.tables(columns, PART, "reading"):
        yield table, start
        start += table.num_rows


def _read_parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise MissingDependencyError(
            "reading Parquet needs pyarrow, which is not installed: pip install pyarrow"
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} cannot be read as Parquet: {error}") from error


def _neighbours(path: Path) -> str:
    """List the tables that lie where the file was looked for."""
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {str(folder)!r} either"
    ends = (*SEPARATORS, *SUFFIXES)
    tables = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in ends)
    return f" (there are: {quoted(tables)})" if tables else ""
