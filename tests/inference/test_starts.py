"""Which start a network trains from, and what gives away one that did not learn."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.base import Learned
from bayesml.inference.networks.functions import unlearned
from bayesml.inference.networks.heats import LOWEST, Race
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.race import raced
from bayesml.inference.networks.search import find_mode
from bayesml.inference.networks.settings import CALM, FREE
from bayesml.posteriors import PointEstimate


@pytest.fixture
def ripples():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.5, 1.5, (150, 1))
    return bm.Data(X, np.sin(6 * X[:, 0]) + 0.1 * rng.normal(size=150))


MODEL = bm.Model(bm.MLP((15,)), bm.Gaussian())


def test_ripples_are_learned_from_the_start_that_is_chosen(ripples):
    fit = bm.fit(MODEL, ripples, bm.Laplace(), rng=0)
    X = np.linspace(-1.4, 1.4, 200)[:, None]
    p = fit.predict(X)
    assert np.sqrt(np.mean((p.mean - np.sin(6 * X[:, 0])) ** 2)) < 0.08
    assert p.aleatoric_sd.mean() == pytest.approx(0.1, rel=0.2)
    best = max(fit.diagnostics["held_out free"], fit.diagnostics["held_out calm"])
    assert best > fit.diagnostics["held_out linear"] + 0.5
    assert fit.diagnostics["unlearned"] == 0


def test_ripples_taken_as_noise_fail_the_check(ripples):
    stated = bm.Laplace(training=bm.Training(start=CALM))
    with pytest.warns(bm.ConvergenceWarning, match="residuals of neighbouring rows"):
        fit = bm.fit(MODEL, ripples, stated, rng=0)
    assert fit.diagnostics["unlearned"] > 0.5


@pytest.mark.parametrize("seed", range(2))
def test_the_calm_start_is_taken_where_there_is_nothing_to_find(seed):
    rng = np.random.default_rng(seed)
    data = bm.Data(rng.normal(size=(100, 4)), rng.normal(size=100))
    found = raced(bm.Model(bm.MLP((8,))).resolve(data), rng, Recipe())
    assert found.training.start.precision == CALM.precision
    assert abs(found.raced["gain_over_linear"]) < 3


def test_starts_take_turns_unless_one_is_better_alone(monkeypatch):
    """By (M31), of log densities that are stated."""

    def turns(calm, free, linear=-9.0):
        heat = SimpleNamespace(modes={CALM: [0], FREE: [0]})
        run = Race([heat])
        told = {"gain_over_linear": 1.0}
        monkeypatch.setattr(Race, "told", told)
        monkeypatch.setattr(Race, "linear", np.full(100, linear))
        densities = {CALM: np.array(calm), FREE: np.array(free)}
        monkeypatch.setattr(Race, "densities", lambda self, start: densities[start])
        return [run.start.turn(k).precision for k in (0, 1)]

    noise, even = np.random.default_rng(0).normal(size=100), np.zeros(100)
    assert turns(even, noise) == [CALM.precision, FREE.precision]
    assert turns(even, even + 0.3 * noise + 0.02) == [CALM.precision, FREE.precision]
    assert turns(even, noise, linear=0.0) == [CALM.precision] * 2
    assert turns(even, even + 3.0 + 0.1 * noise) == [FREE.precision] * 2
    assert turns(even, even - 0.5 + noise) == [CALM.precision] * 2
    diverged = np.append(np.full(99, 0.5), LOWEST)
    assert turns(even, diverged) == [CALM.precision] * 2


def test_a_start_from_which_training_diverges_gives_way_to_the_calm_one(ripples, monkeypatch):
    from bayesml.inference.networks import search

    trained = search.from_start

    def diverging(setting, *rest):
        if setting.start.precision == FREE.precision:
            raise bm.ConvergenceError("diverged")
        return trained(setting, *rest)

    monkeypatch.setattr(search, "from_start", diverging)
    problem, rng = MODEL.resolve(ripples), np.random.default_rng(0)
    of_race = Recipe(training=bm.Training(start=replace(FREE, gain=3.0)))
    mode = search.find_mode(problem, rng, of_race)
    assert mode.reason.endswith("since training from the free start diverged")
    with pytest.raises(bm.ConvergenceError, match="diverged"):
        search.find_mode(problem, rng, Recipe(training=bm.Training(start=FREE)))


def test_a_race_that_diverges_everywhere_is_refused_and_one_side_loses(ripples, monkeypatch):
    from bayesml.inference.networks import race

    problem, rng, train = MODEL.resolve(ripples), np.random.default_rng(0), race.from_start

    def diverging(*starts):
        def training(setting, **rest):
            if setting.network.hidden and setting.start in starts:
                raise bm.ConvergenceError("diverged")
            return train(setting, **rest)

        return training

    monkeypatch.setattr(race, "from_start", diverging(CALM))
    found = raced(problem, rng, Recipe())
    assert found.training.start.precision == FREE.precision
    assert found.raced["held_out calm"] == LOWEST
    monkeypatch.setattr(race, "from_start", diverging(CALM, FREE))
    with pytest.raises(bm.ConvergenceError, match="diverged from every start"):
        raced(problem, rng, Recipe())


@pytest.mark.parametrize(
    ("model", "recipe"),
    [
        (bm.Model(bm.MLP(())), Recipe()),
        (bm.Model(bm.MLP((3,)), prior=bm.Layered(sd=1.0)), Recipe()),
        (MODEL, Recipe(bm.Adam())),
        (MODEL, Recipe(training=bm.Training(start=FREE))),
    ],
)
def test_nothing_is_raced_where_there_is_no_choice(model, recipe, ripples):
    assert raced(model.resolve(ripples), np.random.default_rng(0), recipe) is recipe


def test_residuals_of_neighbours(rng):
    """Of a constant fit the residuals are y itself, in pairs of neighbours alike or opposed."""
    at = np.repeat(np.arange(100.0), 2)
    X = (at + np.tile([0.0, 0.1], 100))[:, None]
    pairs = np.repeat(rng.normal(size=100), 2)
    for sign, expected in ((1.0, 1.0 - 3.0 * np.sqrt(2 / 200)), (-1.0, 0.0)):
        y = pairs * np.tile([1.0, sign], 100)
        problem = bm.Model(bm.MLP((1,)), bm.Gaussian(sigma=1.0)).resolve(bm.Data(X, y))
        model = problem.model
        zero = {name: np.zeros(shape) for name, shape in problem.shapes.items()}
        ((centre, scale),) = model.predictor.outputs
        zero |= {"biases_2": np.array([-centre / scale]), "sigma": np.array(1.0)}
        point = PointEstimate(model.predictor, model.likelihood, zero, {}, np.inf)
        np.testing.assert_allclose(point.predict(X).mean, 0.0, atol=1e-12)
        assert unlearned(problem, point)["unlearned"] == pytest.approx(expected, abs=0.01)


@dataclass(frozen=True)
class Runaway:
    """A member whose function is far from the data."""

    def learn(self, problem, rng):
        learned: Learned = bm.MAP().learn(problem, rng)
        point = learned.posterior
        away = {**point.values, "biases_1": point.values["biases_1"] + 50.0}
        return replace(learned, posterior=replace(point, values=away))


def test_a_member_that_ran_away_is_left_out_by_name(ripples):
    model = bm.Model(bm.MLP(()), bm.Gaussian())
    mixed = bm.Ensemble(4, (bm.MAP(), bm.MAP(), bm.MAP(), Runaway()))
    fit = bm.fit(model, ripples, mixed, rng=0)
    alone = bm.fit(model, ripples, bm.MAP(), rng=0)
    assert "member 3 was left out" in fit.explanation
    assert "equal mixture of 3 members" in fit.explanation
    assert fit.diagnostics["astray"] == 0.25
    np.testing.assert_allclose(fit.predict(ripples.X).mean, alone.predict(ripples.X).mean)


def test_training_begins_again_where_it_falls_short_of_the_race(ripples, monkeypatch):
    """A first attempt that learned nothing, and a second that is taken."""
    from bayesml.inference.networks import search

    problem, attempts = MODEL.resolve(ripples), []
    trained = search.from_start

    def first_in_vain(setting, sd_y, rng, recipe):
        mode = trained(setting, sd_y, rng, recipe)
        attempts.append(mode)
        vain = replace(mode, x=0.0 * mode.x, scales=replace(mode.scales, values={"sigma": 1.0}))
        return vain if len(attempts) == 1 else mode

    monkeypatch.setattr(search, "from_start", first_in_vain)
    start = replace(FREE, foreseen=0.6)
    found = search.find_mode(
        problem, np.random.default_rng(0), Recipe(training=bm.Training(start=start))
    )
    assert len(attempts) > 1
    assert found.scales.values["sigma"] < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_more_weights_than_rows_leave_some_noise(seed):
    """Before prior scales are learned σ already counts what the weights took: no interpolation."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(240, 10))
    y = np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=240)
    problem = bm.Model(bm.MLP((33,)), bm.Gaussian()).resolve(bm.Data(X, y))
    mode = find_mode(problem, np.random.default_rng(0), Recipe(training=bm.Training(start=FREE)))
    assert problem.size > 240
    assert 0.03 < mode.scales.values["sigma"] < 0.3
