"""Every likelihood: sums to one, derivatives, information, moments, samples, extremes, PyMC."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

import bayesml as bm
from bayesml.distributions import Positive, Real, UnitInterval
from bayesml.likelihoods import (
    Distributional,
    Identity,
    Likelihood,
    PiecewiseLinear,
    PrecisionWeighted,
    ReadsKnown,
    limits_eta,
)
from bayesml.typing import Array


@dataclass(frozen=True)
class Case:
    """A likelihood with values of its parameters, and the outputs that it reads of one row."""

    likelihood: Likelihood
    phi: dict[str, float]
    outputs: tuple[float, ...]
    most: int = 400
    modelled: float | None = None
    """What the link leads to from the first output, where that is not the mean."""

    @property
    def known(self) -> int:
        """How many of the last outputs are known of every row."""
        return len(self.likelihood.known) if isinstance(self.likelihood, ReadsKnown) else 0

    @property
    def free(self) -> int:
        """How many outputs a predictor makes."""
        return len(self.outputs) - self.known

    def eta(self, like: Any, outputs: Any = None) -> Array:
        """Return η for rows of this shape: (rows,), or (k, rows) for k outputs."""
        shape = np.shape(like)
        wide = [np.full(shape, value) for value in (self.outputs if outputs is None else outputs)]
        return np.asarray(wide[0] if len(wide) == 1 else np.stack(wide))

    def at(self, method: str, y: Any, outputs: Any = None) -> Array:
        """Evaluate a method of y and η."""
        evaluate = getattr(self.likelihood, method)
        return np.asarray(evaluate(y, self.eta(y, outputs), self.phi))

    def moment(self, method: str, outputs: Any = None) -> Array:
        """Evaluate a method of η alone, of one row."""
        values = getattr(self.likelihood, method)(self.eta([0.0], outputs), self.phi)
        return np.asarray(values)[..., 0]

    def expected(self, values: Any) -> Any:
        """Sum over the lattice, or integrate over the support."""
        y, dy = self.nodes
        return np.sum(values(y) * np.exp(self.at("log_density", y)) * dy, axis=-1)

    @property
    def nodes(self) -> tuple[Array, Array]:
        """Return values of y and their weights, on either side of the first output on the line."""
        t = np.linspace(-60.0, 25.0, 40_001)
        step = t[1] - t[0]
        match self.likelihood.support:
            case Positive():
                y, dy = np.exp(t), np.exp(t)
            case UnitInterval():
                y, dy = special.expit(t), special.expit(t) * special.expit(-t)
            case Real():  # halves, each without the kink that may lie between them
                u = np.linspace(-4.0, 25.0, 40_001)
                away = np.exp(u - np.exp(-u))
                slope, step = away * (1.0 + np.exp(-u)), u[1] - u[0]
                y = np.concatenate([self.outputs[0] - away, self.outputs[0] + away])
                dy = np.concatenate([slope, slope])
            case _:
                return self.lattice, np.ones(len(self.lattice))
        inside = self.likelihood.support.contains(y)
        return y[inside], dy[inside] * step

    @property
    def lattice(self) -> Array:
        """Return whole numbers that hold all of the mass."""
        whole = np.arange(float(self.most))
        return whole[self.likelihood.support.contains(whole)]

    @property
    def observed(self) -> Array:
        """Return values that may be observed."""
        if self.likelihood.support.discrete:
            return self.lattice[:7]
        values = np.array([-3.0, 0.2, 0.7, 5.0])
        return values[self.likelihood.support.contains(values)]

    def moved(self, k: int, step: float) -> tuple[float, ...]:
        """Return the outputs with the k-th moved by a step."""
        return tuple(v + step * (j == k) for j, v in enumerate(self.outputs))


CASES = {
    "Gaussian": Case(bm.Gaussian(), {"sigma": 1.7}, (0.4,)),
    "StudentT": Case(bm.StudentT(), {"df": 3.5, "sigma": 0.8}, (0.4,)),
    "StudentT, near normal": Case(bm.StudentT(), {"df": 40.0, "sigma": 2.0}, (0.4,)),
    "HeteroscedasticGaussian": Case(bm.HeteroscedasticGaussian(), {}, (0.4, -0.3)),
    "HeteroscedasticStudentT": Case(bm.HeteroscedasticStudentT(), {"excess_df": 2.5}, (0.4, 0.5)),
    "Poisson": Case(bm.Poisson(), {}, (0.8,)),
    "Poisson, many": Case(bm.Poisson(), {}, (4.5,)),
    "Poisson, few": Case(bm.Poisson(), {}, (-3.0,)),
    "Bernoulli": Case(bm.Bernoulli(), {}, (0.8,)),
    "Bernoulli, rare": Case(bm.Bernoulli(), {}, (-6.0,)),
    "Bernoulli, probit": Case(bm.Bernoulli(bm.Probit()), {}, (0.8,)),
    "Bernoulli, probit, rare": Case(bm.Bernoulli(bm.Probit()), {}, (-3.0,)),
    "Bernoulli, cloglog": Case(bm.Bernoulli(bm.CLogLog()), {}, (0.3,)),
    "Bernoulli, cloglog, rare": Case(bm.Bernoulli(bm.CLogLog()), {}, (-6.0,)),
    "NegativeBinomial": Case(bm.NegativeBinomial(), {"concentration": 2.5}, (0.8,)),
    "NegativeBinomial, spread": Case(
        bm.NegativeBinomial(), {"concentration": 0.3}, (1.2,), most=2000
    ),
    "NegativeBinomial, close": Case(bm.NegativeBinomial(), {"concentration": 50.0}, (2.0,)),
    "GammaResponse": Case(bm.GammaResponse(), {"shape": 2.5}, (0.4,)),
    "GammaResponse, precise": Case(bm.GammaResponse(), {"shape": 60.0}, (-1.0,)),
    "Poisson, identity": Case(bm.Poisson(bm.Identity()), {}, (2.2,)),
    "Poisson, root": Case(bm.Poisson(bm.Sqrt()), {}, (1.4,)),
    "GammaResponse, inverse": Case(bm.GammaResponse(link=bm.Inverse()), {"shape": 2.5}, (0.7,)),
    "GammaResponse, identity": Case(bm.GammaResponse(link=bm.Identity()), {"shape": 2.5}, (1.6,)),
    "GammaResponse, wide": Case(bm.GammaResponse(), {"shape": 0.8}, (0.4,)),
    "Gaussian of a precision": Case(PrecisionWeighted(bm.Gaussian()), {"sigma": 0.8}, (0.4, 2.5)),
    "StudentT of a precision": Case(
        PrecisionWeighted(bm.StudentT()), {"df": 3.5, "sigma": 0.8}, (0.4, 2.5)
    ),
    "Binomial": Case(bm.Binomial(), {}, (0.8, 9.0), modelled=float(special.expit(0.8))),
    "Binomial, rare": Case(bm.Binomial(), {}, (-6.0, 30.0), modelled=float(special.expit(-6.0))),
    "Binomial, probit": Case(
        bm.Binomial(bm.Probit()), {}, (0.3, 9.0), modelled=float(special.ndtr(0.3))
    ),
    "Categorical": Case(
        bm.Categorical(("a", "b", "c", "d")),
        {},
        (0.8, -0.4, 1.3),
        modelled=float(special.expit(0.8)),
    ),
    "Categorical, two": Case(bm.Categorical(("a", "b")), {}, (0.8,)),
    "Categorical, rare": Case(
        bm.Categorical(("a", "b", "c")), {}, (-9.0, -20.0), modelled=float(special.expit(-9.0))
    ),
    "Ordinal": Case(
        bm.Ordinal(classes=("a", "b", "c", "d")),
        {"gap_1": 0.7, "gap_2": 1.9},
        (0.8,),
        modelled=float(special.expit(0.8)),
    ),
    "Ordinal, probit": Case(
        bm.Ordinal(bm.Probit(), classes=("a", "b", "c")),
        {"gap_1": 1.2},
        (-0.4,),
        modelled=float(special.ndtr(-0.4)),
    ),
    "Ordinal, far": Case(
        bm.Ordinal(classes=("a", "b", "c")),
        {"gap_1": 1.5},
        (6.0,),
        modelled=float(special.expit(6.0)),
    ),
    "Gaussian, sigma by a predictor": Case(
        Distributional(bm.Gaussian(), ("sigma",)), {}, (0.4, -0.3)
    ),
    "StudentT, sigma by a predictor": Case(
        Distributional(bm.StudentT(), ("sigma",)), {"df": 3.5}, (0.4, -0.3)
    ),
    "GammaResponse, shape by a predictor": Case(
        Distributional(bm.GammaResponse(), ("shape",)), {}, (0.4, 0.9)
    ),
    "NegativeBinomial, concentration by a predictor": Case(
        Distributional(bm.NegativeBinomial(), ("concentration",)), {}, (0.8, 0.9)
    ),
    "BetaResponse, precision by a predictor": Case(
        Distributional(bm.BetaResponse(), ("precision",)), {}, (0.4, 1.6)
    ),
    "BetaResponse": Case(bm.BetaResponse(), {"precision": 5.0}, (0.4,)),
    "BetaResponse, precise": Case(bm.BetaResponse(), {"precision": 200.0}, (-1.5,)),
    "BetaResponse, probit": Case(bm.BetaResponse(link=bm.Probit()), {"precision": 6.0}, (-0.3,)),
    "BetaResponse, cloglog": Case(bm.BetaResponse(link=bm.CLogLog()), {"precision": 6.0}, (-0.3,)),
    "LaplaceResponse": Case(bm.LaplaceResponse(), {"scale": 1.3}, (0.4,)),
    "AsymmetricLaplace": Case(bm.AsymmetricLaplace(0.9), {"scale": 0.3}, (0.4,), modelled=0.4),
    "AsymmetricLaplace, low": Case(
        bm.AsymmetricLaplace(0.05), {"scale": 0.1}, (-1.4,), modelled=-1.4
    ),
    "ZeroInflated": Case(
        bm.ZeroInflated(bm.Poisson()), {"zero_probability": 0.3}, (0.8,), modelled=np.exp(0.8)
    ),
    "ZeroInflated, clustered": Case(
        bm.ZeroInflated(bm.NegativeBinomial()),
        {"concentration": 2.5, "zero_probability": 0.1},
        (0.8,),
        modelled=np.exp(0.8),
    ),
    "Hurdle": Case(
        bm.Hurdle(bm.Poisson()), {"zero_probability": 0.3}, (0.8,), modelled=np.exp(0.8)
    ),
    "Hurdle, few": Case(
        bm.Hurdle(bm.Poisson()), {"zero_probability": 0.6}, (-1.5,), modelled=np.exp(-1.5)
    ),
    "Hurdle, clustered": Case(
        bm.Hurdle(bm.NegativeBinomial()),
        {"concentration": 2.5, "zero_probability": 0.1},
        (0.8,),
        modelled=np.exp(0.8),
    ),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
SMOOTH = {k: case for k, case in CASES.items() if not isinstance(case.likelihood, PiecewiseLinear)}
LATTICES = {name: case for name, case in CASES.items() if case.likelihood.support.discrete}
ON_THE_LINE = {k for k, case in CASES.items() if case.likelihood.support == Real()}
BY_QUADRATURE = [  # sharper densities over as wide an η need more nodes than there may be (K5)
    (name, sd)
    for name in CASES
    for sd in (0.0, 0.3, 2.0, 5.0)
    if name not in ON_THE_LINE and not ("precise" in name and sd > 2.0)
    if not limits_eta(CASES[name].likelihood)  # no Gaussian η, which leaves the domain of the link
]
on_a_lattice = pytest.mark.parametrize("case", LATTICES.values(), ids=LATTICES.keys())


@each
def test_density_integrates_to_one(case: Case) -> None:
    assert float(case.expected(np.ones_like)) == pytest.approx(1.0, abs=1e-12)


@each
def test_score_is_the_derivative_in_every_output(case: Case) -> None:
    h = 1e-5
    score = case.at("score", case.observed).reshape(len(case.outputs), -1)
    np.testing.assert_array_equal(score[case.free :], 0.0)
    for k, by_output in enumerate(score[: case.free]):
        up, down = (case.at("log_density", case.observed, case.moved(k, s * h)) for s in (1, -1))
        np.testing.assert_allclose(by_output, (up - down) / (2 * h), rtol=1e-7, atol=1e-9)


@each
def test_parameter_scores_are_derivatives(case: Case) -> None:
    y, h = case.observed, 1e-5
    scores = case.likelihood.parameter_scores(y, case.eta(y), case.phi)
    assert set(scores) == set(case.likelihood.parameters) == set(case.phi)
    for name, score in scores.items():
        up, down = (
            case.likelihood.log_density(y, case.eta(y), case.phi | {name: case.phi[name] + s * h})
            for s in (1, -1)
        )
        np.testing.assert_allclose(score, (up - down) / (2 * h), rtol=1e-6, atol=1e-9)


@each
def test_the_score_is_zero_on_average(case: Case) -> None:
    mean = case.expected(lambda y: case.at("score", y))
    np.testing.assert_allclose(mean, 0.0, atol=1e-10)


@each
def test_information_is_the_variance_of_the_score(case: Case) -> None:
    information = np.atleast_1d(case.moment("information"))
    if information.ndim > 1:
        outer = case.expected(lambda y: np.einsum("k...,l...->kl...", *[case.at("score", y)] * 2))
        np.testing.assert_allclose(information, outer, rtol=1e-9)
        return
    squared = case.expected(lambda y: case.at("score", y) ** 2)
    np.testing.assert_allclose(information, np.atleast_1d(squared), rtol=1e-9)


@pytest.mark.parametrize("case", SMOOTH.values(), ids=SMOOTH.keys())
def test_information_is_the_expected_curvature(case: Case) -> None:
    h = 1e-5
    information = np.atleast_1d(case.moment("information"))
    information = np.diag(information) if information.ndim > 1 else information
    for k, by_output in enumerate(information[: case.free]):

        def slope(y: Array, k: int = k) -> Array:
            up, down = (case.at("score", y, case.moved(k, s * h)) for s in (1, -1))
            return ((up - down) / (2 * h)).reshape(len(case.outputs), -1)[k]

        assert -float(case.expected(slope)) == pytest.approx(by_output, rel=1e-6)


@each
def test_moments(case: Case) -> None:
    mean = case.expected(lambda y: y)
    variance = case.expected(lambda y: (y - mean) ** 2)
    assert float(case.moment("mean")) == pytest.approx(float(mean), rel=1e-9)
    assert float(case.moment("sd")) == pytest.approx(float(np.sqrt(variance)), rel=1e-8)


@each
def test_the_link_leads_from_the_mean_to_the_first_output(case: Case) -> None:
    mean = float(case.moment("mean")) if case.modelled is None else case.modelled
    link, eta = case.likelihood.link, np.array(case.outputs[0])
    assert float(link.mean(eta)) == pytest.approx(mean, rel=1e-12)
    assert float(link.eta(mean)) == pytest.approx(float(eta), rel=1e-12)


@dataclass(frozen=True)
class Forecast:
    """What a best action is read from: the distribution of one row."""

    case: Case

    @property
    def mean(self) -> Array:
        return self.case.moment("mean")

    def class_probabilities(self) -> Array:
        return np.exp(self.case.at("log_density", self.case.lattice))[None]

    def quantile(self, q: float) -> Array:
        low, high = -200.0, 200.0
        return np.asarray(optimize.brentq(lambda y: float(self.case.at("cdf", y)) - q, low, high))


@each
def test_the_expected_loss_is_least_at_its_best_action(case: Case) -> None:
    loss: Any = case.likelihood.loss
    action = float(np.squeeze(loss.best_action(Forecast(case))))

    def risk(action: float) -> float:
        return float(case.expected(lambda y: loss(y, action)))

    for moved in (0.95 * action, 1.05 * action) if action else (-1.0, 1.0):
        assert risk(moved) > risk(action) + 1e-7 * abs(risk(action))


@each
def test_distribution_function(case: Case) -> None:
    if case.likelihood.support.discrete:
        mass = np.exp(case.at("log_density", case.lattice))
        below = np.cumsum(mass)
        np.testing.assert_allclose(case.at("cdf", case.lattice), below, rtol=1e-12)
        np.testing.assert_allclose(case.at("cdf", case.lattice + 0.5), below, rtol=1e-12)
        np.testing.assert_allclose(case.at("cdf", [-0.5, np.inf]), [0.0, 1.0], atol=0)
    else:
        for y in (-2.0, 0.45, 1.1):
            below = integrate.quad(
                lambda v: float(np.exp(case.at("log_density", v))), *_stretch(case, y), limit=200
            )[0]
            assert float(case.at("cdf", y)) == pytest.approx(below, abs=1e-8)


def _stretch(case: Case, y: float) -> tuple[float, float]:
    """Return the part of the support up to y."""
    least = -np.inf if case.likelihood.support == Real() else 0.0
    most = 1.0 if case.likelihood.support == UnitInterval() else np.inf
    return least, float(np.clip(y, least, most))


@each
def test_survival_is_the_complement_and_keeps_its_digits(case: Case) -> None:
    y = case.observed
    np.testing.assert_allclose(case.at("survival", y), 1.0 - case.at("cdf", y), atol=1e-14)
    if case.likelihood.support.discrete:
        mass = np.exp(case.at("log_density", case.lattice))
        above = np.cumsum(mass[::-1])[::-1][1:8]
        np.testing.assert_allclose(case.at("survival", case.lattice[:-1][:7]), above, rtol=1e-10)


@each
def test_samples(case: Case) -> None:
    rng, m = np.random.default_rng(7), 4000
    draws = case.likelihood.sample(case.eta(np.zeros(m)), case.phi, rng)
    assert draws.dtype == np.float64
    assert np.all(case.likelihood.support.contains(draws))
    if not case.likelihood.support.discrete:
        assert stats.kstest(draws, lambda y: case.at("cdf", y)).pvalue > 1e-4
        return
    mass = np.exp(case.at("log_density", case.lattice))
    found = np.bincount(draws.astype(int), minlength=len(mass))
    # The likelihood ratio bounds every cell at once, the rare ones by the binomial law itself.
    limits = stats.binom.interval(1 - 1e-4 / len(mass), m, mass)
    assert np.all((found >= limits[0]) & (found <= limits[1]))
    common = m * mass >= 5
    if np.sum(common) > 1:
        expected = mass[common] / mass[common].sum() * found[common].sum()
        assert stats.chisquare(found[common], expected).pvalue > 1e-4


@each
def test_nothing_overflows_far_out(case: Case) -> None:
    y = case.observed[:2]
    for k in range(case.free):
        for far in (1e-3, 700.0) if limits_eta(case.likelihood) else (-700.0, 700.0):
            outputs = tuple(far if j == k else v for j, v in enumerate(case.outputs))
            for method in ("log_density", "score", "cdf", "survival"):
                assert np.all(np.isfinite(case.at(method, y, outputs))), method
            for method in ("mean", "sd", "information"):
                assert np.all(np.isfinite(case.moment(method, outputs))), method
            rng = np.random.default_rng(1)
            draws = case.likelihood.sample(case.eta(y, outputs), case.phi, rng)
            assert np.all(np.isfinite(draws))


@each
def test_density_and_gradient_are_those_of_pymc(case: Case) -> None:
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    y = case.observed
    eta = pt.dmatrix() if len(case.outputs) > 1 else pt.dvector()
    phi = {name: pt.dscalar(name) for name in case.phi}
    family, arguments = case.likelihood.pymc(pm, eta, phi)
    logp = pm.logp(family.dist(**arguments), y)
    inputs = [eta, *phi.values()]
    gradients = pytensor.grad(logp.sum(), inputs)
    evaluate = pytensor.function(inputs, [logp, *gradients], mode="FAST_COMPILE")
    theirs, by_eta, *by_phi = evaluate(case.eta(y), *case.phi.values())
    np.testing.assert_allclose(case.at("log_density", y), theirs, rtol=1e-12, atol=1e-13)
    theirs = by_eta[: case.free] if case.known else by_eta
    mine = case.at("score", y)[: case.free] if case.known else case.at("score", y)
    np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
    ours = case.likelihood.parameter_scores(y, case.eta(y), case.phi)
    for name, slope in zip(case.phi, by_phi, strict=True):
        assert float(np.sum(ours[name])) == pytest.approx(float(slope), rel=1e-9)


@each
def test_parameters_live_in_their_supports_and_start_there(case: Case) -> None:
    supports = case.likelihood.parameter_supports
    assert set(supports) == set(case.likelihood.parameters)
    starts = case.likelihood.start(2.0, 3.0)
    for name, start in starts.items():
        assert supports[name].contains(start)
    for name, prior in case.likelihood.default_priors(3.0).items():
        inside = np.append(prior.sample(np.random.default_rng(1), (200,)), starts.get(name, 1.0))
        assert supports[name].contains(inside).all()
        assert prior.support.contains(inside).all()


@each
def test_outputs_say_where_they_are_as_it_is(case: Case) -> None:
    outputs = case.likelihood.outputs(0.0, 0.0)
    assert len(outputs) == case.free
    assert np.all(np.isfinite(outputs))
    centre, scale = outputs[0]
    if limits_eta(case.likelihood):
        assert min(centre, scale) > 0.0
    elif case.likelihood.link == Identity():
        assert (centre, scale) == (0.0, 0.0)
    else:
        assert scale == 1.0


@pytest.mark.parametrize(("name", "sd"), BY_QUADRATURE)
def test_averages_over_a_wide_eta(name: str, sd: float) -> None:
    case = CASES[name]
    if case.free > 1:
        pytest.skip("over several outputs: test_averages_over_several_outputs")
    centre, k = case.outputs[0], len(case.outputs)
    covariance = np.zeros((1, k, k))
    covariance[0, 0, 0] = sd**2
    average = case.likelihood.average(np.array(case.outputs)[:, None], covariance, case.phi)
    eta, weights = average.eta[..., 0, :], average.weights

    def expected(values: Any) -> float:
        z = np.linspace(-12, 12 + 2 * sd, 60_001)
        density = np.exp(-0.5 * z**2)
        at = case.eta(z)
        first = centre + sd * z
        at = first if at.ndim == 1 else np.concatenate([first[None], at[1:]])
        return float(np.sum(values(at) * density) / np.sum(density))

    for method in ("mean", "sd"):
        evaluate = getattr(case.likelihood, method)
        for power in (1, 2):
            truth = expected(lambda e, f=evaluate, p=power: f(e, case.phi) ** p)
            found = evaluate(eta, case.phi) ** power @ weights
            assert float(found) == pytest.approx(truth, rel=1e-9)
    for y in case.observed:
        truth = expected(lambda e, y=y: np.exp(case.likelihood.log_density(y, e, case.phi)))
        found = np.exp(case.likelihood.log_density(y, eta, case.phi)) @ weights
        assert float(found) == pytest.approx(truth, rel=1e-8, abs=1e-8)


def test_averages_over_many_counts_are_smooth() -> None:
    """A count in the thousands is sharp in η: nodes too far apart would leave gaps between them."""
    average = bm.Poisson().average(np.array([[9.0]]), np.array([[[0.1**2]]]), {})
    eta, weights = average.eta[0], average.weights
    z = np.linspace(-9, 9, 20_001)
    density = np.exp(-0.5 * z**2) / np.sum(np.exp(-0.5 * z**2))
    for y in (7000.0, 8103.0, 8500.0):
        found = np.exp(bm.Poisson().log_density(y, eta, {})) @ weights
        truth = np.exp(bm.Poisson().log_density(y, 9.0 + 0.1 * z, {})) @ density
        assert float(found) == pytest.approx(float(truth), rel=1e-8)


@on_a_lattice
def test_what_is_off_the_lattice_is_impossible(case: Case) -> None:
    np.testing.assert_array_equal(case.at("log_density", [-1.0, 0.5]), [-np.inf, -np.inf])


def test_small_probabilities_of_counts_keep_their_digits() -> None:
    mpmath = pytest.importorskip("mpmath")
    survival = float(bm.Poisson().survival(60.0, 0.0, {}))
    truth = mpmath.nsum(lambda k: mpmath.exp(-1) / mpmath.factorial(k), [61, mpmath.inf])
    assert survival == pytest.approx(float(truth), rel=1e-12)
    assert float(bm.Bernoulli().survival(0.0, -100.0, {})) == pytest.approx(np.exp(-100))


def test_moments_that_do_not_exist_are_not_numbers() -> None:
    assert np.isnan(bm.StudentT().mean(0.0, {"df": 1.0, "sigma": 1.0}))
    assert bm.StudentT().sd(0.0, {"df": 2.0, "sigma": 1.0}) == np.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.Gaussian(sigma=0), "sigma must be positive"),
        (lambda: bm.Gaussian(sigma=np.inf), "sigma must be positive and finite"),
        (lambda: bm.Gaussian(sigma=bm.Normal(0, 1)), "mass on negative values"),
        (lambda: bm.Gaussian(sigma="1"), "must be a number"),
        (lambda: bm.Gaussian(sigma=True), "must be a number"),
        (lambda: bm.StudentT(df=-3), "df must be positive"),
        (lambda: bm.Gaussian(sigma=bm.HalfNormal([1, 2])), "takes one prior"),
    ],
)
def test_bad_noise_is_refused(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()


def test_a_parameter_is_checked_against_its_own_support() -> None:
    from bayesml.distributions import UnitInterval
    from bayesml.likelihoods.parameters import check_parameter

    assert check_parameter("Some", "share", 0.3, UnitInterval()) == 0.3
    with pytest.raises(bm.IncompatibleModelError, match="share must be a number strictly between"):
        check_parameter("Some", "share", 1.3, UnitInterval())
    with pytest.raises(bm.IncompatibleModelError, match="is a prior on a positive number"):
        check_parameter("Some", "share", bm.HalfNormal(1.0), UnitInterval())


@pytest.mark.parametrize("weighted", [False, True])
@on_a_lattice
def test_pymc_observes_rows_and_their_weights(case: Case, weighted: bool) -> None:
    import pymc as pm

    from bayesml.graphs.model import observe

    if len(case.outputs) > 1:
        pytest.skip("one output is observed here")
    y, w = case.observed, np.arange(1.0, len(case.observed) + 1)
    data = bm.Data(np.zeros((len(y), 1)), y, observation_weights=w if weighted else None)
    with pm.Model(coords={"observation": np.arange(len(y))}) as model:
        eta = pm.Flat("eta")
        at = eta + np.zeros(len(y))
        observe(case.likelihood, at, dict(case.phi), pm.Data("y_observed", y), data)
        logp = model.compile_logp(mode="FAST_COMPILE")({"eta": np.array(0.3)})
    terms = case.likelihood.log_density(y, 0.3, case.phi)
    assert float(logp) == pytest.approx(float(np.sum(terms * (w if weighted else 1.0))))


def test_averages_over_several_outputs() -> None:
    """Against a fine grid: products of rules to 1e-6, Sobol points to 2e-3 of a probability."""
    rng = np.random.default_rng(5)
    for names, tolerance in ((("a", "b", "c"), 1e-6), (("a", "b", "c", "d"), 2e-3)):
        likelihood, k = bm.Categorical(names), len(names) - 1
        root = np.tril(rng.normal(size=(k, k)))
        centre = rng.normal(size=k)
        average = likelihood.average(centre[:, None], (root @ root.T)[None], {})
        found = likelihood.probabilities(average.eta[:, 0], {}) @ average.weights
        z = np.linspace(-6, 6, 61)
        grid = np.stack(np.meshgrid(*[z] * k, indexing="ij")).reshape(k, -1)
        density = np.exp(-0.5 * np.sum(grid**2, axis=0))
        truth = likelihood.probabilities(centre[:, None] + root @ grid, {}) @ density
        np.testing.assert_allclose(found, truth / density.sum(), atol=tolerance)


def test_a_scale_by_a_predictor_is_averaged_as_the_heteroscedastic_gaussian_is() -> None:
    eta, root = np.array([[0.4], [-0.3]]), np.array([[0.7, 0.0], [0.2, 0.5]])
    both = [
        likelihood.average(eta, (root @ root.T)[None], {})
        for likelihood in (Distributional(bm.Gaussian(), ("sigma",)), bm.HeteroscedasticGaussian())
    ]
    for y in (-2.0, 0.0, 3.0):
        one, other = (
            np.exp(bm.HeteroscedasticGaussian().log_density(y, a.eta[:, 0], {})) @ a.weights
            for a in both
        )
        assert float(one) == pytest.approx(float(other), rel=1e-12)
