"""Mean and factor of centred rows against sixty digits, on every path (A1)-(A4)."""

import mpmath as mp
import numpy as np
import pytest

from bayesml.linalg import centred
from bayesml.linalg.centred import CHOLESKY_QR_SAFE, GRAM_SAFE, centred_factor

EPS = np.finfo(np.float64).eps


def rows(condition, shift, m=300, n=3):
    """Columns of the given condition number about means of `shift` standard deviations."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(m, n))
    X[:, -1] = X[:, 0] + X[:, -1] / condition
    return X + shift, rng.normal(size=m) + shift


def exactly(X, y, w):
    with mp.workdps(60):
        A = mp.matrix(np.column_stack([X, y]).tolist())
        weights = [mp.mpf(1)] * len(y) if w is None else [mp.mpf(float(v)) for v in w]
        p, total = A.cols, mp.fsum(weights)
        mean = [mp.fsum(v * A[i, j] for i, v in enumerate(weights)) / total for j in range(p)]
        gram = mp.matrix(p, p)
        for j in range(p):
            for k in range(p):
                gram[j, k] = mp.fsum(
                    v * (A[i, j] - mean[j]) * (A[i, k] - mean[k]) for i, v in enumerate(weights)
                )
        return mean, mp.cholesky(gram).T


def error(R, exact):
    """Return ‖R̂ R⁻¹ − I‖, the error in the metric of the factor itself."""
    with mp.workdps(60):
        return float(mp.mnorm(mp.matrix(R.tolist()) * exact**-1 - mp.eye(len(R)), "f"))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shift", [0.0, 3.0, 1e6])
@pytest.mark.parametrize("condition", [2.0, 60.0, 1e4, 1e6, 1e9])
def test_every_path_keeps_the_digits_it_promises(condition, shift, weighted):
    X, y = rows(condition, shift)
    w = np.random.default_rng(1).uniform(0.0, 3.0, size=len(y)) if weighted else None
    mean, R_exact = exactly(X, y, w)
    found = centred_factor(X, y, w)
    norms = np.linalg.norm(R := np.array(R_exact.tolist(), dtype=float), axis=0)
    kappa = np.linalg.cond(R / norms)
    growth = kappa**2 if kappa < GRAM_SAFE else kappa
    assert error(found.R, R_exact) < 10 * growth * EPS
    for j, sd in enumerate(norms / np.sqrt(len(y))):
        with mp.workdps(60):
            away = mp.mpf(float(found.mean[j])) + mp.mpf(float(found.mean_error[j])) - mean[j]
        assert abs(float(away)) < 10 * EPS * sd


def test_a_gram_matrix_alone_would_not_do(monkeypatch):
    X, y = rows(1e6, 0.0)
    _, R_exact = exactly(X, y, None)
    monkeypatch.setattr(centred, "GRAM_SAFE", CHOLESKY_QR_SAFE)
    assert error(centred_factor(X, y, None).R, R_exact) > 1e4 * 1e6 * EPS


def test_sorted_rows_are_centred_all_the_same():
    """The first rows are far from the mean: here the moments about theirs lose digits (A2)."""
    X = np.sort(np.random.default_rng(2).standard_cauchy(size=(200_000, 1)), axis=0)
    y = X[:, 0] + np.random.default_rng(3).normal(size=len(X))
    order = np.random.default_rng(4).permutation(len(X))
    one, other = centred_factor(X, y, None), centred_factor(X[order], y[order], None)
    assert np.allclose(one.R, other.R, rtol=1e-11, atol=0.0)


def test_rows_are_copied_a_chunk_at_a_time():
    import tracemalloc

    X, y = np.random.default_rng(5).normal(size=(400_000, 10)), np.zeros(400_000)
    y[::2] = 1.0
    tracemalloc.start()
    centred_factor(X, y, None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 10
