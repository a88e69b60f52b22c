"""The first- and second-order conditions of closed-form estimates, by differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import bayesml as bm
from bayesml.inference.exact import geometry_of
from bayesml.inference.optimality import (
    ModeCurvature,
    least_squares_optimality,
    mode_curvature,
    mode_gradient,
)
from bayesml.model import Problem
from tests.agreement.problems import made

DATA = made(m=30, n=2)
PRIOR = bm.Independent(bm.Normal(0.5, 2.0), bm.Normal(5.0, 4.0))
KNOWN = bm.Model(bm.Linear(), bm.Gaussian(sigma=2.5), PRIOR)
INFERRED = bm.Model(bm.Linear(), bm.Gaussian(sigma=bm.HalfNormal(3.0)), PRIOR)
CENTRED = np.column_stack([np.ones(DATA.m), DATA.X - DATA.X.mean(axis=0)])


def problem_of(model: bm.Model) -> Problem:
    return model.resolve(DATA)


def estimate(problem: Problem) -> tuple[np.ndarray, float]:
    """β, the intercept at the means, and σ at the mode."""
    learned = bm.MAP().learn(problem, np.random.default_rng(0))
    values = {name: v[0, 0] for name, v in learned.posterior.draws(1, 1, None).items()}
    theta = values["weights"]
    at_mean = values["intercept"] + theta @ DATA.X.mean(axis=0)
    return np.append(at_mean, theta), float(values.get("sigma", 2.5))


def log_posterior(x: np.ndarray, inferred: bool) -> float:
    """Of (β, log σ), by scipy alone."""
    sigma = np.exp(x[3]) if inferred else 2.5
    value = norm(CENTRED @ x[:3], sigma).logpdf(DATA.y).sum()
    value += norm(5.0, 4.0).logpdf(x[0]) + norm(0.5, 2.0).logpdf(x[1:3]).sum()
    return float(value - 0.5 * sigma**2 / 9.0 if inferred else value)


def hessian(x: np.ndarray, inferred: bool) -> np.ndarray:
    h, e = 1e-4, np.eye(len(x))

    def at(*moves: np.ndarray) -> float:
        return -log_posterior(x + h * sum(moves), inferred)

    return np.array([[at(a, b) - at(a, -b) - at(-a, b) + at(-a, -b) for a in e] for b in e]) / (
        4 * h**2
    )


@pytest.mark.parametrize("model", [KNOWN, INFERRED])
def test_the_smallest_curvature_is_that_of_the_density(model: bm.Model) -> None:
    problem, inferred = problem_of(model), model is INFERRED
    beta, sigma = estimate(problem)
    geometry = geometry_of(problem)
    found = mode_curvature(problem, geometry, beta, np.log(sigma / geometry.sigma_0))
    H = hessian(np.append(beta, np.log(sigma)) if inferred else beta, inferred)
    unit = H / np.sqrt(np.outer(np.diag(H), np.diag(H)))
    assert found.smallest == pytest.approx(np.linalg.eigvalsh(unit)[0], rel=1e-4)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(H)[:3, :3], 1e-4, 1e-5)


@pytest.mark.parametrize("model", [KNOWN, INFERRED])
def test_the_gradient_is_that_of_the_density(model: bm.Model) -> None:
    problem, inferred = problem_of(model), model is INFERRED
    beta, sigma = estimate(problem)
    assert mode_gradient(problem, beta, sigma) < 1e-12
    moved, wider = beta * 1.1, sigma * 1.2 if inferred else sigma
    x = np.append(moved, np.log(wider)) if inferred else moved
    h, e = 1e-5, np.eye(len(x))
    slope = np.array(
        [log_posterior(x + h * a, inferred) - log_posterior(x - h * a, inferred) for a in e]
    ) / (2 * h * DATA.m)
    sd_y, sd_X = DATA.y.std(ddof=1), DATA.X.std(axis=0, ddof=1)
    slope[:3] *= np.append(sd_y, sd_y / sd_X) * (wider / sd_y) ** 2
    assert mode_gradient(problem, moved, wider) == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_least_squares_is_judged_by_its_own_objective() -> None:
    problem = problem_of(bm.Model(prior=bm.Flat()))
    geometry = geometry_of(problem)
    found = least_squares_optimality(problem, geometry, geometry.reference)
    unit = np.corrcoef(DATA.X.T)
    assert found["definiteness"] == pytest.approx(np.linalg.eigvalsh(unit)[0], rel=1e-10)
    assert found["gradient_norm"] < 1e-13
    moved = geometry.reference + np.array([0.1, 0.0, 0.2])
    standard = (DATA.X - DATA.X.mean(axis=0)) / DATA.X.std(axis=0, ddof=1)
    residual = (DATA.y - CENTRED @ moved) / DATA.y.std(ddof=1)
    gradient = -2.0 * np.column_stack([np.ones(DATA.m), standard]).T @ residual / DATA.m
    assert least_squares_optimality(problem, geometry, moved)["gradient_norm"] == pytest.approx(
        np.linalg.norm(gradient), rel=1e-10
    )


def test_a_saddle_is_not_definite() -> None:
    one = ModeCurvature(np.eye(2), np.eye(2), np.array([2.0, 0.0]), 1.0)
    assert one.rest == -3.0
    assert one.smallest == -3.0
    assert replace(one, cross=np.array([0.5, 0.0])).smallest == pytest.approx(0.5)
    assert replace(one, bend=None, cross=np.zeros(2)).smallest == pytest.approx(1.0)
