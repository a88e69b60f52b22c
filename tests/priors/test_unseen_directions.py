"""The default prior where the covariance of the features is singular, or there is little of it."""

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from tests.priors.dense import Matrix, agree, dense, made


def doubled() -> tuple[Matrix, Matrix]:
    data = made(20, 2)
    return np.asarray(data.X), data.y


@pytest.mark.parametrize("extra", ["twice", "sum", "empty", "constant"])
def test_a_column_that_adds_nothing_changes_nothing(extra: str) -> None:
    X, y = doubled()
    column = {"twice": 2.0 * X[:, 0], "sum": X.sum(axis=1)}.get(extra, np.full(20, 0.0))
    column = column + (3.0 if extra == "constant" else 0.0)
    more = bm.Data(np.column_stack([X, column]), y)
    alone = bm.fit(bm.Model(), bm.Data(X, y))
    if extra in ("empty", "constant"):
        with pytest.warns(bm.DataWarning, match="constant and tell nothing") as warned:
            fit = bm.fit(bm.Model(), more)
        assert len(warned) == 1
        sd = 2.5 * y.std(ddof=1) / (3.0 if extra == "constant" else 1.0)
        assert fit.summary()["sd"].iloc[3] == pytest.approx(sd, rel=1e-8)
    else:
        fit = bm.fit(bm.Model(), more)
    agree(alone.predict(X), fit.predict(more.X), 1e-8)
    assert fit.log_evidence == pytest.approx(alone.log_evidence, abs=1e-8)


def test_a_combination_that_no_row_shows_keeps_the_scale_of_one_column() -> None:
    """x and 2x: along (1, −1)/√2 of the standardised columns the data say nothing."""
    X, y = doubled()
    X = np.column_stack([X[:, 0], 2.0 * X[:, 0]])
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(X, y))
    centre, sd = X.mean(axis=0), X.std(axis=0, ddof=1)
    away = sd * np.array([1.0, -1.0]) / np.sqrt(2.0)
    at = fit.predict([centre, centre + away])
    level = at.epistemic_sd[0]
    assert at.mean[1] == pytest.approx(at.mean[0], rel=1e-8)
    expected = np.hypot(level, 2.5 * y.std(ddof=1))
    assert at.epistemic_sd[1] == pytest.approx(expected, rel=1e-8)


def test_more_columns_than_rows_are_answered() -> None:
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(10, 30)), rng.normal(size=10)
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(X, y))
    mean, sd, evidence = dense(X, y, 0.5, X)
    np.testing.assert_allclose(fit.predict(X).mean, mean, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fit.predict(X).epistemic_sd, sd, rtol=1e-7)
    assert fit.log_evidence == pytest.approx(evidence, abs=1e-6)
    assert np.all(np.isfinite(fit.summary().to_numpy()))
    scale = X.std(axis=0, ddof=1)
    unseen = np.linalg.svd((X - X.mean(axis=0)) / scale)[2][9:]
    at = fit.predict(np.vstack([X.mean(axis=0), X.mean(axis=0) + scale * unseen]))
    expected = np.hypot(at.epistemic_sd[0], 2.5 * y.std(ddof=1))
    np.testing.assert_allclose(at.epistemic_sd[1:], expected, rtol=1e-7)


def test_few_rows_a_direction_are_between_both_priors() -> None:
    """Six features in ten rows: λ = 1/3, by numpy's eigenvectors."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(10, 6)) @ rng.normal(size=(6, 6))
    y, new = X[:, 0] + rng.normal(size=10), rng.normal(size=(4, 6))
    at = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(X, y)).predict(new)
    mean, sd, _ = dense(X, y, 0.5, new)
    np.testing.assert_allclose(at.mean, mean, rtol=1e-7)
    np.testing.assert_allclose(at.epistemic_sd, sd, rtol=1e-7)


@pytest.mark.parametrize("level", [0.0, 5.0])
def test_cell_means_are_the_same_at_any_level_of_y(level: float) -> None:
    """A mean of y that is zero is a mean like any other."""
    frame = pd.DataFrame({"g": list("aabbbcc"), "y": [-2.0, -1.0, 1.0, 0.0, 2.0, 1.0, -1.0]})
    frame["y"] += level
    one, other = (
        bm.fit(bm.Model(), bm.Data.from_formula(f, frame)) for f in ("y ~ C(g)", "y ~ 0 + C(g)")
    )
    agree(one.predict(frame), other.predict(frame), 1e-10)
    assert other.log_evidence == pytest.approx(one.log_evidence, abs=1e-10)


def test_without_an_intercept_it_is_of_the_slopes() -> None:
    X, y = doubled()
    fit = bm.fit(bm.Model(bm.Linear(intercept=False), bm.Gaussian(0.5)), bm.Data(X, y))
    precision = np.cov(X.T) / (2.5 * y.std(ddof=1)) ** 2
    covariance = np.linalg.inv(X.T @ X / 0.25 + precision)
    np.testing.assert_allclose(fit.summary()["mean"], covariance @ X.T @ y / 0.25, rtol=1e-8)
    np.testing.assert_allclose(fit.summary()["sd"], np.sqrt(np.diag(covariance)), rtol=1e-8)


def test_without_features_it_is_of_the_level() -> None:
    y = made().y
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(0.5)), bm.Data(np.zeros((25, 0)), y))
    sd = 1.0 / np.sqrt(25 / 0.25 + (2.5 * y.std(ddof=1)) ** -2.0)
    table = fit.summary()
    assert table["mean"].iloc[0] == pytest.approx(y.mean(), rel=1e-12)
    assert table["sd"].iloc[0] == pytest.approx(sd, rel=1e-10)


def test_one_row_has_no_scale_unless_the_likelihood_states_it() -> None:
    with pytest.raises(bm.DataError, match="constant"):
        bm.fit(bm.Model(likelihood=bm.Gaussian(1.0)), bm.Data([[3.0]], [2.0]))
    with pytest.warns(bm.DataWarning, match="constant and tell nothing"):
        fit = bm.fit(bm.Model(likelihood=bm.Poisson()), bm.Data([[3.0]], [40.0]), bm.MAP())
    assert fit.summary()["std_error"].loc["weights[x0]"] == pytest.approx(2.5 / 3.0, rel=1e-6)


def test_a_weight_of_two_is_the_row_twice() -> None:
    X, y = doubled()
    w = np.arange(20) % 3.0
    at = np.repeat(np.arange(20), w.astype(int))
    weighted = bm.fit(bm.Model(), bm.Data(X, y, observation_weights=w))
    repeated = bm.fit(bm.Model(), bm.Data(X[at], y[at]))
    agree(repeated.predict(X), weighted.predict(X), 1e-8)
    assert weighted.log_evidence == pytest.approx(repeated.log_evidence, abs=1e-8)
