"""Parquet files as parts of bounded size: only the columns that are needed, a few at a time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesml.arguments import path_of, shown
from bayesml.data.frames import Part
from bayesml.data.messages import Place, plural, suggestion
from bayesml.data.optional import optional
from bayesml.data.sources.progress import progress_bar
from bayesml.errors import DataError, StorageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

SUFFIXES = (".parquet", ".pq")

AHEAD = 2
"""Batches that are decoded while the one before is worked on."""


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files with the same columns, in the order given.

    Attributes
    ----------
    paths : tuple of str
        The files.
    progress : bool
        Whether to show a bar while reading, on a terminal.
    """

    paths: tuple[str, ...]
    progress: bool = True

    @classmethod
    def at(cls, paths: Any, progress: bool = True) -> "ParquetFiles":
        """Find the files at a path, or at several."""
        several = [paths] if isinstance(paths, str | os.PathLike) else _several(paths)
        if not several:
            raise DataError("paths is empty; give one Parquet file at least")
        found = [file for path in several for file in _files(path_of(path, "Parquet files"))]
        return cls(tuple(map(str, found)), progress)

    @cached_property
    def _dataset(self) -> "ds.Dataset":
        dataset = optional("pyarrow.dataset", "parquet", "reading Parquet files")
        with _reading(str(self)):
            return dataset.dataset(list(self.paths), format="parquet", partitioning="hive")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self._dataset.schema.names)

    @cached_property
    def rows(self) -> int:
        """Number of rows, by the files' own account."""
        with _reading(str(self)):
            return int(self._dataset.count_rows())

    def empty(self, columns: Sequence[str]) -> "pa.Table":
        """Give columns without any rows."""
        self._require(columns)
        return self._dataset.schema.empty_table().select(list(columns))

    def _require(self, columns: Sequence[str]) -> None:
        for name in columns:
            if name not in self.names:
                raise DataError(f"{self} has no column {name!r}{suggestion(name, self.names)}")

    def schema(self) -> Part:
        """Give the columns without any rows."""
        table = self.empty(self.names)
        return part(table, table.column_names, Place(""))

    def parts(self, columns: Sequence[str], size: int, task: str) -> Iterator[Part]:
        """Read columns, about `size` rows at a time, in order."""
        tables = self.tables(columns, size, task)
        return (part(table, columns, place) for table, place in tables)

    def tables(
        self, columns: Sequence[str], size: int, task: str
    ) -> Iterator[tuple["pa.Table", Place]]:
        """Read columns as Arrow tables of about `size` rows, and say where these are."""
        self._require(columns)
        with progress_bar(task, self.rows, shown=self.progress) as advance:
            for fragment in self._dataset.get_fragments():
                where, start = self._called(fragment.path), 0
                for table in self._tables(fragment, list(columns), size):
                    yield table, Place(where, start)
                    start += table.num_rows
                    advance(table.num_rows)

    def _tables(
        self, fragment: "ds.Fragment", columns: list[str], size: int
    ) -> Iterator["pa.Table"]:
        """Read a file, gathering batches that are short because its row groups are."""
        pyarrow = optional("pyarrow.dataset", "parquet", "reading Parquet files")
        schema = self._dataset.schema
        batches = chain.from_iterable(
            # A scan of all row groups of a file holds what is left of the file in memory.
            one.to_batches(
                schema=schema,
                columns=columns,
                batch_size=size,
                batch_readahead=AHEAD,
                fragment_readahead=1,
                fragment_scan_options=pyarrow.ParquetFragmentScanOptions(
                    pre_buffer=False, use_buffered_stream=True
                ),
            )
            for one in fragment.split_by_row_group()
        )
        gathered: list[pa.RecordBatch] = []
        while (batch := _next(batches, fragment.path)) is not None:
            gathered.append(batch)
            if 2 * sum(b.num_rows for b in gathered) >= size:
                yield _table(gathered)
                gathered = []
        if any(batch.num_rows for batch in gathered):
            yield _table(gathered)

    def _called(self, path: str) -> str:
        """Name a file as shortly as it can be told from the others."""
        files = self._dataset.files
        if len(files) == 1:
            return Path(path).name
        return os.path.relpath(path, os.path.commonpath([Path(f).parent for f in files]))

    def __str__(self) -> str:
        shown = self.paths[0]
        return shown if len(self.paths) == 1 else f"{shown} and {len(self.paths) - 1} more"

    @property
    def whereabouts(self) -> str:
        """Say how many files there are."""
        return f"streamed from {plural(len(self._dataset.files), 'Parquet file')}"


def part(table: "pa.Table", columns: Sequence[str], place: Place) -> Part:
    """Make a frame of columns of an Arrow table."""
    return Part({name: _column(table[name]) for name in columns}, place)


def _several(paths: Any) -> list[Any]:
    if not isinstance(paths, Iterable):
        raise StorageError(f"Parquet files: a path or several are needed, got {shown(paths)}.")
    return list(paths)


def _files(path: Path) -> list[Path]:
    """Give the file at a path, or the Parquet files in a folder and the folders in it, sorted."""
    if not path.exists():
        raise DataError(f"there is no file {str(path)!r}")
    with _reading(str(path)):
        inside = path.rglob("*") if path.is_dir() else [path]
        found = sorted(f for f in inside if f == path or f.suffix in SUFFIXES)
    if not found:
        raise DataError(f"there is no Parquet file in {str(path)!r} ({' or '.join(SUFFIXES)})")
    return found


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Say which file Arrow could not read."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise DataError(f"{what} cannot be read as Parquet: {error}") from error


def _next(batches: "Iterator[pa.RecordBatch]", path: str) -> "pa.RecordBatch | None":
    with _reading(path):
        return next(batches, None)


def _table(batches: "list[pa.RecordBatch]") -> "pa.Table":
    from pyarrow import Table

    return Table.from_batches(batches)


def _column(values: "pa.ChunkedArray") -> Any:
    """Make a numpy array of numbers, without a copy where none is missing; pandas for the rest."""
    import pandas as pd
    import pyarrow as pa

    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        one = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
        return one.to_numpy(zero_copy_only=False)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values.to_pandas(types_mapper=lambda _: pd.StringDtype("pyarrow"))
    return values.to_pandas()
