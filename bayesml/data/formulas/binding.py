"""A formula meets the columns of a frame, then rows of it, which make its design."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from bayesml.data import frames
from bayesml.data.checks import require_unique
from bayesml.data.designs import Design
from bayesml.data.formulas.clauses import Clause, clauses
from bayesml.data.formulas.design import FormulaDesign
from bayesml.data.formulas.expressions import Use
from bayesml.data.formulas.joined import JoinedDesign
from bayesml.data.formulas.levels import LevelsDesign
from bayesml.data.formulas.model_matrix import (
    LearnedSide,
    ModelMatrix,
    build_matrix,
    build_target,
)
from bayesml.data.formulas.names import shown
from bayesml.data.formulas.parsing import (
    Sides,
    expand_dot,
    parse,
    refuse_idle_minus,
    term_uses,
)
from bayesml.data.formulas.smooth_design import SmoothDesign
from bayesml.data.formulas.splitting import arguments_of, is_call
from bayesml.data.formulas.tables import (
    Column,
    require_frame,
    typed_columns,
)
from bayesml.data.messages import Labels, quoted
from bayesml.data.roles import INTERCEPT, Features, Group, Roles, Smooth, column_name
from bayesml.data.splines import Spline
from bayesml.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class BoundFormula(NamedTuple):
    """A clause that has met the columns of a frame, but not yet its rows.

    `right` are the columns of all clauses, so that each looks at the same complete rows; `factor`
    those whose levels are numbered, where that is what the clause is for.
    """

    formula: str
    sides: Sides
    left: tuple[Column, ...]
    right: tuple[Column, ...]
    factor: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoundClauses:
    """All clauses of a formula that have met the columns of a frame.

    Attributes
    ----------
    parts : tuple of BoundFormula
    clauses : tuple of Clause
        What each is for.
    weights : str or None
        The column of observation weights.
    """

    parts: tuple[BoundFormula, ...]
    clauses: tuple[Clause, ...]
    weights: str | None

    @property
    def smooths(self) -> list[int]:
        """Which clauses are the columns of smooths."""
        return [k for k, clause in enumerate(self.clauses) if clause.kind == "smooth"]

    def design(
        self, designs: Sequence[FormulaDesign | LevelsDesign], splines: Sequence[Spline]
    ) -> Design:
        """Return the design of all clauses from that of each, and the splines of the smooths."""
        first, *others = designs
        if isinstance(first, FormulaDesign) and not others:
            return first
        pairs = list(zip(self.clauses, designs, strict=True))
        predictors = [
            Features(clause.role, design.feature_names, design.has_intercept, design.terms)
            for clause, design in pairs
            if clause.kind == "predictor" and isinstance(design, FormulaDesign)
        ]
        known = [clause for clause in self.clauses if clause.known]
        for clause, design in pairs:
            if clause.known and (isinstance(design, LevelsDesign) or design.levels):
                raise DataError(
                    f"{clause.role}({clause.text}) holds text or categories, and one number of "
                    "every row is needed"
                )
        groups = self._groups(pairs)
        names = [column_name(part.predictor, name) for part in predictors for name in part.names]
        both = [group.factor for group in groups if group.factor in names]
        if both:
            raise DataError(
                f"{quoted(both)} is a column of the formula and a group: give the levels a column "
                f"of another name, (1 | level_of_{both[0]})"
            )
        names += [f"{clause.role}({clause.text})" for clause in known]
        names += [name for group in groups for name in group.columns]
        curves = self._curves(designs, splines)
        smooths = tuple(Smooth(curve.label, curve.kind) for curve in curves)
        names += [name for smooth in smooths for name in smooth.columns]
        require_unique(names, "the columns of a formula")
        roles = Roles(tuple(predictors), tuple(clause.role for clause in known), groups, smooths)
        plain = [design for clause, design in pairs if clause.kind not in ("smooth", "by")]
        return JoinedDesign((*plain, *curves), tuple(names), roles)

    def _curves(
        self, designs: Sequence[FormulaDesign | LevelsDesign], splines: Sequence[Spline]
    ) -> list[SmoothDesign]:
        """Put the columns of every smooth and what it learned together."""
        by = {c.role: d for c, d in zip(self.clauses, designs, strict=True) if c.kind == "by"}
        found = []
        for k, spline in zip(self.smooths, splines, strict=True):
            column: Any = designs[k]
            label = self.clauses[k].role
            found.append(SmoothDesign(label, column, spline, by.get(label)))
        return found

    def _groups(
        self, pairs: list[tuple[Clause, FormulaDesign | LevelsDesign]]
    ) -> tuple[Group, ...]:
        """Put the terms of every factor together."""
        found: dict[str, list[tuple[str, ...]]] = {}
        for clause, design in pairs:
            if clause.kind == "terms" and isinstance(design, FormulaDesign):
                level = (INTERCEPT,) if design.has_intercept else ()
                blocks = [level, *design.terms.values()]
                if clause.correlated:
                    blocks = [(*level, *design.feature_names)]
                found.setdefault(clause.role, []).extend(block for block in blocks if block)
        groups = []
        for factor, blocks in found.items():
            terms = tuple(name for block in blocks for name in block)
            repeated = [term for term, count in Counter(terms).items() if count > 1]
            if repeated:
                raise DataError(
                    f"the effects of {factor!r} have {quoted(repeated)} more than once: write each "
                    f"in one term. (x | {factor}) has an intercept of its own; beside (1 | "
                    f"{factor}), (0 + x | {factor}) has none"
                )
            groups.append(Group(factor, terms, tuple(map(len, blocks))))
        return tuple(groups)


def bind_formula(formula: str, frame: Any, observation_weights: Any) -> BoundClauses:
    """Read a formula against the names and kinds of the columns of a frame.

    `observation_weights` are those given beside it: the name of a column, or one a row.
    """
    require_frame(frame)
    names = frames.column_names(frame)
    found = clauses(formula)
    if found.weights is not None and observation_weights is not None:
        raise DataError(
            f"the formula {formula!r} has weights({found.weights}), and observation_weights is "
            "given too; give one of them"
        )
    weights = observation_weights if isinstance(observation_weights, str) else found.weights
    known = {
        part.role: _uses(_sides(part.formula, names, formula), names)
        for part in found.parts
        if part.known
    }
    if idle := [role for role, used in known.items() if not used]:
        raise DataError(
            f"in the formula {formula!r}, {idle[0]}(…) reads no column; one number of every row is "
            "needed: put it into a column, also where all are the same"
        )
    taken = {use.column for used in known.values() for use in used}
    taken |= {name for part in found.parts for name in part.factor}
    taken |= {weights} if weights else set()
    texts = [
        expand_dot(p.formula, names, taken) if p.kind == "predictor" else p.formula
        for p in found.parts
    ]
    sides = [_sides(text, names, formula) for text in texts]
    for part, text in zip(found.parts, texts, strict=True):
        if part.kind == "predictor" and text == part.formula:
            refuse_idle_minus(text, names, formula)
    left = typed_columns(term_uses(sides[0].left, names, texts[0]), frame)
    right = typed_columns([use for each in sides for use in _uses(each, names)], frame)
    _require_target(left, right, formula)
    kinds = {column.name: column.kind for column in right}
    factors = [_factor(part, kinds) for part in found.parts]
    for part, each in zip(found.parts, sides, strict=True):
        if part.kind == "smooth":
            _require_numbers(part.role, [kinds[use.column] for use in _uses(each, names)])
    parts = (
        BoundFormula(text, each, left, right, factor)
        for text, each, factor in zip(texts, sides, factors, strict=True)
    )
    return BoundClauses(tuple(parts), found.parts, weights)


def _sides(text: str, names: tuple[str, ...], formula: str) -> Sides:
    """Read a clause; what is wrong with it is said of the formula that was written."""
    try:
        return parse(text, names)
    except DataError as error:
        raise DataError(str(error).replace(repr(text), repr(formula))) from error


def _factor(clause: Clause, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns whose levels are numbered, where that is what a clause is for."""
    if clause.kind != "by":
        return clause.factor if clause.kind == "levels" else ()
    coded = is_call(clause.text, "C")
    name = (arguments_of(clause.text, "C") if coded else clause.text).strip("`")
    return (name,) if coded or kinds[name] != "number" else ()


def _require_numbers(label: str, kinds: Sequence[str]) -> None:
    if not kinds or any(kind != "number" for kind in kinds):
        what = "levels" if kinds else "no column"
        raise DataError(
            f"{label} is of {what}, and a smooth is of numbers. For levels write the column "
            "itself, or (1 | g) for effects that vary about zero."
        )


def _uses(sides: Sides, names: tuple[str, ...]) -> list[Use]:
    return term_uses(sides.right, names, shown(str(sides.right)))


def design_of(
    bound: BoundFormula, target: ModelMatrix, features: ModelMatrix, weights: str | None
) -> FormulaDesign:
    """Remember what both sides learned, and which column holds the weights."""
    return FormulaDesign(
        formula=bound.formula,
        feature_names=features.names,
        target_name=target.names[0],
        has_intercept=features.has_intercept,
        left=target.learned,
        right=features.learned,
        terms=features.terms,
        weights_column=weights,
    )


def _require_target(left: tuple[Column, ...], right: tuple[Column, ...], formula: str) -> None:
    """Refuse a target made of levels and numbers, or that would be predicted from itself."""
    if len(left) > 1 and any(column.kind != "number" for column in left):
        raise DataError(
            f"the target of {formula!r} is made of {quoted(c.name for c in left)}, of which some "
            "hold levels; a target of levels is one column"
        )
    both = {column.name for column in left} & {column.name for column in right}
    if both:
        raise DataError(
            f"in the formula {formula!r}, {quoted(sorted(both))} is on both sides of '~'; "
            "a target cannot be predicted from itself"
        )


def build_sides(
    bound: BoundFormula, left: LearnedSide, right: LearnedSide, rows: "pd.DataFrame", labels: Labels
) -> tuple[ModelMatrix, ModelMatrix]:
    """Build y and X, learning from `rows` the levels and transformations not yet known."""
    target = build_target(bound.sides.left, rows, left, labels)
    if len(target.names) != 1:
        raise DataError(
            f"the left side of the formula makes {len(target.names)} columns, "
            f"{quoted(target.names)}; a target is one"
        )
    features = build_matrix(bound.sides.right, rows, right, labels)
    require_unique(features.names, "the columns of a formula")
    return target, features
