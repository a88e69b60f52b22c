"""L-BFGS: scipy's path, told truly and taken further (O21), (O22)."""

import numpy as np
from scipy import optimize

from bayesml.optimizers import LBFGS, minimize
from bayesml.optimizers.lbfgs import _rise
from bayesml.optimizers.state import evaluate
from tests.optimizers.problems import Function, Quadratic, Rosenbrock


def test_it_is_scipys_path():
    problem, path = Rosenbrock(), []
    optimize.minimize(
        problem.value_and_gradient,
        problem.start,
        jac=True,
        method="L-BFGS-B",
        callback=path.append,
        options={"maxcor": 5, "maxls": 50},
    )
    stream = LBFGS(memory=5).steps(problem, problem.start)
    np.testing.assert_array_equal(next(stream).x, problem.start)
    for theirs, ours in zip(path[:-1], stream, strict=False):
        np.testing.assert_array_equal(ours.x, theirs)


def test_goes_on_where_values_of_the_objective_no_longer_differ():
    problem = Quadratic(100.0, size=20)
    scipys = optimize.minimize(
        problem.value_and_gradient,
        problem.start,
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 0, "gtol": 0, "maxls": 50},
    )
    optimum = minimize(LBFGS(tolerance=1e-14), problem, problem.start)
    assert np.linalg.norm(scipys.jac) > 1e-10
    assert optimum.converged
    assert optimum.gradient_norm < 1e-13


def test_the_rise_between_two_states_is_that_of_the_objective():
    problem = Quadratic(100.0)
    rng = np.random.default_rng(1)
    here, there = (evaluate(problem, rng.normal(size=8)) for _ in range(2))
    np.testing.assert_allclose(_rise(here, there), there.value - here.value, rtol=1e-12)


def test_turns_back_where_the_objective_is_not_defined():
    # The first trial step has length one and leaves x < 1 in both coordinates.
    barrier = Function(
        lambda x: -np.sum(np.log(1 - x)) - 3 * x.sum() if np.all(x < 1) else np.nan,
        lambda x: 1 / (1 - x) - 3 if np.all(x < 1) else np.full_like(x, np.nan),
    )
    optimum = minimize(LBFGS(), barrier, [0.5, 0.5])
    assert optimum.converged
    np.testing.assert_allclose(optimum.x, 2 / 3, rtol=1e-9)
    assert np.all(np.isfinite(optimum.loss_curve))


def test_max_iterations_is_kept():
    problem = Rosenbrock()
    optimum = minimize(LBFGS(max_iterations=5), problem, problem.start)
    assert optimum.iterations == 5
    assert not optimum.converged
    assert "5 iterations, the most allowed" in optimum.reason
