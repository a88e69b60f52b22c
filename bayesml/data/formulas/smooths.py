"""The smooths of a formula: `s(x)`, `s(x, k=20)`, `s(x, by=g)`.

What is straight in them becomes terms of the formula; what bends, a clause of its own.
"""

from typing import NamedTuple

from bayesml.data.formulas.bounds import MOST_COLUMNS
from bayesml.data.formulas.splitting import (
    arguments_of,
    is_call,
    is_name,
    outside,
    signed_terms,
    split,
)
from bayesml.data.messages import quoted
from bayesml.data.splines import LEAST
from bayesml.errors import DataError

NAME = "s"
K = 10
"""B-splines of a curve, where their number is not stated."""


class Smooth(NamedTuple):
    """One smooth term.

    Attributes
    ----------
    x : str
        What the curve is of, as an expression.
    k : int
        Number of B-splines.
    by : str
        What it is multiplied by, or of whose levels there is a curve each; empty for nothing.
    """

    x: str
    k: int
    by: str

    @property
    def label(self) -> str:
        """What it is called."""
        return f"s({self.x}, by={self.by})" if self.by else f"s({self.x})"

    @property
    def straight(self) -> str:
        """The terms of what is not penalised: a line, and what it is multiplied by."""
        x = self.x if is_name(self.x) else f"{{{self.x}}}"
        return f"{self.by} + {x}:{self.by}" if self.by else x


def without_smooths(right: str, formula: str) -> tuple[str, list[Smooth]]:
    """Put the lines of smooth terms in their place, and return what was there.

    Raises
    ------
    DataError
        For a smooth that cannot be read.

    Examples
    --------
    >>> without_smooths("z + s(x, k=20) + s(log(t), by=g)", "")
    ('z + x + g + {log(t)}:g', [Smooth(x='x', k=20, by=''), Smooth(x='log(t)', k=10, by='g')])
    """
    kept, found = "", []
    for sign, term in signed_terms(right):
        text = term.strip()
        if not _starts(text):
            kept += sign + term
            continue
        if sign == "-" or not is_call(text, NAME):
            raise DataError(
                f"the formula {formula!r} cannot be read at {(sign + term).strip()!r}: a smooth is "
                "a term of its own that is added, 'y ~ s(x) + z'. For curves that differ between "
                "levels, or are multiplied, write s(x, by=z)"
            )
        smooth = _read(text, formula)
        found.append(smooth)
        kept += f"{sign} {smooth.straight} " if sign else smooth.straight
    labels = [smooth.label for smooth in found]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise DataError(f"the formula {formula!r} says {quoted(twice)} twice; once is needed")
    return (kept.strip(), found) if found else (right, [])


def _starts(text: str) -> bool:
    """Say whether a term is a smooth, or a product with one."""
    word = f"{NAME}("
    return any(
        text.startswith(word, k) and not (k and (text[k - 1].isalnum() or text[k - 1] in "_."))
        for k, _ in outside(text)
    )


def _read(text: str, formula: str) -> Smooth:
    def wrong(why: str) -> DataError:
        return DataError(f"the formula {formula!r} cannot be read at {text!r}: {why}")

    x, *others = (part.strip() for part in split(arguments_of(text, NAME), ","))
    stated: dict[str, str] = {}
    for part in others:
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise wrong(
                "a smooth is of one column or expression; of several write one each, s(x) + s(z)"
            )
        if name not in ("k", "by"):
            raise wrong(
                f"there is no option {name!r}; k says how many B-splines, by what the curve is "
                "multiplied by or differs between. Curves are cubic, of penalised second derivative"
            )
        stated[name] = value
    k, by = stated.get("k", str(K)), stated.get("by", "")
    if not k.isdecimal() or not LEAST <= int(k[:9]) <= MOST_COLUMNS:
        raise wrong(
            f"k={k} is no number of B-splines, a whole number of {LEAST} to {MOST_COLUMNS:,}"
        )
    inside = arguments_of(by, "C") if is_call(by, "C") else by
    if by and not is_name(inside):
        raise wrong(f"by={by} is neither the name of a column nor C(column); compute it before")
    return Smooth(x, int(k), by)
