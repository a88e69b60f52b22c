"""Averages over groups that are new, by quadrature, or without effects of groups.

Derived in docs/theory/effects.md, (P42).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesml.arguments import flag
from bayesml.data import Design
from bayesml.data.designs import HasGroups
from bayesml.errors import IncompatibleModelError
from bayesml.typing import Array

NODES = ((0.5, 15), (1.0, 25), (2.0, 49), (np.inf, 161))
"""Up to which standard deviation of η so many nodes tell an average to 1e-6; the last up to 5."""


def require_groups(design: Design, *, new_groups: bool, population: bool) -> HasGroups:
    """Return a design with groups, or say why neither word means anything."""
    new, none = flag(new_groups, "new_groups"), flag(population, "population")
    if not isinstance(design, HasGroups) or not design.group_levels:
        raise IncompatibleModelError(
            "new_groups and population are of models with groups, 'y ~ x + (1 | g)', and this one "
            "has none: leave them out."
        )
    if new and none:
        raise IncompatibleModelError(
            "new_groups and population contradict each other: a prediction is for groups that are "
            "new, or without effects of groups. Give one."
        )
    return design


def over_new_groups(
    evaluate: Callable[[Array, Mapping[str, Any]], Array],
    eta: Array,
    noise: Mapping[str, Any],
    variance: Array,
) -> Array:
    """Average what is evaluated over η ~ Normal(η, variance), by Gauss-Hermite nodes (P42).

    Parameters
    ----------
    evaluate : callable
    eta : ndarray, shape (..., rows) or (k, ..., rows)
        Without effects of groups; of several outputs these are of the first.
    noise : mapping of name to float or ndarray
    variance : ndarray, shape (..., rows)
    """
    sd = np.sqrt(variance)
    count = next(nodes for most, nodes in NODES if sd.max(initial=0.0) <= most)
    x, w = np.polynomial.hermite_e.hermegauss(count)
    total: Array | float = 0.0
    for node, weight in zip(x, w / w.sum(), strict=True):
        moved = eta + node * sd if eta.ndim == sd.ndim else np.stack([eta[0] + node * sd, *eta[1:]])
        total = total + weight * evaluate(moved, noise)
    return np.asarray(total)
