"""What the expressions inside a formula may say: columns, known transformations, nothing else.

Every row of X has to depend on its own row of the frame and on what was learned when the model was
fitted, otherwise a prediction would change with the rows that are predicted beside it. So functions
are the transformations of formulaic that remember the training rows, and the elementwise functions
of numpy. The same rule keeps the formula of a file that someone else saved from running anything
but arithmetic.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from bayesml.data.formulas.bounds import require_bounded_numbers
from bayesml.data.formulas.names import original, reader_of, shown
from bayesml.data.messages import suggestion
from bayesml.errors import DataError

_ELEMENTWISE = ("where", "clip", "round")
_OF_R = {
    "ns": "cr(x, df=4), a natural cubic spline",
    "factor": "C(x)",
    "as.factor": "C(x)",
    "as.character": "C(x)",
    "as.numeric": "the column alone",
    "as.integer": "the column alone",
    "s": "it as a term of its own, 'y ~ s(x) + z'",
    "te": "s(x) + s(z), a curve of each column",
    "ti": "s(x) + s(z), a curve of each column",
    "t2": "s(x) + s(z), a curve of each column",
}
"""What R calls otherwise."""

_REFUSED = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.NamedExpr,
    ast.JoinedStr,
    ast.Subscript,
)


class Use(NamedTuple):
    """A column that a formula uses, and whether it is only for the levels of `C(column)`."""

    column: str
    as_levels: bool


class Factor(NamedTuple):
    """A part of a formula: the name of a column, or an expression in Python."""

    text: str
    is_code: bool


def uses(parts: Iterable[Factor], columns: tuple[str, ...], formula: str) -> Iterator[Use]:
    """Find the columns that parts of `formula` use, each one of `columns`.

    Raises
    ------
    DataError
        For a column or function that does not exist, or code that is not a transformation.
    """
    from formulaic.transforms import TRANSFORMS

    functions = {name: value for name, value in TRANSFORMS.items() if name not in ("np", "contr")}
    walk = _Walk(formula, columns, functions, reader_of(columns))
    for part in parts:
        if part.is_code:
            tree = walk.tree(part.text)
            walk.require_bounded(tree)
            yield from walk.visit(tree)
        else:
            yield from walk.column(original(part.text))


class _Walk(NamedTuple):
    """A walk over the syntax tree of one expression of a formula."""

    formula: str
    columns: tuple[str, ...]
    functions: Mapping[str, Any]
    column_of: Callable[[str], str | None]

    def tree(self, code: str) -> ast.expr:
        """Read an expression; functions of R whose names Python cannot read are said first."""
        if found := re.match(r"\s*(as\.\w+)\s*\(", code):
            self._require_function(found[1])
        return ast.parse(code.strip(), mode="eval").body

    def require_bounded(self, node: ast.AST) -> None:
        """Refuse numbers and columns without a bound, which would be computed before they fail."""
        try:
            require_bounded_numbers(node)
        except DataError as error:
            raise self._error(str(error)) from error

    def visit(self, node: ast.AST, as_levels: bool = False) -> Iterator[Use]:
        """Find the columns used at and below `node`."""
        if isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Name):
            name = self.column_of(node.id)
            if name is not None or node.id not in self.functions:
                yield from self.column(node.id if name is None else name, as_levels)
        elif isinstance(node, ast.Attribute):
            if (name := self.column_of(ast.unparse(node))) is not None:
                yield from self.column(name, as_levels)
            else:
                self._require_elementwise(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            base, power = (shown(ast.unparse(side)) for side in (node.left, node.right))
            raise self._error(f"'^' is no power in an expression; write {base}**{power}")
        elif isinstance(node, ast.Set):
            inner = shown(ast.unparse(node))
            raise self._error(f"{inner} stands in an expression; inside brackets leave braces out")
        elif isinstance(node, _REFUSED) or isinstance(getattr(node, "op", None), ast.MatMult):
            raise self._error(f"{shown(ast.unparse(node))!r} is not a transformation of columns")
        else:
            for child in ast.iter_child_nodes(node):
                yield from self.visit(child)

    def column(self, name: str, as_levels: bool = False) -> Iterator[Use]:
        """Use the column `name`, which has to be there."""
        if name not in self.columns:
            raise self._error(f"{name!r} is not a column{suggestion(name, self.columns)}")
        yield Use(name, as_levels)

    def _call(self, node: ast.Call) -> Iterator[Use]:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name:
            self._require_function(name)
        else:
            self._require_elementwise(node.func)
        for argument in node.args:
            if name == "Q" and isinstance(argument, ast.Constant):
                yield from self.column(original(str(argument.value)))
            else:
                yield from self.visit(argument, as_levels=name == "C")
        for keyword in node.keywords:
            yield from self.visit(keyword.value)

    def _require_function(self, name: str) -> None:
        if name == "lag":
            raise self._error("lag() reads other rows; compute that column before the formula")
        if name in _OF_R:
            raise self._error(f"there is no function {name!r}; write {_OF_R[name]}")
        if name not in self.functions:
            known = [f"np.{name}"] if isinstance(getattr(np, name, None), np.ufunc) else []
            hint = suggestion(name, known or self.functions)
            raise self._error(f"there is no function {name!r}{hint}")

    def _require_elementwise(self, node: ast.AST) -> None:
        text = ast.unparse(node)
        owner, _, name = text.partition(".")
        if owner == "contr" and name.isidentifier() and not name.startswith("_"):
            return
        function = getattr(np, name, None) if owner == "np" else None
        if isinstance(function, np.ufunc | float) or (function and name in _ELEMENTWISE):
            return
        known = [each for each in dir(np) if isinstance(getattr(np, each), np.ufunc)]
        if owner == "np" and function is None and (meant := get_close_matches(name, known, 1)):
            raise self._error(f"there is no function {text!r} (did you mean 'np.{meant[0]}'?)")
        raise self._error(
            f"{text!r} is not an elementwise function of numpy: a row of X may depend on its own "
            "row only (center, scale, poly and bs learn from the data and remember it)"
        )

    def _error(self, problem: str) -> DataError:
        return DataError(f"in the formula {self.formula!r}, {problem}")
