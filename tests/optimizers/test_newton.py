"""Newton's method: exact on parabolas, safe elsewhere, down to rounding (O19), (O20)."""

from itertools import islice, pairwise

import numpy as np
import pytest

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.optimizers import Newton, minimize
from tests.optimizers.problems import (
    LeastSquares,
    Logistic,
    Quadratic,
    Rosenbrock,
    StudentT,
    Valued,
)


@pytest.mark.parametrize("condition", [1.0, 100.0, 1e4])
def test_a_parabola_takes_one_step(condition):
    problem = Quadratic(condition)
    stream = Newton().steps(problem, problem.start)
    next(stream)
    state = next(stream)
    by_hand = np.linalg.solve(problem.H, problem.H @ problem.minimum)
    np.testing.assert_allclose(state.x, by_hand, rtol=1e-15 * 100 * condition)
    assert np.linalg.norm(state.gradient) < 1e-14


@pytest.mark.parametrize("problem", [Logistic(), StudentT(), Rosenbrock(), LeastSquares()])
def test_the_gradient_ends_at_rounding(problem):
    optimum = minimize(Newton(tolerance=1e-300), problem, problem.start)
    assert optimum.converged
    assert optimum.gradient_norm < 1e-15 * 20
    assert optimum.iterations < 30


@pytest.mark.parametrize("problem", [LeastSquares(), Quadratic(1e4, size=50)])
def test_it_ends_where_rounding_stops_the_gradient_from_halving(problem):
    states = [*islice(Newton().steps(problem, problem.start), 10)]
    norms = [np.linalg.norm(state.gradient) for state in states]
    assert len(states) < 10
    assert all(b < 0.5 * a for a, b in pairwise(norms))


def test_errors_square_near_the_minimum():
    problem = Logistic()
    states = [*Newton().steps(problem, problem.start)]
    errors = [np.linalg.norm(state.x - problem.minimum) for state in states]
    late = [(a, b) for a, b in pairwise(errors) if 1e-7 < a < 1e-1]
    assert late
    assert all(b < a**2 for a, b in late)


class DoubleWell(Valued):
    """(x² − 1)² / 4 + y² / 2: a saddle at the origin, minima at (±1, 0)."""

    def value_and_gradient(self, x):
        well = x[0] ** 2 - 1
        return 0.25 * well**2 + 0.5 * x[1] ** 2, np.array([x[0] * well, x[1]])

    def hessian(self, x):
        return np.diag([3 * x[0] ** 2 - 1, 1.0])


@pytest.mark.parametrize("start", [(0.01, 1.0), (-0.3, 0.2), (0.57735, 1.0), (5.0, 5.0)])
def test_negative_and_vanishing_curvature_are_damped(start):
    optimum = minimize(Newton(), DoubleWell(), start)
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, [np.sign(start[0]), 0], atol=1e-14)
    assert np.all(np.diff(optimum.loss_curve) <= 0)


def test_steps_that_leave_the_domain_are_damped():
    class Barrier(Valued):
        def value_and_gradient(self, x):
            return float(np.sum(x - np.log(x))), 1 - 1 / x

        def hessian(self, x):
            return np.diag(1 / x**2)

    optimum = minimize(Newton(), Barrier(), [50.0, 0.01])
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 1, rtol=1e-14)


def test_no_hessian_is_an_error_that_names_lbfgs():
    class Plain:
        def value_and_gradient(self, x):
            return 0.0, x

    with pytest.raises(IncompatibleModelError, match=r"Plain has no hessian\(x\)\. Use LBFGS"):
        minimize(Newton(), Plain(), [1.0])


def test_a_hessian_of_nan_is_an_error():
    class Broken(DoubleWell):
        def hessian(self, x):
            return np.full((2, 2), np.nan)

    with pytest.raises(ConvergenceError, match="Hessian is not finite"):
        minimize(Newton(), Broken(), [2.0, 1.0])


def test_a_hessian_that_is_kept_leads_to_the_same_minimum_by_fewer_of_them() -> None:
    class Counted(Logistic):
        hessians = 0

        def hessian(self, x: np.ndarray) -> np.ndarray:
            self.hessians += 1
            return super().hessian(x)

    fresh, kept = Counted(), Counted()
    one = minimize(Newton(), fresh, fresh.start)
    other = minimize(Newton(reuse=0.1), kept, kept.start)
    np.testing.assert_allclose(other.x, one.x, atol=1e-12)
    assert other.converged
    assert kept.hessians < fresh.hessians


def test_a_kept_hessian_explains_what_the_gradient_did() -> None:
    """Of a quadratic whose Hessian is misstated, a few corrected steps find the true one."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    true = root @ root.T + np.eye(4)

    class Misstated:
        hessians = 0

        def value(self, x: np.ndarray) -> float:
            return self.value_and_gradient(x)[0]

        def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
            return 0.5 * float(x @ true @ x), true @ x

        def hessian(self, x: np.ndarray) -> np.ndarray:
            self.hessians += 1
            return 1.05 * true + 0.05 * np.diag([1.0, 0.0, 2.0, 0.0])

    problem = Misstated()
    optimum = minimize(Newton(reuse=0.5), problem, rng.normal(size=4))
    assert optimum.converged
    assert problem.hessians == 1
    assert optimum.iterations <= 9  # without corrections they are fourteen
