"""The text of a formula: read by formulaic, and checked so that it means what it seems to mean."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bayesml.data.formulas.bounds import require_bounded_terms, require_readable
from bayesml.data.formulas.expressions import Factor, Use, uses
from bayesml.data.formulas.names import (
    PRIVATE,
    QUOTED,
    original,
    private,
    privately,
    reader_of,
    shown,
    with_backquotes,
    without_backquotes,
    words_in,
    written,
)
from bayesml.data.formulas.splitting import halves, signed_terms
from bayesml.data.messages import quoted
from bayesml.errors import DataError

if TYPE_CHECKING:
    from formulaic import SimpleFormula
    from formulaic.parser.types import Token


class Sides(NamedTuple):
    """A formula that was read: the terms left and right of `~`."""

    left: "SimpleFormula"
    right: "SimpleFormula"


def parse(formula: str, columns: tuple[str, ...]) -> Sides:
    """Read the two sides of a formula, checking every name in it.

    Raises
    ------
    DataError
        For a formula that cannot be read, has not one target, or uses names that do not exist.
    """
    from formulaic import Formula
    from formulaic.formula import SimpleFormula, StructuredFormula

    require_readable(formula)
    try:
        _check(formula, columns)  # before formulaic evaluates any of it
        private_names = _under_private_names(formula, columns)
        require_bounded_terms(private_names, formula)
        parsed = Formula(private_names)
    except DataError:
        raise
    except Exception as error:  # RecursionError among them
        raise DataError(
            f"the formula {formula!r} cannot be read: {_in_our_words(plain_message(error))}"
        ) from error
    if not isinstance(parsed, StructuredFormula) or "lhs" not in parsed:
        raise DataError(f"the formula {formula!r} has no target; write 'y ~ …'")
    left, right = parsed.lhs, parsed.rhs
    if not isinstance(left, SimpleFormula) or not isinstance(right, SimpleFormula):
        raise DataError(
            f"the formula {formula!r} has parts divided by '|': effects of groups stand in "
            "brackets, (1 | g), and what is known of every row before '~', y | weights(w) ~ x"
        )
    if [term.degree for term in left] != [1]:
        raise DataError(
            f"the formula {formula!r} needs one target column left of '~'; "
            "for a sum of columns write {a + b} ~ …"
        )
    if not len(right) or not formula.rpartition("~")[2].strip():
        raise DataError(f"the formula {formula!r} has nothing right of '~'; 'y ~ 1' is the mean")
    _refuse_scaled_terms(right, formula)
    _require_all_entered(left, right, private_names, formula)
    return Sides(left, right)


def words_of(formula: str) -> set[str]:
    """Return the words of a formula that may be columns, also those that a minus takes out."""
    require_readable(formula)
    found: set[str] = set()
    for token in _tokens(without_backquotes(formula)):
        if token.kind is token.Kind.NAME:
            found.add(original(token.token))
        elif token.kind is token.Kind.PYTHON:
            with suppress(SyntaxError, RecursionError, ValueError):  # which `parse` refuses
                found |= words_in(token.token)
    return found


def _under_private_names(formula: str, columns: tuple[str, ...]) -> str:
    """Write every column of a formula that was checked by its private name."""
    text = without_backquotes(formula)
    column_of = reader_of(columns)
    for token in reversed(_tokens(text)):
        if not _is_used(token) or token.source_start is None:
            continue
        start = token.source_start + (text[token.source_start] == "{")
        if token.kind is token.Kind.PYTHON:
            word = privately(token.token, column_of)
        else:
            word = private(column_of(token.token) or original(token.token))
        text = text[:start] + word + text[start + len(token.token) :]
    return text


def _require_all_entered(
    left: "SimpleFormula", right: "SimpleFormula", private_names: str, formula: str
) -> None:
    """Make sure that every column that is named enters a term, or was taken out by a minus."""
    from formulaic import Formula

    def columns_of(text: str) -> set[str]:
        return {original(found[0]) for found in PRIVATE.finditer(text)}

    lost = columns_of(private_names) - columns_of(f"{left} {right}")
    if lost and "-" in private_names:
        tokens = [token for token in _tokens(private_names) if token.kind is token.Kind.OPERATOR]
        added = private_names
        for token in reversed(tokens):
            start = token.source_start or 0
            plus = token.token.replace("-", "+")
            added = added[:start] + plus + added[start + len(token.token) :]
        both = Formula(added)
        lost -= columns_of(f"{both.lhs} {both.rhs}")
    if lost:
        raise DataError(
            f"in the formula {formula!r}, {quoted(sorted(lost))} enters no term; write it as a "
            "term of its own, or leave it out"
        )


def _check(formula: str, columns: tuple[str, ...]) -> None:
    """Check the names and expressions of a formula, and powers that would do nothing."""
    text = without_backquotes(formula)
    if re.search(r"\{\s*\}", QUOTED.sub("", text)):
        raise DataError(f"the formula {formula!r} cannot be read: there is nothing in its braces")
    tokens = _tokens(text)
    parts = [_factor_of(token) for token in tokens if _is_used(token)]
    try:
        list(uses(parts, columns, formula))
    except SyntaxError as error:
        raise DataError(f"the formula {formula!r} cannot be read: {error.msg}") from error
    for before, operator, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        _refuse_scaling(before, operator, after, formula)
    for token, operator in pairwise(tokens):
        if _is_used(token) and operator.token in ("**", "^"):
            name = shown(token.token)
            raise DataError(
                f"in the formula {formula!r}, {name}{operator.token}… is the interaction of {name} "
                f"with itself, which is just {name}; for a power write {{{name}**2}}"
            )


def _refuse_scaling(before: "Token", operator: "Token", after: "Token", formula: str) -> None:
    """Refuse `x/1000` and `1000*x`, which are crossings with a number and not arithmetic."""
    values = [token.kind is token.Kind.VALUE for token in (before, after)]
    used = any(map(_is_used, (before, after)))
    if used and any(values) and operator.token in ("*", "/"):
        wanted = f"{shown(before.token)} {operator.token} {shown(after.token)}"
        raise DataError(
            f"in the formula {formula!r}, {operator.token} crosses terms and does not compute; "
            f"write arithmetic in braces: {{{wanted}}}"
        )


def _refuse_scaled_terms(terms: "SimpleFormula", formula: str) -> None:
    """Refuse `2:x`, whose column would be called x but hold 2 x."""
    for term in terms:
        if term.degree and term.degree < len(term.factors):
            raise DataError(
                f"in the formula {formula!r}, {shown(str(term))!r} scales a term by a number; "
                "write arithmetic in braces: {2 * x}"
            )


def refuse_idle_minus(clause: str, columns: tuple[str, ...], formula: str) -> None:
    """Refuse `a - b` and `a - 32`, which take out what is not there and are no differences.

    Of a clause that can be read, before any `.` is written out: that may have left a term out.
    """
    from formulaic import Formula

    before = "1"
    for sign, term in signed_terms(halves(_under_private_names(clause, columns))[2]):
        text = term.strip()
        if not text:
            continue
        if sign == "-" and text not in ("0", "1"):
            number = re.fullmatch(r"[\d.]+", text)
            if number or not {*map(str, Formula(f"0 + {text}"))} & {*map(str, Formula(before))}:
                raise DataError(
                    f"in the formula {formula!r}, '- {shown(text)}' takes out a term that is not "
                    "there; write a difference in braces, {a - b}"
                )
        before += f" {sign or '+'} {text}"


def term_uses(terms: "SimpleFormula", columns: tuple[str, ...], formula: str) -> list[Use]:
    """Find the columns that one side of a formula uses."""
    factors = {factor.expr: factor.eval_method.value for term in terms for factor in term.factors}
    parts = [Factor(expr, how == "python") for expr, how in factors.items() if how != "literal"]
    return list(uses(parts, columns, formula))


def expand_dot(formula: str, columns: Sequence[str], taken: Collection[str] = ()) -> str:
    """Write `.` out as the sum of all columns that nothing else takes, the left side included.

    >>> expand_dot("y ~ . - a", ["y", "a", "b c"])
    'y ~ (a + `b c`) - a'
    """
    if not isinstance(formula, str):
        raise DataError(f"a formula is text such as 'y ~ x', not {type(formula).__name__}")
    require_readable(formula)
    formula = without_backquotes(formula)
    tokens = _tokens(formula)
    tilde = next((i for i, token in enumerate(tokens) if token.token == "~"), 0)
    left = [_factor_of(token) for token in tokens[:tilde] if _is_used(token)]
    used = {*taken, *(use.column for use in uses(left, tuple(columns), formula))}
    others = [
        name if written(name) == name else private(name) for name in columns if name not in used
    ]
    for token in reversed(tokens[tilde:]):
        if token.token == "." and not _is_used(token):
            start = token.source_start
            formula = f"{formula[:start]}({' + '.join(others)}){formula[start + 1 :]}"
    return with_backquotes(formula)


def _tokens(formula: str) -> list["Token"]:
    from formulaic.errors import FormulaicError
    from formulaic.parser.algos.tokenize import tokenize

    try:
        return list(tokenize(formula))
    except FormulaicError as error:
        raise DataError(
            f"the formula {formula!r} cannot be read: {_in_our_words(plain_message(error))}"
        ) from error


def _is_used(token: "Token") -> bool:
    """Say whether a token names a column or holds an expression."""
    return token.kind in (token.Kind.NAME, token.Kind.PYTHON)


def _factor_of(token: "Token") -> Factor:
    return Factor(token.token, token.kind is token.Kind.PYTHON)


def plain_message(error: BaseException) -> str:
    """Take the first line of an error of formulaic, without its terminal colours."""
    text = re.sub(r"\x1b\[[0-9;]*m|[\u29da\u29db]", "", str(error))
    return shown(text).partition("\n")[0].partition(". They are being")[0]


def _in_our_words(said: str) -> str:
    """Say what formulaic says of operators as a reader of formulas would."""
    if found := re.search("Unknown operator '([=∼～])'", said):
        return f"{found[1]!r} means nothing there; that y depends on x is y ~ x"
    if operator := re.match(r"Unknown operator ('.+?')", said):
        return f"{operator[1]} means nothing there; write arithmetic in braces: {{a > 0}}"
    if said.startswith("Numeric literals other than"):
        return (
            "of numbers 1 alone is a term; write arithmetic in braces, {(a - 32) / 1.8}, and a "
            "column that is called by a number in backquotes, `2020`"
        )
    found = re.match(r"Operator `(.+?)` (has insuffient|is incorrectly)", said)
    if found is None:
        return said
    return f"{found[1]!r} stands where a column or a term is needed before or after it"
