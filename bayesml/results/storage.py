"""Saving a fit without pickle, as a group of its DataTree; `loading` reads it."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data
from bayesml.errors import MissingDependencyError
from bayesml.results.answer import Answer
from bayesml.results.row_labels import stored_labels
from bayesml.results.serialisation import serialise
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FORMAT = 5
GROUP = "bayesml"


def save(fit: Answer, idata: "xr.DataTree", path: Any) -> None:
    """Write a fit beside its DataTree to netCDF, or to Zarr if the path ends in ``.zarr``."""
    import xarray as xr

    arrays: dict[str, Array] = {}
    parts = {
        "model": fit.model,
        "method": fit.method,
        "learned": fit.learned,
        "statistics": fit.statistics,
        "seed": fit.seed,
        "elapsed": fit.elapsed,
    }
    config = {name: serialise(part, name, arrays) for name, part in parts.items()}
    config["data"] = {"design": fit.data.design.to_config(), **_rows(fit.data, arrays)}
    variables = {key: (_dims(key, value), value) for key, value in arrays.items()}
    attributes = {"format": FORMAT, "config": json.dumps(config)}
    tree = idata.copy()
    tree[GROUP] = xr.DataTree(xr.Dataset(variables, attrs=attributes))
    _write(tree, Path(path))


def _rows(data: Data, arrays: dict[str, Array]) -> dict[str, Any]:
    """Describe the rows: themselves if they are in memory, otherwise where they were."""
    if not data.in_memory:
        rest = data.summarised().source
        return {"summarised": serialise(rest, "data", arrays)}
    labels = data.row_labels
    return {
        "X": serialise(np.asarray(data.X), "data.X", arrays),
        "y": serialise(np.asarray(data.y), "data.y", arrays),
        "observation_weights": serialise(data.observation_weights, "data.w", arrays),
        "row_labels": None if labels is None else stored_labels(np.asarray(labels)),
        "columns": serialise(data.columns, "data.columns", arrays),
    }


def _dims(key: str, value: Array) -> list[str]:
    return [f"{key}_{axis}" for axis in range(value.ndim)]


def _write(tree: "xr.DataTree", path: Path) -> None:
    if path.suffix == ".zarr":
        if find_spec("zarr") is None:
            raise MissingDependencyError(
                f"{str(path)!r} is a Zarr folder, which needs the package zarr: "
                "pip install zarr, or save to a path that ends in .nc."
            )
        tree.to_zarr(path, mode="w", consolidated=False)
    else:
        tree.to_netcdf(path, engine="h5netcdf")
