"""Student-t noise with a predicted scale against scipy, differences, draws and integrals."""

import numpy as np
import pytest
from scipy import integrate, stats

import bayesml as bm
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.likelihoods import HeteroscedasticGaussian, HeteroscedasticStudentT

LIKELIHOOD = HeteroscedasticStudentT()
PHI = {"excess_df": 1.7}
ETA = np.array([[0.5, -1.0, 2.0], [-0.7, 0.3, 1.1]])
Y = np.array([0.1, 2.0, -3.0])


def test_it_is_student_t_with_a_scale_for_every_row():
    expected = stats.t(3.7, ETA[0], np.exp(ETA[1]))
    np.testing.assert_allclose(LIKELIHOOD.log_density(Y, ETA, PHI), expected.logpdf(Y))
    np.testing.assert_allclose(LIKELIHOOD.cdf(Y, ETA, PHI), expected.cdf(Y))
    np.testing.assert_allclose(LIKELIHOOD.survival(Y, ETA, PHI), expected.sf(Y))
    np.testing.assert_allclose(LIKELIHOOD.sd(ETA, PHI), expected.std())
    np.testing.assert_allclose(LIKELIHOOD.mean(ETA, PHI), expected.mean())


def test_scores_are_derivatives():
    h = 1e-6
    for k in range(2):
        step = h * np.eye(2)[k][:, None]
        up, down = (LIKELIHOOD.log_density(Y, ETA + s * step, PHI) for s in (1, -1))
        np.testing.assert_allclose(
            LIKELIHOOD.score(Y, ETA, PHI)[k], (up - down) / (2 * h), rtol=1e-6
        )
    up, down = (LIKELIHOOD.log_density(Y, ETA, {"excess_df": 1.7 + s * h}) for s in (1, -1))
    by_df = LIKELIHOOD.parameter_scores(Y, ETA, PHI)["excess_df"]
    np.testing.assert_allclose(by_df, (up - down) / (2 * h), rtol=1e-6)


def test_information_is_the_covariance_of_the_score(rng):
    eta = np.repeat(ETA[:, :1], 400_000, axis=1)
    score = LIKELIHOOD.score(LIKELIHOOD.sample(eta, PHI, rng), eta, PHI)
    expected = np.diag(LIKELIHOOD.information(ETA[:, :1], PHI)[:, 0])
    np.testing.assert_allclose(np.cov(score), expected, atol=0.03 * expected.max())


def test_without_heavy_tails_it_is_gaussian():
    phi, gaussian = {"excess_df": 1e9}, HeteroscedasticGaussian()
    for ours, theirs in (
        (LIKELIHOOD.log_density(Y, ETA, phi), gaussian.log_density(Y, ETA, {})),
        (LIKELIHOOD.score(Y, ETA, phi), gaussian.score(Y, ETA, {})),
        (LIKELIHOOD.information(ETA, phi), gaussian.information(ETA, {})),
        (LIKELIHOOD.survival(Y, ETA, phi), gaussian.survival(Y, ETA, {})),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("ratio", [1e-4, 0.1, 1.0])
def test_average_over_the_location_is_near_the_integral(ratio):
    """(M19), out to two standard deviations, for an exact log scale."""
    covariance = np.array([[[ratio, 0.0], [0.0, 0.0]]])
    average = LIKELIHOOD.average(np.zeros((2, 1)), covariance, PHI)
    for y in np.array([0.0, 0.5, 1.0, 2.0]) * np.sqrt(1 + ratio):
        ours = LIKELIHOOD.log_density(y, average.eta, average.parameters)
        expected = integrate.quad(
            lambda t, y=y: stats.t.pdf(y - t, 3.7) * stats.norm.pdf(t, scale=np.sqrt(ratio)),
            *(np.array([-9, 9]) * np.sqrt(ratio)),
        )[0]
        assert abs(np.log(np.exp(ours[0]) @ average.weights) - np.log(expected)) < 0.1


@pytest.mark.parametrize(("tails", "low", "high"), [(3.0, 0.2, 8.0), (np.inf, 8.0, np.inf)])
def test_the_evidence_finds_the_tails(tails, low, high, rng):
    x = rng.uniform(-2, 2, (600, 1))
    noise = rng.standard_t(tails, 600) if np.isfinite(tails) else rng.standard_normal(600)
    data = bm.Data(x, np.sin(x[:, 0]) + np.exp(0.5 * x[:, 0] - 1) * noise)
    problem = bm.Model(bm.MLP((5,)), LIKELIHOOD).resolve(data)
    mode = find_mode(problem, np.random.default_rng(0), Recipe())
    assert low < mode.scales.values["excess_df"] < high
    assert "from the fit with HeteroscedasticGaussian()" in mode.reason


@pytest.mark.parametrize("kappa", [0.1, 5.0, 1e6, np.inf])
def test_density_and_scores_in_one_pass_are_those_apart(kappa, rng):
    likelihood = bm.HeteroscedasticStudentT()
    y, at = rng.normal(size=50) * 10.0 ** rng.uniform(-8, 3, 50), {"excess_df": kappa}
    eta = np.stack([rng.normal(size=(3, 50)), rng.uniform(-3, 3, (3, 50))])
    density, score, by_value = likelihood.terms(y, eta, at)
    np.testing.assert_allclose(density, likelihood.log_density(y, eta, at), rtol=1e-12)
    np.testing.assert_allclose(score, likelihood.score(y, eta, at), rtol=1e-11, atol=1e-14)
    apart = likelihood.parameter_scores(y, eta, at)["excess_df"]
    np.testing.assert_allclose(by_value["excess_df"], apart, rtol=1e-9, atol=1e-14)
