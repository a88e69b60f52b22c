"""Designs of arrays and frames: X is what was given, column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.checks import require_finite, two_dimensional
from bayesml.data.messages import Labels, plural, quoted, row_name
from bayesml.data.roles import PRECISION, Roles, plain_roles
from bayesml.errors import DataError


class WithoutFormula:
    """What designs of arrays and frames share, with groups beside them or without."""

    @property
    def has_intercept(self) -> None:
        """None: arrays and frames do not say."""
        return None

    @property
    def weights_column(self) -> None:
        """None: weights are given beside X."""
        return None

    @property
    def levels(self) -> Mapping[str, Sequence[Any]]:
        """None: no features are made of levels."""
        return {}

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """None: there is no formula."""
        return {}


@dataclass(frozen=True)
class PlainColumns(WithoutFormula):
    """What designs of arrays and of frames share: every column of X is a column of numbers.

    Attributes
    ----------
    feature_names : tuple of str
    target_name : str
    stated_roles : Roles or None
        Where columns are more than features of η.
    classes : tuple or None
        The levels of a target that is no number.
    """

    feature_names: tuple[str, ...]
    target_name: str = "y"
    stated_roles: Roles | None = None
    classes: tuple[Any, ...] | None = None

    @property
    def roles(self) -> Roles:
        """What the columns are for: features of η, where nothing else is stated."""
        return self.stated_roles or plain_roles(self.feature_names, None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""
        return self.feature_names

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """All of them hold numbers."""
        return self.feature_names

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Read the target column of a frame, if it has one."""
        return _frame_target(new, self.target_name, self.classes)

    def _config(self, kind: str) -> dict[str, Any]:
        """Describe what both have, in strings, numbers, lists and dicts."""
        return {
            "kind": kind,
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
            "roles": None if self.stated_roles is None else self.stated_roles.to_config(),
            "classes": None if self.classes is None else list(self.classes),
        }


@dataclass(frozen=True)
class ArrayDesign(PlainColumns):
    """Columns by position, as `Data` was given arrays; a frame is read by its column names."""

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Read k rows of n numbers, or a frame whose columns are the feature names."""
        if frames.is_frame(new):
            return _frame_matrix(new, self.feature_names, self.roles, (self.target_name,))
        array = two_dimensional(new, "X")
        place = self.roles.known_places().get(PRECISION)
        if place is not None and array.shape[1] == len(self.feature_names) - 1:
            array = np.insert(array, place, 1.0, axis=1)
        if array.shape[1] != len(self.feature_names):
            raise DataError(
                f"X has {plural(array.shape[1], 'column')}, but the data had "
                f"{plural(len(self.feature_names), 'feature')}: {quoted(self.feature_names)}"
            )
        return checked_precisions(
            _finite_float64(array, self.feature_names, None), self.roles, None
        )

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether no number in it is missing."""
        if frames.is_frame(new):
            return _present(new, self.feature_names, self.roles)
        return np.asarray(~np.isnan(two_dimensional(new, "X")).any(axis=1))

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return self._config("array")


@dataclass(frozen=True)
class FrameDesign(PlainColumns):
    """Columns by name, as `Data` was given a frame: in any order, none missing, none unknown."""

    weights_name: str | None = None

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Read the features of a frame by name; it may also hold the target and the weights."""
        if not frames.is_frame(new):
            raise DataError(
                f"the data came from a frame, so a frame with the columns "
                f"{quoted(self.feature_names)} is needed, not {type(new).__name__}: "
                "columns are matched by name (one row of a frame is frame.iloc[[i]])"
            )
        ignored = self.target_name, self.weights_name
        return _frame_matrix(new, self.feature_names, self.roles, ignored)

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether no feature of it is missing."""
        return _present(new, self.feature_names, self.roles)

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return self._config("frame") | {"weights_name": self.weights_name}


def _frame_target(
    frame: Any, name: str, classes: tuple[Any, ...] | None
) -> NDArray[np.float64] | None:
    """Read the column `name` of a frame; None where there is none or it is missing throughout."""
    if not frames.is_frame(frame) or name not in frames.column_names(frame):
        return None
    what = f"column {name!r}"
    if classes is not None:
        return class_numbers(frames.select(frame, [name], what)[name], classes, what)
    values = frames.numbers(frames.select(frame, [name], what)[name], what)
    if np.isnan(values).all():
        return None
    require_finite(values, what, labels=frames.row_labels(frame))
    return np.asarray(values, dtype=np.float64)


def _frame_matrix(
    frame: Any, names: Sequence[str], roles: Roles, ignored: Sequence[str | None]
) -> NDArray[np.float64]:
    """Read the named columns of a frame that has no columns but these and the ignored ones."""
    matrix = _read(frame, names, roles)
    known = {*names, *ignored}
    unknown = [name for name in frames.column_names(frame) if name not in known]
    if unknown:
        raise DataError(
            f"the frame has columns that the data did not have: {quoted(unknown)}; "
            f"select the columns first, frame[[{quoted(names)}]]"
        )
    labels = frames.row_labels(frame)
    return checked_precisions(_finite_float64(matrix, names, labels), roles, labels)


def _read(frame: Any, names: Sequence[str], roles: Roles) -> NDArray[Any]:
    """Read the named columns of a frame, a precision as one where there is none."""
    place = roles.known_places().get(PRECISION)
    if place is None or names[place] in frames.column_names(frame):
        return frames.matrix(frame, names, "the design")
    others = [name for name in names if name != names[place]]
    return np.insert(frames.matrix(frame, others, "the design"), place, 1.0, axis=1)


def _present(frame: Any, names: Sequence[str], roles: Roles) -> NDArray[np.bool]:
    """Say of each row of a frame whether nothing is missing in the named columns."""
    return np.asarray(~np.isnan(_read(frame, names, roles)).any(axis=1))


def checked_precisions(X: NDArray[np.float64], roles: Roles, labels: Labels) -> NDArray[np.float64]:
    """Return rows whose precisions, if they have any, are positive; refuse others by row."""
    place = roles.known_places().get(PRECISION)
    if place is None or np.all(X[:, place] > 0.0):
        return X
    row = int(np.argmin(X[:, place] > 0.0))
    raise DataError(
        f"the precision of {row_name(row, labels)} is {X[row, place]:g}, and precisions are "
        "positive: that of a single measurement is 1"
    )


def class_numbers(values: Any, classes: tuple[Any, ...], what: str) -> NDArray[np.float64]:
    """Return the number of the class of every row, or name the first row of no known class."""
    number = {level: float(k) for k, level in enumerate(classes)}
    out = np.empty(len(values))
    for row, value in enumerate(np.asarray(values, dtype=object)):
        if value not in number:
            raise DataError(
                f"{what}: {row_name(row, frames.row_labels(values))} is {value!r}, a class that "
                f"the training rows never had; they are {quoted(classes)}"
            )
        out[row] = number[value]
    return out


def _finite_float64(
    array: NDArray[Any], names: Sequence[str], labels: Labels
) -> NDArray[np.float64]:
    require_finite(array, "X", names, labels)
    return np.asarray(array, dtype=np.float64)
