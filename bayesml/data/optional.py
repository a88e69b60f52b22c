"""Packages that only some data need, imported when these are given."""

from importlib import import_module
from typing import Any

from bayesml.errors import MissingDependencyError


def optional(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package, or say how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingDependencyError(
            f"{purpose} needs {package}, which is not installed; "
            f"pip install 'bayesml-regression[{extra}]'"
        ) from error
