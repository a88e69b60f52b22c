"""The terms of a formula become columns: formulaic builds them, and nothing is imputed."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data.formulas.encoding import from_json, to_json
from bayesml.data.formulas.names import private, shown, written
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
        State of center, scale, poly, bs, … by expression with private names, encoded.
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
            for factor, levels in _by_factor(terms, learned.levels).items()
        },
    )
    materializer = PandasMaterializer(rows.rename(columns=private))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = materializer.get_model_matrix(spec)
    except Exception as error:
        _refuse_unseen_levels(materializer, _by_factor(terms, learned.levels), row_labels)
        _refuse_outside(learned.transforms, rows, str(error), row_labels)
        raise DataError(f"the formula cannot be evaluated: {plain_message(error)}") from error
    return _without_intercept(matrix, learned.columns)


def _by_factor(
    terms: "SimpleFormula", levels: Mapping[str, tuple[Any, ...]]
) -> dict[str, tuple[Any, ...]]:
    """Give the levels by the factors of formulaic, which hold private names."""
    factors = {shown(factor.expr): factor.expr for term in terms for factor in term.factors}
    return {factors.get(name, name): known for name, known in levels.items()}


def as_they_are(terms: "SimpleFormula", learned: LearnedSide, names: Sequence[str]) -> bool:
    """Say whether the columns that terms make are columns of numbers, nothing done to them."""
    numbers = {column.name for column in learned.columns if column.kind == "number"}
    made = [[factor.expr for factor in term.factors] for term in terms if term.degree]
    return numbers.issuperset(names) and made == [[private(name)] for name in names]


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
                    f"{shown(factor)} is {quoted(unseen)} in {row_names(rows, row_labels)}, which "
                    f"the training rows never had; its levels are {quoted(known)}"
                )


def _refuse_outside(transforms: Any, rows: "pd.DataFrame", said: str, row_labels: Labels) -> None:
    """Name the rows beyond the knots of a spline, and say what to write."""
    if "upper and/or lower bounds" not in said:
        return
    for expression, state in from_json(transforms).items():
        column = next((name for name in rows if private(str(name)) in expression), None)
        if column is None or "lower_bound" not in state:
            continue
        x, low, high = rows[column].to_numpy(), state["lower_bound"], state["upper_bound"]
        if expression.startswith(f"bs({private(str(column))},") and ((x < low) | (x > high)).any():
            outside = np.flatnonzero((x < low) | (x > high))
            raise DataError(
                f"{shown(expression)} learned its knots from {low:g} to {high:g}, but "
                f"{column!r} is {x[outside[0]]:g} in {row_names(outside, row_labels)}: write "
                f"bs({written(str(column))}, …, extrapolation='extend') to go on with the last "
                "piece, or cr(…), which goes on straight"
            )


def _without_intercept(matrix: Any, columns: tuple[Column, ...]) -> ModelMatrix:
    """Split what formulaic built into features, the intercept, and what was learned."""
    spec = matrix.model_spec
    for row in spec.structure:
        if not row.columns:
            raise DataError(
                f"{shown(str(row.term))!r} has a single level, so that its effect cannot be told "
                "from the rest of the model; leave it out of the formula"
            )
    has_intercept = spec.structure[0].term.degree == 0  # terms come in order of their degree
    values = np.asarray(matrix.__wrapped__, dtype=np.float64)[:, int(has_intercept) :]
    names = tuple(shown(str(name)) for name in spec.column_names[int(has_intercept) :])
    levels = {
        shown(factor): tuple(from_json(to_json(state["categories"])))
        for factor, (_, state) in spec.encoder_state.items()
        if "categories" in state
    }
    learned = LearnedSide(columns, to_json(spec.transform_state), levels)
    terms = {
        shown(str(row.term)): tuple(shown(str(name)) for name in row.columns)
        for row in spec.structure
        if row.term.degree
    }
    return ModelMatrix(values, names, has_intercept, learned, terms)
