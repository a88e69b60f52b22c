"""Every optimizer finds every known minimum; its loss curve tells the story truly."""

import numpy as np
import pytest

from bayesml.optimizers import LBFGS, SGD, Adam, GradientDescent, Momentum, Newton, minimize
from tests.optimizers.problems import (
    ByIndex,
    LeastSquares,
    Logistic,
    Quadratic,
    Rosenbrock,
    StudentT,
)

OPTIMIZERS = [
    GradientDescent(),
    Momentum(),
    Momentum(nesterov=True),
    Adam(),
    LBFGS(),
    Newton(),
]
PROBLEMS = [
    *(Quadratic(condition) for condition in (1.0, 10.0, 100.0, 1e4)),
    Quadratic(100.0, size=50, offset=-3.0),
    Rosenbrock(),
    Logistic(),
    StudentT(),
    LeastSquares(correlation=0.9),
]
DESCENDING = (GradientDescent, LBFGS, Newton)


def name(value):
    return repr(value).split("(")[0] + str(getattr(value, "condition", ""))


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
def test_problems_are_what_they_say(problem):
    x = problem.start + 0.1
    h, (_, gradient) = 1e-6, problem.value_and_gradient(x)
    for e, slope, bend in zip(np.eye(len(x)), gradient, problem.hessian(x), strict=True):
        above, below = x + h * e, x - h * e
        assert (problem.value(above) - problem.value(below)) / (2 * h) == pytest.approx(
            slope, rel=1e-5, abs=1e-8
        )
        turned = problem.value_and_gradient(above)[1] - problem.value_and_gradient(below)[1]
        np.testing.assert_allclose(turned / (2 * h), bend, rtol=1e-5, atol=1e-7)
    assert np.linalg.norm(problem.value_and_gradient(problem.minimum)[1]) < 2e-15


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_finds_the_minimum(optimizer, problem):
    optimum = minimize(optimizer, problem, problem.start)
    value, gradient = problem.value_and_gradient(optimum.x)

    assert optimum.converged, optimum.reason
    assert optimum.value == value
    assert optimum.gradient_norm == pytest.approx(np.linalg.norm(gradient))
    # (O23): the distance left is the gradient over the least curvature, and a rounding of x.
    scale = max(1.0, min(abs(value), abs(problem.value(problem.start))))
    allowed = max(optimizer.tolerance, 10 * np.finfo(float).eps) * scale
    curvatures = np.linalg.eigvalsh(problem.hessian(problem.minimum))
    rounding = 20 * np.finfo(float).eps * curvatures[-1] / curvatures[0]
    assert np.linalg.norm(optimum.x - problem.minimum) <= 1.01 * allowed / curvatures[0] + rounding


@pytest.mark.parametrize("problem", PROBLEMS, ids=name)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_loss_curve_is_the_objective_along_the_way(optimizer, problem):
    optimum = minimize(optimizer, problem, problem.start)
    assert optimum.loss_curve.shape == (optimum.iterations + 1,)
    assert optimum.loss_curve[0] == problem.value(problem.start)
    assert optimum.loss_curve[-1] == optimum.value
    if isinstance(optimizer, DESCENDING):
        rounding = 1e-14 * np.maximum(1, np.abs(optimum.loss_curve[1:]))
        assert np.all(np.diff(optimum.loss_curve) <= rounding)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, SGD()], ids=name)
def test_states_are_the_objective_and_the_last_is_the_optimum(optimizer):
    problem = LeastSquares(rows=64)
    optimum = minimize(optimizer, problem, problem.start, rng=np.random.default_rng(1))
    stream = optimizer.steps(problem, problem.start, rng=np.random.default_rng(1))
    states = [state for state, _ in zip(stream, optimum.loss_curve, strict=False)]
    for state, loss in zip(states, optimum.loss_curve, strict=True):
        value, gradient = problem.value_and_gradient(state.x)
        assert state.value == value == loss
        np.testing.assert_array_equal(state.gradient, gradient)
    np.testing.assert_array_equal(states[-1].x, optimum.x)


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, SGD(), Adam(batch_size=16)], ids=name)
def test_starting_at_the_minimum_stays_there(optimizer):
    problem = LeastSquares(rows=64)
    optimum = minimize(optimizer, problem, problem.minimum, rng=np.random.default_rng(1))
    assert optimum.converged
    assert optimum.iterations == 0
    np.testing.assert_array_equal(optimum.x, problem.minimum)


@pytest.mark.parametrize(
    "optimizer",
    [
        *OPTIMIZERS,
        GradientDescent(learning_rate=1.0),
        Momentum(learning_rate=0.5),
        SGD(epochs=50),
        Adam(max_iterations=100, batch_size=16),
    ],
    ids=name,
)
def test_float32_stays_float32(optimizer):
    X, y = (a.astype(np.float32) for a in LeastSquares(rows=64).data)

    class Single(ByIndex):
        rows = 64

        def estimate(self, x, rows):
            assert x.dtype == np.float32
            residual = X[rows] @ x - y[rows]
            return float(residual @ residual) / 2 / len(residual), X[rows].T @ residual / len(
                residual
            )

        def hessian(self, x):
            return X.T @ X / np.float32(64)

    start = np.zeros(5, dtype=np.float32)
    optimum = minimize(optimizer, Single(), start, rng=np.random.default_rng(1))
    assert optimum.x.dtype == np.float32
    assert optimum.loss_curve.dtype == np.float64
    np.testing.assert_array_equal(start, 0)
    tolerance = 3e-2 if getattr(optimizer, "batch_size", None) else 1e-5
    np.testing.assert_allclose(optimum.x, LeastSquares(rows=64).minimum, atol=tolerance)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=name)
def test_runs_repeat_to_the_last_bit(optimizer):
    problem = Logistic()
    first, second = (minimize(optimizer, problem, problem.start) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.loss_curve, second.loss_curve)


def test_gradients_in_double_do_not_widen_a_float32_start():
    problem = Quadratic(2.0)
    start = problem.start.astype(np.float32)
    for optimizer in OPTIMIZERS:
        assert minimize(optimizer, problem, start).x.dtype == np.float32
