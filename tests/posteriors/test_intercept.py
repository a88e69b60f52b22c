"""The intercept far from the origin, where it is a small difference of large numbers (A7)."""

import mpmath as mp
import numpy as np
import pytest

import bayesml as bm


def with_sixty_digits(X, y, sds):
    """Mean and sd of (b, θ) at σ = 1 under Normal(0, sd) priors, from the normal equations."""
    with mp.workdps(60):
        A = mp.matrix(np.column_stack([np.ones(len(y)), X]).tolist())
        precision = A.T * A + mp.diag([1 / mp.mpf(sd) ** 2 for sd in sds])
        covariance = precision**-1
        mean = covariance * (A.T * mp.matrix(y.tolist()))
        return list(mean), [float(mp.sqrt(covariance[k, k])) for k in range(A.cols)]


@pytest.mark.parametrize("sd", [1e-3, 10.0, 1e4])
@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8])
def test_a_prior_at_the_original_origin_loses_no_digits(offset, sd):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 2)) + offset
    y = X @ [1.0, -2.0] + 3.0 + rng.normal(size=50)
    prior = bm.Independent(bm.Normal(0, 5.0), bm.Normal(0, sd), intercept_origin="original")
    fit = bm.fit(bm.Model(likelihood=bm.Gaussian(sigma=1.0), prior=prior), bm.Data(X, y))
    mean, sds = with_sixty_digits(X, y, [sd, 5.0, 5.0])
    found = fit.learned.posterior.marginals()
    means = [*found["intercept"].mean, *found["weights"].mean]
    for value, exact, unit in zip(means, mean, sds, strict=True):
        assert abs(float(value - exact)) < 1e-11 * unit
    assert np.allclose([*found["intercept"].sd, *found["weights"].sd], sds, rtol=1e-12)
