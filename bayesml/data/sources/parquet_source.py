"""Rows that are read from files every time that they are needed, a block in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

from bayesml.arguments import shown
from bayesml.data import frames
from bayesml.data.array_designs import FrameDesign
from bayesml.data.blocks import Block, rows_per_block
from bayesml.data.checks import require_some_weight, require_unique
from bayesml.data.designs import Design
from bayesml.data.formulas.binding import bind_formula
from bayesml.data.formulas.passes import learn_clauses
from bayesml.data.frames import Part
from bayesml.data.missing import Missing, drops
from bayesml.data.readers import ColumnsReader, Reader
from bayesml.data.sources.parquet_files import ParquetFiles
from bayesml.errors import DataError

LEAST_STREAMED = 8192
"""Rows that are decoded at a time at least, since each time has a price of its own."""


@dataclass(frozen=True, eq=False)
class ParquetSource:
    """Rows of Parquet files, checked as they pass.

    Attributes
    ----------
    files : ParquetFiles
    reader : Reader
        Makes blocks of the parts that are read.
    m : int
        Number of rows, those with missing values not among them if they are dropped.
    first_pass : str
        What had to be learned before: levels, transformations; empty where nothing had to.
    """

    files: ParquetFiles
    reader: Reader
    m: int
    first_pass: str

    @property
    def n(self) -> int:
        """Number of features."""
        return len(self.reader.design.feature_names)

    @property
    def weighted(self) -> bool:
        """Whether rows have observation weights."""
        return self.reader.weights is not None

    @property
    def whereabouts(self) -> str:
        """Where the rows are, in words."""
        return self.files.whereabouts

    def blocks(self) -> Iterator[Block]:
        """Read the rows in order, a bounded number at a time."""
        rows, some = 0, False
        for part in self.files.parts(self.reader.columns, _size(self.n), "reading"):
            block = self.reader.block(part)
            rows += len(block.y)
            w = block.observation_weights
            some = some or w is None or bool(w.any())
            if len(block.y):
                yield block
        require_some_weight(some)
        if rows != self.m:
            raise DataError(
                f"{self.files} had {self.m} rows and now has {rows}: it was changed in between; "
                "make the Data anew"
            )

    def reduce[T](self, function: Callable[[Block], T], combine: Callable[[T, T], T]) -> T:
        """Bring `function` of every block together by the associative `combine`."""
        return reduce(combine, map(function, self.blocks()))


def _size(n: int) -> int:
    return max(LEAST_STREAMED, rows_per_block(n))


def parquet_formula(
    files: ParquetFiles,
    formula: str,
    missing: Literal["raise", "drop"],
    observation_weights: str | None,
) -> tuple[ParquetSource, Design]:
    """Meet the files with a formula, reading them before where it has something to learn."""
    schema = files.schema()
    _require_column_name(observation_weights)
    drop = drops(missing)
    bound = bind_formula(formula, schema, observation_weights)

    def reduce_parts(function: Callable[[Part], Any], columns: tuple[str, ...], task: str) -> Any:
        parts = files.parts(columns, _size(len(columns)), task)
        return reduce(lambda one, other: one + other, map(function, _some(parts, schema)))

    learned = learn_clauses(bound, drop, reduce_parts, count=False)
    _require_rows(files)
    rows = files.rows if learned.rows is None else learned.rows
    return ParquetSource(files, learned.reader, rows, learned.first_pass), learned.reader.design


def _some(parts: Iterator[Part], schema: Part) -> Iterator[Part]:
    """Give one empty part where there is none."""
    first = next(parts, schema)
    yield first
    yield from parts


def parquet_columns(
    files: ParquetFiles,
    target: str | None,
    features: Sequence[str] | None,
    missing: Literal["raise", "drop"],
    observation_weights: str | None,
) -> tuple[ParquetSource, Design]:
    """Take columns of the files by their names."""
    if target is None:
        raise DataError("target is missing: name the column to learn, or give a formula")
    _require_column_name(observation_weights)
    drop = drops(missing)
    taken = {target, observation_weights}
    if isinstance(features, str):
        raise DataError(f"features is {shown(features)}; a list of column names is needed")
    names = tuple(features or (name for name in files.names if name not in taken))
    require_unique(names, "features")
    if target in names:
        raise DataError(f"the target {target!r} is also among the features; leave it out of them")
    reader = ColumnsReader(FrameDesign(names, target, weights_name=observation_weights), drop)
    schema = files.schema()
    frames.select(schema, reader.columns, str(files))
    reader.block(schema)  # refuses what is not a number
    _require_rows(files)
    if not drop:
        return ParquetSource(files, reader, files.rows, ""), reader.design
    parts = files.parts(reader.columns, _size(len(names)), "counting complete rows")
    found = sum((reader.missing(part) for part in parts), start=Missing())
    found.drop_aloud(files.rows, stacklevel=3)
    passed = "read once before, for rows with missing values"
    return ParquetSource(files, reader, files.rows - found.rows, passed), reader.design


def _require_rows(files: ParquetFiles) -> None:
    if not files.rows:
        raise DataError(f"{files} has no rows; there is nothing to learn from")


def _require_column_name(weights: Any) -> None:
    if weights is not None and not isinstance(weights, str):
        raise DataError(
            f"observation_weights of files is the name of a column, not {type(weights).__name__}"
        )
