"""One part of every role, written with what the package exports and nothing else of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from scipy.special import digamma, gammainc, gammaincc, gammaln

import bayesml as bm
from bayesml.distributions import ContinuousSupport, Distribution, Positive, Support
from bayesml.inference import Learned, Method
from bayesml.likelihoods import Average, Link, Log, Stated, check_parameter, hermite_average
from bayesml.losses import GammaDeviance, Loss
from bayesml.model import Problem
from bayesml.posteriors import SampledPosterior
from bayesml.predictors import Outputs, Parameters
from bayesml.priors import Coefficients, NormalRows, PriorTerms, Scales, Unknown, normal_terms
from bayesml.typing import Array, ArrayLike


@dataclass(frozen=True)
class Curve:
    """η = b + Σ aⱼ exp(−rⱼ²xⱼ²): nonlinear, and with `eta` and `vjp` alone."""

    @property
    def has_intercept(self) -> bool:
        return True

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "Curve":
        return self

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        return {"intercept": (), "height": (n,), "rate": (n,)}

    def dims(self) -> dict[str, list[str]]:
        return {"height": ["feature"], "rate": ["feature"]}

    def eta(self, parameters: Parameters, X: Array) -> Array:
        bumps = np.exp(-((parameters["rate"][..., None, :] * X) ** 2))
        at = np.einsum("...mn,...n->...m", bumps, parameters["height"])
        return np.asarray(np.asarray(parameters["intercept"])[..., None] + at)

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        r, a = parameters["rate"], parameters["height"]
        bumps = np.exp(-((r[..., None, :] * X) ** 2))
        of = np.einsum("...m,...mn->...n", cotangent, bumps)
        of_squares = np.einsum("...m,...mn->...n", cotangent, bumps * X**2)
        return {
            "intercept": np.asarray(cotangent.sum(axis=-1)),
            "height": of,
            "rate": -2.0 * a * r * of_squares,
        }

    def start(
        self, n: int, rng: np.random.Generator, members: tuple[int, ...] = ()
    ) -> dict[str, Array]:
        """Begin where every bump is as wide as the unit of x."""
        one = np.ones((*members, n))
        return {"intercept": np.zeros(members), "height": one, "rate": one}

    def describe(self) -> str:
        return "η = intercept + Σ height·exp(−rate²·X²)"


@dataclass(frozen=True)
class Quadratic:
    """η = b + X²θ, its parameters called as those of `Linear` are: the issue's fault."""

    @property
    def has_intercept(self) -> bool:
        return True

    def resolve(
        self, mean_X: Array, sd_X: Array, outputs: Outputs, intercept: bool | None
    ) -> "Quadratic":
        return self

    def shapes(self, n: int) -> dict[str, tuple[int, ...]]:
        return {"intercept": (), "weights": (n,)}

    def dims(self) -> dict[str, list[str]]:
        return {"weights": ["feature"]}

    def eta(self, parameters: Parameters, X: Array) -> Array:
        return np.asarray(
            np.asarray(parameters["intercept"])[..., None] + parameters["weights"] @ (X**2).T
        )

    def vjp(self, parameters: Parameters, X: Array, cotangent: Array) -> dict[str, Array]:
        return {"intercept": np.asarray(cotangent.sum(axis=-1)), "weights": cotangent @ X**2}

    def jacobian(self, parameters: Parameters, X: Array) -> Array:
        return np.column_stack([np.ones(len(X)), X**2])

    def pymc(self, pm: Any, parameters: Mapping[str, Any], X: Any) -> Any:
        return parameters["intercept"] + (X**2) @ parameters["weights"]

    def describe(self) -> str:
        return "η = intercept + X²·weights"


@dataclass(frozen=True)
class GammaMean:
    """y ~ Gamma(shape α, mean e^η): positive, with a parameter that is no scale of y."""

    alpha: Stated = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", check_parameter("GammaMean", "alpha", self.alpha))

    @property
    def support(self) -> Support:
        return Positive()

    @property
    def link(self) -> Link:
        return Log()

    @property
    def loss(self) -> Loss:
        return GammaDeviance()

    @property
    def parameters(self) -> Mapping[str, Stated]:
        return {"alpha": self.alpha}

    @property
    def parameter_supports(self) -> Mapping[str, ContinuousSupport]:
        return {"alpha": Positive()}

    def default_priors(self, sd_y: float) -> Mapping[str, Distribution]:
        return {"alpha": bm.Gamma(2.0, 0.2)}

    def start(self, mean_y: float, sd_y: float) -> Mapping[str, float]:
        return {"alpha": (mean_y / sd_y) ** 2}

    def outputs(self, mean_y: float, sd_y: float) -> Outputs:
        return ((float(np.log(mean_y)), 1.0),)

    def average(self, eta: Array, covariance: Array, parameters: Mapping[str, Any]) -> Average:
        return hermite_average(eta, covariance, parameters)

    def log_density(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        a, inside = np.asarray(parameters["alpha"]), np.asarray(y) > 0
        y = np.where(inside, y, 1.0)
        rate = np.log(a) - eta
        density = a * rate + (a - 1.0) * np.log(y) - np.exp(rate) * y - gammaln(a)
        return np.where(inside, density, -np.inf)

    def score(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.asarray(parameters["alpha"] * (np.asarray(y) * np.exp(-np.asarray(eta)) - 1.0))

    def information(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.broadcast_to(parameters["alpha"], np.shape(eta)).astype(np.float64)

    def parameter_scores(
        self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]
    ) -> dict[str, Array]:
        a, ratio = np.asarray(parameters["alpha"]), np.asarray(y) * np.exp(-np.asarray(eta))
        return {"alpha": np.log(a) + 1.0 + np.log(ratio) - ratio - digamma(a)}

    def mean(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.asarray(np.exp(eta))

    def sd(self, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.asarray(np.exp(eta) / np.sqrt(parameters["alpha"]))

    def cdf(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.asarray(gammainc(parameters["alpha"], self._standard(y, eta, parameters)))

    def survival(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.asarray(gammaincc(parameters["alpha"], self._standard(y, eta, parameters)))

    def sample(
        self, eta: ArrayLike, parameters: Mapping[str, Any], rng: np.random.Generator
    ) -> Array:
        a = np.broadcast_to(parameters["alpha"], np.shape(eta))
        return np.asarray(rng.gamma(a, np.exp(eta) / a))

    def describe(self) -> str:
        return f"y ~ Gamma(α, mean exp η)\nα: {self.alpha!r}"

    def pymc(self, pm: Any, eta: Any, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        a = parameters["alpha"]
        return pm.Gamma, {"alpha": a, "beta": a * pm.math.exp(-eta)}

    def _standard(self, y: ArrayLike, eta: ArrayLike, parameters: Mapping[str, Any]) -> Array:
        return np.maximum(y, 0.0) * parameters["alpha"] * np.exp(-np.asarray(eta))


@dataclass(frozen=True)
class Logistic:
    """Every coefficient from a logistic distribution around zero: not Gaussian."""

    scale: float = 1.0

    def resolve(self, scales: Scales) -> "Logistic":
        return self

    def normal_rows(self, problem: Coefficients) -> None:
        return None

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Mapping[str, Any]
    ) -> PriorTerms:
        z = np.abs(beta) / self.scale
        value = -z - 2.0 * np.log1p(np.exp(-z)) - np.log(self.scale)
        return PriorTerms(value.sum(axis=-1), -np.tanh(0.5 * beta / self.scale) / self.scale, {})

    def sample(
        self,
        problem: Coefficients,
        values: Mapping[str, Any],
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        return rng.logistic(0.0, self.scale, (*shape, size(problem)))

    def hyperparameters(self, problem: Coefficients) -> Mapping[str, Unknown]:
        return {}

    def describe(self) -> str:
        return f"β ~ Logistic({self.scale:g})"


@dataclass(frozen=True)
class Shrinkage:
    """β ~ Normal(0, τ s), Gaussian given τ, which is inferred: one for each half of β."""

    sd: float = 10.0

    def resolve(self, scales: Scales) -> "Shrinkage":
        return self

    def normal_rows(self, problem: Coefficients) -> NormalRows:
        p = size(problem)
        group = (np.arange(p) >= p // 2).astype(np.intp)
        return NormalRows(None, np.zeros(p), np.full(p, self.sd), scale="tau", group=group)

    def log_density_and_score(
        self, problem: Coefficients, beta: Array, values: Mapping[str, Any]
    ) -> PriorTerms:
        return normal_terms(self.normal_rows(problem), beta, values)

    def sample(
        self,
        problem: Coefficients,
        values: Mapping[str, Any],
        rng: np.random.Generator,
        shape: tuple[int, ...],
    ) -> Array:
        sd = self.normal_rows(problem).scales(values)[1]
        return np.asarray(sd * rng.standard_normal((*shape, size(problem))))

    def hyperparameters(self, problem: Coefficients) -> Mapping[str, Unknown]:
        return {"tau": Unknown(bm.Gamma(4.0, 4.0), (2,))}

    def describe(self) -> str:
        return f"β ~ Normal(0, {self.sd:g}·τ)\nτ ~ Gamma(4, 4), one for each half"


def size(problem: Coefficients) -> int:
    return sum(prod(shape) for shape in problem.shapes.values())


@dataclass(frozen=True)
class Bootstrap:
    """Draws of an estimator under rows drawn again: nonparametric, with `estimator` at each."""

    draws: int = 150
    chains: int = 4
    estimator: Method = field(default_factory=bm.MLE)

    def learn(self, problem: Problem, rng: np.random.Generator) -> Learned:
        data, found = problem.data, []
        for _ in range(self.chains * self.draws):
            rows = rng.multinomial(data.m, data.row_weights / data.row_weights.sum())
            again = bm.Data(data.X, data.y, observation_weights=rows.astype(np.float64))
            drawn = replace(problem, data=again, statistics=again.statistics)
            found.append(self.estimator.learn(drawn, rng).posterior.draws(1, 1, rng))
        chains = {
            name: np.concatenate([f[name] for f in found], axis=1).reshape(
                self.chains, self.draws, *found[0][name].shape[2:]
            )
            for name in found[0]
        }
        return Learned(
            SampledPosterior(
                problem.model.predictor, problem.model.likelihood, chains, problem.known
            ),
            problem.model,
            f"{self.chains * self.draws} bootstrap samples of {self.estimator!r}",
            "a bootstrap is no posterior, and has none.",
        )
