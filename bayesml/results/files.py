"""Files and folders that take the place of older ones only when they are whole.

What is written lies beside its place under another name until it is on the disk, and is renamed
then, which is one step of the file system: whoever is killed before leaves the older one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from bayesml.errors import StorageError


@contextmanager
def replacing(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes its place if the block ends well.

    Parameters
    ----------
    path : Path
        A link is followed.
    folder : bool
        Whether a folder is written rather than a file.

    Raises
    ------
    StorageError
        If there is no folder to write into, something else is in the place, or the disk refuses;
        what was there before is still there then.
    """
    place = Path(os.path.realpath(path))
    _require_room(path, place, folder)
    beside = place.with_name(f".{place.name[:100]}.{token_hex(4)}.unfinished")
    try:
        yield beside
        _onto_disk(beside)
        _put(beside, place)
    except OSError as error:
        raise StorageError(
            f"{str(path)!r} could not be written: {error.strerror or error}. What was there before "
            "is unchanged."
        ) from error
    finally:
        _remove(beside)


def _require_room(path: Path, place: Path, folder: bool) -> None:
    """Refuse a place that cannot be written to, before anything is."""
    try:
        if not place.parent.is_dir():
            raise StorageError(
                f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}. Make "
                f"it with Path({str(path.parent)!r}).mkdir(parents=True)."
            )
        if not folder and place.is_dir():
            raise StorageError(
                f"{str(path)!r} is a folder; give the name of a file, such as "
                f"{str(path / 'fit.nc')!r}."
            )
        if folder and place.exists() and not _is_store(place):
            raise StorageError(
                f"{str(path)!r} exists and is not a Zarr folder, so it is not replaced; give "
                "another name."
            )
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}.") from error


def _is_store(place: Path) -> bool:
    """Say whether a folder is a Zarr store, or empty."""
    if not place.is_dir():
        return False
    return (place / "zarr.json").exists() or not any(place.iterdir())


def _onto_disk(beside: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk."""
    inside = sorted(beside.rglob("*")) if beside.is_dir() else []
    for written in (*inside, beside):
        _sync(written)


def _sync(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(beside: Path, place: Path) -> None:
    """Rename what was written to its place; a folder goes there once the older one has left."""
    if not place.is_dir():
        beside.replace(place)
        _sync(place.parent)
        return
    older = place.with_name(f"{beside.name}.older")
    place.rename(older)
    try:
        beside.rename(place)
    except OSError:
        older.rename(place)
        raise
    _sync(place.parent)
    _remove(older)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # it is beside the point: what failed is being raised
            path.unlink(missing_ok=True)
