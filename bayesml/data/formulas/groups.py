"""The group terms of a formula: `(days | subject)`, `(1 | a/b)`, `(x || g)`.

What stands left of the bar has an effect of its own in every level of what stands right of it.
"""

from typing import NamedTuple

from bayesml.data.formulas.splitting import is_name, signed_terms, split
from bayesml.errors import DataError


class Bar(NamedTuple):
    """One group term.

    Attributes
    ----------
    terms : str
        What has an effect in every level, as the right side of a formula: `1 + days`.
    factor : tuple of str
        The columns whose levels together are the levels.
    correlated : bool
        Whether the effects of one level are correlated with each other.
    """

    terms: str
    factor: tuple[str, ...]
    correlated: bool

    @property
    def label(self) -> str:
        """What the factor is called."""
        return ":".join(self.factor)


def without_groups(right: str, formula: str) -> tuple[str, list[Bar]]:
    """Take the group terms out of the right side of a formula.

    Raises
    ------
    DataError
        For a group term that cannot be read.

    Examples
    --------
    >>> rest, bars = without_groups("x + (x || g) + (1 | a/b)", "")
    >>> rest, [(bar.terms, bar.label, bar.correlated) for bar in bars]
    ('x', [('x', 'g', False), ('1', 'a', True), ('1', 'a:b', True)])
    """
    kept, bars = "", []
    for sign, term in signed_terms(right):
        text = term.strip()
        inside = text[1:-1] if text.startswith("(") and text.endswith(")") else ""
        parts = split(inside, "|")
        if len(parts) == 1:
            kept += sign + term
        elif sign == "-":
            raise DataError(f"the formula {formula!r}: {text!r} is a group term; it is only added")
        else:
            bars += _bars(parts, text, formula)
    if not bars:
        return right, []
    return kept.strip().removeprefix("+").strip() or "1", bars


def _bars(parts: list[str], text: str, formula: str) -> list[Bar]:
    terms, *middle, factor = (part.strip() for part in parts)
    if not (terms and factor) or middle not in ([], [""]):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text!r}: a group term is (1 | g), "
            "(x | g), or (x || g) for effects that are not correlated"
        )
    nested = [name.strip() for name in split(factor, "/")]
    chains = [nested[: k + 1] for k in range(len(nested))] if len(nested) > 1 else [nested]
    return [Bar(terms, _columns(chain, text, formula), not middle) for chain in chains]


def _columns(chain: list[str], text: str, formula: str) -> tuple[str, ...]:
    names = [name.strip() for link in chain for name in split(link, ":")]
    if not all(map(is_name, names)):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text!r}: right of '|' stand names of "
            "columns: g, a:b for their combinations, or a/b for a and a:b. Compute others before"
        )
    return tuple(dict.fromkeys(name.strip("`") for name in names))
