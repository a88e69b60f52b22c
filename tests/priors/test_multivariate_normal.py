"""The joint Normal prior: dense oracles, its diagonal, other methods, PyMC, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm
from bayesml.log_joint import log_joint
from bayesml.pymc import to_pymc

Matrix = np.ndarray[Any, Any]
SIGMA = 0.7
MEAN = np.array([2.0, 1.0, -0.5])
SPREAD = np.array([3.0, 0.4, 0.02])
CORRELATION = np.array([[1.0, 0.3, -0.6], [0.3, 1.0, 0.5], [-0.6, 0.5, 1.0]])
COVARIANCE = CORRELATION * np.outer(SPREAD, SPREAD)
PRIOR = bm.MultivariateNormal(MEAN, COVARIANCE)
FLAT = bm.Independent()


def made(m: int = 25) -> bm.Data:
    """Columns of unlike units, away from the origin."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(m, 2)) * [1.0, 30.0] + [4.0, -100.0]
    y = 2.0 + X @ [1.2, -0.03] + SIGMA * rng.standard_normal(m)
    return bm.Data(X, y, feature_names=["dose", "age"])


DATA = made()
CENTRED = np.column_stack([np.ones(DATA.m), DATA.X - DATA.X.mean(axis=0)])
KNOWN = bm.Model(bm.Linear(), bm.Gaussian(SIGMA), PRIOR)
SHORT = bm.NUTS(draws=500, tune=300, chains=2, progress=False)


def textbook(A: Matrix, mean: Matrix, precision: Matrix) -> tuple[Matrix, Matrix]:
    """Bishop, eq. 3.50 and 3.51."""
    covariance = np.linalg.inv(A.T @ A / SIGMA**2 + precision)
    return covariance @ (A.T @ DATA.y / SIGMA**2 + precision @ mean), covariance


def in_original_units(mean: Matrix, covariance: Matrix) -> tuple[Matrix, Matrix]:
    """b = b at the centre − x̄ᵀθ."""
    T = np.eye(3)
    T[0, 1:] = -DATA.X.mean(axis=0)
    return T @ mean, np.sqrt(np.diag(T @ covariance @ T.T))


@pytest.mark.parametrize("method", [bm.Exact(), bm.MAP(), bm.Laplace()], ids=repr)
def test_the_posterior_is_the_textbook_formula(method: Any) -> None:
    mean, sd = in_original_units(*textbook(CENTRED, MEAN, np.linalg.inv(COVARIANCE)))
    table = bm.fit(KNOWN, DATA, method, rng=1).summary().to_numpy()
    np.testing.assert_allclose(table[:, 0], mean, rtol=1e-7)
    np.testing.assert_allclose(table[:, 1], sd, rtol=1e-6)


@pytest.mark.parametrize("method", [bm.Exact(), bm.Laplace()], ids=repr)
def test_the_evidence_is_the_density_of_y(method: Any) -> None:
    """Normal(y | Aμ, σ²I + AΣAᵀ): also for Laplace, since the posterior is Gaussian."""
    K = SIGMA**2 * np.eye(DATA.m) + CENTRED @ COVARIANCE @ CENTRED.T
    expected = stats.multivariate_normal(CENTRED @ MEAN, K).logpdf(DATA.y)
    assert bm.fit(KNOWN, DATA, method, rng=1).log_evidence == pytest.approx(expected, abs=1e-8)


def test_without_correlations_it_is_independent() -> None:
    """Evidence, marginals and predictions, σ inferred."""
    joint = bm.MultivariateNormal(MEAN, np.diag(SPREAD**2))
    apart = bm.Independent(bm.Normal(MEAN[1:], SPREAD[1:]), bm.Normal(MEAN[0], SPREAD[0]))
    noise = bm.Gaussian(bm.HalfNormal(1.0))
    ours, theirs = (bm.fit(bm.Model(bm.Linear(), noise, p), DATA) for p in (joint, apart))
    assert ours.kind == "exact"
    assert ours.log_evidence == pytest.approx(theirs.log_evidence, abs=1e-10)
    np.testing.assert_allclose(ours.summary(), theirs.summary(), rtol=1e-8)
    new = [[5.0, -80.0]]
    np.testing.assert_allclose(ours.predict(new).sd, theirs.predict(new).sd, rtol=1e-10)


def test_nuts_agrees_with_the_exact_posterior() -> None:
    model = bm.Model(bm.Linear(), bm.Gaussian(), PRIOR)
    exact = bm.fit(model, DATA, bm.Exact()).summary()
    table = bm.fit(model, DATA, SHORT, rng=2).summary()
    error = np.abs(table["mean"] - exact["mean"]) / table["mcse_mean"]
    assert error.max() < 4.0
    np.testing.assert_allclose(table["sd"], exact["sd"], rtol=0.12)


def test_an_intercept_that_is_not_stated_is_flat() -> None:
    prior = bm.MultivariateNormal(MEAN[1:], COVARIANCE[1:, 1:])
    fit = bm.fit(bm.Model(bm.Linear(), bm.Gaussian(SIGMA), prior), DATA)
    precision = np.zeros((3, 3))
    precision[1:, 1:] = np.linalg.inv(COVARIANCE[1:, 1:])
    mean, sd = in_original_units(*textbook(CENTRED, MEAN, precision))
    np.testing.assert_allclose(fit.summary()["mean"], mean, rtol=1e-8)
    np.testing.assert_allclose(fit.summary()["sd"], sd, rtol=1e-8)
    for found in (fit, bm.fit(fit.model, DATA, bm.Laplace(), rng=1)):
        with pytest.raises(bm.ImproperPosteriorError, match="proper priors"):
            _ = found.log_evidence
    with pytest.raises(bm.ImproperPosteriorError, match="intercept"):
        fit.to_datatree(prior=True)


def test_without_an_intercept_it_is_of_the_weights() -> None:
    prior = bm.MultivariateNormal(MEAN[1:], COVARIANCE[1:, 1:])
    fit = bm.fit(bm.Model(bm.Linear(intercept=False), bm.Gaussian(SIGMA), prior), DATA)
    mean, covariance = textbook(DATA.X, MEAN[1:], np.linalg.inv(COVARIANCE[1:, 1:]))
    np.testing.assert_allclose(fit.summary()["mean"], mean, rtol=1e-8)
    np.testing.assert_allclose(fit.summary()["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)


def by_name(order: list[str]) -> bm.MultivariateNormal:
    """The same prior, stated in another order."""
    at = {"intercept": 0, "dose": 1, "age": 2}
    return bm.MultivariateNormal(
        {a: MEAN[at[a]] for a in order},
        {a: {b: COVARIANCE[at[a], at[b]] for b in order} for a in order},
    )


def test_names_come_in_any_order_and_stay() -> None:
    stated = bm.Model(bm.Linear(), bm.Gaussian(SIGMA), by_name(["age", "intercept", "dose"]))
    fit, arrays = bm.fit(stated, DATA), bm.fit(KNOWN, DATA)
    assert fit.resolved.prior.names == arrays.resolved.prior.names
    np.testing.assert_allclose(fit.resolved.prior.covariance, COVARIANCE, rtol=1e-12)
    assert fit.log_evidence == pytest.approx(arrays.log_evidence, rel=1e-14)
    assert eval(repr(fit.resolved.prior), dict(vars(bm))) == fit.resolved.prior
    assert "weights[age] ~ Normal(-0.5, 0.02)" in str(fit.resolved)


def test_it_is_a_density_that_can_be_drawn_from() -> None:
    problem = KNOWN.resolve(DATA)
    prior, rng = problem.prior, np.random.default_rng(1)
    drawn = prior.sample(problem, {}, rng, (20_000,))
    np.testing.assert_allclose(np.cov(drawn.T) / COVARIANCE, 1.0, atol=0.05)
    np.testing.assert_allclose((drawn.mean(axis=0) - MEAN) / SPREAD, 0.0, atol=0.03)
    expected = stats.multivariate_normal(MEAN, COVARIANCE)
    terms = prior.log_density_and_score(problem, drawn[:50], {})
    np.testing.assert_allclose(terms.value, expected.logpdf(drawn[:50]), rtol=1e-10)
    score = -np.linalg.solve(COVARIANCE, (drawn[:50] - MEAN).T).T
    np.testing.assert_allclose(terms.score, score, rtol=1e-8)
    assert bm.prior_predictive(KNOWN, DATA, draws=10, rng=1) is not None


@pytest.mark.parametrize("k", [0, 1], ids=["intercept stated", "intercept flat"])
def test_pymc_has_the_same_density(k: int) -> None:
    prior = bm.MultivariateNormal(MEAN[k:], COVARIANCE[k:, k:])
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(1.0)), prior)
    joint = log_joint(model.resolve(DATA))
    beta, sigma = np.array([1.0, 1.1, -0.4]), 0.9
    ours = joint.log_density(joint.coordinates.x(beta, {"sigma": np.asarray(sigma)}))
    F = np.linalg.cholesky(np.linalg.inv(COVARIANCE[k:, k:])).T
    point: dict[str, Any] = {
        "coefficients_whitened": F @ (beta - MEAN)[k:],
        "sigma_log__": np.log(sigma),
    }
    if k:
        point["intercept_centred"] = beta[0]
    theirs = to_pymc(model, DATA)
    assert {"intercept", "weights"} <= set(theirs.named_vars)
    by_whitening = float(np.log(np.diag(F)).sum())
    value = theirs.compile_logp(jacobian=False, mode="FAST_COMPILE")(point) + by_whitening
    assert value == pytest.approx(float(ours), rel=1e-10)


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    fit = bm.fit(KNOWN, DATA)
    fit.save(tmp_path / "fit.nc")
    again = bm.load(tmp_path / "fit.nc")
    assert again.resolved == fit.resolved
    assert np.array_equal(again.predict(DATA.X).mean, fit.predict(DATA.X).mean)


@pytest.mark.parametrize(
    ("mean", "covariance", "complaint"),
    [
        ([0.0, 0.0], [[1.0]], r"mean must have p entries and covariance shape \(p, p\), got"),
        (0.0, [[1.0]], r"got shapes \(\) and \(1, 1\)"),
        ([], [], "mean must have p entries"),
        ([np.nan], [[1.0]], "mean must be finite"),
        (["a"], [[1.0]], "mean must hold numbers"),
        ([0.0, 0.0], [[1.0], [1.0, 2.0]], "covariance must hold numbers, rows of the same length"),
        ([0.0], [[-1.0]], "positive definite, got variances"),
        ([0.0, 0.0], [[1.0, 0.5], [0.4, 1.0]], "symmetric"),
        ([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], "positive definite.*eigenvalue is -1"),
        ([0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]], "positive definite"),
        ({"a": 0.0}, [[1.0]], "both be by name"),
        ({"a": 0.0}, {"b": {"b": 1.0}}, "covariance must name"),
        ({"a": 0.0, "b": 0.0}, {"a": {"a": 1.0}, "b": {"a": 0.0, "b": 1.0}}, "not for \\['a'\\]"),
    ],
)
def test_a_wrong_argument_is_named(mean: Any, covariance: Any, complaint: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=f"MultivariateNormal: .*{complaint}"):
        bm.MultivariateNormal(mean, covariance)


@pytest.mark.parametrize(
    ("prior", "complaint"),
    [
        (bm.MultivariateNormal([0.0], [[1.0]]), r"1 entries.*\['intercept', 'dose', 'age'\]"),
        (
            bm.MultivariateNormal({"dosis": 0.0}, {"dosis": {"dosis": 1.0}}),
            r"Missing: \['age', 'dose'\]; unknown: \['dosis'\]",
        ),
    ],
    ids=["too few", "wrong name"],
)
def test_what_does_not_fit_the_features_is_refused(prior: Any, complaint: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=complaint):
        bm.fit(bm.Model(prior=prior), DATA)


def test_a_network_is_refused() -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"Use Layered\(\)"):
        bm.fit(bm.Model(bm.MLP((3,)), prior=PRIOR), DATA)


def test_a_feature_called_intercept_is_not_taken_for_it() -> None:
    data = bm.Data(DATA.X, DATA.y, feature_names=["intercept", "age"])
    with pytest.raises(bm.IncompatibleModelError, match="Rename"):
        bm.fit(KNOWN, data)
