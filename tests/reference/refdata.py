"""Reference answers that this project did not produce, read from beside the repository.

They are not copied into it. `cases` lists them for `pytest.mark.parametrize`; where the folder is
absent it gives one case that is skipped and says so::

    @pytest.mark.parametrize("name", cases("posteriordb", family="gaussian"))
    def test_moments(name):
        posterior = load("posteriordb", name)
"""

import functools
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

Kind = Literal["nist", "posteriordb", "uci"]

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("BAYESML_REFDATA", REPOSITORY.parent / "shared" / "refdata"))


class Split(NamedTuple):
    """One standard train/test split of a UCI set, in original units."""

    X_train: NDArray[np.float64]
    y_train: NDArray[np.float64]
    X_test: NDArray[np.float64]
    y_test: NDArray[np.float64]


def cases(kind: Kind, *, family: str | None = None) -> list[Any]:
    """Name every set of one kind, of one likelihood family if asked, as pytest parameters."""
    folder = FOLDER / kind
    if kind == "uci":
        names = sorted(path.name for path in folder.glob("*/") if path.is_dir())
    else:
        names = sorted(path.stem for path in folder.glob("*.json"))
    if not names:
        reason = f"no reference data in {folder} (BAYESML_REFDATA names another folder)"
        return [pytest.param(kind, marks=pytest.mark.skip(reason=reason), id="absent")]
    if family is not None:
        names = [name for name in names if load(kind, name)["family"] == family]
    return [pytest.param(name, id=name) for name in names]


@functools.cache
def load(kind: Kind, name: str) -> dict[str, Any]:
    """Read one NIST or posteriordb set; y, X and X_raw as arrays, all else as it stands."""
    text = (FOLDER / kind / f"{name}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    for key in {"y", "X", "X_raw"} & content.keys():
        content[key] = np.array(content[key], dtype=float)
        content[key].setflags(write=False)  # shared by every test that loads it
    return content


def nist_features(name: str) -> NDArray[np.float64]:
    """Columns of a NIST problem without the constant one: as given, or x, x², … xᵖ.

    Powers are taken of the decimal number and rounded once.
    """
    problem = load("nist", name)
    rows = [np.atleast_1d(row) for row in problem["X_raw_str"]]
    if not (degree := problem["polynomial_degree"]):
        return np.array(rows, dtype=float)
    exact = [Fraction(str(row.item())) for row in rows]
    return np.array([[float(x**power) for power in range(1, degree + 1)] for x in exact])


def log_relative_error(estimate: ArrayLike, certified: ArrayLike) -> NDArray[np.float64]:
    """Count the correct digits, −log₁₀(|estimate − certified| / |certified|), capped at 15.

    Where the certified value is zero the error is absolute, as NIST has it.
    """
    right = np.asarray(certified, dtype=float)
    error = np.abs(np.asarray(estimate, dtype=float) - right)
    relative = error / np.where(right == 0, 1.0, np.abs(right))
    return np.minimum(15.0, -np.log10(np.maximum(relative, 1e-300)))


def published_tables() -> dict[str, Any]:
    """Published RMSE and negative log-likelihood on the UCI sets, with their sources."""
    text = (FOLDER / "uci" / "published_tables.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables


def split_count(name: str) -> int:
    """Count the standard splits of a UCI set."""
    return len(list((FOLDER / "uci" / name).glob("index_test_*.txt")))


def split(name: str, k: int) -> Split:
    """Read standard split k of a UCI set."""
    folder = FOLDER / "uci" / name
    table = np.loadtxt(folder / "data.txt")

    def index(which: str) -> NDArray[np.intp]:
        return np.loadtxt(folder / f"index_{which}.txt", ndmin=1).astype(np.intp)

    X, y = table[:, index("features")], table[:, index("target").item()]
    train, test = index(f"train_{k}"), index(f"test_{k}")
    return Split(X[train], y[train], X[test], y[test])
