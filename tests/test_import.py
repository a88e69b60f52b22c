"""What `import bayesml` loads, shows and depends on, and what lies at the top of the repository."""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import bayesml

REPOSITORY = Path(__file__).resolve().parents[1]

LOADED_WHEN_FIRST_USED = {
    "arviz",
    "arviz_base",
    "arviz_plots",
    "arviz_stats",
    "dask",
    "formulaic",
    "matplotlib",
    "numba",
    "nutpie",
    "pandas",
    "polars",
    "pyarrow",
    "pymc",
    "pytensor",
    "scipy.stats",
    "sklearn",
    "xarray",
}

PROBE = """
import json, sys, time
start = time.perf_counter()
import bayesml
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules)}))
"""
FIT_AND_PRINT = """
print(bayesml.fit(bayesml.Model(), bayesml.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), rng=1))
"""

# Distributions that are used without being imported by name, and through what.
USED_INDIRECTLY = {"h5netcdf": "xarray writes netCDF with it", "nutpie": "pm.sample runs on it"}
OPTIONAL = {"polars", "pyarrow", "sklearn"}  # imported only when asked for


@pytest.mark.parametrize("then", ["", FIT_AND_PRINT], ids=["import", "exact fit, printed"])
def test_loads_nothing_heavy(then: str, record_property: Callable[[str, object], None]) -> None:
    first, last = PROBE.rsplit("print", 1)
    code = f"{first}{then}\nprint{last}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    probe = json.loads(done.stdout.splitlines()[-1])
    record_property("import_seconds", probe["seconds"])
    print(f"import bayesml: {probe['seconds']:.2f} s, {len(probe['modules'])} modules")
    assert LOADED_WHEN_FIRST_USED.intersection(probe["modules"]) == set()


@pytest.mark.parametrize("name", bayesml.__all__)
def test_public_name_is_documented(name: str) -> None:
    value = getattr(bayesml, name)
    if not (inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value)):
        pytest.skip(f"{name} is a {type(value).__name__}")
    own = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__  # not inherited
    text = own or ""
    assert text.strip()
    assert not text.startswith(f"{name}("), "only the signature that dataclass writes"


def test_dependencies_are_the_packages_imported() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[\[<>=]", text)[0].replace("-", "_") for text in project["dependencies"]}
    imported = set()
    for path in (REPOSITORY / "bayesml").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported.update(alias.name.split(".")[0] for alias in names)
                case ast.ImportFrom(module=str(module), level=0):
                    imported.add(module.split(".")[0])
    third_party = imported - sys.stdlib_module_names - OPTIONAL - {"bayesml"}
    assert third_party | set(USED_INDIRECTLY) == declared


def test_top_level_holds_only_what_was_agreed() -> None:
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True, cwd=REPOSITORY
    ).stdout.splitlines()
    directories = {"bayesml", "tests", "examples", "docs", ".ci"}
    files = {"pyproject.toml", "README.md", "LICENSE", ".gitignore", ".python-version"}
    assert {path.split("/")[0] for path in tracked} <= directories | files
