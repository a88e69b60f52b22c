"""Hypotheses as people write them: names of quantities, numbers, arithmetic, and a sign between.

``"x1 = x2"`` becomes x1 − x2, as a linear form where it is one, and as a function of draws anyway.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from bayesml.arguments import as_float, shown
from bayesml.data.messages import suggestion
from bayesml.errors import DataError
from bayesml.typing import Array

Linear = tuple[Array, float]
"""Coefficients of the quantities, and what is added."""

BINARY: Mapping[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
}
SIGN = re.compile(r"(?<![<>=])(?:==|<=|>=|=|<|>)(?![<>=])")
PLACE = "quantity_{}_"
MOST_PARTS = 1_000
"""Of a statement: trees are walked down by recursion."""


@dataclass(frozen=True, eq=False)
class Expression:
    """What a statement says, its right side taken from its left.

    Attributes
    ----------
    text : str
    tree : ast.expr
        With ``quantity_k_`` in the place of names.
    linear : (ndarray, float) or None
        Coefficients and constant, if it is linear.
    """

    text: str
    tree: ast.expr
    linear: Linear | None

    def evaluate(self, values: Array) -> Array:
        """Evaluate it at draws of all quantities, shape (k, ...)."""
        return np.asarray(_evaluate(self.tree, values))

    def finite(self, values: Array) -> Array:
        """Evaluate it, shape (...), where it is finite at all draws.

        Raises
        ------
        DataError
            If it is not.
        """
        with np.errstate(all="ignore"):
            found = np.broadcast_to(self.evaluate(values), values.shape[1:])
        if not np.all(np.isfinite(found)):
            raise DataError(
                f"hypothesis: {shown(self.text)} is not finite at some draws: it divides by what "
                "may be zero, or takes a logarithm or root of what may be negative."
            )
        return found


def read(text: str, known: Mapping[str, int], size: int) -> Expression:
    """Read a statement about quantities that go by one name or several.

    Parameters
    ----------
    text : str
    known : mapping of name to place
    size : int
        Number of quantities.

    Raises
    ------
    DataError
        For unknown names, with the one that was meant, and what is no arithmetic.

    Examples
    --------
    >>> read("2 * a = b[x] + 1", {"a": 0, "b[x]": 1}, 2).linear
    (array([ 2., -1.]), -1.0)
    """
    if not isinstance(text, str):
        raise DataError(f"hypothesis: a statement is a text such as 'x = z', got {shown(text)}.")
    replaced = _with_places(text, known)
    sides = SIGN.split(replaced)
    if len(sides) > 2:
        raise DataError(
            f"hypothesis: {shown(text)} has {len(sides) - 1} signs =, < or >; write one."
        )
    left, right = (_parsed(side, text) for side in (*sides, "0")[:2])
    tree = ast.BinOp(left, ast.Sub(), right)
    if sum(1 for _ in ast.walk(tree)) > MOST_PARTS:
        raise DataError(
            f"hypothesis: {shown(text)} has more than {MOST_PARTS:,} names, numbers and signs; "
            "compute it from draws, fit.draws()."
        )
    _check(tree, text, known)
    with np.errstate(all="ignore"):
        return Expression(text, tree, _finite(_linear(tree, size)))


def statements(
    statement: str | Sequence[str], known: Mapping[str, int], size: int
) -> list[Expression]:
    """Read one statement or several about quantities by name."""
    texts: list[Any] = list(statement) if isinstance(statement, list | tuple) else [statement]
    if not texts:
        raise DataError("hypothesis: give at least one statement, such as 'x = z'.")
    return [read(text, known, size) for text in texts]


def _with_places(text: str, known: Mapping[str, int]) -> str:
    """Put places for names, the longest first, where no other name goes on around them."""
    names = sorted(known, key=len, reverse=True)
    if not names:
        return text
    either = "|".join(map(re.escape, names))
    pattern = re.compile(rf"`({either})`|(?<![\w.\[:])({either})(?![\w.\[(:])")
    return pattern.sub(lambda m: PLACE.format(known[m[1] or m[2]]), text)


def _parsed(side: str, text: str) -> ast.expr:
    try:
        return ast.parse(side.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise DataError(
            f"hypothesis: {shown(text)} cannot be read. Write names, numbers, + − * / and "
            "brackets, and one sign =, < or >; names that are no words go in backticks."
        ) from error


def _check(node: ast.expr, text: str, known: Iterable[str]) -> None:
    """Refuse what is no arithmetic of known quantities."""
    match node:
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id=name) if re.fullmatch(PLACE.format(r"\d+"), name):
            return
        case ast.BinOp(left, op, right) if type(op) in BINARY:
            _check(left, text, known)
            _check(right, text, known)
        case ast.UnaryOp(ast.USub() | ast.UAdd(), operand):
            _check(operand, text, known)
        case ast.Call(ast.Name(id=name), [argument], []) if name in FUNCTIONS:
            _check(argument, text, known)
        case _:
            written = ast.unparse(node)
            raise DataError(
                f"hypothesis: {shown(text)}: there is no {shown(written)}"
                f"{suggestion(written, known)}"
            )


def _place(name: str) -> int:
    return int(name.split("_")[1])


def _evaluate(node: ast.expr, values: Array) -> Array:
    match node:
        case ast.Constant(value=value):
            return np.asarray(as_float(value))
        case ast.Name(id=name):
            return np.asarray(values[_place(name)])
        case ast.BinOp(left, op, right):
            return BINARY[type(op)](_evaluate(left, values), _evaluate(right, values))
        case ast.UnaryOp(op, operand):
            sign = -1.0 if isinstance(op, ast.USub) else 1.0
            return np.asarray(sign * _evaluate(operand, values))
        case ast.Call(ast.Name(id=name), [argument], []):
            return FUNCTIONS[name](_evaluate(argument, values))
        case _:
            raise TypeError(f"{ast.unparse(node)} is no arithmetic")


def _linear(node: ast.expr, size: int) -> Linear | None:
    """Return coefficients and constant; None of what is not written as a linear form."""
    match node:
        case ast.Name(id=name):
            return np.eye(size)[_place(name)], 0.0
        case ast.UnaryOp(_, operand):
            inner = _linear(operand, size)
            return None if inner is None else _scaled(inner, -1.0 if _is_minus(node) else 1.0)
        case ast.BinOp(left, op, right):
            sides = _linear(left, size), _linear(right, size)
            if sides[0] is None or sides[1] is None:
                return None
            return _joined(sides[0], op, sides[1])
        case ast.Call(function, [argument], []):
            inner = _linear(argument, size)
            if inner is None or inner[0].any():
                return None
            number = ast.Call(function, [ast.Constant(inner[1])], [])
            return np.zeros(size), float(_evaluate(number, np.zeros(size)))
        case _:
            return np.zeros(size), float(_evaluate(node, np.zeros(size)))


def _finite(form: Linear | None) -> Linear | None:
    """Leave what is not finite to draws, which say so."""
    return form if form is None or (np.isfinite(form[0]).all() and isfinite(form[1])) else None


def _joined(left: Linear, op: ast.operator, right: Linear) -> Linear | None:
    (a, c), (b, d) = left, right
    match op:
        case ast.Add():
            return a + b, c + d
        case ast.Sub():
            return a - b, c - d
        case ast.Mult() if not a.any():
            return c * b, c * d
        case ast.Mult() if not b.any():
            return _scaled(left, d)
        case ast.Div() if not b.any() and d:
            return a / d, c / d
        case ast.Pow() if not (a.any() or b.any()):
            return a, float(np.float64(c) ** d)
        case _:
            return None


def _scaled(form: Linear, by: float) -> Linear:
    return by * form[0], by * form[1]


def _is_minus(node: ast.UnaryOp) -> bool:
    return isinstance(node.op, ast.USub)
