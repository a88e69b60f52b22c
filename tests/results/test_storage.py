"""Classes of other modules: saved as they are, made again only where the caller allows it."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import bayesml as bm
from bayesml.results.serialisation import deserialise, serialise

PARTS = """
    from dataclasses import dataclass, replace

    import numpy as np

    import bayesml as bm


    @dataclass(frozen=True)
    class Stretched:
        "A linear predictor of stretched features."

        factor: float
        inner: bm.Linear = bm.Linear(intercept=True)

        def eta(self, parameters, X):
            return self.inner.eta(parameters, self.factor * X)


    @dataclass(frozen=True)
    class Stretching:
        "Least squares of them."

        factor: float

        def learn(self, problem, rng):
            learned = bm.MLE().learn(problem, rng)
            values = dict(learned.posterior.values)
            values["weights"] = values["weights"] / self.factor
            predictor = Stretched(self.factor)
            return replace(
                learned, posterior=replace(learned.posterior, predictor=predictor, values=values)
            )
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package of a third party, which says that it was imported."""
    folder = tmp_path / "stretching_parts"
    folder.mkdir()
    (folder / "__init__.py").touch()
    source = textwrap.dedent(PARTS) + f'\nopen({str(tmp_path / "imported")!r}, "w").close()\n'
    (folder / "methods.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    import stretching_parts.methods as module

    (tmp_path / "imported").unlink()
    yield module
    for name in ("stretching_parts", "stretching_parts.methods"):
        sys.modules.pop(name, None)


def forget(tmp_path: Path) -> None:
    for name in ("stretching_parts", "stretching_parts.methods"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("modules", [("stretching_parts",), ["stretching_parts.methods"]])
@pytest.mark.parametrize("name", ["fit.nc", "fit.zarr"])
def test_parts_of_a_third_party_make_the_round_trip(
    parts: Any, tmp_path: Path, modules: Any, name: str
) -> None:
    data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    fit = bm.fit(bm.Model(), data, parts.Stretching(10.0))
    np.testing.assert_allclose(
        fit.predict([[4.0]]).mean, bm.fit(bm.Model(), data, bm.MLE()).predict([[4.0]]).mean
    )
    fit.save(tmp_path / name)
    again = bm.load(tmp_path / name, modules=modules)
    assert again.method == parts.Stretching(10.0)
    np.testing.assert_array_equal(again.predict([[4.0]]).mean, fit.predict([[4.0]]).mean)


@pytest.mark.parametrize("modules", [(), ("stretching",), ("stretching_parts.method",), ("numpy",)])
def test_what_is_not_named_is_refused_and_not_imported(
    parts: Any, tmp_path: Path, modules: tuple[str, ...]
) -> None:
    data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    bm.fit(bm.Model(), data, parts.Stretching(10.0)).save(tmp_path / "fit.nc")
    forget(tmp_path)
    with pytest.raises(bm.StorageError, match="Stretching of the module") as refused:
        bm.load(tmp_path / "fit.nc", modules=modules)
    assert "modules=('stretching_parts.methods',)" in str(refused.value)
    assert not (tmp_path / "imported").exists()
    assert "stretching_parts" not in sys.modules
    bm.load(tmp_path / "fit.nc", modules=("stretching_parts",))
    assert (tmp_path / "imported").exists()


def test_a_module_that_is_gone_is_named(parts: Any, tmp_path: Path) -> None:
    data = bm.Data([[0.0], [1.0], [2.0], [3.0]], [0.9, 3.1, 5.0, 7.1])
    bm.fit(bm.Model(), data, parts.Stretching(10.0)).save(tmp_path / "fit.nc")
    forget(tmp_path)
    (tmp_path / "stretching_parts" / "methods.py").unlink()
    with pytest.raises(bm.StorageError, match=r"'stretching_parts.methods'.*cannot be imported"):
        bm.load(tmp_path / "fit.nc", modules=("stretching_parts",))


def test_a_script_is_the_module_main(tmp_path: Path) -> None:
    script = textwrap.dedent(PARTS) + textwrap.dedent("""
        fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]), Stretching(2.0))
        fit.save("fit.nc")
        again = bm.load("fit.nc", modules=("__main__",))
        print(type(again.method) is Stretching)
        """)
    (tmp_path / "script.py").write_text(script)
    root = str(Path(bm.__file__).parents[1])
    code = f"import sys, runpy; sys.path.insert(0, {root!r}); "
    code += "exec(open('script.py').read())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"]


class Outer:
    """Holds a class."""

    @dataclass(frozen=True)
    class Inner:
        """Nested, with a field that is made from the others."""

        weights: Any
        total: float = field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "total", float(np.sum(self.weights)))


def round_trip(value: Any, modules: tuple[str, ...]) -> Any:
    arrays: dict[str, Any] = {}
    written = serialise(value, "part", arrays)
    return deserialise(written, arrays, modules)


def test_a_nested_class_of_a_test_is_made_again() -> None:
    again = round_trip({"k": (Outer.Inner(np.arange(3.0)),)}, (__name__,))
    assert isinstance(again["k"][0], Outer.Inner)
    assert again["k"][0].total == 3.0


@dataclass
class Mutable:
    """Not frozen."""

    x: float = 1.0


def local() -> Any:
    @dataclass(frozen=True)
    class Local:
        x: float = 1.0

    return Local()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Mutable(), "part is a .*Mutable, which cannot be saved: only numbers"),
        (local(), "part is a local.<locals>.Local of the module .*inside a function"),
        ({1, 2}, "part is a builtins.set, which cannot be saved"),
        ({"a": [object()]}, "part.0.0 is a builtins.object"),
    ],
)
def test_what_cannot_be_made_again_is_refused_at_save(value: Any, words: str) -> None:
    with pytest.raises(bm.StorageError, match=words):
        serialise(value, "part", {})


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("bayesml.likelihoods.gaussian:Nothing", "has none such"),
        ("bayesml.likelihoods.gaussian:np.ndarray", "has none such"),
        ("bayesml.likelihoods:Gaussian", "has none such"),
        ("bayesml.nowhere:Nothing", "cannot be imported"),
        ("bayesml_other.parts:Nothing", "not imported unless"),
        ("os:system", "not imported unless"),
    ],
)
def test_names_that_are_no_classes_of_ours_are_refused(named: str, words: str) -> None:
    with pytest.raises(bm.StorageError, match=words):
        deserialise({"class": named, "fields": {}}, {})


def test_fields_that_a_class_does_not_take_are_named() -> None:
    written: Mapping[str, Any] = serialise(bm.Gaussian(2.0), "part", {})
    with pytest.raises(bm.StorageError, match=r"Gaussian cannot be made from .*'link'"):
        deserialise({**written, "fields": {"link": "log"}}, {})


def test_modules_is_a_sequence() -> None:
    with pytest.raises(bm.StorageError, match="sequence of names"):
        bm.load("fit.nc", modules="mypackage")


def test_replacing_a_class_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Outer.Inner(np.ones(1))
    monkeypatch.setattr(Outer, "Inner", type(replace(old)).__mro__[1])
    with pytest.raises(bm.StorageError, match="replaced"):
        serialise(old, "part", {})


def removed(config: dict[str, Any], group: Any) -> None:
    del group["data.y"]


def text(config: dict[str, Any], group: Any) -> None:
    config["data"]["y"] = "hello"


def shape(config: dict[str, Any], group: Any) -> None:
    config["data"]["X"] = config["data"]["y"]


def names(config: dict[str, Any], group: Any) -> None:
    config["data"]["design"]["feature_names"] = ["p", "q"]


def cut(config: dict[str, Any], group: Any) -> None:
    del config["data"]


@pytest.mark.parametrize("damage", [removed, text, shape, names, cut])
def test_a_damaged_file_is_named(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "fit.nc"
    bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5])).save(path)
    with h5py.File(path, "a") as file:
        config = json.loads(file["bayesml"].attrs["config"])
        damage(config, file["bayesml"])
        file["bayesml"].attrs["config"] = json.dumps(config)
    with pytest.raises(bm.StorageError, match=r"fit.nc.*damaged"):
        bm.load(path)


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2021-01-01", periods=6),
        pd.date_range("2021-01-01", periods=6, tz="Asia/Kathmandu"),
        pd.timedelta_range("1h", periods=6),
        pd.period_range("2021-01", periods=6, freq="M"),
        pd.Index([Decimal(k) for k in range(1, 7)]),
        pd.Index(pa.array(range(1, 7)), dtype=pd.ArrowDtype(pa.int64())),
    ],
    ids=lambda index: str(index.dtype),
)
def test_labels_of_rows_of_any_type_are_saved(index: pd.Index, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 4, 5, 7, 8], "y": [1.0, 3, 2, 5, 4, 6]}, index=index)
    fit = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x", frame), rng=1)
    fit.save(tmp_path / "fit.nc")
    labels = bm.load(tmp_path / "fit.nc").data.row_labels
    assert list(map(str, labels)) == list(map(str, fit.data.row_labels))
    if fit.data.row_labels.dtype.kind in "mM":
        assert labels.dtype == fit.data.row_labels.dtype
