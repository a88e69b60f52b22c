"""Whether fits are of one quantity, and what makes densities of log(y) those of y.

Derived in docs/theory/comparison.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from bayesml.data import Data
from bayesml.data.fingerprint import observed
from bayesml.data.messages import quoted, row_names
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.results.answer import Answer
from bayesml.typing import Array

LN2, LN10 = np.log(2.0), np.log(10.0)
ROUNDING = 1e-9
"""By which the inverse of a transformation may differ from what was transformed, relatively."""


class Transformation(NamedTuple):
    """z = g(y) by its inverse, and log |dz/dy|, both as functions of z (R7)."""

    inverse: Callable[[Array], Array]
    log_slope: Callable[[Array], Array]


KNOWN: Mapping[str, Transformation] = {
    "log": Transformation(np.exp, np.negative),
    "log1p": Transformation(np.expm1, np.negative),
    "log2": Transformation(np.exp2, lambda z: -LN2 * z - np.log(LN2)),
    "log10": Transformation(lambda z: 10.0**z, lambda z: -LN10 * z - np.log(LN10)),
    "sqrt": Transformation(np.square, lambda z: -np.log(2.0 * z)),
    "cbrt": Transformation(lambda z: z**3, lambda z: -np.log(3.0) - 2.0 * np.log(np.abs(z))),
    "exp": Transformation(np.log, np.log),
    "expm1": Transformation(np.log1p, np.log1p),
}
IDENTITY = Transformation(np.asarray, np.zeros_like)
CALL = re.compile(r"(?:np\.)?(\w+)\(`?([^()`]+)`?\)")


@dataclass(frozen=True, eq=False)
class Quantity:
    """What the densities of several fits are of.

    Attributes
    ----------
    name : str
    log_slopes : mapping of label to ndarray, one number for each row of positive weight
        log |dz/dy| of fits of z = g(y), to be added to their log densities; of no others.
    """

    name: str
    log_slopes: Mapping[str, Array]


def common_quantity(answers: Mapping[str, Answer], jacobian: Mapping[str, Any]) -> Quantity:
    """Find the quantity that all fits are of, with densities of z turned into those of y (R7).

    Raises
    ------
    IncompatibleModelError
        If a stated Jacobian is of no fit.
    DataError
        If the fits saw different rows, or quantities that are not known to be one.
    """
    if unknown := [label for label in jacobian if label not in answers]:
        raise IncompatibleModelError(
            f"compare: jacobian is of {quoted(unknown)}, but the fits are {quoted(answers)}."
        )
    data = {label: answer.data for label, answer in answers.items()}
    _require_no_earlier_rows(answers, data)
    slopes = {label: _stated(label, data[label], value) for label, value in jacobian.items()}
    others = {label: each for label, each in data.items() if label not in jacobian}
    differ = len({_identity(each) for each in others.values()}) > 1
    if differ:
        _require_same(others)
        slopes |= {label: s for label, each in others.items() if (s := _slope(each)) is not None}
    if (differ or slopes) and len({_identity(d, targets=False) for d in data.values()}) > 1:
        raise _other_rows(data, "they have other weights, or another number of rows")
    names = sorted({_split(each)[1] if slopes else each.target_name for each in others.values()})
    return Quantity(" or ".join(names) or "what jacobian states", slopes)


def _require_no_earlier_rows(answers: Mapping[str, Answer], data: Mapping[str, Data]) -> None:
    for label, answer in answers.items():
        if answer.statistics.rows != answer.data.m:
            raise _other_rows(
                data,
                f"{label!r} had learned {answer.statistics.rows - answer.data.m} rows before the "
                f"{answer.data.m} that it holds, and its evidence is of these given those. Learn "
                "all rows together",
            )


def _identity(data: Data, *, targets: bool = True) -> str:
    """Return what rows of positive weight are known by, in their order."""
    if data.has_rows:
        return observed(data.source, targets=targets)
    numbers = data.statistics
    told = repr((numbers.rows, numbers.weight, numbers.mean.tolist(), numbers.R.tolist()))
    return blake2b(told.encode(), digest_size=8).hexdigest()


def _require_same(data: Mapping[str, Data]) -> None:
    """Refuse targets that are not one quantity, transformed in ways that are known."""
    if not all(each.in_memory for each in data.values()):
        raise _other_rows(data, "rows that are not in memory are known by their fingerprint only")
    (first, one), *rest = ((label, _targets(each)) for label, each in data.items())
    for label, other in rest:
        if len(one) != len(other):
            raise _other_rows(
                data,
                f"{first!r} has {len(one)} rows of positive weight and {label!r} {len(other)}. If "
                "rows with missing values were dropped, drop them from the frame first, for all "
                "fits alike",
            )
        if not np.allclose(one, other, rtol=ROUNDING, atol=ROUNDING * np.ptp(one)):
            raise _other_rows(data, _why(first, one, label, other))


def _why(first: str, one: Array, label: str, other: Array) -> str:
    if np.allclose(np.sort(one), np.sort(other), rtol=ROUNDING):
        return f"{label!r} has the rows of {first!r} in another order; give them in one"
    return (
        f"{label!r} has other targets than {first!r}. If one is a transformation of the other, "
        f"their densities differ by its derivative: name the targets by formulas, as in "
        f"{'log(y) ~ x'!r} and {'y ~ x'!r}, with one of {quoted(KNOWN)}, or give "
        f"jacobian={{{label!r}: log |dz/dy| of every row}}"
    )


def _split(data: Data) -> tuple[Transformation, str]:
    """Read the name of a target as a known function of a column, or else as a column."""
    found = CALL.fullmatch(data.target_name)
    if found is None or found[1] not in KNOWN:
        return IDENTITY, data.target_name
    return KNOWN[found[1]], found[2]


def _targets(data: Data) -> Array:
    with np.errstate(over="ignore"):  # an infinite y is not the other fit's
        return _split(data)[0].inverse(data.y[data.row_weights > 0])


def _slope(data: Data) -> Array | None:
    """Evaluate log |dz/dy| of rows of positive weight; None where y is not transformed."""
    transformation, _ = _split(data)
    if transformation is IDENTITY:
        return None
    with np.errstate(divide="ignore"):
        slope = transformation.log_slope(data.y[data.row_weights > 0])
    return _finite(slope, f"the derivative of {data.target_name}", data)


def _stated(label: str, data: Data, value: Any) -> Array:
    slope = np.asarray(value, dtype=np.float64)
    if slope.shape != (data.m,):
        raise DataError(
            f"compare: jacobian of {label!r} has shape {slope.shape}, but its data have {data.m} "
            "rows: give log |dz/dy| of every row."
        )
    return _finite(slope[data.row_weights > 0], f"jacobian of {label!r}", data)


def _finite(slope: Array, what: str, data: Data) -> Array:
    if not np.all(np.isfinite(slope)):
        rows = np.flatnonzero(data.row_weights > 0)[~np.isfinite(slope)]
        raise DataError(
            f"compare: {what} is not finite in {row_names(rows, data.row_labels)}: the densities "
            "cannot be compared there. Leave these rows out of all fits."
        )
    return slope


def _other_rows(data: Mapping[str, Data], why: str) -> DataError:
    """Say which fit saw what."""
    seen = "; ".join(
        f"{label!r}: {each.m} rows of {each.target_name} ({_identity(each)})"
        for label, each in data.items()
    )
    return DataError(
        "compare: evidence and leave-one-out compare fits of the same observations only, and "
        f"these learned from other rows. They saw {seen}; {why}."
    )
