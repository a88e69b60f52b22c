"""The curvature added up over rows against that of the whole Jacobian."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.networks import memory
from bayesml.inference.networks.accumulated import accumulated
from bayesml.inference.networks.local import around, linearised
from bayesml.inference.networks.starts import setting_of
from bayesml.predictors import flat


@pytest.mark.parametrize("likelihood", [bm.Gaussian(), bm.HeteroscedasticStudentT()], ids=repr)
def test_it_is_that_of_the_jacobian(likelihood, rng):
    X = rng.normal(size=(1300, 2))
    data = bm.Data(X, X[:, 0] + rng.normal(size=1300))
    setting = setting_of(bm.Model(bm.MLP((3,)), likelihood).resolve(data))
    x = rng.normal(size=flat.size(setting.shapes))
    one, other = (
        around(setting.rows, near, x, setting.scales.values) for near in (linearised, accumulated)
    )
    precision, score = np.full(len(x), 0.3), rng.normal(size=one.eta.size)
    lower = np.tril_indices(len(x))
    np.testing.assert_allclose(other.gram[lower], one.gram[lower], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.pulled(score), one.pulled(score), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.solve(x, precision), one.solve(x, precision), rtol=1e-7)
    np.testing.assert_allclose(other.diagonal(), one.diagonal(), rtol=1e-9)
    twice = rng.exponential(size=one.eta.size)
    np.testing.assert_allclose(
        other.reweighted(twice).solve(x, precision),
        one.reweighted(twice).solve(x, precision),
        rtol=1e-7,
    )


def test_a_fit_without_room_for_the_jacobian_is_the_fit_with_it(rng, monkeypatch):
    X = rng.normal(size=(200, 2))
    data = bm.Data(X, X[:, 0] + 0.3 * rng.normal(size=200))
    method = bm.Laplace(training=bm.Training(start=bm.Start()))
    model = bm.Model(bm.MLP((3,)), bm.Gaussian())
    whole = bm.fit(model, data, method, rng=0)
    monkeypatch.setattr(memory, "MEMORY", 20_000)  # bytes, of which the Jacobian alone takes more
    other = bm.fit(model, data, method, rng=0)
    assert "full generalised Gauss-Newton" in other.explanation
    assert "pareto_k" in whole.diagnostics
    assert "pareto_k" not in other.diagnostics
    np.testing.assert_allclose(other.predict(X).mean, whole.predict(X).mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(other.predict(X).sd, whole.predict(X).sd, rtol=1e-5)
