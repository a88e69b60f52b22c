"""Values as JSON with their arrays put aside, and back, without pickle.

A value is a number, a string, a list, a mapping, an array, or a frozen dataclass, which is written
as the name of its class and its fields, and made again by calling the class. Modules are imported
only where the reader allows it: a file names classes, it does not choose what runs.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np

from bayesml.errors import StorageError
from bayesml.typing import Array

OWN = "bayesml"


class UnknownClassError(StorageError):
    """A file names a class that is not imported, or that there is not."""


def serialise(value: Any, key: str, arrays: dict[str, Array]) -> Any:
    """Return JSON for a value, its arrays put aside under keys.

    Raises
    ------
    StorageError
        If some value is of a class that cannot be made again from its name and its fields.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    if isinstance(value, tuple | list):
        return {"tuple": [serialise(v, f"{key}.{k}", arrays) for k, v in enumerate(value)]}
    if isinstance(value, Mapping):
        entries = enumerate(value.items())
        return {"mapping": [[name, serialise(v, f"{key}.{k}", arrays)] for k, (name, v) in entries]}
    name = _class_name(value, key)
    content = {
        f.name: serialise(getattr(value, f.name), f"{key}.{f.name}", arrays)
        for f in fields(value)
        if f.init
    }
    return {"class": name, "fields": content}


def deserialise(value: Any, arrays: Mapping[str, Array], modules: Sequence[str] = ()) -> Any:
    """Return the value that `serialise` wrote.

    Parameters
    ----------
    value : JSON
    arrays : mapping of key to ndarray
    modules : sequence of str
        Modules, or packages of them, whose classes may be made besides the package's own.

    Raises
    ------
    StorageError
        If a class is of another module, is not there, or does not take these fields.
    """
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(deserialise(v, arrays, modules) for v in value["tuple"])
    if "mapping" in value:
        return {name: deserialise(v, arrays, modules) for name, v in value["mapping"]}
    cls = _class(value["class"], modules)
    content = {name: deserialise(v, arrays, modules) for name, v in value["fields"].items()}
    try:
        return cls(**content)
    except TypeError as error:
        raise StorageError(
            f"{value['class']} cannot be made from the fields {sorted(content)}: {error}. The file "
            "was written by another version of it."
        ) from error


def _class_name(value: Any, key: str) -> str:
    """Name the class of a value, if its name and its fields are enough to make it again."""
    cls = type(value)
    name = f"{cls.__module__}:{cls.__qualname__}"
    if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise StorageError(
            f"{key} is a {cls.__module__}.{cls.__qualname__}, which cannot be saved: only "
            "numbers, strings, arrays and frozen dataclasses of these can."
        )
    if _found(sys.modules.get(cls.__module__), cls.__qualname__) is not cls:
        raise StorageError(
            f"{key} is a {cls.__qualname__} of the module {cls.__module__}, which cannot be saved: "
            "it is not found there by its name, since it was defined inside a function or "
            "replaced. Define it at the top of the module."
        )
    return name


def _class(name: str, modules: Sequence[str]) -> Any:
    """Import the class of a name, from modules that are allowed only."""
    module, _, qualname = name.partition(":")
    if not any(module == one or module.startswith(f"{one}.") for one in (OWN, *modules)):
        raise UnknownClassError(
            f"The file holds a {qualname} of the module {module!r}, which is not imported unless "
            f"you say so: load(path, modules=({module!r},)), if you trust it."
        )
    try:
        cls = _found(import_module(module), qualname)
    except ImportError as error:
        raise UnknownClassError(
            f"The file holds a {qualname} of the module {module!r}, which cannot be imported: "
            f"{error}."
        ) from error
    if not (isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module):
        raise UnknownClassError(
            f"The file names an unknown class {name!r}: {module} has none such."
        )
    return cls


def _found(module: Any, qualname: str) -> Any:
    """Return what a module has under a name, through the classes that it is nested in; or None."""
    found = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found
