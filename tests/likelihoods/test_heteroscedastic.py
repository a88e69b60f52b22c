"""The likelihood with two outputs against quadrature, differences and draws."""

import numpy as np
import pytest
from scipy import integrate, stats

from bayesml.likelihoods import Gaussian, HeteroscedasticGaussian, StudentT

LIKELIHOOD = HeteroscedasticGaussian()
ETA = np.array([[0.5, -1.0, 2.0], [-0.7, 0.3, 1.1]])
Y = np.array([0.1, 2.0, -3.0])


def test_density_and_distribution_are_normal():
    expected = stats.norm(ETA[0], np.exp(ETA[1]))
    np.testing.assert_allclose(LIKELIHOOD.log_density(Y, ETA, {}), expected.logpdf(Y))
    np.testing.assert_allclose(LIKELIHOOD.cdf(Y, ETA, {}), expected.cdf(Y))
    np.testing.assert_allclose(LIKELIHOOD.survival(Y, ETA, {}), expected.sf(Y))


def test_score_is_the_derivative():
    h = 1e-6
    for k in range(2):
        step = h * np.eye(2)[k][:, None]
        up, down = (LIKELIHOOD.log_density(Y, ETA + s * step, {}) for s in (1, -1))
        np.testing.assert_allclose(
            LIKELIHOOD.score(Y, ETA, {})[k], (up - down) / (2 * h), rtol=1e-6
        )


def test_information_is_the_covariance_of_the_score(rng):
    eta = np.repeat(ETA[:, :1], 400_000, axis=1)
    score = LIKELIHOOD.score(LIKELIHOOD.sample(eta, {}, rng), eta, {})
    expected = np.diag(LIKELIHOOD.information(ETA[:, :1], {})[:, 0])
    np.testing.assert_allclose(np.cov(score), expected, atol=0.03 * expected.max())


@pytest.mark.parametrize(
    ("likelihood", "parameters"),
    [(Gaussian(), {"sigma": 0.7}), (StudentT(), {"df": 4.0, "sigma": 0.7})],
)
def test_average_over_a_gaussian_output_is_the_integral(likelihood, parameters):
    mean, sd, y = 0.4, 0.9, 1.3

    def integrand(eta):
        return np.exp(likelihood.log_density(y, eta, parameters)) * stats.norm(mean, sd).pdf(eta)

    expected = integrate.quad(integrand, -8, 8)[0]
    average = likelihood.average(np.array([[mean]]), np.array([[[sd**2]]]), parameters)
    density = np.exp(likelihood.log_density(y, average.eta, average.parameters)) @ average.weights
    np.testing.assert_allclose(density, expected, rtol=2e-3)


def test_average_over_two_correlated_outputs_is_the_integral(rng):
    eta, covariance = np.array([[0.4], [-0.5]]), np.array([[[0.6, 0.2], [0.2, 0.3]]])
    average = LIKELIHOOD.average(eta, covariance, {})
    density = np.exp(LIKELIHOOD.log_density(1.1, average.eta, {})) @ average.weights
    draws = rng.multivariate_normal(eta[:, 0], covariance[0], 400_000).T
    expected = np.exp(LIKELIHOOD.log_density(1.1, draws, {})).mean()
    np.testing.assert_allclose(density, expected, rtol=0.01)
