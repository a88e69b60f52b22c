"""The columns of several clauses side by side, and what sets two designs apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.designs import Design
from bayesml.data.formulas.design import FormulaDesign, formula_design_from_config
from bayesml.data.formulas.model_matrix import LearnedSide
from bayesml.data.messages import quoted
from bayesml.data.roles import Roles, roles_from_config


@dataclass(frozen=True)
class JoinedDesign:
    """The columns of several formulas with one target, side by side.

    Attributes
    ----------
    parts : tuple of FormulaDesign
        That of η first, and those of what is known last.
    feature_names : tuple of str
        One name for each column of X.
    roles : Roles
    """

    parts: tuple[FormulaDesign, ...]
    feature_names: tuple[str, ...]
    roles: Roles

    @property
    def target_name(self) -> str:
        """What y is called."""
        return self.parts[0].target_name

    @property
    def has_intercept(self) -> bool:
        """Whether the first clause has an intercept."""
        return self.parts[0].has_intercept

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The levels of a target that is no number, in the order of their numbers."""
        return self.parts[0].classes

    @property
    def terms(self) -> Mapping[str, tuple[str, ...]]:
        """The features that every term of the first clause makes."""
        return self.parts[0].terms

    @property
    def weights_column(self) -> str | None:
        """The column that holds the observation weights of rows to learn from."""
        return self.parts[0].weights_column

    @property
    def right(self) -> LearnedSide:
        """What the first clause learned; its columns are those of all clauses."""
        return self.parts[0].right

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """Build X for new rows; columns that no clause reads are ignored."""
        return np.column_stack([part.matrix(new) for part in self.parts])

    def present(self, new: Any) -> NDArray[np.bool]:
        """Say of each row whether no value that a clause reads is missing."""
        return self.parts[0].present(new)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a frame that X is made of."""
        return self.parts[0].columns

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Those of them that hold numbers; the others hold levels."""
        return self.parts[0].numeric_columns

    @property
    def levels(self) -> Mapping[str, Sequence[Any]]:
        """The levels of every factor, by its expression."""
        return {name: levels for part in self.parts for name, levels in part.levels.items()}

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """Build y for new rows, or None where a column of it is absent or missing throughout."""
        return self.parts[0].target(new)

    def to_config(self) -> dict[str, Any]:
        """Describe this design in strings, numbers, lists and dicts."""
        return {
            "kind": "joined",
            "parts": [part.to_config() for part in self.parts],
            "feature_names": list(self.feature_names),
            "roles": self.roles.to_config(),
        }


def joined_design_from_config(config: Mapping[str, Any]) -> JoinedDesign:
    """Make the design that `JoinedDesign.to_config` described."""
    parts = tuple(map(formula_design_from_config, config["parts"]))
    return JoinedDesign(parts, tuple(config["feature_names"]), roles_from_config(config["roles"]))


def difference(one: Design, other: Design) -> str:
    """Say what columns of the same names were made with in one design and not in the other."""
    if isinstance(one, JoinedDesign) and isinstance(other, JoinedDesign):
        parts = zip(one.parts, other.parts, strict=False)
        return next(filter(None, (difference(a, b) for a, b in parts)), "")
    if not (isinstance(one, FormulaDesign) and isinstance(other, FormulaDesign)):
        return ""
    for a, b in ((one.left, other.left), (one.right, other.right)):
        for factor, levels in a.levels.items():
            if (there := b.levels.get(factor, levels)) != levels:
                return f"the levels of {factor} are {quoted(levels)} and {quoted(there)}"
        if a.transforms != b.transforms:
            return f"{one.formula!r} learned other centres, scales or knots from other rows"
    return ""
