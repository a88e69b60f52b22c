"""The scikit-learn face keeps scikit-learn's contract, and says what the package says."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import bayesml as bm
from bayesml.sklearn import (
    BayesianClassifier,
    BayesianMLPClassifier,
    BayesianMLPRegressor,
    BayesianRegressor,
)
from tests.agreement.problems import made

SHORT = bm.NUTS(draws=100, tune=100, chains=2, progress=False)
STATED = bm.Training(start=bm.Start())
"""Without the race between starts, for networks whose face alone is tested."""


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    data = made(m=50, n=3)
    return np.asarray(data.X), np.asarray(data.y)


@pytest.mark.parametrize("method", [None, bm.Exact(), bm.MAP()], ids=repr)
def test_scikit_learns_own_checks_pass(method: object) -> None:
    results = check_estimator(BayesianRegressor(method=method), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r for r in results if r["status"] == "failed"] == []


@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")  # four units are few
@pytest.mark.filterwarnings("ignore::bayesml.errors.ModelWarning")
@pytest.mark.parametrize("method", [bm.Laplace(training=STATED), bm.MAP(training=STATED)], ids=repr)
def test_scikit_learns_own_checks_pass_for_networks(method: object) -> None:
    network = BayesianMLPRegressor(hidden_layer_sizes=(4,), method=method)
    results = check_estimator(network, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r for r in results if r["status"] == "failed"] == []


@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")  # audits of toy data
@pytest.mark.parametrize("method", [None, bm.MAP()], ids=repr)
def test_scikit_learns_own_checks_pass_for_classes(method: object) -> None:
    results = check_estimator(BayesianClassifier(method=method), on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r for r in results if r["status"] == "failed"] == []


@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::bayesml.errors.ModelWarning")
def test_scikit_learns_own_checks_pass_for_networks_of_classes() -> None:
    network = BayesianMLPClassifier(hidden_layer_sizes=(4,), method=bm.MAP(training=STATED))
    results = check_estimator(network, on_fail=None, on_skip=None)
    assert len(results) > 40
    assert [r for r in results if r["status"] == "failed"] == []


def test_counts_are_learned_by_their_likelihood() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = rng.poisson(np.exp(0.5 + X @ [0.4, -0.2]))
    estimator = BayesianRegressor(likelihood=bm.Poisson(), method=bm.Laplace()).fit(X, y)
    fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data(X, y), bm.Laplace())
    np.testing.assert_allclose(estimator.predict(X), fit.predict(X).mean, rtol=1e-12)
    with pytest.raises(ValueError, match="both stated"):
        BayesianRegressor(bm.Model(), bm.Poisson()).fit(X, y)


def test_classes_are_learned_with_their_probabilities() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 2))
    latent = X @ [1.0, -0.5] + rng.logistic(size=400)
    two, three = np.where(latent > 0, "yes", "no"), np.digitize(latent, [-1.0, 1.0])
    for y in (two, three):
        ours = BayesianClassifier(bm.Model(likelihood=_likelihood(y)), bm.MLE()).fit(X, y)
        theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y)
        assert list(ours.classes_) == list(theirs.classes_)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    by_laplace = BayesianClassifier(random_state=1).fit(X, three)
    np.testing.assert_allclose(by_laplace.predict_proba(X).sum(axis=1), 1.0, rtol=1e-12)


def _likelihood(y: np.ndarray) -> bm.Bernoulli | bm.Categorical:
    return bm.Bernoulli() if len(set(y.tolist())) == 2 else bm.Categorical()


def test_it_says_what_the_package_says(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    estimator = BayesianRegressor(bm.Model(), random_state=1).fit(X, y)
    fit = bm.fit(bm.Model(), bm.Data(X, y))
    p = fit.predict(X)
    mean, sd = estimator.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, p.mean)
    np.testing.assert_array_equal(sd, p.sd)
    np.testing.assert_array_equal(estimator.predict_interval(X, 0.8), np.transpose(p.interval(0.8)))
    np.testing.assert_array_equal(estimator.predict_quantiles(X, [0.1]).ravel(), p.quantile(0.1))
    drawn = estimator.sample_y(X, 4000)
    assert drawn.shape == (50, 4000)
    assert np.all(np.abs(drawn.mean(axis=1) - p.mean) < 4.5 * p.sd / np.sqrt(4000))


def test_least_squares_is_scikit_learns(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    w = np.linspace(0, 2, 50)
    ours = BayesianRegressor(method=bm.MLE()).fit(X, y, sample_weight=w)
    theirs = LinearRegression().fit(X, y, sample_weight=w)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


def test_coefficients_are_those_of_the_table(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    ours, theirs = BayesianRegressor(method=bm.MLE()).fit(X, y), LinearRegression().fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert ours.intercept_ == pytest.approx(theirs.intercept_)
    exact = BayesianRegressor(random_state=1).fit(X, y)
    table = exact.fit_.summary()
    assert exact.intercept_sd_ == table.loc["intercept", "sd"]
    np.testing.assert_array_equal(exact.coef_sd_, table["sd"].to_numpy()[1 : 1 + X.shape[1]])
    through_zero = BayesianRegressor(bm.Model(bm.Linear(intercept=False))).fit(X, y)
    assert (through_zero.intercept_, through_zero.intercept_sd_) == (0.0, 0.0)
    assert not hasattr(BayesianRegressor(), "coef_")
    network = BayesianRegressor(bm.Model(bm.MLP((2,))), method=bm.MAP(), random_state=1).fit(X, y)
    with pytest.raises(AttributeError, match=r"no coef_: MLP\(.* has not one weight a feature"):
        network.coef_  # noqa: B018
    chosen = SelectFromModel(BayesianRegressor(), max_features=1, threshold=-np.inf).fit(X, y)
    assert chosen.get_support().argmax() == np.abs(ours.coef_).argmax()


@pytest.mark.parametrize("classes", [2, 3])
def test_coefficients_of_classes_give_the_probabilities(
    classes: int, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    X, y = rows
    noisy = y + 3 * np.std(y) * np.random.default_rng(0).normal(size=len(y))
    k = np.digitize(noisy, np.quantile(noisy, [0.5] if classes == 2 else [0.3, 0.6]))
    ours = BayesianClassifier(method=bm.MAP()).fit(X, k)
    eta = X @ ours.coef_.T + ours.intercept_
    odds = np.exp(np.hstack([0 * eta, eta]) if classes == 2 else eta)
    np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), ours.predict_proba(X), rtol=1e-6)
    assert ours.coef_sd_.shape == ours.coef_.shape


def test_clones_pipelines_and_searches(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    robust = bm.Model(bm.Linear(), bm.StudentT(df=4.0))
    estimator = BayesianRegressor(robust, method=bm.MAP(), random_state=3)
    assert clone(estimator).get_params() == estimator.get_params()
    pipeline = make_pipeline(StandardScaler(), BayesianRegressor())
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.5
    grid = {"bayesianregressor__method": [bm.MLE(), bm.MAP(), bm.Exact()]}
    assert GridSearchCV(pipeline, grid, cv=3).fit(X, y).best_score_ > 0.5


def test_frames_give_names(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    estimator = BayesianRegressor().fit(frame, y)
    assert estimator.feature_names_in_.tolist() == ["a", "b", "c"]
    assert "weights[b]" in estimator.fit_.summary().index
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[["c", "b", "a"]])


@pytest.fixture(scope="module")
def waves() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.uniform(-2, 2, (120, 2)), columns=["a", "b"])
    return frame, np.asarray(np.sin(2 * frame["a"]) + 0.1 * rng.normal(size=120))


def test_a_network_says_what_the_package_says(waves: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = waves
    weights = np.tile([1.0, 2.0], 60)
    parts = (bm.ReLU(), bm.Gaussian(), bm.Layered(relevance=False), bm.Laplace())
    network = BayesianMLPRegressor((6,), *parts, random_state=2)
    network.fit(frame, y, sample_weight=weights)
    data = bm.Data(frame.to_numpy(), y, observation_weights=weights, feature_names=["a", "b"])
    model = bm.Model(bm.MLP((6,), bm.ReLU()), bm.Gaussian(), bm.Layered(relevance=False))
    p = bm.fit(model, data, bm.Laplace(), rng=network.fit_.seed).predict(frame)
    mean, sd = network.predict(frame, return_std=True)
    np.testing.assert_array_equal(mean, p.mean)
    np.testing.assert_array_equal(sd, p.sd)
    np.testing.assert_array_equal(network.predict_interval(frame), np.transpose(p.interval(0.9)))
    np.testing.assert_array_equal(network.predict_quantiles(frame, 0.1).ravel(), p.quantile(0.1))
    drawn = network.sample_y(frame, 2000)
    assert drawn.shape == (120, 2000)
    assert np.all(np.abs(drawn.mean(axis=1) - p.mean) < 4.5 * p.sd / np.sqrt(2000))


@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")  # few rows
def test_what_is_not_stated_of_a_network_is_the_default_of_the_package(
    waves: tuple[pd.DataFrame, np.ndarray],
) -> None:
    X, y = waves[0].to_numpy()[:40], waves[1][:40]
    cases = [
        (BayesianMLPRegressor(random_state=0), y, bm.Data(X, y)),
        (BayesianMLPClassifier(random_state=0), y > 0, bm.Data(X, np.where(y > 0, "1", "0"))),
    ]
    for network, target, data in cases:
        fit = network.fit(X, target).fit_
        seed = int(np.random.RandomState(0).randint(2**31 - 1))
        model, method = bm.default_network(data, seed)
        assert fit.model.predictor == model.predictor
        assert type(fit.model.likelihood) is type(model.likelihood)
        assert fit.method == method


@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")  # one unit learns little
def test_networks_clone_and_are_searched(waves: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = waves
    method = bm.MAP(training=STATED)
    network = BayesianMLPRegressor((3,), bm.SiLU(), method=method, random_state=0)
    assert clone(network).get_params() == network.get_params()
    pipeline = make_pipeline(StandardScaler(), network)
    sizes = {"bayesianmlpregressor__hidden_layer_sizes": [(1,), (10,)]}
    search = GridSearchCV(pipeline, sizes, cv=3).fit(frame, y)
    assert search.best_params_ == {"bayesianmlpregressor__hidden_layer_sizes": (10,)}
    assert search.best_score_ > 0.9
    first, second = (clone(network).fit(frame, y).predict(frame) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_network_refuses_what_is_not_its_own(waves: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, y = waves
    network = BayesianMLPRegressor((3,), method=bm.MAP(), random_state=0).fit(frame, y)
    assert network.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        network.predict(frame[["b", "a"]])
    with pytest.raises(bm.IncompatibleModelError, match=r"ReLU\(\), got 'relu'"):
        BayesianMLPRegressor(activation="relu").fit(frame, y)
    with pytest.raises(bm.IncompatibleModelError, match="Exact"):
        BayesianMLPRegressor((3,), method=bm.Exact()).fit(frame, y)


def test_nuts_learns_too(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = rows
    with pytest.warns(bm.ConvergenceWarning):  # so few draws
        estimator = BayesianRegressor(method=SHORT, random_state=0).fit(X, y)
    with pytest.warns(bm.ConvergenceWarning):
        assert estimator.score(X, y) > 0.5
