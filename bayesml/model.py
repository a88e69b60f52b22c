"""The declaration: predictor × likelihood × prior, and what it becomes when it meets data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from bayesml.data import Data
from bayesml.data.statistics import SufficientStatistics
from bayesml.distributions import Distribution, Flat
from bayesml.errors import DataError, IncompatibleModelError
from bayesml.likelihoods import Gaussian, Likelihood
from bayesml.predictors import Linear, Predictor
from bayesml.priors import (
    After,
    Independent,
    Layered,
    NormalInverseGamma,
    Prior,
    Resolved,
    Scales,
    WeaklyInformative,
)
from bayesml.typing import Array


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
        _check_role("predictor", self.predictor, "eta", "Linear()")
        _check_role("likelihood", self.likelihood, "parameter_scores", "Gaussian()")
        if not isinstance(self.prior, Flat):
            _check_role("prior", self.prior, "resolve", "WeaklyInformative()")
        if isinstance(self.prior, After) and self.likelihood != self.prior.likelihood:
            raise IncompatibleModelError(
                f"The prior is what {self.prior.statistics.rows} rows taught under the likelihood "
                f"{self.prior.likelihood!r}, whose noise is part of it, but the likelihood is "
                f"{self.likelihood!r}. Use fit.resolved.likelihood, or fit.update(data)."
            )
        if isinstance(self.prior, NormalInverseGamma) and self.likelihood != Gaussian():
            raise IncompatibleModelError(
                f"NormalInverseGamma states the prior of the Gaussian noise itself, but the "
                f"likelihood is {self.likelihood!r}. Use Gaussian() without sigma, "
                "or Independent(...) priors on the coefficients."
            )

    def __str__(self) -> str:
        """Say the equation and the priors in words."""
        prior = self._prior
        likelihood = self.likelihood.describe().split("\n")
        if isinstance(prior, NormalInverseGamma):
            likelihood = likelihood[:1]
        eta = self.predictor.describe()
        if getattr(prior, "weights", None) == {}:  # resolved for data without features
            eta = eta.replace(" + X·weights", "")
        lines = [*likelihood, eta, *prior.describe().split("\n")]
        without_intercept = getattr(self.predictor, "intercept", None) is False
        return "\n".join(
            line for line in lines if not (without_intercept and line.startswith("intercept"))
        )

    def resolve(self, data: Data) -> "Problem":
        """Meet the data; the result's ``model`` states every number, in original units.

        Raises
        ------
        DataError
            If `data` is not Data, or not of the features that the prior was learned from; from
            ``model``, if default priors have no scale to go by.
        IncompatibleModelError
            From ``model``, if the priors do not fit the features.
        """
        if not isinstance(data, Data):
            raise DataError(
                f"data must be a bayesml Data, got {type(data).__name__}. "
                "Make one with Data(X, y) or Data.from_formula('y ~ x', frame)."
            )
        if isinstance(self.prior, After):
            return Problem(self, data, self.prior.together(data), complete=False)
        return Problem(self, data, data.statistics, complete=data.has_rows)

    def without_priors(self) -> "Model":
        """Return the same model with flat priors on everything that is not known."""
        stated: Any = self.likelihood
        unknown = [
            name for name, v in self.likelihood.parameters.items() if not isinstance(v, float)
        ]
        return Model(self.predictor, replace(stated, **dict.fromkeys(unknown, Flat())), Flat())

    @property
    def _prior(self) -> Prior:
        """The prior that the declared one means for this predictor."""
        depth = self.predictor.depth
        if isinstance(self.prior, Flat):
            return Layered(sd=inf) if depth else Independent()
        return self.prior.for_layers(depth) if depth else self.prior

    def _resolve_noise(self, sd_y: float) -> Likelihood:
        if isinstance(self.prior, NormalInverseGamma | After):
            return self.likelihood
        missing = [name for name, value in self.likelihood.parameters.items() if value is None]
        if missing and sd_y == 0.0:
            raise DataError(
                f"The target is constant, so the default prior of {missing} has no scale to go "
                "by. Check the target column, or state it: "
                f"{type(self.likelihood).__name__}({missing[0]}=...)."
            )
        defaults = self.likelihood.default_priors(sd_y) if missing else {}
        stated: Any = self.likelihood
        resolved: Likelihood = replace(stated, **{name: defaults[name] for name in missing})
        return resolved


def _resolved(model: Model, data: Data, statistics: SufficientStatistics) -> Model:
    predictor = model.predictor.resolve(
        statistics.mean_X,
        statistics.sd_X,
        model.likelihood.outputs(statistics.mean_y, statistics.sd_y),
        data.design.has_intercept,
    )
    scales = Scales(
        data.feature_names,
        statistics.mean_X,
        statistics.sd_X,
        statistics.mean_y,
        statistics.sd_y,
        getattr(predictor, "intercept", False) is True,
    )
    noise = model._resolve_noise(statistics.sd_y)
    return Model(predictor, noise, model._prior.resolve(scales))


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
    """

    declared: Model
    data: Data
    statistics: SufficientStatistics
    complete: bool = True

    @cached_property
    def model(self) -> Model:
        """The declared model with every number stated, in original units."""
        return _resolved(self.declared, self.data, self.statistics)

    def without_priors(self) -> "Problem":
        """Return the same problem with flat priors, whose defaults need no scale."""
        return replace(self, declared=self.declared.without_priors())

    @property
    def has_intercept(self) -> bool:
        """Whether the predictor has an intercept."""
        return getattr(self.model.predictor, "intercept", False) is True

    @property
    def prior(self) -> Resolved:
        """The resolved prior of the coefficients."""
        prior: Any = self.model.prior
        resolved: Resolved = prior
        return resolved

    @property
    def known(self) -> dict[str, float]:
        """Noise parameters that are known numbers."""
        return {k: v for k, v in self.model.likelihood.parameters.items() if isinstance(v, float)}

    @property
    def inferred(self) -> dict[str, Distribution]:
        """Priors of the noise parameters that are inferred."""
        noise = self.model.likelihood.parameters
        return {k: v for k, v in noise.items() if v is not None and not isinstance(v, float)}

    def coefficient_priors(self) -> tuple[Distribution, ...]:
        """Scalar priors in the order of the coefficients: intercept first, if there is one."""
        if not isinstance(self.prior, Independent) or not isinstance(self.prior.weights, Mapping):
            raise IncompatibleModelError("The coefficients have a joint prior, not separate ones.")
        weights = tuple(self.prior.weights[name] for name in self.data.feature_names)
        return ((self.prior.intercept,) if self.has_intercept else ()) + weights

    def prior_rows(self) -> Array:
        r"""Rows G such that the priors are on :math:`G\beta`, β = (b at the mean, θ) (L3)."""
        p = self.data.n + self.has_intercept
        G = np.eye(p)
        if self.intercept_at_zero:
            G[0, 1:] = -self.statistics.mean_X
        return G

    def prior_rows_error(self) -> Array:
        """Return what the rounding of the means left out of `prior_rows`."""
        p = self.data.n + self.has_intercept
        error = np.zeros((p, p))
        if self.intercept_at_zero:
            error[0, 1:] = -self.statistics.mean_error[:-1]
        return error

    @property
    def intercept_at_zero(self) -> bool:
        """Whether the prior of the intercept is stated where the features are zero."""
        prior = self.prior
        at_zero = isinstance(prior, Independent) and prior.intercept_origin != "centred"
        return self.has_intercept and at_zero


def _check_role(role: str, part: Any, needs: str, example: str) -> None:
    if isinstance(part, type):
        raise IncompatibleModelError(
            f"Model: {role} got the class {part.__name__}; write {part.__name__}() to make one."
        )
    if not hasattr(part, needs):
        raise IncompatibleModelError(
            f"Model: {role} got {part!r}, which is not a {role}. For instance: {example}."
        )
