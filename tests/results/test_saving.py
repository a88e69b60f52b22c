"""A fit in a file is there whole or not at all, and one changed bit of it is noticed."""

import json
import resource
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import bayesml as bm
from bayesml.results import files, storage
from bayesml.results.checksums import checksum_of_text

SUFFIXES = (".nc", ".zarr")


@cache
def fit(rows: int = 30) -> bm.Fit:
    rng = np.random.default_rng(rows)
    X = rng.normal(size=(rows, 2))
    return bm.fit(bm.Model(), bm.Data(X, X @ [1.0, -2.0] + rng.normal(size=rows)), rng=1)


class Killed(BaseException):
    """What no handler of ours catches."""


def killed(*_: Any) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["_onto_disk", "_put"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_who_is_killed_while_saving_leaves_the_older_fit(
    suffix: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"fit{suffix}"
    fit().save(path)
    with monkeypatch.context() as patched:
        patched.setattr(files, step, killed)
        patched.setattr(files, "_remove", lambda _: None)  # nothing tidies up after kill -9
        with pytest.raises(Killed):
            fit(40).save(path)
    assert bm.load(path).data.m == 30
    fit(40).save(path)
    assert bm.load(path).data.m == 40


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_refuses_is_named_and_the_older_fit_stays(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"fit{suffix}"
    fit().save(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(bm.StorageError, match=r"fit\.\w+' could not be written: No space left"):
        fit(40).save(path)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert bm.load(path).data.m == 30


def test_a_full_disk_does_not_end_the_process(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        fit().save(tmp_path / f"fit{suffix}")
    code = (
        "import resource, signal, sys, bayesml as bm\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "fits = [(p, bm.load(p)) for p in sys.argv[1:]]\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (200, {resource.RLIM_INFINITY}))\n"
        "for path, fit in fits:\n"
        "    try: fit.save(path)\n"
        "    except bm.StorageError as error: print('refused', 'File too large' in str(error))\n"
        "    print(bm.load(path).data.m)\n"
    )
    paths = [str(tmp_path / f"fit{suffix}") for suffix in SUFFIXES]
    command = [sys.executable, "-c", code, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["refused", "True", "30"] * 2), done.stderr


def test_a_folder_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    place = tmp_path / "mine.zarr"
    place.mkdir()
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(bm.StorageError, match=r"not a Zarr folder, so it is not replaced"):
        fit().save(place)
    assert (place / "thesis.txt").read_text() == "years of work"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.nc").symlink_to(tmp_path / "real.nc")
    fit().save(tmp_path / "link.nc")
    assert (tmp_path / "link.nc").is_symlink()
    assert bm.load(tmp_path / "real.nc").data.m == 30


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (None, "save: the path must be a string or a Path, got None"),
        (3, "must be a string or a Path, got 3"),
        ("", "is no path"),
        ("a\0.nc", "is no path"),
        ("fit", r"'fit' must end in \.nc or \.zarr"),
        ("fit.pkl", r"must end in \.nc or \.zarr"),
        ("nowhere/fit.nc", r"there is no folder 'nowhere'. Make it with Path\('nowhere'\)"),
        ("nowhere/fit.zarr", r"there is no folder 'nowhere'"),
        ("folder.nc", r"is a folder; give the name of a file"),
        ("x" * 300 + ".nc", "could not be written|cannot be (written|looked at)"),
    ],
)
def test_places_that_cannot_be_written_to_are_refused(
    path: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.nc").mkdir()
    with pytest.raises(bm.StorageError, match=words):
        fit().save(path)
    assert [found.name for found in tmp_path.iterdir()] == ["folder.nc"]


@pytest.mark.parametrize("which", [0, 0.3, 0.6, 0.999])
def test_one_bit_of_an_array_is_noticed(which: float, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit().save(path)
    with h5py.File(path, "a") as file:
        group = file[storage.GROUP]
        named = sorted(set(json.loads(group.attrs["config"])["checksums"]))
        key = [k for k in named if group[k].dtype == np.float64 and group[k].size][
            int(which * len(named) / 2)
        ]
        values = group[key][...]
        values.reshape(-1).view(np.uint64)[-1] ^= np.uint64(1)  # the last bit of the last number
        group[key][...] = values
    with pytest.raises(bm.StorageError, match=rf"fit.nc' is damaged.*'{key}' is not as it was"):
        bm.load(path)


def test_one_character_of_the_description_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit().save(path)
    with h5py.File(path, "a") as file:
        attributes = file[storage.GROUP].attrs
        attributes["config"] = attributes["config"].replace('"seed": 1,', '"seed": 2,')
    with pytest.raises(bm.StorageError, match=r"fit.nc' is damaged.*description of the fit"):
        bm.load(path)


def test_a_lost_chunk_is_noticed(tmp_path: Path) -> None:
    fit().save(tmp_path / "fit.zarr")
    chunks = [c for c in (tmp_path / "fit.zarr" / storage.GROUP).rglob("c/*") if c.is_file()]
    scalars = [c for c in (tmp_path / "fit.zarr" / storage.GROUP).glob("*/c") if c.is_file()]
    for chunk in (*chunks[::5], *scalars[:1]):
        shutil.copy(chunk, tmp_path / "kept")
        chunk.unlink()
        with pytest.raises(bm.StorageError, match=r"fit.zarr' is damaged.*is not as it was"):
            bm.load(tmp_path / "fit.zarr")
        shutil.copy(tmp_path / "kept", chunk)
    assert bm.load(tmp_path / "fit.zarr").data.m == 30


def test_not_a_number_is_a_value_like_others(tmp_path: Path) -> None:
    values = np.array([0.0, -0.0, np.inf, np.copysign(np.nan, -1.0)])
    table = bm.Data([[0.0], [1.0], [2.0], [4.0]], [1.0, 3.0, 5.5, 9.0])
    made = bm.fit(bm.Model(), table, bm.MLE())
    learned = made.learned.__class__(
        **{f: getattr(made.learned, f) for f in made.learned.__dataclass_fields__}
        | {"loss_curve": values}
    )
    fields = {f: getattr(made, f) for f in made.__dataclass_fields__} | {"learned": learned}
    for suffix in SUFFIXES:
        bm.Fit(**fields).save(tmp_path / f"fit{suffix}")
        again = bm.load(tmp_path / f"fit{suffix}").loss_curve
        np.testing.assert_array_equal(again.view(np.uint64), values.view(np.uint64))


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (storage.FORMAT + 1, "Load it with a newer version"),
        (4, "Load it with the version that wrote it"),
        ("x", "Load it with the version that wrote it"),
        (None, "Load it with the version that wrote it"),
    ],
)
def test_formats_of_other_versions_are_named(format: Any, words: str, tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    fit().save(path)
    with h5py.File(path, "a") as file:
        del file[storage.GROUP].attrs["format"]
        if format is not None:
            file[storage.GROUP].attrs["format"] = format
    with pytest.raises(bm.StorageError, match=f"fit.nc' has the format .*{words}"):
        bm.load(path)


def test_fields_and_classes_of_a_newer_version_are_named(tmp_path: Path) -> None:
    path = tmp_path / "fit.nc"
    for change, words in (
        (lambda c: c["model"]["fields"].update(link="log"), "cannot be made from the fields"),
        (lambda c: c.update(method={"class": "bayesml.vi:VI", "fields": {}}), "'bayesml.vi'"),
        (lambda c: c.pop("seed"), "TypeError"),
        (lambda c: c["data"].update(y="hello"), "AttributeError"),
    ):
        fit().save(path)
        with h5py.File(path, "a") as file:
            attributes = file[storage.GROUP].attrs
            config = json.loads(attributes["config"])
            change(config)
            attributes["config"] = json.dumps(config)
            attributes["checksum"] = checksum_of_text(attributes["config"])
        with pytest.raises(bm.StorageError, match=rf"fit.nc'.*{words}"):
            bm.load(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("fit.pkl", b"\x80\x04N.", r"load: .*must end in \.nc or \.zarr"),
        ("fit.csv", b"y,x\n1,2\n", r"load: .*must end in"),
        ("empty.nc", b"", "does not hold a bayesml fit"),
        ("text.nc", b"y,x\n1,2\n", "does not hold a bayesml fit"),
        ("old.nc", b"CDF\x01\0\0\0\0", "does not hold a bayesml fit"),
        ("half.nc", None, "does not hold a bayesml fit|is damaged"),
        ("file.zarr", b"PK\x03\x04", "does not hold a bayesml fit"),
    ],
)
def test_foreign_files_are_refused(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is None:
        fit().save(path)
        content = path.read_bytes()[:30_000]
    path.write_bytes(content)
    with pytest.raises(bm.StorageError, match=words):
        bm.load(path)


def test_a_folder_and_a_file_of_other_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.nc").mkdir()
    (tmp_path / "folder.zarr").mkdir()
    with h5py.File(tmp_path / "other.nc", "w") as file:
        file["x"] = [1.0]
    for name in ("folder.nc", "folder.zarr", "other.nc"):
        with pytest.raises(bm.StorageError, match=f"{name}' does not hold a bayesml fit"):
            bm.load(tmp_path / name)
