"""Networks against answers that are known: linear models, closed forms, their own definitions."""

import warnings

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.networks.mode import Recipe
from bayesml.inference.networks.search import find_mode
from bayesml.likelihoods import HeteroscedasticGaussian
from bayesml.optimizers import SGD, Adam, Constant, minimize
from bayesml.predictors import flat

FLAT = bm.MLP(hidden=())


@pytest.fixture
def linear_data(rng):
    X = rng.normal(size=(60, 3)) * [1, 10, 0.1] + [0, 5, 2]
    return bm.Data(X, X @ [1.0, 0.2, 3.0] + 4 + 0.5 * rng.normal(size=60))


@pytest.fixture
def wave(rng):
    X = rng.uniform(-2, 2, (80, 1))
    return bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=80))


def rows(rng):
    return rng.normal(size=(7, 3)) * [1, 10, 0.1] + [0, 5, 2]


def assert_same_prediction(a, b, rtol):
    np.testing.assert_allclose(a.mean, b.mean, rtol=rtol)
    np.testing.assert_allclose(a.sd, b.sd, rtol=rtol)
    np.testing.assert_allclose(a.epistemic_sd, b.epistemic_sd, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(a.quantile(0.1), b.quantile(0.1), rtol=rtol)


def by_columns(data):
    """What a network without hidden layers believes: its weights apart, each in its own unit."""
    unit, statistics = 2.5 * data.statistics.sd_y, data.statistics
    weights = bm.Normal(0, tuple(unit / statistics.sd_X))
    return bm.Independent(weights, bm.Normal(statistics.mean_y, unit))


def test_laplace_without_hidden_layers_is_the_exact_posterior(linear_data, rng):
    noise = bm.Gaussian(sigma=0.5)
    linear = bm.Model(bm.Linear(), noise, by_columns(linear_data))
    exact = bm.fit(linear, linear_data, bm.Exact(), rng=0)
    network = bm.fit(bm.Model(FLAT, noise), linear_data, bm.Laplace(), rng=0)
    assert network.log_evidence == pytest.approx(exact.log_evidence, abs=1e-9)
    X = rows(rng)
    assert_same_prediction(network.predict(X), exact.predict(X), 1e-8)


def test_evidence_is_the_density_of_the_targets(linear_data):
    """log p(y) from the m × m covariance of the targets themselves."""
    X, y, m = linear_data.X, linear_data.y, linear_data.m
    A = np.column_stack([np.ones(m), (X - X.mean(0)) / X.std(0, ddof=1)])
    statistics = bm.Model(FLAT).resolve(linear_data).statistics
    A[:, 1:] = (X - statistics.mean_X) / statistics.sd_X
    K = 0.5**2 * np.eye(m) + (2.5 * statistics.sd_y) ** 2 * A @ A.T
    r = y - statistics.mean_y
    expected = -0.5 * (m * np.log(2 * np.pi) + np.linalg.slogdet(K)[1] + r @ np.linalg.solve(K, r))
    network = bm.fit(bm.Model(FLAT, bm.Gaussian(sigma=0.5)), linear_data, bm.Laplace(), rng=0)
    assert network.log_evidence == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("sigma", [0.5, None])
def test_map_without_hidden_layers_is_ridge(linear_data, sigma, rng):
    noise = bm.Gaussian(sigma=sigma)
    linear = bm.Model(bm.Linear(), noise, by_columns(linear_data))
    ridge = bm.fit(linear, linear_data, bm.MAP(), rng=0)
    network = bm.fit(bm.Model(FLAT, noise), linear_data, bm.MAP(), rng=0)
    X = rows(rng)
    np.testing.assert_allclose(network.predict(X).mean, ridge.predict(X).mean, rtol=1e-8)
    np.testing.assert_allclose(network.predict(X).sd, ridge.predict(X).sd, rtol=1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [None, bm.LBFGS(tolerance=1e-7), bm.Adam(), bm.GradientDescent()],
    ids=lambda o: type(o).__name__,
)
def test_mle_without_hidden_layers_is_least_squares_by_every_optimizer(linear_data, optimizer, rng):
    ols = bm.fit(bm.Model(), linear_data, bm.MLE(), rng=0)
    network = bm.fit(bm.Model(FLAT), linear_data, bm.MLE(optimizer), rng=0)
    X = rows(rng)
    np.testing.assert_allclose(network.predict(X).mean, ols.predict(X).mean, rtol=1e-8)
    np.testing.assert_allclose(network.predict(X).sd, ols.predict(X).sd, rtol=1e-6)


def test_weights_of_rows_are_repetitions(linear_data, rng):
    times = rng.integers(1, 4, linear_data.m)
    X, y = linear_data.X, linear_data.y
    weighted = bm.Data(X, y, observation_weights=times.astype(float))
    repeated = bm.Data(np.repeat(X, times, axis=0), np.repeat(y, times))
    model = bm.Model(bm.MLP((2,)), bm.Gaussian(sigma=0.5), bm.Layered(sd=1.0))
    a, b = (bm.fit(model, data, bm.Laplace(), rng=3) for data in (weighted, repeated))
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-3)
    X = rows(rng)
    assert_same_prediction(a.predict(X), b.predict(X), 1e-3)


def test_units_of_the_data_do_not_matter(wave):
    scaled = bm.Data(1000 * wave.X + 5, 0.01 * wave.y - 3)
    model = bm.Model(bm.MLP((6,)))
    a, b = (bm.fit(model, data, bm.Laplace(), rng=1) for data in (wave, scaled))
    X = np.linspace(-3, 3, 9)[:, None]
    p, q = a.predict(X), b.predict(1000 * X + 5)
    np.testing.assert_allclose(q.mean, 0.01 * p.mean - 3, atol=1e-6)
    np.testing.assert_allclose(q.sd, 0.01 * p.sd, rtol=1e-4)


def test_dual_form_gives_the_same_answer_as_the_primal(wave):
    """Half the rows twice over is the whole set with weight one half: N < p against N > p."""
    few = bm.Data(wave.X[:30], wave.y[:30])
    twice = bm.Data(
        np.repeat(few.X, 4, axis=0), np.repeat(few.y, 4), observation_weights=np.full(120, 0.25)
    )
    model = bm.Model(bm.MLP((15,)), bm.Gaussian(sigma=0.1), bm.Layered(sd=1.0))
    a, b = (bm.fit(model, data, bm.Laplace(), rng=1) for data in (few, twice))
    X = np.linspace(-3, 3, 9)[:, None]
    assert a.log_evidence == pytest.approx(b.log_evidence, abs=1e-4)
    assert_same_prediction(a.predict(X), b.predict(X), 1e-3)


def test_mode_is_stationary_and_first_order_optimizers_find_one_as_good(wave):
    model = bm.Model(bm.MLP((5,)), bm.Gaussian(sigma=0.1), bm.Layered(sd=1.0))
    problem = model.resolve(wave)
    by_regression = find_mode(problem, np.random.default_rng(0), Recipe())
    by_lbfgs = find_mode(problem, np.random.default_rng(0), Recipe(bm.LBFGS(), tune=False))
    assert by_regression.gradient_norm < 1e-3
    assert by_regression.point.value <= by_lbfgs.point.value + 0.1


def test_evidence_at_its_best_is_flat_in_every_scale(wave):
    """MacKay's updates stop where the evidence, with its hyperprior, is stationary."""
    problem = bm.Model(FLAT, bm.Gaussian(), bm.Layered()).resolve(wave)
    mode = find_mode(problem, np.random.default_rng(0), Recipe())
    judge = mode.setting.hyperprior

    def total(log_alpha, log_sigma):
        from bayesml.inference.networks.scales import NetworkScales, log_evidence
        from bayesml.optimizers import LevenbergMarquardt

        scales = NetworkScales(np.exp(log_alpha), {"sigma": float(np.exp(log_sigma))})
        objective = judge.objective(mode.setting.rows, mode.setting.near, scales)
        x = minimize(LevenbergMarquardt(), objective, mode.x).x
        point = objective.parabola(x)
        evidence = log_evidence(mode.setting.rows, point, scales, point.regression().log_det)
        return evidence + judge.log_density(scales)

    alpha, sigma = np.log(mode.scales.precision), np.log(mode.scales.values["sigma"])
    h = 1e-3
    for k in range(len(alpha)):
        e = h * np.eye(len(alpha))[k]
        assert abs(total(alpha + e, sigma) - total(alpha - e, sigma)) / (2 * h) < 0.05
    assert abs(total(alpha, sigma + h) - total(alpha, sigma - h)) / (2 * h) < 0.05


def test_an_input_that_does_not_matter_is_switched_off(rng):
    X = rng.normal(size=(200, 3))
    data = bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=200))
    sd = bm.fit(bm.Model(bm.MLP((10,))), data, bm.Laplace(), rng=0).diagnostics
    assert sd["prior_sd weights_1[x0]"] > 4 * sd["prior_sd weights_1[x1]"]
    assert sd["prior_sd weights_1[x0]"] > 4 * sd["prior_sd weights_1[x2]"]


@pytest.mark.filterwarnings("ignore:Checks of this fit:bayesml.ConvergenceWarning")  # k̂ of 0.68
@pytest.mark.filterwarnings("ignore:This prediction comes:bayesml.ConvergenceWarning")
def test_noise_that_grows_is_found(rng):
    X = rng.uniform(-2, 2, (400, 1))
    sd = np.exp(0.7 * X[:, 0] - 1.5)
    data = bm.Data(X, np.sin(2 * X[:, 0]) + sd * rng.normal(size=400))
    model = bm.Model(bm.MLP((10,)), HeteroscedasticGaussian())
    fit = bm.fit(model, data, bm.Laplace(), rng=0)
    new = np.linspace(-1.8, 1.8, 7)[:, None]
    p = fit.predict(new)
    np.testing.assert_allclose(np.log(p.aleatoric_sd), 0.7 * new[:, 0] - 1.5, atol=0.35)
    np.testing.assert_allclose(p.sd**2, p.epistemic_sd**2 + p.aleatoric_sd**2, rtol=1e-9)
    z = p.sample(40_000, rng=1)
    np.testing.assert_allclose(z.std(0), p.sd, rtol=0.08)


@pytest.mark.filterwarnings("ignore:Checks of this fit:bayesml.ConvergenceWarning")  # k̂ of 0.72
@pytest.mark.filterwarnings("ignore:This prediction comes:bayesml.ConvergenceWarning")
def test_predictive_agrees_with_draws_from_the_linearised_network(wave):
    fit = bm.fit(bm.Model(bm.MLP((6,)), HeteroscedasticGaussian()), wave, bm.Laplace(), rng=0)
    p, y = fit.predict([[0.3], [2.5]]), np.array([0.5, -0.4])
    posterior = fit.learned.posterior
    draws = posterior.draws(1, 40_000, np.random.default_rng(0))
    eta = posterior.eta(draws, np.array([[0.3], [2.5]]))[:, 0]
    density = np.exp(HeteroscedasticGaussian().log_density(y, eta, {}))
    error = density.std(axis=0) / np.sqrt(len(density))
    assert np.all(np.abs(np.exp(p.log_prob(y)) - density.mean(axis=0)) < 4.5 * error)
    np.testing.assert_allclose(p.expectation.sd, eta[0].std(axis=0), rtol=0.03)


@pytest.mark.parametrize("member", [bm.MAP(), bm.Laplace()], ids=lambda m: type(m).__name__)
def test_an_ensemble_of_one_is_its_member(wave, member):
    model = bm.Model(bm.MLP((4,)))
    ensemble = bm.fit(model, wave, bm.Ensemble(1, member), rng=5)
    problem = model.resolve(wave)
    alone = member.learn(problem, np.random.default_rng(5).spawn(1)[0]).posterior
    X = np.linspace(-3, 3, 5)[:, None]
    p, q = ensemble.predict(X), alone.predict(X)
    np.testing.assert_array_equal(p.mean, q.mean)
    np.testing.assert_array_equal(p.sd, q.sd)
    np.testing.assert_array_equal(p.log_prob(0.2), q.log_prob(0.2))


def test_an_ensemble_is_the_equal_mixture(wave):
    fit = bm.fit(bm.Model(bm.MLP((4,))), wave, bm.Ensemble(3, bm.Laplace()), rng=5)
    X = np.linspace(-3, 3, 5)[:, None]
    p, each = fit.predict(X), [m.predict(X) for m in fit.learned.posterior.members]
    np.testing.assert_allclose(p.mean, np.mean([q.mean for q in each], axis=0))
    density = np.mean([np.exp(q.log_prob(0.2)) for q in each], axis=0)
    np.testing.assert_allclose(np.exp(p.log_prob(0.2)), density)
    np.testing.assert_allclose(p.sd**2, p.epistemic_sd**2 + p.aleatoric_sd**2)
    np.testing.assert_allclose(p.sample(60_000, rng=1).std(0), p.sd, rtol=0.03)


@pytest.mark.parametrize("optimizer", [Adam(max_iterations=30), SGD(0.05, epochs=3, batch_size=16)])
def test_members_trained_at_once_are_members_trained_alone(wave, optimizer):
    from bayesml.inference.networks.mode import joint_objective
    from bayesml.inference.networks.starts import setting_of
    from bayesml.log_joint import Members

    setting = setting_of(bm.Model(bm.MLP((4, 3)), bm.StudentT(df=5.0)).resolve(wave))
    network, shapes = setting.network, setting.shapes
    starts = flat.join(network.start(1, np.random.default_rng(0), (3,)), shapes)
    single = joint_objective(setting, setting.rows)
    x = np.hstack([starts, np.zeros((3, 1))])
    batched = Members(single, 3)
    together = [
        s.x for s in _few(optimizer.steps(batched, x.ravel(), rng=np.random.default_rng(1)))
    ]
    for k in range(3):
        alone = [s.x for s in _few(optimizer.steps(single, x[k], rng=np.random.default_rng(1)))]
        np.testing.assert_allclose(together[-1].reshape(3, -1)[k], alone[-1], rtol=1e-9, atol=1e-10)


def _few(states):
    from itertools import islice

    return list(islice(states, 4))


def test_early_stopping_keeps_the_step_with_the_best_held_out_likelihood(rng):
    X = rng.normal(size=(40, 2))
    data = bm.Data(X, X[:, 0] + rng.normal(size=40))
    model = bm.Model(bm.MLP((20,)), bm.Gaussian(sigma=1.0))
    new = rng.normal(size=(500, 2))
    error = {}
    for held in (0.0, 0.25):
        method = bm.MLE(Adam(max_iterations=1500), bm.Training(held_out=held))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", bm.ConvergenceWarning)
            mean = bm.fit(model, data, method, rng=1).predict(new).mean
        error[held] = np.mean((mean - new[:, 0]) ** 2)
    assert error[0.25] < 0.7 * error[0.0]


def test_restarts_keep_the_best(wave):
    model = bm.Model(bm.MLP((3,)), bm.Gaussian(sigma=0.1))
    one = bm.fit(model, wave, bm.Laplace(), rng=2)
    many = bm.fit(model, wave, bm.Laplace(training=bm.Training(restarts=4)), rng=2)
    assert many.log_evidence >= one.log_evidence
    assert "best of 4 restarts" in many.explanation


def test_divergence_is_an_error_that_names_step_and_remedy(wave):
    method = bm.MLE(SGD(1e6, epochs=50, schedule=Constant()))
    with pytest.raises(bm.ConvergenceError, match=r"step \d+.*learning_rate"):
        bm.fit(bm.Model(bm.MLP((5,)), bm.Gaussian(sigma=1.0)), wave, method, rng=0)


def test_an_unconverged_mode_is_said(wave):
    method = bm.MAP(bm.LevenbergMarquardt(max_iterations=6))
    with pytest.warns(bm.ConvergenceWarning, match="max_iterations"):
        bm.fit(bm.Model(bm.MLP((8,))), wave, method, rng=0)


@pytest.mark.parametrize(
    ("model", "method", "complaint"),
    [
        (bm.Model(), bm.Laplace(curvature=bm.LastLayer()), "of a network's layers"),
        (bm.Model(FLAT, bm.Gaussian(), bm.Flat()), bm.Laplace(), "proper prior"),
        (bm.Model(bm.MLP(), prior=bm.Independent()), bm.MAP(), "Layered"),
        (bm.Model(bm.MLP(), prior=bm.NormalInverseGamma()), bm.MAP(), "Layered"),
        (bm.Model(bm.MLP()), bm.Exact(), "not Linear"),
        (bm.Model(bm.Linear(), HeteroscedasticGaussian()), bm.MLE(), "one output"),
    ],
)
def test_what_does_not_fit_together_is_refused(wave, model, method, complaint):
    with pytest.raises(bm.errors.IncompatibleModelError, match=complaint):
        bm.fit(model, wave, method, rng=0)


def test_a_network_is_saved_and_loaded_to_the_last_bit(wave, tmp_path):
    method = bm.Ensemble(2, bm.Laplace())
    fit = bm.fit(bm.Model(bm.MLP((4,)), HeteroscedasticGaussian()), wave, method, rng=5)
    fit.save(tmp_path / "fit.nc")
    again, X = bm.load(tmp_path / "fit.nc"), [[0.1], [4.0]]
    np.testing.assert_array_equal(again.predict(X).mean, fit.predict(X).mean)
    np.testing.assert_array_equal(again.predict(X).sd, fit.predict(X).sd)


@pytest.mark.parametrize("skip", [False, True])
def test_the_last_layer_is_exact_regression_on_the_features(wave, skip):
    """Against the linear model of the package, given the features of the mode."""
    model = bm.Model(bm.MLP((6,), skip=skip), bm.Gaussian(sigma=0.1), bm.Layered(sd=1.0))
    fit = bm.fit(model, wave, bm.Laplace(curvature=bm.LastLayer()), rng=0)
    posterior, X = fit.learned.posterior, np.linspace(-3, 3, 9)[:, None]
    network, sd_y = posterior.network, model.resolve(wave).statistics.sd_y
    F, new = (network.features(posterior.mode, A) for A in (wave.X, X))
    prior = bm.Independent(bm.Normal(0, sd_y), bm.Normal(wave.y.mean(), sd_y), "original")
    linear = bm.Model(bm.Linear(), bm.Gaussian(sigma=0.1), prior)
    exact = bm.fit(linear, bm.Data(F, wave.y), bm.Exact(), rng=0)
    assert fit.log_evidence == pytest.approx(exact.log_evidence, abs=1e-6)
    assert_same_prediction(fit.predict(X), exact.predict(new), 1e-7)


def test_a_printed_network_is_short_and_its_summary_whole(wave):
    fit = bm.fit(bm.Model(bm.MLP((30,))), wave, bm.Laplace(), rng=5)
    assert len(fit.summary()) == 92
    assert len(str(fit).split("\n")) < 25
    assert "79 more of the network's" in str(fit)
    assert "sigma" in str(fit)


def test_datatree_has_the_dims_of_a_network_and_the_likelihood_of_the_linearised_one(wave):
    fit = bm.fit(bm.Model(bm.MLP((4,))), wave, bm.Laplace(), rng=5)
    tree = fit.to_datatree(log_likelihood=True, draws=50)
    assert tree["posterior"]["weights_1"].dims == ("chain", "draw", "unit_1", "feature")
    assert tree["posterior"]["biases_2"].dims == ("chain", "draw", "output")
    mean = float(tree["log_likelihood"]["y"].mean("chain").mean("draw").sum())
    assert mean > float(fit.predict(wave.X).log_prob(wave.y).sum()) - 30


def test_the_default_learns_a_network_by_modes_and_chains():
    X = np.linspace(-1, 1, 30)[:, None]
    data = bm.Data(X, np.sin(3 * X[:, 0]))
    method = bm.Auto(network=bm.Laplace())
    fit = bm.fit(bm.Model(bm.MLP(hidden=(3,)), bm.Gaussian(sigma=0.1)), data, method, rng=1)
    assert fit.explanation.startswith("Auto chose Laplace(): ")
