"""How new input becomes the matrix X that the model was fitted on: the same columns or an error."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesml.data.roles import PRECISION, Roles
from bayesml.data.splines import Spline


class Design(Protocol):
    """How new input becomes X."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each column of X."""

    @property
    def target_name(self) -> str:
        """What y is called."""

    @property
    def has_intercept(self) -> bool | None:
        """Whether the formula has an intercept, never a column of X; None for arrays and frames."""

    @property
    def roles(self) -> Roles:
        """What the columns of X are for."""

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The levels of a target that is no number, in the order of their numbers."""

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Build the (k, n) matrix X of k new rows; a DataError says where they do not fit."""

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each of k new rows whether no value that X is made of is missing."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Those of them that hold numbers; the others hold levels."""

    @property
    def weights_column(self) -> str | None:
        """The column that holds the weights of rows to learn from; None if given beside a frame."""

    @property
    def levels(self) -> Mapping[str, Sequence[Any]]:
        """The levels of every factor, by its expression."""

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The features that every term of a formula makes, by the term."""

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Build the (k,) target of the new rows, or None where they have none."""

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts, for `design_from_config`."""


@runtime_checkable
class HasGroups(Protocol):
    """A design of rows that are grouped by the levels of factors."""

    @property
    def group_levels(self) -> Mapping[str, tuple[str, ...]]:
        """What the levels of every grouping factor are called, in the order of their numbers."""

    def matrix_with_new(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows whose groups may be new: their numbers go on after the known levels."""

    def matrix_of_population(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows that are of no group; the columns of factors need not be there."""


@runtime_checkable
class HasSmooths(Protocol):
    """A design with smooths, whose knots were learned from the training rows."""

    @property
    def splines(self) -> Mapping[str, tuple[Spline, tuple[str, ...]]]:
        """What every smooth learned, and the levels of which there is a curve each."""


def columns_to_read(design: Design, there: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that new rows are made of, those of precisions only where they are."""
    if PRECISION not in design.roles.known:
        return design.columns
    return tuple(name for name in design.columns if name in there)
