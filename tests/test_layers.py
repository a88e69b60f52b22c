"""The import graph obeys docs/architecture.md: only from layers above, and never in a circle."""

import ast
from pathlib import Path

import pytest

from tests.import_graph import circles, import_graph, imports

PACKAGE = Path(__file__).resolve().parents[1] / "bayesml"

# Top to bottom. Layers on one line are siblings: they never import each other.
LAYERS = (
    {"errors", "typing"},
    {"arguments"},
    {"stirling"},  # of the gamma function, for losses and densities
    {"linalg", "losses"},
    {"data"},
    {"distributions"},
    {"predictors", "likelihoods", "priors"},
    {"meeting"},  # of a model's parts with its data
    {"model"},
    {"log_joint"},
    {"optimizers", "samplers"},
    {"graphs"},
    {"posteriors"},
    {"inference"},
    {"results"},
    {"pymc"},
    {"bayesml"},  # the public names, in __init__.py
    {"sklearn"},
    {"cli"},
    {"__main__"},
)
RANK = {layer: rank for rank, layers in enumerate(LAYERS) for layer in layers}
ONLY_IN_GRAPHS = {"pymc", "pytensor"}

# Below the basic files of the data room, which are all others, and `data` itself (the empty name).
DATA_LAYERS = ({"formulas"}, {"sources"}, {"data", "stored_design", "subset", "support", ""})


def layer_of(parts: tuple[str, ...]) -> str:
    """Name the layer of a module, given its path below the package."""
    return parts[0] if parts else "bayesml"


def data_rank(parts: tuple[str, ...]) -> int:
    """Say how far down in the data room a module is, given its path below the package."""
    place = parts[1] if len(parts) > 1 else ""
    return next((rank for rank, layer in enumerate(DATA_LAYERS, 1) if place in layer), 0)


def is_broken(here: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Whether a module may not import another one, given their paths below the package."""
    if layer_of(here) != layer_of(there):
        return RANK.get(layer_of(there), len(LAYERS)) >= RANK[layer_of(here)]
    return layer_of(here) == "data" and data_rank(there) > data_rank(here)


def violations(root: Path) -> list[str]:
    """Say of each import in the package under `root` what it breaks."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = ("bayesml", *parts[:-1])
        module = parts[:-1] if parts[-1] == "__init__" else parts
        here = layer_of(module)
        if here not in RANK:
            found.append(f"{'/'.join(parts)}.py belongs to no layer: give `{here}` one")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for line, name, _ in imports(tree, package, root):
            top, *below = name.split(".")
            if top == "bayesml":
                broken = is_broken(module, tuple(below))
            else:
                broken = top in ONLY_IN_GRAPHS and here != "graphs"
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
        ("data/blocks.py", "from .formulas.design import Design", "bayesml.data.formulas.design"),
        (
            "data/blocks.py",
            "from bayesml.data import sources",
            "may not import bayesml.data.sources",
        ),
        ("data/blocks.py", "from bayesml.data import Data", "may not import bayesml.data"),
        ("data/formulas/reader.py", "from ..sources import memory", "bayesml.data.sources.memory"),
        ("data/sources/memory.py", "from bayesml.data.data import Data", "bayesml.data.data"),
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
    (tmp_path / "data/sources").mkdir(parents=True)
    (tmp_path / "data/sources/memory.py").touch()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")
    (found,) = violations(tmp_path)
    assert complaint in found


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("model.py", "from bayesml.likelihoods.gaussian import Gaussian\nimport numpy as np"),
        ("priors/flat.py", "from bayesml.priors.base import Prior\nfrom .base import scale"),
        ("graphs/model.py", "import pymc as pm\nfrom bayesml import model"),
        ("inference/nuts.py", "from bayesml.graphs.sampling import sample_compiled"),
        ("__init__.py", "from bayesml.results import Fit\nfrom . import data"),
        ("sklearn.py", "import bayesml as bm\nfrom bayesml import Model"),
        ("data/sources/memory.py", "from bayesml.data.formulas.design import FormulaDesign"),
        ("data/formulas/design.py", "from bayesml.data import frames\nfrom . import tables"),
        ("data/data.py", "from bayesml.data.sources.memory import MemorySource"),
        ("data/__init__.py", "from bayesml.data.data import Data"),
    ],
)
def test_allowed_import_is_not_reported(tmp_path: Path, file: str, source: str) -> None:
    (tmp_path / "model.py").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/frames.py").touch()
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(source, encoding="utf-8")
    assert violations(tmp_path) == []


def test_every_role_is_named_in_the_architecture() -> None:
    page = (PACKAGE.parent / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = ("predictors", "likelihoods", "priors", "posteriors", "log_joint")
    roles = [
        node.name
        for room in rooms
        for path in sorted((PACKAGE / room).glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
        and "runtime_checkable" in map(ast.unparse, node.decorator_list)
    ]
    mains = {"Predictor", "Activation", "Likelihood", "Link", "Prior"}
    assert len(roles) > 40
    assert [name for name in roles if name not in mains and f"`{name}`" not in page] == []


def test_no_files_import_each_other() -> None:
    assert circles(import_graph(PACKAGE)) == set()


TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bayesml.a import A\n"


@pytest.mark.parametrize(
    "b",
    [
        "from bayesml.a import A",
        "from . import a",
        "import bayesml.a as other",
        "if True:\n    from .a import A",
        "def f():\n    from bayesml.a import A\n    return A()",
        "class B:\n    from bayesml.a import A",
        "from bayesml.c import C",  # which imports a
        "from bayesml.folder.inner import x",  # which runs the `__init__` of the folder
        TYPES + "def f():\n    from bayesml.c import A\n    return A()",
        TYPES + "def f(x: 'A') -> bool:\n    return isinstance(x, A)",
    ],
)
def test_circle_is_found(tmp_path: Path, b: str) -> None:
    found = circles(import_graph(_package(tmp_path, b)))
    (circle,) = found
    assert {"bayesml.a", "bayesml.b"} <= circle


@pytest.mark.parametrize(
    "b",
    [
        "from bayesml.d import D\nimport numpy as np",
        TYPES + "def f(x: 'A', y: 'A | None' = None) -> 'A':\n    other: A = x\n    return other",
        TYPES + "type Several = list[A]\nclass B:\n    a: 'A'",
    ],
)
def test_what_is_no_circle_is_not_reported(tmp_path: Path, b: str) -> None:
    assert circles(import_graph(_package(tmp_path, b))) == set()


def test_a_module_that_imports_itself_is_a_circle(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("from bayesml import a", encoding="utf-8")
    (tmp_path / "a.py").write_text("import bayesml.a", encoding="utf-8")
    assert circles(import_graph(tmp_path)) == {frozenset({"bayesml.a"})}


def _package(root: Path, b: str) -> Path:
    """Write a package where a imports b, and c and a folder import a."""
    (root / "folder").mkdir()
    files = {
        "__init__": "from bayesml.a import A\nfrom bayesml.b import B",
        "a": "from bayesml.b import B\nA = 1",
        "b": b,
        "c": "from .a import A",
        "d": "D = 1",
        "folder/__init__": "from bayesml.a import A",
        "folder/inner": "x = 1",
    }
    for name, source in files.items():
        (root / f"{name}.py").write_text(source, encoding="utf-8")
    return root
