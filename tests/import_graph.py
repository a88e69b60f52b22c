"""Which file of the package imports which, read from the source, and where that goes in circles."""

import ast
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

Graph = dict[str, set[str]]


class Import(NamedTuple):
    """One import: its line, the dotted name of the module, and the names it goes by here."""

    line: int
    module: str
    names: frozenset[str]


def imports(tree: ast.AST, package: tuple[str, ...], root: Path) -> Iterator[Import]:
    """Yield every import in a tree, at whatever depth and under whatever condition."""
    for node in ast.walk(tree):
        yield from _imports_of(node, package, root)


def _imports_of(node: ast.AST, package: tuple[str, ...], root: Path) -> Iterator[Import]:
    match node:
        case ast.Import(names=aliases):
            for alias in aliases:
                name = alias.asname or alias.name.partition(".")[0]
                yield Import(node.lineno, alias.name, frozenset({name}))
        case ast.ImportFrom(module=module, names=aliases, level=level):
            base = package[: len(package) - level + 1] if level else ()
            dotted = ".".join((*base, *filter(None, [module])))
            for alias in aliases:  # `from bayesml import model` means the submodule
                inner = f"{dotted}.{alias.name}"
                found = inner if is_module(root, inner) else dotted
                yield Import(node.lineno, found, frozenset({alias.asname or alias.name}))
        case ast.Call(
            func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            yield Import(node.lineno, name, frozenset())


def is_module(root: Path, dotted: str) -> bool:
    """Say whether a dotted name is a file or a folder of the package at `root`."""
    top, *below = dotted.split(".")
    path = root.joinpath(*below)
    return top == "bayesml" and bool(below) and (path.is_dir() or path.with_suffix(".py").is_file())


def module_names(root: Path) -> dict[str, Path]:
    """Give every file of the package by its dotted name; that of a folder is its `__init__`."""
    named = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        named[".".join(("bayesml", *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return named


def import_graph(root: Path) -> Graph:
    """Say for every module of the package which others it needs.

    These are the modules that it imports, at the top or inside a function, where a circle would
    only be hidden, and the `__init__` of the folders that they lie in, other than its own. An
    import under `if TYPE_CHECKING` counts unless it is of types: names that occur in annotations
    and nowhere else.
    """
    named = module_names(root)
    graph: Graph = {}
    for module, path in named.items():
        parts = tuple(module.split("."))
        package = parts if path.name == "__init__.py" else parts[:-1]
        own = set(accumulate(parts, "{}.{}".format))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        reached = {
            folder
            for found in _needed(tree, package, root)
            for folder in accumulate(found.module.split("."), "{}.{}".format)
            if folder == found.module or folder not in own
        }
        graph[module] = reached & set(named)
    return graph


def _needed(tree: ast.Module, package: tuple[str, ...], root: Path) -> Iterator[Import]:
    """Yield all imports but those of types, which are only named."""
    used = _used_as_values(tree)
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.body:
                found = imports(statement, package, root)
                yield from (one for one in found if one.names & used)
            pending += node.orelse
        else:
            yield from _imports_of(node, package, root)
            pending += ast.iter_child_nodes(node)


def _used_as_values(node: ast.AST) -> frozenset[str]:
    """Collect the names that are evaluated, not only written in annotations."""
    if isinstance(node, ast.TypeAlias):
        return frozenset()
    if isinstance(node, ast.Name):
        return frozenset({node.id})
    found: set[str] = set()
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                found |= _used_as_values(child)
    return frozenset(found)


def circles(graph: Graph) -> set[frozenset[str]]:
    """Find the modules that import each other, directly or not: all of one knot together."""
    reached = {module: _reached(graph, module) for module in graph}
    knots = (
        frozenset(other for other in reached[module] if module in reached[other])
        for module in graph
    )
    return {knot for knot in knots if knot}


def _reached(graph: Graph, start: str) -> set[str]:
    reached: set[str] = set()
    pending = [start]
    while pending:
        new = graph[pending.pop()] - reached
        reached |= new
        pending += new
    return reached
