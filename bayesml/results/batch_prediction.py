"""Prediction from files to files, a block of rows in memory at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import check_probability, path_of
from bayesml.data import Design
from bayesml.data.blocks import rows_per_block
from bayesml.data.designs import columns_to_read
from bayesml.data.messages import Place, quoted
from bayesml.data.optional import optional
from bayesml.data.sources.parquet_files import ParquetFiles, part
from bayesml.errors import DataError
from bayesml.posteriors import Posterior
from bayesml.results.answer import Answer
from bayesml.results.checks import warn_if_failed
from bayesml.results.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("mean", "sd", "epistemic_sd", "aleatoric_sd", "lower", "upper")


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """How the rows of a table are predicted, a batch of them at a time.

    Attributes
    ----------
    posterior : Posterior
    design : Design
    probability : float
        Mass of the interval from `lower` to `upper`.
    keep : tuple of str
        Columns of the source that go along, for instance a key.
    read : tuple of str
        Columns of the source that rows are made of.
    """

    posterior: Posterior
    design: Design
    probability: float
    keep: tuple[str, ...]
    read: tuple[str, ...]

    def __post_init__(self) -> None:
        check_probability(self.probability)
        if taken := [name for name in self.keep if name in COLUMNS]:
            raise DataError(
                f"keep has {quoted(taken)}, which are names of what is predicted; "
                "rename these columns of the source"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the source that are read."""
        return tuple(dict.fromkeys((*self.read, *self.keep)))

    def predict(self, table: "pa.Table", place: Place) -> "pa.Table":
        """Predict the rows of a table."""
        import pyarrow as pa

        X = self.design.matrix(part(table, self.read, place))
        prediction = self.posterior.predict(np.asarray(X, dtype=np.float64))
        interval = prediction.interval(self.probability)
        values = (
            prediction.mean,
            prediction.sd,
            prediction.epistemic_sd,
            prediction.aleatoric_sd,
            interval.lower,
            interval.upper,
        )
        kept = {name: table[name] for name in self.keep}
        return pa.table(kept | dict(zip(COLUMNS, values, strict=True)))


def predict_parquet(
    answer: Answer,
    source: Any,
    target: Any,
    probability: float = 0.9,
    *,
    keep: Sequence[str] = (),
    progress: bool = True,
) -> int:
    """Predict the rows of Parquet files into a Parquet file, of any size in bounded memory.

    Parameters
    ----------
    source : path, or sequence of paths
        Files, or a folder of them, with the columns that the model reads.
    target : path
        The file to write, with the columns ``mean``, ``sd``, ``epistemic_sd``,
        ``aleatoric_sd``, ``lower`` and ``upper``, in the unit of y and in the order of the
        rows.
    probability : float
        Mass of the equal-tailed interval from ``lower`` to ``upper``.
    keep : sequence of str
        Columns of the source to go along, for instance a key.
    progress : bool
        Whether to show a bar, on a terminal.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    DataError
        Naming file and row, as `predict`. No file is left behind then.
    StorageError
        If the target cannot be written to.
    MissingDependencyError
        If pyarrow is not installed.
    """
    warn_if_failed(answer.check())
    posterior, design = answer.learned.posterior, answer.data.design
    files = ParquetFiles.at(source, progress)
    read = columns_to_read(design, files.names)
    batch = BatchPrediction(posterior, design, probability, tuple(keep), read)
    final = path_of(target, "predict_parquet")
    if any(final.exists() and final.samefile(path) for path in files.paths):
        raise DataError(f"{str(final)!r} is to be read; write the predictions to another file")
    with replacing(final) as unfinished:
        return _write(batch, files, unfinished)


def _write(batch: BatchPrediction, files: ParquetFiles, path: Path) -> int:
    parquet = optional("pyarrow.parquet", "parquet", "writing Parquet files")
    size, rows = rows_per_block(len(batch.columns)), 0
    empty = batch.predict(files.empty(batch.columns), Place(""))
    with parquet.ParquetWriter(path, empty.schema) as writer:
        for table, place in files.tables(batch.columns, size, "predicting"):
            writer.write_table(batch.predict(table, place))
            rows += table.num_rows
    return rows
