"""Weights that are Normal given scales of their own, beside an intercept: (Z3), (Z15), (Z19).

What the horseshoe and R2D2 share. Derived in docs/theory/sparse_priors.md.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesml.arguments import shown
from bayesml.distributions import Distribution, Flat, Normal, Real
from bayesml.errors import IncompatibleModelError
from bayesml.priors.base import Coefficients, Spread, Unknown
from bayesml.priors.normal_rows import PriorTerms, Values
from bayesml.priors.scales import Scales
from bayesml.typing import Array


def normal_given(
    spread: Spread, intercept: Distribution | None, beta: Array, values: Values
) -> PriorTerms:
    """Evaluate the Normal densities given the scales, and the intercept's, if there is one."""
    s = spread.scale(values)
    z = np.where(spread.scaled, beta / s, 0.0)
    density = np.where(spread.scaled, Normal().log_density(z) - np.log(s), 0.0)
    value, score = density.sum(axis=-1), -z / s
    if intercept is not None:
        value = value + intercept.log_density(beta[..., 0])
        score[..., 0] = intercept.score(beta[..., 0])
    slopes = np.where(spread.scaled, z**2 - 1.0, 0.0)
    return PriorTerms(value, score, spread.pull(values, slopes))


def entries_given(
    spread: Spread, intercept: Distribution | None, beta: Array, values: Values
) -> Array:
    """Evaluate the log density of every entry."""
    s = spread.scale(values)
    out = np.asarray(Normal().log_density(beta / s) - np.log(s))
    if intercept is not None:
        out[..., 0] = intercept.log_density(beta[..., 0])
    return out


def drawn_given(
    spread: Spread,
    intercept: Distribution | None,
    values: Values,
    rng: np.random.Generator,
    shape: tuple[int, ...],
) -> Array:
    """Draw every coefficient given the scales."""
    s = spread.scale(values)
    out: Array = s * rng.standard_normal((*shape, s.shape[-1]))
    if intercept is not None:
        out[..., 0] = intercept.sample(rng, shape)
    return out


def inferred_in(pm: Any, priors: Mapping[str, Unknown], dim: str) -> dict[str, Any]:
    """Return the scales that are inferred as variables of the PyMC model of this context."""
    values = {}
    for name, (prior, shape) in priors.items():
        family, arguments = prior.pymc(pm, prior.support)
        values[name] = family(name, **({"dims": dim} if shape else {}), **arguments)
    return values


def proper_of(intercept: Distribution | None, problem: Coefficients) -> Array:
    """Return all functionals of β, but for an intercept that is flat."""
    p = len(problem.feature_names) + int(problem.has_intercept)
    return np.eye(p)[len(improper_of(intercept, problem)) :]


def intercept_of(prior: Distribution | None, problem: Coefficients) -> Distribution | None:
    """Return the prior of the intercept, None where the predictor has none."""
    return prior if problem.has_intercept else None


def improper_of(prior: Distribution | None, problem: Coefficients) -> list[str]:
    """Return the intercept, if it is flat."""
    return ["intercept"] if intercept_of(prior, problem) == Flat() else []


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


def pymc_given(
    pm: Any, scale: Any, intercept: Distribution | None, problem: Coefficients
) -> dict[str, Any]:
    """Return the weights as products with their scales, and the intercept."""
    z = pm.Normal("weights_in_units", 0.0, 1.0, dims=problem.feature_dim)
    out = {"weights": pm.Deterministic("weights", scale * z, dims=problem.feature_dim)}
    if intercept is not None:
        family, arguments = intercept.pymc(pm, Real())
        own = "intercept_centred" if problem.centred else "intercept"
        out["intercept"] = family(own, **arguments)
    return out
