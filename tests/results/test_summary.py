"""The table's moments are those of the draws, for every kind of answer that has a distribution."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.predictors import Network
from tests.agreement.problems import made

NETWORK = bm.Model(bm.MLP(hidden=(3,)), bm.Gaussian(sigma=0.3))
LEARNT = bm.Model(bm.MLP(hidden=(3,)))
CASES: dict[str, tuple[bm.Model, Any]] = {
    "exact": (bm.Model(), bm.Exact()),
    "known": (bm.Model(bm.Linear(), bm.Gaussian(2.0)), bm.Exact()),
    "conjugate": (bm.Model(prior=bm.NormalInverseGamma(0, 5, 6, 2)), bm.Exact()),
    "nuts": (bm.Model(), bm.NUTS(draws=400, tune=300, progress=False)),
    "laplace": (NETWORK, bm.Laplace(curvature=bm.FullCurvature())),
    "tuned noise": (LEARNT, bm.Laplace(curvature=bm.FullCurvature())),
    "last layer": (LEARNT, bm.Laplace(curvature=bm.LastLayer())),
    "ensemble of MAP": (NETWORK, bm.Ensemble(4, bm.MAP())),
    "ensemble of MLE": (NETWORK, bm.Ensemble(4, bm.MLE())),
    "ensemble of Adam": (NETWORK, bm.Ensemble(3, bm.MAP(bm.Adam(max_iterations=300)))),
    "ensemble of Laplace": (LEARNT, bm.Ensemble(3, bm.Laplace(curvature=bm.FullCurvature()))),
    "mixed ensemble": (
        NETWORK,
        bm.Ensemble(2, (bm.Laplace(curvature=bm.FullCurvature()), bm.MAP())),
    ),
}


def learned(name: str) -> bm.Fit:
    model, method = CASES[name]
    X = np.linspace(-2, 2, 30)[:, None]
    data = bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * np.cos(40 * X[:, 0]))
    linear = made(m=40, n=2)
    network = isinstance(model.predictor, Network)
    return bm.fit(model, data if network else linear, method, rng=3)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::bayesml.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::bayesml.errors.ApproximationWarning")
def test_the_table_has_the_moments_of_the_draws(name: str) -> None:
    fit = learned(name)
    table = fit.summary()
    rows = fit.learned.posterior.marginals()
    draws = fit.draws(4, 4000)
    flat = [draws[k].reshape(draws[k].shape[0] * draws[k].shape[1], -1) for k in rows]
    found = np.hstack(flat)
    mean, sd = found.mean(axis=0), found.std(axis=0)
    unit = np.maximum(sd, 1e-9 * np.maximum(np.abs(mean), 1.0))
    assert np.all(np.abs(table["mean"] - mean) < 0.05 * unit)
    np.testing.assert_allclose(table["sd"], sd, rtol=0.05, atol=1e-9)


def test_a_point_estimate_has_a_standard_error_and_no_sd() -> None:
    fit = bm.fit(bm.Model(), made(m=40, n=2), bm.MLE())
    assert list(fit.summary().columns) == ["mean", "std_error", "5%", "95%"]
    marginals = fit.learned.posterior.marginals()
    assert all(np.all(m.sd == 0.0) for m in marginals.values())
    assert "std. error" in repr(fit)


def test_a_comparison_keeps_both_apart() -> None:
    data = made(m=40, n=2)
    fits = {"ols": bm.fit(bm.Model(), data, bm.MLE()), "exact": bm.fit(bm.Model(), data)}
    columns = bm.compare(fits).estimates().columns
    assert isinstance(columns, pd.MultiIndex)
    assert ("ols", "std_error") in columns
    assert ("exact", "sd") in columns
