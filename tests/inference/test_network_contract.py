"""Every method on every likelihood: one face, saved and loaded to the last bit."""

import warnings

import numpy as np
import pandas as pd
import pytest

import bayesml as bm

STATED = bm.Training(start=bm.Start())
"""Which leaves out the race between starts: of the first method of several, it is run."""
METHODS = [
    bm.MLE(bm.Adam(max_iterations=50)),
    bm.MAP(bm.LBFGS(max_iterations=50)),
    bm.MAP(),
    bm.Laplace(training=STATED),
    bm.Laplace(curvature=bm.KroneckerFactored(), training=STATED),
    bm.Laplace(curvature=bm.LastLayer(), training=STATED),
    bm.Ensemble(2, bm.MAP(bm.SGD(epochs=3))),
    bm.Langevin(chains=2, steps=200, thin=5, start=bm.Start()),
    bm.Ensemble(2, (bm.Laplace(), bm.Langevin(chains=1, steps=200, thin=5))),
]
LIKELIHOODS = [
    bm.Gaussian(),
    bm.StudentT(),
    bm.HeteroscedasticGaussian(),
    bm.HeteroscedasticStudentT(),
]


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_face(method, likelihood, rng, tmp_path):
    frame = pd.DataFrame({"x": rng.normal(size=60), "g": rng.choice(list("abc"), 60)})
    frame["y"] = np.sin(2 * frame["x"]) + (frame["g"] == "b") + 0.2 * rng.normal(size=60)
    data = bm.Data.from_formula("y ~ x + g", frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        network = bm.MLP((4, 3), bm.SiLU(), skip=likelihood in LIKELIHOODS[1:3])
        fit = bm.fit(bm.Model(network, likelihood), data, method, rng=0)
        fit.save(tmp_path / "fit.nc")
        p, q = (one.predict(frame.head(5)) for one in (fit, bm.load(tmp_path / "fit.nc")))
    np.testing.assert_array_equal(p.mean, q.mean)
    np.testing.assert_array_equal(p.sd, q.sd)
    np.testing.assert_allclose(p.sd**2, p.epistemic_sd**2 + p.aleatoric_sd**2, rtol=1e-8)
    np.testing.assert_allclose(p.cdf(p.quantile(0.3)), 0.3, atol=1e-6)
    assert np.all(np.isfinite(p.log_prob(frame["y"].head(5))))
    assert p.sample(3, rng=0).shape == p.expectation.sample(3, rng=0).shape == (3, 5)
    tree = fit.to_datatree(log_likelihood=True, posterior_predictive=True, draws=4)
    assert tree["log_likelihood"]["y"].shape[2] == 60
    assert fit.kind in str(fit)
