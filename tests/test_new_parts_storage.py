"""Fits with a stranger's parts in files: their modules are named by whoever loads them."""

from pathlib import Path

import numpy as np
import pytest

import bayesml as bm
from tests.test_new_parts import CASES, NEW, learned

MODULES = ("tests.parts.strangers",)
KEPT = [(n, "MAP") for n in CASES if n != "method"] + [("likelihood", "Laplace")]


@pytest.mark.parametrize(("name", "how"), [*KEPT, ("prior", "NUTS"), ("method", "Bootstrap")])
@pytest.mark.parametrize("suffix", [".nc"])
def test_it_is_saved_and_loaded(name: str, how: str, suffix: str, tmp_path: Path) -> None:
    fit, path = learned(name, how), tmp_path / f"fit{suffix}"
    fit.save(path)
    again = bm.load(path, modules=MODULES)
    assert again.model == fit.model
    assert again.method == fit.method
    ours, theirs = fit.predict(NEW), again.predict(NEW)
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    np.testing.assert_array_equal(ours.sd, theirs.sd)
    np.testing.assert_array_equal(again.summary(), fit.summary())


def test_a_module_that_is_not_named_is_not_imported(tmp_path: Path) -> None:
    learned("prior", "MAP").save(tmp_path / "fit.nc")
    with pytest.raises(bm.StorageError, match=r"tests\.parts\.strangers"):
        bm.load(tmp_path / "fit.nc")
