"""One column of a delimited file, read as numbers or as levels when it is used."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data.delimited.meaning import (
    NUL,
    ONE_IN_THOUSANDS,
    Meaning,
    Rules,
    cells_of,
    meaning_of,
)
from bayesml.data.delimited.numerals import MISSING_WORDS, PLAIN
from bayesml.errors import DataError, DataWarning

if TYPE_CHECKING:
    import pandas as pd


class Habits(NamedTuple):
    """How a file was written, as its numbers show: words for missing ones, decimal commas."""

    words: frozenset[str]
    comma: bool


@dataclass(frozen=True, eq=False)
class Cells:
    """The text of one column, and what it means.

    Attributes
    ----------
    name, where : str
        Of the column and of its file.
    chunks : tuple of str
        Some rows each.
    rules : Rules
    habits : callable
        What all columns of the file show.
    """

    name: str
    where: str
    chunks: tuple[str, ...]
    rules: Rules
    habits: Callable[[], Habits]

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(chunk.count(NUL) + 1 for chunk in self.chunks)

    @property
    def shape(self) -> tuple[int]:
        """One dimension."""
        return (len(self),)

    @property
    def ndim(self) -> int:
        """One dimension."""
        return 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.values.to_numpy(na_value=np.nan), dtype=dtype)

    @cached_property
    def meaning(self) -> Meaning:
        """What the column alone says."""
        return meaning_of(self.chunks, self.rules)

    @cached_property
    def values(self) -> "pd.Series[Any]":
        """Numbers, or text with None for what is missing.

        Raises
        ------
        DataError
            Naming the first cell that leaves open what the column is.
        """
        meaning = self.meaning
        if meaning.problem:
            advice = f"write C({self._quoted}) if these are levels"
            raise DataError(f"{self} {meaning.problem}; {advice}")
        if meaning.values is None:
            return self.text
        if (
            self.rules.decimal is None
            and all(map(ONE_IN_THOUSANDS.fullmatch, self.chunks))
            and self.habits().comma
        ):
            raise DataError(
                f"{self} holds {cells_of(self.chunks[:1])[0]!r} in row 0, whose mark may be of "
                "thousands, since decimals follow a comma elsewhere: say decimal='.' or ','"
            )
        if meaning.said:
            self._say(meaning.said)
        if meaning.code:
            self._say(
                f"{meaning.code!r} is read as {int(meaning.code)}; write C({self._quoted}) if "
                "these are codes"
            )
        return meaning.values

    @property
    def numbers(self) -> "pd.Series[Any]":
        """The numbers of a column that has to hold nothing else."""
        import pandas as pd

        if not isinstance(self.values.dtype, pd.StringDtype):
            return self.values
        if self.values.isna().all():
            return self.values.astype(np.float64)
        texts = (
            row
            for row, cell in enumerate(self.values)
            if isinstance(cell, str) and not PLAIN.fullmatch(cell)
        )
        row = next(texts, int(np.argmax(self.values.notna())))
        raise DataError(
            f"{self} holds text ({self.values.iloc[row]!r} in row {row}) where numbers are needed"
        )

    @property
    def levels(self) -> "pd.Series[Any]":
        """The numbers of a column that holds nothing else, and text otherwise: 007 is a code."""
        return self.text if self.meaning.problem or self.meaning.code else self.values

    @cached_property
    def text(self) -> "pd.Series[Any]":
        """The cells as they stand, with None for what is missing.

        Raises
        ------
        DataError
            If a word such as NA stands for a missing number elsewhere, and may be text here.
        """
        import pandas as pd

        cells = cells_of(self.chunks)
        words = self.rules.words
        if self.rules.missing is None:
            for row, cell in enumerate(cells):
                if cell in MISSING_WORDS:
                    self._say_of_word(cell, row)
                    break
        return pd.Series([None if cell in words else cell for cell in cells], dtype="str")

    def _say_of_word(self, word: str, row: int) -> None:
        if word in self.habits().words:
            raise DataError(
                f"{self} holds {word!r} in row {row}, which is a missing number in another column "
                f"and may be text here: say na={word!r} if it means missing, and na='' if "
                "only empty cells do"
            )
        self._say(f"{word!r} in row {row} is taken for text; say na={word!r} if it means missing")

    def _say(self, text: str) -> None:
        warnings.warn(f"{self}: {text}", DataWarning, stacklevel=2)

    @property
    def _quoted(self) -> str:
        return self.name if re.fullmatch(r"[^\W\d]\w*", self.name) else f"`{self.name}`"

    def __str__(self) -> str:
        return f"column {self.name!r} of {self.where}"


def habits_of(columns: Sequence[Cells]) -> Habits:
    """See how a file was written by what all its columns show."""
    found = [column.meaning for column in columns]
    words = frozenset[str]().union(*(meaning.words for meaning in found))
    return Habits(words, any(meaning.comma for meaning in found))
