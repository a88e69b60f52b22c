"""How much a formula may ask for, found out before any of it is evaluated.

A formula comes from a command line, or from a file that someone else saved. Python's whole numbers
have no end, and an interaction of all terms with all terms has more of them than memory holds; so
both are counted first, and what is beyond a bound is refused by name.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bayesml.errors import DataError

if TYPE_CHECKING:
    from formulaic.parser.types import ASTNode, Token

MOST_CHARACTERS = 1_000_000
"""Of a formula: some fifty thousand columns, written out."""

MOST_TERMS = 100_000
"""Products of terms that are formed on the way to what a formula means."""

MOST_POWER = 100
MOST_BITS = 64
"""Of whole numbers: those of numpy. Larger ones are written as decimals, 1e30."""

MOST_COLUMNS = 1000
"""That one transformation may make."""

_COLUMNS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "bs": (("df", 1), ("degree", 3)),
    "cr": (("df", 1),),
    "cs": (("df", 1),),
    "cc": (("df", 1),),
    "poly": (("degree", 1),),
    "hashed": (("levels", 1),),
}
"""Arguments that say how many columns a transformation makes, with their positions."""

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_GROWS = (ast.Pow, ast.LShift)
Number = int | float | None


def require_readable(formula: str) -> None:
    """Refuse a formula that is longer than any that someone writes."""
    if len(formula) > MOST_CHARACTERS:
        raise DataError(
            f"a formula of {len(formula):,} characters is too long, {formula[:40]!r}…; at most "
            f"{MOST_CHARACTERS:,} are read. Data(X, y) takes any number of columns"
        )


def require_bounded_numbers(node: ast.AST) -> None:
    """Refuse an expression with numbers, texts or columns that have no bound.

    Raises
    ------
    DataError
        Saying which part of the expression.
    """
    _value(node)


def _value(node: ast.AST) -> Number:
    """Return the number that a part without columns stands for, or None; refuse what is endless."""
    match node:
        case ast.Constant(value=bool() | int() | float() | complex() as stated):
            return _bounded(stated, node)
        case ast.BinOp(left=left, op=op, right=right):
            _refuse_texts(left, right, node)
            return _combined(op, _value(left), _value(right), node)
        case ast.UnaryOp(op=op, operand=operand):
            inner = _value(operand)
            return None if inner is None else _safely(lambda: _UNARY[type(op)](inner), node)
        case ast.BoolOp() | ast.IfExp():  # either may be taken
            known = [value for child in ast.iter_child_nodes(node) if (value := _value(child))]
            return max(known, key=abs, default=None)
        case ast.Call():
            _require_bounded_columns(node)
    for child in ast.iter_child_nodes(node):
        _value(child)
    return None


def _combined(op: ast.operator, left: Number, right: Number, node: ast.AST) -> Number:
    if left is None or right is None or type(op) not in _BINARY:
        return None
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and isinstance(op, _GROWS) and abs(left) > 1 and right > MOST_BITS:
        raise _endless(node)
    return _safely(lambda: _BINARY[type(op)](left, right), node)


def _safely(compute: Callable[[], Any], node: ast.AST) -> Number:
    try:
        value = compute()
    except (ArithmeticError, TypeError, ValueError) as error:
        raise DataError(f"{ast.unparse(node)!r} is no number: {error}") from error
    return _bounded(value, node)


def _bounded(value: Any, node: ast.AST) -> Number:
    if isinstance(value, complex):
        raise DataError(f"{ast.unparse(node)!r} is a complex number; columns of X are real")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise _endless(node)
    return value if isinstance(value, int | float) else None


def _endless(node: ast.AST) -> DataError:
    text = ast.unparse(node)
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return DataError(
        f"{shown!r} is a whole number beyond {MOST_BITS} bits; write it as a decimal, such as 1e30"
    )


def _refuse_texts(left: ast.AST, right: ast.AST, node: ast.AST) -> None:
    """Refuse arithmetic of texts and lists: 'a' * 10**9 is a text of a gigabyte."""
    if _has_text(left) or _has_text(right):
        raise DataError(f"{ast.unparse(node)[:60]!r} is arithmetic of a text or a list")


def _has_text(node: ast.AST) -> bool:
    """Say whether the value of an expression may be a text or a list, as it is written."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    if isinstance(node, ast.Compare | ast.Call | ast.Name):
        return False
    holds = isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Starred)
    return holds or any(map(_has_text, ast.iter_child_nodes(node)))


def _require_bounded_columns(call: ast.Call) -> None:
    """Refuse a transformation that is asked for more columns than `MOST_COLUMNS`."""
    if any(keyword.arg is None for keyword in call.keywords):
        raise DataError(f"{ast.unparse(call)[:60]!r} hides its arguments behind **")
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    stated = {keyword.arg: keyword.value for keyword in call.keywords}
    for argument, position in _COLUMNS.get(name, ()):
        given = call.args[position] if position < len(call.args) else stated.get(argument)
        count = None if given is None else _value(given)
        if count is not None and count > MOST_COLUMNS:
            raise DataError(
                f"{ast.unparse(call)[:60]!r} asks for {argument}={count:,}; at most "
                f"{MOST_COLUMNS:,} columns are made of one"
            )


def require_bounded_terms(text: str, formula: str) -> None:
    """Refuse a formula whose products of terms are more than `MOST_TERMS`.

    `text` is the formula as formulaic reads it, under private names.

    Raises
    ------
    DataError
        Saying how many the first part that is too large would form.
    """
    from formulaic.parser import DefaultFormulaParser
    from formulaic.parser.types import ASTNode

    tree = DefaultFormulaParser().get_ast(text)
    if isinstance(tree, ASTNode):
        _terms(tree, formula)


def _terms(node: "ASTNode | Token", formula: str) -> int:
    """Bound how many terms a part of a formula means, refusing what forms too many of them."""
    from formulaic.parser.types import ASTNode

    if not isinstance(node, ASTNode):
        return 1
    symbol = str(node.operator.symbol)
    counts = [_terms(part, formula) for part in node.args]
    formed: int
    if symbol in ("**", "^"):
        formed = counts[0] ** _power(node.args[1], formula)
    elif symbol == "*":
        formed = (counts[0] + 1) * (counts[1] + 1) - 1
    elif symbol == ":":
        formed = counts[0] * counts[1]
    else:
        return sum(counts)
    if formed > MOST_TERMS:
        raise DataError(
            f"the formula {_shown(formula)} would form {_figure(formed)} products of terms at "
            f"{symbol!r}; at most {MOST_TERMS:,} are formed. Write out the terms that are meant"
        )
    return formed


def _power(node: "ASTNode | Token", formula: str) -> int:
    """Return the largest whole number in an exponent; formulaic takes one that stands alone."""
    from formulaic.parser.types import ASTNode

    if isinstance(node, ASTNode):
        return max((_power(part, formula) for part in node.args), default=1)
    text = node.token.replace("_", "")
    power = int(text) if text.isdecimal() and len(text) < 20 else 1
    if power > MOST_POWER or (text.isdecimal() and len(text) >= 20):
        raise DataError(
            f"the formula {_shown(formula)} raises terms to the power {text[:20]}; at most "
            f"{MOST_POWER} is read"
        )
    return power


def _shown(formula: str) -> str:
    return repr(formula if len(formula) <= 60 else f"{formula[:60]}…")


def _figure(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"{float(count):.0e}"
