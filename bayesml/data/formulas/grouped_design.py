"""Groups beside arrays and frames: `Data(X, y, groups={"school": labels})`, (1 | school) each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.array_designs import ArrayDesign, FrameDesign, WithoutFormula
from bayesml.data.checks import require_unique
from bayesml.data.designs import Design
from bayesml.data.formulas.expressions import Use
from bayesml.data.formulas.levels import (
    NO_LEVEL,
    LevelsDesign,
    group_codes,
    levels_design_from_config,
)
from bayesml.data.formulas.raw_columns import CategoricalColumn, RawColumns
from bayesml.data.formulas.tables import complete_rows, table, typed_columns
from bayesml.data.inputs import common_labels
from bayesml.data.messages import Labels, plural, quoted
from bayesml.data.roles import INTERCEPT, Group, Roles
from bayesml.errors import DataError


class RowsOfGroups(NamedTuple):
    """New rows, and the labels of their groups beside them."""

    X: Any
    groups: Any


@dataclass(frozen=True)
class GroupedDesign(WithoutFormula):
    """Columns as `Data` was given them, and the factors that were given beside them.

    Attributes
    ----------
    inner : ArrayDesign or FrameDesign
        Without groups.
    factors : tuple of LevelsDesign
    """

    inner: ArrayDesign | FrameDesign
    factors: tuple[LevelsDesign, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the factors are called."""
        return tuple(factor.factor for factor in self.factors)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each column of X: the numbers of levels come last."""
        return (*self.inner.feature_names, *self.names)

    @property
    def target_name(self) -> str:
        """What y is called."""
        return self.inner.target_name

    @property
    def roles(self) -> Roles:
        """What the columns are for."""
        own = self.inner.roles
        groups = tuple(Group(name, (INTERCEPT,), (1,)) for name in self.names)
        return Roles(own.predictors, own.known, groups)

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The levels of a target that is no number, in the order of their numbers."""
        return self.inner.classes

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""
        return self.feature_names

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Those of them that hold numbers: all but the factors."""
        return self.inner.feature_names

    @property
    def group_levels(self) -> dict[str, tuple[str, ...]]:
        """What the levels of every factor are called, in the order of their numbers."""
        return {factor.factor: factor.names for factor in self.factors}

    def with_factors(self, factors: Sequence[LevelsDesign]) -> "GroupedDesign":
        """Return the same with other levels of the grouping factors."""
        return replace(self, factors=tuple(factors))

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Build X of new rows: with their groups beside them, or a frame that holds them."""
        X, groups = self._apart(new)
        return self._joined(X, [factor.matrix(groups) for factor in self.factors])

    def matrix_with_new(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows whose groups may be new: their numbers go on after the known levels."""
        X, groups = self._apart(new)
        return self._joined(X, [factor.matrix_with_new(groups) for factor in self.factors])

    def matrix_of_population(self, new: Any) -> NDArray[np.float64]:
        """Build X of rows that are of no group; groups need not be given."""
        X = self.inner.matrix(self._without(new.X if isinstance(new, RowsOfGroups) else new))
        return np.column_stack([X, *(np.full(len(X), NO_LEVEL) for _ in self.factors)])

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether nothing that X is made of is missing."""
        X, groups = self._apart(new)
        read = table(groups, [column for factor in self.factors for column in factor.columns])
        there: NDArray[np.bool] = ~read.isna().to_numpy().any(axis=1)
        return self.inner.present(X) & there

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Read the target column of a frame, if it has one."""
        return self.inner.target(new.X if isinstance(new, RowsOfGroups) else new)

    def raw_columns(self, X: NDArray[Any]) -> RawColumns:
        """Return the columns of rows by their names, the levels of factors as they were given."""
        plain = len(self.inner.feature_names)
        out: dict[str, Any] = {
            name: np.asarray(X[:, j], dtype=np.float64)
            for j, name in enumerate(self.inner.feature_names)
        }
        for j, factor in enumerate(self.factors):
            codes = X[:, plain + j].astype(np.intp)
            out[factor.factor] = CategoricalColumn(codes, factor.levels)
        return out

    def _apart(self, new: Any) -> tuple[Any, Any]:
        """Return what the columns are made of, and the groups."""
        if isinstance(new, RowsOfGroups):
            return self._without(new.X), new.groups
        known = frames.column_names(new) if frames.is_frame(new) else ()
        if lacking := [name for name in self.names if name not in known]:
            raise DataError(
                f"the groups {quoted(lacking)} of the new rows are needed: predict(X, groups="
                f"{{{lacking[0]!r}: labels}}), or a frame with such a column. For the population, "
                "predict(X, population=True)"
            )
        return self._without(new), frames.select(new, list(self.names), "the groups")

    def _without(self, new: Any) -> Any:
        """Leave the factors out of a frame, whose other columns are checked."""
        if not frames.is_frame(new):
            return new
        names = [name for name in frames.column_names(new) if name not in self.names]
        return frames.select(new, names, "the design")

    def _joined(self, X: Any, codes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        built = self.inner.matrix(X)
        for name, numbers in zip(self.names, codes, strict=True):
            _require_as_many(len(built), len(numbers), name)
        return np.column_stack([built, *codes])

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "kind": "grouped",
            "inner": self.inner.to_config(),
            "factors": [factor.to_config() for factor in self.factors],
        }


def grouped_design(
    X: NDArray[Any], inner: ArrayDesign | FrameDesign, groups: Any, labels: Labels
) -> tuple[NDArray[Any], GroupedDesign]:
    """Append the numbers of the levels of groups to X, and return how new rows become it."""
    named = named_groups(groups)
    names = frames.column_names(named)
    require_unique((*inner.feature_names, inner.target_name, *names), "X, y and groups")
    columns = typed_columns([Use(name, True) for name in names], named)
    rows = table(named, columns)
    _require_as_many(len(X), len(rows), names[0])
    complete_rows(rows, labels, drop=False)
    factors, codes = [], []
    for column in columns:
        numbers, levels = group_codes(rows, (column.name,))
        factors.append(LevelsDesign(column.name, (column,), (column.name,), levels))
        codes.append(numbers.astype(np.float64))
    return np.column_stack([X, *codes]), GroupedDesign(inner, tuple(factors))


def named_groups(groups: Any) -> Any:
    """Return groups by their names: of a mapping, a frame, or a Series with a name."""
    name = frames.series_name(groups)
    if name is not None:
        return {name: groups}
    if not frames.is_frame(groups):
        raise DataError(
            f"groups is a {type(groups).__name__} without a name; write groups={{'school': labels}}"
        )
    if not frames.column_names(groups):
        raise DataError("groups is empty; write groups={'school': labels}, or leave it out")
    return groups


def parts_of_groups(groups: Any) -> dict[str, Any]:
    """Return what holds labels of groups, by what it is called, to compare the rows' labels."""
    if isinstance(groups, Mapping):
        return {f"groups[{name!r}]": labels for name, labels in groups.items()}
    return {"groups": groups}


def rows_of_groups(design: Design, X: Any, groups: Any) -> Any:
    """Put the groups of new rows beside them, where the data had theirs beside X."""
    if groups is None:
        return X
    if not isinstance(design, GroupedDesign):
        raise DataError(
            "groups is for data that had groups beside X, Data(X, y, groups={...}). These read "
            "what they need from the columns of a frame: leave groups out."
        )
    common_labels({"X": X, **parts_of_groups(groups)})
    named = named_groups(groups)
    if unknown := [name for name in frames.column_names(named) if name not in design.names]:
        raise DataError(
            f"groups has {quoted(unknown)}, but those of the data are {quoted(design.names)}"
        )
    return RowsOfGroups(X, named)


def _require_as_many(rows: int, labels: int, name: str) -> None:
    if rows != labels:
        raise DataError(f"X has {plural(rows, 'row')} but groups[{name!r}] has {labels}")


def grouped_design_from_config(config: Mapping[str, Any], inner: Design) -> GroupedDesign:
    """Make the design that `GroupedDesign.to_config` described, given that of the rest."""
    if not isinstance(inner, ArrayDesign | FrameDesign):
        raise DataError(f"{config['inner']['kind']!r} is no design that groups stand beside")
    return GroupedDesign(inner, tuple(map(levels_design_from_config, config["factors"])))
