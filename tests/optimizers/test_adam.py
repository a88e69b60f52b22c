"""Adam against algorithm 1 of Kingma & Ba, and at rest (O18)."""

import numpy as np
import pytest

from bayesml.errors import IncompatibleModelError
from bayesml.optimizers import Adam, Constant, Cosine, minimize
from tests.optimizers.problems import LeastSquares, Quadratic


def algorithm_1(gradient, theta, alpha, beta1, beta2, epsilon):
    m = v = np.zeros_like(theta)
    t = 0
    while True:
        yield theta
        t += 1
        g = gradient(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        theta = theta - alpha * m_hat / (np.sqrt(v_hat) + epsilon)


def test_it_is_algorithm_1():
    problem = Quadratic(30.0)
    adam = Adam(learning_rate=0.05, beta1=0.8, beta2=0.95, epsilon=1e-3, schedule=Constant())
    by_hand = algorithm_1(
        lambda x: problem.value_and_gradient(x)[1], problem.start, 0.05, 0.8, 0.95, 1e-3
    )
    # At rest α/ε is far above what is stable, and rounding grows: the way there is compared.
    for _, state, theta in zip(
        range(60), adam.steps(problem, problem.start), by_hand, strict=False
    ):
        np.testing.assert_allclose(state.x, theta, rtol=1e-10)


def test_first_step_is_the_rate_in_every_coordinate():
    problem = Quadratic(1e4)
    stream = Adam(learning_rate=0.1).steps(problem, problem.start)
    start = next(stream)
    np.testing.assert_allclose(next(stream).x, -0.1 * np.sign(start.gradient), rtol=1e-4)


def test_scaling_the_objective_changes_nothing():
    problem = Quadratic(30.0)

    class Scaled:
        def value_and_gradient(self, x):
            value, gradient = problem.value_and_gradient(x)
            return 1e6 * value, 1e6 * gradient

    adam = Adam(epsilon=1e-30)
    streams = (adam.steps(p, problem.start) for p in (problem, Scaled()))
    for _, plain, scaled in zip(range(200), *streams, strict=False):
        np.testing.assert_allclose(plain.x, scaled.x, rtol=1e-9)


def test_the_schedule_brings_it_to_rest_where_a_constant_rate_does_not():
    # Mean squares with a short memory keep the steps at α: only the schedule ends them.
    problem = Quadratic(100.0)
    restless = {"learning_rate": 0.1, "beta2": 0.9, "max_iterations": 5000}
    constant = minimize(Adam(**restless, schedule=Constant()), problem, problem.start)
    resting = minimize(Adam(**restless, schedule=Cosine()), problem, problem.start)
    assert not constant.converged
    assert resting.gradient_norm < 1e-3 * constant.gradient_norm


def test_minibatches_reach_least_squares():
    problem = LeastSquares()
    adam = Adam(batch_size=32, max_iterations=200)
    optimum = minimize(adam, problem, problem.start, rng=np.random.default_rng(1))
    assert optimum.iterations <= 200
    assert problem.standard_errors(optimum.x) < 0.1
    again = minimize(adam, problem, problem.start, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(optimum.loss_curve, again.loss_curve)
    other = minimize(adam, problem, problem.start, rng=np.random.default_rng(2))
    assert not np.array_equal(optimum.x, other.x)


def test_a_minibatch_of_everything_is_full_batch():
    problem = LeastSquares(rows=50)
    whole = Adam(max_iterations=30, schedule=Constant())
    parts = Adam(max_iterations=30, schedule=Constant(), batch_size=50)
    np.testing.assert_allclose(
        minimize(parts, problem, problem.start, rng=np.random.default_rng(1)).x,
        minimize(whole, problem, problem.start).x,
        rtol=1e-10,
    )


def test_minibatches_need_rows_and_rng():
    with pytest.raises(IncompatibleModelError, match=r"batch_size=8.*needs rng.*got None"):
        minimize(Adam(batch_size=8), LeastSquares(), np.zeros(5))
    with pytest.raises(IncompatibleModelError, match=r"Quadratic has no rows.*LBFGS"):
        minimize(Adam(batch_size=8), Quadratic(1.0), np.zeros(8), rng=np.random.default_rng(1))
