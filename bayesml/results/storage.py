"""Saving and loading without pickle: arrays in a group, the rest as JSON.

A value is a number, a string, a list, a mapping, an array, or a frozen dataclass of the package,
which is written as its class's name and its fields and made again by calling the class.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data, design_from_config
from bayesml.errors import MissingDependencyError, StorageError
from bayesml.results.fit import Fit
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FORMAT = 1
GROUP = "bayesml"


def save(fit: Fit, path: Any) -> None:
    """Write a fit to netCDF, or to Zarr if the path ends in ``.zarr``."""
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
    config = {name: encode(part, name, arrays) for name, part in parts.items()}
    config["data"] = {"design": fit.data.design.to_config(), **_rows(fit.data, arrays)}
    variables = {key: (_dims(key, value), value) for key, value in arrays.items()}
    attributes = {"format": FORMAT, "config": json.dumps(config)}
    tree = fit.idata.copy()
    tree[GROUP] = xr.DataTree(xr.Dataset(variables, attrs=attributes))
    _write(tree, Path(path))


def load(path: Any) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : str or Path
        A netCDF file or a Zarr folder.

    Returns
    -------
    Fit
        With the same predictions, to the last bit.

    Raises
    ------
    StorageError
        If there is no such file, or it does not hold a fit.

    Examples
    --------
    >>> import tempfile, bayesml as bm
    >>> fit = bm.fit(bm.Model(), bm.Data([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit.save(folder + "/fit.nc")
    ...     again = bm.load(folder + "/fit.nc")
    >>> bool(again.predict([[3.0]]).mean == fit.predict([[3.0]]).mean)
    True
    """
    group = _read(Path(path))
    if group.attrs.get("format") != FORMAT:
        raise StorageError(
            f"{path}: format {group.attrs.get('format')!r} is not {FORMAT}, the one this version "
            "of bayesml reads. Load it with the version that wrote it."
        )
    config = json.loads(group.attrs["config"])
    arrays = {str(key): np.asarray(value) for key, value in group.data_vars.items()}
    data = config.pop("data")
    parts = {name: decode(part, arrays) for name, part in config.items()}
    return Fit(data=_data(data, arrays), **parts)


def _rows(data: Data, arrays: dict[str, Array]) -> dict[str, Any]:
    """Describe the rows: themselves if they are in memory, otherwise where they were."""
    if not data.in_memory:
        rest = data.summarised().source
        return {"summarised": encode(rest, "data", arrays)}
    labels = data.row_labels
    return {
        "X": encode(np.asarray(data.X), "data.X", arrays),
        "y": encode(np.asarray(data.y), "data.y", arrays),
        "observation_weights": encode(data.observation_weights, "data.w", arrays),
        "row_labels": None if labels is None else np.asarray(labels).tolist(),
        "columns": encode(data.columns, "data.columns", arrays),
    }


def _data(config: Mapping[str, Any], arrays: Mapping[str, Array]) -> Data:
    design = design_from_config(config["design"])
    if "summarised" in config:
        return Data.from_source(decode(config["summarised"], arrays), design)
    labels = config["row_labels"]
    return Data.from_checked_arrays(
        decode(config["X"], arrays),
        decode(config["y"], arrays),
        decode(config["observation_weights"], arrays),
        design,
        None if labels is None else np.asarray(labels),
        decode(config.get("columns"), arrays),  # files of before have none
    )


def encode(value: Any, key: str, arrays: dict[str, Array]) -> Any:
    """Return JSON for a value, its arrays put aside under keys."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    if isinstance(value, tuple | list):
        return {"tuple": [encode(v, f"{key}.{k}", arrays) for k, v in enumerate(value)]}
    if isinstance(value, Mapping):
        entries = enumerate(value.items())
        return {"mapping": [[name, encode(v, f"{key}.{k}", arrays)] for k, (name, v) in entries]}
    if is_dataclass(value) and type(value).__module__.startswith("bayesml."):
        content = {
            f.name: encode(getattr(value, f.name), f"{key}.{f.name}", arrays) for f in fields(value)
        }
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": content}
    raise StorageError(
        f"{key} is a {type(value).__module__}.{type(value).__qualname__}, which cannot be saved: "
        "only numbers, strings, arrays and the package's own classes can."
    )


def decode(value: Any, arrays: Mapping[str, Array]) -> Any:
    """Return the value that `encode` wrote."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(decode(v, arrays) for v in value["tuple"])
    if "mapping" in value:
        return {name: decode(v, arrays) for name, v in value["mapping"]}
    module, _, name = value["class"].partition(":")
    cls = getattr(import_module(module), name, None) if module.startswith("bayesml.") else None
    if not (isinstance(cls, type) and is_dataclass(cls)):
        raise StorageError(f"The file names an unknown class {value['class']!r}.")
    content = {name: decode(v, arrays) for name, v in value["fields"].items()}
    made: Any = cls(**content)
    return made


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


def _read(path: Path) -> "xr.Dataset":
    import xarray as xr

    if not path.exists():
        raise StorageError(f"There is no file {str(path)!r}. Fit.save(path) writes one.")
    engine: Any = "zarr" if path.suffix == ".zarr" else "h5netcdf"
    try:
        options: Any = {"consolidated": False} if engine == "zarr" else {}
        with xr.open_dataset(path, engine=engine, group=GROUP, **options) as group:
            return group.load()
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(
            f"{str(path)!r} does not hold a bayesml fit: {error}. Fit.save(path) writes one."
        ) from error
