"""Which noise the default network is given, and noise that is none."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.networks.scales import EXACT


def chosen(X, y):
    return bm.default_network(bm.Data(X, y), rng=0).model.likelihood


def test_a_target_without_noise_is_given_what_rows_held_out_are_missed_by():
    X = np.random.default_rng(0).uniform(-2, 2, (60, 1))
    y = np.sin(2 * X[:, 0])
    likelihood = chosen(X, y)
    assert isinstance(likelihood, bm.Gaussian)
    assert likelihood.sigma is not None
    assert 1e-3 <= likelihood.sigma / np.std(y) < 0.05


def test_a_scale_is_predicted_where_rows_are_many_for_their_columns():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 4))
    y = X[:, 0] + np.exp(X[:, 0]) * rng.normal(size=80)
    assert isinstance(chosen(X[:, :1], y), bm.HeteroscedasticStudentT)
    alike = chosen(X[:79], y[:79])
    assert isinstance(alike, bm.Gaussian)
    assert alike.sigma is None


def test_a_row_that_repeats_is_not_told_exactly():
    rng = np.random.default_rng(2)
    x = np.append(np.zeros(20), rng.normal(size=60))
    assert isinstance(chosen(x[:, None], x * rng.normal(size=80)), bm.Gaussian)


@pytest.mark.parametrize("likelihood", [bm.Gaussian(), bm.HeteroscedasticGaussian()], ids=repr)
def test_rows_told_exactly_are_refused_unless_the_noise_is_stated(likelihood):
    X = np.repeat(np.linspace(-1, 1, 6), 10)[:, None]
    data = bm.Data(X, np.sin(3 * X[:, 0]))
    with pytest.raises(bm.ImproperPosteriorError, match=r"State .* Gaussian\(sigma="):
        bm.fit(bm.Model(bm.MLP((8,)), likelihood), data, bm.Laplace(), rng=0)
    told = bm.Gaussian(sigma=0.1 * EXACT)
    fit = bm.fit(bm.Model(bm.MLP((8,)), told), data, bm.Laplace(), rng=0)
    np.testing.assert_allclose(fit.predict(X).mean, data.y, atol=1e-3)
