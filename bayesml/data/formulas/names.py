"""Columns under private names: whatever a column is called, formulaic sees a plain word.

A name is written as the hexadecimal digits of its text, so that nothing has to be remembered to
read it back, and that no column is taken for a number, a keyword, a function or another column.
"""

import ast
import re
import unicodedata
from collections.abc import Callable, Iterator
from keyword import iskeyword

from bayesml.errors import DataError

PRIVATE = re.compile(r"_c_([0-9a-f]*)_")
QUOTED = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`((?:[^`]|``)*)`""", re.DOTALL)
SHOWN = re.compile(
    r"(?P<mark>['\"])_c_(?P<text>[0-9a-f]*)_(?P=mark)"
    r"|(?:^|(?<=:))_c_(?P<alone>[0-9a-f]*)_(?=$|[:\[])"
    r"|_c_(?P<code>[0-9a-f]*)_"
)
"""A private name as text in quotes, as a factor by itself, or in an expression."""


def private(name: str) -> str:
    """Return the name under which formulaic sees a column.

    >>> private("a b")
    '_c_612062_'
    """
    return f"_c_{name.encode('utf-8', 'surrogatepass').hex()}_"


def original(text: str) -> str:
    """Return the column of a private name; any other text stays as it is.

    >>> original("_c_612062_"), original("x")
    ('a b', 'x')
    """
    found = PRIVATE.fullmatch(text)
    return text if found is None else _decoded(found[1])


def written(name: str) -> str:
    """Write a name as a formula holds it: a word as it is, anything else in backquotes.

    >>> written("age"), written("a b"), written("class"), written("1")
    ('age', '`a b`', '`class`', '`1`')
    """
    if name.isidentifier() and not iskeyword(name) and not PRIVATE.fullmatch(name):
        return name
    return f"`{name.replace('`', '``')}`"


def shown(text: str) -> str:
    """Put columns back into what formulaic says: a factor by its name, in code as it is written.

    >>> shown("_c_612062_[T.x]:log(_c_612062_ + _c_79_)")
    'a b[T.x]:log(`a b` + y)'
    """

    def name_of(found: re.Match[str]) -> str:
        if found["text"] is not None:
            return repr(_decoded(found["text"]))
        if found["alone"] is not None:
            return _decoded(found["alone"])
        return written(_decoded(found["code"]))

    return SHOWN.sub(name_of, text)


def _decoded(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-8", "surrogatepass")


def without_backquotes(formula: str) -> str:
    """Write what stands in backquotes as private names; a backquote in a name is doubled.

    >>> without_backquotes("y ~ `a b` + f('`')")
    "y ~ _c_612062_ + f('`')"
    """
    return QUOTED.sub(
        lambda found: found[0] if found[2] is None else private(found[2].replace("``", "`")),
        formula.replace("\n", " "),
    )


def with_backquotes(formula: str) -> str:
    """Write private names in backquotes again."""
    return PRIVATE.sub(lambda found: f"`{_decoded(found[1]).replace('`', '``')}`", formula)


def privately(code: str, column_of: Callable[[str], str | None]) -> str:
    """Write the columns in an expression by their private names.

    Parameters
    ----------
    code : str
    column_of : callable
        Gives the column that a word stands for; None if it is none.

    Examples
    --------
    >>> privately("log(a.b) + C(C)", {"a.b": "a.b", "C": "C"}.get)
    'log(_c_612e62_) + C(_c_43_)'
    """
    raw = code.encode()
    places = sorted(_columns_in(ast.parse(code.strip(), mode="eval").body, column_of))
    shift = len(raw) - len(code.lstrip().encode())
    done, at = b"", 0
    for start, end, name in places:
        done += raw[at : start + shift] + name.encode()
        at = end + shift
    return (done + raw[at:]).decode()


def _columns_in(
    node: ast.AST, column_of: Callable[[str], str | None]
) -> Iterator[tuple[int, int, str]]:
    """Find where columns stand in an expression, in bytes, and what is to stand there."""
    if isinstance(node, ast.Name | ast.Attribute):
        column = column_of(ast.unparse(node))
        if column is not None:
            yield node.col_offset, node.end_col_offset or 0, private(column)
        return
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call):
        children.remove(node.func)
        if isinstance(node.func, ast.Name) and node.func.id == "Q":
            for given in [a for a in node.args if isinstance(a, ast.Constant)]:
                children.remove(given)
                yield given.col_offset, given.end_col_offset or 0, repr(private(str(given.value)))
    for child in children:
        yield from _columns_in(child, column_of)


def words_in(code: str) -> set[str]:
    """Return the words of an expression that may be columns: those that are not called.

    >>> sorted(words_in("log(a) + np.exp(b) - C"))
    ['C', 'a', 'b']
    """
    found: set[str] = set()

    def note(word: str) -> None:
        if "." not in word:
            found.add(original(word))

    list(_columns_in(ast.parse(code.strip(), mode="eval").body, note))
    return found


def reader_of(columns: tuple[str, ...]) -> Callable[[str], str | None]:
    """Return what tells a column by a word of an expression, as Python reads words.

    Python takes letters that look alike for one: the micro sign is the Greek mu. Two columns
    that differ in nothing else go in backquotes.
    """
    alike: dict[str, list[str]] = {}
    for name in columns:
        alike.setdefault(unicodedata.normalize("NFKC", name), []).append(name)

    def column_of(word: str) -> str | None:
        if PRIVATE.fullmatch(word):
            return original(word)
        if word in columns:
            return word
        found = alike.get(unicodedata.normalize("NFKC", word), [])
        if len(found) > 1:
            raise DataError(f"{word!r} may be any of the columns {found}; write it in backquotes")
        return found[0] if found else None

    return column_of
