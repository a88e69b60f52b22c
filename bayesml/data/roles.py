"""What the columns of X are for: features of linear predictors, and what is known of every row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from bayesml.data.messages import listed, plural

OFFSET = "offset"
"""The known column that is added to η: a feature whose weight is one."""


INTERCEPT = "intercept"
"""The term of a group that is one in every row."""


CURVE = ""
"""The only term of a curve: all its directions vary alike, and it needs no name."""


TRIALS = "trials"
"""The known column that says how many trials there were in a row."""


PRECISION = "precision"
"""The known column that divides the variance of the noise in a row."""


class Features(NamedTuple):
    """Columns of X, one after the other, that one linear predictor reads.

    Attributes
    ----------
    predictor : str
        What it predicts: empty for η itself, otherwise a parameter of the likelihood.
    names : tuple of str
        Of the features, as that predictor calls them.
    has_intercept : bool or None
        As the formula says; None for arrays and frames.
    terms : mapping of term to feature names
        Of a formula.
    """

    predictor: str
    names: tuple[str, ...]
    has_intercept: bool | None
    terms: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True)
class Group:
    """The effects of the levels of a grouping factor: Σ_j z_j u_{gj}, one u a level and term.

    The last columns of X are those of all groups: the terms that are no intercept, and then the
    number of the level of every row.

    Attributes
    ----------
    factor : str
        By which rows are grouped: a column, or several, `a:b`.
    terms : tuple of str
        What has an effect of its own in every level: ``intercept``, and names of columns.
    blocks : tuple of int
        How many terms, one after the other, are correlated with each other.
    """

    factor: str
    terms: tuple[str, ...]
    blocks: tuple[int, ...]

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Which terms are correlated with which, the later first."""
        ends = [sum(self.blocks[:k]) for k in range(len(self.blocks) + 1)]
        return tuple(
            (i, j)
            for start, end in pairwise(ends)
            for i in range(start, end)
            for j in range(start, i)
        )

    def scale_name(self, term: str) -> str:
        """Name the standard deviation of the effects of a term.

        >>> Group("g", ("intercept",), (1,)).scale_name("intercept")
        'sd[g, intercept]'
        """
        return f"sd[{', '.join(filter(None, (self.factor, term)))}]"

    @property
    def columns(self) -> tuple[str, ...]:
        """What its columns of X are called: of the terms, and of the level's number."""
        own = [f"{self.factor}[{term}]" for term in self.terms if term != INTERCEPT]
        return (*own, self.factor)


@dataclass(frozen=True)
class Smooth:
    """A curve of one column of X: what bends in it, the line being a feature as others are.

    Its columns of X come after those of all groups: what the curve is of, and then what it is
    multiplied by, or the number of the level whose curve it is.

    Attributes
    ----------
    label : str
        As the formula says it: ``s(x)``, ``s(x, by=g)``.
    by : {"", "number", "levels"}
        What differs between rows beside x.
    """

    label: str
    by: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """What its columns of X are called."""
        return (self.label, f"{self.label}[by]") if self.by else (self.label,)


@dataclass(frozen=True)
class LinearPart:
    """One linear predictor, or one for every class, of the same columns of X.

    Attributes
    ----------
    name : str
        Empty for η, otherwise the parameter of the likelihood that it predicts.
    columns : (int, int)
        First column, and the one after the last.
    features : tuple of str
        What these are called.
    intercept : bool
    classes : tuple of str or None
        Of which there is an output each; None for one output.
    """

    name: str
    columns: tuple[int, int]
    features: tuple[str, ...]
    intercept: bool
    classes: tuple[str, ...] | None = None

    @property
    def where(self) -> slice:
        """Its columns."""
        return slice(*self.columns)

    @property
    def feature_dim(self) -> str:
        """What its features are called as a dimension."""
        return f"{self.name}_feature" if self.name else "feature"

    @property
    def size(self) -> int:
        """Number of outputs."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def intercept_name(self) -> str:
        """What its intercept is called."""
        return f"{self.name}_intercept" if self.name else "intercept"

    @property
    def weights_name(self) -> str:
        """What its weights are called."""
        return f"{self.name}_weights" if self.name else "weights"


@dataclass(frozen=True)
class Roles:
    """What the columns of X are for, in their order: those of every predictor, then what is known.

    Attributes
    ----------
    predictors : tuple of Features
        That of η first.
    known : tuple of str
        ``offset``, ``trials``, …: one column each, which no parameter multiplies.
    groups : tuple of Group
        Whose levels have effects of their own.
    smooths : tuple of Smooth
        Curves.

    Examples
    --------
    >>> roles = Roles((Features("", ("age", "sex"), True),), ("offset",))
    >>> roles.plain, roles.places()
    (False, {'': slice(0, 2, None)})
    """

    predictors: tuple[Features, ...]
    known: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    smooths: tuple[Smooth, ...] = ()

    def __str__(self) -> str:
        """Say what there is, in words."""
        words = []
        for part in self.predictors:
            names = listed(part.names)
            count = plural(len(part.names), "feature")
            of = f" of {part.predictor}" if part.predictor else ""
            words.append(f"{count}{of}{': ' if names else ''}{names}")
        words += [f"effects of {group.factor}: {listed(group.terms)}" for group in self.groups]
        words += [smooth.label for smooth in self.smooths]
        return "; ".join([*words, *self.known])

    @property
    def plain(self) -> bool:
        """Whether all columns are features of η."""
        return len(self.predictors) == 1 and not (self.known or self.groups or self.smooths)

    def places(self) -> dict[str, slice]:
        """Return the columns of every predictor."""
        out, start = {}, 0
        for part in self.predictors:
            out[part.predictor] = slice(start, start := start + len(part.names))
        return out

    def known_places(self) -> dict[str, int]:
        """Return the column of everything that is known."""
        start = sum(len(part.names) for part in self.predictors)
        return {name: start + k for k, name in enumerate(self.known)}

    def group_places(self) -> dict[str, slice]:
        """Return the columns of every group, that of the levels' numbers last."""
        start = sum(len(part.names) for part in self.predictors) + len(self.known)
        out = {}
        for group in self.groups:
            out[group.factor] = slice(start, start := start + len(group.columns))
        return out

    @property
    def numbered(self) -> tuple[int, ...]:
        """Which columns hold numbers of levels of groups, that name them and measure nothing."""
        return tuple(place.stop - 1 for place in self.group_places().values())

    def smooth_places(self) -> dict[str, slice]:
        """Return the columns of every smooth."""
        start = sum(len(part.names) for part in self.predictors) + len(self.known)
        start += sum(len(group.columns) for group in self.groups)
        out = {}
        for smooth in self.smooths:
            out[smooth.label] = slice(start, start := start + len(smooth.columns))
        return out

    def to_config(self) -> dict[str, Any]:
        """Describe them in strings and lists."""
        return {
            "predictors": [
                [p, list(names), own, {term: list(made) for term, made in terms.items()}]
                for p, names, own, terms in self.predictors
            ],
            "known": list(self.known),
            "groups": [[group.factor, [*group.terms], [*group.blocks]] for group in self.groups],
            "smooths": [[smooth.label, smooth.by] for smooth in self.smooths],
        }


def plain_roles(names: Sequence[str], has_intercept: bool | None) -> Roles:
    """Return the roles of columns that are all features of η."""
    return Roles((Features("", tuple(names), has_intercept),))


def roles_from_config(config: Mapping[str, Any]) -> Roles:
    """Make the roles that `Roles.to_config` described."""
    parts = (
        Features(p, tuple(names), own, {term: tuple(made) for term, made in terms.items()})
        for p, names, own, terms in config["predictors"]
    )
    groups = (Group(f, tuple(terms), tuple(blocks)) for f, terms, blocks in config["groups"])
    smooths = (Smooth(*smooth) for smooth in config["smooths"])
    return Roles(tuple(parts), tuple(config["known"]), tuple(groups), tuple(smooths))


def column_name(predictor: str, name: str) -> str:
    """Name a column of X by the predictor that reads it.

    >>> column_name("", "age"), column_name("sigma", "age")
    ('age', 'sigma[age]')
    """
    return f"{predictor}[{name}]" if predictor else name
