"""Priors of which some scales are inferred. Derived in docs/theory/sparse_priors.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, Protocol

import numpy as np

from bayesml.arguments import check_instance, check_mapping
from bayesml.distributions import Distribution, Positive
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Resolved, Unknown, is_of_scale
from bayesml.priors.entries import words
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, by_group
from bayesml.priors.roles import HasKinks, KinkedPrior, OfEntries, PartlyImproper
from bayesml.priors.scales import Scales
from bayesml.typing import Array, Bools, Integers


class Entries(Resolved, OfEntries, PartlyImproper, HasKinks, Protocol):
    """Independent priors of the entries of β."""


@dataclass(frozen=True)
class Scaled:
    r"""Independent priors in units of scales that are inferred, one a group of weights (Z2).

    .. math:: \frac{\theta_j - \mu_j}{\tau_{g(j)}} \sim p_j, \qquad \tau_g \sim p_g

    It is what `Independent` and `ByTerm` become where a scale is a distribution, such as
    ``Normal(0, sd=HalfNormal(1))``. The scales are ``prior_scale[name]``, in units of y per unit
    of x: columns that share one should have a common unit, as the levels of a factor have, or be
    standardised, ``scale(x)`` in a formula.

    Parameters
    ----------
    units : Independent
        With the unit of the scale where that is inferred, mostly one; the intercept's is stated at
        the mean of the features.
    groups : mapping of name to tuple of feature names
    scales : mapping of name to Distribution
        p_g.

    Raises
    ------
    IncompatibleModelError
        If a scale is not positive, or the names of groups and scales differ.

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models;
    Papaspiliopoulos, Roberts & Sköld (2007), A general framework for the parametrization of
    hierarchical models, for the units.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [1.0, 2.0, 4.0])
    >>> prior = bm.Independent(bm.Normal(0, sd=bm.HalfNormal(1)))
    >>> print(bm.Model(prior=prior).resolve(data).prior.describe())
    intercept at the mean of the features ~ flat (improper)
    weights[x0] ~ prior_scale[weights]·Normal(mean=0.0, sd=1.0)
    weights[x1] ~ prior_scale[weights]·Normal(mean=0.0, sd=1.0)
    prior_scale[weights] ~ HalfNormal(scale=1.0)
    """

    units: Entries
    groups: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, Distribution]

    def __post_init__(self) -> None:
        check_mapping(self, "groups", "scales")
        check_instance(self, "units", OfEntries, "Independent(Normal(0, 1))")
        groups = {name: tuple(members) for name, members in self.groups.items()}
        object.__setattr__(self, "groups", groups)
        wrong = [name for name, p in self.scales.items() if not is_of_scale(p)]
        if wrong or list(groups) != list(self.scales):
            raise IncompatibleModelError(
                "Scaled: every group needs a distribution of its scale, which is positive; got "
                f"groups {list(groups)} and scales {self.scales}."
            )

    def resolve(self, scales: Scales) -> "Scaled":
        """Return the same of these features."""
        unknown = {n for names in self.groups.values() for n in names} - {*scales.feature_names}
        if unknown:
            raise IncompatibleModelError(
                f"Scaled: groups name {sorted(unknown)}, but the features are "
                f"{list(scales.feature_names)}."
            )
        units: Any = self.units.resolve(scales)
        return replace(self, units=units)

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return the rows in units, scaled by the groups, if all are Normal or flat."""
        rows = self.units.normal_rows(problem)
        if rows is None or rows.rows is None:
            return None
        members = self._members(problem)[np.argmax(rows.rows != 0, axis=1)]
        return replace(rows, scale=self._names, group=members)

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the density of what is in units, and of the units (Z2)."""
        spread = self.spread(problem)
        s, away = spread.scale(values), beta - spread.location
        terms = self.units.log_density_and_score(problem, spread.location + away / s, values)
        value = terms.value - np.log(s).sum(axis=-1)
        slopes = spread.pull(values, -terms.score * away / s - 1.0)
        return PriorTerms(value, terms.score / s, slopes)

    def entry_log_densities(self, problem: Coefficients, beta: Array, values: Values) -> Array:
        """Evaluate the log density of every entry."""
        spread = self.spread(problem)
        s = spread.scale(values)
        v = spread.location + (beta - spread.location) / s
        return self.units.entry_log_densities(problem, v, values) - np.log(s)

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw in units, and scale."""
        spread = self.spread(problem)
        drawn = self.units.sample(problem, values, rng, shape)
        return np.asarray(spread.location + spread.scale(values) * (drawn - spread.location))

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return the scale of every group."""
        pairs = zip(self._names, self.scales.values(), strict=True)
        return {name: Unknown(prior) for name, prior in pairs}

    def with_scales(self, problem: Coefficients, values: Values) -> Resolved:
        """Return the priors with every scale at a known number."""
        units: Any = self.units
        weights = dict(units.weights)
        for group, members in self.groups.items():
            for name in members:
                unit = units.weights[name]
                weights[name] = unit.at_scale(float(unit.scale_parameter * values[label(group)]))
        known: Resolved = replace(units, weights=weights)
        return known

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return the functionals that are not flat."""
        return self.units.proper_rows(problem)

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the names of what is flat."""
        return self.units.improper_names(problem)

    def spread(self, problem: Coefficients) -> "GroupScales":
        """Return location and scale of every coefficient (Z3)."""
        members = self._members(problem)
        location = np.zeros(len(members))
        locations: Any = self.units
        start = _first_weight(problem)
        for k, name in enumerate(problem.feature_names):
            if members[start + k] >= 0:
                location[start + k] = locations.weights[name].location_parameter
        return GroupScales(self._names, members, location)

    def kinks(self, problem: Coefficients) -> KinkedPrior | None:
        """Return none, or refuse: a mode at a kink has no curvature to integrate weights by."""
        units = self.units.kinks(problem)
        if units is not None:
            raise IncompatibleModelError(
                "A Laplace prior whose scale is inferred has no mode of its own: the joint density "
                "is infinite where scale and weights are zero. Use NUTS(), or state the scale, for "
                "instance lasso_scale(sigma, penalty, m)."
            )
        return None

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the weights as multiples of their scales, and the scales."""
        values: dict[str, Any] = {}
        for name, prior in zip(self._names, self.scales.values(), strict=True):
            family, arguments = prior.pymc(pm, Positive())
            values[name] = family(name, **arguments)
        units: Any = self.units
        out, more = units.pymc_called("weights_in_units", pm, problem)
        spread, start = self.spread(problem), _first_weight(problem)
        n = len(problem.feature_names)
        members, location = spread.group[start : start + n], spread.location[start : start + n]
        tau = pm.math.stack([*(values[name] for name in self._names), np.asarray(1.0)])[members]
        weights = location + tau * (out["weights"] - location)
        out["weights"] = pm.Deterministic("weights", weights, dims=problem.feature_dim)
        return out, values | more

    def describe(self) -> str:
        """Say the prior in words."""
        lines = self.units.describe().split("\n")
        for name, members in self.groups.items():
            for feature in members:
                start = f"weights[{feature}] ~ "
                scaled = f"{start}{label(name)}·"
                lines = [line.replace(start, scaled, 1) for line in lines]
        return "\n".join([*lines, *(f"{label(n)} ~ {words(p)}" for n, p in self.scales.items())])

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(label(name) for name in self.groups)

    def _members(self, problem: Coefficients) -> Integers:
        """Return the group of every coefficient, −1 where its scale is known."""
        p = sum(prod(shape) for shape in problem.shapes.values())
        out = np.full(p, -1, dtype=np.intp)
        start = _first_weight(problem)
        for k, names in enumerate(self.groups.values()):
            out[[start + problem.feature_names.index(name) for name in names]] = k
        return out


@dataclass(frozen=True, eq=False)
class GroupScales:
    """Coefficients in groups, each with a scale (Z3).

    Attributes
    ----------
    names : tuple of str
        Of the scales.
    group : ndarray of int, shape (p,)
        Which of them, or −1.
    location : ndarray, shape (p,)
    """

    names: tuple[str, ...]
    group: Integers
    location: Array

    @property
    def scaled(self) -> Bools:
        """Which coefficients have a scale that is inferred."""
        return np.asarray(self.group >= 0)

    def scale(self, values: Values) -> Array:
        """Return s, shape (..., p)."""
        tau = [np.asarray(values[name], dtype=np.float64) for name in self.names]
        return np.stack([*tau, np.ones_like(tau[0])], axis=-1)[..., self.group]

    def pull(self, values: Values, slopes: Array) -> dict[str, Array]:
        """Return Σ_k slopes_k/τ over every group: s is τ itself."""
        sums = by_group(slopes, self.group, len(self.names))
        return {name: sums[..., k] / values[name] for k, name in enumerate(self.names)}


def label(group: str) -> str:
    """Name the scale of a group; a slash would divide the paths of a DataTree.

    Examples
    --------
    >>> label("C(species)")
    'prior_scale[C(species)]'
    """
    return f"prior_scale[{group.replace('/', '÷')}]"


def _first_weight(problem: Coefficients) -> int:
    start = 0
    for name, shape in problem.shapes.items():
        if name == "weights":
            return start
        start += prod(shape)
    raise IncompatibleModelError(
        f"Scaled: scales are of weights, and the predictor's parameters are {[*problem.shapes]}."
    )
