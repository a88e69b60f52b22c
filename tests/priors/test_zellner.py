"""Zellner's g prior: posterior and evidence in closed form, by formulas of the literature."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

import bayesml as bm

Vector = np.ndarray[Any, Any]
M, P = 40, 3


def problem() -> tuple[Vector, Vector]:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(M, P)) @ [[1.0, 0.5, 0.0], [0.0, 1.0, 0.8], [0.0, 0.0, 2.0]] + [5.0, 0, 1]
    return X, 2.0 + X @ [0.5, -0.3, 0.2] + rng.normal(size=M)


def evidence(X: Vector, y: Vector, prior: bm.ZellnerG, sigma: float | None = None) -> float:
    model = bm.Model(likelihood=bm.Gaussian(sigma), prior=prior)
    value = bm.fit(model, bm.Data(X, y)).log_evidence
    assert isinstance(value, float)
    return value


def covariance(X: Vector, g: float, s_0: float) -> Vector:
    """Of y in units of σ²: I + s₀² 11ᵀ + g·(the projection onto the centred columns)."""
    Q = np.linalg.qr(X - X.mean(axis=0))[0]
    return np.eye(len(X)) + s_0**2 + g * Q @ Q.T


def test_the_evidence_is_that_of_the_dense_density() -> None:
    X, y = problem()
    V, mean = covariance(X, 7.0, 10.0), np.full(M, y.mean())
    known = stats.multivariate_normal(mean, 1.3**2 * V).logpdf(y)
    assert evidence(X, y, bm.ZellnerG(7.0, sigma=1.3), 1.3) == pytest.approx(known, rel=1e-11)
    inferred = stats.multivariate_t(mean, 2.0 / 1.5 * V, df=3.0).logpdf(y)
    assert evidence(X, y, bm.ZellnerG(7.0, None, 1.5, 2.0)) == pytest.approx(inferred, rel=1e-11)


@pytest.mark.parametrize("g", [1.0, float(M), 1e4])
def test_bayes_factors_are_those_of_liang_et_al(g: float) -> None:
    """Their equation 6, one row more for the intercept, which is proper here (Z14)."""
    X, y = problem()
    prior = bm.ZellnerG(g, None, 1e-9, 1e-9)

    def theirs(columns: Vector) -> float:
        A = np.column_stack([np.ones(M), columns])
        rest = y - A @ np.linalg.lstsq(A, y)[0]
        unexplained = float(rest @ rest) / float(np.sum((y - y.mean()) ** 2))
        n, p = M + 1, columns.shape[1]
        top = 0.5 * (n - p - 1) * np.log1p(g)
        return float(top - 0.5 * (n - 1) * np.log1p(g * unexplained))

    ours = evidence(X, y, prior) - evidence(X[:, :1], y, prior)
    assert ours == pytest.approx(theirs(X) - theirs(X[:, :1]), abs=1e-6)


def test_weights_shrink_by_a_part_of_g() -> None:
    X, y = problem()
    fit = bm.fit(bm.Model(prior=bm.ZellnerG()), bm.Data(X, y))
    least = bm.fit(bm.Model(), bm.Data(X, y), bm.MLE())
    assert fit.kind == "exact"
    shrunk = least.summary()["mean"].iloc[1 : P + 1] * M / (1.0 + M)
    np.testing.assert_allclose(fit.summary()["mean"].iloc[1 : P + 1], shrunk, rtol=1e-10)


def test_columns_of_one_space_have_one_evidence() -> None:
    X, y = problem()
    other = X @ [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]] + 4.0
    assert evidence(other, y, bm.ZellnerG()) == pytest.approx(evidence(X, y, bm.ZellnerG()))


def test_without_an_intercept_the_features_are_not_centred() -> None:
    X, y = problem()
    model = bm.Model(bm.Linear(intercept=False), bm.Gaussian(1.0), bm.ZellnerG(4.0, sigma=1.0))
    table = bm.fit(model, bm.Data(X, y)).summary()
    np.testing.assert_allclose(table["mean"], 0.8 * np.linalg.lstsq(X, y)[0], rtol=1e-10)


def test_map_and_laplace_learn_it_too() -> None:
    X, y = problem()
    model, data = bm.Model(prior=bm.ZellnerG()), bm.Data(X, y)
    gaussian = bm.fit(model, data, bm.Laplace(), rng=1)
    exact, point, laplace = (
        fit.summary()["mean"].iloc[: P + 1]
        for fit in (bm.fit(model, data), bm.fit(model, data, bm.MAP()), gaussian)
    )
    np.testing.assert_allclose(point, exact, rtol=1e-7)
    np.testing.assert_allclose(laplace, exact, rtol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bm.ZellnerG(g=-1.0), "g must be a positive number"),
        (lambda: bm.Model(likelihood=bm.Gaussian(2.0), prior=bm.ZellnerG()), "states the prior of"),
    ],
)
def test_wrong_numbers_are_named(make: Any, message: str) -> None:
    with pytest.raises(bm.IncompatibleModelError, match=message):
        make()


def test_collinear_columns_are_refused() -> None:
    X, y = problem()
    doubled = bm.Data(np.column_stack([X, X[:, 0]]), y)
    with pytest.raises(bm.IncompatibleModelError, match="4 columns only 3"):
        bm.fit(bm.Model(prior=bm.ZellnerG()), doubled)


def test_numbers_may_be_of_numpy() -> None:
    """Whatever counted relevant columns, or found a g, is a number too."""
    assert bm.ZellnerG(g=np.int64(3)) == bm.ZellnerG(g=3)
    assert bm.Horseshoe(relevant=np.float32(3)) == bm.Horseshoe(relevant=3)
    assert bm.Layered(sd=np.float64(1)) == bm.Layered(sd=1.0)
