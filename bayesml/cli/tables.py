"""Tables on disk: read by their extension, with errors that say what is wrong with the file."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bayesml.data.messages import plural, quoted
from bayesml.errors import DataError, DataWarning, MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
PARQUET = (".parquet", ".pq")
PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")


def read_table(path: Path) -> "pd.DataFrame":
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
    if suffix in PARQUET:
        return _read_parquet(path)
    if suffix not in SEPARATORS:
        known = ", ".join([*SEPARATORS, *PARQUET])
        raise DataError(f"{str(path)!r} is not read, since its name ends in none of {known}")
    return _read_text(path, SEPARATORS[suffix])


def _read_text(path: Path, separator: str) -> "pd.DataFrame":
    import pandas as pd

    try:
        frame = pd.read_csv(path, sep=separator)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{str(path)!r} is not text in UTF-8 ({error.reason}); save it as UTF-8"
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"{str(path)!r} cannot be read as a table: {error}") from error
    for other in (";", "\t", ","):
        if len(frame.columns) == 1 and other in str(frame.columns[0]):
            raise DataError(
                f"{str(path)!r} seems to be separated by {other!r}, not {separator!r}, as its name "
                "says: save it with commas as .csv, or with tabs as .tsv"
            )
    return frame


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
    ends = (*SEPARATORS, *PARQUET)
    tables = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in ends)
    return f" (there are: {quoted(tables)})" if tables else ""


def warn_of_stray_text(frame: "pd.DataFrame", names: Sequence[str]) -> None:
    """Warn of columns that hold numbers but for a few entries, and so would count as levels.

    Warns
    -----
    DataWarning
        Naming the column and the first entry that is not a number.
    """
    import pandas as pd

    for name in names:
        column = frame[name]
        if pd.api.types.is_string_dtype(column):
            strays = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
            if 0 < len(strays) < 0.5 * column.notna().sum():
                warnings.warn(
                    f"column {name!r} holds numbers, but {strays.iloc[0]!r} in row "
                    f"{strays.index[0]} is text, so that all of it is taken for levels; "
                    "correct the file if that is not meant",
                    DataWarning,
                    stacklevel=2,
                )


def complete_rows(frame: "pd.DataFrame", columns: Sequence[str]) -> "pd.DataFrame":
    """Leave out rows with missing values in these columns.

    Warns
    -----
    DataWarning
        Saying how many they were.
    """
    kept = frame.dropna(subset=[name for name in columns if name in frame.columns])
    if len(kept) < len(frame):
        warnings.warn(
            f"left out {len(frame) - len(kept)} of {plural(len(frame), 'row')}, "
            "which have missing values",
            DataWarning,
            stacklevel=2,
        )
    return kept
