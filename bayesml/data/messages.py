"""How the data layer names things in its errors: rows, values, lists and close matches."""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHOWN = 5
"""How many examples a message gives before it says «and so many more»."""


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "row"), plural(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Iterable[str], total: int | None = None) -> str:
    """Join the first few items and say how many more there are.

    >>> listed(["a", "b"]), listed(["a", "b"], total=9)
    ('a, b', 'a, b and 7 more')
    """
    items = list(items)
    hidden = (len(items) if total is None else total) - min(len(items), SHOWN)
    return ", ".join(items[:SHOWN]) + (f" and {hidden} more" if hidden else "")


def quoted(names: Iterable[object]) -> str:
    """Put the first few names in quotes.

    >>> quoted(["height", "weight"])
    "'height', 'weight'"
    """
    return listed([repr(name) for name in names])


@dataclass(frozen=True, eq=False)
class Place:
    """Where some rows lie in data that are read a part at a time, so that errors can name them.

    Attributes
    ----------
    where : str
        A file, or a partition; empty where rows are counted through all of the data.
    start : int
        Number of the first row there.
    kept : (b,) array of int, or None
        Which of the rows are left, where some were dropped.
    """

    where: str
    start: int = 0
    kept: NDArray[np.intp] | None = None

    def row(self, position: int) -> str:
        """Name the row at a position among those that are left."""
        at = self.start + int(position if self.kept is None else self.kept[position])
        return f"row {at} of {self.where}" if self.where else f"row {at}"

    def after(self, count: int) -> "Place":
        """Return the place of the rows that are left without the first `count` of them."""
        if self.kept is None:
            return replace(self, start=self.start + count)
        return replace(self, kept=self.kept[count:])


EVERYWHERE = Place("")
"""All of the data: rows go by their number."""


Labels = NDArray[Any] | Place | None
"""How rows are called: by labels, by their place in a file or partition, or by position."""


def row_name(position: int, labels: Labels) -> str:
    """Name a row by its label in the user's frame, or by its position counted from 0.

    >>> row_name(2, None), row_name(2, np.array(["Ann", "Bo", "Cy"]))
    ('row 2', 'row Cy (position 2)')
    >>> row_name(2, Place("a.parquet", start=100))
    'row 102 of a.parquet'
    """
    if isinstance(labels, Place):
        return labels.row(position)
    return f"row {position}" if labels is None else f"row {labels[position]} (position {position})"


def row_names(positions: Sequence[int] | NDArray[np.intp], labels: Labels) -> str:
    """Name the first few of several rows."""
    return listed([row_name(int(p), labels) for p in positions[:SHOWN]], len(positions))


def is_spelled_alike(one: str, other: str) -> bool:
    """Say whether texts differ in nothing but how letters with accents are stored.

    >>> is_spelled_alike("\u00e9", "e\u0301")
    True
    """
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Suggest the name that was meant, or say which there are when none comes close.

    >>> suggestion("heigth", ["height", "weight"]), suggestion("AGE", ["wage", "age"])
    (" (did you mean 'height'?)", " (did you mean 'age'?)")
    """
    known = list(known)
    close = [each for each in known if is_spelled_alike(each.casefold(), name.casefold())]
    close = close or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close and is_spelled_alike(name, close[0]):
        return f" (there is {close[0]!a}, the same letters stored otherwise: rename it {name!a})"
    return f" (did you mean {close[0]!r}?)" if close else f" (there are: {quoted(known)})"
