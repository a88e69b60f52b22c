"""The one regression, in both its forms, against dense textbook formulas."""

import numpy as np
import pytest

from bayesml.errors import ConvergenceError
from bayesml.linalg.regression import DualRegression, PrimalRegression, rows


def problem(rng, N, p):
    J, weights, precision = rng.normal(size=(N, p)), rng.uniform(0.1, 3, N), rng.uniform(0.5, 2, p)
    return J, weights, precision, J.T @ np.diag(weights) @ J + np.diag(precision)


@pytest.mark.parametrize(("N", "p", "form"), [(9, 4, PrimalRegression), (5, 8, DualRegression)])
def test_everything_is_that_of_the_dense_matrix(N, p, form, rng):
    J, weights, precision, H = problem(rng, N, p)
    regression = rows(J, weights).with_prior(precision)
    assert isinstance(regression, form)
    g, inverse = rng.normal(size=p), np.linalg.inv(H)
    new = rng.normal(size=(2, 3, p))
    np.testing.assert_allclose(regression.solve(g), inverse @ g, rtol=1e-10)
    np.testing.assert_allclose(regression.log_det, np.linalg.slogdet(H)[1], rtol=1e-12)
    np.testing.assert_allclose(regression.inverse_diagonal(), np.diag(inverse), rtol=1e-10)
    expected = np.einsum("kmp,pq,lmq->mkl", new, inverse, new)
    np.testing.assert_allclose(regression.covariance(new), expected, rtol=1e-9)
    draws = regression.sample(40_000, rng)
    np.testing.assert_allclose(np.cov(draws.T), inverse, atol=5 * np.max(inverse) / 200)


@pytest.mark.parametrize(("N", "p"), [(9, 4), (5, 8)])
@pytest.mark.parametrize("ratio", [True, False])
def test_reweighted_rows_are_rows_with_these_weights(N, p, ratio, rng):
    J, weights, precision, _ = problem(rng, N, p)
    other = 3.7 * weights if ratio else rng.uniform(1, 2, N)
    H = J.T @ np.diag(other) @ J + np.diag(precision)
    again = rows(J, weights).reweighted(other).with_prior(precision)
    np.testing.assert_allclose(again.log_det, np.linalg.slogdet(H)[1], rtol=1e-12)


def test_undetermined_parameters_without_a_prior_are_named(rng):
    J = np.column_stack([np.ones(5), np.ones(5)])
    with pytest.raises(ConvergenceError, match="not positive definite"):
        rows(J, np.ones(5)).with_prior(np.zeros(2))
