"""Checks of hyperparameters, which say which argument, what was got and what is needed."""

from numbers import Integral, Real
from typing import Any

from bayesml.errors import IncompatibleModelError


def _refuse(owner: object, name: str, need: str) -> None:
    got = getattr(owner, name)
    raise IncompatibleModelError(f"{type(owner).__name__}: {name} must be {need}, got {got!r}.")


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def check_positive(owner: object, *names: str) -> None:
    """Refuse attributes of `owner` that are not positive finite numbers."""
    for name in names:
        value = getattr(owner, name)
        if not (_is_real(value) and 0 < value < float("inf")):
            _refuse(owner, name, "a positive finite number")


def check_fraction(owner: object, *names: str) -> None:
    """Refuse attributes of `owner` that are not numbers in [0, 1)."""
    for name in names:
        value = getattr(owner, name)
        if not (_is_real(value) and 0 <= value < 1):
            _refuse(owner, name, "a number from 0 up to, but not including, 1")


def check_count(owner: object, *names: str) -> None:
    """Refuse attributes of `owner` that are not whole numbers of at least one."""
    for name in names:
        value = getattr(owner, name)
        if not (_is_real(value) and isinstance(value, Integral) and int(value) >= 1):
            _refuse(owner, name, "a whole number of at least 1")


def check_optional(owner: object, name: str, otherwise: str) -> None:
    """Refuse an attribute that is neither positive nor None, and say what None would do."""
    value = getattr(owner, name)
    if value is not None and not (_is_real(value) and 0 < value < float("inf")):
        _refuse(owner, name, f"a positive finite number, or None for {otherwise}")


def check_callable(owner: object, name: str, example: str) -> None:
    """Refuse an attribute that cannot be called."""
    if not callable(getattr(owner, name)):
        _refuse(owner, name, f"callable, such as {example}")
