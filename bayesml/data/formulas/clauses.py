"""A formula of several clauses: `y | trials(n) ~ x + offset(log(t)), sigma ~ z`.

Each clause becomes a formula of its own with the same target, whose columns stand side by side.
"""

from typing import Literal, NamedTuple

from bayesml.data.formulas.bounds import require_readable
from bayesml.data.formulas.groups import Bar, without_groups
from bayesml.data.formulas.smooths import Smooth, without_smooths
from bayesml.data.formulas.splitting import (
    arguments_of,
    halves,
    is_call,
    is_name,
    left_open,
    signed_terms,
    split,
)
from bayesml.data.messages import quoted
from bayesml.data.roles import OFFSET
from bayesml.errors import DataError

WEIGHTS, EXPOSURE = "weights", "exposure"


class Clause(NamedTuple):
    """One formula, and what its columns are for.

    Attributes
    ----------
    role : str
        Empty for η, the parameter that it predicts, the name of what is known, the factor, or the
        smooth.
    kind : {"predictor", "known", "terms", "levels", "smooth", "by"}
        Terms have effects in every level of a factor; levels are those of the factor. Smooth is
        the column that a curve is of, and by what it is multiplied by, or differs between.
    formula : str
        With the target: ``y ~ z``.
    text : str
        The expression, of what is known.
    factor : tuple of str
        The columns whose levels together are the levels.
    correlated : bool
        Of terms: whether their effects are correlated with each other.
    splines : int
        Of a smooth: the number of B-splines.
    """

    role: str
    kind: Literal["predictor", "known", "terms", "levels", "smooth", "by"]
    formula: str
    text: str = ""
    factor: tuple[str, ...] = ()
    correlated: bool = True
    splines: int = 0

    @property
    def known(self) -> bool:
        """Whether it is of what is known of every row."""
        return self.kind == "known"


class Clauses(NamedTuple):
    """All clauses of a formula: of η, other parameters, what is known, groups, smooths; weights."""

    parts: tuple[Clause, ...]
    weights: str | None


def clauses(formula: str) -> Clauses:
    """Split a formula into its clauses; one that has no others stays as it is.

    Raises
    ------
    DataError
        For clauses that cannot be read.

    Examples
    --------
    >>> for part in clauses("y | trials(n) ~ x + offset(log(t)), sigma ~ z").parts:
    ...     print(part.role, part.formula, sep=": ")
    : y ~ x
    sigma: y ~ z
    offset: y ~ 0 + {log(t)}
    trials: y ~ 0 + {n}
    """
    if not isinstance(formula, str):
        raise DataError(f"a formula is text such as 'y ~ x', not {type(formula).__name__}")
    require_readable(formula)
    if wrong := left_open(formula):
        raise DataError(f"the formula {formula!r} cannot be read: {wrong}")
    first, *others = split(formula, ",")
    left, tilde, right = halves(first)
    target, *bars = split(left, "|")
    if not tilde or len(bars) > 1:
        if others or len(bars) > 1:
            raise DataError(
                f"the formula {formula!r} cannot be read: write 'y ~ x', or "
                "'y | trials(n) + weights(w) ~ x + offset(z), sigma ~ x'"
            )
        return Clauses((Clause("", "predictor", formula),), None)
    known = [_call(text, formula) for text in split(bars[0], "+")] if bars else []
    rest, offsets = _without_offsets(right, formula)
    rest, groups = without_groups(rest, formula)
    rest, smooths = without_smooths(rest, formula)
    if not (known or offsets or others or groups or smooths):
        return Clauses((Clause("", "predictor", formula),), None)
    target = target.strip()
    weights = _weights(known, formula)
    terms = [(name, text) for name, text in known if name != WEIGHTS]
    if offsets:
        total = offsets[0] if len(offsets) == 1 else " + ".join(f"({text})" for text in offsets)
        terms = [(OFFSET, total), *terms]
    parts = [
        Clause("", "predictor", f"{target} ~ {rest}"),
        *(_predictor(text, target, formula) for text in others),
        *(Clause(name, "known", f"{target} ~ 0 + {{{text}}}", text) for name, text in terms),
        *_of_groups(groups, target),
        *_of_smooths(smooths, target),
    ]
    roles = [part.role for part in parts if part.kind in ("predictor", "known")]
    if repeated := sorted({role for role in roles if roles.count(role) > 1}):
        raise DataError(f"the formula {formula!r} says {quoted(repeated)} twice; once is needed")
    return Clauses(tuple(parts), weights)


def with_known(formula: str, name: str, column: str) -> str:
    """Say in a formula that a column is known of every row.

    >>> with_known("y | weights(w) ~ x", "precision", "n")
    'y | weights(w) + precision(`n`) ~ x'
    """
    left, tilde, right = halves(formula)
    mark = "+" if len(split(left, "|")) > 1 else "|"
    return f"{left.rstrip()} {mark} {name}(`{column}`) {tilde}{right}"


def _of_groups(bars: list[Bar], target: str) -> list[Clause]:
    """Return the clauses of every factor, one after the other: of its terms, and of its levels."""
    by_factor: dict[tuple[str, ...], list[Bar]] = {}
    for bar in bars:
        by_factor.setdefault(bar.factor, []).append(bar)
    out = []
    for factor, own in by_factor.items():
        label = own[0].label
        for bar in own:
            if bar.terms.strip() in ("0", "-1"):
                raise DataError(
                    f"({bar.terms.strip()} | {label}) has no effects; write (1 | {label})"
                )
            text = f"{target} ~ {bar.terms}"
            out.append(Clause(label, "terms", text, factor=factor, correlated=bar.correlated))
        levels = " + ".join(f"C(`{name}`)" for name in factor)
        out.append(Clause(label, "levels", f"{target} ~ 0 + {levels}", factor=factor))
    return out


def _of_smooths(smooths: list[Smooth], target: str) -> list[Clause]:
    """Return the clauses of every smooth: of its column, and of what it is multiplied by."""
    out = []
    for smooth in smooths:
        text = f"{target} ~ 0 + {{{smooth.x}}}"
        out.append(Clause(smooth.label, "smooth", text, smooth.x, splines=smooth.k))
        if smooth.by:
            out.append(Clause(smooth.label, "by", f"{target} ~ 0 + {smooth.by}", smooth.by))
    return out


def _predictor(text: str, target: str, formula: str) -> Clause:
    name, tilde, right = (part.strip() for part in halves(text))
    if not (tilde and right and name.isidentifier()):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text.strip()!r}: after a comma stands a "
            "parameter of the likelihood and what it depends on, as in 'y ~ x, sigma ~ z'"
        )
    own = (take(right, formula)[1] for take in (_without_offsets, without_groups, without_smooths))
    if any(own):
        raise DataError(
            f"the formula {formula!r}: offsets, groups and smooths are of the first clause only"
        )
    return Clause(name, "predictor", f"{target} ~ {right}")


def _call(text: str, formula: str) -> tuple[str, str]:
    """Read `trials(n)` as a name and an expression."""
    text = text.strip()
    name = text.partition("(")[0]
    if not (name.isidentifier() and is_call(text, name)):
        raise DataError(
            f"the formula {formula!r} cannot be read at {text!r}: between '|' and '~' "
            "stands what is known of every row, as in 'y | trials(n) ~ x'"
        )
    return name, arguments_of(text, name)


def _weights(known: list[tuple[str, str]], formula: str) -> str | None:
    found = [text for name, text in known if name == WEIGHTS]
    if len(found) > 1 or not all(map(is_name, found)):
        raise DataError(
            f"the formula {formula!r}: weights(…) takes the name of one column; compute it before"
        )
    return found[0].strip("`") if found else None


def _without_offsets(right: str, formula: str) -> tuple[str, list[str]]:
    """Take the terms `offset(…)` and `exposure(…)` out of a right side."""
    kept, offsets = "", []
    for sign, term in signed_terms(right):
        text = term.strip()
        name = next((name for name in (OFFSET, EXPOSURE) if text.startswith(f"{name}(")), None)
        if name is None:
            kept += sign + term
        elif sign != "-" and is_call(text, name):
            inside = arguments_of(text, name)
            offsets.append(f"log({inside})" if name == EXPOSURE else inside)
        else:
            raise DataError(
                f"the formula {formula!r} cannot be read at {(sign + term).strip()!r}: {name}(…) "
                f"holds an expression and is added as a term of its own, as in 'y ~ x + {name}(z)'"
            )
    if not offsets:
        return right, []
    return kept.strip().removeprefix("+").strip() or "1", offsets
