"""Heavy ball and Nesterov against their recursions and bounds (O9)–(O12)."""

import numpy as np
import pytest

from bayesml.errors import ConvergenceError
from bayesml.optimizers import GradientDescent, Momentum, minimize
from bayesml.optimizers.curvature import largest, secant
from bayesml.optimizers.state import evaluate
from tests.optimizers.problems import Quadratic


def stability(beta, nesterov):
    return 2 * (1 + beta) / (1 + 2 * beta if nesterov else 1)


def test_heavy_ball_is_polyaks_recursion():
    problem, alpha, beta = Quadratic(30.0), 0.7, 0.8
    x = before = problem.start
    stream = Momentum(learning_rate=alpha, momentum=beta).steps(problem, problem.start)
    for state, _ in zip(stream, range(50), strict=False):
        np.testing.assert_allclose(state.x, x, atol=1e-13)
        x, before = x - alpha * problem.value_and_gradient(x)[1] + beta * (x - before), x


def test_nesterov_takes_the_gradient_ahead():
    # In the classical variables: y = x + β v, v⁺ = β v − α ∇J(y), x⁺ = x + v⁺; states are the y.
    problem, alpha, beta = Quadratic(30.0), 0.7, 0.8
    x, v = problem.start, np.zeros(problem.size)
    stream = Momentum(learning_rate=alpha, momentum=beta, nesterov=True).steps(problem, x)
    for state, _ in zip(stream, range(50), strict=False):
        ahead = x + beta * v
        np.testing.assert_allclose(state.x, ahead, atol=1e-13)
        v = beta * v - alpha * problem.value_and_gradient(ahead)[1]
        x = x + v


def test_without_momentum_it_is_gradient_descent():
    problem = Quadratic(30.0)
    still = minimize(Momentum(learning_rate=0.7, momentum=0), problem, problem.start)
    descent = minimize(GradientDescent(learning_rate=0.7), problem, problem.start)
    np.testing.assert_allclose(still.loss_curve, descent.loss_curve, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_the_bound_on_the_rate_is_sharp(beta, nesterov):
    problem, bound = Quadratic(4.0), stability(beta, nesterov)
    below = Momentum(learning_rate=0.98 * bound, momentum=beta, nesterov=nesterov)
    assert minimize(below, problem, problem.start).converged
    above = Momentum(learning_rate=1.05 * bound, momentum=beta, nesterov=nesterov)
    with pytest.raises(ConvergenceError, match=f"learning_rate < {bound:.3g}, not"):
        minimize(above, problem, problem.start)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_default_rate_converges_on_any_convex_quadratic(scale, beta, nesterov):
    problem = Quadratic(100.0)

    class Scaled:
        def value_and_gradient(self, x):
            value, gradient = problem.value_and_gradient(x)
            return scale * value, scale * gradient

    optimum = minimize(Momentum(momentum=beta, nesterov=nesterov), Scaled(), problem.start)
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, problem.minimum, atol=1.1e-8 / min(scale, 1))


def test_a_start_blind_to_the_steepest_curvature_is_cured_on_the_way():
    # The start differs from the minimum along the flattest direction, and only by rounding along
    # the steepest: the first curvature met is 1e4 too small.
    curvature = np.array([1e-4, 1.0])

    class Blind:
        def value_and_gradient(self, x):
            return 0.5 * float(x @ (curvature * x)), curvature * x

    optimum = minimize(Momentum(), Blind(), [1.0, 1e-14])
    assert optimum.converged
    assert np.abs(optimum.x).max() < 1.1e-6


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_the_rate_in_a_flat_valley_is_the_larger_root(beta):
    problem = Quadratic(1000.0, offset=0.0)
    root = np.max(np.abs(np.roots([1, -(1 + beta - 1e-3), beta])))
    assert 1 - root == pytest.approx(1e-3 / (1 - beta), rel=0.15)
    ball = minimize(Momentum(learning_rate=1.0, momentum=beta), problem, problem.start)
    tail = np.sqrt(ball.loss_curve[-100:])
    np.testing.assert_allclose(tail[1:] / tail[:-1], root, rtol=1e-5)


def test_secants_bound_the_curvature_and_ignore_rounding():
    problem = Quadratic(100.0)
    rng = np.random.default_rng(1)
    here = evaluate(problem, rng.normal(size=8))
    for _ in range(20):
        assert 0.01 <= secant(here, evaluate(problem, rng.normal(size=8))) <= 1 + 1e-12
    assert secant(here, evaluate(problem, here.x + 1e-12)) == 0


def test_power_method_finds_the_largest_curvature():
    problem = Quadratic(100.0)
    gradient = largest(lambda x: problem.value_and_gradient(x)[1], problem.start, iterations=50)
    assert gradient == pytest.approx(1.0, rel=1e-6)
