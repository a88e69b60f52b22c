"""Formulas, strictly: formulaic builds the columns, and nothing is dropped or imputed in silence.

A fitted formula is kept as plain data: its text, the columns it reads, and what its transformations
and factors learned. Every matrix is built from these alone, so that a design that was saved and one
that was not give the same X to the last bit.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesml.data import frames
from bayesml.data.checks import require_finite
from bayesml.data.encoding import decode, encode
from bayesml.data.expressions import Part, Use, uses
from bayesml.data.messages import quoted, row_names
from bayesml.data.tables import Column, missing_report, missing_rows, table
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from formulaic import SimpleFormula
    from formulaic.materializers import PandasMaterializer


MADE = "a transformation made it from a number outside its domain"


class Sides(NamedTuple):
    """A parsed formula: the terms left and right of `~`."""

    left: "SimpleFormula"
    right: "SimpleFormula"


@dataclass(frozen=True)
class Learned:
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
    transforms: Any
    levels: Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class FormulaDesign:
    """Columns built by a formula, with the factor levels and transformations of the training rows."""

    formula: str
    feature_names: tuple[str, ...]
    target_name: str
    has_intercept: bool
    left: Learned
    right: Learned

    def matrix(self, new: Any) -> NDArray[np.float64]:
        """X of new rows; columns that the formula does not read are ignored."""
        right = parse(self.formula).right
        built, labels = self._build(right, self.right, new)
        require_finite(built.values, "X", built.names, labels, MADE)
        return built.values

    def target(self, new: Any) -> NDArray[np.float64] | None:
        """The left side of new rows; None where a column of it is absent or all missing."""
        if not frames.is_frame(new):
            return None
        known = frames.column_names(new)
        if any(column.name not in known for column in self.left.columns):
            return None
        if table(new, self.left.columns, self.formula).isna().all(axis=0).any():
            return None
        built, labels = self._build(parse(self.formula).left, self.left, new)
        require_finite(built.values, "y", built.names, labels, MADE)
        return built.values[:, 0]

    def _build(
        self, terms: "SimpleFormula", learned: Learned, new: Any
    ) -> "tuple[Built, NDArray[Any] | None]":
        rows = table(new, learned.columns, f"the formula {self.formula!r}")
        labels = frames.row_labels(new)
        missing = missing_rows(rows)
        if len(missing):
            raise DataError(
                f"missing values in {missing_report(rows, missing, labels)}; "
                "drop these rows or fill them"
            )
        require_finite_numbers(rows, labels)
        return build(terms, rows, learned, labels, self.formula), labels

    def to_config(self) -> dict[str, Any]:
        return {
            "kind": "formula",
            "formula": self.formula,
            "feature_names": list(self.feature_names),
            "target_name": self.target_name,
            "has_intercept": self.has_intercept,
            "left": _learned_config(self.left),
            "right": _learned_config(self.right),
        }


def _learned_config(learned: Learned) -> dict[str, Any]:
    return {
        "columns": [list(column) for column in learned.columns],
        "transforms": learned.transforms,
        "levels": {factor: list(levels) for factor, levels in learned.levels.items()},
    }


def formula_design_from_config(config: Mapping[str, Any]) -> FormulaDesign:
    """The design that `FormulaDesign.to_config` described."""
    left, right = (
        Learned(
            columns=tuple(Column(*column) for column in side["columns"]),
            transforms=side["transforms"],
            levels={factor: tuple(levels) for factor, levels in side["levels"].items()},
        )
        for side in (config["left"], config["right"])
    )
    return FormulaDesign(
        formula=config["formula"],
        feature_names=tuple(config["feature_names"]),
        target_name=config["target_name"],
        has_intercept=config["has_intercept"],
        left=left,
        right=right,
    )


def parse(formula: str, columns: tuple[str, ...] | None = None) -> Sides:
    """The two sides of a formula, every expression and, given the columns, every name checked.

    Raises
    ------
    DataError
        For a formula that cannot be read, has no or several targets, or uses unknown names.
    """
    from formulaic import Formula
    from formulaic.errors import FormulaicError
    from formulaic.formula import SimpleFormula, StructuredFormula

    try:
        list(uses(_parts(formula), columns, formula))  # before formulaic evaluates any of it
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        raise DataError(f"the formula {formula!r} cannot be read: {_plain(error)}") from error
    if not isinstance(parsed, StructuredFormula) or "lhs" not in parsed:
        raise DataError(f"the formula {formula!r} has no target; write 'y ~ …'")
    left, right = parsed.lhs, parsed.rhs
    if not isinstance(left, SimpleFormula) or not isinstance(right, SimpleFormula):
        raise DataError(f"the formula {formula!r} has parts divided by '|'; one part is needed")
    if len(left) != 1 or not left[0].degree:
        raise DataError(
            f"the formula {formula!r} has {len(left)} targets left of '~' where one column is "
            "needed; for a sum of columns write {a + b} ~ …"
        )
    if not len(right) or not formula.rpartition("~")[2].strip():
        raise DataError(f"the formula {formula!r} has nothing right of '~'; 'y ~ 1' is the mean")
    return Sides(left, right)


def expand_dot(formula: str, columns: Sequence[str]) -> str:
    """The formula with `.` written out as all columns that its left side does not use."""
    left, tilde, right = formula.partition("~")
    if not re.search(r"(?<![\w.`])\.(?![\w.`])", right):
        return formula
    used = {use.column for use in uses(_parts(left), tuple(columns), formula)}
    others = [name if name.isidentifier() else f"`{name}`" for name in columns if name not in used]
    return left + tilde + re.sub(r"(?<![\w.`])\.(?![\w.`])", f"({' + '.join(others)})", right)


def _parts(formula: str) -> Iterator[Part]:
    from formulaic.parser.algos.tokenize import tokenize

    for token in tokenize(formula):
        if token.kind in (token.Kind.NAME, token.Kind.PYTHON):
            yield Part(token.token, token.kind is token.Kind.PYTHON)


def term_uses(terms: "SimpleFormula", columns: tuple[str, ...], formula: str) -> list[Use]:
    """The columns that one side of a formula uses."""
    factors = [factor for term in terms for factor in term.factors]
    parts = [
        Part(factor.expr, factor.eval_method.value == "python")
        for factor in factors
        if factor.eval_method.value != "literal"
    ]
    return list(uses(parts, columns, formula))


def _plain(error: BaseException) -> str:
    """The first line of an error of formulaic, without its terminal colours."""
    return re.sub(r"\x1b\[[0-9;]*m|[\u29da\u29db]", "", str(error)).partition("\n")[0]


class Built(NamedTuple):
    """The columns that one side of a formula makes, without the intercept."""

    values: NDArray[np.float64]
    names: tuple[str, ...]
    has_intercept: bool
    transforms: Any
    levels: dict[str, tuple[Any, ...]]


def build(
    terms: "SimpleFormula",
    rows: "pd.DataFrame",
    learned: Learned | None,
    labels: NDArray[Any] | None,
    formula: str,
) -> Built:
    """Materialise one side of a formula, learning from `rows` where nothing was learned before."""
    from formulaic import ModelSpec
    from formulaic.errors import DataMismatchWarning
    from formulaic.materializers import PandasMaterializer
    from formulaic.parser.types import Factor

    levels = learned.levels if learned else {}
    spec = ModelSpec(
        formula=terms,
        output="numpy",
        na_action="ignore",
        transform_state=decode(learned.transforms) if learned else {},
        encoder_state={
            factor: (Factor.Kind.CATEGORICAL, {"categories": list(known)})
            for factor, known in levels.items()
        },
    )
    materializer = PandasMaterializer(rows)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = materializer.get_model_matrix(spec)
    except Exception as error:
        _refuse_unseen_levels(materializer, levels, labels)
        raise DataError(f"the formula {formula!r} cannot be evaluated: {_plain(error)}") from error
    return _without_intercept(matrix, formula)


def _refuse_unseen_levels(
    materializer: "PandasMaterializer",
    levels: Mapping[str, Sequence[Any]],
    labels: NDArray[Any] | None,
) -> None:
    for factor, known in levels.items():
        if factor in materializer.factor_cache:
            values = np.asarray(materializer.factor_cache[factor].values.__wrapped__, dtype=object)
            unseen = [i for i, value in enumerate(values) if value not in known]
            if unseen:
                raise DataError(
                    f"{factor} has {quoted({values[i]: None for i in unseen})} in "
                    f"{row_names(unseen, labels)}, which the training rows did not have; "
                    f"the known levels are {quoted(known)}"
                )


def _without_intercept(matrix: Any, formula: str) -> Built:
    spec = matrix.model_spec
    empty = [str(row.term) for row in spec.structure if not row.columns]
    if empty:
        raise DataError(
            f"in the formula {formula!r}, {quoted(empty)} has a single level, which cannot be told "
            "from the rest of the model; leave it out"
        )
    is_feature = [row.term.degree > 0 for row in spec.structure for _ in row.columns]
    values = np.asarray(matrix.__wrapped__, dtype=np.float64)
    if not all(is_feature):
        values = np.ascontiguousarray(values[:, is_feature])
    names = [name for name, keep in zip(spec.column_names, is_feature, strict=True) if keep]
    return Built(
        values=values,
        names=tuple(str(name) for name in names),
        has_intercept=not all(is_feature),
        transforms=encode(spec.transform_state),
        levels={
            factor: tuple(decode(encode(state["categories"])))
            for factor, (_, state) in spec.encoder_state.items()
            if "categories" in state
        },
    )


def require_finite_numbers(rows: "pd.DataFrame", labels: NDArray[Any] | None) -> None:
    """Refuse infinities in the columns that a formula reads, by row and column."""
    for name, values in rows.items():
        if values.dtype == np.float64:
            require_finite(values.to_numpy(), f"column {name!r}", labels=labels)
