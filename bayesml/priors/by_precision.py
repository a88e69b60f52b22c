r"""Normal priors stated by a root of their precision. Derived in docs/theory/linear_gaussian.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from bayesml.arguments import numbers_of, shown
from bayesml.distributions import exact
from bayesml.errors import ImproperPosteriorError, IncompatibleModelError
from bayesml.linalg import solve_upper, triangular_factor
from bayesml.priors.base import Coefficients, Unknown
from bayesml.priors.normal_rows import NormalRows, PriorTerms, Values, normal_terms
from bayesml.priors.scales import Scales
from bayesml.typing import Array


@dataclass(frozen=True, eq=False, repr=False)
class NormalByPrecision:
    r"""Joint Normal prior of the coefficients, by a factor of its precision (L13).

    .. math:: \beta \sim \mathrm{Normal}(\mu, (F^\top F)^{-1}), \qquad
              F(\beta - \mu) \sim \mathrm{Normal}(0, I)

    It is what `WeaklyInformative` and `MultivariateNormal` become when they meet their data: a
    covariance of nearly collinear columns has lost the digits that its factor keeps.

    Parameters
    ----------
    names : sequence of str
        The intercept, where it is stated, as ``intercept`` and first, and every feature. The
        intercept is the prediction at the mean of the features; of a predictor that does not
        count it from there, what it calls so. One that is not stated has a flat prior.
    mean : sequence of float
        μ, in the unit of y, and of y per unit of x.
    factor : array_like, shape (k, k)
        F, not singular; it is kept upper triangular with a positive diagonal.

    Raises
    ------
    IncompatibleModelError
        If shapes differ, numbers are not finite, or the factor is singular; at fit, if the names
        are not those of the features.

    Examples
    --------
    >>> prior = NormalByPrecision(["intercept", "x"], [0.0, 1.0], [[0.5, 0.0], [0.0, 2.0]])
    >>> prior.sd
    array([2. , 0.5])
    >>> print(prior.describe())
    intercept ~ Normal(0, 2), jointly
    weights[x] ~ Normal(1, 0.5), jointly
    """

    names: Sequence[str]
    mean: Array
    factor: Array

    def __post_init__(self) -> None:
        given: Any = self.names
        sequence = isinstance(given, Sequence) and not isinstance(given, str)
        if not sequence or not all(isinstance(name, str) for name in given):
            raise IncompatibleModelError(
                f"NormalByPrecision: names must be a sequence of names, got {shown(given)}."
            )
        names = tuple(self.names)
        mean = numbers_of(self.mean, "NormalByPrecision: mean")
        factor = numbers_of(self.factor, "NormalByPrecision: factor")
        k = len(names)
        if mean.shape != (k,) or factor.shape != (k, k) or not k:
            raise IncompatibleModelError(
                f"NormalByPrecision: {k} names need a mean of shape ({k},) and a factor of shape "
                f"({k}, {k}), got {mean.shape} and {factor.shape}."
            )
        if np.any(np.tril(factor, -1)) or np.any(np.diag(factor) <= 0):
            factor = triangular_factor(factor)
        if np.any(np.diag(factor) == 0):
            raise IncompatibleModelError(
                "NormalByPrecision: the factor must not be singular, since the prior is then flat "
                "in some direction. Use Independent(...) with Flat()."
            )
        for name, value in (("names", names), ("mean", mean), ("factor", factor)):
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same prior, to the last bit."""
        return isinstance(other, NormalByPrecision) and (
            self.names == other.names
            and np.array_equal(self.mean, other.mean)
            and np.array_equal(self.factor, other.factor)
        )

    def __hash__(self) -> int:
        """Go by the names and the means."""
        return hash((self.names, self.mean.tobytes()))

    def __repr__(self) -> str:
        """Give the code that makes it."""
        return (
            f"NormalByPrecision(names={list(self.names)}, mean={self.mean.tolist()}, "
            f"factor={self.factor.tolist()})"
        )

    @property
    def covariance(self) -> Array:
        """Return Σ = (FᵀF)⁻¹, shape (k, k)."""
        return np.asarray(self._inverse @ self._inverse.T)

    @property
    def sd(self) -> Array:
        """Each coefficient's own standard deviation, shape (k,)."""
        return np.asarray(np.linalg.norm(self._inverse, axis=1))

    def resolve(self, scales: Scales) -> "NormalByPrecision":
        """Return the prior in the order of β, if it is of this predictor's parameters."""
        check_linear(scales)
        n = len(scales.feature_names)
        features = tuple(scales.feature_names)
        stated = len(self.names) == n + 1 and "intercept" in scales.shapes
        order = (("intercept",) if stated else ()) + features
        if order == self.names:
            return self
        if sorted(order) != sorted(self.names):
            missing, unknown = set(order) - set(self.names), set(self.names) - set(order)
            raise IncompatibleModelError(
                "The joint Normal prior must name every feature once, and the intercept if it is "
                f"stated. Missing: {sorted(missing)}; unknown: {sorted(unknown)}. The "
                f"coefficients are {list(order)}."
            )
        last = {name: k for k, name in enumerate(self.names)}
        at = [self.names.index(order[0]), *(last[name] for name in order[1:])]
        return replace(self, names=order, mean=self.mean[at], factor=self.factor[:, at])

    def normal_rows(self, problem: Coefficients) -> NormalRows:
        """Return rows of F, unit triangular, so that no determinant is left out (L13)."""
        sd = 1.0 / np.diag(self.factor)
        rows, k = self.factor * sd[:, None], len(sd)
        G = np.zeros((k, _size(problem)))
        G[:, self._at(problem)] = rows
        return NormalRows(G, rows @ self.mean, sd, np.zeros_like(G))

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Values
    ) -> PriorTerms:
        """Evaluate the Normal densities of its rows."""
        return normal_terms(self.normal_rows(problem), beta, values)

    def sample(
        self,
        problem: Coefficients,
        values: Values,
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        """Draw β."""
        if names := self.improper_names(problem):
            raise ImproperPosteriorError(
                f"The joint Normal prior states no {', '.join(names)}, whose prior is flat: there "
                "is nothing to draw it from. State it first in the means."
            )
        out = np.empty((*shape, len(self.names)))
        z = rng.standard_normal(out.shape)
        out[..., self._at(problem)] = self.mean + z @ self._inverse.T
        return out

    def hyperparameters(self, problem: Coefficients) -> dict[str, Unknown]:
        """Return none: every number is stated."""
        return {}

    def proper_rows(self, problem: Coefficients) -> Array:
        """Return the functionals that have proper priors: all but an intercept not stated."""
        return np.eye(_size(problem))[self._at(problem)]

    def improper_names(self, problem: Coefficients) -> list[str]:
        """Return the intercept, if it is not stated."""
        return ["intercept"] if len(self.names) < _size(problem) else []

    def pymc(self, pm: Any, problem: Coefficients) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parts of μ + F⁻¹z, z standard Normal: ``coefficients_whitened``."""
        z = pm.Normal("coefficients_whitened", 0.0, 1.0, shape=len(self.names))
        beta = exact(self.mean) + pm.math.dot(exact(self._inverse), z)
        n = len(problem.feature_names)
        weights = pm.Deterministic("weights", beta[len(self.names) - n :], dims=problem.feature_dim)
        if not problem.has_intercept:
            return {"weights": weights}, {}
        stated = len(self.names) > n
        at_centre = beta[0] if stated else pm.Flat("intercept_centred")
        return {"intercept": at_centre, "weights": weights}, {}

    def describe(self) -> str:
        """Say each coefficient's own Normal distribution."""
        return "\n".join(
            f"{name if k < self._own else f'weights[{name}]'} ~ Normal({m:.4g}, {s:.4g}), jointly"
            for k, (name, m, s) in enumerate(zip(self.names, self.mean, self.sd, strict=True))
        )

    @property
    def _own(self) -> int:
        """How many of the names are no features: the intercept is first."""
        return int(self.names[0] == "intercept")

    def _at(self, problem: Coefficients) -> list[int]:
        """Return where its coefficients stand in β."""
        positions: dict[str, list[int]] = {}
        start = 0
        for name, shape in problem.shapes.items():
            positions[name] = list(range(start, start + prod(shape)))
            start += prod(shape)
        stated = len(self.names) > len(problem.feature_names)
        return (positions["intercept"] if stated else []) + positions["weights"]

    @cached_property
    def _inverse(self) -> Array:
        return solve_upper(self.factor, np.eye(len(self.names)))


def check_linear(scales: Scales) -> None:
    """Refuse a predictor whose parameters are not an intercept and one weight a feature."""
    own = {name: shape for name, shape in scales.shapes.items() if name != "intercept"}
    if scales.depth or own != {"weights": (len(scales.feature_names),)}:
        raise IncompatibleModelError(
            "A joint Normal prior is of an intercept and one weight a feature, and the "
            f"predictor's parameters are {dict(scales.shapes)}. Use Layered() for a network, "
            "Independent(...) for others."
        )


def _size(problem: Coefficients) -> int:
    return sum(prod(shape) for shape in problem.shapes.values())
