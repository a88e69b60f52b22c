"""Weights that are Normal given scales of their own, beside an intercept: (Z3), (Z15), (Z19).

What the horseshoe and R2D2 share. Derived in docs/theory/sparse_priors.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import Distribution, Flat, Normal, Real
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Spread, Unknown
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values
from bayesml.priors.scales import Scales
from bayesml.typing import Array


class GivenScales(ABC):
    """Normal weights given scales, and an intercept by itself: what their priors share."""

    intercept: Distribution | None

    @abstractmethod
    def spread(self, problem: Coefficients) -> Spread:
        """Return the scale of every weight."""

    def normal_rows(self, problem: Coefficients) -> NormalRows | None:
        """Return none: the scales are products, of which none is known."""
        return None

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the Normal densities given the scales, and the intercept's."""
        spread, intercept = self.spread(problem), self._intercept(problem)
        s = spread.scale(values)
        z = np.where(spread.scaled, beta / s, 0.0)
        density = np.where(spread.scaled, Normal().log_density(z) - np.log(s), 0.0)
        value, score = density.sum(axis=-1), -z / s
        if intercept is not None:
            value = value + intercept.log_density(beta[..., 0])
            score[..., 0] = intercept.score(beta[..., 0])
        slopes = np.where(spread.scaled, z**2 - 1.0, 0.0)
        return PriorTerms(value, score, spread.pull(values, slopes))

    def entry_log_densities(self, problem: Coefficients, beta: Array, values: Values) -> Array:
        """Evaluate the log density of every entry."""
        s, intercept = self.spread(problem).scale(values), self._intercept(problem)
        out = np.asarray(Normal().log_density(beta / s) - np.log(s))
        if intercept is not None:
            out[..., 0] = intercept.log_density(beta[..., 0])
        return out

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw every coefficient given the scales."""
        s, intercept = self.spread(problem).scale(values), self._intercept(problem)
        out: Array = s * rng.standard_normal((*shape, s.shape[-1]))
        if intercept is not None:
            out[..., 0] = intercept.sample(rng, shape)
        return out

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return all functionals of β, but for an intercept that is flat."""
        p = len(problem.feature_names) + int(problem.has_intercept)
        return np.eye(p)[len(self.improper_names(problem)) :]

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the intercept, if it is flat."""
        return ["intercept"] if self._intercept(problem) == Flat() else []

    def _intercept(self, problem: Coefficients) -> Distribution | None:
        """Return the prior of the intercept, None where the predictor has none."""
        return self.intercept if problem.has_intercept else None

    def _in_pymc(self, pm: Any, scale: Any, problem: Coefficients) -> dict[str, Any]:
        """Return the weights as products with their scales, and the intercept."""
        z = pm.Normal("weights_in_units", 0.0, 1.0, dims=problem.feature_dim)
        out = {"weights": pm.Deterministic("weights", scale * z, dims=problem.feature_dim)}
        if (intercept := self._intercept(problem)) is not None:
            family, arguments = intercept.pymc(pm, Real())
            own = "intercept_centred" if problem.centred else "intercept"
            out["intercept"] = family(own, **arguments)
        return out


def inferred_in(pm: Any, priors: Mapping[str, Unknown], dim: str) -> dict[str, Any]:
    """Return the scales that are inferred as variables of the PyMC model of this context."""
    values = {}
    for name, (prior, shape) in priors.items():
        family, arguments = prior.pymc(pm, prior.support)
        values[name] = family(name, **({"dims": dim} if shape else {}), **arguments)
    return values


def check_intercept(owner: str, prior: Distribution | None) -> None:
    """Refuse a prior of the intercept that is not Gaussian."""
    if not (prior is None or isinstance(prior, Normal | Flat)):
        raise IncompatibleModelError(
            f"{owner}: intercept must be Normal or Flat, got {shown(prior)}."
        )


def units_of(owner: str, stated: Mapping[str, float], scales: Scales) -> dict[str, float]:
    """Return 1/sd(x) of every feature, as stated or as the data have it."""
    units = dict(stated) or {
        name: 1.0 / (sd or 1.0)
        for name, sd in zip(scales.feature_names, scales.sd_X.tolist(), strict=True)
    }
    if list(units) != list(scales.feature_names):
        raise IncompatibleModelError(
            f"{owner}: units are of {list(units)}, but the features are "
            f"{list(scales.feature_names)}."
        )
    return units
