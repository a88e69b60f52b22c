"""Links and GLM families: the digits they keep, and what they become where a parameter ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.likelihoods import CLogLog, Identity, Link, Log, Logit, ProbabilityLink, Probit
from bayesml.stirling import digamma_error, log_excess, stirling_error

mpmath = pytest.importorskip("mpmath")

PROBABILITY: list[ProbabilityLink] = [Logit(), Probit(), CLogLog()]
LINKS: list[Link] = [Identity(), Log(), *PROBABILITY]
FAR = [-300.0, -30.0, -8.0, -0.3, 0.0, 0.7, 3.0, 30.0, 300.0]


def mean_of(link: Link, eta: Any) -> Any:
    """Write every link again, in many digits."""
    match link:
        case Identity():
            return eta
        case Log():
            return mpmath.exp(eta)
        case Logit():
            return 1 / (1 + mpmath.exp(-eta))
        case Probit():
            return mpmath.ncdf(eta)
    return -mpmath.expm1(-mpmath.exp(eta))


def complement_of(link: Link, eta: Any) -> Any:
    return mpmath.exp(-mpmath.exp(eta)) if link == CLogLog() else mean_of(link, -eta)


@pytest.mark.parametrize("link", LINKS, ids=repr)
@pytest.mark.parametrize("eta", [-8.0, -0.3, 0.0, 0.7, 3.0])
def test_a_link_its_slope_and_its_inverse(link: Link, eta: float) -> None:
    with mpmath.workdps(40):
        mean = mean_of(link, mpmath.mpf(eta))
        slope = mpmath.diff(lambda e: mean_of(link, e), eta)
    assert float(link.mean(eta)) == pytest.approx(float(mean), rel=1e-14)
    assert float(link.slope(eta)) == pytest.approx(float(slope), rel=1e-13)
    if link != CLogLog() or eta < 3.0:  # where the mean is one to a few digits there is no way back
        assert float(link.eta(link.mean(eta))) == pytest.approx(eta, abs=1e-12)


@pytest.mark.parametrize("link", PROBABILITY, ids=repr)
@pytest.mark.parametrize("eta", FAR)
def test_both_tails_of_a_probability_keep_their_digits(link: ProbabilityLink, eta: float) -> None:
    if link == CLogLog() and eta > 10.0:
        eta = 10.0  # e^(e^30) is no number of any length
    with mpmath.workdps(20_000 if eta == 10.0 else 60):
        up, down = mean_of(link, mpmath.mpf(eta)), complement_of(link, mpmath.mpf(eta))
        h = mpmath.mpf(10) ** -20
        truths = {
            "mean": up,
            "complement": down,
            "log_mean": mpmath.log1p(-down) if up > 0.5 else mpmath.log(up),
            "log_complement": mpmath.log1p(-up) if down > 0.5 else mpmath.log(down),
            "log_mean_slope": (mean_of(link, eta + h) - mean_of(link, eta - h)) / (2 * h) / up
            if eta < 8
            else (complement_of(link, eta - h) - complement_of(link, eta + h)) / (2 * h) / up,
        }
    for name, truth in truths.items():
        found = float(getattr(link, name)(eta))
        assert found == pytest.approx(float(truth), rel=1e-12, abs=1e-305), name


@pytest.mark.parametrize("link", PROBABILITY, ids=repr)
def test_slopes_of_the_logarithms(link: ProbabilityLink) -> None:
    eta, h = np.array([-20.0, -3.0, -0.3, 0.0, 0.7, 1.5, 2.5]), 1e-5
    for name in ("log_mean", "log_complement"):
        log = getattr(link, name)
        slope = getattr(link, f"{name}_slope")(eta)
        np.testing.assert_allclose(slope, (log(eta + h) - log(eta - h)) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize("link", PROBABILITY, ids=repr)
def test_density_and_score_in_one_pass_are_those_apart(link: ProbabilityLink) -> None:
    eta = np.concatenate([np.linspace(-8.0, 8.0, 33), [-700.0, -40.0, 40.0, 300.0]])
    likelihood = bm.Bernoulli(link)
    for y in (np.zeros(37), np.ones(37), np.full(37, 0.5)):
        density, score, by_value = likelihood.terms(y, eta, {})
        np.testing.assert_allclose(density, likelihood.log_density(y, eta, {}), rtol=1e-14)
        assert not by_value
        if y[0] != 0.5:
            np.testing.assert_allclose(score, likelihood.score(y, eta, {}), rtol=1e-14)


@pytest.mark.parametrize("link", [Log(), "logit", Logit, None])
@pytest.mark.parametrize("family", [bm.Bernoulli, bm.BetaResponse])
def test_a_link_of_no_probability_is_refused(family: Any, link: Any) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"link must be Logit\(\), Probit\(\) or"):
        family(link=link)


@pytest.mark.parametrize("x", [1e-8, 0.3, 1.0, 7.7, 15.9, 16.0, 16.1, 40.0, 1e3, 1e9])
def test_what_stirling_leaves(x: float) -> None:
    with mpmath.workdps(50):
        v = mpmath.mpf(x)
        delta = mpmath.loggamma(v) - (v - 0.5) * mpmath.log(v) + v - mpmath.log(2 * mpmath.pi) / 2
        epsilon = mpmath.log(v) - mpmath.psi(0, v) - 1 / (2 * v)
    assert float(stirling_error(x)) == pytest.approx(float(delta), rel=1e-13, abs=2e-14)
    assert float(digamma_error(x)) == pytest.approx(float(epsilon), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("t", [-0.999, -0.41, -0.39, -1e-3, -1e-9, 0.0, 1e-12, 0.2, 0.41, 50.0])
def test_half_a_deviance(t: float) -> None:
    with mpmath.workdps(60):
        truth = mpmath.log1p(mpmath.mpf(t)) - mpmath.mpf(t)
    assert float(log_excess(1.0 + t, t)) == pytest.approx(float(truth), rel=3e-13)


@pytest.mark.parametrize("phi", [1e-3, 0.4, 3.0, 20.0, 1e4, 1e8, 1e12, 1e17])
@pytest.mark.parametrize("mu", [1e-3, 0.7, 30.0, 1e4])
@pytest.mark.parametrize("y", [0.0, 1.0, 25.0, 1e4])
def test_negative_binomial_keeps_its_digits(phi: float, mu: float, y: float) -> None:
    eta, at = float(np.log(mu)), {"concentration": phi}
    counts = bm.NegativeBinomial()
    with mpmath.workdps(60):
        f, m = mpmath.mpf(phi), mpmath.exp(mpmath.mpf(eta))
        mass = mpmath.loggamma(y + f) - mpmath.loggamma(f) - mpmath.loggamma(y + 1)
        mass += y * mpmath.log(m / (m + f)) + f * mpmath.log(f / (m + f))
        slope = mpmath.psi(0, y + f) - mpmath.psi(0, f)
        slope += mpmath.log(f / (m + f)) + (m - y) / (m + f)
        parts = abs(mpmath.log1p((y - m) / (m + f)) - (y - m) / (m + f)) + y / (2 * f * (f + y))
    assert float(counts.log_density(y, eta, at)) == pytest.approx(float(mass), rel=2e-14, abs=1e-14)
    found = float(counts.parameter_scores(y, eta, at)["concentration"])
    assert found == pytest.approx(float(slope), rel=1e-10, abs=1e-9 * float(parts))


@pytest.mark.parametrize("phi", [0.4, 3.0, 1e4, 1e7, 1e10, 1e14])
@pytest.mark.parametrize("mu", [0.01, 2.0, 30.0])
@pytest.mark.parametrize("y", [0.0, 3.0, 60.0])
def test_tails_of_the_negative_binomial(phi: float, mu: float, y: float) -> None:
    eta, at, counts = float(np.log(mu)), {"concentration": phi}, bm.NegativeBinomial()
    with mpmath.workdps(60):
        f, m = mpmath.mpf(phi), mpmath.exp(mpmath.mpf(eta))

        def mass(k: Any) -> Any:
            log = mpmath.loggamma(k + f) - mpmath.loggamma(f) - mpmath.loggamma(k + 1)
            return mpmath.exp(log + k * mpmath.log(m / (m + f)) + f * mpmath.log(f / (m + f)))

        below = mpmath.fsum(mass(k) for k in range(int(y) + 1))
        above = mpmath.fsum(mass(k) for k in range(int(y) + 1, int(y) + 400))
    assert float(counts.cdf(y, eta, at)) == pytest.approx(float(below), rel=1e-9)
    if phi > 1.0 and above > 1e-200:
        assert float(counts.survival(y, eta, at)) == pytest.approx(float(above), rel=1e-8)


def test_at_infinity_it_is_poisson() -> None:
    y, eta, at = np.arange(9.0), np.linspace(-2, 2, 9), {"concentration": np.inf}
    ours, theirs = bm.NegativeBinomial(), bm.Poisson()
    for method in ("log_density", "score", "cdf", "survival"):
        expected = getattr(theirs, method)(y, eta, {})
        np.testing.assert_allclose(getattr(ours, method)(y, eta, at), expected, rtol=2e-14)
    for method in ("mean", "sd", "information"):
        expected = getattr(theirs, method)(eta, {})
        np.testing.assert_allclose(getattr(ours, method)(eta, at), expected, rtol=1e-14)
    assert np.all(ours.parameter_scores(y, eta, at)["concentration"] == 0.0)


@pytest.mark.parametrize("shape", [0.05, 2.0, 1e4, 1e10])
@pytest.mark.parametrize("over", [-0.5, 1e-6, 3.0])
def test_gamma_keeps_its_digits(shape: float, over: float) -> None:
    y, at = 1.0 + over, {"shape": shape}
    with mpmath.workdps(60):
        a, v = mpmath.mpf(shape), mpmath.mpf(y)
        density = a * mpmath.log(a) - mpmath.loggamma(a) + (a - 1) * mpmath.log(v) - a * v
        slope = mpmath.log(a) + 1 - mpmath.psi(0, a) + mpmath.log(v) - v
    found = float(bm.GammaResponse().log_density(y, 0.0, at))
    assert found == pytest.approx(float(density), rel=1e-13, abs=1e-14)
    found = float(bm.GammaResponse().parameter_scores(y, 0.0, at)["shape"])
    assert found == pytest.approx(float(slope), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("precision", [0.1, 5.0, 1e4, 1e9])
@pytest.mark.parametrize(("y", "eta"), [(0.3, -1.0), (1e-9, -4.0), (0.999, 6.0), (0.5, 1e-7)])
def test_beta_keeps_its_digits(precision: float, y: float, eta: float) -> None:
    at, shares = {"precision": precision}, bm.BetaResponse()
    with mpmath.workdps(60):
        f, v = mpmath.mpf(precision), mpmath.mpf(y)
        m = 1 / (1 + mpmath.exp(-mpmath.mpf(eta)))
        a, b = f * m, f * (1 - m)
        density = mpmath.loggamma(f) - mpmath.loggamma(a) - mpmath.loggamma(b)
        density += (a - 1) * mpmath.log(v) + (b - 1) * mpmath.log(1 - v)
        score = f * m * (1 - m)
        score *= mpmath.log(v / (1 - v)) - mpmath.psi(0, a) + mpmath.psi(0, b)
        slope = mpmath.psi(0, f) - m * mpmath.psi(0, a) - (1 - m) * mpmath.psi(0, b)
        slope += m * mpmath.log(v) + (1 - m) * mpmath.log(1 - v)
    size = 1e-15 * max(1.0, precision)  # of the rounding of μ itself
    assert float(shares.log_density(y, eta, at)) == pytest.approx(float(density), rel=1e-13)
    assert float(shares.score(y, eta, at)) == pytest.approx(float(score), rel=1e-12, abs=size)
    found = float(shares.parameter_scores(y, eta, at)["precision"])
    assert found == pytest.approx(float(slope), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("likelihood", "y", "message"),
    [
        (bm.NegativeBinomial(), -1.0, r"row 1 is -1; each must be a count"),
        (bm.NegativeBinomial(), 1.5, r"row 1 is 1.5; each must be a count"),
        (bm.GammaResponse(), 0.0, r"row 1 is 0; each must be a positive number"),
        (bm.BetaResponse(), 1.2, r"row 1 is 1.2; each must be a number strictly between 0 and 1"),
        (bm.BetaResponse(), 1.0, r"row 1 is 1; each must be a number strictly between 0 and 1"),
        (bm.Bernoulli(bm.Probit()), 2.0, r"row 1 is 2; each must be 0 or 1"),
    ],
)
def test_a_target_outside_the_support_is_named(likelihood: Any, y: float, message: str) -> None:
    inside = 0.5 if likelihood == bm.BetaResponse() else 1.0
    with pytest.raises(bm.DataError, match=message):
        bm.fit(bm.Model(likelihood=likelihood), bm.Data([[0.0], [1.0], [2.0]], [inside, y, inside]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.NegativeBinomial(0.0), "concentration must be positive .* no variance"),
        (lambda: bm.GammaResponse(-1.0), "shape must be positive .* coefficient of variation"),
        (lambda: bm.BetaResponse(np.inf), "precision must be positive and finite"),
        (lambda: bm.GammaResponse(bm.Normal(0, 1)), "shape must be positive, but"),
    ],
)
def test_bad_parameters_are_refused(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()


@pytest.mark.parametrize("link", PROBABILITY, ids=repr)
@pytest.mark.parametrize("only", [0.0, 1.0])
def test_one_class_is_named(link: ProbabilityLink, only: float) -> None:
    data = bm.Data(np.arange(12.0)[:, None], np.full(12, only), target_name="sold")
    model = bm.Model(likelihood=bm.Bernoulli(link))
    with pytest.raises(bm.SeparationError, match=f"sold is {only:g} in every row"):
        bm.fit(model, data, bm.MLE())
    with pytest.warns(bm.LikelihoodWarning, match=f"Every row is {only:g}"):
        fit = bm.fit(model, data, bm.MAP())
    assert fit.check().computed


def test_separated_classes_have_no_maximum() -> None:
    x = np.array([-2.0, -1.0, 0.5, 1.0, 4.0])
    data = bm.Data(x[:, None], (x > 0).astype(float))
    with pytest.raises(bm.SeparationError, match="'x0' tells 4 rows apart"):
        bm.fit(bm.Model(likelihood=bm.Bernoulli()), data, bm.MLE())
    with pytest.raises(bm.SeparationError, match="y is 0 in every row"):
        bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data(x[:, None], np.zeros(5)), bm.MLE())


def test_a_default_prior_without_a_unit_needs_no_spread() -> None:
    """Counts that are all the same are possible; a continuous target that is constant is not."""
    data = bm.Data(np.arange(5.0)[:, None], np.full(5, 2.0))
    fit = bm.fit(bm.Model(likelihood=bm.NegativeBinomial()), data, bm.MAP())
    assert np.isfinite(fit.summary()["mean"]).all()
    for likelihood in (bm.GammaResponse(), bm.StudentT()):
        with pytest.raises(bm.DataError, match="target is constant, so the default prior"):
            bm.fit(bm.Model(likelihood=likelihood), data, bm.MAP())


FAMILIES = {
    "negative binomial": (bm.NegativeBinomial(), lambda rng, mu: rng.poisson(rng.gamma(3, mu / 3))),
    "gamma": (bm.GammaResponse(), lambda rng, mu: rng.gamma(3, mu / 3)),
    "beta": (bm.BetaResponse(), lambda rng, mu: rng.beta(8 * mu / (1 + mu), 8 / (1 + mu))),
    "probit": (bm.Bernoulli(bm.Probit()), lambda rng, mu: rng.random(len(mu)) < mu / (1 + mu)),
    "zero-inflated": (bm.ZeroInflated(bm.Poisson()), lambda rng, mu: rng.poisson(mu)),
    "hurdle": (bm.Hurdle(bm.Poisson()), lambda rng, mu: rng.poisson(mu)),
    "quantile": (bm.AsymmetricLaplace(0.7), lambda rng, mu: mu + rng.normal(size=len(mu))),
}
NUTS = bm.NUTS(draws=500, tune=500, chains=4, progress=False)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, method) for name in FAMILIES for method in (bm.MAP(), bm.Laplace())),
        *((name, NUTS) for name in ("gamma", "hurdle", "quantile")),
        *((name, bm.Ensemble(2, bm.Laplace())) for name in ("beta", "probit")),
    ],
)
def test_every_method_learns_and_predicts(name: str, method: Any) -> None:
    likelihood, draw = FAMILIES[name]
    rng = np.random.default_rng(6)
    # Laplace's skew of a dispersion has to be small, or its audit warns
    m = 4_000 if isinstance(method, bm.Laplace) else 400
    X = rng.normal(size=(m, 2))
    y = np.asarray(draw(rng, np.exp(0.5 + 0.4 * X[:, 0])), dtype=float)
    if name == "zero-inflated":
        y[rng.random(m) < 0.3] = 0.0
    fit = bm.fit(bm.Model(likelihood=likelihood), bm.Data(X, y), method, rng=2)
    assert fit.check().computed
    p = fit.predict(X[:4])
    support = likelihood.support
    low, high = p.interval(0.9)
    assert np.all(low <= high)
    assert np.all(np.isfinite(p.mean) & np.isfinite(p.sd))
    drawn = p.sample(4000, rng=1)
    assert np.all(support.contains(drawn))
    np.testing.assert_allclose(drawn.mean(axis=0), p.mean, atol=5 * p.sd.max() / 60)
    shortest = p.highest_density_interval(0.5)
    before = shortest.lower - 1.0 if support.discrete else shortest.lower
    assert np.all(p.cdf(shortest.upper) - p.cdf(before) >= 0.5 - 1e-6)
    for level in (1e-6, 0.1, 0.5, 0.9, 1 - 1e-6):
        q = p.quantile(level)
        if support.discrete:
            assert np.all(p.cdf(q) >= level - 1e-12)
        else:
            np.testing.assert_allclose(p.cdf(q), level, rtol=1e-6)
    assert np.all(np.isfinite(p.decide(likelihood.loss)))
    assert np.isfinite(bm.risk(fit, fit.data).value)


@pytest.mark.parametrize(
    "likelihood",
    [bm.Bernoulli(bm.Probit()), bm.BetaResponse(link=bm.CLogLog()), bm.AsymmetricLaplace(0.2)],
    ids=repr,
)
def test_a_saved_fit_keeps_its_link(likelihood: Any, tmp_path: Path) -> None:
    X = np.linspace(-1, 1, 40)[:, None]
    y = np.where(np.arange(40) % 3 == 0, 1.0, 0.0)
    y = 0.25 + 0.5 * y if likelihood.support != bm.Bernoulli().support else y
    fit = bm.fit(bm.Model(likelihood=likelihood), bm.Data(X, y), bm.MAP())
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert again.model.likelihood == likelihood
    np.testing.assert_array_equal(again.predict(X).mean, fit.predict(X).mean)
