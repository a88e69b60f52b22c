"""Gradient descent against its closed form (O2)–(O8)."""

from itertools import pairwise

import numpy as np
import pytest

from bayesml.errors import ConvergenceError
from bayesml.optimizers import GradientDescent, minimize
from bayesml.optimizers.line_search import decreases
from bayesml.optimizers.state import State
from tests.optimizers.problems import Function, LeastSquares, Quadratic, Rosenbrock


def test_one_step_is_the_formula_of_the_textbook():
    problem, alpha = LeastSquares(), 0.1
    X, y = problem.data
    theta = np.linspace(-1, 1, 5)
    by_hand = theta - alpha * X.T @ (X @ theta - y) / len(y)
    stream = GradientDescent(learning_rate=alpha).steps(problem, theta)
    np.testing.assert_array_equal(next(stream).x, theta)
    np.testing.assert_allclose(next(stream).x, by_hand, rtol=1e-14)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.9])
def test_fixed_rate_is_the_closed_form(alpha):
    problem = Quadratic(20.0)
    shrink = np.eye(problem.size) - alpha * problem.H
    stream = GradientDescent(learning_rate=alpha).steps(problem, problem.start)
    for k, state in zip(range(60), stream, strict=False):
        error = np.linalg.matrix_power(shrink, k) @ (problem.start - problem.minimum)
        np.testing.assert_allclose(state.x, problem.minimum + error, rtol=0, atol=1e-13)


def test_fixed_rate_within_the_bound_descends():
    problem = Quadratic(20.0)
    optimum = minimize(GradientDescent(learning_rate=1.99), problem, problem.start)
    assert optimum.converged
    assert np.all(np.diff(optimum.loss_curve) <= 1e-15)


def test_rate_of_convergence_is_that_of_the_condition_number():
    problem = Quadratic(50.0, offset=0.0)
    best = 2 / (1 + 1 / 50)
    optimum = minimize(GradientDescent(learning_rate=best), problem, problem.start)
    rates = np.sqrt(optimum.loss_curve[201:] / optimum.loss_curve[200:-1])
    np.testing.assert_allclose(rates, 49 / 51, rtol=1e-6)


def test_a_rate_above_the_bound_is_an_error_with_the_remedy():
    problem = Quadratic(20.0)
    with pytest.raises(ConvergenceError) as error:
        minimize(GradientDescent(learning_rate=2.5), problem, problem.start)
    message = str(error.value)
    assert "GradientDescent(learning_rate=2.5" in message
    assert "diverged at step" in message
    assert "curvature along the last step is 1" in message
    assert "learning_rate < 2, not 2.5" in message
    assert "learning_rate=None" in message


def test_a_step_into_nowhere_is_an_error_with_the_remedy():
    barrier = Function(lambda x: -np.sum(np.log(1 - x)) - 3 * x.sum(), lambda x: 1 / (1 - x) - 3)
    with pytest.raises(ConvergenceError, match=r"step 1: .*nan.* learning_rate < 5"):
        minimize(GradientDescent(learning_rate=5.0), barrier, [0.0])


def test_line_search_crosses_no_wall():
    barrier = Function(lambda x: -np.sum(np.log(1 - x)) - 3 * x.sum(), lambda x: 1 / (1 - x) - 3)
    optimum = minimize(GradientDescent(), barrier, [0.0])
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 2 / 3, rtol=1e-10)


def test_line_search_steps_grow_again():
    problem = Rosenbrock()
    stream = GradientDescent().steps(problem, problem.start)
    states = [state for state, _ in zip(stream, range(60), strict=False)]
    lengths = [np.linalg.norm(b.x - a.x) / np.linalg.norm(a.gradient) for a, b in pairwise(states)]
    assert np.any(np.diff(lengths) > 0)
    assert max(lengths) > 10 * min(lengths)


def test_line_search_sees_below_the_rounding_of_the_objective():
    # J is 1e6 with a rounding of 1e-10, which hides steps from gradients below 1e-5.
    problem = Quadratic(30.0, offset=1e6)
    optimum = minimize(GradientDescent(tolerance=1e-16), problem, problem.start)
    assert optimum.converged
    assert optimum.gradient_norm < 1e-8


def test_decrease_is_armijo_where_values_tell_and_slopes_where_not():
    def at(x, value, slope):
        return State(np.array([x]), value, np.array([slope]))

    here = at(0.0, 1.0, -1.0)
    assert decreases(here, at(0.5, 0.9, -0.1))
    assert not decreases(here, at(0.5, 1.0 - 0.4e-4, -0.1))  # c₁ asks for 0.5e-4
    assert not decreases(here, at(-0.5, 0.9, -0.1))  # uphill
    assert not decreases(here, at(0.5, np.nan, np.nan))
    tiny = at(0.0, 1.0, -1e-12)
    assert decreases(tiny, at(1e-12, 1.0, 0.5e-12))
    assert not decreases(tiny, at(1e-12, 1.0, 1.5e-12))  # past the far side
