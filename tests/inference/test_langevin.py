"""The microcanonical sampler against its equation of motion, an exact posterior, and NUTS."""

import warnings

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.integrate import solve_ivp

import bayesml as bm
from bayesml.inference.langevin import exploration
from bayesml.inference.networks.density import density_of
from bayesml.inference.networks.microcanonical import refresh, turn
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import find_mode


@pytest.fixture
def wave(rng):
    X = rng.uniform(-2, 2, (60, 1))
    return bm.Data(X, np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=60))


def test_a_turn_solves_the_equation_of_motion(rng):
    """u̇ = (I − uuᵀ) g/(d − 1) at constant g, with the kinetic energy gained along the way."""
    d, time = 7, 0.8
    u, g = rng.normal(size=d), 5 * rng.normal(size=d)
    u /= np.linalg.norm(u)

    def motion(_, state):
        v = state[:d]
        return np.append((g - v * (v @ g)) / (d - 1), v @ g)

    end = solve_ivp(motion, (0, time), np.append(u, 0.0), rtol=1e-10, atol=1e-12).y[:, -1]
    turned, kinetic = turn(u[None], g[None], np.array([time]))
    np.testing.assert_allclose(turned[0], end[:d], rtol=1e-7)
    np.testing.assert_allclose(kinetic[0], end[d], rtol=1e-7)


def test_a_long_turn_points_along_the_force_without_overflow(rng):
    u, g = rng.normal(size=(1, 5)), rng.normal(size=(1, 5))
    turned, kinetic = turn(u / np.linalg.norm(u), g, np.array([1e5]))
    np.testing.assert_allclose(turned, g / np.linalg.norm(g))
    assert np.isfinite(kinetic)


def test_refreshing_keeps_unit_length_and_forgets(rng):
    u = np.tile(np.eye(50)[0], (2000, 1))
    near, far = (refresh(u, np.full(2000, step), 7.0, rng) for step in (0.1, 50.0))
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1)
    assert near[:, 0].mean() > 0.97
    assert abs(far[:, 0].mean()) < 0.02


@pytest.mark.parametrize(
    "likelihood", [bm.Gaussian(), bm.HeteroscedasticStudentT(), bm.StudentT()], ids=repr
)
def test_the_gradient_is_that_of_the_density(wave, likelihood, rng):
    modes = [
        find_mode(
            bm.Model(bm.MLP((3,)), likelihood).resolve(wave),
            own,
            Recipe(training=bm.Training(start=bm.Start())),
        )
        for own in np.random.default_rng(0).spawn(2)
    ]
    density = density_of(modes)
    precision = np.array([mode.scales.precision for mode in modes])

    def at(z):
        position = density.position(z)
        return density.with_prior(position, density.data_part(position), precision)

    z, direction = rng.normal(size=density.centre.shape), rng.normal(size=density.centre.shape)
    h = 1e-2
    difference = (at(z + h * direction)[0] - at(z - h * direction)[0]) / (2 * h)
    np.testing.assert_allclose(np.sum(at(z)[1] * direction, axis=1), difference, rtol=2e-2)


def test_draws_without_hidden_layers_are_those_of_the_exact_posterior(rng):
    X = rng.normal(size=(80, 4))
    data = bm.Data(X, X @ [1.0, -1, 0.5, 0] + 2 + 0.7 * rng.normal(size=80))
    exact = bm.fit(bm.Model(), data, bm.Exact(), rng=0)
    method = bm.Langevin(chains=4, steps=6000, thin=4, energy=1e-3)
    sampled = _fit(bm.Model(bm.MLP(hidden=())), data, method)
    new = rng.normal(size=(6, 4))
    p, q = _expectation(sampled, new), _expectation(exact, new)
    assert np.max(np.abs(p.mean - q.mean) / q.sd) < 0.15
    np.testing.assert_allclose(p.sd, q.sd, rtol=0.12)
    sigma = exact.summary().loc["sigma"]
    assert abs(sampled.summary().loc["sigma", "mean"] - sigma["mean"]) < 0.15 * sigma["sd"]


@pytest.mark.slow
def test_function_values_are_those_of_nuts(wave):
    model = bm.Model(bm.MLP((3,)), bm.Gaussian(sigma=0.3), bm.Layered(sd=1.5))
    nuts = _fit(model, wave, bm.NUTS(draws=200, tune=150, chains=2, max_depth=6, progress=False))
    micro = _fit(model, wave, bm.Langevin(chains=8, steps=10_000, thin=10, energy=1e-3))
    one, other = (fit.learned.posterior.compared.values["eta"] for fit in (micro, nuts))
    for row in range(0, one.shape[-1], 7):
        a, b = one[..., row], other[..., row]
        error = np.hypot(_error(a), _error(b))
        assert abs(a.mean() - b.mean()) < 5 * error  # of eight rows and two samplers
        np.testing.assert_allclose(a.std(), b.std(), rtol=0.5)


def _error(draws):
    """Monte Carlo error of the mean; chains that disagree make it large."""
    return float(array_stats.mcse(draws, method="mean"))


def test_chains_are_compared_by_function_values(wave):
    method = bm.Langevin(chains=2, steps=400, thin=5, start=bm.Start())
    fit = _fit(bm.Model(bm.MLP((3,)), bm.HeteroscedasticGaussian()), wave, method)
    compared = fit.learned.posterior.compared.values
    assert set(compared) == {"eta_1", "eta_2"}
    assert compared["eta_1"].shape == (2, 56, 50)
    assert "prior_sd" in fit.idata["posterior"]


def test_exploration_is_judged_within_chains(rng):
    """Chains that stay apart count their own draws; their functions are compared too."""
    noise = rng.normal(size=(3, 500, 4))
    slow = np.cumsum(noise, axis=1) / 20
    rows, level = np.arange(4.0), 100 * np.arange(3.0)[:, None, None]
    found = exploration({"eta": rows + level + noise})
    assert 1000 < found["ess_within"] < 2200
    assert found["agreement"] > 0.9
    assert exploration({"eta": rows + slow})["ess_within"] < 100
    opposed = np.array([1.0, -1.0])[:, None, None] * rows + noise[:2]
    assert exploration({"eta": opposed})["agreement"] < -0.9


def test_separate_modes_are_not_asked_to_mix(wave):
    fit = _fit(
        bm.Model(bm.MLP((3,))), wave, bm.Langevin(chains=3, steps=3000, thin=5, start=bm.Start())
    )
    report = str(fit.check())
    assert "within chains" in report
    assert "R̂" not in report


def test_the_same_seed_gives_the_same_draws(wave):
    method = bm.Langevin(chains=2, steps=400, thin=5, start=bm.Start())
    a, b = (_fit(bm.Model(bm.MLP((3,))), wave, method) for _ in range(2))
    np.testing.assert_array_equal(
        a.idata["posterior"]["weights_1"], b.idata["posterior"]["weights_1"]
    )


def _fit(model, data, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        return bm.fit(model, data, method, rng=1)


def _expectation(fit, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        return fit.predict(X).expectation
