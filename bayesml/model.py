"""The declaration: predictor × likelihood × prior, and what it becomes when it meets data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from math import inf, prod
from typing import Any

import numpy as np

from bayesml.arguments import plays, shown
from bayesml.data import Data
from bayesml.data.grouped_statistics import GroupedStatistics
from bayesml.data.statistics import SufficientStatistics
from bayesml.distributions import Distribution, Flat
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.likelihoods import Gaussian, Likelihood, Wraps, restated
from bayesml.meeting import check_target, meet, met_likelihood
from bayesml.predictors import Frame, Grouped, Linear, Network, Predictor, frame_of
from bayesml.priors import (
    HasSeenRows,
    Independent,
    Layered,
    Prior,
    Resolved,
    ScalesEffects,
    StandsForLayers,
    StatesParameters,
    Unknown,
    WeaklyInformative,
    as_prior,
)
from bayesml.typing import Array

OF_THAT_NAME = {
    "Gamma": "GammaResponse()",
    "Beta": "BetaResponse()",
    "Laplace": "LaplaceResponse()",
}
"""Likelihoods of distributions and methods that have their names already."""


@dataclass(frozen=True)
class Model:
    r"""A probabilistic model of y given x: declared once, never saying how it will be learned.

    .. math:: y_i \mid x_i, \theta, \phi \sim p(\,\cdot \mid \eta_i = h_\theta(x_i), \phi),
              \qquad \theta \sim p(\theta), \quad \phi \sim p(\phi)

    Parameters
    ----------
    predictor : Predictor
        The function :math:`h_\theta`, for instance ``Linear()``.
    likelihood : Likelihood
        The density of y given :math:`\eta`, with the priors of its own parameters:
        ``Gaussian(sigma=2.0)`` knows the noise, ``Gaussian(sigma=HalfNormal(10))`` infers it.
    prior : Prior or Flat
        The prior of the predictor's parameters. ``Flat()`` asks for none.

    Raises
    ------
    IncompatibleModelError
        If a part is not of its role, or the parts contradict each other.

    Examples
    --------
    >>> import bayesml as bm
    >>> print(bm.Model(bm.Linear(), bm.Gaussian(sigma=2.0), bm.Flat()))
    y ~ Normal(η, σ)
    σ = 2 (known)
    η = intercept + X·weights
    intercept at the mean of the features ~ flat (improper)
    weights ~ flat (improper)
    """

    predictor: Predictor = Linear()
    likelihood: Likelihood = Gaussian()
    prior: Prior | Flat = WeaklyInformative()

    def __post_init__(self) -> None:
        _check_role("predictor", self.predictor, Predictor, "Linear()")
        _check_role("likelihood", self.likelihood, Likelihood, "Gaussian()")
        _check_fields(self.likelihood)
        if not isinstance(self.prior, Flat):
            _check_role("prior", self.prior, Prior, "WeaklyInformative()")
        if isinstance(self.prior, HasSeenRows) and self.likelihood != self.prior.likelihood:
            raise IncompatibleModelError(
                f"The prior is what {self.prior.statistics.rows} rows taught under the likelihood "
                f"{self.prior.likelihood!r}, whose noise is part of it, but the likelihood is "
                f"{self.likelihood!r}. Use fit.resolved.likelihood, or fit.update(data)."
            )
        stated = _stated_parameters(self.prior)
        unstated = [name for name, v in self.likelihood.parameters.items() if v is None]
        if not set(stated) <= set(unstated):
            raise IncompatibleModelError(
                f"{type(self.prior).__name__} states the prior of {', '.join(stated)} itself, but "
                f"the likelihood is {self.likelihood!r}. Use Gaussian() without sigma, "
                "or Independent(...) priors on the coefficients."
            )

    def __str__(self) -> str:
        """Say the equation and the priors in words."""
        likelihood = self.likelihood.describe().split("\n")
        if _stated_parameters(self.prior):
            likelihood = likelihood[:1]
        prior = self._prior.describe().split("\n")
        if not self.predictor.has_intercept:
            prior = [line for line in prior if not line.startswith("intercept")]
        eta = self.predictor.describe()
        if isinstance(self._prior, Independent) and not self._prior.weights:  # no features
            eta = eta.replace(" + X·weights", "")
        return "\n".join([*likelihood, eta, *prior])

    def resolve(self, data: Data) -> "Problem":
        """Meet the data; the result's ``model`` states every number, in original units.

        Raises
        ------
        DataError
            If `data` is not Data, or not of the features that the prior was learned from; if a
            target lies outside the support of the likelihood; from ``model``, if default priors
            have no scale to go by.
        IncompatibleModelError
            From ``model``, if the priors do not fit the features.
        """
        if not isinstance(data, Data):
            raise DataError(
                f"data must be a bayesml Data, got {type(data).__name__}. "
                "Make one with Data(X, y) or Data.from_formula('y ~ x', frame)."
            )
        likelihood = met_likelihood(self.likelihood, data)
        if data.has_rows:
            check_target(likelihood, data)
        if isinstance(self.prior, HasSeenRows):
            prior = self.prior
            return Problem(self, data, prior.together(data), False, prior.grouped)
        return Problem(self, data, data.statistics, complete=data.has_rows)

    def without_priors(self) -> "Model":
        """Return the same model with flat priors on everything that is not known."""
        unknown = [name for name, v in self.likelihood.parameters.items() if not is_number(v)]
        flat = restated(self.likelihood, dict.fromkeys(unknown, Flat()))
        return Model(self.predictor, flat, Flat())

    @property
    def _prior(self) -> Prior:
        """The prior that the declared one means for this predictor."""
        depth = _depth(self.predictor)
        if depth and self.prior == Flat():
            return Layered(sd=inf)
        if depth and isinstance(self.prior, StandsForLayers):
            return self.prior.for_layers(depth)
        return as_prior(self.prior)


def _resolved(model: Model, data: Data, statistics: SufficientStatistics) -> Model:
    stated = met_likelihood(model.likelihood, data)
    likelihood = _with_defaults(stated, statistics.sd_noise, _stated_parameters(model.prior))
    others = [part.predictor for part in data.design.roles.predictors[1:]]
    rest = dict.fromkeys(others, Flat()) if model.prior == Flat() else {}
    met = meet(model.predictor, model._prior, likelihood, data, statistics, rest)
    return Model(met.predictor, likelihood, met.prior)


def _with_defaults(likelihood: Likelihood, sd_y: float, by_prior: tuple[str, ...]) -> Likelihood:
    """Return a likelihood with the default priors of its parameters, where none is stated."""
    missing = [k for k, v in likelihood.parameters.items() if v is None and k not in by_prior]
    one, two = (likelihood.default_priors(sd) for sd in (1.0, 2.0))
    scaled = [name for name in missing if one[name] != two[name]]
    lost = scaled if likelihood.support.discrete else missing
    if lost and sd_y == 0.0:
        raise DataError(
            f"The target is constant, so the default prior of {lost} has no scale to go "
            "by. Check the target column, or state it: "
            f"{type(likelihood).__name__}({lost[0]}=...)."
        )
    defaults = likelihood.default_priors(sd_y) if scaled else one
    return restated(likelihood, {name: defaults[name] for name in missing})


def is_number(value: Any) -> bool:
    """Say whether a parameter of a likelihood is known."""
    return isinstance(value, int | float | np.number)


def _depth(predictor: Predictor) -> int:
    return predictor.depth if isinstance(predictor, Network) else 0


def _stated_parameters(prior: object) -> tuple[str, ...]:
    return prior.stated_parameters if isinstance(prior, StatesParameters) else ()


@dataclass(frozen=True, eq=False)
class Problem:
    """A model that has met its data: what an inference method is given.

    Attributes
    ----------
    declared : Model
        As the user wrote it.
    data : Data
    statistics : SufficientStatistics
        Of these data, and of those seen before if the prior is what they taught.
    complete : bool
        Whether the rows of `data` are all that the statistics stand for.
    earlier : GroupedStatistics, optional
        Of the rows seen before, where the model has effects of groups.
    """

    declared: Model
    data: Data
    statistics: SufficientStatistics
    complete: bool = True
    earlier: GroupedStatistics | None = None

    @cached_property
    def model(self) -> Model:
        """The declared model with every number stated, in original units."""
        return _resolved(self.declared, self.data, self.statistics)

    def without_priors(self) -> "Problem":
        """Return the same problem with flat priors, whose defaults need no scale."""
        # classes first, since what they bring, such as gaps, would have default priors
        likelihood = met_likelihood(self.declared.likelihood, self.data)
        flat = Model(self.declared.predictor, likelihood).without_priors()
        return replace(self, declared=flat)

    @cached_property
    def grouped_statistics(self) -> GroupedStatistics:
        """Those of a model with effects of groups, rows seen before among them."""
        own = self.data.grouped_statistics
        return own if self.earlier is None else self.earlier + own

    @property
    def grouped(self) -> Grouped | None:
        """The predictor where it has effects of groups or curves, which methods treat apart."""
        predictor = self.model.predictor
        return predictor if isinstance(predictor, Grouped) else None

    @property
    def prior(self) -> Resolved:
        """The resolved prior of the coefficients."""
        prior: Any = self.model.prior
        resolved: Resolved = prior
        return resolved

    @property
    def known(self) -> dict[str, float]:
        """Parameters of the likelihood that are known numbers."""
        parameters: Mapping[str, Any] = self.model.likelihood.parameters
        return {k: float(v) for k, v in parameters.items() if is_number(v)}

    @cached_property
    def hyperparameters(self) -> dict[str, Unknown]:
        """What the prior infers beside the coefficients."""
        return dict(self.prior.hyperparameters(self))

    @cached_property
    def inferred(self) -> dict[str, Distribution]:
        """Priors of the likelihood's parameters that are inferred, by whoever states them."""
        parameters: Mapping[str, Any] = self.model.likelihood.parameters
        own = {k: v for k, v in parameters.items() if v is not None and not is_number(v)}
        by_prior = {k: v.prior for k, v in self.hyperparameters.items() if k in parameters}
        return own | by_prior

    @cached_property
    def frame(self) -> Frame:
        """The coordinates in which the predictor is evaluated."""
        statistics = self.statistics
        outputs = self.model.likelihood.outputs(statistics.mean_y, statistics.sd_y)
        predictor = self.model.predictor
        return frame_of(predictor, self.data.n, statistics.mean_X, statistics.sd_X, outputs)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(self.data.feature_names)

    @property
    def feature_dim(self) -> str:
        """What the axis of features is called."""
        return "feature"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the predictor's parameters, in the order of β."""
        return self.model.predictor.shapes(self.data.n)

    @property
    def has_intercept(self) -> bool:
        """Whether the predictor has an intercept."""
        return self.model.predictor.has_intercept

    @cached_property
    def shapes_inferred(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all that is inferred, by name: of coefficients, of φ and of scales."""
        of_effects = self.prior.scale_shapes() if isinstance(self.prior, ScalesEffects) else {}
        return {
            **self.shapes,
            **dict.fromkeys(self.inferred, ()),
            **{name: unknown.shape for name, unknown in self.hyperparameters.items()},
            **of_effects,
        }

    @property
    def size(self) -> int:
        """Number of parameters and hyperparameters."""
        unknown = [*self.shapes.values(), *(v.shape for v in self.hyperparameters.values())]
        return sum(prod(shape) for shape in unknown) + len(self.inferred)

    @property
    def centred(self) -> bool:
        """Whether the predictor counts its intercept from the mean of the features."""
        return self.frame.shifted

    @property
    def mean_X(self) -> Array:
        """Means of the features, from which the intercept is counted."""
        return self.statistics.mean_X

    @property
    def mean_error(self) -> Array:
        """What the rounding of the means left out."""
        return self.statistics.mean_error[:-1]


def require_model(model: Any, data: Any, what: str) -> None:
    """Refuse what is no declaration with its data, in one line.

    Raises
    ------
    IncompatibleModelError
        If the first is no Model.
    DataError
        If the second is no Data.
    """
    if not isinstance(model, Model):
        if isinstance(model, type) and issubclass(model, Model):
            raise IncompatibleModelError(f"{what}: model is the class Model; write Model().")
        if isinstance(model, str) and "~" in model:
            raise IncompatibleModelError(
                f"{what} takes a model and data: {what}(Model(), Data.from_formula("
                f"{shown(model)}, frame))."
            )
        if not isinstance(data, Data | Model):
            raise IncompatibleModelError(
                f"{what} takes a model and data: {what}(Model(), Data(X, y)); got {shown(model)} "
                f"and {shown(data)}."
            )
        raise IncompatibleModelError(
            f"{what}: model must be a Model, got {shown(model)}. For instance "
            "Model(Linear(), Gaussian())."
        )
    if not isinstance(data, Data):
        raise DataError(
            f"{what}: data must be a Data, got {shown(data)}. Make one with Data(X, y) or "
            "Data.from_formula('y ~ x', frame)."
        )


def _check_fields(likelihood: Likelihood) -> None:
    """Refuse a likelihood whose parameters cannot be replaced by name."""
    stated: Any = likelihood
    names: set[str] = {f.name for f in fields(stated)} if is_dataclass(stated) else set()
    lost = sorted(set(likelihood.parameters) - names)
    if lost and not isinstance(likelihood, Wraps):
        raise IncompatibleModelError(
            f"Model: likelihood {likelihood!r} has parameters {lost} that are no fields of a "
            "dataclass. Make it a frozen dataclass with a field for each parameter, so that a "
            "default can be replaced by its prior, or give it with_parameters(stated)."
        )


def _check_role(role: str, part: Any, protocol: Any, example: str) -> None:
    """Refuse at the door what is not of its role, and say what it lacks."""
    if isinstance(part, type):
        raise IncompatibleModelError(
            f"Model: {role} got the class {part.__name__}; write {part.__name__}() to make one."
        )
    needed = sorted(protocol.__protocol_attrs__)
    missing = [name for name in needed if not hasattr(part, name)]
    if missing:
        lacks = "" if len(missing) > len(needed) / 2 else f": it has no {', '.join(missing)}"
        if role == "predictor" and plays(part, Likelihood):
            example = f"Model(likelihood={shown(part)}), whose predictor is Linear()"
        example = {"likelihood": OF_THAT_NAME}.get(role, {}).get(type(part).__name__, example)
        raise IncompatibleModelError(
            f"Model: {role} got {shown(part)}, which is not a {role}{lacks}. For instance: "
            f"{example}."
        )
