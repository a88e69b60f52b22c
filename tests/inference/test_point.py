"""Point estimates of many rows, whose search starts at the optimum of a few of them."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.few_rows import MANY, ONE_IN


def newton(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Logistic regression by Newton's method, written out."""
    A, beta = np.column_stack([np.ones(len(X)), X]), np.zeros(X.shape[1] + 1)
    for _ in range(30):
        mu = 1.0 / (1.0 + np.exp(-A @ beta))
        beta = beta + np.linalg.solve(A.T @ (A * (mu * (1 - mu))[:, None]), A.T @ (y - mu))
    return beta


@pytest.mark.parametrize("misleading", ["none", "one class", "one value"])
def test_the_optimum_is_that_of_all_rows_whatever_the_few_say(misleading: str) -> None:
    rng = np.random.default_rng(3)
    m = MANY + 7
    X = rng.normal(size=(m, 2))
    y = (rng.random(m) < 1.0 / (1.0 + np.exp(1.0 - X @ [1.0, -0.5]))).astype(float)
    if misleading == "one class":
        y[::ONE_IN] = 1.0
    if misleading == "one value":
        X[::ONE_IN, 1] = 0.3
    fit = bm.fit(bm.Model(likelihood=bm.Bernoulli()), bm.Data(X, y), bm.MLE())
    np.testing.assert_allclose(fit.summary()["mean"], newton(X, y), atol=1e-10)
    assert fit.check().computed
