"""How rows are divided into folds: at random, whole groups together, strata in equal shares."""

from typing import Any

import numpy as np

from bayesml.data.messages import plural, row_name, row_names
from bayesml.errors import DataError
from bayesml.typing import Integers


def divided(
    m: int, folds: int, groups: Any, strata: Any, rng: np.random.Generator
) -> list[Integers]:
    """Divide m rows into folds.

    Parameters
    ----------
    m, folds : int
    groups : (m,) array_like or None
        Rows of one group are left out together.
    strata : (m,) array_like or None
        Every fold has as many rows of each stratum as the others, to one unit.
    rng : Generator

    Raises
    ------
    DataError
        For too few rows or groups, labels that are not one a row, or a group of several strata.
    """
    units = np.arange(m) if groups is None else _numbers(groups, m, "groups")
    stratum = np.zeros(m, dtype=np.intp) if strata is None else _numbers(strata, m, "strata")
    count = int(units.max()) + 1
    if not 2 <= folds <= count:
        what = plural(m, "row") if groups is None else plural(count, "group")
        raise DataError(f"cross_validate: folds must be between 2 and {what}, got {folds}.")
    if groups is None and strata is None:
        return [np.sort(rows) for rows in np.array_split(rng.permutation(m), folds)]
    sizes = np.bincount(units, minlength=count)
    of_unit = np.zeros(count, dtype=np.intp)
    of_unit[units] = stratum
    if len(wrong := np.flatnonzero(of_unit[units] != stratum)):
        raise DataError(
            f"cross_validate: the group of {row_name(int(wrong[0]), None)} has several strata; a "
            "group is left out as a whole, so that it has one"
        )
    fold_of = _dealt(sizes, of_unit, folds, rng)
    return [np.flatnonzero(fold_of[units] == k) for k in range(folds)]


def _dealt(sizes: Integers, stratum: Integers, folds: int, rng: np.random.Generator) -> Integers:
    """Deal units out, the largest first, each to the fold with the least of its stratum."""
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    held = np.zeros((int(stratum.max()) + 1, folds), dtype=np.int64)
    fold_of = np.empty(len(sizes), dtype=np.intp)
    for unit in order:
        own = held[stratum[unit]]
        fold = np.lexsort((held.sum(axis=0), own))[0]
        own[fold] += sizes[unit]
        fold_of[unit] = fold
    return fold_of


def _numbers(labels: Any, m: int, name: str) -> Integers:
    """Give each different label of a row a number."""
    values = np.asarray(labels)
    if values.shape != (m,):
        raise DataError(
            f"cross_validate: {name} has shape {values.shape}; one label for each of {m} rows is "
            "needed, such as a column of the frame"
        )
    missing = np.flatnonzero([label is None or label != label for label in values.tolist()])
    if len(missing):
        raise DataError(
            f"cross_validate: {name} has missing labels in {row_names(missing, None)}; fill them"
        )
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in values.tolist()])
