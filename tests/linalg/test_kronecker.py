"""Kronecker factors against the dense matrix that they imply."""

import numpy as np
import pytest

from bayesml.errors import ConvergenceError, IncompatibleModelError
from bayesml.linalg.kronecker import KroneckerBlock, KroneckerFactors, _outer


def semidefinite(rng, size, rank):
    rows = rng.normal(size=(rank, size))
    return rows.T @ rows


@pytest.fixture
def problem(rng):
    """Two blocks that share the vector of parameters in no particular order, one of low rank."""
    order = rng.permutation(3 * 4 + 2)
    tables = order[:12].reshape(3, 4), order[12:].reshape(1, 2)
    factors = [(semidefinite(rng, 3, 2), semidefinite(rng, 4, 6)), (np.eye(1), np.eye(2) * 3)]
    precision, gram = np.empty(14), np.zeros((14, 14))
    for index, (G, A) in zip(tables, factors, strict=True):
        gram[np.ix_(index.ravel(), index.ravel())] = np.kron(G, A)
        precision[index] = rng.uniform(0.2, 5.0, index.shape[1])
    blocks = [KroneckerBlock.of(i, *f) for i, f in zip(tables, factors, strict=True)]
    return KroneckerFactors(tuple(blocks)), gram, precision


def test_everything_is_that_of_the_dense_matrix(problem, rng):
    factors, gram, precision = problem
    H = gram + np.diag(precision)
    inverse, regression = np.linalg.inv(H), factors.with_prior(precision)
    g, J = rng.normal(size=14), rng.normal(size=(2, 3, 14))
    np.testing.assert_allclose(regression.solve(g), inverse @ g, rtol=1e-10)
    np.testing.assert_allclose(regression.log_det, np.linalg.slogdet(H)[1], rtol=1e-12)
    np.testing.assert_allclose(regression.inverse_diagonal(), np.diag(inverse), rtol=1e-10)
    expected = np.einsum("kmp,pq,lmq->mkl", J, inverse, J)
    np.testing.assert_allclose(regression.covariance(J), expected, rtol=1e-9)
    draws = regression.sample(40_000, rng)
    np.testing.assert_allclose(np.cov(draws.T), inverse, atol=5 * np.max(inverse) / 200)
    np.testing.assert_allclose(factors.diagonal(), np.diag(gram), rtol=1e-10)


def test_rows_made_of_outer_products_are_as_any(problem, rng):
    factors, gram, precision = problem
    J = np.zeros((2, 5, 14))
    for block in factors.blocks:
        o, q = block.index.shape
        v = np.concatenate([rng.normal(size=(2, 5, q - 1)), np.ones((2, 5, 1))], axis=-1)
        J[..., block.index] = rng.normal(size=(2, 5, o))[..., None] * v[..., None, :]
    J[0, 1] = 0.0
    found = factors.with_prior(precision)
    expected = np.einsum("kmp,pq,lmq->mkl", J, np.linalg.inv(gram + np.diag(precision)), J)
    assert all(_outer(J[..., block.index]) is not None for block in factors.blocks)
    np.testing.assert_allclose(found.covariance(J), expected, rtol=1e-9)


def test_scaled_factors_are_a_multiple(problem):
    factors, gram, precision = problem
    expected = np.linalg.slogdet(3.7 * gram + np.diag(precision))[1]
    assert factors.scaled(3.7).with_prior(precision).log_det == pytest.approx(expected, rel=1e-12)


def test_priors_that_are_no_kronecker_product_are_refused(problem):
    factors, _, precision = problem
    with pytest.raises(ConvergenceError, match="proper prior"):
        factors.with_prior(np.zeros(14))
    precision[factors.blocks[0].index[1, 2]] *= 2
    with pytest.raises(IncompatibleModelError, match="every column"):
        factors.with_prior(precision)
