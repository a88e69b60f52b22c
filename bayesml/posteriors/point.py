"""A point estimate: values, and the standard errors that the curvature gives them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri, stdtrit

from bayesml.arguments import one_probability
from bayesml.distributions import (
    Above,
    ContinuousSupport,
    Distribution,
    Positive,
    UnitInterval,
    support_of,
)
from bayesml.likelihoods import Likelihood
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.base import Estimate, Kind, Marginal
from bayesml.posteriors.lattice import row_mixture
from bayesml.posteriors.over_draws import mixed_over_draws
from bayesml.posteriors.prediction import Prediction
from bayesml.predictors import HasNewLevels, Predictor
from bayesml.typing import Array

NEW = 1000
"""Draws of effects of levels that were never seen."""


@dataclass(frozen=True, eq=False)
class NormalEstimate:
    """Entries of one parameter, with standard errors and confidence limits.

    Attributes
    ----------
    value, standard_error : ndarray, shape (rows,)
        In the parameter's unit.
    df : float
        Degrees of freedom of the confidence limits; infinite for normal ones.
    """

    value: Array
    standard_error: Array
    df: float

    def confidence_limit(self, q: float) -> Array:
        """Return the confidence limit of level q: the estimate plus standard errors."""
        level = one_probability(q)
        z = ndtri(level) if np.isinf(self.df) else stdtrit(self.df, level)
        return np.asarray(self.value + self.standard_error * z)


@dataclass(frozen=True, eq=False)
class LogScaleEstimate:
    """An estimate above an end; limits are normal in the log of what exceeds it, so they do too.

    Attributes
    ----------
    value, standard_error : ndarray, shape (rows,)
        In the parameter's unit.
    end : float
        Zero for a positive parameter.
    """

    value: Array
    standard_error: Array
    end: float = 0.0

    def confidence_limit(self, q: float) -> Array:
        """Return the confidence limit of level q (E6)."""
        z, error = ndtri(one_probability(q)), self.standard_error
        unknown = np.isinf(error)  # all of the half line, whatever the level
        excess = self.value - self.end
        finite = (excess > 0) & ~unknown
        relative = np.divide(error, excess, out=np.zeros_like(error), where=finite)
        with np.errstate(over="ignore"):
            limit = self.end + excess * np.exp(relative * z)
        return np.where(unknown & (z != 0), np.inf if z > 0 else self.end, limit)


@dataclass(frozen=True, eq=False)
class LogitScaleEstimate:
    """A probability's estimate; limits are normal in the log odds, so they are probabilities.

    Attributes
    ----------
    value, standard_error : ndarray, shape (rows,)
    """

    value: Array
    standard_error: Array

    def confidence_limit(self, q: float) -> Array:
        """Return the confidence limit of level q (X12)."""
        z, error, v = ndtri(one_probability(q)), self.standard_error, self.value
        slope = v * (1.0 - v)
        known = np.isfinite(error) & (slope > 0)
        away = np.divide(error, slope, out=np.zeros_like(error), where=known)
        limit = expit(logit(np.where(known, v, 0.5)) + away * z)
        return np.where(known, limit, np.where(z == 0, v, float(z > 0)))


@dataclass(frozen=True, eq=False)
class PointEstimate:
    """Parameters at the optimum of an objective.

    Its predictions are plug-in: they state the noise, and no uncertainty about the parameters.

    Attributes
    ----------
    predictor : Predictor
    likelihood : Likelihood
    values : mapping of name to ndarray
        Every parameter; the noise's too, whether estimated or known.
    standard_errors : mapping of name to ndarray
        Of the estimated ones, same shapes.
    df : float
        Residual degrees of freedom; infinite where the theory is asymptotic.
    positive : tuple of str
        Parameters that are positive, beside the likelihood's.
    """

    predictor: Predictor
    likelihood: Likelihood
    values: Mapping[str, Array]
    standard_errors: Mapping[str, Array]
    df: float
    positive: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """A point estimate."""
        return "point"

    @property
    def constants(self) -> dict[str, Array]:
        """None: the only draw is of every parameter that was estimated."""
        return {}

    @property
    def compared(self) -> None:
        """Nothing: there is one draw."""
        return None

    def marginals(self) -> Mapping[str, Marginal]:
        """Return atoms at the estimates: how these vary between data sets is in `estimates`."""
        found = {name: np.ravel(self.values[name])[:, None] for name in self.standard_errors}
        return {name: Atoms(len(v), np.ones(1), v.__getitem__) for name, v in found.items()}

    def estimates(self) -> Mapping[str, Estimate]:
        """Return estimates with standard errors and confidence limits."""
        out: dict[str, Estimate] = {}
        for name, error in self.standard_errors.items():
            value, wide = np.ravel(self.values[name]), np.ravel(error)
            match Positive() if name in self.positive else self._support(name):
                case Positive():
                    out[name] = LogScaleEstimate(value, wide)
                case Above(end):
                    out[name] = LogScaleEstimate(value, wide, end)
                case UnitInterval():
                    out[name] = LogitScaleEstimate(value, wide)
                case _:
                    out[name] = NormalEstimate(value, wide, self.df)
        return out

    def _support(self, name: str) -> ContinuousSupport | None:
        """Return where a parameter of the likelihood lives, under its prior if it has one."""
        prior = self.likelihood.parameters.get(name)
        support = self.likelihood.parameter_supports.get(name)
        if support is None or not isinstance(prior, Distribution):
            return support
        return support_of(prior, support)

    def draws(self, chains: int, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Return the estimate as the only draw, whatever the number asked for."""
        return {name: np.asarray(self.values[name])[None, None] for name in self.standard_errors}

    def eta(self, parameters: Mapping[str, Array], X: Array) -> Array:
        """Evaluate the predictor at draws, shape (..., m) or (k, ..., m)."""
        return self.predictor.eta(parameters, X)

    def predict(self, X: Array) -> Prediction:
        """Return p(y | x, θ̂) at the rows of X, effects of new levels drawn from their law."""
        if isinstance(self.predictor, HasNewLevels) and self.predictor.meets_new_levels(X):
            tiled = {n: np.broadcast_to(v, (NEW, *np.shape(v))) for n, v in self.values.items()}
            weights = np.full(NEW, 1.0 / NEW)
            return mixed_over_draws(self.predictor, self.likelihood, tiled, weights, {}, X)
        rows, one = X.shape[0], np.ones(1)
        eta = self.predictor.eta(self.values, X)
        noise = {name: self.values[name] for name in self.likelihood.parameters}
        mean = self.likelihood.mean(eta, noise)

        def sample(size: int, rng: np.random.Generator) -> Array:
            wide = np.broadcast_to(eta[..., None, :], (*eta.shape[:-1], size, rows))
            return self.likelihood.sample(wide, noise, rng)

        return Prediction(
            row_mixture(rows, one, self.likelihood, lambda block: (eta[..., block, None], noise)),
            Atoms(rows, one, lambda block: mean[block, None]),
            self.likelihood.sd(eta, noise) ** 2,
            sample,
            lambda size, rng: np.tile(mean, (size, 1)),
        )
