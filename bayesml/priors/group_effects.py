"""Priors of models with effects of groups. Derived in docs/theory/group_effects.md, (G22)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesml.arguments import check_mapping, shown
from bayesml.data.messages import suggestion
from bayesml.data.roles import CURVE, Group
from bayesml.distributions import LKJ, Distribution, Flat, HalfStudentT
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import (
    Coefficients,
    Prior,
    Resolved,
    Unknown,
    check_stated_prior,
    is_of_scale,
)
from bayesml.priors.entries import words
from bayesml.priors.groups_in_pymc import effects_in_pymc
from bayesml.priors.independent import as_prior
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values
from bayesml.priors.roles import exported
from bayesml.priors.scales import Scales
from bayesml.priors.weakly_informative import WeaklyInformative
from bayesml.typing import Array

DEFAULT, UNIFORM = WeaklyInformative(), LKJ(1.0)


@dataclass(frozen=True)
class GroupEffects:
    r"""How the effects of the levels of a factor vary (G22).

    .. math:: u_g \sim \mathrm{Normal}(0, S R S), \qquad S = \mathrm{diag}(\mathrm{sd}),
              \quad R \sim \mathrm{LKJ}(\eta)

    Parameters
    ----------
    sd : Distribution, mapping of term to Distribution, or None
        Prior of the standard deviations, on the link scale per unit of the term. None is
        ``HalfStudentT(3, 2.5 sd(y))``, sd(y) on the link scale.
    correlation : LKJ
        Of the correlations between the effects of one level.

    Examples
    --------
    >>> import bayesml as bm
    >>> bm.GroupEffects(sd={"intercept": bm.HalfNormal(50), "Days": bm.HalfNormal(20)})
    GroupEffects(sd={'intercept': HalfNormal(scale=50.0), 'Days': HalfNormal(scale=20.0)},
    correlation=LKJ(concentration=1.0))
    """

    sd: Distribution | Mapping[str, Distribution] | None = None
    correlation: LKJ = UNIFORM

    def __post_init__(self) -> None:
        stated = [self.sd] if self.sd is not None and not isinstance(self.sd, Mapping) else []
        if isinstance(self.sd, Mapping):
            object.__setattr__(self, "sd", dict(self.sd))
            stated = list(self.sd.values())
        wrong = [prior for prior in stated if not is_of_scale(prior)]
        if wrong:
            raise IncompatibleModelError(
                "GroupEffects: sd needs a distribution on the positive half line, such as "
                f"HalfNormal(1), got {shown(wrong[0])}."
            )
        if not isinstance(self.correlation, LKJ):
            raise IncompatibleModelError(
                "GroupEffects: correlation needs LKJ(concentration), got "
                f"{shown(self.correlation)}. Priors of several terms are a mapping: "
                "GroupEffects({'intercept': ..., 'x': ...})."
            )

    def resolved(self, group: Group, default: Distribution) -> "GroupEffects":
        """State the prior of every term of a group."""
        stated = self.sd
        if not isinstance(stated, Mapping):
            return GroupEffects(dict.fromkeys(group.terms, stated or default), self.correlation)
        if unknown := [term for term in stated if term not in group.terms]:
            terms = [term for term in group.terms if term != CURVE]
            there = (
                f"the terms of {group.factor!r} are {terms}"
                if terms
                else (f"{group.factor!r} is a curve, which has one: give its distribution alone")
            )
            raise IncompatibleModelError(
                f"GroupEffects: sd names {unknown[0]!r}, but {there}"
                f"{suggestion(unknown[0], terms)}."
            )
        full = {term: stated.get(term, default) for term in group.terms}
        return GroupEffects(full, self.correlation)


@dataclass(frozen=True)
class Hierarchical:
    """Priors of the coefficients, and of the effects of groups and of smooths.

    Parameters
    ----------
    coefficients : Prior or Flat
        Of the linear part, the lines of smooths included.
    groups : mapping of factor or smooth to GroupEffects
        ``"subject"``, ``"s(x)"``. What is not named has the default of `GroupEffects`; the scale of
        a smooth is the standard deviation over the rows of what bends in it.

    Raises
    ------
    IncompatibleModelError
        At fit, if the data have no group or term of such a name.

    Examples
    --------
    >>> import bayesml as bm
    >>> prior = bm.Hierarchical(groups={"g": bm.GroupEffects(bm.HalfNormal(2))})
    >>> frame = {"y": [1.0, 2.0, 4.0, 3.0], "g": ["a", "a", "b", "b"]}
    >>> data = bm.Data.from_formula("y ~ 1 + (1 | g)", frame)
    >>> print(bm.Model(prior=prior).resolve(data).prior.describe())
    intercept at the mean of the features ~ Normal(mean=2.5, sd=3.227)
    sd[g, intercept] ~ HalfNormal(scale=2.0)
    """

    coefficients: Prior | Flat = DEFAULT
    groups: Mapping[str, GroupEffects] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_stated_prior("Hierarchical", "coefficients", self.coefficients)
        check_mapping(self, "groups")
        for name, effects in self.groups.items():
            if not isinstance(effects, GroupEffects):
                raise IncompatibleModelError(
                    f"Hierarchical: groups[{name!r}] must be a GroupEffects(...), got "
                    f"{shown(effects)}."
                )

    @property
    def of_coefficients(self) -> Prior:
        """The prior of the linear part."""
        return as_prior(self.coefficients)

    def resolve(self, scales: Scales) -> Resolved:
        """Refuse data without groups, unless nothing is said of any."""
        if self.groups:
            raise IncompatibleModelError(
                f"Hierarchical: groups names {list(self.groups)}, but the data have no groups: "
                "write them in the formula, 'y ~ x + (1 | g)'."
            )
        return self.of_coefficients.resolve(scales)

    def for_groups(self, prior: Resolved, groups: tuple[Group, ...], sd_eta: float) -> "WithGroups":
        """State every number, given the prior of the linear part that has met the data."""
        factors = [group.factor for group in groups]
        if unknown := [name for name in self.groups if name not in factors]:
            raise IncompatibleModelError(
                f"Hierarchical: groups names {unknown[0]!r}, but the groups are {factors}"
                f"{suggestion(unknown[0], factors)}."
            )
        flat = self.coefficients == Flat() and not self.groups
        default = Flat() if flat else HalfStudentT(3.0, 2.5 * sd_eta)
        nothing = GroupEffects()
        effects = tuple(
            self.groups.get(group.factor, nothing).resolved(group, default) for group in groups
        )
        return WithGroups(prior, groups, effects)

    def describe(self) -> str:
        """Say the priors in words."""
        lines = self.of_coefficients.describe().split("\n")
        lines += [f"{name}: {effects!r}" for name, effects in self.groups.items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class WithGroups:
    """Priors of the linear part and of the effects of groups, which have met their data.

    Attributes
    ----------
    coefficients : Resolved
    groups : tuple of Group
    effects : tuple of GroupEffects
        With a distribution of every term.
    """

    coefficients: Resolved
    groups: tuple[Group, ...]
    effects: tuple[GroupEffects, ...]

    @property
    def proper(self) -> bool:
        """Whether the priors of all standard deviations are."""
        return all(prior.proper for _, _, priors, _ in self.parts() for prior in priors)

    def parts(self) -> Iterator[tuple[Group, tuple[str, ...], tuple[Distribution, ...], LKJ]]:
        """Yield every group with its terms, the priors of their scales and of correlations."""
        for group, effects in zip(self.groups, self.effects, strict=True):
            stated: Any = effects.sd
            priors = tuple(stated[term] for term in group.terms)
            yield group, group.terms, priors, effects.correlation

    @property
    def of_coefficients(self) -> Prior:
        """The prior of the linear part."""
        return self.coefficients

    def for_groups(self, prior: Resolved, groups: tuple[Group, ...], sd_eta: float) -> "WithGroups":
        """Return itself: every number is stated."""
        return self

    def resolve(self, scales: Scales) -> "WithGroups":
        """Return itself."""
        return self

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return None: effects are Gaussian given scales and correlations that are inferred."""
        return None

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Refuse: it is asked by parts, by what knows groups."""
        raise IncompatibleModelError(
            "This method does not know effects of groups. Use NUTS(), MLE(), MAP() or Auto(); for "
            "a Gaussian likelihood also Exact()."
        )

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Refuse, as `log_density_and_score` does."""
        return np.asarray(self.log_density_and_score(problem, np.empty(0), values))

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return the scales of the effects of every group."""
        return {}

    def scale_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of standard deviations and correlations, by name."""
        out: dict[str, tuple[int, ...]] = {}
        for group in self.groups:
            curve = group.terms == (CURVE,)
            out[f"sd[{group.factor}]"] = () if curve else (len(group.terms),)
            if group.pairs:
                out[f"correlation[{group.factor}]"] = (len(group.pairs),)
        return out

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return coefficients and effects, the latter in units of their scales (G38)."""
        found, values = exported(self.coefficients, pm, problem)
        for group, _, priors, correlation in self.parts():
            name = f"effects[{group.factor}]"
            shape = problem.shapes[name]
            found[name] = effects_in_pymc(pm, group, shape, priors, correlation)
        return found, values

    def describe(self) -> str:
        """Say the priors in words."""
        lines = self.coefficients.describe().split("\n")
        for group, terms, priors, correlation in self.parts():
            pairs = zip(terms, priors, strict=True)
            lines += [f"{group.scale_name(term)} ~ {words(prior)}" for term, prior in pairs]
            if max(group.blocks) > 1:
                lines.append(f"correlation[{group.factor}] ~ LKJ({correlation.concentration:g})")
        return "\n".join(lines)
