"""Priors of terms by name, the default for the rest: (Z1) of docs/theory/sparse_priors.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bayesml.arguments import check_mapping
from bayesml.data.messages import suggestion
from bayesml.distributions import Distribution, Normal
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.priors.base import Resolved
from bayesml.priors.entries import check_prior, unstack
from bayesml.priors.independent import Independent
from bayesml.priors.scales import Scales

MULTIPLE = 2.5
"""Of sd(y)/sd(x), the standard deviation of what is not named, as in `WeaklyInformative`."""


@dataclass(frozen=True)
class ByTerm:
    r"""Independent priors of terms or features by name, and the default for all others.

    .. math:: \theta_j \sim p_{t(j)}, \qquad \theta_j \sim \mathrm{Normal}\Bigl(0,\
              2.5\,\frac{\mathrm{sd}(y)}{\mathrm{sd}(x_j)}\Bigr)\ \text{where none is named}
              \qquad (Z1)

    The default is here one of columns, not of directions as in `WeaklyInformative`: a joint prior
    of all columns says nothing of a part of them. Resolved, it is `Independent`, or `Scaled`
    where a scale is inferred.

    Parameters
    ----------
    terms : mapping of name to Distribution
        A name is a term of the formula, for all its columns, such as ``C(species)``, or a feature,
        for one. In units of y per unit of x; parameters may be sequences, one entry a column. A
        scale that is a distribution is inferred, one for all the columns of the term:
        ``Normal(0, sd=HalfNormal(1))``.
    intercept : Distribution or None
        Of the prediction at the mean of the features, in the unit of y; None is
        Normal(mean(y), 2.5 sd(y)), both on the scale of the link.
    rest : Distribution or None
        Of every weight that is not named; None is (Z1).

    Raises
    ------
    IncompatibleModelError
        If something other than a distribution is given; at fit, if a name is neither a term nor a
        feature, or a feature is named twice.
    DataError
        At fit, if the target is constant, so that defaults have no scale to go by.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm, vignette "Prior distributions for rstanarm models".

    Examples
    --------
    >>> import bayesml as bm
    >>> frame = {"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 3.0], "g": ["a", "b", "c", "a"]}
    >>> data = bm.Data.from_formula("y ~ x + C(g)", frame)
    >>> model = bm.Model(prior=ByTerm({"C(g)": bm.Normal(0, 5)}))
    >>> model.resolve(data).prior.weights["C(g)[T.b]"]
    Normal(mean=0.0, sd=5.0)
    """

    terms: Mapping[str, Distribution] = field(default_factory=dict)
    intercept: Distribution | None = None
    rest: Distribution | None = None

    def __post_init__(self) -> None:
        check_mapping(self, "terms")
        for name, prior in self.terms.items():
            check_prior("ByTerm", f"terms[{name!r}]", prior, scalar=False)
        for name, own in (("intercept", self.intercept), ("rest", self.rest)):
            if own is not None:
                check_prior("ByTerm", name, own, scalar=True)

    def resolve(self, scales: Scales) -> Resolved:
        """Return one distribution for every feature, in original units."""
        known, groups = self._named(scales)
        defaults = self.intercept is None or (
            self.rest is None and len(known) < len(scales.feature_names)
        )
        if defaults and scales.spread == 0.0:
            raise DataError(
                "The target is constant, so the default priors have no scale to go by. Check the "
                "target column, or state ByTerm(..., intercept=..., rest=...)."
            )
        unit = MULTIPLE * scales.spread
        widths = unit / scales.sizes
        weights: dict[str, Distribution] = {}
        for name, width in zip(scales.feature_names, widths.tolist(), strict=True):
            weights[name] = known.get(name) or self.rest or Normal(0.0, width)
        intercept = self.intercept or Normal(scales.centre, unit)
        if self.rest is not None:
            groups |= {"rest": tuple(name for name in weights if name not in known)}
        return Independent(weights, intercept).in_groups(scales, groups)

    def _named(self, scales: Scales) -> tuple[dict[str, Distribution], dict[str, tuple[str, ...]]]:
        """Return the priors of the features that are named, and these by what names them."""
        features = {name: (name,) for name in scales.feature_names}
        members = features | dict(scales.terms)
        found: dict[str, Distribution] = {}
        for name, prior in self.terms.items():
            if name not in members:
                raise IncompatibleModelError(
                    f"ByTerm: {name!r} is neither a term of the formula nor a feature"
                    f"{suggestion(name, members)}."
                )
            own = members[name]
            if twice := [column for column in own if column in found]:
                raise IncompatibleModelError(
                    f"ByTerm: {name!r} names {twice} once more. Name a feature once, by itself or "
                    "by its term."
                )
            found |= zip(own, unstack(f"ByTerm: {name!r}", prior, len(own)), strict=True)
        return found, {name: members[name] for name in self.terms}

    def describe(self) -> str:
        """Say the prior in words."""
        rest: Any = self.rest or f"Normal(0, {MULTIPLE}·sd(y)/sd(x))"
        intercept: Any = self.intercept or f"Normal(mean(y), {MULTIPLE}·sd(y))"
        lines = [f"intercept at the mean of the features ~ {intercept}"]
        lines += [f"weights[{name}] ~ {prior!r}" for name, prior in self.terms.items()]
        return "\n".join([*lines, f"other weights ~ {rest}"])
