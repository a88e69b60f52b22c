"""Reading a fit that was saved."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesml.data import Data, design_from_config
from bayesml.errors import DataError, StorageError
from bayesml.results.fit import Fit
from bayesml.results.row_labels import labels_from
from bayesml.results.serialisation import deserialise
from bayesml.results.storage import FORMAT, GROUP
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
        If there is no such file, it does not hold a fit, or holds classes of other modules.

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
        raise StorageError(f"load: modules is a sequence of names, modules=({modules!r},).")
    group = _read(Path(path))
    if group.attrs.get("format") != FORMAT:
        raise StorageError(
            f"{path}: format {group.attrs.get('format')!r} is not {FORMAT}, the one this version "
            "of bayesml reads. Load it with the version that wrote it."
        )
    try:
        return _fit(group, modules)
    except (KeyError, ValueError, TypeError, AttributeError, DataError) as error:
        raise StorageError(
            f"{str(path)!r} is damaged, or not what this version of bayesml writes "
            f"({type(error).__name__}: {error}). Load it with the version that wrote it."
        ) from error


def _fit(group: "xr.Dataset", modules: Sequence[str]) -> Fit:
    config = json.loads(group.attrs["config"])
    arrays = {str(key): np.asarray(value) for key, value in group.data_vars.items()}
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
        deserialise(config.get("columns"), arrays),  # files of before have none
    )


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
