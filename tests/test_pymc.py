"""Models to PyMC and back: the uncompiled likelihood, and traces that become fits."""

from typing import Any

import numpy as np
import pytest

import bayesml as bm
from bayesml.graphs.model import build
from bayesml.graphs.row_sum import build_of_row_sum
from bayesml.pymc import from_pymc, to_pymc


def rows(m: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(m, 2)) + 3.0
    return X, X @ [0.5, -0.3] + rng.standard_t(5, m)


CASES = {
    "statistics": lambda: (bm.Model(), bm.Data(*rows())),
    "rows": lambda: (bm.Model(likelihood=bm.StudentT()), bm.Data(*rows())),
    "known": lambda: (bm.Model(likelihood=bm.StudentT(df=4.0)), bm.Data(*rows())),
    "weighted": lambda: (
        bm.Model(likelihood=bm.StudentT()),
        bm.Data(*rows(), observation_weights=np.arange(40.0)),
    ),
    "two predictors": lambda: (
        bm.Model(),
        bm.Data(*rows(), predictors={"sigma": rows()[0][:, :1]}),
    ),
    "horseshoe of a scale": lambda: (
        bm.Model(prior=bm.ByPredictor(others={"sigma": bm.Horseshoe(scale=1.0)})),
        bm.Data(*rows(), predictors={"sigma": rows()[0][:, :1]}),
    ),
    "classes": lambda: (
        bm.Model(likelihood=bm.Categorical()),
        bm.Data(rows()[0], np.arange(40.0) % 3),
    ),
    "a network": lambda: (bm.Model(bm.MLP((2,)), bm.Gaussian(0.5)), bm.Data(*rows())),
}


@pytest.mark.parametrize("name", CASES)
def test_both_graphs_have_one_density_and_one_gradient(name: str) -> None:
    model, data = CASES[name]()
    problem = model.resolve(data)
    ours, theirs = build_of_row_sum(problem), build(problem)
    point = ours.initial_point()
    rng = np.random.default_rng(1)
    mode = "FAST_COMPILE"
    densities = [m.compile_logp(mode=mode) for m in (ours, theirs)]
    gradients = [m.compile_dlogp(mode=mode) for m in (ours, theirs)]
    differences = []
    for _ in range(3):
        at = {k: v + 0.3 * rng.standard_normal(np.shape(v)) for k, v in point.items()}
        one, other = (density(at) for density in densities)
        differences.append(float(one) - float(other))
        left, right = (gradient(at) for gradient in gradients)
        np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-7)
    # statistics count the weights' constants, rows that PyMC sees do not differ
    np.testing.assert_allclose(differences, differences[0], atol=1e-8)


def test_a_trace_of_the_extended_model_becomes_a_fit() -> None:
    import pymc as pm

    X, y = rows()
    model, data = bm.Model(), bm.Data(X, y)
    with to_pymc(model, data) as graph:
        pm.Potential("belief", -500.0 * (graph["weights"][0] - 0.6) ** 2)
        trace = pm.sample(1000, tune=1000, chains=4, random_seed=1, progressbar=False, cores=1)
    fit = from_pymc(model, data, trace)
    assert fit.kind == "sampled"
    assert fit.summary().loc["weights[x0]", "mean"] == pytest.approx(0.6, abs=0.03)
    mean = np.asarray(trace.posterior["weights"].mean(("chain", "draw")))
    np.testing.assert_allclose(fit.draws()["weights"].mean(axis=(0, 1)), mean)
    assert fit.predict(X[:3]).mean.shape == (3,)


@pytest.mark.filterwarnings("ignore::bayesml.ConvergenceWarning")  # few draws
def test_traces_that_do_not_fit_are_refused() -> None:
    X, y = rows()
    model, data = bm.Model(), bm.Data(X, y)
    fit = bm.fit(model, data, bm.NUTS(draws=50, tune=100, progress=False), rng=1)
    idata = fit.idata
    with pytest.raises(bm.DataError, match=r"no draws of \['sigma'\]"):
        from_pymc(model, data, _without(idata, "posterior", "sigma"))
    with pytest.raises(bm.DataError, match="posterior and sample_stats are needed"):
        from_pymc(model, data, idata.filter(lambda node: node.name != "sample_stats"))
    with pytest.raises(bm.DataError, match=r"weights has shape \(2,\) in the trace and \(1,\)"):
        from_pymc(model, bm.Data(X[:, :1], y), idata)


def _without(tree: Any, group: str, name: str) -> Any:
    import xarray as xr

    changed = tree.copy()
    changed[group] = xr.DataTree(tree[group].to_dataset().drop_vars(name))
    return changed
