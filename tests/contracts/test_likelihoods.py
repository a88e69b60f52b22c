"""Every likelihood: integrates to one, derivatives, information, moments, samples, PyMC."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import bayesml as bm
from bayesml.likelihoods import Likelihood

CASES: list[tuple[Likelihood, dict[str, float]]] = [
    (bm.Gaussian(), {"sigma": 1.7}),
    (bm.StudentT(), {"df": 3.5, "sigma": 0.8}),
    (bm.StudentT(), {"df": 40.0, "sigma": 2.0}),
]
each = pytest.mark.parametrize(("likelihood", "phi"), CASES)


def expectation(function: Any, likelihood: Likelihood, eta: float, phi: dict[str, float]) -> float:
    """Integrate over y = η + sinh(t)."""

    def integrand(t: float) -> float:
        y = eta + np.sinh(t)
        density = np.exp(likelihood.log_density(y, eta, phi))
        return float(function(y) * density * np.cosh(t))

    return float(integrate.quad(integrand, -25, 25, limit=400, points=[-1, 0, 1])[0])


@each
def test_density_integrates_to_one(likelihood: Likelihood, phi: dict[str, float]) -> None:
    assert expectation(lambda y: 1.0, likelihood, 0.4, phi) == pytest.approx(1.0, abs=1e-9)


@each
def test_score_is_the_derivative_in_eta(likelihood: Likelihood, phi: dict[str, float]) -> None:
    y, eta, h = np.array([-3.0, 0.2, 5.0]), np.array([0.0, 0.5, 1.0]), 1e-5
    up, down = (likelihood.log_density(y, eta + s * h, phi) for s in (1, -1))
    np.testing.assert_allclose(likelihood.score(y, eta, phi), (up - down) / (2 * h), rtol=1e-8)


@each
def test_parameter_scores_are_derivatives(likelihood: Likelihood, phi: dict[str, float]) -> None:
    y, eta, h = np.array([-3.0, 0.2, 5.0]), np.array([0.0, 0.5, 1.0]), 1e-5
    for name, score in likelihood.parameter_scores(y, eta, phi).items():
        up, down = (
            likelihood.log_density(y, eta, phi | {name: phi[name] + s * h}) for s in (1, -1)
        )
        np.testing.assert_allclose(score, (up - down) / (2 * h), rtol=1e-6, atol=1e-9)


@each
def test_information_is_the_expected_square_of_the_score(
    likelihood: Likelihood, phi: dict[str, float]
) -> None:
    squared = expectation(lambda y: likelihood.score(y, 0.4, phi) ** 2, likelihood, 0.4, phi)
    assert float(likelihood.information(0.4, phi)) == pytest.approx(squared, rel=1e-7)


@each
def test_moments(likelihood: Likelihood, phi: dict[str, float]) -> None:
    mean = expectation(lambda y: y, likelihood, 0.4, phi)
    variance = expectation(lambda y: (y - mean) ** 2, likelihood, 0.4, phi)
    assert float(likelihood.mean(0.4, phi)) == pytest.approx(mean, rel=1e-6)
    assert float(likelihood.sd(0.4, phi)) == pytest.approx(np.sqrt(variance), rel=1e-6)


@each
def test_distribution_function(likelihood: Likelihood, phi: dict[str, float]) -> None:
    below = expectation(lambda y: y <= 1.1, likelihood, 0.4, phi)
    assert float(likelihood.cdf(1.1, 0.4, phi)) == pytest.approx(below, abs=1e-6)


@each
def test_samples(likelihood: Likelihood, phi: dict[str, float]) -> None:
    draws = likelihood.sample(np.full(4000, 0.4), phi, np.random.default_rng(7))
    assert stats.kstest(draws, lambda y: likelihood.cdf(y, 0.4, phi)).pvalue > 1e-4


def test_moments_that_do_not_exist_are_not_numbers() -> None:
    assert np.isnan(bm.StudentT().mean(0.0, {"df": 1.0, "sigma": 1.0}))
    assert bm.StudentT().sd(0.0, {"df": 2.0, "sigma": 1.0}) == np.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.Gaussian(sigma=0), "sigma must be positive"),
        (lambda: bm.Gaussian(sigma=bm.Normal(0, 1)), "mass on negative values"),
        (lambda: bm.Gaussian(sigma="1"), "must be a number"),
        (lambda: bm.Gaussian(sigma=True), "must be a number"),
        (lambda: bm.StudentT(df=-3), "df must be positive"),
        (lambda: bm.Gaussian(sigma=bm.HalfNormal([1, 2])), "takes one prior"),
    ],
)
def test_bad_noise_is_refused(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()
