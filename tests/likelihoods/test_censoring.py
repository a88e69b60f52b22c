"""Censored and truncated likelihoods: densities, scores, PyMC, and fits against other software."""

from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, stats

import bayesml as bm
from bayesml.likelihoods import Likelihood
from bayesml.likelihoods.gamma_tails import log_lower, log_upper

CENSORED: dict[str, tuple[Likelihood, dict[str, float], float]] = {
    "Gaussian": (bm.Gaussian(), {"sigma": 1.3}, 0.4),
    "StudentT": (bm.StudentT(), {"df": 3.0, "sigma": 0.8}, 0.4),
    "Gamma": (bm.GammaResponse(), {"shape": 2.5}, 0.4),
    "Poisson": (bm.Poisson(), {}, 0.8),
    "NegativeBinomial": (bm.NegativeBinomial(), {"concentration": 2.0}, 0.8),
    "Laplace": (bm.LaplaceResponse(), {"scale": 0.7}, 0.3),
}
TRUNCATED: dict[str, tuple[bm.Truncated, dict[str, float], float]] = {
    "Gaussian, above": (bm.Truncated(bm.Gaussian(), lower=0.5), {"sigma": 1.3}, 0.4),
    "Gaussian, between": (bm.Truncated(bm.Gaussian(), -1.0, 1.5), {"sigma": 1.3}, 0.4),
    "Gaussian, far": (bm.Truncated(bm.Gaussian(), lower=9.0), {"sigma": 1.3}, 0.4),
    "Gamma, below": (bm.Truncated(bm.GammaResponse(), upper=2.0), {"shape": 2.5}, 0.4),
    "Poisson, no zeros": (bm.Truncated(bm.Poisson(), lower=1), {}, 0.3),
    "NegativeBinomial, no zeros": (
        bm.Truncated(bm.NegativeBinomial(), lower=1),
        {"concentration": 2.0},
        0.8,
    ),
}
of_censored = pytest.mark.parametrize("name", CENSORED)
of_truncated = pytest.mark.parametrize("name", TRUNCATED)


def eta_of(eta: float, c: float, y: Any) -> np.ndarray:
    return np.stack([np.full(np.shape(y), eta), np.full(np.shape(y), c)])


@of_censored
@pytest.mark.parametrize("c", [-1.0, 0.0, 1.0])
def test_censored_rows_are_tails(name: str, c: float) -> None:
    inner, phi, eta = CENSORED[name]
    y = np.array([1.0, 2.0, 4.0])
    found = np.exp(bm.Censored(inner).log_density(y, eta_of(eta, c, y), phi))
    discrete = inner.support.discrete
    truth = {
        -1.0: inner.cdf(y, eta, phi),
        0.0: np.exp(inner.log_density(y, eta, phi)),
        1.0: inner.survival(y - discrete, eta, phi),
    }[c]
    np.testing.assert_allclose(found, truth, rtol=1e-12)


@of_censored
@pytest.mark.parametrize("c", [-1.0, 0.0, 1.0])
def test_scores_of_censored_rows_are_derivatives(name: str, c: float) -> None:
    inner, phi, eta = CENSORED[name]
    likelihood, y, h = bm.Censored(inner), np.array([1.0, 2.0, 4.0]), 1e-5

    def at(e: float, values: dict[str, float]) -> np.ndarray:
        return likelihood.log_density(y, eta_of(e, c, y), values)

    score = likelihood.score(y, eta_of(eta, c, y), phi)
    np.testing.assert_array_equal(score[1], 0.0)
    slope = (at(eta + h, phi) - at(eta - h, phi)) / (2 * h)
    np.testing.assert_allclose(score[0], slope, rtol=1e-6, atol=1e-8)
    for parameter, found in likelihood.parameter_scores(y, eta_of(eta, c, y), phi).items():
        up, down = (at(eta, phi | {parameter: phi[parameter] + s * h}) for s in (1, -1))
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-5, atol=1e-7)


@of_truncated
def test_truncated_densities_integrate_to_one_and_have_their_moments(name: str) -> None:
    likelihood, phi, eta = TRUNCATED[name]
    low, high = likelihood._limits
    at = np.array([eta])
    if likelihood.support.discrete:
        y = np.arange(1.0, 400.0)
        p = np.exp(likelihood.log_density(y, np.full(len(y), eta), phi))
        total, mean, square = p.sum(), p @ y, p @ y**2
        below = p[y <= 3].sum()
    else:

        def density(v: float) -> float:
            return float(np.exp(likelihood.log_density(v, eta, phi)))

        low = max(low, 0.0) if name.startswith("Gamma") else low
        total, mean, square = (
            integrate.quad(lambda v, k=k: v**k * density(v), low, high, epsabs=1e-12)[0]
            for k in range(3)
        )
        middle = low + 0.7 if np.isfinite(low) else 0.1
        below = integrate.quad(density, low, middle, epsabs=1e-12)[0]
        assert float(likelihood.cdf(middle, at, phi)[0]) == pytest.approx(below, abs=1e-9)
    assert total == pytest.approx(1.0, abs=1e-8)
    assert float(likelihood.mean(at, phi)[0]) == pytest.approx(mean, rel=1e-8)
    assert float(likelihood.sd(at, phi)[0]) == pytest.approx(np.sqrt(square - mean**2), rel=1e-6)
    if likelihood.support.discrete:
        assert float(likelihood.cdf(3.0, at, phi)[0]) == pytest.approx(below, rel=1e-10)


@of_truncated
def test_scores_of_truncated_densities_are_derivatives(name: str) -> None:
    likelihood, phi, eta = TRUNCATED[name]
    y = np.array([9.5, 10.0]) if "far" in name else np.array([1.0, 2.0])
    y, h = y[likelihood.support.contains(y)], 1e-5
    e = np.full(len(y), eta)
    up, down = (likelihood.log_density(y, e + s * h, phi) for s in (1, -1))
    found = likelihood.score(y, e, phi)
    np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-5, atol=1e-7)
    for parameter, slope in likelihood.parameter_scores(y, e, phi).items():
        up, down = (
            likelihood.log_density(y, e, phi | {parameter: phi[parameter] + s * h}) for s in (1, -1)
        )
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_scores_do_not_depend_on_the_unit(unit: float) -> None:
    """By log Φ: σ times the slope of a tail in σ, and of the mass above a limit."""
    z, low = 1.5, -0.5
    ratio, above = (float(np.exp(stats.norm.logpdf(v) - stats.norm.logsf(v))) for v in (z, low))
    phi, eta = {"sigma": unit}, np.array([[0.0], [1.0]])
    tail = bm.Censored(bm.Gaussian()).parameter_scores(z * unit, eta, phi)["sigma"]
    assert unit * tail[0] == pytest.approx(z * ratio, rel=1e-8)
    limited = bm.Truncated(bm.Gaussian(), lower=low * unit)
    slope = limited.parameter_scores(np.array([z * unit]), np.zeros(1), phi)["sigma"]
    assert unit * slope[0] == pytest.approx(z**2 - 1 - low * above, rel=1e-8)


def test_far_tails_are_right_to_the_last_digits() -> None:
    """Beyond 38 standard deviations the probabilities are no numbers any more: by mpmath."""
    z = np.array([2.0, 37.0, 39.0, 200.0])
    truth = [float(mpmath.npdf(v) / mpmath.ncdf(-v)) for v in map(mpmath.mpf, z)]
    phi, c = {"sigma": 1.0}, np.ones(4)
    up = bm.Censored(bm.Gaussian()).score(z, np.stack([np.zeros(4), c]), phi)[0]
    down = bm.Censored(bm.Gaussian()).score(-z, np.stack([np.zeros(4), -c]), phi)[0]
    np.testing.assert_allclose(up, truth, rtol=1e-10)
    np.testing.assert_allclose(down, -up, rtol=1e-12)
    positive = bm.Truncated(bm.Gaussian(), lower=0.0)
    np.testing.assert_allclose(
        positive.log_density(0.01, -z, phi),
        [float(mpmath.log(mpmath.npdf(v + 0.01) / mpmath.ncdf(-v))) for v in map(mpmath.mpf, z)],
        rtol=1e-8,
    )
    np.testing.assert_allclose(positive.score(0.01, -z, phi), 0.01 + z - truth, atol=1e-10)
    np.testing.assert_allclose(positive.mean(-z, phi), np.array(truth) - z, rtol=1e-8)
    np.testing.assert_allclose(positive.cdf(np.inf, -z, phi), 1.0)


@pytest.mark.parametrize("shape", [0.01, 0.5, 3.0, 50.0, 1e3])
def test_logs_of_incomplete_gamma_functions_have_all_digits(shape: float) -> None:
    """Against 40 digits, as far as these tell a complement from one."""
    x = shape * np.array([1e-3, 0.1, 0.6, 0.95, 1.0, 1.2, 3.0, 30.0, 1e4])
    mpmath.mp.dps = 40
    for at in x:
        below = mpmath.gammainc(shape, 0, at, regularized=True)
        above = mpmath.gammainc(shape, at, mpmath.inf, regularized=True)
        for ours, theirs in ((log_lower, below), (log_upper, above)):
            truth = float(mpmath.log(theirs)) if theirs > 0 else 0.0
            if truth < -1e-25:
                assert float(ours(shape, at)) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(
    ("likelihood", "phi", "y", "c"),
    [
        (bm.Poisson(), {}, 3000.0, 1.0),
        (bm.Poisson(), {}, 2.0, -1.0),
        (bm.GammaResponse(), {"shape": 2.5}, 5e4, 1.0),
        (bm.GammaResponse(), {"shape": 400.0}, 1.0, -1.0),
    ],
    ids=repr,
)
def test_far_tails_of_counts_and_gammas_have_scores(
    likelihood: Likelihood, phi: dict[str, float], y: float, c: float
) -> None:
    """Where the tail is far below the smallest number; by mpmath, and by differences of it."""
    eta, censored, h = (np.log(1000.0) if c < 0 else 2.0), bm.Censored(likelihood), 1e-6
    mpmath.mp.dps = 60

    def truth(at: float) -> Any:
        mu = mpmath.exp(mpmath.mpf(at))
        if not phi:
            if c > 0:
                return mpmath.log(mpmath.gammainc(y, 0, mu, regularized=True))
            return mpmath.log(mpmath.gammainc(y + 1, mu, mpmath.inf, regularized=True))
        a = mpmath.mpf(phi["shape"])
        ends = (a * y / mu, mpmath.inf) if c > 0 else (0, a * y / mu)
        return mpmath.log(mpmath.gammainc(a, *ends, regularized=True))

    found = float(censored.log_density(y, np.array([eta, c]), phi))
    assert found < -750.0
    assert found == pytest.approx(float(truth(eta)), rel=1e-12)
    slope = float((truth(eta + h) - truth(eta - h)) / (2 * h))
    assert float(censored.score(y, np.array([eta, c]), phi)[0]) == pytest.approx(slope, rel=1e-7)
    for score in censored.parameter_scores(y, np.array([eta, c]), phi).values():
        assert np.all(np.isfinite(score))


@pytest.mark.parametrize(
    ("k", "mu", "phi"),
    [
        (3, 5.0, 2.0),
        (20_000, 5.0, 0.3),
        (100_000, 3.0, 50.0),
        (3000, 100.0, 1e14),
        (10, 1e5, 1e4),
        (10, 3000.0, 1e13),
        (60, 50.0, 1e9),
        (900_000, 1000.0, 0.5),
    ],
)
def test_tails_of_clustered_counts_have_logarithms(k: int, mu: float, phi: float) -> None:
    """By the hypergeometric function and the finite sum in 60 digits: from far to near Poisson."""
    with mpmath.workdps(60):
        f, a = mpmath.mpf(phi), mpmath.mpf(mu) / (mpmath.mpf(mu) + mpmath.mpf(phi))

        def log_mass(n: int) -> Any:
            of_count = mpmath.loggamma(n + f) - mpmath.loggamma(n + 1) - mpmath.loggamma(f)
            return of_count + n * mpmath.log(a) + f * mpmath.log1p(-a)

        above = mpmath.exp(log_mass(k + 1)) * mpmath.hyp2f1(k + 1 + f, 1, k + 2, a)
        below = 1 - above
        if k < mu:
            below = sum(mpmath.exp(log_mass(n)) for n in range(k + 1))
        truth = [float(mpmath.log(below)), float(mpmath.log(above))]
        slope = float(log_mass(k + 1) + mpmath.log(k + 1))
    counts, eta, at = bm.NegativeBinomial(), np.log(mu), {"concentration": phi}
    found = [counts.log_cdf(k, eta, at), counts.log_survival(k, eta, at)]
    np.testing.assert_allclose(found, truth, rtol=1e-11, atol=1e-15)
    assert counts.log_cdf_slope(k, eta, at) == pytest.approx(slope, rel=1e-12)
    ends = (counts.log_cdf([-1, np.inf], eta, at), counts.log_survival([-1, np.inf], eta, at))
    np.testing.assert_array_equal(ends, [[-np.inf, 0.0], [0.0, -np.inf]])


@pytest.mark.parametrize(
    ("mu", "phi"), [(1.0, 2.0), (1e-6, 0.5), (50.0, 0.3), (1e3, 0.05), (1e9, 0.3), (3.0, 1e12)]
)
def test_information_in_a_concentration(mu: float, phi: float) -> None:
    """Against the integral of (I32), over −φ log t in 30 digits."""
    with mpmath.workdps(30):
        a, f = mpmath.mpf(mu) / (mpmath.mpf(mu) + mpmath.mpf(phi)), mpmath.mpf(phi)

        def integrand(x: Any) -> Any:
            s = -mpmath.expm1(-x / f)
            return (-mpmath.log1p(-a * s) - a * s) / s * mpmath.exp(-x) / f

        cuts = [0, *(f * v for v in (0.1, 1, 4, 10, 20, 40) if f * v < 1), 1, 10, 70]
        truth = float(mpmath.quad(integrand, cuts))
    found = bm.NegativeBinomial().parameter_information(np.log(mu), {"concentration": phi})
    assert found["concentration"] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("df", [2.2, 2.5, 3.0, 8.0])
def test_moments_of_heavy_tails_are_whole(df: float) -> None:
    half = bm.Truncated(bm.StudentT(), lower=0.0)
    phi, law = {"df": df, "sigma": 1.0}, stats.t(df)
    mean = 2.0 * integrate.quad(lambda v: v * law.pdf(v), 0, np.inf)[0]
    assert half.mean(np.zeros(1), phi)[0] == pytest.approx(mean, rel=1e-6)
    assert half.sd(np.zeros(1), phi)[0] == pytest.approx(np.sqrt(law.var() - mean**2), rel=1e-6)


@pytest.mark.parametrize("df", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("limits", [(-1.0, 3.0), (0.5, 1e4), (-1e6, 2.0)])
def test_between_limits_all_moments_exist(df: float, limits: tuple[float, float]) -> None:
    between = bm.Truncated(bm.StudentT(), *limits)
    phi, law = {"df": df, "sigma": 0.7}, stats.t(df, 0.2, 0.7)
    ends = np.arcsinh((np.array(limits) - 0.2) / 0.7)
    constant = stats.t(df).pdf(0.0)

    def moment(k: int) -> float:
        """Over t of v = 0.2 + 0.7 sinh t, in which tails of any power are exponential."""

        def integrand(t: float) -> float:
            v = 0.2 + 0.7 * np.sinh(t)
            density = constant * (1.0 + np.sinh(t) ** 2 / df) ** (-(df + 1.0) / 2.0)
            return float(v**k * density * np.cosh(t))

        return float(integrate.quad(integrand, *ends, epsrel=1e-12, epsabs=0, limit=400)[0])

    total, first, second = (moment(k) for k in range(3))
    assert total == pytest.approx(law.cdf(limits[1]) - law.cdf(limits[0]), rel=1e-10)
    mean, eta = first / total, np.array([0.2])
    assert between.mean(eta, phi)[0] == pytest.approx(mean, rel=1e-8)
    assert between.sd(eta, phi)[0] == pytest.approx(np.sqrt(second / total - mean**2), rel=1e-7)


def test_moments_of_a_whole_tail_that_do_not_exist_are_infinite() -> None:
    eta = np.zeros(1)
    for df, mean, sd in ((0.8, np.inf, np.inf), (1.5, None, np.inf), (3.0, None, None)):
        above = bm.Truncated(bm.StudentT(), lower=0.0)
        below = bm.Truncated(bm.StudentT(), upper=0.0)
        phi = {"df": df, "sigma": 1.0}
        up, down = above.mean(eta, phi)[0], below.mean(eta, phi)[0]
        law = stats.t(df)
        exact = 2.0 * law.pdf(0) * df / (df - 1.0) if mean is None else mean
        assert up == pytest.approx(exact, rel=1e-8)
        assert down == pytest.approx(-up, rel=1e-12)
        assert np.isinf(above.sd(eta, phi)[0]) == (sd is not None)


def test_two_sided_noise_keeps_the_logs_of_its_tails() -> None:
    y, eta = np.array([-3.0, 0.0, 2.0]), np.zeros(3)
    phi, noise = {"scale": 0.5}, bm.AsymmetricLaplace(0.3)
    np.testing.assert_allclose(noise.log_cdf(y, eta, phi), np.log(noise.cdf(y, eta, phi)))
    np.testing.assert_allclose(noise.log_survival(y, eta, phi), np.log(noise.survival(y, eta, phi)))
    assert noise.log_survival(2000.0, 0.0, phi) == pytest.approx(np.log(0.7) - 0.3 * 2000 / 0.5)
    rows = noise.average(np.zeros((1, 3)), np.ones((3, 1, 1)), {"scale": np.full(3, 0.5)})
    assert noise.cdf(0.0, rows.eta, rows.parameters).shape == rows.eta.shape


@of_truncated
def test_truncated_draws_lie_within_the_limits(name: str) -> None:
    likelihood, phi, eta = TRUNCATED[name]
    if "far" in name:
        pytest.skip("a draw in a hundred billion lies within the limits")
    draws = likelihood.sample(np.full(3000, eta), phi, np.random.default_rng(1))
    assert np.all(likelihood.support.contains(draws))
    mean, sd = (float(getattr(likelihood, k)(np.array([eta]), phi)[0]) for k in ("mean", "sd"))
    assert abs(draws.mean() - mean) < 4.5 * sd / np.sqrt(3000)


def made(m: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"x": rng.normal(size=m)})
    rows["value"] = 1.0 + 2.0 * rows["x"] + 1.5 * rng.standard_normal(m)
    rows["c"] = np.where(rows["value"] > 3.0, 1.0, np.where(rows["value"] < -2.0, -1.0, 0.0))
    rows["y"] = rows["value"].clip(-2.0, 3.0)
    return rows


def test_tobit_reaches_the_maximum_that_scipy_finds() -> None:
    rows = made()
    data = bm.Data.from_formula("y | censoring(c) ~ x", rows)
    fit = bm.fit(bm.Model(likelihood=bm.Censored(bm.Gaussian())), data, bm.MLE())
    X, y, c = np.column_stack([np.ones(400), rows["x"]]), rows["y"], rows["c"]

    def negative(p: np.ndarray) -> float:
        law = stats.norm(X @ p[:2], np.exp(p[2]))
        terms = np.where(c > 0, law.logsf(y), np.where(c < 0, law.logcdf(y), law.logpdf(y)))
        return -float(terms.sum())

    best = optimize.minimize(negative, [1.0, 1.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    assert fit.loss_curve[-1] <= best.fun * (1 + 1e-10)
    estimates = fit.summary()["mean"].to_numpy()
    np.testing.assert_allclose(estimates, [*best.x[:2], np.exp(best.x[2])], rtol=1e-5)
    naive = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x", rows), bm.MLE())
    assert naive.summary()["mean"].iloc[1] < 1.6 < estimates[1]


@pytest.mark.parametrize(
    "method", [bm.Laplace(), bm.NUTS(draws=500, tune=200, chains=2, progress=False)], ids=repr
)
def test_censored_rows_are_learned_by_every_method(method: Any) -> None:
    rows = made()
    data = bm.Data.from_formula("y | censoring(c) ~ x", rows)
    model = bm.Model(likelihood=bm.Censored(bm.Gaussian()))
    point, fit = bm.fit(model, data, bm.MAP()), bm.fit(model, data, method, rng=1)
    table, errors = fit.summary(), point.summary()["std_error"]
    np.testing.assert_array_less(np.abs(table["mean"] - point.summary()["mean"]), 0.25 * errors)
    np.testing.assert_allclose(table["sd"], errors, rtol=0.1)
    prediction = fit.predict(pd.DataFrame({"x": [3.0], "c": [0.0]}))
    assert prediction.mean[0] == pytest.approx(7.0, abs=0.6)  # beyond what was ever recorded


def test_zero_truncated_counts_against_statsmodels() -> None:
    truncated = pytest.importorskip("statsmodels.discrete.truncated_model")
    rng = np.random.default_rng(3)
    x = rng.normal(size=600)
    y = rng.poisson(np.exp(0.2 + 0.5 * x)).astype(float)
    x, y = x[y > 0], y[y > 0]
    data = bm.Data(x[:, None], y)
    fit = bm.fit(bm.Model(likelihood=bm.Truncated(bm.Poisson(), lower=1)), data, bm.MLE())
    theirs = truncated.TruncatedLFPoisson(y, np.column_stack([np.ones_like(x), x])).fit(disp=0)
    assert -fit.loss_curve[-1] >= theirs.llf - 1e-8 * abs(theirs.llf)
    np.testing.assert_allclose(fit.summary()["std_error"], theirs.bse, rtol=1e-4)


@of_censored
def test_pymc_has_the_density_of_censored_rows(name: str) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    inner, phi, eta = CENSORED[name]
    likelihood, y = bm.Censored(inner), np.array([1.0, 2.0, 4.0])
    outputs = np.stack([np.full(3, eta), [0.0, 1.0, -1.0]])
    if name == "Laplace":
        pytest.skip("PyMC's Laplace distribution function is not differentiable at its centre")
    values = {parameter: pt.as_tensor(np.float64(v)) for parameter, v in phi.items()}
    family, arguments = likelihood.pymc(pm, pt.as_tensor(outputs), values)
    theirs = pm.logp(family.dist(**arguments), y).eval(mode="FAST_COMPILE")
    # PyMC's own normal distribution function is good to 1e-7
    np.testing.assert_allclose(likelihood.log_density(y, outputs, phi), theirs, rtol=5e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.Truncated(bm.Gaussian()), "give a limit"),
        (lambda: bm.Truncated(bm.Gaussian(), 2.0, 1.0), "lower must be less than upper"),
        (lambda: bm.Truncated(bm.Gaussian, 1.0), "likelihood must be one"),
        (lambda: bm.Truncated(bm.Truncated(bm.Gaussian(), 1.0), upper=2.0), "both limits in one"),
        (lambda: bm.Censored(bm.Binomial()), "reads more than one output"),
        (lambda: bm.Censored("gaussian"), "likelihood must be one"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()


def test_rows_that_cannot_be_are_named() -> None:
    rows = made()
    rows.loc[7, "c"] = 2.0
    data = bm.Data.from_formula("y | censoring(c) ~ x", rows)
    with pytest.raises(bm.DataError, match=r"row 7 is .* censoring of 0 \(observed\)"):
        bm.fit(bm.Model(likelihood=bm.Censored(bm.Gaussian())), data)
    with pytest.raises(bm.DataError, match=r"row 2 is 0; each must be a count .* at least 1"):
        bm.fit(
            bm.Model(likelihood=bm.Truncated(bm.Poisson(), lower=1)),
            bm.Data([[1.0], [2.0], [3.0]], [1.0, 2.0, 0.0]),
        )
    with pytest.raises(bm.IncompatibleModelError, match="has to know 'censoring' of every row"):
        bm.fit(bm.Model(likelihood=bm.Censored(bm.Gaussian())), bm.Data([[1.0]], [1.0]))


INTERVALS = [(0.3, 1e-12), (0.3, 1e-6), (-1.0, 0.05), (-2.0, 5.0), (8.0, 0.01), (60.0, 1e-3)]
INTERVALS += [(60.0, 30.0), (-45.0, 2.0), (-45.0, 1e-9)]


@pytest.mark.parametrize(("low", "width"), INTERVALS)
def test_intervals_have_all_digits_however_narrow_or_far(low: float, width: float) -> None:
    """By mpmath, from the ends as they are rounded."""
    mpmath.mp.dps = 60
    high = low + width
    at = np.array([0.0, 2.0, high])
    ends = mpmath.mpf(low), mpmath.mpf(high)
    with mpmath.workdps(60):
        above = mpmath.ncdf(-ends[0]) - mpmath.ncdf(-ends[1])
        mass = above if low > 0 else mpmath.ncdf(ends[1]) - mpmath.ncdf(ends[0])
        truth = float(mpmath.log(mass))
        slope = float((mpmath.npdf(ends[0]) - mpmath.npdf(ends[1])) / mass)
    interval = bm.Censored(bm.Gaussian(), intervals=True)
    found = float(interval.log_density(low, at, {"sigma": 1.0}))
    assert found == pytest.approx(truth, rel=1e-12, abs=1e-12)
    score = float(interval.score(low, at, {"sigma": 1.0})[0])
    assert score == pytest.approx(slope, rel=1e-9, abs=1e-15 / width)


@of_censored
def test_intervals_are_sums_of_their_parts(name: str) -> None:
    inner, phi, eta = CENSORED[name]
    likelihood, h = bm.Censored(inner, intervals=True), 1e-5
    y, upper = np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0, 4.0 + inner.support.discrete])
    upper = np.where(upper > y, upper, y + 0.5)

    def of(e: float, values: dict[str, float]) -> np.ndarray:
        return likelihood.log_density(y, np.stack([np.full(3, e), np.full(3, 2.0), upper]), values)

    mass = inner.cdf(upper, eta, phi) - inner.cdf(y - inner.support.discrete, eta, phi)
    np.testing.assert_allclose(np.exp(of(eta, phi)), mass, rtol=1e-11)
    outputs = np.stack([np.full(3, eta), np.full(3, 2.0), upper])
    score = likelihood.score(y, outputs, phi)
    np.testing.assert_array_equal(score[1:], 0.0)
    slope = (of(eta + h, phi) - of(eta - h, phi)) / (2 * h)
    np.testing.assert_allclose(score[0], slope, rtol=1e-6, atol=1e-8)
    for parameter, found in likelihood.parameter_scores(y, outputs, phi).items():
        up, down = (of(eta, phi | {parameter: phi[parameter] + s * h}) for s in (1, -1))
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-5, atol=1e-7)


def in_intervals() -> pd.DataFrame:
    """Rounded down to whole numbers, those above 4 right censored, those below -3 left."""
    rows = made()
    rows["y"] = np.floor(rows["value"])
    rows["u"] = rows["y"] + 1.0
    rows["c"] = 2.0
    rows.loc[rows["value"] > 4.0, ["y", "u", "c"]] = [4.0, 4.0, 1.0]
    rows.loc[rows["value"] < -3.0, ["y", "u", "c"]] = [-3.0, -3.0, -1.0]
    seen = np.arange(len(rows)) % 7 == 0
    rows.loc[seen, "y"], rows.loc[seen, "c"] = rows.loc[seen, "value"], 0.0
    return rows


def test_intervals_reach_the_maximum_that_scipy_finds(tmp_path: Any) -> None:
    """As R's survreg with Surv(type = "interval") does; in formulas, arrays and files alike."""
    rows, model = in_intervals(), bm.Model(likelihood=bm.Censored(bm.Gaussian(), intervals=True))
    data = bm.Data.from_formula("y | censoring(c) + upper(u) ~ x", rows)
    fit = bm.fit(model, data, bm.MLE())
    X = np.column_stack([np.ones(len(rows)), rows["x"]])
    y, u, c = (rows[name].to_numpy() for name in ("y", "u", "c"))

    def negative(p: np.ndarray) -> float:
        law = stats.norm(X @ p[:2], np.exp(p[2]))
        with np.errstate(all="ignore"):  # rows of another kind
            between = np.log(law.cdf(u) - law.cdf(y))
        kinds = [c == 0, c == 1, c == -1]
        terms = np.select(kinds, [law.logpdf(y), law.logsf(y), law.logcdf(y)], between)
        return -float(terms.sum())

    best = optimize.minimize(negative, [1.0, 2.0, 0.4], method="BFGS", options={"gtol": 1e-7})
    assert fit.loss_curve[-1] <= best.fun * (1 + 1e-10)
    estimates = fit.summary()["mean"].to_numpy()
    np.testing.assert_allclose(estimates, [*best.x[:2], np.exp(best.x[2])], rtol=1e-5)
    arrays = bm.Data(rows[["x"]].to_numpy(), y, known={"censoring": c, "upper": u})
    rows.to_parquet(tmp_path / "rows.parquet")
    stream = bm.Data.from_parquet(
        tmp_path / "rows.parquet", "y | censoring(c) + upper(u) ~ x", progress=False
    )
    for other in (arrays, stream):
        again = bm.fit(model, other, bm.MLE()).summary()["mean"]
        np.testing.assert_allclose(again, estimates, rtol=1e-7)
    prediction = fit.predict(pd.DataFrame({"x": [3.0], "c": [0.0], "u": [0.0]}))
    assert prediction.mean[0] == pytest.approx(7.0, abs=0.6)


def test_an_interval_that_ends_before_it_begins_is_named() -> None:
    rows = in_intervals()
    rows.loc[3, ["c", "u"]] = [2.0, -50.0]
    data = bm.Data.from_formula("y | censoring(c) + upper(u) ~ x", rows)
    with pytest.raises(bm.DataError, match=r"row 3 is .* where upper is larger than y, 2"):
        bm.fit(bm.Model(likelihood=bm.Censored(bm.Gaussian(), intervals=True)), data)
    with pytest.raises(bm.IncompatibleModelError, match="have 'upper', which"):
        bm.fit(bm.Model(likelihood=bm.Censored(bm.Gaussian())), data)


def test_pymc_has_the_density_of_intervals() -> None:
    import pymc as pm
    import pytensor.tensor as pt

    likelihood, y = bm.Censored(bm.Gaussian(), intervals=True), np.array([1.0, 2.0, -1.0, 0.4])
    outputs = np.stack([np.full(4, 0.3), [0.0, 1.0, -1.0, 2.0], [1.0, 0.0, 0.0, 1.4]])
    sigma = pt.as_tensor(np.float64(1.3))
    family, arguments = likelihood.pymc(pm, pt.as_tensor(outputs), {"sigma": sigma})
    theirs = pm.logp(family.dist(**arguments), y).eval(mode="FAST_COMPILE")
    ours = likelihood.log_density(y, outputs, {"sigma": 1.3})
    np.testing.assert_allclose(ours, theirs, rtol=5e-7)
