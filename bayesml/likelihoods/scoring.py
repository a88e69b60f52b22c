"""Proper scores in closed form, by the package scoringrules."""

from typing import Any

from bayesml.errors import MissingDependencyError


def scoring_rules() -> Any:
    """Import scoringrules, or say how to install it."""
    try:
        import scoringrules
    except ImportError as error:
        raise MissingDependencyError(
            f"Scores need scoringrules, which cannot be imported ({error}). "
            "Install it: pip install scoringrules"
        ) from error
    return scoringrules
