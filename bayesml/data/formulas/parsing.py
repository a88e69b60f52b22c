"""The text of a formula: read by formulaic, and checked so that it means what it seems to mean."""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bayesml.data.formulas.bounds import require_bounded_terms, require_readable
from bayesml.data.formulas.expressions import Factor, Use, uses
from bayesml.data.messages import quoted
from bayesml.errors import DataError

if TYPE_CHECKING:
    from formulaic import SimpleFormula
    from formulaic.parser.types import Token


class Sides(NamedTuple):
    """A formula that was read: the terms left and right of `~`."""

    left: "SimpleFormula"
    right: "SimpleFormula"


def parse(formula: str, columns: tuple[str, ...] | None = None) -> Sides:
    """Read the two sides of a formula, checking every name in it if the columns are given.

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
        require_bounded_terms(formula)
        parsed = Formula(formula)
    except DataError:
        raise
    except Exception as error:  # RecursionError among them
        raise DataError(
            f"the formula {formula!r} cannot be read: {plain_message(error)}"
        ) from error
    if not isinstance(parsed, StructuredFormula) or "lhs" not in parsed:
        raise DataError(f"the formula {formula!r} has no target; write 'y ~ …'")
    left, right = parsed.lhs, parsed.rhs
    if not isinstance(left, SimpleFormula) or not isinstance(right, SimpleFormula):
        raise DataError(f"the formula {formula!r} has parts divided by '|'; one part is needed")
    if [term.degree for term in left] != [1]:
        raise DataError(
            f"the formula {formula!r} needs one target column left of '~'; "
            "for a sum of columns write {a + b} ~ …"
        )
    if not len(right) or not formula.rpartition("~")[2].strip():
        raise DataError(f"the formula {formula!r} has nothing right of '~'; 'y ~ 1' is the mean")
    _refuse_scaled_terms(right, formula)
    return Sides(left, right)


def _check(formula: str, columns: tuple[str, ...] | None) -> None:
    """Check the names and expressions of a formula, and powers that would do nothing."""
    tokens = _tokens(formula)
    parts = [_factor_of(token) for token in tokens if _is_used(token)]
    code = [part for part in parts if part.is_code]
    try:
        used = {use.column for use in uses(parts, columns, formula)}
        in_code = {use.column for use in uses(code, columns, formula)}
    except SyntaxError as error:
        raise DataError(f"the formula {formula!r} cannot be read: {error.msg}") from error
    _refuse_look_alikes(used, in_code, formula)
    for token, operator in pairwise(tokens):
        if _is_used(token) and operator.token in ("**", "^"):
            name = token.token
            raise DataError(
                f"in the formula {formula!r}, {name}{operator.token}… is the interaction of {name} "
                f"with itself, which is just {name}; for a power write {{{name}**2}}"
            )


def _refuse_look_alikes(used: set[str], in_code: set[str], formula: str) -> None:
    """Refuse `a b` in an expression beside a_b: as words of Python they would be the same."""
    from formulaic.utils.code import sanitize_variable_name

    words: dict[str, list[str]] = {}
    for name in sorted(used):
        words.setdefault(sanitize_variable_name(name, {}, reserved_names=()), []).append(name)
    for word, names in words.items():
        if len(names) > 1 and any(name in in_code and name != word for name in names):
            raise DataError(
                f"in the formula {formula!r}, the columns {quoted(names)} are alike once every "
                "character is part of a word; rename one of them"
            )


def _refuse_scaled_terms(terms: "SimpleFormula", formula: str) -> None:
    """Refuse `2:x`, whose column would be called x but hold 2 x."""
    for term in terms:
        if term.degree and term.degree < len(term.factors):
            raise DataError(
                f"in the formula {formula!r}, {str(term)!r} scales a term by a number; "
                "write arithmetic in braces: {2 * x}"
            )


def term_uses(terms: "SimpleFormula", columns: tuple[str, ...] | None, formula: str) -> list[Use]:
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
    tokens = _tokens(formula)
    tilde = next((i for i, token in enumerate(tokens) if token.token == "~"), 0)
    left = [_factor_of(token) for token in tokens[:tilde] if _is_used(token)]
    used = {*taken, *(use.column for use in uses(left, tuple(columns), formula))}
    others = [name if name.isidentifier() else f"`{name}`" for name in columns if name not in used]
    for token in reversed(tokens[tilde:]):
        if token.token == "." and not _is_used(token):
            start = token.source_start
            formula = f"{formula[:start]}({' + '.join(others)}){formula[start + 1 :]}"
    return formula


def _tokens(formula: str) -> list["Token"]:
    from formulaic.errors import FormulaicError
    from formulaic.parser.algos.tokenize import tokenize

    try:
        return list(tokenize(formula))
    except FormulaicError as error:
        raise DataError(
            f"the formula {formula!r} cannot be read: {plain_message(error)}"
        ) from error


def _is_used(token: "Token") -> bool:
    """Say whether a token names a column or holds an expression."""
    return token.kind in (token.Kind.NAME, token.Kind.PYTHON)


def _factor_of(token: "Token") -> Factor:
    return Factor(token.token, token.kind is token.Kind.PYTHON)


def plain_message(error: BaseException) -> str:
    """Take the first line of an error of formulaic, without its terminal colours."""
    text = re.sub(r"\x1b\[[0-9;]*m|[\u29da\u29db]", "", str(error))
    return text.partition("\n")[0].partition(". They are being")[0]
