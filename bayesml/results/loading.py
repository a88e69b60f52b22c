"""Reading a fit that was saved."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.arguments import path_of, shown
from bayesml.data import Data, design_from_config
from bayesml.errors import DataError, StorageError
from bayesml.results.checksums import checksum_of_text, require_checksums
from bayesml.results.fit import Fit
from bayesml.results.row_labels import labels_from
from bayesml.results.serialisation import UnknownClassError, deserialise
from bayesml.results.storage import FORMAT, GROUP, SUFFIXES
from bayesml.typing import Array

if TYPE_CHECKING:
    import xarray as xr


def load(path: Any, *, modules: Sequence[str] = ()) -> Fit:
    """Read a fit that `Fit.save` wrote.

    Parameters
    ----------
    path : str or Path
        A netCDF file or a Zarr folder.
    modules : sequence of str
        Modules with classes of your own that the fit was made of, such as a predictor, or
        packages above them. They are imported, and nothing else is but bayesml.

    Returns
    -------
    Fit
        With the same predictions, to the last bit.

    Raises
    ------
    StorageError
        Naming the file, if there is none, it does not hold a fit, is damaged in one bit, was
        written by another version, or holds classes of other modules.

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
    if isinstance(modules, str):
        raise StorageError(f"load: modules is a sequence of names, modules=({shown(modules)},).")
    place = path_of(path, "load", SUFFIXES)
    group = _read(place)
    _require_format(group.attrs.get("format"), place)
    try:
        return _fit(group, modules)
    except UnknownClassError as error:
        raise StorageError(f"{str(place)!r}: {error}") from error
    except Exception as error:  # whatever a damaged file makes of the parts that read it
        kind = "" if isinstance(error, StorageError) else f"{type(error).__name__}: "
        raise StorageError(
            f"{str(place)!r} is damaged, or not what this version of bayesml writes: "
            f"{kind}{error}. Take a copy of it, or fit and save again."
        ) from error


def _require_format(found: Any, place: Path) -> None:
    """Refuse files that another version wrote."""
    if found == FORMAT:
        return
    newer = isinstance(found, int | np.integer) and found > FORMAT
    raise StorageError(
        f"{str(place)!r} has the format {found}, and this version of bayesml reads {FORMAT}. "
        + ("Load it with a newer version." if newer else "Load it with the version that wrote it.")
    )


def _fit(group: "xr.Dataset", modules: Sequence[str]) -> Fit:
    text = group.attrs["config"]
    if checksum_of_text(text) != group.attrs["checksum"]:
        raise StorageError("the description of the fit is not as it was written")
    config = json.loads(text)
    arrays = {str(key): np.asarray(value) for key, value in group.data_vars.items()}
    require_checksums(arrays, config.pop("checksums"))
    data = config.pop("data")
    parts = {name: deserialise(part, arrays, modules) for name, part in config.items()}
    return Fit(data=_data(data, arrays), **parts)


def _data(config: Mapping[str, Any], arrays: Mapping[str, Array]) -> Data:
    design = design_from_config(config["design"])
    if "summarised" in config:
        return Data.from_source(deserialise(config["summarised"], arrays), design)
    labels = config["row_labels"]
    X, y = (deserialise(config[name], arrays) for name in ("X", "y"))
    if X.shape != (len(y), len(design.feature_names)) or y.ndim != 1:
        raise DataError(
            f"X of shape {X.shape} and y of shape {y.shape} are not rows of the "
            f"{len(design.feature_names)} features {list(design.feature_names)}"
        )
    return Data.from_checked_arrays(
        X,
        y,
        deserialise(config["observation_weights"], arrays),
        design,
        None if labels is None else labels_from(labels),
        deserialise(config["columns"], arrays),
    )


def _read(path: Path) -> "xr.Dataset":
    import xarray as xr

    try:
        there = path.exists()
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    if not there:
        raise StorageError(f"There is no file {str(path)!r}. Fit.save(path) writes one.")
    engine: Any = "zarr" if path.suffix == ".zarr" else "h5netcdf"
    options: Any = {"consolidated": False} if engine == "zarr" else {}
    try:
        with xr.open_dataset(path, engine=engine, group=GROUP, **options) as group:
            return group.load()
    except Exception as error:  # readers of foreign files raise whatever they meet
        raise StorageError(
            f"{str(path)!r} does not hold a bayesml fit, or is damaged "
            f"({type(error).__name__}: {error}). Fit.save(path) writes one."
        ) from error
