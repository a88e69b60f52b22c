"""Kronecker factors of a network's curvature: where they are exact, and how far off elsewhere."""

import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest

import bayesml as bm
from bayesml.inference.networks import by_layers, factorised, memory
from bayesml.inference.networks.local import around, linearised
from bayesml.inference.networks.starts import setting_of
from bayesml.predictors import flat

FACTORS = bm.Laplace(curvature=bm.KroneckerFactored())
STATED = bm.Training(start=bm.Start())  # without the race between starts
LIKELIHOODS = [bm.Gaussian(sigma=0.3), bm.HeteroscedasticGaussian()]


def local(hidden, likelihood, rng, m=9, skip=False):
    """Return both views of a network at a random point, and precisions of its groups."""
    data = bm.Data(rng.normal(size=(9, 2)), rng.normal(size=9))
    setting = setting_of(bm.Model(bm.MLP(hidden, skip=skip), likelihood).resolve(data))
    rows = replace(setting.rows, w=rng.uniform(0.5, 2.0, 9)).of_rows(np.arange(m))
    x = rng.normal(size=flat.size(setting.shapes))
    groups = setting.hyperprior.groups
    precision = rng.uniform(0.3, 3.0, len(groups.names))[groups.members]
    noise = setting.scales.values
    both = (around(rows, n, x, noise) for n in (linearised, factorised.factorised))
    return *both, precision


@pytest.fixture
def wave(rng):
    X = rng.uniform(-2, 2, (80, 1))
    return bm.Data(X, np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=80))


def by_definition(full, rows, precision):
    """H of (M24), written out from the rows of the Jacobian and the activations."""
    network, shapes = rows.frame.predictor, rows.frame.shapes
    layers = network.layers(flat.split(full.x, shapes))
    entries = network.layers(flat.split(np.arange(full.x.size), shapes))
    H, a = np.diag(precision), rows.A
    m = rows.m
    for depth, ((W, b), (at_W, at_b)) in enumerate(zip(layers, entries, strict=True), start=1):
        beside = rows.A if network.skip and 1 < depth == len(layers) else np.empty((m, 0))
        a = np.column_stack([a, beside])
        inputs = np.column_stack([a, np.ones(m)])
        D, Lambda = full.rows.J[:, at_b], full.rows.weights[:, None]
        at = np.column_stack([at_W, at_b]).ravel()
        if depth < len(layers):
            G, A = (D * Lambda).T @ D, (inputs * rows.w[:, None]).T @ inputs / rows.w.sum()
            H[np.ix_(at, at)] += np.kron(G, A)
        else:
            J = full.rows.J[:, at]
            H[np.ix_(at, at)] += (J * Lambda).T @ J
        a = np.tanh(a @ W.T + b)
    return H


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize(
    ("hidden", "skip"), [((), False), ((3,), False), ((4, 3), False), ((4, 3), True)]
)
def test_factors_are_those_of_the_definition(hidden, skip, likelihood, rng, monkeypatch):
    monkeypatch.setattr(by_layers, "LAYERED", 4)
    full, factors, precision = local(hidden, likelihood, rng, skip=skip)
    H = by_definition(full, factors.rows, precision)
    regression = factors.regression(precision)
    np.testing.assert_allclose(regression.log_det, np.linalg.slogdet(H)[1], rtol=1e-10)
    expected = np.einsum("mp,pq,mq->m", full.rows.J, np.linalg.inv(H), full.rows.J)
    found = regression.covariance(full.rows.J[None])[:, 0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(factors.diagonal(), np.diag(H) - precision, rtol=1e-8)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda v: type(v).__name__)
def test_with_one_row_blocks_are_those_of_the_full_matrix(likelihood, rng):
    """Two outputs add their products for the hidden layer, so there it is one output that is."""
    full, factors, precision = local((3,), likelihood, rng, m=1)
    gram = (full.rows.J.T * full.rows.weights) @ full.rows.J + np.diag(precision)
    cut = 9 if full.rows.J.shape[0] == 1 else 0
    inverse = factors.regression(precision)
    for block in (slice(0, cut), slice(9, None)):
        g = np.zeros(len(precision))
        g[block] = rng.normal(size=g[block].size)
        expected = np.linalg.solve(gram[block, block], g[block])
        np.testing.assert_allclose(inverse.solve(g)[block], expected, rtol=1e-8)


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("hidden", [(), (3,), (4, 3)])
def test_steps_are_those_of_the_full_matrix_without_the_jacobian(
    hidden, likelihood, rng, monkeypatch
):
    monkeypatch.setattr(by_layers, "LAYERED", 4)
    monkeypatch.setattr(factorised, "RESIDUAL", 1e-12)
    monkeypatch.setattr(factorised, "PRODUCTS", 1000)
    full, factors, precision = local(hidden, likelihood, rng)
    J, g, u = full.rows.J, rng.normal(size=full.x.size), rng.normal(size=len(full.rows.J))
    np.testing.assert_allclose(factors.pushed(g), J @ g, rtol=1e-10)
    np.testing.assert_allclose(factors.pulled(u), u @ J, rtol=1e-10, atol=1e-12)
    kernel = by_layers.tangent_kernel(factors.rows, full.x, precision)
    np.testing.assert_allclose(kernel, J / precision @ J.T, rtol=1e-10, atol=1e-12)
    expected = np.linalg.solve((J.T * full.rows.weights) @ J + np.diag(precision), g)
    for most in (8000, 0):
        monkeypatch.setattr(factorised, "MOST_OUTPUTS", most)
        np.testing.assert_allclose(factors.solve(g, precision), expected, rtol=1e-6)


def test_a_row_of_weight_two_is_the_row_twice(rng):
    _, once, precision = local((3,), bm.Gaussian(sigma=0.3), rng, m=4)
    weighed = replace(once.rows, w=np.array([2.0, 1, 1, 1]))
    twice = replace(once.rows.of_rows(np.array([0, 0, 1, 2, 3])), w=np.ones(5))
    near = factorised.factorised
    each = [around(rows, near, once.x, {"sigma": 0.3}) for rows in (weighed, twice)]
    a, b = (local.regression(precision) for local in each)
    assert a.log_det == pytest.approx(b.log_det, rel=1e-12)


def test_other_noise_rescales_the_factors_or_makes_them_anew(rng):
    _, here, precision = local((3,), bm.Gaussian(sigma=0.3), rng)
    for information in (here.information * 2.5, rng.uniform(1, 2, 9)):
        anew = factorised.factorised(here.rows, here.x, here.eta, information)
        expected = anew.regression(precision)
        again = here.reweighted(information).regression(precision)
        assert again.log_det == pytest.approx(expected.log_det, rel=1e-12)


@pytest.mark.parametrize("likelihood", [bm.Gaussian(), bm.HeteroscedasticGaussian()])
def test_without_hidden_layers_it_is_the_full_matrix(likelihood, rng):
    X = rng.normal(size=(50, 3))
    data = bm.Data(X, X @ [1.0, 0.0, 2.0] + 0.3 * rng.normal(size=50))
    model = bm.Model(bm.MLP(hidden=()), likelihood)
    with warnings.catch_warnings():  # the full matrix alone is checked for its Gaussian shape
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        full, factors = (bm.fit(model, data, method, rng=0) for method in (bm.Laplace(), FACTORS))
        new = rng.normal(size=(5, 3))
        a, b = factors.predict(new), full.predict(new)
    assert factors.log_evidence == pytest.approx(full.log_evidence, abs=1e-6)
    for name in ("mean", "sd", "epistemic_sd"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-6)


def test_uncertainty_is_near_that_of_the_full_matrix_and_grows_off_the_data(wave):
    fit, full = (
        bm.fit(bm.Model(bm.MLP((10, 10)), bm.Gaussian()), wave, method, rng=1)
        for method in (FACTORS, bm.Laplace())
    )
    grid = np.linspace(-2, 2, 41)[:, None]
    ratio = fit.predict(grid).epistemic_sd / full.predict(grid).epistemic_sd
    assert np.all((ratio > 0.75) & (ratio < 2.5))  # of two modes, each the best of its own race
    inside, outside = fit.predict([[0.5], [8.0]]).epistemic_sd
    assert outside > 5 * inside
    assert fit.predict(wave.X).mean == pytest.approx(np.sin(2 * wave.X[:, 0]), abs=0.2)
    assert fit.check().passed


def test_memory_decides_and_the_result_says_why(wave, monkeypatch):
    model, method = bm.Model(bm.MLP((6,))), bm.Laplace(training=STATED)
    assert "because" not in bm.fit(model, wave, method, rng=0).explanation
    monkeypatch.setattr(memory, "MEMORY", 10_000)
    fit = bm.fit(model, wave, method, rng=0)
    # 19² (80 + 19), and 8 bytes of two Jacobians of 80 × 19 and three matrices of 19 × 19
    assert fit.explanation.endswith(
        "Kronecker factors, because the full matrix would need 4e+04 multiplications a step and "
        "3.3e-05 GB"
    )
    assert "evidence of the Kronecker factors" in fit.explanation
    assert (
        fit.log_evidence
        < bm.fit(model, wave, replace(method, curvature=bm.FullCurvature()), rng=0).log_evidence
    )
    monkeypatch.setattr(memory, "MEMORY", 1e9)
    monkeypatch.setattr(memory, "OPERATIONS", 1e4)
    assert "evidence of the Kronecker" in bm.fit(model, wave, method, rng=0).explanation
    monkeypatch.setattr(memory, "MEMORY", 1000)
    fit = bm.fit(model, wave, method, rng=0)
    assert fit.explanation.endswith("and Kronecker factors 4.1e-06 GB")
    assert "LBFGS" in fit.explanation
    assert "last layer" in fit.explanation


@pytest.mark.parametrize(
    "method",
    [bm.MAP(), bm.MLE(), bm.Langevin(chains=1, steps=400, thin=10, start=bm.Start())],
    ids=repr,
)
def test_other_methods_train_large_networks_too(method, wave, monkeypatch):
    monkeypatch.setattr(memory, "MEMORY", 10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.ConvergenceWarning)
        fit = bm.fit(bm.Model(bm.MLP((6,))), wave, method, rng=0)
        assert fit.predict(wave.X).mean == pytest.approx(np.sin(2 * wave.X[:, 0]), abs=0.3)


def test_nothing_as_large_as_the_matrix_is_formed():
    """It has p² numbers, five hundred times as many as are allowed here."""
    _, here, _ = local((100, 100), bm.Gaussian(sigma=0.3), np.random.default_rng(0))
    p = here.x.size
    tracemalloc.start()
    here.solve(np.ones(p), np.ones(p))
    regression = here.regression(np.ones(p))
    regression.inverse_diagonal()
    regression.solve(np.ones(p))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 8 * p


def test_a_curvature_that_is_none_is_refused():
    with pytest.raises(bm.IncompatibleModelError, match="got True"):
        bm.Laplace(curvature=True)
