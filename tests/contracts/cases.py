"""The models of the contract tests, each with its density written apart from the package.

A new likelihood is one entry: the model, the formula, and log p(y | η, φ) by scipy.stats.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, log_softmax, logit

import bayesml as bm
from bayesml.distributions import Laplace, StudentT
from tests.contracts.case import Case, Linear, Output
from tests.contracts.table import NOISE, M, columns
from tests.parts.squares import Squares

Vector = np.ndarray[Any, Any]


# Densities of the coefficients.


def flat(at: Linear, phi: list[Vector]) -> Vector:
    return np.zeros(len(at.intercept))


def conjugate(at: Linear, phi: list[Vector]) -> Vector:
    sigma = phi[0]
    of_weights = stats.norm.logpdf(at.weights, 0, 3.0 * sigma).sum(axis=1)
    return np.asarray(stats.norm.logpdf(at.centred, 0, 10.0 * sigma[:, 0]) + of_weights)


def lasso(at: Linear, phi: list[Vector]) -> Vector:
    of_weights = stats.laplace.logpdf(at.weights, 0, 0.1).sum(axis=1)
    return np.asarray(stats.norm.logpdf(at.centred, 0, 10) + of_weights)


def heavy_tails(at: Linear, phi: list[Vector]) -> Vector:
    of_weights = stats.t.logpdf(at.weights, 3, 0, 0.3).sum(axis=1)
    return np.asarray(stats.norm.logpdf(at.centred, 0, 10) + of_weights)


def of_squares(at: Linear, phi: list[Vector]) -> Vector:
    """Not centred: a predictor of one's own has no frame."""
    of_weights = stats.norm.logpdf(at.weights, 0, 5).sum(axis=1)
    return np.asarray(stats.norm.logpdf(at.intercept, 0, 5) + of_weights)


# Where outputs lie, and priors of parameters.


def line(y: Vector) -> tuple[float, float]:
    return y.mean(), y.std(ddof=1)


def log_mean(y: Vector) -> tuple[float, float]:
    return np.log(y.mean()), 1.0


def log_rate(y: Vector) -> tuple[float, float]:
    return np.log(y.mean()) - np.log(columns()["years"]).mean(), 1.0


def log_odds(y: Vector) -> tuple[float, float]:
    return logit(y.mean()), 1.0


def even(y: Vector) -> tuple[float, float]:
    return 0.0, 1.0


def of_spread(y: Vector) -> Any:
    return stats.expon(scale=y.std(ddof=1))


def of_variation(y: Vector) -> Any:
    """φ whose 1/√φ is standard half-normal."""
    return stats.invgamma(0.5, scale=0.5)


class RootInverseGamma(NamedTuple):
    """σ whose square is inverse gamma; dσ² = 2σ dσ."""

    shape: float
    rate: float

    def logpdf(self, sigma: Vector) -> Vector:
        of_square = stats.invgamma.logpdf(sigma**2, self.shape, scale=self.rate)
        return np.asarray(of_square + np.log(2.0 * sigma))


# Densities of the rows.


def gaussian(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.norm.logpdf(y, eta[0], phi[0] if phi else NOISE)


def student_t(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.t.logpdf(y, 4, eta[0], phi[0])


def poisson(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.poisson.logpmf(y, np.exp(eta[0]))


def bernoulli(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.bernoulli.logpmf(y, expit(eta[0]))


def negative_binomial(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.nbinom.logpmf(y, phi[0], phi[0] / (phi[0] + np.exp(eta[0])))


def gamma(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.gamma.logpdf(y, phi[0], scale=np.exp(eta[0]) / phi[0])


def beta(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    mu = expit(eta[0])
    return stats.beta.logpdf(y, mu * phi[0], (1.0 - mu) * phi[0])


def laplace(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.laplace.logpdf(y, eta[0], phi[0])


def quantile(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    """scipy's falls off as κ/scale above and 1/(κ scale) below, ours as q/s and (1 − q)/s."""
    kappa = np.sqrt(QUANTILE / (1.0 - QUANTILE))
    return stats.laplace_asymmetric.logpdf(y, kappa, eta[0], phi[0] * kappa / QUANTILE)


def binomial(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.binom.logpmf(y, columns()["tried"], expit(eta[0]))


def categorical(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    logits = np.stack([np.zeros_like(eta[0]), *eta])
    return np.asarray(log_softmax(logits, axis=0)[y, :, np.arange(M)].T)


def ordinal(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    """Of three classes, cut at 0 and at the gap."""
    below = [0.0 * eta[0], expit(-eta[0]), expit(phi[0] - eta[0]), 1.0 + 0.0 * eta[0]]
    return np.log(np.diff(below, axis=0)[y, :, np.arange(M)].T)


def with_exposure(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.poisson.logpmf(y, columns()["years"] * np.exp(eta[0]))


def with_scale(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    return stats.norm.logpdf(y, eta[0], np.exp(eta[1]))


def in_intervals(y: Vector, eta: list[Vector], phi: list[Vector]) -> Vector:
    """What is known exactly by its density, others by the mass between their ends."""
    high = columns()["high"]
    z, w = (y - eta[0]) / phi[0], (high - eta[0]) / phi[0]
    mass = np.where(
        z > -w, stats.norm.sf(z) - stats.norm.sf(w), stats.norm.cdf(w) - stats.norm.cdf(z)
    )
    with np.errstate(divide="ignore"):
        return np.where(columns()["how"] == 0, stats.norm.logpdf(y, eta[0], phi[0]), np.log(mass))


QUANTILE = 0.7
HEAVY = bm.Independent(StudentT(3, 0, 0.3), bm.Normal(0, 10))
LASSO = bm.Independent(Laplace(0, 0.1), bm.Normal(0, 10))
CONJUGATE = bm.NormalInverseGamma(scale=3.0, shape=2.0, rate=0.5)
SPIKES = bm.SpikeAndSlab(0.5, CONJUGATE)
OF_SQUARES = bm.Independent(intercept=bm.Normal(0, 5), others={"theta": bm.Normal(0, 5)})


def both(around: Any, copies: int = 1) -> tuple[Output, ...]:
    return (Output(("a", "b"), around, copies),)


LINE = {"outputs": both(line), "statistics": True}
CASES = {
    "`Linear()`, `Gaussian()`": Case(
        bm.Model(), "y ~ a + b", gaussian, parameters=(of_spread,), exact=True, **LINE
    ),
    "…, σ known, `Flat()`": Case(
        bm.Model(bm.Linear(), bm.Gaussian(NOISE), bm.Flat()),
        "y ~ a + b",
        gaussian,
        coefficients=flat,
        exact=True,
        **LINE,
    ),
    "…, `NormalInverseGamma()`": Case(
        bm.Model(prior=CONJUGATE),
        "y ~ a + b",
        gaussian,
        parameters=(lambda y: RootInverseGamma(2.0, 0.5),),
        coefficients=conjugate,
        exact=True,
        **LINE,
    ),
    "…, `SpikeAndSlab()`": Case(
        bm.Model(prior=SPIKES),
        "weak ~ a + b",
        gaussian,
        parameters=(of_spread,),
        exact=True,
        **LINE,
    ),
    "…, Laplace priors (lasso)": Case(
        bm.Model(prior=LASSO),
        "y ~ a + b",
        gaussian,
        parameters=(of_spread,),
        coefficients=lasso,
        **LINE,
    ),
    "…, Student-t priors": Case(
        bm.Model(prior=HEAVY),
        "y ~ a + b",
        gaussian,
        parameters=(of_spread,),
        coefficients=heavy_tails,
        **LINE,
    ),
    "…, `sigma ~ b`": Case(
        bm.Model(),
        "y ~ a + b, sigma ~ b",
        with_scale,
        (*both(line), Output(("b",), lambda y: (np.log(y.std(ddof=1)), 1.0))),
    ),
    "…, `Censored(Gaussian(), intervals=True)`": Case(
        bm.Model(likelihood=bm.Censored(bm.Gaussian(), intervals=True)),
        "low | censoring(how) + upper(high) ~ a + b",
        in_intervals,
        both(line),
        (of_spread,),
        digits=2e-6,
    ),
    "`Linear()`, `StudentT(df=4)`": Case(
        bm.Model(bm.Linear(), bm.StudentT(df=4.0)),
        "heavy ~ a + b",
        student_t,
        both(line),
        (of_spread,),
    ),
    "`Linear()`, `LaplaceResponse()`": Case(
        bm.Model(likelihood=bm.LaplaceResponse()),
        "heavy ~ a + b",
        laplace,
        both(line),
        (of_spread,),
        kinked=True,
    ),
    "`Linear()`, `AsymmetricLaplace(0.7)`": Case(
        bm.Model(likelihood=bm.AsymmetricLaplace(QUANTILE)),
        "heavy ~ a + b",
        quantile,
        both(line),
        (of_spread,),
        kinked=True,
    ),
    "`Linear()`, `GammaResponse()`": Case(
        bm.Model(likelihood=bm.GammaResponse()),
        "waits ~ a + b",
        gamma,
        both(log_mean),
        (of_variation,),
    ),
    "`Linear()`, `BetaResponse()`": Case(
        bm.Model(likelihood=bm.BetaResponse()),
        "shares ~ a + b",
        beta,
        both(log_odds),
        (of_variation,),
    ),
    "`Linear()`, `Poisson()`": Case(
        bm.Model(bm.Linear(), bm.Poisson()),
        "counts ~ a + b",
        poisson,
        both(log_mean),
        nearly_gaussian=True,
    ),
    "…, `offset(log(years))`": Case(
        bm.Model(likelihood=bm.Poisson()),
        "events ~ a + b + offset(log(years))",
        with_exposure,
        both(log_rate),
        nearly_gaussian=True,
    ),
    "`Linear()`, `NegativeBinomial()`": Case(
        bm.Model(likelihood=bm.NegativeBinomial()),
        "spread ~ a + b",
        negative_binomial,
        both(log_mean),
        (of_variation,),
    ),
    "`Linear()`, `Bernoulli()`": Case(
        bm.Model(bm.Linear(), bm.Bernoulli()), "binary ~ a + b", bernoulli, both(log_odds)
    ),
    "`Linear()`, `Binomial()`": Case(
        bm.Model(likelihood=bm.Binomial()),
        "successes | trials(tried) ~ a + b",
        binomial,
        both(even),
    ),
    "`Linear()`, `Categorical()`": Case(
        bm.Model(likelihood=bm.Categorical()), "kind ~ a + b", categorical, both(even, copies=2)
    ),
    "`Linear()`, `Ordinal()`": Case(
        bm.Model(likelihood=bm.Ordinal()),
        "grade ~ a + b",
        ordinal,
        both(lambda y: (0.5, 1.0)),
        (lambda y: stats.expon(),),
    ),
    "`MLP()`, `Gaussian()`": Case(
        bm.Model(bm.MLP((3,)), bm.Gaussian(NOISE), bm.Layered(sd=1.0)),
        "y ~ a + b",
        gaussian,
        both(line),
    ),
    "a predictor of your own, `Gaussian()`": Case(
        bm.Model(Squares(), bm.Gaussian(), OF_SQUARES),
        "squares ~ a + b",
        gaussian,
        (Output(("a²", "b²"), line),),
        (of_spread,),
        of_squares,
    ),
}
