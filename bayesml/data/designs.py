"""How new input becomes the matrix X that the model was fitted on: the same columns, or an error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.checks import require_finite, two_dimensional
from bayesml.data.formula import formula_design_from_config
from bayesml.data.messages import plural, quoted, suggestion
from bayesml.errors import DataError


class Design(Protocol):
    """How new input becomes X.

    Attributes
    ----------
    feature_names : tuple of str
        One name for each column of X.
    target_name : str
        What y is called.
    has_intercept : bool or None
        Whether the formula has an intercept, which is never a column of X; None for arrays and
        frames, which do not say.
    """

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    @property
    def target_name(self) -> str: ...

    @property
    def has_intercept(self) -> bool | None: ...

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """The (k, n) matrix X of k new rows; a DataError where they do not fit."""

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """The (k,) target of the new rows, or None where they do not have one."""

    def to_config(self) -> dict[str, Any]:
        """Strings, numbers, lists and dicts from which `design_from_config` makes this again."""


@dataclass(frozen=True)
class ArrayDesign:
    """Columns by position, as `Data` was given arrays; a frame is read by its column names."""

    feature_names: tuple[str, ...]
    target_name: str = "y"

    @property
    def has_intercept(self) -> None:
        return None

    def matrix(self, new: Any) -> NDArray[np.float64]:
        if frames.is_frame(new):
            return _frame_matrix(new, self.feature_names, ignored=(self.target_name,))
        array = two_dimensional(new, "X")
        if array.shape[1] != len(self.feature_names):
            raise DataError(
                f"X has {plural(array.shape[1], 'column')}, but the data had "
                f"{plural(len(self.feature_names), 'feature')}: {quoted(self.feature_names)}"
            )
        return _finite_float64(array, self.feature_names, None)

    def target(self, new: Any) -> NDArray[np.float64] | None:
        return frame_target(new, self.target_name)

    def to_config(self) -> dict[str, Any]:
        return {
            "kind": "array",
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
        }


@dataclass(frozen=True)
class FrameDesign:
    """Columns by name, as `Data` was given a frame: any order, none missing, none unknown."""

    feature_names: tuple[str, ...]
    target_name: str = "y"
    weights_name: str | None = None

    @property
    def has_intercept(self) -> None:
        return None

    def matrix(self, new: Any) -> NDArray[np.float64]:
        if not frames.is_frame(new):
            raise DataError(
                f"the data came from a frame, so a frame with the columns "
                f"{quoted(self.feature_names)} is needed, not {type(new).__name__}: "
                "columns are matched by name (for one row of a frame use frame.iloc[[i]])"
            )
        return _frame_matrix(new, self.feature_names, (self.target_name, self.weights_name))

    def target(self, new: Any) -> NDArray[np.float64] | None:
        return frame_target(new, self.target_name)

    def to_config(self) -> dict[str, Any]:
        return {
            "kind": "frame",
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
            "weights_name": self.weights_name,
        }


def frame_target(frame: Any, name: str) -> NDArray[np.float64] | None:
    """The column `name` of a frame as y; None if `frame` has no such column or it is all missing."""
    if not frames.is_frame(frame) or name not in frames.column_names(frame):
        return None
    values = frames.numbers(frames.column(frame, name), f"column {name!r}")
    if np.isnan(values).all():
        return None
    require_finite(values, f"column {name!r}", labels=frames.row_labels(frame))
    return np.asarray(values, dtype=np.float64)


def _frame_matrix(
    frame: Any, names: Sequence[str], ignored: Sequence[str | None]
) -> NDArray[np.float64]:
    known = frames.column_names(frame)
    frames.require_columns(frame, names, "the design")
    unknown = [name for name in known if name not in names and name not in ignored]
    if unknown:
        raise DataError(
            f"the frame has columns that the data did not have: {quoted(unknown)}"
            f"{suggestion(unknown[0], names)}; select the columns with frame[[…]]"
        )
    return _finite_float64(frames.matrix(frame, names), names, frames.row_labels(frame))


def _finite_float64(
    array: NDArray[Any], names: Sequence[str], labels: NDArray[Any] | None
) -> NDArray[np.float64]:
    require_finite(array, "X", names, labels)
    return np.asarray(array, dtype=np.float64)


def design_from_config(config: Mapping[str, Any]) -> Design:
    """The design that `to_config` described, which builds the same matrices to the last bit.

    Raises
    ------
    DataError
        If `config` does not describe a design.
    """
    match config.get("kind"):
        case "array":
            return ArrayDesign(tuple(config["feature_names"]), config["target_name"])
        case "frame":
            names = tuple(config["feature_names"])
            return FrameDesign(names, config["target_name"], config["weights_name"])
        case "formula":
            return formula_design_from_config(config)
        case kind:
            raise DataError(f"{kind!r} is not a kind of design: 'array', 'frame' or 'formula'")
