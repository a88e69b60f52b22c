"""The doors for arguments: one for each kind, used wherever one of that kind is taken.

A message says which argument, what was got and what is needed. Functions whose name begins with
`check` look at the fields of a part, and name it; the others look at a value and return it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from bayesml.errors import DataError, IncompatibleModelError, StorageError, TooLargeError
from bayesml.typing import Array

SHOWN = 80
"""Characters of a value in a message; arrays of a page are none."""


def shown(value: Any) -> str:
    """Say what was got in a few words, whatever it is.

    Examples
    --------
    >>> shown("a"), shown(np.zeros((1000, 3))), shown(int)
    ("'a'", 'an array of shape (1000, 3)', 'the class int')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = getattr(value, "shape", None)  # of arrays and frames of any library
    if isinstance(shape, tuple) and shape:
        kind = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        return f"{kind} of shape {shape}"
    text = repr(value)
    if len(text) <= SHOWN and "\n" not in text:
        return text
    return f"{value[:SHOWN]!r}…" if isinstance(value, str) else f"a {type(value).__name__}"


def is_real(value: Any) -> bool:
    """Say whether a value is a real number, and no truth value."""
    return isinstance(value, Real) and not is_flag(value)


def is_flag(value: Any) -> bool:
    """Say whether a value is a truth value, Python's or numpy's."""
    return isinstance(value, bool | np.bool)


def is_positive(value: Any) -> bool:
    """Say whether a value is one positive number that float64 holds."""
    return is_real(value) and 0.0 < as_float(value) < float("inf")


def as_float(value: Any) -> float:
    """Return a real number as float64, infinite beyond it.

    Examples
    --------
    >>> as_float(2), as_float(-(10**400))
    (2.0, -inf)
    """
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def is_count(value: Any) -> bool:
    """Say whether a value is a whole number of at least one."""
    return is_real(value) and isinstance(value, Integral) and int(value) >= 1


def as_numbers(value: Any) -> Array | None:
    """Return float64 in an array, or None for text, dates, rows of other lengths and the like.

    Examples
    --------
    >>> as_numbers([1, 2]), as_numbers("1"), as_numbers([[1], [2, 3]])
    (array([1., 2.]), None, None)
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind in "cUSTMm":  # of which numpy would make numbers
            return None
        return np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def numbers_of(value: Any, what: str) -> Array:
    """Return finite numbers in an array, or say what was got."""
    array = as_numbers(value)
    if array is None:
        raise IncompatibleModelError(
            f"{what} must hold numbers, rows of the same length, got {shown(value)}."
        )
    if not np.all(np.isfinite(array)):
        raise IncompatibleModelError(f"{what} must be finite, got {shown(value)}.")
    return array


def whole_number(value: Any, name: str) -> int:
    """Return a positive whole number, or say what was got."""
    if not is_count(value):
        raise DataError(f"{name} must be a positive whole number, got {shown(value)}.")
    return int(value)


def check_probability(q: Any) -> Array:
    """Return probabilities strictly between 0 and 1, or say what was got."""
    try:
        array = np.asarray(q)
    except ValueError:  # a ragged list
        array = np.asarray(None)
    if array.dtype.kind not in "iuf" or not array.size or not np.all((array > 0) & (array < 1)):
        raise DataError(f"A probability must lie strictly between 0 and 1, got {shown(q)}.")
    return np.asarray(array, dtype=np.float64)


def at_levels(q: Any, quantile: Callable[[float], Array]) -> Array:
    """Return quantiles of one level, or one row each of a sequence of them."""
    levels = check_probability(q)
    if levels.ndim > 1:
        raise DataError(f"quantile: q must be one number or a sequence of them, got {shown(q)}.")
    if levels.ndim == 0:
        return np.asarray(quantile(float(levels)))
    return np.stack([quantile(float(level)) for level in levels])


def one_probability(q: Any) -> float:
    """Return one probability strictly between 0 and 1, or say what was got."""
    array = check_probability(q)
    if array.ndim:
        raise DataError(f"One probability is needed, a number between 0 and 1, got {shown(q)}.")
    return float(array)


def tail_of(probability: Any) -> float:
    """Return what an equal-tailed interval of a probability leaves on either side."""
    return 0.5 * (1.0 - one_probability(probability))


def seed_of(rng: Any) -> int:
    """Return a seed from what the user gave, or a fresh one."""
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if rng is None:
        return int(np.random.default_rng().integers(2**63))
    if not (is_real(rng) and isinstance(rng, Integral) and int(rng) >= 0):
        raise IncompatibleModelError(
            f"rng must be a non-negative whole number, a numpy Generator or None, got {shown(rng)}."
        )
    return int(rng)


def generator_of(rng: Any) -> np.random.Generator:
    """Return a generator from what the user gave: itself, or one of that seed."""
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(seed_of(rng))


def path_of(value: Any, what: str, suffixes: Sequence[str] = ()) -> Path:
    """Return a path from what the user gave, with one of these suffixes if any are named.

    Raises
    ------
    StorageError
        If it is no path, an empty one, ends in something else, or the disk does not let it be
        looked at: too long a name, a folder that may not be entered.

    Examples
    --------
    >>> path_of("fit.nc", "save", (".nc", ".zarr")).name
    'fit.nc'
    """
    if not isinstance(value, str | os.PathLike):
        raise StorageError(f"{what}: the path must be a string or a Path, got {shown(value)}.")
    text = os.fsdecode(value)
    if not text or "\0" in text or not _is_encodable(text):
        raise StorageError(f"{what}: {text!r} is no path. Give the name of a file.")
    path = Path(text)
    if suffixes and path.suffix not in suffixes:
        raise StorageError(f"{what}: {text!r} must end in {' or '.join(suffixes)}.")
    try:
        path.exists()
    except OSError as error:
        raise StorageError(
            f"{what}: {shown(text)} cannot be looked at: {error.strerror}."
        ) from error
    return path


def _is_encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def plays(part: Any, role: Any) -> bool:
    """Say whether a value plays a role: an instance, since a class has what its instances have.

    Examples
    --------
    >>> plays(1, int), plays(bool, Callable), plays("a", int)
    (True, False, False)
    """
    return isinstance(part, role) and not isinstance(part, type)


def check_instance(owner: object, name: str, role: Any, example: str) -> None:
    """Refuse a field that does not play a role, a class for an instance among them."""
    part = vars(owner)[name]
    if plays(part, role):
        return
    words = f"{type(owner).__name__}: {name} must play the role {role.__name__}"
    if isinstance(part, type) and isinstance(part, role):
        raise IncompatibleModelError(
            f"{words}, got {shown(part)}; write {part.__name__}(...) to make one."
        )
    raise IncompatibleModelError(f"{words}, got {shown(part)}. For instance {example}.")


def require_memory(numbers: float, what: str, instead: str) -> None:
    """Refuse a request for more float64 numbers than the machine has memory for.

    Raises
    ------
    TooLargeError
        With the figure, before anything is allocated.

    Examples
    --------
    >>> require_memory(1e6, "1000 draws of 1000 parameters", "take fewer draws")
    """
    needed, there = 8.0 * numbers, memory()
    if needed > there:
        raise TooLargeError(
            f"{what} take {needed / 1e9:,.3g} GB, and this machine has {there / 1e9:,.3g} GB of "
            f"memory; {instead}."
        )


def memory() -> float:
    """Return the bytes that there are: of this machine, or what a container or a shell allows."""
    try:
        machine = float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        machine = 16e9
    return min(machine, _container(), _process())


def _container() -> float:
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return float(Path("/sys/fs/cgroup", limit).read_text(encoding="ascii"))
        except (OSError, ValueError):  # there is none, or "max"
            continue
    return float("inf")


def _process() -> float:
    try:
        import resource
    except ImportError:  # Windows has none
        return float("inf")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return float("inf") if limit == resource.RLIM_INFINITY else float(limit)


def _check(owner: object, names: Sequence[str], fits: Callable[[Any], bool], need: str) -> None:
    """Refuse fields of `owner` that do not fit, and say what is needed."""
    for name in names:
        value = vars(owner)[name]
        if not fits(value):
            raise IncompatibleModelError(
                f"{type(owner).__name__}: {name} must be {need}, got {shown(value)}."
            )


def check_positive(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are not positive finite numbers."""
    _check(owner, names, is_positive, "a positive finite number")


def check_real(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are not real numbers."""
    _check(owner, names, is_real, "a real number")


def check_fraction(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are not numbers in [0, 1)."""
    need = "a number from 0 up to, but not including, 1"
    _check(owner, names, lambda value: is_real(value) and 0 <= value < 1, need)


def check_between(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are not numbers between 0 and 1, both left out."""
    _check(owner, names, lambda value: is_real(value) and 0 < value < 1, "a number between 0 and 1")


def check_count(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are not whole numbers of at least one."""
    _check(owner, names, is_count, "a whole number of at least 1")


def check_flag(owner: object, *names: str) -> None:
    """Refuse fields of `owner` that are neither True nor False."""
    _check(owner, names, is_flag, "True or False")


def flag(value: Any, name: str) -> bool:
    """Return True or False, or say that it is neither."""
    if not is_flag(value):
        raise DataError(f"{name} must be True or False, got {shown(value)}.")
    return bool(value)


def check_optional(owner: object, name: str, otherwise: str) -> None:
    """Refuse a field that is neither positive nor None, and say what None would do."""
    need = f"a positive finite number, or None for {otherwise}"
    _check(owner, [name], lambda value: value is None or is_positive(value), need)


def check_callable(owner: object, name: str, example: str) -> None:
    """Refuse a field that cannot be called, or is a class of what can."""
    need = f"callable, such as {example}"
    _check(owner, [name], lambda value: callable(value) and not isinstance(value, type), need)


def check_mapping(owner: object, *names: str) -> None:
    """Keep fields that map names to something as dicts of their own; refuse what is none."""
    need = "a mapping of names, {'name': ...}"
    _check(owner, names, lambda value: isinstance(value, Mapping), need)
    for name in names:
        object.__setattr__(owner, name, dict(vars(owner)[name]))


def check_units(owner: object) -> None:
    """Keep what is stated of the units of features, a positive number each."""
    check_mapping(owner, "units")
    units: dict[str, Any] = vars(owner)["units"]
    for name, value in units.items():
        if not is_positive(value):
            raise IncompatibleModelError(
                f"{type(owner).__name__}: units[{name!r}] must be a positive finite number, got "
                f"{shown(value)}."
            )
