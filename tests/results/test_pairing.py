"""Numbers that belong together: draws of one another, seeds of runs, centres, limits."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import bayesml as bm
from bayesml.inference import Learned
from bayesml.inference.networks.density import density_of
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.log_joint import log_joint
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.coordinates import LinearCoordinates
from bayesml.results import sequential

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 1)) + 5.0
DATA = bm.Data(X, 2.0 * X[:, 0] + RNG.normal(size=12))


def test_noise_of_a_draw_is_that_of_its_coefficients() -> None:
    """Few rows: σ varies much, and coefficients are far from their mean where their σ is large."""
    fit = bm.fit(bm.Model(), bm.Data(X[:5], DATA.y[:5]), bm.Exact(), rng=1)
    p = fit.predict(np.full((4000, 1), 5.0))
    noise = p.sample(30, rng=7) - p.expectation.sample(30, rng=7)
    _, sigma = fit.learned.posterior._sample(30, np.random.default_rng(7))  # type: ignore[attr-defined]
    np.testing.assert_allclose(noise.std(axis=1), sigma, rtol=5 / np.sqrt(2 * 4000))
    draws = fit.learned.posterior.draws(1, 4000, np.random.default_rng(2))
    away = np.abs(draws["weights"][0, :, 0] - draws["weights"].mean())
    assert spearmanr(away, draws["sigma"][0]).statistic > 10 / np.sqrt(4000)


def test_a_run_goes_on_with_another_seed() -> None:
    fit = bm.fit(bm.Model(), DATA, bm.Exact(), rng=1)
    seeds: list[int] = []

    class Recording:
        def learn(self, problem: Any, rng: Any) -> Learned:
            raise NotImplementedError

        def resume(self, problem: Any, earlier: Learned, draws: int, seed: int) -> Learned:
            seeds.append(seed)
            return earlier

    for length in (5, 10):
        stats = {"diverging": np.zeros((2, length), dtype=bool)}
        learned = replace(fit.learned, sample_stats=stats)
        answer = replace(fit, method=Recording(), learned=learned)
        sequential.resumed(answer, 3)
    first = int(np.random.default_rng(fit.seed).integers(2**31))
    assert len({first, *seeds}) == 3


@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # of few rows: not judged here
def test_noise_and_coefficients_of_nuts_are_of_the_same_draw() -> None:
    """The log density that the sampler kept of a draw is that of the draw as it is returned."""
    few = bm.Data(X[:5], DATA.y[:5])
    fit = bm.fit(bm.Model(), few, bm.NUTS(draws=50, tune=300, progress=False), rng=1)
    chains = fit.learned.posterior.draws(4, 50, RNG)
    joint = log_joint(fit.problem).unconstrained()
    x = joint.coordinates.x(fit.problem.frame.unnamed(chains), {"sigma": chains["sigma"]})
    kept, there = fit.learned.sample_stats["lp"], joint.log_density(x)
    np.testing.assert_allclose(kept - kept.mean(), there - there.mean(), rtol=1e-6, atol=1e-6)


def network() -> Any:
    rows = np.linspace(-2.0, 2.0, 25)[:, None]
    data = bm.Data(rows, np.sin(2.0 * rows[:, 0]) + 0.1 * np.cos(9.0 * rows[:, 0]))
    problem = bm.Model(bm.MLP(hidden=(3,)), bm.Gaussian(bm.HalfNormal(1.0)), bm.Layered()).resolve(
        data
    )
    return problem, find_mode(problem, np.random.default_rng(0), Recipe())


def test_precisions_are_drawn_from_their_conditional() -> None:
    """Gamma(a + n/2, b + Σθ²/2): n weights of Normal(0, 1/√precision), by its mean and variance."""
    _, mode = network()
    density = density_of([mode])
    assert density.scales is not None
    prior, groups = density.scales.prior, density.scales.groups
    position, rng = density.centre, np.random.default_rng(1)
    start = mode.scales.precision[None, :]
    drawn = np.array([density.draw_precision(position, start, rng)[0] for _ in range(4000)])
    squares = groups.total(position[:, : density.p] ** 2)[0]
    shape = prior.shape + groups.sizes / 2
    mean = shape / (prior.rate + squares / 2)
    error = mean / np.sqrt(shape * 4000)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 5 * error)


def test_the_density_of_langevin_has_the_jacobian_of_the_noise() -> None:
    """Along log σ: d/dlogσ = −W + Σr²/σ² + 1 − σ²/s² under HalfNormal(s), by hand."""
    problem, mode = network()
    density = density_of([mode])
    at = density.centre.copy()
    step = np.zeros_like(at)
    step[0, density.p] = 1e-3
    slope = (density.data_part(at + step)[0] - density.data_part(at - step)[0])[0] / 2e-3
    named = density.joint.coordinates.named(at)
    sigma = float(named["sigma"][0])
    values = {name: v[0] for name, v in named.items()}
    residuals = problem.data.y - problem.model.predictor.eta(values, problem.data.X)
    by_hand = -25 + np.sum(residuals**2) / sigma**2 + 1 - sigma**2
    assert slope == pytest.approx(by_hand, abs=0.05 * 25 / 10)


def test_log_prior_is_at_the_origin_that_the_prior_states() -> None:
    prior = bm.Independent(bm.Normal(0, 2), bm.Normal(1, 3), "centred")
    fit = bm.fit(bm.Model(prior=prior), DATA, bm.Exact(), rng=1)
    tree = fit.to_datatree(draws=20, log_prior=True)
    drawn, found = tree["posterior"], tree["log_prior"]["intercept"].to_numpy()
    centre = drawn["intercept"].to_numpy() + 0.0
    centre = centre + drawn["weights"].to_numpy()[..., 0] * X.mean()
    by_hand = -0.5 * ((centre - 1) / 3) ** 2 - np.log(3) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, by_hand, rtol=1e-9)


def test_the_intercept_keeps_what_rounding_left_of_the_means() -> None:
    """x̄ far from a float64: b = ȳ − θ x̄ by rational numbers."""
    x = 1e8 + np.array([0.1, 0.2, 0.4, 0.7, 1.1])
    y = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    fit = bm.fit(bm.Model(), bm.Data(x[:, None], y), bm.MLE())
    fx, fy = [Fraction(v) for v in x], [Fraction(v) for v in y]
    mx, my = sum(fx) / 5, sum(fy) / 5
    slope = sum((a - mx) * (b - my) for a, b in zip(fx, fy, strict=True))
    slope /= sum((a - mx) ** 2 for a in fx)
    found = fit.summary()["mean"]
    assert found["intercept"] == pytest.approx(float(my - slope * mx), rel=1e-14)


def test_the_intercept_keeps_it_where_little_is_left() -> None:
    """A small difference of large numbers, by rational ones."""
    origin, error, beta = 1e8 + 0.5, 2.5e-9, np.array([3e8 + 2.5, 3.0])
    at = LinearCoordinates(np.array([origin]), np.array([error]), intercept=True)
    found = at.split_exactly(beta, np.zeros(2))["intercept"]
    expected = Fraction(beta[0]) - Fraction(3.0) * (Fraction(origin) + Fraction(error))
    assert float(found) == pytest.approx(float(expected), rel=1e-14)


def test_quantiles_of_atoms_are_hazens() -> None:
    values = np.sort(RNG.normal(size=7))
    atoms = Atoms(1, np.full(7, 1 / 7), lambda block: values[None, :][block])
    for q in (0.1, 0.5, 0.85):
        expected = np.quantile(values, q, method="hazen")
        assert atoms.quantile(q)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("shift", "passes"), [(0.0, True), (0.35, False)])
def test_chains_that_differ_by_a_third_of_their_spread_do_not_pass(
    shift: float, passes: bool
) -> None:
    """R̂ is about 1.02 there: below 1.1, and not below 1.01."""
    from bayesml.results.checks import _convergence

    draws = np.random.default_rng(5).normal(size=(4, 2000))
    draws[0] += shift
    found = next(iter(_convergence({"theta": draws}, "parameter")))
    assert found.passed is passes
