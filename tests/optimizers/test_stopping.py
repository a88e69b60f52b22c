"""The one rule that ends a run (O23), (O24), and the errors that do."""

from itertools import islice, takewhile

import numpy as np
import pytest

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.optimizers import (
    LBFGS,
    SGD,
    Adam,
    AdamW,
    GradientDescent,
    LevenbergMarquardt,
    Momentum,
    Newton,
    NormalEquation,
    Optimizer,
    State,
    Stopping,
    Traits,
    minimize,
)
from tests.optimizers.problems import ByIndex, Function, LeastSquares, Quadratic, Valued

ALL = [GradientDescent(), Momentum(), Adam(), LBFGS(), Newton(), SGD()]


def states(*pairs):
    return [State(np.array([1.0]), value, np.array([slope])) for value, slope in pairs]


def follow(*pairs, tolerance=1e-3, max_iterations=100, **options):
    return Stopping("Walk()", tolerance, max_iterations, **options).follow(states(*pairs))


@pytest.mark.parametrize(
    ("value", "slope", "converged"),
    [
        (0.1, 0.9e-3, True),
        (0.1, 1.1e-3, False),
        (50.0, 49e-3, True),  # relative to a large J …
        (50.0, 51e-3, False),
        (-1e9, 1.0, False),  # … but not to one that has fallen far below the start
        (-1e9, 99e-3, True),
    ],
)
def test_a_gradient_is_small_relative_to_the_objective(value, slope, converged):
    optimum = follow((100.0, 10.0), (value, slope))
    assert optimum.converged is converged
    assert f"{abs(slope):.1e}" in optimum.reason


def test_it_stops_at_the_first_state_that_will_do():
    optimum = follow((1.0, 1.0), (0.5, 1e-4), (0.4, 0.0))
    assert optimum.iterations == 1
    assert optimum.value == 0.5


def test_tolerance_cannot_ask_for_more_than_the_precision_of_the_coordinates():
    single = State(np.ones(1, np.float32), 1.0, np.full(1, 1e-6, np.float32))
    double = State(np.ones(1), 1.0, np.full(1, 1e-6))
    rule = Stopping("Walk()", 1e-10, 5)
    assert rule.follow([single]).reason.startswith("the gradient vanished")
    assert not rule.follow([double]).converged


def test_a_stream_that_ends_by_itself_is_judged_by_rounding():
    assert follow((1.0, 1.0), (0.5, 1e-9), tolerance=1e-10).converged
    optimum = follow((1.0, 1.0), (0.5, 1e-7), tolerance=1e-10)
    assert not optimum.converged
    assert optimum.reason.startswith("the steps ended")


@pytest.mark.parametrize("optimizer", [GradientDescent(), Momentum(), Adam(), LBFGS()])
def test_too_few_iterations_are_not_convergence(optimizer):
    few = type(optimizer)(max_iterations=3)
    problem = Quadratic(1e4)
    optimum = minimize(few, problem, problem.start)
    assert not optimum.converged
    assert optimum.iterations == 3
    assert optimum.loss_curve.shape == (4,)
    assert "3" in optimum.reason
    assert f"{optimum.gradient_norm:.1e}" in optimum.reason


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_divergence(bad):
    with pytest.raises(ConvergenceError, match=r"Walk\(\) diverged at step 1.*bounded below"):
        follow((1.0, 1.0), (bad, 1.0))
    with pytest.raises(ConvergenceError, match="diverged at step 1"):
        follow((1.0, 1.0), (1.0, bad))
    with pytest.raises(ConvergenceError, match=r"at the start.*Start where both are finite"):
        follow((bad, 1.0))


def test_a_detour_uphill_is_allowed_and_a_climb_is_not():
    assert not follow((1.0, 1.0), (900.0, 1.0)).converged
    with pytest.raises(ConvergenceError, match="from 1 at the start to 1 and 1002"):
        follow((1.0, 1.0), (1002.0, 1.0))
    assert not follow((1e6, 1e5), (1e8, 1e5)).converged


@pytest.mark.parametrize(
    "optimizer", [*ALL[:3], LBFGS(max_iterations=200), *ALL[4:]], ids=lambda o: type(o).__name__
)
def test_an_objective_without_a_minimum_is_never_an_optimum(optimizer):
    class Slope(ByIndex):
        rows = 64

        def estimate(self, x, rows):
            return float(x.sum()), np.ones_like(x)

        def hessian(self, x):
            return np.zeros((2, 2))

    try:
        optimum = minimize(optimizer, Slope(), [1.0, 1.0], rng=np.random.default_rng(1))
    except ConvergenceError as error:
        said = str(error)
    else:
        said = "" if optimum.converged else "bounded below"
    assert "bounded below" in said


@pytest.mark.parametrize("optimizer", ALL, ids=lambda o: type(o).__name__)
def test_a_start_where_nothing_is_defined_is_an_error(optimizer):
    nowhere = LeastSquares()

    class Nowhere(Valued):
        rows = nowhere.rows
        minibatches = nowhere.minibatches
        hessian = nowhere.hessian

        def value_and_gradient(self, x):
            return np.nan, x * np.nan

    with pytest.raises(ConvergenceError, match="at the start"):
        minimize(optimizer, Nowhere(), np.zeros(5), rng=np.random.default_rng(1))


@pytest.mark.parametrize("optimizer", ALL, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ([0.0, np.nan], r"start\[1\] = nan"),
        (np.zeros((2, 2)), r"shape \(2, 2\)"),
        ([], r"shape \(0,\)"),
        (["a", "b"], "dtype <U1"),
        ([1j, 2j], "dtype complex128"),
    ],
)
def test_a_start_that_is_no_vector_of_numbers_is_an_error(optimizer, start, said):
    with pytest.raises(IncompatibleModelError, match=said):
        minimize(optimizer, LeastSquares(size=2), start, rng=np.random.default_rng(1))


def test_what_watches_a_run_stands_between_the_steps_and_the_rule():
    problem, optimizer, seen = Quadratic(100.0), GradientDescent(learning_rate=1.0), []

    def watch(stream):
        for state in stream:
            seen.append(state.value)
            yield state

    optimum = optimizer.stopping.follow(watch(optimizer.steps(problem, problem.start)))
    np.testing.assert_array_equal(seen, optimum.loss_curve)
    early = takewhile(lambda state: state.value > 1.1, optimizer.steps(problem, problem.start))
    stopped = optimizer.stopping.follow(early)
    assert not stopped.converged
    assert stopped.value > 1.1


def test_an_empty_stream_is_an_error():
    with pytest.raises(ConvergenceError, match="no states"):
        follow()


@pytest.mark.parametrize(
    ("optimizer", "traits"),
    [
        *((o, Traits()) for o in (LBFGS(), Newton(), NormalEquation(), LevenbergMarquardt())),
        *((kind(), Traits()) for kind in (GradientDescent, Momentum)),
        *((kind(0.1), Traits(coordinatewise=True)) for kind in (GradientDescent, Momentum, Adam)),
        (Adam(batch_size=8), Traits(minibatches=True, coordinatewise=True)),
        (SGD(), Traits(minibatches=True, coordinatewise=True)),
        (AdamW(), Traits(coordinatewise=True, decays=True)),
        (AdamW(0.1, Adam(batch_size=8)), Traits(True, True, True)),
    ],
    ids=repr,
)
def test_every_optimizer_says_what_sets_it_apart(optimizer: Optimizer, traits):
    assert optimizer.traits == traits


@pytest.mark.parametrize("optimizer", [GradientDescent(0.3), Momentum(0.3), Adam(0.1), AdamW()])
def test_coordinatewise_steps_of_two_problems_end_to_end_are_the_steps_of_each(optimizer):
    one, two = Quadratic(10.0, seed=1), Quadratic(10.0, seed=3)

    class Both(Valued):
        def value_and_gradient(self, x):
            (a, da), (b, db) = one.value_and_gradient(x[:8]), two.value_and_gradient(x[8:])
            return a + b, np.append(da, db)

    assert optimizer.traits.coordinatewise
    streams = (optimizer.steps(p, np.ones(n)) for p, n in ((one, 8), (two, 8), (Both(), 16)))
    for first, second, both in islice(zip(*streams, strict=True), 20):
        np.testing.assert_allclose(both.x, np.append(first.x, second.x), rtol=1e-12)


def test_overflow_on_the_way_to_divergence_warns_of_nothing():
    cliff = Function(lambda x: -np.sum(np.exp(x)), lambda x: -np.exp(x))
    with pytest.raises(ConvergenceError, match="diverged at step"):
        minimize(GradientDescent(learning_rate=1.0), cliff, [1.0])
