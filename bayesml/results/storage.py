"""Saving a fit without pickle, as a group of its DataTree; `loading` reads it.

Whoever reads the group can tell whether it is what was written: it holds a checksum of every array,
and one of the description, which holds these.
"""

import json
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import path_of
from bayesml.data import Data
from bayesml.errors import MissingDependencyError
from bayesml.results.answer import Answer
from bayesml.results.checksums import checksum, checksum_of_text
from bayesml.results.files import replacing
from bayesml.results.row_labels import stored_labels
from bayesml.results.serialisation import serialise
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FORMAT = 6
GROUP = "bayesml"
SUFFIXES = (".nc", ".zarr")


def place_of(path: Any) -> Path:
    """Return where to save, before anything is computed for it.

    Raises
    ------
    StorageError
        If that is no path, or ends in something else than ``.nc`` and ``.zarr``.
    """
    return path_of(path, "save", SUFFIXES)


def save(fit: Answer, idata: "xr.DataTree", path: Path) -> None:
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
    config["checksums"] = {key: checksum(value) for key, value in arrays.items()}
    variables = {key: (_dims(key, value), value) for key, value in arrays.items()}
    text = json.dumps(config)
    attributes = {"format": FORMAT, "config": text, "checksum": checksum_of_text(text)}
    tree = idata.copy()
    tree[GROUP] = xr.DataTree(xr.Dataset(variables, attrs=attributes))
    _write(tree, path)


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
        with replacing(path, folder=True) as beside:
            tree.to_zarr(beside, mode="w", consolidated=False)
        return
    with BytesIO() as memory:  # HDF5 ends the process when a disk is full
        tree.to_netcdf(memory, engine="h5netcdf")
        with replacing(path) as beside, beside.open("wb") as file, memory.getbuffer() as content:
            file.write(content)
