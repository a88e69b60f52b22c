"""Priors of several linear predictors, each for itself.

Derived in docs/theory/log_joint.md, (J10).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from bayesml.arguments import check_mapping, shown
from bayesml.data.roles import LinearPart
from bayesml.distributions import Flat
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Prior, Resolved, Spread, Unknown, check_stated_prior
from bayesml.priors.independent import as_prior
from bayesml.priors.joint_spread import JointSpread, SpreadPart
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.part_of import PartOf
from bayesml.priors.roles import (
    InfersScales,
    NonCentred,
    PartlyImproper,
    StatesParameters,
    exported,
    proper_functionals,
)
from bayesml.priors.scales import Scales
from bayesml.priors.weakly_informative import WeaklyInformative
from bayesml.typing import Array

DEFAULT = WeaklyInformative()


@dataclass(frozen=True)
class ByPredictor:
    r"""Priors of several linear predictors, independent of each other.

    .. math:: p(\beta) = \prod_j p_j(\beta_{(j)})

    Parameters
    ----------
    eta : Prior or Flat
        Of the coefficients of η; of every class, where there is a predictor for each.
    others : mapping of name to Prior or Flat
        Of those of further predictors, by the parameter that they predict; what is not named is
        `WeaklyInformative`.

    Raises
    ------
    IncompatibleModelError
        At fit, if the data have no predictor of such a name.

    Examples
    --------
    >>> import bayesml as bm
    >>> data = bm.Data(
    ...     [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.5], predictors={"sigma": [[1], [2], [4]]}
    ... )
    >>> prior = bm.ByPredictor(others={"sigma": bm.Independent(bm.Normal(0, 0.5))})
    >>> print(bm.Model(prior=prior).resolve(data).prior.describe())
    intercept ~ Normal(3.167, 5.637), jointly
    weights[x0] ~ Normal(0, 5.637), jointly
    sigma: intercept at the mean of the features ~ flat (improper)
    sigma: weights[x0] ~ Normal(mean=0.0, sd=0.5)
    """

    eta: Prior | Flat = DEFAULT
    others: Mapping[str, Prior | Flat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_stated_prior("ByPredictor", "eta", self.eta)
        check_mapping(self, "others")
        for name, prior in self.others.items():
            check_stated_prior("ByPredictor", f"others[{name!r}]", prior)

    def resolve(self, scales: Scales) -> Resolved:
        """Return the prior of η, the only predictor here."""
        self.refuse_unknown(())
        return as_prior(self.eta).resolve(scales)

    def for_parts(self, parts: Sequence[LinearPart], scales: Sequence[Scales]) -> "Jointly":
        """Resolve the prior of every part, and repeat it for every class."""
        self.refuse_unknown([part.name for part in parts if part.name])
        out, start = [], 0
        for part, own in zip(parts, scales, strict=True):
            prior = self.of(part.name)
            if isinstance(prior, StatesParameters):
                raise IncompatibleModelError(
                    f"{shown(prior)} states {', '.join(prior.stated_parameters)} too, which is not "
                    "done beside several predictors, or what is known of every row. Use "
                    "Independent(...)."
                )
            resolved, n, k = prior.resolve(own), len(part.features), part.size
            for c in range(k):
                weights = start + k * part.intercept + c * n
                at = (start + c,) if part.intercept else ()
                label = part.name if part.classes is None else part.classes[c]
                out.append(PriorPart(label, resolved, part, (*at, *range(weights, weights + n))))
            start += k * (part.intercept + n)
        return Jointly(tuple(out))

    def refuse_unknown(self, names: Sequence[str]) -> None:
        """Refuse a prior of a predictor that there is not."""
        if unknown := [name for name in self.others if name not in names]:
            raise IncompatibleModelError(
                f"ByPredictor: others names {unknown}, but beside η the predictors are "
                f"{list(names)}: state them in the formula, 'y ~ x, {unknown[0]} ~ z'."
            )

    def of(self, name: str) -> Prior:
        """Return the prior that is stated of one predictor."""
        return as_prior(self.others.get(name, DEFAULT) if name else self.eta)

    def describe(self) -> str:
        """Say the priors in words."""
        lines = as_prior(self.eta).describe().split("\n")
        for name, prior in self.others.items():
            lines += [f"{name}: {line}" for line in as_prior(prior).describe().split("\n")]
        return "\n".join(lines)


@dataclass(frozen=True)
class PriorPart:
    """The prior of some coefficients, and where these are.

    Attributes
    ----------
    label : str
        Empty for η, or the parameter or class that they predict.
    prior : Resolved
    part : LinearPart
        Whose coefficients they are.
    at : tuple of int
        Where they stand in β: the intercept, if there is one, and the weights.
    """

    label: str
    prior: Resolved
    part: LinearPart
    at: tuple[int, ...]


@dataclass(frozen=True)
class Jointly:
    """Priors of several predictors that have met their data.

    Attributes
    ----------
    parts : tuple of PriorPart
    """

    parts: tuple[PriorPart, ...]

    def for_parts(self, parts: Sequence[LinearPart], scales: Sequence[Scales]) -> "Jointly":
        """Return itself: every number is stated."""
        return self

    def resolve(self, scales: Scales) -> "Jointly":
        """Return itself."""
        return self

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return the Gaussian rows of all parts, if none has a scale that is inferred."""
        p = _size(problem)
        found = [each.prior.normal_rows(PartOf(problem, each.part)) for each in self.parts]
        if any(rows is None or rows.scale is not None for rows in found):
            return None
        blocks = [(rows, each.at) for rows, each in zip(found, self.parts, strict=True) if rows]
        G = np.zeros((sum(len(rows.mean) for rows, _ in blocks), p))
        error, start = np.zeros_like(G), 0
        for rows, at in blocks:
            here = slice(start, start := start + len(rows.mean))
            G[here, at] = np.eye(len(at)) if rows.rows is None else rows.rows
            error[here, at] = 0.0 if rows.rows_error is None else rows.rows_error
        mean = np.concatenate([rows.mean for rows, _ in blocks])
        return NormalRows(G, mean, np.concatenate([rows.sd for rows, _ in blocks]), error)

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Add the densities of all parts."""
        score: Array = np.zeros(beta.shape)
        total: Any = 0.0
        by_value: dict[str, Any] = {}
        for each, view, own in self._views(problem, values):
            at, rows = beta[..., list(each.at)], each.prior.normal_rows(view)
            terms = (
                each.prior.log_density_and_score(view, at, own)
                if rows is None
                else normal_terms(rows, at, own)
            )
            total = total + terms.value
            score[..., list(each.at)] = terms.score
            names = _names(each, view)
            by_value |= {names.get(name, name): slope for name, slope in terms.by_value.items()}
        return PriorTerms(total, score, by_value)

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw the coefficients of every part."""
        out = np.empty((*shape, _size(problem)))
        for each, view, own in self._views(problem, values):
            out[..., list(each.at)] = each.prior.sample(view, own, rng, shape)
        return out

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return what the priors of all parts infer, by the part's name and theirs."""
        out: dict[str, Unknown] = {}
        for each in self.parts:
            view = PartOf(problem, each.part)
            names = _names(each, view)
            found = each.prior.hyperparameters(view)
            out |= {names[name]: unknown for name, unknown in found.items()}
        return out

    def with_scales(self, problem: Coefficients, values: Values) -> "Jointly":
        """Return the priors of all parts with every scale at a known number."""
        parts = []
        for each, view, own in self._views(problem, values):
            prior = each.prior
            if isinstance(prior, InfersScales):
                prior = prior.with_scales(view, own)
            parts.append(replace(each, prior=prior))
        return Jointly(tuple(parts))

    def spread(self, problem: Coefficients) -> Spread:
        """Return the scales that the priors of all parts infer."""
        found = []
        for each in self.parts:
            view = PartOf(problem, each.part)
            if isinstance(each.prior, NonCentred):
                own = each.prior.spread(view)
                found.append(SpreadPart(own, list(each.at), _names(each, view)))
        return JointSpread(tuple(found), _size(problem))

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return the functionals of β that have proper priors."""
        p, blocks = _size(problem), []
        for each in self.parts:
            own = proper_functionals(each.prior, PartOf(problem, each.part), len(each.at))
            block = np.zeros((len(own), p))
            block[:, list(each.at)] = own
            blocks.append(block)
        return np.concatenate(blocks)

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the names of the coefficients that have no proper prior."""
        return [
            f"{each.label}: {name}" if each.label else name
            for each in self.parts
            if isinstance(each.prior, PartlyImproper)
            for name in each.prior.improper_names(PartOf(problem, each.part))
        ]

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the coefficients of all parts, each in a model of its own name."""
        found: dict[str, list[Any]] = {}
        values: dict[str, Any] = {}
        for each in self.parts:
            view = PartOf(problem, each.part)
            with pm.Model(name=each.label) if each.label else nullcontext():
                own, inferred = exported(each.prior, pm, view)
            names = _names(each, view)
            values |= {names[name]: value for name, value in inferred.items()}
            if each.part.intercept:
                found.setdefault(each.part.intercept_name, []).append(own["intercept"])
            found.setdefault(each.part.weights_name, []).append(own["weights"])
        return {name: self._joined(pm, name, parts) for name, parts in found.items()}, values

    def _joined(self, pm: Any, name: str, parts: list[Any]) -> Any:
        part = next(
            e.part for e in self.parts if name in (e.part.weights_name, e.part.intercept_name)
        )
        weights = name == part.weights_name
        if part.classes is None:
            named = not part.name or not weights  # build() states intercepts itself
            return parts[0] if named else pm.Deterministic(name, parts[0], dims=part.feature_dim)
        stacked = pm.math.stack(parts)
        return pm.Deterministic(name, stacked, dims=("class", "feature")) if weights else stacked

    def describe(self) -> str:
        """Say the priors in words."""
        lines = []
        for each in self.parts:
            before = f"{each.label}: " if each.label else ""
            lines += [before + line for line in each.prior.describe().split("\n")]
        return "\n".join(lines)

    def _views(
        self, problem: Coefficients, values: Values
    ) -> Iterator[tuple[PriorPart, PartOf, Values]]:
        """Yield every part, what its prior is asked about, and the values under its own names."""
        for each in self.parts:
            view = PartOf(problem, each.part)
            own = {name: values[outer] for name, outer in _names(each, view).items()}
            yield each, view, {**values, **own}


def _names(each: PriorPart, view: PartOf) -> dict[str, str]:
    """Return what the hyperparameters of a part are called among those of all."""
    before = f"{each.label}_" if each.label else ""
    return {name: before + name for name in each.prior.hyperparameters(view)}


def _size(problem: Coefficients) -> int:
    return sum(prod(shape) for shape in problem.shapes.values())
