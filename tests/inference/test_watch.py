"""Limits of time, interruptions, and what members of an ensemble share."""

import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.default_network import network_method
from bayesml.inference.growth import HeldOut
from bayesml.inference.networks import search
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.inference.networks.watch import Stopped, Watch, side_by_side, watch_for


@pytest.fixture(scope="module")
def wave():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (60, 1))
    return bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=60))


MODEL = bm.Model(bm.MLP((4,)), bm.Gaussian())
CHAIN = bm.Langevin(chains=1, steps=400, thin=5)


pytestmark = pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")  # short runs


def fitted(data, method):
    return bm.fit(MODEL, data, method, rng=0)


def test_an_interruption_stops_what_runs_and_starts_nothing_more():
    """The main thread is interrupted, a task that runs sees it at its next step."""
    watch, seen, started = Watch(), [], []

    def running():
        started.append("running")
        try:
            while not watch.over():
                time.sleep(0.01)
        except Stopped:
            seen.append("stopped")
            raise

    def interrupted(done):
        raise KeyboardInterrupt

    def waiting():
        started.append("waiting")

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([lambda: 1, running, waiting], 1, watch, interrupted)
    assert threading.active_count() == before
    assert "waiting" not in started
    assert seen == ["stopped"] * len(started)


def test_a_failure_is_raised_and_the_others_stop():
    watch = Watch()

    def failing():
        raise bm.ConvergenceError("no")

    def running():
        while not watch.over():
            time.sleep(0.01)

    with pytest.raises(bm.ConvergenceError, match="no"):
        side_by_side([running, failing], 2, watch)


def test_results_keep_the_order_of_their_tasks():
    tasks = [lambda k=k: time.sleep(0.02 * (3 - k)) or k for k in range(3)]
    assert side_by_side(tasks, 3, Watch()) == [0, 1, 2]


def test_a_share_of_the_time_ends_earlier():
    watch = watch_for(100.0)
    assert watch.share(0.3).left == pytest.approx(30.0, abs=1.0)
    assert watch_for(None).share(0.5).left == np.inf
    assert not watch.over()
    assert watch_for(0.0).over()


def test_without_time_there_is_one_answer_and_it_says_so(wave):
    fit = fitted(wave, bm.Ensemble(4, (bm.Laplace(), CHAIN), seconds=1e-9))
    assert "3 of 4 had no time" in fit.explanation or "2 of 4 had no time" in fit.explanation
    assert "since time was over" in fit.explanation
    assert np.all(np.isfinite(fit.predict(wave.X).mean))


def test_auto_hands_its_seconds_to_the_ensemble(wave):
    fit = fitted(wave, bm.Auto(seconds=1e-9))
    assert "had no time within 1e-09 seconds" in fit.explanation
    with pytest.raises(bm.IncompatibleModelError, match=r"Ensemble\(1, Laplace"):
        fitted(wave, bm.Auto(network=bm.Laplace(), seconds=1.0))


def test_members_of_a_turn_are_learned_around_one_mode(wave):
    fit = fitted(wave, bm.Ensemble(2, (bm.Laplace(), bm.MAP())))
    laplace, point = fit.learned.posterior.members
    for name, value in laplace.mode.items():
        np.testing.assert_array_equal(value, point.values[name])
    other = fitted(wave, bm.Ensemble(2, (bm.Laplace(), bm.MAP(bm.LBFGS()))))
    laplace, point = other.learned.posterior.members
    assert not np.allclose(laplace.mode["weights_1"], point.values["weights_1"])


def test_threads_change_nothing(wave):
    one, two = (
        fitted(wave, bm.Ensemble(4, (bm.Laplace(), CHAIN), threads=threads)) for threads in (1, 2)
    )
    np.testing.assert_array_equal(one.predict(wave.X).mean, two.predict(wave.X).mean)


def test_sampling_ends_when_there_are_draws_enough(wave):
    fit = fitted(wave, bm.Langevin(chains=2, steps=2000, thin=5, ess=5.0))
    draws = fit.idata["posterior"].sizes["draw"]
    assert 4 <= draws < 280
    assert f"{600 + 5 * draws} steps" in fit.explanation


def test_many_rows_are_begun_with_few_of_them(rng, monkeypatch):
    X = rng.uniform(-2, 2, (240, 1))
    data = bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=240))
    recipe = Recipe(training=bm.Training(start=bm.Start(precision=0.1, noise=0.3)))
    problem = MODEL.resolve(data)
    whole = find_mode(problem, np.random.default_rng(0), recipe)
    monkeypatch.setattr(search, "FEW_ROWS", 110)
    mode = find_mode(problem, np.random.default_rng(0), recipe)
    assert "from 110 of the rows" in mode.reason
    assert "of the rows" not in whole.reason
    assert mode.setting.rows.m == 240
    assert mode.log_evidence == pytest.approx(whole.log_evidence, abs=5.0)


def test_the_default_samples_unless_there_are_many_rows():
    start = bm.Start(precision=0.1, noise=0.3)
    members = [network_method(rows, start).member for rows in (1000, 30_000, 100_000)]
    assert [isinstance(member, bm.Langevin) for member in members] == [True, True, False]
    assert members[0].start == members[2].training.start == start


@pytest.mark.parametrize(
    ("by", "noise"), [(4.1, bm.Gaussian()), (3.9, bm.HeteroscedasticStudentT())], ids=["4.1", "3.9"]
)
def test_noise_is_even_where_rows_held_out_are_told_clearly_better(monkeypatch, wave, by, noise):
    module = sys.modules["bayesml.inference.default_network"]  # whose name is its function's too
    monkeypatch.setattr(module, "gain", lambda even, uneven: by)
    assert bm.default_network(wave, 0, network=bm.MLP((2,))).model.likelihood == noise


def test_noise_that_varies_is_found_by_rows_held_out(rng):
    X = rng.normal(size=(120, 2))
    uneven = bm.Data(X, X[:, 0] + np.exp(1.5 * X[:, 1]) * rng.normal(size=120))
    model, _ = bm.default_network(uneven, 0, network=bm.MLP((4,)))
    assert model.likelihood == bm.HeteroscedasticStudentT()
    few = bm.Data(X[:10], X[:10, 0])
    assert bm.default_network(few, rng=0).model.likelihood == bm.Gaussian()
    classes = bm.Data(X, np.where(X[:, 0] > 0, "yes", "no"))
    assert bm.default_network(classes, 0, network=bm.MLP((2,))).model.likelihood == bm.Bernoulli()


def test_a_straight_line_is_learned_as_well_as_by_least_squares(rng):
    """The linear model inside: its mean is 1.2 times as far from the truth at the most."""
    X, slopes = rng.normal(size=(200, 4)), np.array([1.0, 0.5, 0.0, -1.0])
    data = bm.Data(X, X @ slopes + 0.5 * rng.normal(size=200))
    model, method = bm.default_network(data, 0, likelihood=bm.Gaussian())
    fit = bm.fit(model, data, replace(method, members=2), rng=0)
    least_squares = bm.fit(bm.Model(), data, bm.MLE()).predict(X).mean
    error, least = (
        np.sqrt(np.mean((mean - X @ slopes) ** 2)) for mean in (fit.predict(X).mean, least_squares)
    )
    assert error < 1.2 * least


def test_a_fit_does_not_repeat_the_race_of_its_default(wave):
    model, method = bm.default_network(wave, 0, network=bm.MLP((3,)), likelihood=bm.Gaussian())
    short = replace(method, members=2, member=replace(method.member, steps=400, thin=5))
    fit = bm.fit(model, wave, short, rng=0)
    assert fit.diagnostics["gain_over_linear"] == method.member.start.gain > 2
    assert "held_out calm" not in fit.diagnostics


def test_the_default_network_is_narrower_the_more_columns_there_are_and_deeper_with_rows():
    assert [bm.hidden_units(500, n) for n in (1, 10, 2000)] == [(50,), (33,), (10,)]
    assert [bm.hidden_units(5000, n) for n in (1, 10, 2000)] == [(24, 24), (20, 20), (10, 10)]
    assert len(bm.hidden_units(650, 3)) == 1
    assert len(bm.hidden_units(651, 3)) == 2


def test_an_ensemble_stops_growing_where_rows_held_out_are_told_no_better(wave, monkeypatch):
    many = bm.Ensemble(8, bm.MAP(bm.LBFGS(max_iterations=50)), held_out=0.2, threads=1)
    fit = fitted(wave, many)
    few = fit.idata["posterior"].sizes["chain"]
    assert few < 8
    assert f"{few} of at most 8 were learned" in fit.explanation
    monkeypatch.setattr("bayesml.inference.growth.HeldOut.still_gains", lambda *_: True)
    assert fitted(wave, many).idata["posterior"].sizes["chain"] == 8


def test_rows_held_out_judge_the_mixture(rng):
    """By the definition of (M34), of members whose densities are stated."""

    def member(densities):
        prediction = SimpleNamespace(log_prob=lambda y: np.array(densities))
        return SimpleNamespace(posterior=SimpleNamespace(predict=lambda X: prediction))

    held = HeldOut(np.zeros((3, 1)), np.zeros(3), np.array([2.0, 0.5, 0.5]))
    one, two = member([0.0, -1.0, -2.0]), member([-1.0, -1.0, -3.0])
    by_hand = np.log((np.exp([0.0, -1.0, -2.0]) + np.exp([-1.0, -1.0, -3.0])) / 2) * held.weights
    np.testing.assert_allclose(held.densities([one, two]), by_hand, rtol=1e-14)
    assert held.still_gains({}, {0: one})
    assert held.still_gains({0: two}, {0: two, 1: one})
    assert not held.still_gains({0: one}, {0: one, 1: two})


def test_members_are_not_held_out_from_rows_that_are_not_there(wave):
    with pytest.raises(bm.DataError, match="leaves no rows to learn from: there are 2"):
        fitted(bm.Data([[0.0], [1.0]], [1.0, 2.0]), bm.Ensemble(2, bm.MAP(), held_out=0.9))
    with pytest.raises(bm.IncompatibleModelError, match="held_out"):
        bm.Ensemble(2, held_out=1.0)
