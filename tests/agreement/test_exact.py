"""The exact posterior against textbook formulas on dense matrices, and against itself."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import bayesml as bm
from bayesml.distributions import Distribution
from bayesml.posteriors import ExactPosterior
from tests.agreement.problems import CASES, made, with_ones

each = pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
Matrix = np.ndarray[Any, Any]


def informative(data: bm.Data) -> tuple[bm.Independent, Matrix, Matrix]:
    """A prior at the original origin that matters, with its mean and covariance for [1 X]."""
    sd = np.append(2.0 * np.std(data.y), 0.3 * np.std(data.y) / np.std(data.X, axis=0))
    mean = np.append(np.mean(data.y), 0.1 * sd[1:])
    prior = bm.Independent(bm.Normal(mean[1:], sd[1:]), bm.Normal(mean[0], sd[0]), "original")
    return prior, mean, np.diag(sd**2)


@each
def test_known_noise_is_the_textbook_formula(data: bm.Data) -> None:
    prior, mean, S = informative(data)
    sigma, A = 0.4 * np.std(data.y), with_ones(data)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma), prior), data)
    precision = A.T @ A / sigma**2 + np.linalg.inv(S)
    covariance = np.linalg.inv(precision)
    expected = covariance @ (A.T @ data.y / sigma**2 + np.linalg.solve(S, mean))
    table = fit.summary()
    np.testing.assert_allclose(table["mean"], expected, rtol=1e-8)
    np.testing.assert_allclose(table["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)
    p = fit.predict(data.X)
    np.testing.assert_allclose(p.mean, A @ expected, rtol=1e-9)
    epistemic = np.sqrt(np.einsum("ij,jk,ik->i", A, covariance, A))
    np.testing.assert_allclose(p.epistemic_sd, epistemic, rtol=1e-8)
    np.testing.assert_allclose(p.sd, np.sqrt(epistemic**2 + sigma**2), rtol=1e-9)


@each
def test_evidence_is_the_density_of_y(data: bm.Data) -> None:
    """Normal(y | [1 X] μ, σ²I + [1 X] S [1 X]ᵀ), an m × m Gaussian."""
    prior, mean, S = informative(data)
    sigma, A = 0.4 * np.std(data.y), with_ones(data)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma), prior), data)
    covariance = sigma**2 * np.eye(data.m) + A @ S @ A.T
    expected = stats.multivariate_normal(A @ mean, covariance, allow_singular=True).logpdf(data.y)
    assert fit.log_evidence == pytest.approx(expected, abs=1e-6 * data.m)


@each
def test_bayes_rule_holds_at_every_parameter(data: bm.Data) -> None:
    """log p(y, θ) − log p(θ | y) is the same number everywhere: the log evidence."""
    prior, _, _ = informative(data)
    sigma = 0.4 * np.std(data.y)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(sigma), prior), data, rng=2)
    posterior = fit.learned.posterior
    assert isinstance(posterior, ExactPosterior)
    g = posterior.geometry
    u = posterior.scale.nodes
    L, D = g.joint.basis, g.relative_variance(u)[0]
    tree = fit.to_datatree(chains=1, draws=20, log_likelihood=True, log_prior=True)
    beta = np.column_stack(
        [
            tree.posterior["intercept"].values[0]
            + tree.posterior["weights"].values[0] @ data.X.mean(axis=0),
            tree.posterior["weights"].values[0],
        ]
    )
    z = np.linalg.solve(L, (beta - g.mean(u)[0]).T).T / np.sqrt(D)
    log_q = (
        -0.5 * np.sum(z**2, axis=1)
        - 0.5 * g.p * np.log(2 * np.pi)
        - np.linalg.slogdet(L)[1]
        - 0.5 * np.sum(np.log(D))
    )
    log_prior = sum(v.values[0].reshape(20, -1).sum(axis=1) for v in tree.log_prior.values())
    log_joint = tree.log_likelihood["y"].values[0].sum(axis=1) + log_prior
    np.testing.assert_allclose(log_joint - log_q, fit.log_evidence, rtol=0, atol=1e-6)


PRIORS_OF_SIGMA = [
    bm.HalfNormal(2.0),
    bm.HalfCauchy(1.0),
    bm.HalfStudentT(3, 2.0),
    bm.Exponential(0.7),
    bm.InverseGamma(2.0, 3.0),
    bm.Gamma(2.0, 1.0),
]


@pytest.mark.parametrize("prior_of_sigma", PRIORS_OF_SIGMA, ids=repr)
def test_inferred_noise_against_brute_force(prior_of_sigma: Distribution) -> None:
    """Evidence and moments by adaptive quadrature over σ of m × m Gaussians."""
    data = made(m=12, n=2)
    prior, mean, S = informative(data)
    A = with_ones(data)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(prior_of_sigma), prior), data)
    reference = fit.log_evidence

    def integrand(t: float, what: int) -> float:
        sigma = np.exp(t)
        K = sigma**2 * np.eye(data.m) + A @ S @ A.T
        log_density = stats.multivariate_normal(A @ mean, K).logpdf(data.y)
        density = np.exp(log_density + prior_of_sigma.log_density(sigma) + t - reference)
        gain = S @ A.T @ np.linalg.inv(K)
        first = mean + gain @ (data.y - A @ mean)
        return float(density * [1.0, sigma, sigma**2, first[1]][what])

    total, s1, s2, weight = (
        integrate.quad(integrand, -3, 5, args=(k,), limit=300, epsabs=1e-13)[0] for k in range(4)
    )
    table = fit.summary()
    assert total == pytest.approx(1.0, abs=1e-9)
    assert table.loc["sigma", "mean"] == pytest.approx(s1, rel=1e-9)
    assert table.loc["sigma", "sd"] == pytest.approx(np.sqrt(s2 - s1**2), rel=1e-7)
    assert table["mean"].iloc[1] == pytest.approx(weight, rel=1e-9)


def test_flat_priors_give_student_t_marginals() -> None:
    """Under p(β, σ) ∝ 1/σ-like flatness the marginals are known: flat σ is t with m − p − 1."""
    data = made(m=20, n=2)
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat())
    table = bm.fit(model, data).summary(0.9)
    ols = bm.fit(bm.Model(), data, bm.MLE())
    df = data.m - 3 - 1
    scale = ols.summary()["std_error"].iloc[:3] * np.sqrt((data.m - 3) / df)
    centre = ols.summary()["mean"].iloc[:3]
    np.testing.assert_allclose(table["mean"].iloc[:3], centre, rtol=1e-10)
    np.testing.assert_allclose(table["sd"].iloc[:3], scale * np.sqrt(df / (df - 2)), rtol=1e-9)
    upper = centre + scale * stats.t(df).ppf(0.95)
    np.testing.assert_allclose(table["95%"].iloc[:3], upper, rtol=1e-9)


@each
@pytest.mark.filterwarnings("ignore::bayesml.errors.PriorConflictWarning")  # a tight one
def test_conjugate_update_is_the_textbook_formula(data: bm.Data) -> None:
    a, b, scale = 2.0, 3.0 * np.var(data.y), 0.5 / np.std(data.X, axis=0)
    prior = bm.NormalInverseGamma(0.2 * scale, scale, a, b, float(np.mean(data.y)), 2.0)
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(), prior), data)
    A = np.column_stack([np.ones(data.m), data.X - data.X.mean(axis=0)])
    mu0 = np.append(np.mean(data.y), 0.2 * scale)
    V0_inv = np.diag(1 / np.append(2.0, scale) ** 2)
    V = np.linalg.inv(V0_inv + A.T @ A)
    mu = V @ (V0_inv @ mu0 + A.T @ data.y)
    a_n = a + data.m / 2
    b_n = b + 0.5 * (mu0 @ V0_inv @ mu0 + data.y @ data.y - mu @ np.linalg.inv(V) @ mu)
    table = fit.summary(0.9)
    np.testing.assert_allclose(table["mean"].iloc[1:-1], mu[1:], rtol=1e-7)
    marginal = stats.t(2 * a_n, mu[1:], np.sqrt(b_n / a_n * np.diag(V)[1:]))
    np.testing.assert_allclose(table["sd"].iloc[1:-1], marginal.std(), rtol=1e-7)
    np.testing.assert_allclose(table["95%"].iloc[1:-1], marginal.ppf(0.95), rtol=1e-7)
    K = b / a * (np.eye(data.m) + A @ np.linalg.inv(V0_inv) @ A.T)
    expected = stats.multivariate_t(A @ mu0, K, df=2 * a).logpdf(data.y)
    assert fit.log_evidence == pytest.approx(expected, abs=1e-6 * data.m)
    sigma = stats.invgamma(a_n, scale=b_n)
    assert table.loc["sigma", "95%"] == pytest.approx(np.sqrt(sigma.ppf(0.95)), rel=1e-8)


@each
def test_weights_of_observations_count_rows(data: bm.Data) -> None:
    """A row of weight two is the row twice, in every method and in the evidence."""
    w = np.arange(data.m) % 3
    weighted = bm.Data(np.asarray(data.X), np.asarray(data.y), observation_weights=w)
    repeated = bm.Data(np.repeat(data.X, w, axis=0), np.repeat(data.y, w))
    for method in (bm.Exact(), bm.MLE(), bm.MAP()):
        one, other = (bm.fit(bm.Model(), d, method).summary() for d in (weighted, repeated))
        np.testing.assert_allclose(one, other, rtol=1e-9)
    one_fit, other_fit = (bm.fit(bm.Model(), d) for d in (weighted, repeated))
    assert one_fit.log_evidence == pytest.approx(other_fit.log_evidence, rel=1e-11)


def test_predictive_quantiles_against_sampling() -> None:
    """Quadrature against 400,000 draws of its own posterior: 4 Monte Carlo errors."""
    data = made(m=15, n=2)
    fit = bm.fit(bm.Model(), data, rng=3)
    p = fit.predict(np.asarray(data.X[:3]))
    for prediction in (p, p.expectation):
        draws = prediction.sample(400_000, rng=4)
        for q in (0.05, 0.5, 0.95):
            below = (draws <= prediction.quantile(q)).mean(axis=0)
            np.testing.assert_allclose(below, q, atol=4 * np.sqrt(q * (1 - q) / 400_000))
        np.testing.assert_allclose(prediction.sd, draws.std(axis=0), rtol=0.01)


def test_predictive_density_is_a_ratio_of_evidences() -> None:
    """p(y* | x*, data) = p(data, y*) / p(data), with the priors held fixed."""
    data = made(m=15, n=2)
    prior, _, _ = informative(data)
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(2.0)), prior)
    x, y = np.array([[4.0, 30.0]]), 11.0
    fit = bm.fit(model, data)
    more = bm.fit(model, bm.Data(np.vstack([data.X, x]), np.append(data.y, y)))
    expected = more.log_evidence - fit.log_evidence
    assert fit.predict(x).log_prob(y)[0] == pytest.approx(expected, abs=1e-9)
