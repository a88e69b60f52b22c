"""The import graph obeys docs/architecture.md: a file imports only from layers above its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "bayesml"

# Top to bottom. Layers on one line are siblings: they never import each other.
LAYERS = (
    {"errors", "typing"},
    {"linalg", "losses"},
    {"data"},
    {"distributions"},
    {"predictors", "likelihoods", "priors"},
    {"model"},
    {"optimizers", "samplers"},
    {"pymc"},
    {"posteriors"},
    {"inference"},
    {"results"},
    {"bayesml"},  # the public names, in __init__.py
    {"sklearn"},
    {"cli"},
    {"__main__"},
)
RANK = {layer: rank for rank, layers in enumerate(LAYERS) for layer in layers}
ONLY_IN_PYMC = {"pymc", "pytensor"}


def layer_of(parts: tuple[str, ...]) -> str:
    """Name the layer of a module, given its path below the package."""
    return parts[0] if parts else "bayesml"


def imported(tree: ast.AST, package: tuple[str, ...], root: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import, at whatever depth and under whatever condition."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package[: len(package) - level + 1] if level else ()
                dotted = ".".join((*base, *filter(None, [module])))
                if dotted == "bayesml":  # `from bayesml import model` means the submodule
                    yield from (
                        (node.lineno, f"bayesml.{alias.name}" if is_module(root, alias) else dotted)
                        for alias in names
                    )
                else:
                    yield node.lineno, dotted
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name


def is_module(root: Path, alias: ast.alias) -> bool:
    """Whether a name imported from the package itself is one of its modules."""
    return (root / alias.name).is_dir() or (root / f"{alias.name}.py").is_file()


def violations(root: Path) -> list[str]:
    """Say of each import in the package under `root` what it breaks."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = ("bayesml", *parts[:-1])
        here = layer_of(parts[:-1] if parts[-1] == "__init__" else parts)
        if here not in RANK:
            found.append(f"{'/'.join(parts)}.py belongs to no layer: give `{here}` one")
            continue
        for line, name in imported(ast.parse(path.read_text(encoding="utf-8")), package, root):
            top, *below = name.split(".")
            if top != "bayesml":
                broken = top in ONLY_IN_PYMC and here != "pymc"
            else:
                there = layer_of(tuple(below))
                broken = there != here and RANK.get(there, len(LAYERS)) >= RANK[here]
            if broken:
                found.append(f"{'/'.join(parts)}.py:{line}: `{here}` may not import {name}")
    return found


def test_every_file_imports_only_from_layers_above_it() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("file", "source", "complaint"),
    [
        ("model.py", "from bayesml.results.fit import Fit", "may not import bayesml.results.fit"),
        ("model.py", "def f():\n    import bayesml.cli", "may not import bayesml.cli"),
        ("model.py", "from .optimizers import Adam", "may not import bayesml.optimizers"),
        ("model.py", "from . import Model", "may not import bayesml"),
        ("model.py", "from bayesml import results", "may not import bayesml.results"),
        ("model.py", "import_module('bayesml.inference')", "may not import bayesml.inference"),
        ("data/blocks.py", "from ..priors import Flat", "may not import bayesml.priors"),
        ("data/blocks.py", "import bayesml.nowhere", "may not import bayesml.nowhere"),
        ("priors/flat.py", "from bayesml.predictors import Linear", "bayesml.predictors"),
        ("likelihoods/gaussian.py", "import bayesml.priors.flat as p", "bayesml.priors.flat"),
        ("inference/nuts.py", "def f():\n    import pymc as pm", "may not import pymc"),
        ("inference/nuts.py", "from pytensor import tensor", "may not import pytensor"),
        ("__init__.py", "from bayesml.cli import main", "may not import bayesml.cli"),
        ("helpers.py", "", "belongs to no layer"),
    ],
)
def test_forbidden_import_is_found(tmp_path: Path, file: str, source: str, complaint: str) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")
    (found,) = violations(tmp_path)
    assert complaint in found


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("model.py", "from bayesml.likelihoods.gaussian import Gaussian\nimport numpy as np"),
        ("priors/flat.py", "from bayesml.priors.base import Prior\nfrom .base import scale"),
        ("pymc.py", "import pymc as pm\nfrom bayesml import model"),
        ("inference/nuts.py", "from bayesml.pymc import sample"),
        ("__init__.py", "from bayesml.results import Fit\nfrom . import data"),
        ("sklearn.py", "import bayesml as bm\nfrom bayesml import Model"),
    ],
)
def test_allowed_import_is_not_reported(tmp_path: Path, file: str, source: str) -> None:
    (tmp_path / "model.py").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")
    assert violations(tmp_path) == []
