"""Calibration, scores, cross-validation and risk, against scoringrules and closed forms."""

import numpy as np
import pytest
import scoringrules
from scipy import stats
from scipy.integrate import quad

import bayesml as bm
from bayesml.likelihoods import Gaussian, LaplaceResponse, StudentT
from bayesml.posteriors.atoms import Atoms
from bayesml.posteriors.lattice import LatticeMixture, row_mixture
from bayesml.posteriors.mixture import Mixture
from bayesml.results.scores import crps
from tests.agreement.problems import made, with_ones

Y = np.array([-3.0, 0.1, 2.0, 40.0])


def alone(distribution: Mixture | LatticeMixture | Atoms) -> bm.Prediction:
    def nothing(size: int, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((size, distribution.rows))

    return bm.Prediction(distribution, distribution, np.zeros(distribution.rows), nothing, nothing)


def normals(K: int) -> Mixture:
    rng = np.random.default_rng(K)
    eta, sigma = rng.normal(size=(4, K)), rng.uniform(0.5, 3, size=(4, K))
    weights = rng.dirichlet(np.ones(K))
    return Mixture(4, weights, Gaussian(), lambda b: (eta[b], {"sigma": sigma[b]}))


def student(df: float) -> Mixture:
    eta = np.arange(4.0)[:, None]
    parameters = {"df": np.full((4, 1), df), "sigma": np.full((4, 1), 2.0)}
    return Mixture(
        4, np.ones(1), StudentT(), lambda b: (eta[b], {k: v[b] for k, v in parameters.items()})
    )


@pytest.mark.parametrize("K", [1, 7])
def test_crps_of_normals_is_scoringrules(K: int) -> None:
    mixture = normals(K)
    eta, parameters = mixture.components(slice(0, 4))
    pi = np.broadcast_to(mixture.weights, eta.shape)
    closed = scoringrules.crps_mixnorm(Y, eta, parameters["sigma"], pi, backend="numpy")
    np.testing.assert_allclose(crps(alone(mixture), Y), closed, rtol=1e-8)


@pytest.mark.parametrize("df", [1.3, 2.5, 4.0, 30.0])
def test_crps_of_student_t_is_scoringrules(df: float) -> None:
    closed = scoringrules.crps_t(Y, df, np.arange(4.0), 2.0, backend="numpy")
    np.testing.assert_allclose(crps(alone(student(df)), Y), closed, rtol=1e-8)


def test_crps_of_cauchy_is_its_integral() -> None:
    """∫ F² + ∫ (1 − F)² by hand at the centre: 2 log 2 of the scale over π."""
    centred = crps(alone(student(1.0)), np.arange(4.0))
    np.testing.assert_allclose(centred, 2.0 * 2.0 * np.log(2.0) / np.pi, rtol=1e-8)


def test_crps_without_an_end_is_infinite() -> None:
    assert np.all(np.isinf(crps(alone(student(0.4)), Y)))


def test_crps_finds_kinks() -> None:
    eta, scale = np.arange(4.0)[:, None], np.full((1, 1), 2.0)
    kinked = Mixture(4, np.ones(1), LaplaceResponse(), lambda b: (eta[b], {"scale": scale}))
    closed = scoringrules.crps_laplace(Y, np.arange(4.0), 2.0, backend="numpy")
    np.testing.assert_allclose(crps(alone(kinked), Y), closed, rtol=1e-7)


def test_many_components_are_sketched_and_every_digit_kept(rng: np.random.Generator) -> None:
    """A few components only say where to look: both tails hold their level to rounding."""
    eta, df = rng.normal(size=(4, 700)), rng.uniform(1.5, 9.0, size=700)
    parts = {"df": df, "sigma": rng.uniform(0.5, 1.5, size=700)}
    mixture = Mixture(4, rng.dirichlet(np.ones(700)), StudentT(), lambda b: (eta[b], parts))
    for level in (1e-12, 1e-3, 0.3):
        np.testing.assert_allclose(mixture.cdf(mixture.quantile(level)), level, rtol=1e-9)
        q = 1.0 - level
        np.testing.assert_allclose(mixture.survival(mixture.quantile(q)), 1.0 - q, rtol=1e-9)
    y = np.array([-9.0, -0.5, 0.2, 30.0])
    for row, found in enumerate(crps(alone(mixture), y)):

        def below(t: float, row: int = row) -> float:
            return float(np.cosh(t) * mixture.cdf(np.sinh(t))[row] ** 2)

        def above(t: float, row: int = row) -> float:
            return float(np.cosh(t) * mixture.survival(np.sinh(t))[row] ** 2)

        at = np.arcsinh(y[row])
        truth = quad(below, -20.0, at, epsrel=1e-10)[0] + quad(above, at, 20.0, epsrel=1e-10)[0]
        assert found == pytest.approx(truth, rel=2e-7)


@pytest.fixture(scope="module")
def right() -> bm.Calibration:
    """The truth itself as the prediction of 2000 rows."""
    rng = np.random.default_rng(4)
    eta = rng.normal(size=(2000, 1))
    truth = Mixture(2000, np.ones(1), Gaussian(), lambda b: (eta[b], {"sigma": np.ones((1, 1))}))
    return bm.calibration(alone(truth), eta[:, 0] + rng.standard_normal(2000))


def with_scale(right: bm.Calibration, factor: float) -> bm.Calibration:
    eta, sigma = right.mean[:, None], np.full((1, 1), factor)
    scaled = Mixture(len(right), np.ones(1), Gaussian(), lambda b: (eta[b], {"sigma": sigma}))
    return bm.calibration(alone(scaled), right.y)


def test_the_truth_passes(right: bm.Calibration) -> None:
    assert right.passed
    table = right.coverage()
    assert np.all((table["low"] <= table["observed"]) & (table["observed"] <= table["high"]))
    bars = right.histogram(20)
    assert np.all((bars["low"] <= bars["share"]) & (bars["share"] <= bars["high"]))
    assert bars["share"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("factor", "fault"), [(0.8, "too sure"), (1.25, "not sure enough")])
def test_the_wrong_spread_is_named(right: bm.Calibration, factor: float, fault: str) -> None:
    report = with_scale(right, factor).check()
    assert not report.passed
    assert fault in str(report)
    assert ("too narrow" if factor < 1 else "too wide") in str(report)


def test_a_shift_is_named(right: bm.Calibration) -> None:
    eta = right.mean[:, None] - 0.3
    shifted = Mixture(2000, np.ones(1), Gaussian(), lambda b: (eta[b], {"sigma": np.ones((1, 1))}))
    assert "above them too often" in str(bm.calibration(alone(shifted), right.y))


def test_the_truth_has_the_best_scores(right: bm.Calibration) -> None:
    scores, worse = right.scores(), with_scale(right, 1.5).scores()
    assert scores["log_score"] > worse["log_score"]
    assert scores["crps"] < worse["crps"]
    assert scores["interval_score_90"] < worse["interval_score_90"]
    assert scores["crps"] == pytest.approx(1 / np.sqrt(np.pi), rel=0.05)  # E|Y − Y′|/2
    assert scores["sharpness_90"] == pytest.approx(2 * stats.norm.ppf(0.95), rel=1e-9)


def test_groups_show_what_the_average_hides(right: bm.Calibration) -> None:
    half = np.arange(2000) < 1000
    sigma = np.where(half, 0.7, 1.4)[:, None]
    eta = right.mean[:, None]
    uneven = Mixture(2000, np.ones(1), Gaussian(), lambda b: (eta[b], {"sigma": sigma[b]}))
    table = bm.calibration(alone(uneven), right.y).by_group(np.where(half, "sure", "unsure"))
    assert table.loc["sure", "coverage"] < table.loc["sure", "low"]
    assert table.loc["unsure", "coverage"] > table.loc["unsure", "high"]
    with pytest.raises(bm.DataError, match="3 groups for 2000 rows"):
        right.by_group(["a", "b", "c"])


def test_weights_count_rows(right: bm.Calibration) -> None:
    data = made(m=12, n=1)
    fit = bm.fit(bm.Model(), data)
    X, y, w = np.asarray(data.X), np.asarray(data.y), np.arange(12) % 3
    weighted = bm.calibration(fit, bm.Data(X, y, observation_weights=w))
    repeated = bm.calibration(fit, bm.Data(np.repeat(X, w, 0), np.repeat(y, w)))
    np.testing.assert_allclose(weighted.scores(), repeated.scores(), rtol=1e-9)
    np.testing.assert_allclose(weighted.coverage(), repeated.coverage())


def test_misspecified_noise_is_reported() -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(800, 1))
    y = X[:, 0] + rng.standard_t(1.5, size=800)
    wrong = bm.fit(bm.Model(), bm.Data(X[:400], y[:400]))
    assert not bm.calibration(wrong, bm.Data(X[400:], y[400:])).passed


def test_observed_must_belong_to_the_fit() -> None:
    fit = bm.fit(bm.Model(), made(m=20, n=2))
    with pytest.raises(bm.DataError, match="features"):
        bm.calibration(fit, made(m=20, n=3))
    with pytest.raises(bm.DataError, match="no target"):
        bm.calibration(fit, {"x0": [1.0], "x1": [2.0]})
    with pytest.raises(bm.DataError, match="shape"):
        bm.calibration(fit.predict(fit.data.X), [1.0])
    assert "flatters" in bm.calibration(fit, fit.data).rows


def test_leaving_one_row_out_is_the_closed_form() -> None:
    """Least squares: the residual left out is r / (1 − h), whatever the fit's scale."""
    data = made(m=25, n=2)
    A, y = with_ones(data), np.asarray(data.y)
    hat = A @ np.linalg.pinv(A)
    press = np.mean(((y - hat @ y) / (1 - np.diag(hat))) ** 2)
    every = bm.cross_validate(bm.Model(), data, bm.MLE(), folds=25, rng=1)
    assert bm.risk(every).value == pytest.approx(press, rel=1e-9)
    assert bm.risk(bm.fit(bm.Model(), data, bm.MLE()), data).value == pytest.approx(
        np.mean((y - hat @ y) ** 2), rel=1e-9
    )


def test_every_row_is_left_out_once() -> None:
    data = made(m=23, n=2)
    result = bm.cross_validate(bm.Model(), data, folds=4, rng=1)
    np.testing.assert_array_equal(np.sort(result.rows), np.arange(23))
    np.testing.assert_array_equal(result.calibration.y, data.y[result.rows])
    for fold in result.folds:
        assert fold.fit.data.m == 23 - len(fold.rows)
        assert not set(fold.fit.data.y) & set(data.y[fold.rows])
    with pytest.raises(bm.DataError, match="folds"):
        bm.cross_validate(bm.Model(), data, folds=24)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_importance_sampling_agrees_with_leaving_out() -> None:
    data = made(m=40, n=2)
    fit = bm.fit(bm.Model(), data, rng=1)
    every = bm.cross_validate(bm.Model(), data, folds=40, rng=1)
    for loss in (bm.losses.SquaredError(), bm.losses.AbsoluteError(), bm.losses.PinballLoss(0.8)):
        exact, sampled = bm.risk(every, loss=loss), bm.risk(fit, loss=loss)
        assert sampled.value == pytest.approx(exact.value, rel=0.03)
        assert sampled.standard_error == pytest.approx(exact.standard_error, rel=0.1)
    with pytest.raises(bm.IncompatibleModelError, match="cross_validate"):
        bm.risk(fit, loss=bm.losses.ZeroOneLoss(1.0))
    with pytest.raises(bm.IncompatibleModelError, match="point estimate"):
        bm.risk(bm.fit(bm.Model(), data, bm.MLE()))


def test_risk_is_of_the_likelihoods_own_loss() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 1))
    rate = np.exp(0.5 + 0.3 * X[:, 0])
    cases = [
        (bm.Gaussian(), rate + rng.normal(size=200), bm.losses.SquaredError()),
        (bm.Poisson(), rng.poisson(rate), bm.losses.PoissonDeviance()),
        (bm.Bernoulli(), rng.random(200) < 0.4, bm.losses.CrossEntropy()),
        (bm.GammaResponse(), rng.gamma(2.0, rate), bm.losses.GammaDeviance()),
        (bm.AsymmetricLaplace(0.9), rate + rng.normal(size=200), bm.losses.PinballLoss(0.9)),
    ]
    for likelihood, y, loss in cases:
        data = bm.Data(X, np.asarray(y, dtype=float))
        model: bm.Model = bm.Model(likelihood=likelihood)  # type: ignore[arg-type]
        fit = bm.fit(model, data, bm.MLE())
        assert bm.risk(fit, data) == bm.risk(fit, data, loss)
        action = fit.predict(X).decide(loss)
        assert bm.risk(fit, data).value == pytest.approx(np.mean(loss(data.y, action)), rel=1e-12)
        other = bm.risk(fit, data, bm.losses.ZeroOneLoss(0.5))
        assert other.value != bm.risk(fit, data).value
        folds = bm.cross_validate(model, data, bm.MLE(), folds=5, rng=1)
        assert bm.risk(folds) == bm.risk(folds, loss=loss)


def test_deviances_are_twice_what_the_likelihood_falls_short() -> None:
    """Of the row's own best: Bernoulli's is zero, and its deviance twice the cross entropy."""
    y, a = np.array([0.0, 1.0, 7.0]), np.array([0.3, 1.7, 2.0])
    poisson = bm.Poisson()
    best = np.append(0.0, poisson.log_density(y[1:], np.log(y[1:]), {}))
    short = 2.0 * (best - poisson.log_density(y, np.log(a), {}))
    np.testing.assert_allclose(bm.losses.PoissonDeviance()(y, a), short, rtol=1e-13)
    gamma, at = bm.GammaResponse(), {"shape": 1.0}
    short = 2.0 * (gamma.log_density(a, np.log(a), at) - gamma.log_density(a, np.log(a + 1), at))
    np.testing.assert_allclose(bm.losses.GammaDeviance()(a, a + 1), short, rtol=1e-12)
    near = bm.losses.PoissonDeviance()(1e10, 1e10 + 1.0)
    assert near == pytest.approx(1.0 / (1e10 + 1 / 3), rel=1e-12)
    assert bm.losses.GammaDeviance()(1.0 + 2.0**-30, 1.0) == pytest.approx(2.0**-60, rel=2e-9)
    entropy = bm.losses.CrossEntropy()([1.0, 0.0, 1.0], [0.2, 0.2, 1.0])
    np.testing.assert_allclose(entropy, [-np.log(0.2), -np.log(0.8), 0.0], rtol=1e-15)
    assert bm.losses.CrossEntropy()(1.0, 0.0) == np.inf


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")
def test_leave_one_out_takes_losses_of_the_mean() -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(200, 1))
    data = bm.Data(X, rng.poisson(np.exp(1.0 + 0.4 * X[:, 0])).astype(float))
    model = bm.Model(likelihood=bm.Poisson())
    fit = bm.fit(model, data, bm.Laplace(), rng=1)
    every = bm.cross_validate(model, data, bm.MAP(), folds=200, rng=1)
    assert bm.risk(fit).value == pytest.approx(bm.risk(every).value, rel=0.02)


RATES = np.array([0.4, 2.23, 9.0, 300.0])


def counts(rates: np.ndarray) -> bm.Prediction:
    eta = np.log(np.column_stack([rates, 1.5 * rates]))
    distribution = row_mixture(
        len(rates), np.array([0.7, 0.3]), bm.Poisson(), lambda b: (eta[b], {})
    )
    return alone(distribution)


@pytest.mark.parametrize("y", [0.0, 3.0, 310.0, 5000.0])
def test_crps_of_counts_is_the_sum_over_all_of_them(y: float) -> None:
    k = np.arange(6000.0)
    below = 0.7 * stats.poisson.cdf(k, RATES[:, None])
    below += 0.3 * stats.poisson.cdf(k, 1.5 * RATES[:, None])
    truth = np.sum((below - (y <= k)) ** 2, axis=1)
    np.testing.assert_allclose(crps(counts(RATES), y), truth, rtol=1e-9)


def test_crps_of_yes_and_no_is_the_brier_score() -> None:
    share = np.array([0.1, 0.5, 0.8])
    eta = np.log(share / (1 - share))[:, None]
    forecast = alone(row_mixture(3, np.ones(1), bm.Bernoulli(), lambda b: (eta[b], {})))
    np.testing.assert_allclose(crps(forecast, [0, 1, 1]), (share - [0, 1, 1]) ** 2, rtol=1e-11)


def test_crps_of_a_million_is_that_of_a_normal() -> None:
    eta = np.log(np.array([[1e6]]))
    many = alone(row_mixture(1, np.ones(1), bm.Poisson(), lambda b: (eta[b], {})))
    normal = scoringrules.crps_normal(1_000_700.0, 1e6, 1e3, backend="numpy")
    assert crps(many, 1_000_700.0)[0] == pytest.approx(float(normal), rel=1e-3)


def test_counts_that_follow_their_predictions_are_calibrated(rng: np.random.Generator) -> None:
    rates = np.exp(rng.normal(0.0, 1.0, size=3000))
    y = np.where(rng.random(3000) < 0.7, rng.poisson(rates), rng.poisson(1.5 * rates))
    right = bm.calibration(counts(rates), y)
    assert right.passed
    assert stats.kstest(right.pit, "uniform").pvalue > 1e-3
    assert not bm.calibration(counts(1.2 * rates), y).passed
    again = bm.calibration(counts(rates), y)
    np.testing.assert_array_equal(right.pit, again.pit)
    other = bm.calibration(counts(rates), y, rng=5)
    assert np.all((other.pit >= 0) & (other.pit <= 1))
    assert np.any(other.pit != right.pit)
