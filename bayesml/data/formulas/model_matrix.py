"""The terms of a formula become columns: formulaic builds them, and nothing is imputed."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data.formulas.encoding import from_json, to_json
from bayesml.data.formulas.parsing import plain_message
from bayesml.data.formulas.tables import Column
from bayesml.data.messages import Labels, quoted, row_names
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import SimpleFormula
    from formulaic.materializers import PandasMaterializer

OUT_OF_DOMAIN = "a transformation made it from a number outside its domain"
"""What to say of a number that is finite in the frame but not in X."""


@dataclass(frozen=True)
class LearnedSide:
    """What one side of a formula reads, and what it learned from the training rows.

    Attributes
    ----------
    columns : tuple of Column
        The columns of the frame that it reads.
    transforms : JSON
        State of center, scale, poly, bs, … by expression, encoded.
    levels : mapping
        Levels of each factor by expression, the base first.
    """

    columns: tuple[Column, ...]
    transforms: Any = field(default_factory=lambda: to_json({}))
    levels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


class ModelMatrix(NamedTuple):
    """The columns that one side of a formula makes, the intercept not among them."""

    values: NDArray[np.float64]
    names: tuple[str, ...]
    has_intercept: bool
    learned: LearnedSide
    terms: Mapping[str, tuple[str, ...]]


def build_matrix(
    terms: "SimpleFormula", rows: "pd.DataFrame", learned: LearnedSide, row_labels: Labels
) -> ModelMatrix:
    """Make the columns of `terms`, learning from `rows` what `learned` does not yet know.

    The structure of the columns follows from the terms, the kinds of the columns and the levels,
    so that these and the state of the transformations are all that has to be remembered.
    """
    from formulaic import ModelSpec
    from formulaic.errors import DataMismatchWarning
    from formulaic.materializers import PandasMaterializer
    from formulaic.parser.types import Factor

    spec = ModelSpec(
        formula=terms,
        output="numpy",
        na_action="ignore",
        transform_state=from_json(learned.transforms),
        encoder_state={
            factor: (Factor.Kind.CATEGORICAL, {"categories": list(levels)})
            for factor, levels in learned.levels.items()
        },
    )
    materializer = PandasMaterializer(rows)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = materializer.get_model_matrix(spec)
    except Exception as error:
        _refuse_unseen_levels(materializer, learned.levels, row_labels)
        raise DataError(f"the formula cannot be evaluated: {plain_message(error)}") from error
    return _without_intercept(matrix, learned.columns)


def build_target(
    terms: "SimpleFormula", rows: "pd.DataFrame", learned: LearnedSide, row_labels: Labels
) -> ModelMatrix:
    """Make the column of the target; one of levels becomes their numbers, from zero."""
    built = build_matrix(terms, rows, learned, row_labels)
    if not built.learned.levels:
        return built
    (factor,) = built.learned.levels
    numbers = built.values.argmax(axis=1).astype(np.float64)[:, None]
    return built._replace(values=numbers, names=(factor,))


def _refuse_unseen_levels(
    materializer: "PandasMaterializer",
    levels: Mapping[str, Sequence[Any]],
    row_labels: Labels,
) -> None:
    """Name the rows whose level the training rows did not have."""
    for factor, known in levels.items():
        if factor in materializer.factor_cache:
            values = list(materializer.factor_cache[factor].values.__wrapped__)
            old = set(known)
            rows = [i for i, value in enumerate(values) if value not in old]
            if rows:
                unseen = dict.fromkeys(values[i] for i in rows)
                raise DataError(
                    f"{factor} is {quoted(unseen)} in {row_names(rows, row_labels)}, which the "
                    f"training rows never had; its levels are {quoted(known)}"
                )


def _without_intercept(matrix: Any, columns: tuple[Column, ...]) -> ModelMatrix:
    """Split what formulaic built into features, the intercept, and what was learned."""
    spec = matrix.model_spec
    for row in spec.structure:
        if not row.columns:
            raise DataError(
                f"{str(row.term)!r} has a single level, so that its effect cannot be told from the "
                "rest of the model; leave it out of the formula"
            )
    has_intercept = spec.structure[0].term.degree == 0  # terms come in order of their degree
    values = np.asarray(matrix.__wrapped__, dtype=np.float64)[:, int(has_intercept) :]
    names = tuple(str(name) for name in spec.column_names[int(has_intercept) :])
    levels = {
        factor: tuple(from_json(to_json(state["categories"])))
        for factor, (_, state) in spec.encoder_state.items()
        if "categories" in state
    }
    learned = LearnedSide(columns, to_json(spec.transform_state), levels)
    terms = {
        str(row.term): tuple(map(str, row.columns)) for row in spec.structure if row.term.degree
    }
    return ModelMatrix(values, names, has_intercept, learned, terms)
