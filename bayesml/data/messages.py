"""How the data layer names things in its errors: rows, values, lists and close matches."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from numpy.typing import NDArray

SHOWN = 5
"""How many examples an error message gives before it says «and so many more»."""


def plural(count: int, noun: str) -> str:
    """The count with its noun.

    >>> plural(1, "row"), plural(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Iterable[str], total: int | None = None) -> str:
    """The first few items, then how many more there are.

    >>> listed(["a", "b"]), listed(["a", "b"], total=9)
    ('a, b', 'a, b and 7 more')
    """
    items = list(items)
    total = len(items) if total is None else total
    shown = ", ".join(items[:SHOWN])
    hidden = total - min(len(items), SHOWN)
    return f"{shown} and {hidden} more" if hidden else shown


def row_name(position: int, labels: NDArray[Any] | None) -> str:
    """A row by its label in the user's frame, and by its position counted from 0."""
    return f"row {position}" if labels is None else f"row {labels[position]} (number {position})"


def row_names(positions: Sequence[int] | NDArray[Any], labels: NDArray[Any] | None) -> str:
    """Several rows, the first few by name."""
    return listed((row_name(int(p), labels) for p in positions[:SHOWN]), len(positions))


def quoted(names: Iterable[object]) -> str:
    """Names in quotes, the first few.

    >>> quoted(["height", "weight"])
    "'height', 'weight'"
    """
    return listed(repr(name) for name in names)


def suggestion(name: str, known: Iterable[str]) -> str:
    """« (did you mean 'x'?)» for a misspelt name, or what there is when nothing comes close.

    >>> suggestion("heigth", ["height", "weight"])
    " (did you mean 'height'?)"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else f" (there are: {quoted(known)})"
