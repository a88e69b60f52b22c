"""Leave-one-out in closed form against refits without the row, and against PSIS."""

import numpy as np
import pytest

import bayesml as bm
from bayesml.data import Block
from tests.agreement.problems import made

PRIOR = bm.Independent(bm.Normal(1.0, 2.0), bm.Normal(5.0, 20.0))
MODELS = [
    bm.Model(bm.Linear(), bm.Gaussian(bm.HalfCauchy(2.0)), PRIOR),
    bm.Model(bm.Linear(), bm.Gaussian(1.5), PRIOR),
    bm.Model(bm.Linear(), bm.Gaussian(bm.Exponential(0.5)), bm.Flat()),
    bm.Model(bm.Linear(intercept=False), bm.Gaussian(bm.Flat()), bm.Flat()),
]
CONJUGATE = bm.Model(
    bm.Linear(intercept=False), bm.Gaussian(), bm.NormalInverseGamma(0.0, 2.0, 2.0, 3.0)
)


def without(data: bm.Data, row: int) -> bm.Data:
    """Take one copy of a row out: of weight one, or all there is."""
    w = data.row_weights.copy()
    w[row] -= min(w[row], 1.0)
    return bm.Data(data.X[w > 0], data.y[w > 0], observation_weights=w[w > 0])


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_refits_give(model: bm.Model, weighted: bool) -> None:
    """The centred intercept's prior stands at the mean of all rows, so its origin is fixed."""
    data = made(m=15, n=2)
    X = np.asarray(data.X) - np.asarray(data.X).mean(axis=0)
    w = np.linspace(0.5, 2.0, 15) if weighted else None
    if isinstance(model.prior, bm.Independent):
        prior = bm.Independent(model.prior.weights, model.prior.intercept, "original")
        model = bm.Model(model.predictor, model.likelihood, prior)
    data = bm.Data(X, np.asarray(data.y), observation_weights=w)
    found = bm.fit(model, data).leave_one_out()
    for row in range(15):
        refit = bm.fit(model, without(data, row)).predict(X[row : row + 1])
        assert found.log_density[row] == pytest.approx(refit.log_prob(data.y[row])[0], abs=1e-11)
        assert found.mean[row] == pytest.approx(refit.mean[0], rel=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
def test_conjugate_is_what_refits_give(weighted: bool) -> None:
    data = made(m=12, n=2)
    X = np.asarray(data.X) - np.asarray(data.X).mean(axis=0)
    w = np.linspace(0.4, 2.6, 12) if weighted else None
    data = bm.Data(X, np.asarray(data.y), observation_weights=w)
    found = bm.fit(CONJUGATE, data).leave_one_out()
    for row in range(12):
        refit = bm.fit(CONJUGATE, without(data, row)).predict(X[row : row + 1])
        assert found.log_density[row] == pytest.approx(refit.log_prob(data.y[row])[0], abs=1e-11)
        assert found.mean[row] == pytest.approx(refit.mean[0], rel=1e-11)


@pytest.mark.parametrize("model", [*MODELS[:2], CONJUGATE], ids=repr)
def test_a_weight_is_so_many_rows(model: bm.Model) -> None:
    """Rows of weight zero are not there, and the outlier among them is nobody's neighbour."""
    data = made(m=12, n=2)
    X, y = np.asarray(data.X) - np.asarray(data.X).mean(axis=0), np.asarray(data.y).copy()
    y[3] += 1e6
    y[5] += 30.0
    w = np.array([2, 1, 3, 0] * 3)
    if isinstance(model.prior, bm.Independent):
        prior = bm.Independent(model.prior.weights, model.prior.intercept, "original")
        model = bm.Model(model.predictor, model.likelihood, prior)
    weighted = bm.fit(model, bm.Data(X, y, observation_weights=w)).leave_one_out()
    repeated = bm.fit(model, bm.Data(np.repeat(X, w, axis=0), np.repeat(y, w))).leave_one_out()
    there = np.flatnonzero(w)
    np.testing.assert_array_equal(weighted.rows, there)
    np.testing.assert_array_equal(weighted.weights, w[there])
    first = (np.cumsum(w) - w)[there]
    np.testing.assert_allclose(weighted.log_density, repeated.log_density[first], rtol=1e-11)
    np.testing.assert_allclose(weighted.mean, repeated.mean[first], rtol=1e-11)
    np.testing.assert_allclose(weighted.leverage, w[there] * repeated.leverage[first], rtol=1e-10)
    assert weighted.elpd == pytest.approx(repeated.elpd, rel=1e-12)
    assert weighted.standard_error == pytest.approx(repeated.standard_error, rel=1e-12)
    terms = repeated.log_density
    assert repeated.standard_error == pytest.approx(np.sqrt(len(terms) * np.var(terms)), rel=1e-12)


def test_a_second_copy_determines_what_the_first_did() -> None:
    """All copies have leverage one, and leaving one of them out leaves the other."""
    X = np.zeros((8, 1))
    X[3] = 1.0
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(5)), bm.Flat())
    y, w = np.arange(8.0), np.array([1, 1, 1, 2, 1, 1, 1, 1])
    found = bm.fit(model, bm.Data(X, y, observation_weights=w)).leave_one_out()
    assert found.leverage[3] == pytest.approx(1.0, rel=1e-12)
    refit = bm.fit(model, bm.Data(X, y)).predict(X[3:4])
    assert found.log_density[3] == pytest.approx(refit.log_prob(3.0)[0], abs=1e-11)


def test_rows_are_numbered_through_blocks() -> None:
    data = made(m=12, n=2)
    X, y, w = np.asarray(data.X), np.asarray(data.y), np.array([1.0, 0.0, 2.0] * 4)
    fit = bm.fit(MODELS[0], bm.Data(X, y, observation_weights=w))
    blocks = [Block(X[:5], y[:5], w[:5]), Block(X[5:], y[5:], w[5:])]
    found = fit.learned.posterior.leave_one_out(blocks)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(w))
    np.testing.assert_allclose(found.log_density, fit.leave_one_out().log_density, rtol=1e-14)


def test_others_that_say_too_little_of_sigma_are_refused() -> None:
    """Three rows around a line under flat priors leave a tail of σ that has no integral."""
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.Flat()), bm.Flat())
    fit = bm.fit(model, bm.Data([[0.0], [1.0], [2.5], [4.0]], [1.0, 2.0, 3.0, 7.0]))
    with pytest.raises(bm.ImproperPosteriorError, match="without row 0"):
        fit.leave_one_out()


def test_others_that_fit_without_scatter_are_refused() -> None:
    """What one row says of the slope leaves no squares: their difference is rounding."""
    model = bm.Model(bm.Linear(intercept=False), bm.Gaussian(bm.HalfNormal(1.0)), bm.Flat())
    with pytest.raises(bm.ConvergenceError, match="Row 0, y = 1, lies so far"):
        bm.fit(model, bm.Data([[1.0], [2.0]], [1.0, 3.0])).leave_one_out()


def test_psis_agrees() -> None:
    az = pytest.importorskip("arviz")
    fit = bm.fit(bm.Model(), made(m=60), rng=1)
    loo = az.loo(fit.to_datatree(log_likelihood=True, draws=4000))
    assert loo.elpd == pytest.approx(fit.leave_one_out().elpd, abs=0.1)


def test_leverages_are_the_hat_matrix() -> None:
    data = made(m=30, n=3)
    A = np.column_stack([np.ones(30), data.X])
    hat = np.einsum("ij,ji->i", A, np.linalg.pinv(A))
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(5)), bm.Flat())
    np.testing.assert_allclose(bm.fit(model, data).leave_one_out().leverage, hat, rtol=1e-9)


def test_a_row_that_alone_determines_a_coefficient_is_named() -> None:
    X = np.zeros((8, 1))
    X[3] = 1.0
    model = bm.Model(bm.Linear(), bm.Gaussian(bm.HalfNormal(5)), bm.Flat())
    fit = bm.fit(model, bm.Data(X, np.arange(8.0)))
    with pytest.raises(bm.ImproperPosteriorError, match="Row 3"):
        fit.leave_one_out()


def test_points_have_none() -> None:
    with pytest.raises(bm.IncompatibleModelError, match=r"az\.loo"):
        bm.fit(bm.Model(), made(), bm.MLE()).leave_one_out()
