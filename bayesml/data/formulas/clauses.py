"""A formula of several clauses: `y | trials(n) ~ x + offset(log(t)), sigma ~ z`.

Each clause becomes a formula of its own with the same target, whose columns stand side by side.
"""

from collections.abc import Iterator
from typing import NamedTuple

from bayesml.data.formulas.bounds import require_readable
from bayesml.data.messages import quoted
from bayesml.data.roles import OFFSET
from bayesml.errors import DataError

OPENING, CLOSING, QUOTES = "({[", ")}]", "\"'`"
WEIGHTS, EXPOSURE = "weights", "exposure"


class Clause(NamedTuple):
    """One formula, and what its columns are for.

    Attributes
    ----------
    role : str
        Empty for η, the parameter that it predicts, or the name of what is known.
    known : bool
    formula : str
        With the target: ``y ~ z``.
    text : str
        The expression, of what is known.
    """

    role: str
    known: bool
    formula: str
    text: str = ""


class Clauses(NamedTuple):
    """All clauses of a formula, that of η first and what is known last; and a column of weights."""

    parts: tuple[Clause, ...]
    weights: str | None


def clauses(formula: str) -> Clauses:
    """Split a formula into its clauses; one that has no others stays as it is.

    Raises
    ------
    DataError
        For clauses that cannot be read.

    Examples
    --------
    >>> for part in clauses("y | trials(n) ~ x + offset(log(t)), sigma ~ z").parts:
    ...     print(part.role, part.formula, sep=": ")
    : y ~ x
    sigma: y ~ z
    offset: y ~ 0 + {log(t)}
    trials: y ~ 0 + {n}
    """
    if not isinstance(formula, str):
        raise DataError(f"a formula is text such as 'y ~ x', not {type(formula).__name__}")
    require_readable(formula)
    first, *others = _split(formula, ",")
    left, tilde, right = _halves(first)
    target, *bars = _split(left, "|")
    if not tilde or len(bars) > 1:
        if others or len(bars) > 1:
            raise DataError(
                f"the formula {formula!r} cannot be read: write 'y ~ x', or "
                "'y | trials(n) + weights(w) ~ x + offset(z), sigma ~ x'"
            )
        return Clauses((Clause("", False, formula),), None)
    known = [_call(text, formula) for text in _split(bars[0], "+")] if bars else []
    rest, offsets = _without_offsets(right, formula)
    if not (known or offsets or others):
        return Clauses((Clause("", False, formula),), None)
    target = target.strip()
    weights = _weights(known, formula)
    terms = [(name, text) for name, text in known if name != WEIGHTS]
    if offsets:
        total = offsets[0] if len(offsets) == 1 else " + ".join(f"({text})" for text in offsets)
        terms = [(OFFSET, total), *terms]
    parts = [
        Clause("", False, f"{target} ~ {rest}"),
        *(_predictor(text, target, formula) for text in others),
        *(Clause(name, True, f"{target} ~ 0 + {{{text}}}", text) for name, text in terms),
    ]
    roles = [part.role for part in parts]
    if repeated := sorted({role for role in roles if roles.count(role) > 1}):
        raise DataError(f"the formula {formula!r} says {quoted(repeated)} twice; once is needed")
    return Clauses(tuple(parts), weights)


def _predictor(text: str, target: str, formula: str) -> Clause:
    name, tilde, right = (part.strip() for part in _halves(text))
    if not (tilde and right and name.isidentifier()):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text.strip()!r}: after a comma stands a "
            "parameter of the likelihood and what it depends on, as in 'y ~ x, sigma ~ z'"
        )
    if _without_offsets(right, formula)[1]:
        raise DataError(f"the formula {formula!r}: an offset is of the first clause only")
    return Clause(name, False, f"{target} ~ {right}")


def _call(text: str, formula: str) -> tuple[str, str]:
    """Read `trials(n)` as a name and an expression."""
    text = text.strip()
    name = text.partition("(")[0]
    if not (name.isidentifier() and _is_call(text, name)):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text!r}: between '|' and '~' "
            "stands what is known of every row, as in 'y | trials(n) ~ x'"
        )
    return name, _inside(text, name)


def _is_call(text: str, name: str) -> bool:
    """Say whether a text is `name(…)` with something in it, and nothing before or after it."""
    return (
        text.startswith(f"{name}(")
        and "".join(c for _, c in _outside(text)) == name
        and bool(_inside(text, name))
    )


def _inside(text: str, name: str) -> str:
    return text[len(name) + 1 : -1].strip()


def _weights(known: list[tuple[str, str]], formula: str) -> str | None:
    found = [text for name, text in known if name == WEIGHTS]
    if len(found) > 1 or not all(map(_is_name, found)):
        raise DataError(
            f"the formula {formula!r}: weights(…) takes the name of one column; compute it before"
        )
    return found[0].strip("`") if found else None


def _is_name(text: str) -> bool:
    """Say whether a text may be the name of a column: in backticks, or without brackets."""
    if text.startswith("`"):
        return text.endswith("`") and text.count("`") == 2 and bool(text.strip("`").strip())
    return "".join(c for _, c in _outside(text)) == text


def _without_offsets(right: str, formula: str) -> tuple[str, list[str]]:
    """Take the terms `offset(…)` and `exposure(…)` out of a right side."""
    kept, offsets = "", []
    for sign, term in _signed_terms(right):
        text = term.strip()
        name = next((name for name in (OFFSET, EXPOSURE) if text.startswith(f"{name}(")), None)
        if name is None:
            kept += sign + term
        elif sign != "-" and _is_call(text, name):
            inside = _inside(text, name)
            offsets.append(f"log({inside})" if name == EXPOSURE else inside)
        else:
            raise DataError(
                f"the formula {formula!r} cannot be read at {(sign + term).strip()!r}: {name}(…) "
                f"holds an expression and is added as a term of its own, as in 'y ~ x + {name}(z)'"
            )
    if not offsets:
        return right, []
    return kept.strip().removeprefix("+").strip() or "1", offsets


def _signed_terms(text: str) -> list[tuple[str, str]]:
    """Split a right side into its terms, each with the sign before it."""
    marks = [k for k, c in _outside(text) if c in "+-"]
    signs = ["", *(text[k] for k in marks)]
    starts = [0, *(k + 1 for k in marks)]
    return [(s, text[a:b]) for s, a, b in zip(signs, starts, [*marks, len(text)], strict=True)]


def _halves(text: str) -> tuple[str, str, str]:
    """Split at the first `~` that stands by itself."""
    at = next((k for k, c in _outside(text) if c == "~"), None)
    return (text, "", "") if at is None else (text[:at], "~", text[at + 1 :])


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that is in no brackets and no quotes."""
    ends = [k for k, c in _outside(text) if c == mark]
    starts = [0, *(k + 1 for k in ends)]
    return [text[a:b] for a, b in zip(starts, [*ends, len(text)], strict=True)]


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """Yield the characters in no brackets and no quotes, and where they are."""
    depth, quote = 0, ""
    for k, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in QUOTES:
            quote = c
        elif c in OPENING:
            depth += 1
        elif c in CLOSING:
            depth -= 1
        elif depth == 0:
            yield k, c
