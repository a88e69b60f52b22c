"""What stands beside the features of η in arrays: what is known of rows, and other predictors'."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesml.data.blocks import read_only
from bayesml.data.checks import require_unique
from bayesml.data.inputs import named_matrix, vector
from bayesml.data.messages import Labels, plural, quoted
from bayesml.data.roles import Features, Roles, column_name
from bayesml.errors import DataError


@dataclass(frozen=True, eq=False)
class Beside:
    """Columns that become the last ones of X.

    Attributes
    ----------
    known : mapping of name to array
    predictors : mapping of name to array or data frame
    """

    known: Mapping[str, Any]
    predictors: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        own: Mapping[str, Any],
        known: Mapping[str, Any] | None,
        predictors: Mapping[str, Any] | None,
    ) -> "Beside":
        """Put together what was given, under names that can be asked for."""
        given = {name: value for name, value in own.items() if value is not None}
        for what, part in (("known", known), ("predictors", predictors)):
            if part is not None and not isinstance(part, Mapping):
                raise DataError(
                    f"{what} is a {type(part).__name__}; a mapping of names to arrays is needed"
                )
            if bad := [name for name in part or {} if not str(name).isidentifier()]:
                raise DataError(f"{what}: {quoted(bad)} is no name; one word is, such as 'trials'")
        if twice := sorted(set(given) & set(known or {})):
            raise DataError(f"{quoted(twice)} is given twice, by itself and in known")
        return cls(given | dict(known or {}), dict(predictors or {}))

    def refuse_dask(self, groups: bool) -> None:
        """Refuse what stands beside Dask arrays: a formula of a Dask dataframe says it."""
        if given := [*self.known, *self.predictors, *["groups"] * groups]:
            raise DataError(
                f"{quoted(given)} beside Dask arrays: put everything into one Dask dataframe and "
                "use Data.from_formula, 'y ~ x + offset(z) + (1 | g)'"
            )

    def joined(
        self, X: NDArray[Any], names: tuple[str, ...], labels: Labels
    ) -> tuple[NDArray[Any], tuple[str, ...], Roles | None]:
        """Return X with all columns, names and roles; None where there are no others."""
        if not (self.known or self.predictors):
            return X, names, None
        parts, columns, called = [Features("", names, None)], [X], list(names)
        for predictor, value in self.predictors.items():
            Z, own = named_matrix(value, None, labels)
            if len(Z) != len(X):
                raise DataError(
                    f"X has {plural(len(X), 'row')} but predictors[{predictor!r}] has {len(Z)}"
                )
            parts.append(Features(predictor, own, None))
            columns.append(Z)
            called += [column_name(predictor, name) for name in own]
        for name, value in self.known.items():
            columns.append(vector(value, name, len(X), labels)[:, None])
            called.append(name)
        require_unique(called, "the columns of X")
        roles = Roles(tuple(parts), tuple(self.known))
        return read_only(np.column_stack(columns)), tuple(called), roles
