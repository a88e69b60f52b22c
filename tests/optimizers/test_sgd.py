"""Stochastic gradient descent: what it reaches, how closely, and what it draws (O13)–(O17)."""

import numpy as np
import pytest

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.optimizers import SGD, Constant, Cosine, InverseTime, Momentum, minimize
from bayesml.optimizers.batches import batches
from tests.optimizers.problems import ByIndex, LeastSquares, Logistic, Quadratic


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_pass_draws_every_row_once():
    for rows, size in ((10, 3), (10, 10), (10, 99), (7, 1), (1000, 32)):
        pieces = batches(rows, size, rng())
        np.testing.assert_array_equal(np.sort(np.concatenate(pieces)), np.arange(rows))
        sizes = [len(piece) for piece in pieces]
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1
    assert not np.array_equal(np.concatenate(batches(50, 5, rng())), np.arange(50))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("schedule", [Constant(), Cosine(), InverseTime(0.03, 0.75)], ids=repr)
def test_comes_as_close_to_least_squares_as_theory_says(schedule, momentum, correlation):
    # (O17): 1.5/√epochs standard errors, root mean square, with replacement. Without, less; the
    # factor 2 is beyond three standard deviations of a root mean square over five coordinates.
    problem, epochs = LeastSquares(correlation=correlation), 400
    sgd = SGD(schedule=schedule, momentum=momentum, epochs=epochs, tolerance=1e-12)
    optimum = minimize(sgd, problem, problem.start, rng=rng())
    assert problem.standard_errors(optimum.x) < 2 * 1.5 / np.sqrt(epochs)


@pytest.mark.parametrize("problem", [LeastSquares(), LeastSquares(correlation=0.9), Logistic()])
def test_the_default_converges(problem):
    optimum = minimize(SGD(), problem, problem.start, rng=rng())
    assert optimum.converged, optimum.reason
    least = np.linalg.eigvalsh(problem.hessian(problem.minimum))[0]
    assert np.linalg.norm(optimum.x - problem.minimum) <= 1.05 * 1e-4 / least


def test_averaging_is_closer_than_the_last_step_at_a_constant_rate():
    problem = LeastSquares()

    def distance(average):
        sgd = SGD(schedule=Constant(), average=average, epochs=50, tolerance=1e-12)
        ends = [minimize(sgd, problem, problem.start, rng=rng(seed)).x for seed in range(5)]
        return np.mean([problem.standard_errors(x) for x in ends])

    assert distance(average=True) < 0.1 * distance(average=False)


def test_the_last_step_rests_when_the_rates_meet_robbins_and_monro():
    problem = LeastSquares()
    sgd = SGD(schedule=InverseTime(1.0, 1.0), average=False, epochs=400, tolerance=1e-12)
    optimum = minimize(sgd, problem, problem.start, rng=rng())
    assert problem.standard_errors(optimum.x) < 0.05


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_batch_of_everything_is_gradient_descent(momentum):
    problem = LeastSquares(rows=50)
    sgd = SGD(
        learning_rate=0.3,
        momentum=momentum,
        batch_size=50,
        schedule=Constant(),
        average=False,
        epochs=40,
    )
    ball = Momentum(learning_rate=0.3, momentum=momentum, max_iterations=40)
    np.testing.assert_allclose(
        minimize(sgd, problem, problem.start, rng=rng()).x,
        minimize(ball, problem, problem.start).x,
        atol=1e-4,
    )
    streams = (o.steps(problem, problem.start, rng=rng()) for o in (sgd, ball))
    for _, a, b in zip(range(40), *streams, strict=False):
        np.testing.assert_allclose(a.x, b.x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_default_rate_is_half_the_inverse_curvature(momentum):
    problem = LeastSquares(rows=50)
    sgd = SGD(momentum=momentum, batch_size=50, average=False)
    stream = sgd.steps(problem, problem.start, rng=rng())
    start, state = next(stream), next(stream)
    curvature = np.linalg.eigvalsh(problem.hessian(problem.start))[-1]
    rate = (1 - momentum) / (2 * curvature)
    np.testing.assert_allclose(state.x, start.x - rate * start.gradient, rtol=0.05)


def test_average_weights_steps_by_the_cube_of_their_number():
    problem = LeastSquares(rows=50)
    options = {"learning_rate": 0.3, "batch_size": 50, "schedule": Constant()}
    last = SGD(**options, average=False).steps(problem, problem.start, rng=rng())
    mean = SGD(**options, average=True).steps(problem, problem.start, rng=rng())
    steps = np.array([state.x for state, _ in zip(last, range(31), strict=False)])[1:]
    averages = [state.x for state, _ in zip(mean, range(31), strict=False)]
    t = np.arange(1.0, 31)
    weights = t * (t + 1) * (t + 2)  # ∝ the product of (O16), t³ for large t
    np.testing.assert_allclose(averages[-1], weights @ steps / weights.sum(), rtol=1e-9)


def test_the_rng_decides_everything():
    problem = LeastSquares()
    sgd = SGD(epochs=5)
    first, again, other = (
        minimize(sgd, problem, problem.start, rng=rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.loss_curve, again.loss_curve)
    assert not np.array_equal(first.x, other.x)


def test_loss_curve_is_that_of_all_rows_each_epoch():
    problem = LeastSquares()
    optimum = minimize(SGD(epochs=7, tolerance=1e-12), problem, problem.start, rng=rng())
    assert optimum.loss_curve.shape == (8,)
    assert optimum.loss_curve[0] == problem.value(problem.start)
    assert optimum.loss_curve[-1] == problem.value(optimum.x)
    assert not optimum.converged
    assert "7 iterations, the most allowed" in optimum.reason


def test_the_default_rate_follows_the_scale_of_the_objective():
    problem = LeastSquares()

    class Scaled(ByIndex):
        rows = problem.rows

        def estimate(self, x, rows):
            value, gradient = problem.estimate(x, rows)
            return 1e5 * value, 1e5 * gradient

    # Sums over rows are not the contract, but they do not diverge.
    plain = minimize(SGD(epochs=20), problem, problem.start, rng=rng())
    scaled = minimize(SGD(epochs=20), Scaled(), problem.start, rng=rng())
    np.testing.assert_allclose(plain.x, scaled.x, atol=1e-3)


def test_a_valley_too_flat_to_walk_is_not_called_converged():
    problem = LeastSquares(correlation=0.999)
    optimum = minimize(SGD(epochs=20), problem, problem.start, rng=rng())
    assert not optimum.converged


def test_divergence_names_the_epoch_and_the_rate():
    problem = LeastSquares()
    with pytest.raises(ConvergenceError, match=r"SGD\(learning_rate=3.*diverged at step 1.*None"):
        minimize(SGD(learning_rate=3.0), problem, problem.start, rng=rng())


def test_it_needs_rows():
    with pytest.raises(IncompatibleModelError, match=r"SGD.*Quadratic has no rows.*LBFGS"):
        minimize(SGD(), Quadratic(1.0), np.zeros(8), rng=rng())
